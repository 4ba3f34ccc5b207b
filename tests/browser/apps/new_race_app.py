"""The dialog New race alone, with the routes that its drawer asks."""

import streamlit as st

from app.routes import lifespan, routes

app = st.App("new_race_page.py", routes=routes(), lifespan=lifespan)
