"""Predict: class counts, temperature and loss in, the angles of the optimum out. No training."""

import re
from collections.abc import Mapping
from typing import Literal

import numpy as np
import streamlit as st
from numpy.typing import NDArray

from app import runs
from app.components.predicted import predicted
from app.seeds import Rows, mean_and_std, measured
from app.words import verbatim
from bcl_core import geometry
from bcl_core.data import long_tail_counts

MAX_CLASSES = 200
CHOICES: Mapping[str, tuple[Literal["scl", "bcl"], Literal["instance", "class"]]] = {
    "SCL": ("scl", "instance"),
    "SCL, class anchors": ("scl", "class"),
    "BCL": ("bcl", "instance"),
    "BCL, class anchors": ("bcl", "class"),
}
VARIANTS = {"SCL": "scl", "SCL, class anchors": "scl-class", "BCL": "bcl", "BCL, class anchors": "bcl-class"}
MEASURED = (
    "Measured: digits, mean ± standard deviation over five seeds, of test images after 60 epochs in batches of 64 with "
    "cross-entropy beside the contrastive loss. So the two need not agree: "
    "[what is known of that](theory#4-what-training-does)."
)
NOT_MEASURED = (
    "Nothing was trained on these counts at this τ in the [report](report#digits-with-a-long-tail-what-each-part-does)."
    " Of digits, 130 to 2 images a class, τ 0.1, 0.3 and 1 were."
)


def _page() -> None:
    st.title("Predict")
    st.markdown(
        "If every image sat exactly on its class mean, where would the contrastive loss alone put the means? "
        "This is the optimum of that collapsed objective, for one batch that holds all training images at once, "
        "without cross-entropy and without training. Training, in small batches, need not get there."
    )
    try:
        counts = _counts()
        temperature, dim = _settings(len(counts))
        with st.spinner("Looking for the optimum"):
            found = {name: runs.optimum(tuple(counts), *choice, temperature, dim) for name, choice in CHOICES.items()}
    except ValueError as error:
        st.error(verbatim(str(error)))
        return
    _results(counts, temperature, found)


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
    wrong = next((word for word in words if not re.fullmatch("[0-9]{1,8}", word) or int(word) < 1), None)
    if wrong is not None:
        raise ValueError(f"{wrong[:30]!r} is no class count; write whole numbers from 1 to 99999999, such as 130 84 54")
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


def _results(counts: list[int], temperature: float, found: dict[str, geometry.PredictedOptimum]) -> None:
    simplex = geometry.simplex_angle(len(counts))
    if not next(iter(found.values())).simplex_exists:
        st.warning(
            f"A regular simplex of {len(counts)} classes needs {len(counts) - 1} dimensions. Shown is the best found."
        )
    rare = geometry.rarest(counts)
    among = "tail–tail °" if len(geometry.head_and_tail(counts)[1]) > 1 else "two rarest °"
    seeds = measured(counts, temperature)
    rows = []
    for name, optimum in found.items():
        metrics = geometry.simplex_metrics(optimum.means, counts)
        rows.append(
            {
                "Loss": name,
                among: _mean_among(rare, optimum.means),
                f"measured {among}": _measured_tail(seeds.get(VARIANTS[name])),
                "head–tail °": metrics["angle_head_tail"],
                "head–head °": metrics["angle_head_head"],
                "spread over pairs °": metrics["angle_std"],
                "off the simplex °": metrics["angle_rms_deviation"],
                "gradient left": f"{optimum.gradient_norm:.0e}",
            }
        )
    degrees = [name for name in rows[0] if "°" in name and "measured" not in name and rows[0][name] is not None]
    shown = ["Loss", *degrees, "gradient left"]
    shown[2:2] = [f"measured {among}"] if seeds else []
    st.dataframe(
        [{name: row[name] for name in shown} for row in rows],
        hide_index=True,
        column_config={name: st.column_config.NumberColumn(format="%.1f") for name in degrees},
    )
    st.caption(
        f"Classes of {max(counts):,} to {min(counts):,} images, a factor of {max(counts) / min(counts):.3g}. "
        f"All equally far apart would be {simplex:.2f}°. {_who(len(rare), len(counts))} "
        "Gradient left: the length of the objective's gradient where the search ended; from "
        "K − 1 dimensions on, that place is the only optimum, up to rotation."
    )
    st.markdown(MEASURED if seeds else NOT_MEASURED)  # its link is too pale in a caption
    predicted({name: optimum.means for name, optimum in found.items()}, counts, key="predicted")


def _mean_among(classes: NDArray[np.int64], means: NDArray[np.float64]) -> float:
    """Return the mean angle over the pairs of some classes, in degrees."""
    angles = geometry.pairwise_angles(means[classes])
    return float(angles[np.triu_indices(len(classes), 1)].mean())


def _measured_tail(seeds: Rows | None) -> str:
    return mean_and_std([row["tail_tail"] for row in seeds]) if seeds else "–"


def _who(rare: int, num_classes: int) -> str:
    if rare > 2:
        return f"Head and tail: the {rare} largest and the {rare} smallest classes, three tenths of them each."
    return "" if num_classes == 2 else "The tail is three tenths of the classes; of so few the two rarest are shown."


_page()
