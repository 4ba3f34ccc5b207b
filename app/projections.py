"""One epoch alone, by PCA or UMAP: fitted by a side job, and labelled as what cannot be compared."""

from collections.abc import Sequence

import streamlit as st

from app import figures, reading
from app.components.live_plot import live_plot
from app.reading import the_lab
from app.side_jobs import Projection
from app.watching import watch
from bcl_core.lab import Run, jobs
from bcl_core.lab.files import read_arrays, read_metadata

METHODS = {"pca": "PCA", "umap": "UMAP"}
NOTE = (
    "Fitted to one epoch of one run, test and training images together. Places, directions and distances cannot be "
    "compared with another epoch or run, and gaps between clusters say little. Angles here are not the true ones."
)


def projections(runs: Sequence[Run]) -> None:
    """Draw the choice of run, epoch and method, and what was fitted."""
    with st.expander("One epoch alone: PCA or UMAP"):
        st.caption(NOTE)
        which, when, how, button = st.columns([4, 2, 2, 2], vertical_alignment="bottom")
        run = which.selectbox("Run", runs, format_func=lambda run: run.name, key="flat/run")
        folder = the_lab().folder(run.id)
        epochs = folder.epochs("embeddings")  # of some runs, the last alone
        if not epochs:
            st.info("This run has no epoch yet.")
            return
        epoch = when.selectbox("Epoch", epochs[::-1], key=f"flat/epoch/{run.id}")
        method = how.selectbox("Method", list(METHODS), format_func=METHODS.__getitem__, key="flat/method")
        file = folder.projection(method, epoch)
        wanted = Projection(run.id, epoch, method)
        button.button("Fit", disabled=file.exists(), on_click=_fit, args=(wanted,), width="stretch")
        if file.exists():
            _draw(run, epoch, method)
        else:
            watch(wanted.key, _failed)


def _fit(wanted: Projection) -> None:
    wanted.start(the_lab())


def _failed(job: jobs.Job) -> None:
    if job.state == "failed":
        st.error(job.error)


def _draw(run: Run, epoch: int, method: str) -> None:
    file = the_lab().folder(run.id).projection(method, epoch)
    about, known = reading.samples(run.id), read_metadata(file)
    kept = f", {float(known['variance_kept']):.0%} of the variance" if "variance_kept" in known else ""
    figure = figures.flat(
        read_arrays(file)["coordinates"],
        about.labels,
        about.class_names,
        about.class_counts.tolist(),
        title=f"{METHODS[method]} of {run.recipe.title}, epoch {epoch}{kept}",
        axis=METHODS[method],
    )
    live_plot(figure, key=f"flat/{run.id}/{method}", height=560)
