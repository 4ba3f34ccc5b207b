"""Dialogs about a run that came with the project: train on from it, read its card, fetch its images."""

from collections.abc import Callable, Mapping

import streamlit as st

from app import controls
from app.deeds import demand
from app.job_line import press, watch
from app.runs import the_lab
from app.verbs import Refused
from app.words import verbatim
from bcl_core.lab import Run, UnknownRun, jobs
from bcl_core.lab.shelf import CARD
from bcl_core.recipe import Execution, RecipeError, apply_settings
from bcl_core.registry import dataset_of

_FETCHED = "library/fetched"  # the run whose images were asked for last


def open_dialog(what: str, run_id: str) -> None:
    """Open a dialog of DIALOGS about a run of the shelf; what is asked of another run, or is none, opens nothing."""
    known = the_lab().shelf.get(run_id)
    if known is not None and what in DIALOGS:
        DIALOGS[what](known.run)


@st.dialog("Train on")
def _train_on(run: Run) -> None:
    recipe = run.training_recipe
    st.markdown(f"A copy starts from these weights and trains {recipe.epochs} epochs, its schedule from the start.")
    paths = controls.data_paths("library", recipe.data.source)
    missing = dataset_of(recipe.data.source).needs_path and "data.path" not in paths
    if not st.button("Train a copy", icon=":material/play_arrow:", key=f"copy/{run.id}", disabled=missing):
        return
    try:
        _, execution = apply_settings(recipe, Execution(), paths)
        queued = demand("train-on", run=run.id, execution=execution)
    except (RecipeError, Refused) as error:
        st.error(f"Nothing was queued: {verbatim(str(error))}")
        return
    st.switch_page("screens/lab.py", query_params={"group": queued["group"]})


@st.dialog("Fetch images")
def _fetch_images(run: Run) -> None:
    st.markdown("The images do not come with the project. From your copy of the data, thumbnails are made once.")
    paths = controls.data_paths("library", run.training_recipe.data.source)
    if st.button("Make thumbnails", icon=":material/image:", disabled=not paths):
        press(_images_key(run), "thumbnails", run.id, *(f"--set={name}={path}" for name, path in paths.items()))
        st.session_state[_FETCHED] = run.id
        st.rerun()


@st.dialog("Model card", width="large")
def _model_card(run: Run) -> None:
    st.markdown((the_lab().folder(run.id).path / CARD).read_text(encoding="utf-8"))


DIALOGS: Mapping[str, Callable[[Run], None]] = {
    "train-on": _train_on,
    "card": _model_card,
    "images": _fetch_images,
}


def fetching_line() -> None:
    """Say how it goes with the images that were asked for last."""
    if _FETCHED not in st.session_state:
        return
    try:
        run = the_lab().run(st.session_state[_FETCHED])
    except UnknownRun:
        return

    def ended(job: jobs.Job) -> None:
        if job.state == "failed":
            st.error(f"No thumbnails of {verbatim(run.name)}: {verbatim(job.error)}")

    watch(_images_key(run), ended)


def _images_key(run: Run) -> str:
    return f"images-{run.id}"
