"""Gallery: runs that come with the project, ready to open, and what can be done with each."""

from collections.abc import Mapping, Sequence
from itertools import groupby
from typing import Any

import streamlit as st

from app import controls
from app.components.thumbnail import thumbnail
from app.deeds import demand
from app.export_button import export_button
from app.job_line import press, watch
from app.links import lab_link
from app.names import run_names
from app.runs import comparable, every_run, the_lab
from app.verbs import Refused
from app.words import percent
from bcl_core.lab import Run, SnapshotError, jobs
from bcl_core.lab.samples import read_samples
from bcl_core.lab.shelf import CARD
from bcl_core.recipe import Execution, RecipeError, apply_settings
from bcl_core.registry import DATASETS

CARDS_A_ROW = 4
GROUPS = {"accuracy_many": "many", "accuracy_medium": "medium", "accuracy_few": "few"}


def _page() -> None:
    st.title("Gallery")
    shelf = the_lab().shelf
    st.markdown(
        "Trained runs that come with the project. A dot is a pair of classes at the angle between their mean features; "
        "orange: the three rarest classes; dashed: where all would be equally far apart. Each is a single seed, which "
        "says little about a loss. Accuracy by group: many, more than 100 training images; few, fewer than 20."
    )
    for folder, fault in shelf.faults.items():
        st.warning(f"**{folder}** was not opened: {fault}.")
    if not shelf.runs:
        st.info(f"There is no run in {shelf.home}.")
    for name, members in groupby(shelf.runs, key=lambda run: run.group_name):
        st.space("small")
        _group(name, list(members))


def _group(name: str, runs: Sequence[Run]) -> None:
    with st.container(horizontal=True, vertical_alignment="bottom"):
        st.subheader(name)
        lab_link([run for run in runs if run.training_recipe.loss.contrastive], "Open side by side")
    shelved = the_lab().shelf.get(runs[0].id)
    st.caption(shelved.group_about if shelved else "")
    for start in range(0, len(runs), CARDS_A_ROW):
        _row(runs[start : start + CARDS_A_ROW])


def _row(runs: Sequence[Run]) -> None:
    for run, column in zip(runs, st.columns(CARDS_A_ROW), strict=False):  # cards are of one width in every group
        with column, st.container(border=True, height="stretch"):
            try:
                _card(run)
            except SnapshotError as error:
                st.error(str(error))


def _card(run: Run) -> None:
    recipe, last = run.training_recipe, the_lab().metrics(run.id)[-1]
    st.markdown(f"**{recipe.title}**")
    in_words = _angles_in_words(run, last)
    thumbnail(run.id, alt=f"Angles between classes: {in_words}")
    st.markdown(in_words)
    groups = " · ".join(f"{title} {_percent(last.get(key))}" for key, title in GROUPS.items())
    st.markdown(f"Test accuracy **{_percent(last['accuracy'])}**  \n:small[{groups}]")
    st.caption(recipe.in_words)
    with st.container(horizontal=True, vertical_alignment="center", gap="xsmall"):
        lab_link([run])
        for label, icon, opened in (
            ("Compare with …", "compare_arrows", _compare),
            ("Train on", "model_training", _train_on),
            ("Model card", "description", _model_card),
        ):
            if st.button(label, icon=f":material/{icon}:", key=f"{label}/{run.id}", type="tertiary"):
                opened(run)
        export_button(run)
        if not the_lab().folder(run.id).sprite.exists():
            if st.button("Fetch images", icon=":material/image:", key=f"images/{run.id}", type="tertiary"):
                _fetch_images(run)
            watch(_images_key(run), _fetched)


def _angles_in_words(run: Run, metrics: Mapping[str, Any]) -> str:
    mean, among_rare = metrics.get("angle_mean"), metrics.get("angle_tail_tail")
    if mean is None:
        return "Angles were not recorded"
    counts = read_samples(the_lab().folder(run.id)).class_counts
    rarest = f", {among_rare:.0f}° among the rarest" if among_rare is not None and counts.min() < counts.max() else ""
    return f"{mean:.0f}° on average{rarest}, in {run.recipe.space} space"


def _percent(accuracy: float | None) -> str:
    return "none" if accuracy is None else percent(accuracy)


@st.dialog("Compare with …")
def _compare(run: Run) -> None:
    others = {other.id: other for other in comparable(every_run()) if other.id != run.id}
    names = run_names(list(others.values()))
    chosen = st.selectbox("Run", list(others), format_func=names.__getitem__, key=f"compare/{run.id}")
    lab_link([run, others[chosen]], "Open both")


@st.dialog("Train on")
def _train_on(run: Run) -> None:
    recipe = run.training_recipe
    st.markdown(f"A copy starts from these weights and trains {recipe.epochs} epochs, its schedule from the start.")
    paths = controls.data_paths("gallery", recipe.data.source)
    missing = DATASETS[recipe.data.source].needs_path and "data.path" not in paths
    if not st.button("Train a copy", icon=":material/play_arrow:", key=f"copy/{run.id}", disabled=missing):
        return
    try:
        _, execution = apply_settings(recipe, Execution(), paths)
        queued = demand("train-on", run=run.id, execution=execution)
    except (RecipeError, Refused) as error:
        st.error(f"Nothing was queued: {error}")
        return
    st.switch_page("screens/lab.py", query_params={"group": queued["group"]})


@st.dialog("Fetch images")
def _fetch_images(run: Run) -> None:
    st.markdown("The images do not come with the project. From your copy of the data, thumbnails are made once.")
    paths = controls.data_paths("gallery", run.training_recipe.data.source)
    if st.button("Make thumbnails", icon=":material/image:", disabled=not paths):
        press(_images_key(run), "thumbnails", run.id, *(f"--set={name}={path}" for name, path in paths.items()))
        st.rerun()


def _images_key(run: Run) -> str:
    return f"images-{run.id}"


def _fetched(job: jobs.Job) -> None:
    if job.state == "failed":
        st.error(f"No thumbnails: {job.error}")


@st.dialog("Model card", width="large")
def _model_card(run: Run) -> None:
    st.markdown((the_lab().folder(run.id).path / CARD).read_text(encoding="utf-8"))


_page()
