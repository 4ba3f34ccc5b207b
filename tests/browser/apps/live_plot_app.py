"""Served by test_live_plot: our routes around the page that draws the figures."""

import streamlit as st

from app.routes import routes

app = st.App("live_plot_page.py", routes=routes())
