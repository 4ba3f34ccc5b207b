"""A side job on a page: shown while it runs, at a short pace, and when it has ended."""

from collections.abc import Callable

import streamlit as st

from app.runs import the_lab
from app.words import verbatim
from bcl_core.lab import jobs

PACE_SECONDS = 0.5


def watch(key: str, ended: Callable[[jobs.Job], None]) -> None:
    """Say what the job is busy with; when it is done or has failed, show `ended` of it."""
    state = jobs.look(the_lab(), key).state
    st.fragment(run_every=PACE_SECONDS if state == "running" else None)(_shown)(key, state, ended)


def _shown(key: str, state: str, ended: Callable[[jobs.Job], None]) -> None:
    job = jobs.look(the_lab(), key)
    if job.state != state:
        st.rerun()  # only a rerun of the whole page can change how often this part looks
    if job.state == "running":
        st.info(verbatim(job.progress) or "At work", icon=":material/hourglass_top:")
    elif job.state != "unknown":
        ended(job)


def press(key: str, *arguments: str) -> None:
    """Start a job anew at a press of a button, whatever became of it before; one that runs is left alone."""
    jobs.forget(the_lab(), key)
    if jobs.start(the_lab(), key, arguments).state == "unknown":
        st.toast("Two other jobs are at work; try again when one has ended.", icon=":material/hourglass_empty:")
