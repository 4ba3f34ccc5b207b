"""Entry of every page: title, navigation, and errors put into words.

The pages lie in `screens/`, since a folder named `pages` beside this file would make Streamlit open them by themselves.

Pandas is imported before anything else: Streamlit would do so while it draws, and a second page that is drawn at that
moment, in another thread, would find half of it.
"""

import logging
from pathlib import Path

import pandas  # noqa: F401 (see above)
import streamlit as st

from app.components.classroom import classroom
from app.roles import told_here
from app.runs import the_lab
from app.script import ONCE
from app.words import verbatim
from bcl_core.lab import LabError
from bcl_core.lab.faults import read_only
from bcl_core.registry import FAULTS

st.set_page_config(page_title="BCL Lab", page_icon="🔺", layout="wide")
st.html(Path(__file__).with_name("style.css"))

try:
    for fault in FAULTS:
        st.warning(verbatim(told_here(f"{fault}.")))
    if not the_lab().writable:
        st.info(told_here(read_only(the_lab().home)), icon=":material/lock:")
except LabError as error:
    st.error(verbatim(told_here(str(error))))
    st.stop()

page = st.navigation(
    {
        "": [
            st.Page("screens/start.py", title="Start", icon=":material/home:", default=True),
            st.Page("screens/learn.py", title="Learn", icon=":material/school:"),
            st.Page("screens/lab.py", title="Lab", icon=":material/science:"),
            st.Page("screens/library.py", title="Library", icon=":material/grid_view:"),
        ],
        "Evidence": [
            st.Page("screens/theory.py", title="Theory", icon=":material/menu_book:"),
            st.Page("screens/predict.py", title="Predict", icon=":material/functions:"),
            st.Page("screens/report.py", title="Report", icon=":material/fact_check:"),
            st.Page("screens/classroom.py", title="Class", url_path="class", visibility="hidden"),
        ],
    },
    position="top",
)
try:
    st.html(f"<script>{ONCE}</script>", unsafe_allow_javascript=True)
    classroom(key="classroom")
    page.run()
except LabError as error:
    st.error(verbatim(told_here(str(error))))
except Exception:  # Streamlit's own control flow is no Exception, and passes
    logging.getLogger(__name__).exception("the page failed: %s", page)
    st.error(
        "This page could not be drawn. Your runs are not affected; the terminal that started the app has the details."
    )
