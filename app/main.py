"""Entry of every page: title, navigation, and errors put into words."""

import streamlit as st

from app.reading import the_lab
from bcl_core.lab import LabError

st.set_page_config(page_title="BCL Lab", page_icon=":material/scatter_plot:", layout="wide")

try:
    the_lab()
except LabError as error:
    st.error(str(error))
    st.stop()

page = st.navigation(
    [
        st.Page("pages/start.py", title="Start", icon=":material/home:", default=True),
        st.Page("pages/train.py", title="Train", icon=":material/play_circle:"),
        st.Page("pages/inspect.py", title="Inspect", icon=":material/search:"),
        st.Page("pages/runs.py", title="Runs", icon=":material/list:"),
    ],
    position="top",
)
page.run()
