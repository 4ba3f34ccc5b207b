"""Inspect: up to four runs side by side. This page says which; all else is the inspector's."""

import streamlit as st

from app.components.stage import stage
from app.links import MOST_RUNS
from app.naming import run_names
from app.projections import projections
from app.reading import comparable, every_run
from app.words import verbatim
from bcl_core.lab import Run
from bcl_core.recipe import Recipe

DEFAULT_RUNS = 3
OLD_PARAMETERS = ("run", "other")


def _page() -> None:
    title, menu = st.columns([1, 5], vertical_alignment="bottom")
    title.title("Inspect")
    known = {run.id: run for run in every_run()}
    found = {run_id: run for run_id, run in known.items() if run.readable}
    _name_the_others(known)
    if not found:
        st.info("There is no run to look at yet.")
        st.page_link("screens/train.py", label="Train three runs", icon=":material/play_circle:")
        return
    with menu:
        chosen = _choose(found)
    if chosen:
        stage(chosen, key="stage")
        projections(chosen)
    else:
        st.info("Choose a run to look at.")


def _choose(found: dict[str, Run]) -> list[Run]:
    key = "inspect/runs"
    wanted = _wanted()
    known = [run_id for run_id in wanted if run_id in found]
    before = [run_id for run_id in st.session_state.get(key, []) if run_id in found]
    st.session_state[key] = before or known or [run.id for run in _newest(list(found.values()))]
    names = run_names(list(found.values()))
    ids = st.multiselect(
        "Runs",
        list(found),
        max_selections=MOST_RUNS,
        key=key,
        format_func=names.__getitem__,
        placeholder="Choose up to four runs",
        label_visibility="collapsed",
    )
    return [found[run_id] for run_id in ids]


def _name_the_others(known: dict[str, Run]) -> None:
    """Name the runs that the address asks for and that cannot be shown."""
    for run_id in _wanted():
        run = known.get(run_id)
        if run is None:
            st.warning(f"The link names a run that is not in this lab ({run_id[:64]}); it may have been deleted.")
        elif not run.readable:
            st.error(f"**{verbatim(run.name)}** cannot be read: {verbatim(run.error or '')}")


def _wanted() -> list[str]:
    """Return the runs that the address names; it is the inspector that keeps it up to date."""
    query = st.query_params
    if "runs" in query:
        return [run_id for run_id in query["runs"].split(".") if run_id][:MOST_RUNS]
    return [query[name] for name in OLD_PARAMETERS if query.get(name, "none") != "none"]


def _newest(runs: list[Run]) -> list[Run]:
    """Return the first runs of the newest group that has an epoch to look at, those that contrast before the others."""
    started = comparable(runs) or runs
    group = [run for run in started if run.group_id == started[0].group_id]
    return sorted(group, key=_contrasts_nothing)[:DEFAULT_RUNS]


def _contrasts_nothing(run: Run) -> bool:
    return isinstance(run.recipe, Recipe) and not run.recipe.loss.contrastive


_page()
