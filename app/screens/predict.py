"""Predict: class counts, temperature and loss in, the angles of the optimum out. No training."""

import math
import re
from collections.abc import Mapping, Sequence

import numpy as np
import streamlit as st
from numpy.typing import NDArray

from app import runs
from app.components.predicted import predicted
from app.seeds import Rows, mean_and_std, measured
from app.words import verbatim
from bcl_core import geometry
from bcl_core.data import long_tail_counts
from bcl_core.geometry.configuration import Anchors, Configuration
from bcl_core.registry import LOSSES

MAX_CLASSES = 200
MAX_WITHOUT_SIMPLEX = 20  # classes, in dimensions in which every start ends elsewhere
MEASURED_BATCH = 64
PROOF = "theory#batches-of-b-with-prototypes-free"
ONE_BATCH = "One batch of everything"
SQUARE = ("scl", "class-averaging", "class-complement", "bcl")
ANCHORS: Mapping[Anchors, str] = {"instance": "", "class": ", class anchors"}
VARIANTS = {LOSSES[name].title + words: (name, anchors) for name in SQUARE for anchors, words in ANCHORS.items()}

MEASURED = (
    "Measured: digits, mean ± standard deviation over five seeds, of test images after 60 epochs in batches of 64 with "
    "cross-entropy beside the contrastive loss. After 60 epochs tails are still on their way, with some losses faster "
    "than with others, so that neither the angles nor their order need be those predicted: "
    "[what is known of that](theory#4-what-training-does)."
)
NOT_MEASURED = (
    "What was trained in such batches on such counts, if anything was, is on the Theory page under "
    "[predicted and trained](theory#predicted-and-trained): digits, 130 to 2 images a class, in batches of 16, 64, 128 "
    "and in one of everything. In one batch of everything, at τ 0.3 and after 1,200 epochs, SCL's tail came to 79.2° "
    "for 79.2° predicted and BCL's to 73.9° for 74.2°, on training images."
)


def _page() -> None:
    st.title("Predict")
    st.markdown(
        "If every image sat exactly on its class mean, where would the contrastive loss alone put the means, and where "
        "the prototypes? This is the optimum of that collapsed objective, predicted for batches of a size, or for one "
        "batch of everything, without cross-entropy and without training. Training need not get there."
    )
    try:
        counts = _counts()
        temperature, dim, batch = _settings(counts)
        with st.spinner("Looking for the optimum"):
            found = {title: _optimum(*of, tuple(counts), temperature, dim, batch) for title, of in VARIANTS.items()}
    except ValueError as error:
        st.error(verbatim(str(error)))
        return
    _results(counts, temperature, batch, found)


def _optimum(
    name: str, anchors: Anchors, counts: tuple[int, ...], temperature: float, dim: int, batch: int | None
) -> Configuration:
    weights = LOSSES[name].weights
    assert weights is not None
    return runs.optimum(counts, weights.class_averaging, weights.class_complement, anchors, temperature, dim, batch)


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


def _settings(counts: Sequence[int]) -> tuple[float, int, int | None]:
    """Return τ, the dimensions, and the images of a batch: None for all of them."""
    left, middle, right = st.columns(3)
    temperature = left.slider("Temperature τ", 0.05, 2.0, 0.3, 0.05, key="temperature", bind="query-params")
    dim = middle.number_input(
        "Dimensions of the embedding",
        1,
        4096,
        max(len(counts) - 1, 1),
        key=f"dim{len(counts)}",
        bind="query-params",
        help="A regular simplex of K classes needs K − 1.",
    )
    if dim < len(counts) - 1 and len(counts) > MAX_WITHOUT_SIMPLEX:
        raise ValueError(
            f"in fewer than {len(counts) - 1} dimensions, where no regular simplex fits, this page takes at most "
            f"{MAX_WITHOUT_SIMPLEX} classes"
        )
    everything = right.toggle(ONE_BATCH, key="everything", bind="query-params")
    batch = right.number_input(
        "Images in a batch",
        2,
        65_536,
        MEASURED_BATCH,
        key="batch",
        bind="query-params",
        disabled=everything,
        help="Each is there in two views. How many of each class a batch holds is left to chance.",
    )
    return temperature, dim, None if everything or batch >= sum(counts) else batch


