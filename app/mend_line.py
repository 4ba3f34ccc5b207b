"""A line where runs are listed: folders that the database does not know, and a button that enters them again."""

import streamlit as st

from app.deeds import attempt
from app.runs import the_lab


def mend_line() -> None:
    """Say how many run folders the database does not know, and offer to enter them; nothing where there are none."""
    count = len(the_lab().unknown_folders())
    if count:
        st.warning(unknown(count))
        st.button("Enter them again", icon=":material/healing:", on_click=attempt, args=("mend",))


def unknown(count: int) -> str:
    """Say that there are run folders that the database does not know."""
    are = "folder of a run is here that" if count == 1 else "folders of runs are here that"
    return f"{count} {are} the database does not know: it was lost, or is another one than before."
