"""Open your own embeddings: from a file of arrays to a run, by a side job. The web process never opens the file."""

from collections.abc import Mapping
from typing import Any

import streamlit as st

from app.import_form import RunOfFile
from app.words import verbatim
from bcl_core.lab import Run

SUFFIXES = ["npz", "parquet", "tsv", "csv", "npy", "pt", "pth"]
OF_LABELS = ["npy", "tsv", "csv", "txt"]
RECORD = RunOfFile("record", "opened", "Open your own embeddings", ":material/scatter_plot:")
EXAMPLE = """\
import numpy as np
# embeddings (n, d), or (E, n, d) for E epochs; labels (n,), whole numbers from 0 or names
np.savez("my-model.npz", embeddings=embeddings, labels=labels, epochs=[0, 10, 20])
"""
FURTHER = """\
`epochs` may be left out. What else is known makes more pictures work: `class_names` (K,), `class_counts` (K,) of
training, `test` (n,) True or False, `images` (n, H, W, C); and for one epoch or each, `predictions` (n,) or
`probabilities` (n, K), `prototypes`, `classifier` and `class_means` (K, d).

The same arrays may be tensors, saved by torch in one dict. A Parquet file has a row a sample and epoch, with columns
`embedding` (lists of numbers) and `label`, and may have `epoch`, `class_name`, `split` ("train" or "test") and `image`,
as Hugging Face keeps images.

A table in text (.tsv) has the same columns under a heading, but for each number of the embedding one of its own. Where
it has numbers alone, as the Embedding Projector's vectors, or is an .npy, the labels are a second file: one a line, or
a table with a column `label`. Named by its path, `metadata.tsv` or `labels.npy` beside it is found.
"""


def recording_form() -> None:
    """Draw the form, and how the last opening of this page went."""
    st.caption(
        "From any model: arrays *embeddings* and *labels* in a .npz or saved by torch, a Parquet file or a table with "
        "such columns, or vectors in one file and labels in another. It becomes a run to look at. At most a million "
        "samples, 2 GiB."
    )
    left, right = st.columns(2)
    upload, path, name = RECORD.fields(left, right, SUFFIXES)
    labels = left.file_uploader("Labels, where they are in another file", OF_LABELS, key="record/labels")
    with st.expander("How such a file is written"):
        st.code(EXAMPLE, language=None, wrap_lines=True)  # the colours of "python" are too pale to read
        st.markdown(FURTHER)
    if st.button("Open", icon=":material/scatter_plot:", type="primary"):
        RECORD.start(upload, path, name, beside=labels)
    RECORD.follow(_tell)


def _tell(run: Run, found: Mapping[str, Any]) -> None:
    first, *others = found["epochs"]
    epochs = f"epochs {first} to {others[-1]}, {1 + len(others)} in all" if others else f"epoch {first}"
    st.success(f"Opened as **{verbatim(run.name)}**: {epochs}.")
    st.caption(f"Class counts, which tell head from tail: {verbatim(run.provenance['class counts'])}.")