def _results(counts: list[int], temperature: float, batch: int | None, found: Mapping[str, Configuration]) -> None:
    simplex = geometry.simplex_angle(len(counts))
    if not np.isfinite(next(iter(found.values())).gap):
        st.warning(
            f"A regular simplex of {len(counts)} classes needs {len(counts) - 1} dimensions. Shown is the best found."
        )
    rare = geometry.rarest(counts)
    among = "tail–tail" if len(geometry.head_and_tail(counts)[1]) > 1 else "two rarest"
    seeds = measured(counts, temperature) if batch == MEASURED_BATCH else {}
    rows = []
    for name, optimum in found.items():
        metrics = geometry.simplex_metrics(optimum.means, counts)
        loss, anchors = VARIANTS[name]
        prototypes = optimum.prototypes
        rows.append(
            {
                "Loss": name,
                f"predicted {among} °": _degrees(_mean_among(rare, optimum.means)),
                f"measured {among} °": _measured_tail(seeds.get(loss + ("-class" if anchors == "class" else ""))),
                f"predicted prototypes {among} °": "–"
                if prototypes is None
                else _degrees(_mean_among(rare, prototypes)),
                "predicted head–tail °": _degrees(metrics["angle_head_tail"]),
                "predicted head–head °": _degrees(metrics["angle_head_head"]),
                "predicted off the simplex °": _degrees(metrics["angle_rms_deviation"]),
                "certificate": _certificate(optimum),
            }
        )
    shown = [name for name, value in rows[0].items() if value is not None and (seeds or "measured" not in name)]
    st.table([{name: row[name] for name in shown} for row in rows], hide_index=True)
    batches = "one batch of everything" if batch is None else f"batches of {batch:,}"
    draw = of_drawn = ""
    if batch is not None:
        draw, of_drawn = (
            f", on average over {runs.batches_drawn(counts):,} drawn ones",
            ", of the batches that were drawn,",
        )
        if seeds:
            draw += (
                ": with others the digits' tails, in batches of 64, move by 0.1° or so, by up to half a degree with "
                "the 1,000 over which runs store the prediction that the Lab shows"
            )
    st.caption(
        f"Predicted for {batches}{draw}. Classes of {max(counts):,} to {min(counts):,} images, a factor of "
        f"{max(counts) / min(counts):.3g}. A regular simplex has {simplex:.2f}°. "
        f"{_who(len(rare), len(counts))} Certificate: by what share of its value the objective{of_drawn} could be "
        "lower at most; unique: nowhere else, rotations apart."
    )
    st.markdown(MEASURED if seeds else NOT_MEASURED)  # its link is too pale in a caption
    predicted({name: optimum.means for name, optimum in found.items()}, counts, batches, key="predicted")


def _certificate(optimum: Configuration) -> str:
    """Say what is proved, with a link, by which the keyboard reaches the table where it scrolls."""
    if not np.isfinite(optimum.gap):
        return f"[none]({PROOF}): the best of a few starts"
    share = max(optimum.gap / optimum.value, 1e-15)
    unique = "unique" if optimum.unique else "perhaps not unique"
    return f"[optimum]({PROOF}) to 1e{math.ceil(math.log10(share))}; {unique}"


def _mean_among(classes: NDArray[np.int64], means: NDArray[np.float64]) -> float:
    """Return the mean angle over the pairs of some classes, in degrees."""
    angles = geometry.pairwise_angles(means[classes])
    return float(angles[np.triu_indices(len(classes), 1)].mean())


def _degrees(angle: float | None) -> str | None:
    return None if angle is None else f"{angle:.1f}"


def _measured_tail(seeds: Rows | None) -> str:
    return mean_and_std([row["tail_tail"] for row in seeds]) if seeds else "–"


def _who(rare: int, num_classes: int) -> str:
    if rare > 2:
        return f"Head and tail: the {rare} largest and the {rare} smallest classes, three tenths of them each."
    return "" if num_classes == 2 else "The tail is three tenths of the classes; of so few the two rarest are shown."


_page()
