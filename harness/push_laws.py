"""What training counts alone do to the push between classes, and the slope that tells it from a measured push.

At equal similarities, as before training, the push between two classes depends on their counts only. The app computes
both in the browser; these are what it is held against, and what runs without a training are made of.
"""

from __future__ import annotations

from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

FloatArray = NDArray[np.float64]
VIEWS = 2


def count_effect(
    class_counts: ArrayLike,
    *,
    class_averaging: bool,
    class_complement: bool,
    anchors: Literal["instance", "class"],
) -> FloatArray:
    """Pair push between classes that the counts alone predict: all similarities equal, full-distribution batch.

    The batch is the whole training set, two views an image, so class q has m_q = 2n_q members, and 2n_q + 1 with its
    prototype. An anchor of any other class gives q the mass m_q over the size of its contrast set, or 1/K with
    class-averaging; the anchors of class y weigh a_y ∝ n_y ("instance") or 1 ("class"). The pair push
    a_y·mass(y→q) + a_q·mass(q→y) is then proportional to (derived here: see docs/theory.md)

    =================  ====================================  ==================
    switches           anchors = "instance"                  anchors = "class"
    =================  ====================================  ==================
    both off (SCL)     n_y n_q                               n_y + n_q
    complement only    n_y n_q + (n_y + n_q)/4               n_y + n_q + 1
    averaging only     n_y + n_q                             constant
    both on (BCL)      n_y + n_q                             constant
    =================  ====================================  ==================

    In small batches a rare class is often absent: `expected_count_effect`.

    Args:
        class_counts: training counts, shape (K,).
        class_averaging: the denominator adds one mean a class.
        class_complement: prototypes join the contrast set.
        anchors: "instance" or "class".

    Returns:
        Shape (K, K), symmetric, zero diagonal, summing to 1 over unordered pairs.
    """
    counts = np.asarray(class_counts, np.float64)
    members = np.ones_like(counts) if class_averaging else VIEWS * counts + class_complement
    weights = counts if anchors == "instance" else np.ones_like(counts)
    push: FloatArray = np.outer(weights, members)
    push += push.T.copy()
    np.fill_diagonal(push, 0)
    push *= 2 / push.sum()
    return push


def expected_count_effect(
    class_counts: ArrayLike,
    batch_size: int,
    *,
    class_averaging: bool,
    class_complement: bool,
    anchors: Literal["instance", "class"],
    compositions: int = 4_000,
    seed: int = 0,
) -> FloatArray:
    """Pair push between classes at equal similarities, expected over batches that are drawn from the training set.

    In a batch with M_q = 2m_q members of class q, an anchor of class y gives q the mass M_q + κ over the size of its
    contrast set; with class-averaging, 1 over the number of classes that have a member or, κ = 1, a prototype. Classes
    that are absent have no anchors.

    Args:
        class_counts: training counts, shape (K,).
        batch_size: images in a batch, up to all of them.
        class_averaging: as of `count_effect`.
        class_complement: as of `count_effect`; κ.
        anchors: as of `count_effect`; "class": classes that are present weigh alike.
        compositions: batches that are drawn.
        seed: of the draw.

    Returns:
        Shape (K, K), symmetric, zero diagonal, summing to 1 over unordered pairs.
    """
    counts = np.asarray(class_counts)
    rng = np.random.default_rng(seed)
    images = rng.multivariate_hypergeometric(counts, batch_size, compositions)
    present = images > 0
    weights = images / batch_size if anchors == "instance" else present / present.sum(axis=1, keepdims=True)
    if class_averaging:
        members = np.ones_like(weights) if class_complement else present.astype(np.float64)
        sizes = members.sum(axis=1)
    else:
        members = VIEWS * images + float(class_complement)
        sizes = members.sum(axis=1) - 1
    push: FloatArray = weights.T @ (members / sizes[:, None])
    push += push.T.copy()
    np.fill_diagonal(push, 0)
    push *= 2 / push.sum()
    return push


def count_slope(push: ArrayLike, class_counts: ArrayLike) -> float | None:
    """By how much the push on a class grows with the other class's training count: the slope in log–log axes.

    Least squares of log push(y, q) on log n_q over q ≠ y, one slope for all rows and an intercept for each, so that
    rows of different strength do not tilt it. Before training the slope of the gradient mass is 1 where every
    sample counts the same (SCL) and 0 where every class does (BCL).

    Args:
        push: shape (K, K), row = the class that is pushed, such as the gradient mass; the diagonal, NaN and zeros
            (an absent class) are left out.
        class_counts: training counts, shape (K,).

    Returns:
        The slope, or None when no row holds two different counts.
    """
    matrix, counts = np.asarray(push, np.float64), np.asarray(class_counts)
    used = np.isfinite(matrix) & (matrix > 0) & ~np.eye(len(matrix), dtype=bool)
    logs = np.log(matrix, out=np.zeros_like(matrix), where=used)
    sizes = np.where(used, np.log(counts), 0)
    sizes -= used * sizes.sum(axis=1, keepdims=True) / np.maximum(used.sum(axis=1, keepdims=True), 1)
    spread = (sizes**2).sum()
    return float((logs * sizes).sum() / spread) if spread > 1e-12 else None
