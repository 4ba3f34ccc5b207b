"""What training counts alone do to the push between classes, and two numbers that sum a measured push up.

At equal similarities, as before training, the push between two classes depends on their counts only. Drawn beside
the measured push, it tells the effect of the counts from the effect of the geometry.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike

from bcl_core.geometry.arrays import FloatArray, as_counts, as_matrix, check_choice
from bcl_core.geometry.groups import head_and_tail

VIEWS = 2
PUSH_ARRAYS = ("pair_push", "gradient_mass", "gradient_norm", "gradient_attraction")
"""An epoch's gradient statistics, by the names that they have in its view."""


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

    In small batches a rare class is often absent, which none of this describes.

    Args:
        class_counts: training counts, shape (K,).
        class_averaging: the denominator adds one mean a class.
        class_complement: prototypes join the contrast set.
        anchors: "instance" or "class".

    Returns:
        Shape (K, K), symmetric, zero diagonal, summing to 1 over unordered pairs.
    """
    counts = as_counts(class_counts).astype(np.float64)
    check_choice("anchors", anchors, ("instance", "class"))
    members = np.ones_like(counts) if class_averaging else VIEWS * counts + class_complement
    weights = counts if anchors == "instance" else np.ones_like(counts)
    push: FloatArray = np.outer(weights, members)
    push += push.T.copy()
    np.fill_diagonal(push, 0)
    push *= 2 / push.sum()
    return push


def tail_push_share(pair_push: ArrayLike, class_counts: ArrayLike) -> float | None:
    """Share of all push between two different classes that is between two classes of the tail.

    Args:
        pair_push: symmetric, shape (K, K); the diagonal is not read.
        class_counts: training counts, shape (K,), which name the tail (`head_and_tail`).

    Returns:
        0 to 1; None when the tail is a single class or nothing pushes.
    """
    push = _square("pair_push", pair_push)
    counts = as_counts(class_counts, num_classes=len(push))
    _, tail = head_and_tail(counts)
    pairs = np.triu(push, 1)
    total = pairs.sum()
    if len(tail) < 2 or total == 0:
        return None
    return float(np.triu(push[np.ix_(tail, tail)], 1).sum() / total)


def push_extents(gradients: Mapping[str, ArrayLike]) -> dict[str, float | None]:
    """Least and greatest values of an epoch's gradient statistics, so that an axis can hold all epochs of a run.

    Args:
        gradients: what is known of pair_push (K, K), as shares of whose sum over unordered pairs it is taken;
            gradient_mass (K, K), gradient_norm (K, K), gradient_attraction (K,). Rows are the classes that are pushed.

    Returns:
        pair_push_least, pair_push_most, gradient_mass_least, gradient_mass_most: over pairs of two different classes,
        zeros left out, shares from 0 to 1. pull_most and push_most: the longest pull of a class's own images, and the
        greatest sum of the pushes on a class, as lengths of gradients. None for what is not known.
    """
    known = {name: np.asarray(values, np.float64) for name, values in gradients.items()}
    shares = known.get("pair_push")
    if shares is not None and (total := float(np.nansum(np.triu(shares, 1)))) > 0:
        known["pair_push"] = shares / total
    extents: dict[str, float | None] = {}
    for name in ("pair_push", "gradient_mass"):
        matrix = known.get(name, np.empty((0, 0)))
        pushes = matrix[~np.eye(len(matrix), dtype=bool) & np.isfinite(matrix) & (matrix > 0)]
        extents[f"{name}_least"] = float(pushes.min()) if pushes.size else None
        extents[f"{name}_most"] = float(pushes.max()) if pushes.size else None
    lengths = {"pull_most": known.get("gradient_attraction"), "push_most": known.get("gradient_norm")}
    for name, values in lengths.items():
        finite = None if values is None else np.nan_to_num(values, posinf=0.0, neginf=0.0)
        received = finite.sum(axis=1) if finite is not None and finite.ndim == 2 else finite
        extents[name] = None if received is None or not received.size else float(received.max())
    return extents


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
    matrix = _square("push", push, finite=False)
    counts = as_counts(class_counts, num_classes=len(matrix))
    used = np.isfinite(matrix) & (matrix > 0) & ~np.eye(len(matrix), dtype=bool)
    logs = np.log(matrix, out=np.zeros_like(matrix), where=used)
    sizes = np.where(used, np.log(counts), 0)
    sizes -= used * sizes.sum(axis=1, keepdims=True) / np.maximum(used.sum(axis=1, keepdims=True), 1)
    spread = (sizes**2).sum()
    return float((logs * sizes).sum() / spread) if spread > 1e-12 else None


def _square(name: str, values: ArrayLike, *, finite: bool = True) -> FloatArray:
    matrix = as_matrix(name, values, finite=finite)
    if matrix.shape[0] != matrix.shape[1]:
        raise ValueError(f"{name} has shape {matrix.shape}; expected a square matrix, one row and column a class")
    return matrix
