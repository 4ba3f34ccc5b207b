"""A page whose button opens New race, and that names the runs it left to be shown."""

from pathlib import Path

import streamlit as st

from app.opened import OPEN
from app.screens.new_race import new_race

st.set_page_config(layout="wide")
st.html(Path(__file__).parents[3] / "app" / "style.css")
st.title("Page")
if st.button("New race") or ("new" in st.query_params and OPEN not in st.session_state):
    new_race(st.query_params.get("new"))
st.text(f"{len(st.session_state.get(OPEN, []))} runs to show")
