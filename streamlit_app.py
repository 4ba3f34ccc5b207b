"""The app: `streamlit run streamlit_app.py`."""

import streamlit as st
from starlette.middleware import Middleware

from app.routes import lifespan, routes
from app.routes.guard import Guard

app = st.App("app/main.py", routes=routes(), lifespan=lifespan, middleware=[Middleware(Guard)])
