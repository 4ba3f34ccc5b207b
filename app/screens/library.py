"""Library: every run there is, and what brings others here. What is listed and done with it is the component's."""

import streamlit as st

from app.components.library import library
from app.import_form import IMPORT, import_form
from app.mend_line import mend_line
from app.record_form import RECORD, recording_form
from app.roles import may, role_here
from app.runs import the_lab, trained_here
from app.shelf_dialogs import fetching_line, open_dialog
from app.worker_line import worker_line

OPENED = "library/opened"  # the command of the form that is open
FORMS = {form.command: (form, draw) for form, draw in ((IMPORT, import_form), (RECORD, recording_form))}


def _page() -> None:
    presents = may(role_here(), "presenter")
    with st.container(horizontal=True, vertical_alignment="center", key="library/head"):
        st.title("Library", width="content")
        if presents:
            _offer_more()
    if presents:
        _opened_form()
        mend_line()
        fetching_line()
    asked = library(key="library")
    if asked is not None and (presents or asked.what == "card"):
        open_dialog(asked.what, asked.run_id)


def _offer_more() -> None:
    """Draw what makes or brings runs, and the worker that trains them."""
    st.page_link(
        "screens/lab.py", label="New race", icon=":material/add:", query_params={"new": "digits"}, width="content"
    )
    for name, (form, _) in FORMS.items():
        st.button(form.title, icon=form.icon, on_click=_toggle, args=(name, name == _opened()))
    worker_line(waiting=any(run.active for run in trained_here(the_lab().active_runs())))


def _opened_form() -> None:
    if (opened := _opened()) is not None:
        with st.container(border=True, key="library/form"):
            FORMS[opened][1]()


def _opened() -> str | None:
    return next((name for name, (form, _) in FORMS.items() if form.wanted), st.session_state.get(OPENED))


def _toggle(name: str, is_open: bool) -> None:
    for other in FORMS:
        st.query_params.pop(other, None)
    st.session_state[OPENED] = None if is_open else name


_page()
