"""Data: choose images and a long tail, and look at them before anything is trained. A side job reads and measures."""

import random
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import streamlit as st

from app import controls, data_panels
from app.components.live_plot import live_plot
from app.reading import the_lab
from app.side_jobs import Look, document
from app.words import duration, listed, memory, plural
from bcl_core.lab import jobs
from bcl_core.lab.jobs import Job
from bcl_core.recipe import PRESETS, RACES, Execution, Recipe, RecipeError, apply_settings
from bcl_core.registry import DATASETS, VIEWS

CHOICES = (
    "data.imbalance_kind",
    "data.imbalance_factor",
    "data.rare_classes",
    "data.max_per_class",
    "data.test_per_class",
    "data.image_size",
    "data.loading",
    "views",
)
GENERAL_RACE = "own-images"  # for data sets that have no race of their own
BALANCED = {
    "data.imbalance_kind": "exp",
    "data.imbalance_factor": 100.0,
    "data.image_size": "none",
    "data.test_per_class": "none",
}
ENDED = {"done", "failed"}
POLL_SECONDS = 0.5


def _page() -> None:
    st.title("Data")
    what, how = st.columns(2)
    source = what.selectbox(
        "Data set", list(DATASETS), format_func=lambda key: DATASETS[key].title, key="source", bind="query-params"
    )
    own = [key for key, race in RACES.items() if PRESETS[race.presets[0]].recipe.data.source == source]
    race = how.selectbox(
        "Recipe",
        own if GENERAL_RACE in own else [*own, GENERAL_RACE],
        format_func=lambda key: RACES[key].title,
        key=f"recipe/{source}",
        bind="query-params",
        help="Time and memory are those of this recipe with BCL, and so are the settings to start from.",
    )
    st.caption(f"{DATASETS[source].help} {DATASETS[source].guide}")
    paths = controls.data_paths("data", source)
    base, start = _starting_point(source, race)
    with st.expander("Long tail, image size and views"):
        changed = controls.recipe_controls(base, CHOICES, key=f"{source}/{race}")
    settings = start | changed
    try:
        recipe, execution = apply_settings(base, Execution(), changed | paths)
    except RecipeError as error:
        st.error(str(error))
        return
    if DATASETS[source].needs_path and "data.path" not in paths:
        st.info("Type the folder of the images above to see what is in it.")
        return
    links = {"race": RACES[race].title, **controls.as_query(settings, key=race)}
    _look(Look(recipe, execution), links | controls.paths_query("train", source, paths))


def _starting_point(source: str, race: str) -> tuple[Recipe, dict[str, Any]]:
    """Return the race's recipe on this data set, and by which settings it differs from the race's own."""
    recipe = PRESETS[RACES[race].presets[-1]].recipe
    if recipe.data.source == source:
        return recipe, {}
    settings = {"data.source": source, **({} if DATASETS[source].needs_path else BALANCED)}
    return apply_settings(recipe, Execution(), settings)[0], settings


def _look(request: Look, links: dict[str, str]) -> None:
    """Offer the look, or show how it stands."""
    wanted = st.session_state.get("data/wanted") == request.key
    try:
        job = request.start(the_lab()) if wanted else jobs.look(the_lab(), request.key)
    except OSError as error:
        st.error(f"These data cannot be looked at: {error}")
        return
    with st.container(horizontal=True, vertical_alignment="center"):
        if job.state == "unknown":
            st.button(
                "Look at these data", type="primary", icon=":material/visibility:", on_click=_want, args=(request,)
            )
        if job.state in ("done", "failed"):
            st.button("Look again", icon=":material/refresh:", on_click=_look_again, args=(request,))
        st.page_link(
            "screens/train.py", label="Train with these data", icon=":material/play_circle:", query_params=links
        )
    if job.state == "unknown" and not wanted:
        st.caption("A look reads the images, downloads them if need be, and does one training step to measure it.")
        return
    states = _states(request)
    st.fragment(run_every=None if states <= ENDED else POLL_SECONDS)(_answer)(request, states)


def _want(request: Look) -> None:
    st.session_state["data/wanted"] = request.key


def _look_again(request: Look) -> None:
    jobs.forget(the_lab(), request.key)
    _want(request)


def _views_request(request: Look) -> Look:
    """Return the request for the views of the chosen image; those of image 0 come with every look."""
    image = st.session_state.get("image", 0)
    return Look(request.recipe, request.execution, image) if image else request


def _states(request: Look) -> set[str]:
    return {jobs.look(the_lab(), one.key).state for one in (request, _views_request(request))}


