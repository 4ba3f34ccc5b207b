"""Lab: up to five runs on one stage, live or stored. This page says which; all else is the stage's."""

from collections.abc import Sequence

import streamlit as st

from app import classroom, guests
from app.components.stage import stage
from app.deeds import attempt
from app.opened import show, shown, times
from app.races import MOST_RUNS
from app.roles import role_here, told_here
from app.runs import comparable, every_run
from app.screens.new_race import new_race
from app.verbs import allowed
from app.words import verbatim
from bcl_core.lab import Run
from bcl_core.lab.names import group_names, run_names
from bcl_core.recipe import PRESETS, RACES, Recipe
from bcl_core.registry import DATASETS

SEEN, STARTED = "lab/new", "lab/start"
LED = "led"  # by a presenter: see classroom.js
OLD_PARAMETERS = ("run", "other")
OLD_RACE = ("race", "source")


def _page() -> None:
    known = {run.id: run for run in every_run()}
    wanted = _wanted(known)
    chosen = [run for run_id in wanted if (run := known.get(run_id)) and run.readable][:MOST_RUNS]
    chosen = chosen or _newest([run for run in known.values() if run.readable])
    with st.container(horizontal=True, vertical_alignment="center"):
        may_train = "train" in allowed(role_here())
        if may_train:
            _offer_a_race()
        elif classroom.ROOM.races:
            _offer_to_viewers()
        with st.popover("Runs", icon=":material/checklist:"):
            _choose(known, chosen)
        if not may_train and not classroom.ROOM.races:  # the button may have been there, before the server began anew
            st.caption("Viewers start no races now.", width="content")
        st.html('<h1 class="bcl-unseen">Lab</h1>')  # the bar above says so to those who see it
    _name_the_others(known, wanted)
    for run in chosen:
        if run.missing:
            st.info(f"**{verbatim(run.name)}** is shown as it was recorded; {verbatim(told_here(run.missing))}.")
    if chosen:
        stage(chosen, chosen_times=times(), key="stage")
    else:
        st.info("There is no run to look at yet. *New race* trains some.")


def _wanted(known: dict[str, Run]) -> list[str]:
    """Return the runs that were chosen on this page, until the stage has put them into the address; else its runs."""
    address = st.query_params.get("runs", "")
    if (opened := shown(f"{address} {st.query_params.get(LED, '')}")) is not None:
        return opened
    if group := st.query_params.get("group"):
        return [run.id for run in known.values() if run.group_id == group] or [group]
    if address:
        return list(dict.fromkeys(filter(None, address.split("."))))
    return [st.query_params[name] for name in OLD_PARAMETERS if st.query_params.get(name, "none") != "none"]


def _offer_a_race() -> None:
    if st.button("New race", icon=":material/add:", type="primary"):
        new_race()
    elif _asks_for_a_race():
        new_race(_race_asked())


def _offer_to_viewers() -> None:
    known = guests.offered()
    st.menu_button(
        "Start a race",
        list(known),
        format_func=known.__getitem__,
        key=STARTED,
        icon=":material/add:",
        help="It waits until nothing of the teacher's does; one that is there already is shown. "
        "Whoever follows the teacher looks around from then on.",
        on_click=_start,
    )


def _start() -> None:
    if started := attempt("start-race", race=st.session_state[STARTED]):
        show(started["runs"])


def _asks_for_a_race() -> bool:
    """Whether the address asks for a new race, the first time that it does."""
    asked = next((st.query_params[name] for name in ("new", *OLD_RACE) if name in st.query_params), None)
    is_new = asked is not None and asked != st.session_state.get(SEEN)
    st.session_state[SEEN] = asked
    return is_new


def _race_asked() -> str | None:
    """Return which race the address asks for, by its name or, as older addresses do, by its title or its data set's."""
    wanted = {st.query_params[name] for name in ("new", *OLD_RACE) if name in st.query_params}
    titles = {
        key: {key, race.title, DATASETS[PRESETS[race.presets[0]].recipe.data.source].title}
        for key, race in RACES.items()
    }
    return next((key for key, known in titles.items() if known & wanted), None)


def _choose(known: dict[str, Run], chosen: Sequence[Run]) -> None:
    found = [run for run in known.values() if run.readable]
    groups = group_names(found)

    def open_group() -> None:
        if group := st.session_state["lab/group"]:
            show([run.id for run in found if run.group_id == group][:MOST_RUNS])
            st.session_state["lab/group"] = None

    st.selectbox(
        "A whole race",
        list(groups),
        index=None,
        format_func=groups.__getitem__,
        key="lab/group",
        placeholder="Choose a race",
        on_change=open_group,
    )
    names = run_names(found)
    st.session_state["lab/runs"] = [run.id for run in chosen]
    st.multiselect(
        "Or run by run",
        list(names),
        max_selections=MOST_RUNS,
        key="lab/runs",
        format_func=names.__getitem__,
        on_change=lambda: show(st.session_state["lab/runs"]),
    )


def _name_the_others(known: dict[str, Run], wanted: Sequence[str]) -> None:
    """Name the runs that were asked for and that cannot be shown."""
    readable = [run_id for run_id in wanted if run_id in known and known[run_id].readable]
    if len(readable) > MOST_RUNS:
        st.warning(f"The link names {len(readable)} runs; the first {MOST_RUNS} are shown.")
    for run_id in wanted:
        run = known.get(run_id)
        if run is None:
            st.warning(
                f"The link names a run that is not in this lab ({verbatim(run_id[:64])}); it may have been deleted."
            )
        elif not run.readable:
            st.error(f"**{verbatim(run.name)}** cannot be read: {verbatim(told_here(run.error or ''))}")


def _newest(runs: list[Run]) -> list[Run]:
    """Return the runs of the newest group that is trained or has an epoch, those that contrast before the others."""
    worth = [run for run in runs if run.active] or comparable(runs) or runs
    group = [run for run in runs if run.group_id == worth[0].group_id] if worth else []
    return sorted(group, key=lambda run: isinstance(run.recipe, Recipe) and not run.recipe.loss.contrastive)[:MOST_RUNS]


_page()
