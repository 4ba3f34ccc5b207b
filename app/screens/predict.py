"""Predict: class counts, temperature and loss in, the angles of the optimum out. No training."""

import re
from collections.abc import Mapping

import streamlit as st

from app.components.predicted import predicted
from app.runs import optimum
from bcl_core import geometry
from bcl_core.data import long_tail_counts
from bcl_core.geometry.optimum import Anchors, Loss, PredictedOptimum

MAX_CLASSES = 200
CHOICES: Mapping[str, tuple[Loss, Anchors]] = {
    "SCL": ("scl", "instance"),
    "SCL, class anchors": ("scl", "class"),
    "BCL": ("bcl", "instance"),
    "BCL, class anchors": ("bcl", "class"),
}


def _page() -> None:
    st.title("Predict")
    st.markdown(
        "If every image sat exactly on its class mean, where would the contrastive loss alone put the means? "
        "This is the optimum of that collapsed objective, without cross-entropy and without training. "
        "Training need not get there."
    )
    try:
        counts = _counts()
        temperature, dim = _settings(len(counts))
        with st.spinner("Looking for the optimum"):
            found = {name: optimum(tuple(counts), *choice, temperature, dim) for name, choice in CHOICES.items()}
    except ValueError as error:
        st.error(str(error))
        return
    _results(counts, found)


def _counts() -> list[int]:
    source = st.segmented_control(
        "Class counts",
        ["From a profile", "Paste them"],
        default="From a profile",
        required=True,
        key="counts_from",
        bind="query-params",
    )
    if source == "Paste them":
        text = st.text_area(
            "Training images of each class", "130 84 54 35 22 14 9 6 4 2", key="counts", bind="query-params"
        )
        return _parse(text)
    classes, largest, imbalance = st.columns(3)
    num_classes = classes.slider("Classes", 2, MAX_CLASSES, 10, key="classes", bind="query-params")
    n_max = largest.number_input("Images in the largest class", 1, 10_000_000, 130, key="largest", bind="query-params")
    factor = imbalance.slider("Imbalance factor", 1, 500, 50, key="imbalance", bind="query-params")
    return [int(n) for n in long_tail_counts(num_classes, n_max, imbalance_factor=factor)]


def _parse(text: str) -> list[int]:
    words = [word for word in re.split(r"[\s,;]+", text) if word]
    wrong = next((word for word in words if not word.isdecimal() or int(word) < 1), None)
    if wrong is not None:
        raise ValueError(f"{wrong[:30]!r} is no class count; write whole numbers from 1, for example 130 84 54")
    if not 2 <= len(words) <= MAX_CLASSES:
        raise ValueError(f"{len(words)} counts were given; this page takes 2 to {MAX_CLASSES}")
    return [int(word) for word in words]


def _settings(num_classes: int) -> tuple[float, int]:
    left, right = st.columns(2)
    temperature = left.slider("Temperature τ", 0.05, 2.0, 0.3, 0.05, key="temperature", bind="query-params")
    dim = right.number_input(
        "Dimensions of the embedding",
        1,
        4096,
        max(num_classes - 1, 1),
        key=f"dim{num_classes}",
        bind="query-params",
        help="A regular simplex of K classes needs K − 1.",
    )
    return temperature, dim


def _results(counts: list[int], found: dict[str, PredictedOptimum]) -> None:
    simplex = geometry.simplex_angle(len(counts))
    if not next(iter(found.values())).simplex_exists:
        st.warning(
            f"A regular simplex of {len(counts)} classes needs {len(counts) - 1} dimensions. Shown is the best found."
        )
    rows = []
    for name, best in found.items():
        metrics = geometry.simplex_metrics(best.means, counts)
        rows.append(
            {
                "Loss": name,
                "head–head °": metrics["angle_head_head"],
                "head–tail °": metrics["angle_head_tail"],
                "tail–tail °": metrics["angle_tail_tail"],
                "spread over pairs °": metrics["angle_std"],
                "off the simplex °": metrics["angle_rms_deviation"],
                "gradient left": f"{best.gradient_norm:.0e}",
            }
        )
    st.dataframe(
        rows,
        hide_index=True,
        column_config={name: st.column_config.NumberColumn(format="%.1f") for name in rows[0] if "°" in name},
    )
    st.caption(
        f"All classes equally far apart would be {simplex:.2f}°. "
        "Head and tail: the largest and the smallest 30 % of classes. "
        "Gradient left: the length of the objective's gradient where the search ended; from K − 1 dimensions on, "
        "that place is the only optimum, up to rotation."
    )
    predicted({name: best.means for name, best in found.items()}, counts, key="predicted")


_page()