def _answer(request: Look, states: set[str]) -> None:
    job = jobs.look(the_lab(), request.key)
    if job.state == "unknown":
        job = request.start(the_lab())
    if job.state == "unknown":
        st.info("Two other looks are at work; this one starts after them.", icon=":material/hourglass_empty:")
    elif job.state == "running":
        st.info(job.progress or "Starting", icon=":material/hourglass_top:")
    facts = document(job.folder, "preview.json")
    if facts is not None:
        _facts(facts)
        _cost(request.recipe, facts, document(job.folder, "cost.json"), job)
        _samples(facts, job.folder)
        _views(request, facts)
    elif job.state == "failed":
        st.error(job.error)
    if _states(request) != states:
        st.rerun()  # only a rerun of the whole page can change how often this part looks


def _facts(facts: Mapping[str, Any]) -> None:
    counts, left_out = facts["train_counts"], facts["left_out"]
    if left_out:
        are = "is" if len(left_out) == 1 else "are"
        st.warning(f"{plural(len(left_out), 'file')} cannot be read and {are} left out: {listed(left_out)}.")
    colour = "grey" if facts["channels"] == 1 else "colour"
    st.markdown(
        f"**{sum(counts):,}** training and **{sum(facts['test_counts']):,}** test images in "
        f"**{plural(len(counts), 'class', 'classes')}**, {facts['width']}×{facts['height']} pixels, {colour}. "
        f"The largest class has {max(counts):,} training images, the smallest {min(counts):,}: "
        f"an imbalance factor of {max(counts) / min(counts):.3g}."
    )
    live_plot(data_panels.class_counts(tuple(counts), tuple(facts["class_names"])), key="data/counts", height=400)


def _cost(recipe: Recipe, facts: Mapping[str, Any], cost: Mapping[str, Any] | None, job: Job) -> None:
    st.subheader("Time and memory")
    if cost is None:
        if job.state == "failed":
            st.warning(f"They could not be measured: {job.error}")
        else:
            st.caption("Being measured.")
        return
    epochs, steps = recipe.epochs, facts["steps_per_epoch"]
    for column, (label, value) in zip(
        st.columns(4),
        {
            "One training step": duration(cost["step_seconds"]),
            f"One run of {plural(epochs, 'epoch')}": f"about {duration(cost['total_seconds'])}",
            "Memory at the most": memory(cost["memory_bytes"]),
            "Images held in memory": memory(facts["images_bytes"]) if not facts["streamed"] else "none",
        }.items(),
        strict=True,
    ):
        column.metric(label, value)
    st.caption(_measured_on(cost, steps))


def _measured_on(cost: Mapping[str, Any], steps: int) -> str:
    cpu = cost["device"] == "CPU"
    words = [
        f"Measured here: one step of {plural(cost['images'], 'image')} on {'the CPU' if cpu else cost['device']}"
        + (f", {plural(cost['threads'], 'thread')}" if cpu else "")
        + f", {cost['precision']}"
    ]
    if cost["images"] < cost["batch_size"]:
        words.append(f"scaled up to a batch of {cost['batch_size']}, which is too much to try on this machine")
    words.append(f"times {plural(steps, 'step')} an epoch, without the measurement after each epoch")
    memory_of = "the whole process, its libraries included" if cpu else "the GPU's"
    text = f"{', '.join(words)}. Memory is {memory_of}."
    if cost["decode_seconds"]:
        faster = cost["decode_seconds"] < cost["step_seconds"]
        text += f" Decoding a batch takes {duration(cost['decode_seconds'])} beside it" + (
            "." if faster else ", and sets the pace."
        )
    return text


def _samples(facts: Mapping[str, Any], folder: Path) -> None:
    st.subheader("Sample images")
    sampled = facts["sampled"]
    if len(sampled) < len(facts["class_names"]):
        st.caption(
            f"{len(sampled)} of {len(facts['class_names']):,} classes: the most frequent, some in the middle and the "
            "rarest."
        )
    live_plot(
        data_panels.sample_images(folder / "samples.png", facts), key="data/samples", height=90 + 62 * len(sampled)
    )


def _views(request: Look, facts: Mapping[str, Any]) -> None:
    st.subheader("Views")
    recipe, last = request.recipe, sum(facts["train_counts"]) - 1
    st.caption(f"{VIEWS[recipe.views].title}. {VIEWS[recipe.views].help}")
    with st.container(horizontal=True, vertical_alignment="bottom"):
        st.session_state["image"] = min(st.session_state.get("image", 0), last)
        image = st.number_input("Training image", 0, last, key="image", bind="query-params", width=160)
        st.button("Another image", icon=":material/casino:", on_click=_another, args=(last,))
    chosen = _views_request(request)
    job = chosen.start(the_lab())
    picture = job.folder / "views.png"
    if picture.exists():
        live_plot(data_panels.views_of_image(picture, image), key="data/views", height=470)
    elif job.state == "failed":
        st.error(job.error)
    else:
        st.info("Drawing the views", icon=":material/hourglass_top:")


def _another(last: int) -> None:
    st.session_state["image"] = random.randint(0, last)


_page()
