"""Inspect: one or two runs at one epoch, and how they came there."""

import re

import streamlit as st

from app import panels
from app.components.live_plot import live_plot
from app.reading import comparable, the_lab
from app.switches import dims_switch, switch
from bcl_core.lab import Run, SnapshotError

NOTHING = "none"
Runs = tuple[panels.Shown, ...]


def _page() -> None:
    st.title("Inspect")
    found = {run.id: run for run in comparable(the_lab().runs())}
    if not found:
        st.info("There is no run to look at yet.")
        st.page_link("screens/train.py", label="Train three runs", icon=":material/play_circle:")
        return
    newest = [run_id for run_id, run in found.items() if run.group_id == next(iter(found.values())).group_id]
    first, second = st.columns(2)
    with first:
        one = _choose("Run", "run", list(found), newest[0], found)
    with second:
        other = _choose("Compare with", "other", [NOTHING, *found], newest[-1] if len(newest) > 1 else NOTHING, found)
    runs = [found[one]] + ([found[other]] if other not in (NOTHING, one) else [])
    epoch = _choose_epoch(runs)
    try:
        if not panels.same_classes(panels.shown(runs)):
            st.warning(
                "These runs have different classes or counts. The sentence and the simplex line are for the first."
            )
        st.markdown(panels.headline(panels.shown(runs, epoch)))
        _formation(panels.shown(runs))
        _embeddings(panels.shown(runs, epoch))
        _angles(panels.shown(runs, epoch))
        _gradients(panels.shown(runs, epoch))
    except SnapshotError as error:
        st.error(str(error))


def _choose(label: str, parameter: str, options: list[str], default: str, runs: dict[str, Run]) -> str:
    """Draw a menu whose choice lives in the URL."""
    key = f"inspect/{parameter}"
    wanted = st.query_params.get(parameter)
    if wanted is not None and wanted not in options:
        st.warning(f"The link names a run that is not in this lab ({wanted[:64]}); it may have been deleted.")
    if st.session_state.get(key) not in options:
        st.session_state[key] = wanted if wanted in options else default

    def name(run_id: str) -> str:
        return f"{runs[run_id].group_name} · {runs[run_id].name}" if run_id in runs else "—"

    chosen: str = st.selectbox(label, options, key=key, format_func=name)
    st.query_params[parameter] = chosen
    return chosen


def _choose_epoch(runs: list[Run]) -> int:
    last = max(run.epoch or 0 for run in runs)
    if last == 0:
        st.caption("Only epoch 0, before training, has been measured so far.")
        return 0
    wanted = st.query_params.get("epoch", "")
    if "inspect/epoch" not in st.session_state:
        st.session_state["inspect/epoch"] = int(wanted) if re.fullmatch(r"-?\d{1,9}", wanted) else last
    st.session_state["inspect/epoch"] = min(max(st.session_state["inspect/epoch"], 0), last)
    epoch: int = st.slider("Epoch (0 is before training)", 0, last, key="inspect/epoch")
    st.query_params["epoch"] = str(epoch)
    return epoch


def _formation(runs: Runs) -> None:
    left, right = st.columns(2, vertical_alignment="bottom")
    with left:
        live_plot(panels.formation(runs), key="inspect/formation", height=400)
        st.caption(panels.PREDICTION_NOTE)
    with right:
        metric = st.selectbox(
            "Over the epochs",
            list(panels.CURVES),
            format_func=lambda key: panels.CURVES[key][0],
            key="inspect/metric",
        )
        title, unit, spread = panels.CURVES[metric]
        figure = panels.metric_curves(
            runs, metric, title=title, y_title=unit, percent=unit == "accuracy", spread=spread
        )
        live_plot(figure, key=f"inspect/curve/{metric}", height=330)


def _embeddings(runs: Runs) -> None:
    st.subheader("Embedding")
    dims = dims_switch()
    for column, run in zip(st.columns(len(runs)), runs, strict=True):
        with column:
            live_plot(panels.embedding(run, dims=dims), key=f"inspect/embedding/{dims}/{run.run_id}", height=520)
            kept, neighbours = panels.picture_quality(run, dims)
            st.caption(
                "Test images, turned at each epoch so that the class means of the other half of the test set lie as "
                f"close as they can to one fixed simplex. All of its dimensions keep {kept:.0%} of the variance; this "
                f"view keeps {neighbours:.0%} of each image's five nearest neighbours. The true angles stand below."
            )


def _angles(runs: Runs) -> None:
    st.subheader("Angles")
    names = {title: key for key, title in panels.ANGLES_OF.items()}
    with st.container(horizontal=True):
        of = names[switch("Angles between", "angles", list(names))]
        target = switch("Deviation from", "target", [panels.SIMPLEX, panels.PREDICTED])
        centred = switch("Measured from", "centre", ["from the origin", "centred"]) == "centred"
    if centred:
        st.caption(
            "Centred angles come close to a simplex whatever was learned: even an orthogonal frame, centred, is one. "
            "Read them with their spread and the length of the global mean, under *Over the epochs*."
        )
    for column, run in zip(st.columns(len(runs)), runs, strict=True):
        with column:
            figure = panels.angle_map(run, of=of, target=target, centred=centred)
            live_plot(figure, key=f"inspect/angles/{run.run_id}", height=520)


def _gradients(runs: Runs) -> None:
    st.subheader("Who pushes whom")
    names = {title: key for key, (title, _, _) in panels.GRADIENTS.items()}
    quantity = names[switch("Quantity", "quantity", list(names))]
    st.caption(panels.GRADIENTS[quantity][2])
    for column, run in zip(st.columns(len(runs)), runs, strict=True):
        with column:
            live_plot(panels.gradient_map(run, quantity=quantity), key=f"inspect/gradients/{run.run_id}", height=520)
            if quantity in ("pair_push", "count_effect"):
                st.caption(panels.push_summary(run))


_page()
