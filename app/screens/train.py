"""Train: queue a race of losses and watch it. The worker trains; this page only reads the lab and steers."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import streamlit as st

from app import controls, panels, reading
from app.components.live_plot import live_plot
from app.links import lab_link
from app.naming import group_names
from app.reading import Group, comparable, groups, notice_dead_recorders, the_lab, trained_here
from app.rows import in_rows
from app.steering import attempt, demand
from app.switches import dims_switch
from app.verbs import Refused
from app.words import duration, listed, verbatim
from app.worker_line import worker_line
from bcl_core.lab import Run, SnapshotError
from bcl_core.recipe import PRESETS, RACES, Execution, Recipe, RecipeError, apply_settings

RUNS_A_ROW = 3
MAX_NAMES_LENGTH = 600
STATE_ICONS = {
    "queued": ":material/hourglass_empty:",
    "running": ":material/play_arrow:",
    "paused": ":material/pause:",
    "finished": ":material/check:",
    "stopped": ":material/stop:",
    "failed": ":material/error:",
}


def _page() -> None:
    st.title("Train")
    found = groups()
    _new_race(unfolded=not found)
    if not found:
        st.info("Nothing has been trained yet. The button above starts the runs of a race side by side.")
        return
    group = _choose_group(found)
    st.fragment(_live, run_every=_pace(group))(group.id, pace=_pace(group))


def _new_race(*, unfolded: bool) -> None:
    with st.expander("New race", expanded=unfolded):
        what, seed, button = st.columns([9, 2, 3], vertical_alignment="bottom")
        race = what.selectbox(
            "Race", list(RACES), format_func=lambda key: RACES[key].title, key="race", bind="query-params"
        )
        recipes = [PRESETS[name].recipe for name in RACES[race].presets]
        first = recipes[0]
        chosen_seed = seed.number_input("Seed", 0, 2**31 - 1, 0, key="seed", bind="query-params")
        st.caption(RACES[race].description)
        where = st.container()
        with st.expander("Change the recipe (for every run of the race)"):
            changed = controls.recipe_controls(first, controls.alike(recipes, "loss.anchors", "seed"), key=race)
        source = str(changed.get("data.source", first.data.source))
        with where:
            paths = controls.data_paths("train", source)
        pressed = button.button("Train", type="primary", icon=":material/play_arrow:", width="stretch")
    if pressed:
        _enqueue(race, {**changed, **paths, "seed": chosen_seed})


def _enqueue(race: str, settings: dict[str, Any]) -> None:
    try:
        execution = Execution()
        runs = []
        for name in RACES[race].presets:
            recipe, execution = apply_settings(PRESETS[name].recipe, Execution(), settings)
            runs.append({"name": f"{recipe.title}, seed {recipe.seed}", "recipe": recipe})
        name = f"{RACES[race].title}, seed {settings['seed']}"
        queued = demand("train", name=name, runs=runs, execution=execution)
    except (RecipeError, Refused) as error:
        st.error(f"Nothing was queued: {error}")
        return
    st.query_params["group"] = queued["group"]
    st.session_state.pop("group", None)
    st.rerun()


def _choose_group(found: list[Group]) -> Group:
    by_id = {group.id: group for group in found}
    wanted = st.query_params.get("group")
    if wanted is not None and wanted not in by_id:
        st.warning(f"The link names a group that is not in this lab ({wanted[:64]}); it may have been deleted.")
    ids = list(by_id)
    if st.session_state.get("group") not in by_id:
        st.session_state["group"] = wanted if wanted in by_id else ids[0]
    names = group_names([run for group in found for run in group.runs])
    chosen = st.selectbox("Group", ids, format_func=names.__getitem__, key="group")
    st.query_params["group"] = chosen
    return by_id[chosen]


def _pace(group: Group) -> float | None:
    """Seconds between two looks: short until there is something to see, none when nothing moves any more."""
    if not group.active:
        return None
    return 2.0 if comparable(group.runs) else 0.25


def _live(group_id: str, *, pace: float | None) -> None:
    notice_dead_recorders()
    runs = tuple(the_lab().runs(group_id))
    group = Group(group_id, runs[0].group_name, runs) if runs else None
    if group is None:
        st.rerun()
    _group_controls(group)
    for run, column in in_rows(runs, RUNS_A_ROW):
        with column:
            _run_card(run, alone=len(runs) == 1)
    for left_out in sorted({run.provenance["left out"] for run in runs if "left out" in run.provenance}):
        st.warning(f"Files that cannot be read were left out: {_shortened(left_out)}")
    waiting = any(run.active for run in trained_here(runs))
    worker_line(waiting=waiting)
    started = comparable(runs)
    for run in started:
        if damaged := the_lab().unreadable_epochs(run.id):
            epochs = listed([str(epoch) for epoch in damaged])
            st.warning(f"What **{verbatim(run.name)}** measured at these epochs cannot be read: {epochs}.")
    if whole := [run for run in started if _whole(run)]:
        _pictures(panels.shown(whole))
    elif waiting:
        st.info("The first picture appears when the data are read and the untrained model is measured.")
    if _pace(group) != pace:
        st.rerun()  # only a rerun of the whole page can change how often this part looks


def _whole(run: Run) -> bool:
    """Whether the run's files can be drawn from; where not, say which cannot."""
    try:
        reading.samples(run.id)
        reading.view(run.id, run.epoch or 0)
    except SnapshotError as error:
        st.error(f"{verbatim(run.name)} is not drawn: {error}")
        return False
    return True


