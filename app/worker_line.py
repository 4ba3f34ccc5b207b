"""One line about the worker, with its log one click away and a button that stops it."""

import streamlit as st

from app.deeds import attempt
from app.runs import the_lab
from app.words import verbatim
from bcl_core.lab import worker_log, worker_status


def worker_line(*, waiting: bool) -> None:
    """Say whether the worker lives; where runs wait for one in vain, say why and offer to start it."""
    status = worker_status(the_lab())
    with st.container(horizontal=True, vertical_alignment="center"):
        if status.alive:
            st.caption(f":material/bolt: worker {status.pid or ''} is alive")
            st.button("Stop worker", key="stop-worker", type="tertiary", on_click=attempt, args=("stop-worker",))
        elif status.failure:
            st.error(f"The worker cannot start: {verbatim(status.failure)}")
        else:
            st.caption(":material/bedtime: no worker is running; training starts one")
        if waiting and not status.alive:
            st.button("Start worker", key="start-worker", type="tertiary", on_click=attempt, args=("start-worker",))
        if st.button("Worker log", key="worker-log", type="tertiary"):
            _show_log()


@st.dialog("Worker log", width="large")
def _show_log() -> None:
    st.code(worker_log(the_lab()) or "The log is empty.", language=None, height=420)
