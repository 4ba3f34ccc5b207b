"""Runs: everything in the lab, to be named, grouped, steered and deleted."""

import time

import streamlit as st

from app.deeds import attempt
from app.export_button import export_button
from app.import_form import import_form
from app.links import lab_link
from app.mend_line import mend_line
from app.record_form import recording_form
from app.runs import comparable, notice_dead_recorders, the_lab, trained_here
from app.words import ago, verbatim
from app.worker_line import worker_line
from bcl_core.lab import Run
from bcl_core.recipe import Recorded

st.title("Runs")


def _table(runs: list[Run]) -> list[Run]:
    # Another list of runs is another table: a selection by row must never pass to a run that nobody chose.
    ids = [run.id for run in runs]
    rows = [
        {
            "Group": run.group_name,
            "Name": run.name,
            "Loss": "other code" if isinstance(run.recipe, Recorded) else run.recipe.title,
            "State": run.state,
            "Epoch": f"{run.epoch or 0} / {run.recipe.epochs}",
            "Seed": run.recipe.seed,
            "Queued": ago(time.time() - run.created),
            "Id": run.id,
        }
        for run in runs
    ]
    chosen = st.dataframe(
        rows, on_select="rerun", selection_mode="multi-row", hide_index=True, key=f"runs/{hash(tuple(ids))}"
    )
    return [runs[row] for row in chosen.selection.rows if row < len(runs)]


def _attempt_each(verb: str, argument: str, ids: list[str]) -> None:
    for run_id in ids:
        attempt(verb, **{argument: run_id})


def _tools(chosen: list[Run]) -> None:
    ids = [run.id for run in chosen]
    with st.container(horizontal=True, vertical_alignment="bottom"):
        if len(chosen) == 1:
            name = st.text_input("Name", chosen[0].name, max_chars=80, key=f"name/{ids[0]}")
            st.button("Rename", on_click=attempt, args=("rename",), kwargs={"run": ids[0], "name": name})
        group = st.text_input("Group", chosen[0].group_name, max_chars=80, key=f"group/{'/'.join(ids)}")
        st.button("Put into this group", on_click=attempt, args=("group",), kwargs={"runs": ids, "name": group})
        if active := [run.id for run in trained_here(chosen) if run.active]:
            st.button("Stop", icon=":material/stop:", on_click=_attempt_each, args=("stop", "target", active))
        with st.popover("Delete", icon=":material/delete:"):
            names = ", ".join(verbatim(run.name) for run in chosen)
            st.markdown(f"Delete {names}? On the command line `restore` brings them back, for 30 days.")
            st.button("Delete", type="primary", on_click=attempt, args=("delete",), kwargs={"runs": ids})
    if len(chosen) == 1 and comparable(trained_here(chosen)):
        export_button(chosen[0])
    lab_link(chosen)


notice_dead_recorders()
mend_line()
runs = the_lab().runs()
if runs:
    st.caption("Tick rows to rename, group, open or delete them.")
    chosen = _table(runs)
    for run in runs:
        if not run.readable:
            st.error(f"**{verbatim(run.name)}** ({run.id}) cannot be read: {verbatim(run.error or '')}")
    if chosen:
        _tools(chosen)
else:
    st.info("There is no run yet.")
    st.page_link("screens/lab.py", label="Train a race", icon=":material/play_circle:", query_params={"new": "digits"})
import_form()
recording_form()
worker_line(waiting=any(run.active for run in trained_here(runs)))
