"""The app: `streamlit run streamlit_app.py`."""

import streamlit as st

from app.routes import lifespan, routes

app = st.App("app/main.py", routes=routes(), lifespan=lifespan)