def _group_controls(group: Group) -> None:
    trained = trained_here(group.runs)
    with st.container(horizontal=True, vertical_alignment="center"):
        if trained:
            _verbs(group.id, trained)
        left = [run.seconds_left for run in trained if run.active]
        if left and all(seconds is not None for seconds in left):
            st.caption(f"about {duration(sum(filter(None, left)))} left for the group")
        if comparable(group.runs):
            lab_link(comparable(group.runs))


def _verbs(target: str, runs: Sequence[Run], *, compact: bool = False) -> None:
    """Pause, step, resume and stop, for a run or a group; disabled where they would change nothing."""
    active = any(run.active for run in runs)
    moving = any(run.wants_to_train for run in runs)
    held = any(run.run_until is not None if run.active else run.state != "finished" for run in runs)
    for label, icon, verb, enabled in (
        ("Pause", "pause", "pause", moving),
        ("Step one epoch", "skip_next", "step", active),
        ("Resume", "play_arrow", "resume", held),
        ("Stop", "stop", "stop", active),
    ):
        st.button(
            "" if compact else label,
            icon=f":material/{icon}:",
            key=f"{verb}/{target}",
            help=label if compact else None,
            disabled=not enabled,
            on_click=attempt,
            args=(verb,),
            kwargs={"target": target},
        )


def _run_card(run: Run, *, alone: bool) -> None:
    with st.container(border=True):
        st.markdown(f"**{run.recipe.title}**")
        if not run.readable:
            st.error(f"**{verbatim(run.name)}** cannot be read: {verbatim(run.error or '')}")
            return
        if not trained_here([run]):
            st.caption(_recorded(run))
            return
        st.progress(
            run.progress, f"{STATE_ICONS[run.state]} {run.state} · epoch {run.epoch or 0} of {run.recipe.epochs}"
        )
        if run.note and run.active:
            st.caption(f":material/hourglass_top: {run.note}")
        if run.error:
            st.error(run.error)
        if not alone:
            with st.container(horizontal=True):
                _verbs(run.id, (run,), compact=True)


def _recorded(run: Run) -> str:
    """Say how far a recording has come; a plan of its epochs may be known or not."""
    last = "no epoch yet" if run.epoch is None else f"last epoch {run.epoch}"
    if run.active:
        return f":material/radio_button_checked: being recorded from other code · {last}"
    broken = ", which broke off" if run.state == "stopped" else ""
    return f":material/inventory_2: recorded from other code{broken} · {last}"


def _pictures(runs: tuple[panels.Shown, ...]) -> None:
    st.markdown(panels.headline(runs))
    angles, bars = st.columns(2)
    with angles:
        live_plot(panels.formation(runs), key="formation", height=380)
        st.caption(panels.formation_note(runs))
    with bars:
        _accuracy_bars(tuple(run for run in runs if _has(run, "accuracy_per_class")))
    st.caption(panels.space_note(runs))
    loss, accuracy = st.columns(2)
    with loss:
        _curves(runs, "loss", title="Training loss: compare shapes only", y_title="loss, nats")
    with accuracy:
        _curves(runs, "accuracy", title="Test accuracy", y_title="accuracy", percent=True)
    dims = dims_switch() if any(_has(run, "predictions") for run in runs) else 2
    for place, (run, column) in enumerate(in_rows(runs, RUNS_A_ROW)):
        with column:
            if _has(run, "predictions"):
                live_plot(panels.embedding(run, dims=dims), key=f"embedding/{dims}/{place}", height=440)
            else:
                st.info(f"No predictions of {run.label} were recorded; Inspect draws its embedding without them.")
            live_plot(panels.angle_map(run), key=f"angles/{place}", height=440)


def _has(run: panels.Shown, array: str) -> bool:
    """Whether the run's epochs hold this array; those of other code may lack it."""
    return array in reading.view(run.run_id, run.epoch)


def _accuracy_bars(runs: tuple[panels.Shown, ...]) -> None:
    if not runs:
        st.info("Nothing that was recorded says which class is predicted, so there is no accuracy to draw.")
    elif panels.same_classes(runs):
        live_plot(panels.accuracy_bars(runs), key="bars", height=380)
    else:
        st.info("These runs were trained on different classes, so their accuracy per class is not drawn together.")


def _curves(runs: tuple[panels.Shown, ...], metric: str, **titles: Any) -> None:
    """Draw a metric of the runs where it is known, or will be: training knows it after its first epoch."""
    known = tuple(
        run
        for run in runs
        if isinstance(reading.recipe(run.run_id), Recipe)
        or np.isfinite(reading.curves(run.run_id, run.epoch)[metric]).any()
    )
    if known:
        live_plot(panels.metric_curves(known, metric, **titles), key=metric, height=320)


def _shortened(text: str) -> str:
    return text if len(text) <= MAX_NAMES_LENGTH else f"{text[:MAX_NAMES_LENGTH].rpartition(', ')[0]} and more."


_page()
