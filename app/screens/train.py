"""Train: queue a race of losses and watch it. The worker trains; this page only reads the lab and steers."""

import os
from collections.abc import Callable

import streamlit as st

from app import controls, panels
from app.components.live_plot import live_plot
from app.reading import Group, comparable, groups, the_lab
from app.switches import dims_switch
from app.worker_line import worker_line
from bcl_core.lab import GroupPlan, LabError, Run, SnapshotError, ensure_worker
from bcl_core.recipe import PRESETS, RACES, Execution, RecipeError, apply_settings

RACE_VARIES = ("loss.name", "loss.anchors", "seed")
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
        st.info("Nothing has been trained yet. The button above starts three runs side by side.")
        return
    group = _choose_group(found)
    st.fragment(_live, run_every=_pace(group))(group.id, pace=_pace(group))


def _new_race(*, unfolded: bool) -> None:
    with st.expander("New race", expanded=unfolded):
        what, folder, seed, button = st.columns([5, 5, 2, 3], vertical_alignment="bottom")
        race = what.selectbox(
            "Race", list(RACES), format_func=lambda key: RACES[key].title, key="race", bind="query-params"
        )
        first = PRESETS[RACES[race].presets[0]].recipe
        path = None
        if controls.needs_path(first):
            path = folder.text_input(
                "Folder with train*.parquet and test*.parquet",
                os.environ.get("BCL_LAB_PARQUET", ""),
                key="data_path",
                placeholder="for example data/cifar10",
            )
        chosen_seed = seed.number_input("Seed", 0, 2**31 - 1, 0, key="seed", bind="query-params")
        st.caption(RACES[race].description)
        with st.expander("Change the recipe (for every run of the race)"):
            changed = controls.recipe_controls(first, fixed=RACE_VARIES, key=race)
        pressed = button.button("Train", type="primary", icon=":material/play_arrow:", width="stretch")
    if pressed:
        _enqueue(race, {**changed, "seed": chosen_seed}, path)


def _enqueue(race: str, settings: dict[str, object], path: str | None) -> None:
    try:
        execution = Execution()
        runs = []
        for name in RACES[race].presets:
            recipe, execution = apply_settings(
                PRESETS[name].recipe, Execution(), settings | ({"data.path": path} if path is not None else {})
            )
            runs.append((f"{recipe.title}, seed {recipe.seed}", recipe))
        lab = the_lab()
        run_ids = lab.enqueue(GroupPlan(f"{RACES[race].title}, seed {settings['seed']}", runs), execution)
        ensure_worker(lab)
    except (RecipeError, LabError, OSError) as error:
        st.error(f"Nothing was queued: {error}")
        return
    st.query_params["group"] = lab.run(run_ids[0]).group_id
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
    chosen = st.selectbox("Group", ids, format_func=lambda key: by_id[key].name, key="group")
    st.query_params["group"] = chosen
    return by_id[chosen]


def _pace(group: Group) -> float | None:
    """Seconds between two looks: short until there is something to see, none when nothing moves any more."""
    if not group.active:
        return None
    return 2.0 if comparable(group.runs) else 0.25


def _live(group_id: str, *, pace: float | None) -> None:
    runs = tuple(the_lab().runs(group_id))
    group = Group(group_id, runs[0].group_name, runs) if runs else None
    if group is None:
        st.rerun()
    _group_controls(group)
    columns = st.columns(len(runs))
    for column, run in zip(columns, runs, strict=True):
        with column:
            _run_card(run, alone=len(runs) == 1)
    worker_line(waiting=group.active)
    started = comparable(runs)
    if started:
        try:
            _pictures(panels.shown(started))
        except SnapshotError as error:
            st.error(str(error))
    elif group.active:
        st.info("The first picture appears when the data are read and the untrained model is measured.")
    if _pace(group) != pace:
        st.rerun()  # only a rerun of the whole page can change how often this part looks


def _group_controls(group: Group) -> None:
    with st.container(horizontal=True, vertical_alignment="center"):
        _verbs(group.id, group.runs)
        left = [run.seconds_left for run in group.runs if run.active]
        if group.active and left and all(seconds is not None for seconds in left):
            st.caption(f"about {_duration(sum(filter(None, left)))} left for the group")
        if comparable(group.runs):
            ids = [run.id for run in group.runs][:2]
            st.page_link(
                "screens/inspect.py",
                label="Inspect",
                icon=":material/search:",
                query_params=dict(zip(("run", "other"), ids, strict=False)),
            )


def _verbs(target: str, runs: tuple[Run, ...], *, compact: bool = False) -> None:
    """Pause, step, resume and stop, for a run or a group; disabled where they would change nothing."""
    lab = the_lab()
    active = any(run.active for run in runs)
    moving = any(run.wants_to_train for run in runs)
    held = any(run.run_until is not None if run.active else run.state != "finished" for run in runs)
    for label, icon, action, enabled in (
        ("Pause", "pause", lab.pause, moving),
        ("Step one epoch", "skip_next", lab.step, active),
        ("Resume", "play_arrow", lab.resume, held),
        ("Stop", "stop", lab.stop, active),
    ):
        st.button(
            "" if compact else label,
            icon=f":material/{icon}:",
            key=f"{action.__name__}/{target}",
            help=label if compact else None,
            disabled=not enabled,
            on_click=_act,
            args=(action, target),
        )


def _act(action: Callable[[str], None], target: str) -> None:
    try:
        action(target)
        if action.__name__ in ("step", "resume"):
            ensure_worker(the_lab())
    except (LabError, OSError) as error:
        st.toast(str(error), icon=":material/error:")


def _run_card(run: Run, *, alone: bool) -> None:
    with st.container(border=True):
        st.markdown(f"**{run.recipe.title}** {STATE_ICONS[run.state]} {run.state}")
        st.progress(run.progress, f"epoch {run.epoch or 0} of {run.recipe.epochs}")
        if run.error:
            st.error(run.error)
        if not alone:
            with st.container(horizontal=True):
                _verbs(run.id, (run,), compact=True)


def _pictures(runs: tuple[panels.Shown, ...]) -> None:
    st.markdown(panels.headline(runs))
    angles, bars = st.columns(2)
    with angles:
        live_plot(panels.formation(runs), key="formation", height=380)
        st.caption(panels.PREDICTION_NOTE)
    with bars:
        if panels.same_classes(runs):
            live_plot(panels.accuracy_bars(runs), key="bars", height=380)
        else:
            st.info("These runs were trained on different classes, so their accuracy per class is not drawn together.")
    loss, accuracy = st.columns(2)
    with loss:
        live_plot(
            panels.metric_curves(
                runs, "loss", title="Training loss (compare shapes, not heights)", y_title="loss, nats"
            ),
            key="loss",
            height=320,
        )
    with accuracy:
        figure = panels.metric_curves(runs, "accuracy", title="Test accuracy", y_title="accuracy", percent=True)
        live_plot(figure, key="accuracy", height=320)
    dims = dims_switch()
    for place, (column, run) in enumerate(zip(st.columns(len(runs)), runs, strict=True)):
        with column:
            live_plot(panels.embedding(run, dims=dims), key=f"embedding/{dims}/{place}", height=440)
            live_plot(panels.angle_map(run), key=f"angles/{place}", height=440)


def _duration(seconds: float) -> str:
    return f"{seconds:.0f} s" if seconds < 90 else f"{seconds / 60:.0f} min"


_page()
