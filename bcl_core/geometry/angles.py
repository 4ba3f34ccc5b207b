"""Angles between class means, and of samples to them, in degrees.

A direction exists only for a row that is finite and longer than `DIRECTION_FLOOR` times the longest row.
Rows without a direction (a class without samples, a mean of length zero) have NaN angles, and statistics are
taken over the classes that have one: a collapsed run must still be measured, not stop its own training.
"""

from __future__ import annotations

from itertools import combinations_with_replacement

import numpy as np
from numpy.typing import ArrayLike

from bcl_core.geometry.arrays import (
    FloatArray,
    IntArray,
    as_labels,
    as_matrix,
    check_num_classes,
    mean_or_none,
    row_blocks,
)
from bcl_core.geometry.groups import by_frequency, head_and_tail

DIRECTION_FLOOR = 1e-10
QUANTILES = {"angle_q05": 0.05, "angle_q25": 0.25, "angle_q50": 0.5, "angle_q75": 0.75, "angle_q95": 0.95}
"""Of the angles over pairs of classes, by the metric's name."""


def simplex_angle(num_classes: int) -> float:
    """Angle between any two vertices of a regular simplex with K vertices: arccos(−1/(K−1)), in degrees."""
    check_num_classes(num_classes)
    return float(np.rad2deg(np.arccos(-1 / (num_classes - 1))))


def simplex_frame(num_classes: int, dims: int | None = None) -> FloatArray:
    """Vertices of a regular simplex in fixed coordinates, or their first `dims` coordinates.

    The coordinates are the Fourier contrasts over the class index (cosine and sine of one turn, of two turns, …),
    scaled so that each vertex has length 1. They change smoothly with the class index, and the first two alone
    put the classes on a regular polygon.

    Args:
        num_classes: K, at least 2.
        dims: number of leading coordinates, 1 to K − 1; all K − 1 by default.

    Returns:
        Shape (K, dims); orthogonal columns of equal length that each sum to zero. With dims = K − 1 the rows are
        unit vectors with pairwise cosine −1/(K−1).
    """
    check_num_classes(num_classes)
    dims = num_classes - 1 if dims is None else dims
    if not 1 <= dims <= num_classes - 1:
        raise ValueError(f"dims is {dims}; expected 1 to {num_classes - 1} for {num_classes} classes")
    column = np.arange(dims)
    turns = 2 * np.pi * np.outer(np.arange(num_classes), column // 2 + 1) / num_classes
    waves: FloatArray = np.where(column % 2 == 0, np.cos(turns), np.sin(turns))
    waves *= np.sqrt(num_classes / (num_classes - 1)) / np.linalg.norm(waves, axis=0)
    return waves


def class_means(features: ArrayLike, labels: ArrayLike, num_classes: int) -> FloatArray:
    """Mean feature of each class.

    Args:
        features: shape (N, d).
        labels: classes 0 … K − 1, shape (N,).
        num_classes: K, at least 2.

    Returns:
        Shape (K, d); a row of NaN for a class without samples.
    """
    matrix, classes = _samples(features, labels, num_classes)
    order = np.argsort(classes, kind="stable")
    present, first, counts = np.unique(classes[order], return_index=True, return_counts=True)
    means = np.full((num_classes, matrix.shape[1]), np.nan)
    means[present] = np.add.reduceat(matrix[order], first) / counts[:, None]
    return means


def pairwise_angles(means: ArrayLike, centred: bool = False) -> FloatArray:
    """Angle between each two class means, in degrees.

    Centring manufactures a simplex (an orthogonal frame, centred, is one exactly): centred angles mean nothing
    without their spread and the length of the global mean beside them.

    Args:
        means: class means, shape (K, d), K ≥ 2.
        centred: take the unweighted mean of the class means away first.

    Returns:
        Shape (K, K), symmetric, 0 to 180, zero on the diagonal; NaN where a row has no direction. Exact to about
        1e-6 degrees (the arccos near a cosine of 1).
    """
    return _pairwise_angles(_means(means), centred)


def cross_angles(a: ArrayLike, b: ArrayLike) -> FloatArray:
    """Angle between matching rows of two sets, such as class means and prototypes, in degrees.

    Args:
        a: shape (K, d).
        b: shape (K, d): the same classes in the same space.

    Returns:
        Shape (K,), 0 to 180; NaN where either row has no direction.
    """
    left, right = as_matrix("a", a, finite=False), as_matrix("b", b, finite=False)
    if left.shape != right.shape:
        raise ValueError(f"b has shape {right.shape}; expected {left.shape}, the shape of a")
    return _degrees((unit_rows(left) * unit_rows(right)).sum(axis=1))


def within_class_angles(features: ArrayLike, labels: ArrayLike, num_classes: int) -> FloatArray:
    """Mean angle of a class's samples to their class mean, in degrees.

    Args:
        features: shape (N, d).
        labels: classes 0 … K − 1, shape (N,).
        num_classes: K, at least 2.

    Returns:
        Shape (K,); NaN for a class without samples or whose mean has no direction.
    """
    matrix, classes = _samples(features, labels, num_classes)
    directions = unit_rows(class_means(matrix, classes, num_classes))
    return _class_average(_degrees((unit_rows(matrix) * directions[classes]).sum(axis=1)), classes, num_classes)


def margins(features: ArrayLike, labels: ArrayLike, num_classes: int) -> FloatArray:
    """How much closer a class's samples are to their own mean than to the nearest other one, in degrees.

    For each sample, the angle to the nearest other class mean minus the angle to the own class mean; then the
    mean over the class. Negative where samples sit nearer to another class.

    Args:
        features: shape (N, d).
        labels: classes 0 … K − 1, shape (N,).
        num_classes: K, at least 2.

    Returns:
        Shape (K,), −180 to 180; NaN for a class without samples, or when no other class has a mean.
    """
    matrix, classes = _samples(features, labels, num_classes)
    directions, samples = unit_rows(class_means(matrix, classes, num_classes)), unit_rows(matrix)
    per_sample = np.empty(len(matrix))
    for rows in row_blocks(len(matrix)):
        cosines = samples[rows] @ directions.T
        own = np.arange(len(cosines)), classes[rows]
        own_cosine = cosines[own]
        cosines[own] = -np.inf
        nearest = np.where(np.isnan(cosines), -np.inf, cosines).max(axis=1)
        per_sample[rows] = _degrees(np.where(np.isneginf(nearest), np.nan, nearest)) - _degrees(own_cosine)
    return _class_average(per_sample, classes, num_classes)


def simplex_metrics(means: ArrayLike, class_counts: ArrayLike | None = None) -> dict[str, float | None]:
    """How close class means are to a regular simplex, in numbers that can be written as JSON.

    Every mean is a mean of angles over unordered pairs of classes, never the arccos of a mean cosine, and every
    standard deviation is over those pairs. Classes without a direction are left out; `classes_measured` says how
    many are left. A quantity that does not exist is None, never 0 or NaN.

    Args:
        means: class means, shape (K, d), K ≥ 2, in the space that is to be measured.
        class_counts: training counts, shape (K,), which name the head and the tail (`head_and_tail`).

    Returns:
        In degrees: angle_mean, angle_std, angle_min; angle_q05 … angle_q95, the quantiles of `QUANTILES`;
        angle_rms_deviation, the root mean square of the difference to `simplex_angle(K)`; the means over the pairs
        within and between head, medium and tail, angle_head_head … angle_tail_tail (None without counts, or where
        there is no such pair). The centred reading, which is never to be shown in parts: centred_angle_mean,
        centred_angle_std, and global_mean_norm, the length of the unweighted mean of the class means.
        And classes_measured.
    """
    matrix = _means(means)
    angles = _pairwise_angles(matrix, centred=False)
    measured = np.isfinite(np.diag(angles))
    pairs = _over_pairs(angles)
    metrics = {
        "angle_mean": mean_or_none(pairs),
        "angle_std": _std(pairs),
        "angle_rms_deviation": _root_mean_square(pairs - simplex_angle(len(matrix))),
        "angle_min": float(pairs.min()) if pairs.size else None,
        **_quantiles(pairs),
        **_between_groups(angles, class_counts),
    }
    centred = _over_pairs(_pairwise_angles(matrix, centred=True))
    present = matrix[np.isfinite(matrix).all(axis=1)]
    metrics["centred_angle_mean"] = mean_or_none(centred)
    metrics["centred_angle_std"] = _std(centred)
    metrics["global_mean_norm"] = float(np.linalg.norm(present.mean(axis=0))) if len(present) else None
    metrics["classes_measured"] = float(measured.sum())
    return metrics


def rms_angle_difference(means: ArrayLike, target_means: ArrayLike) -> float | None:
    """Root mean square difference between the angles of two sets of class means, over pairs of classes, in degrees.

    With an optimum predicted for some batches as target this is the distance to the prediction; it compares shapes, so
    a common rotation changes nothing and the dimensions may differ.

    Args:
        means: shape (K, d).
        target_means: shape (K, d').

    Returns:
        Degrees; None where no pair of classes has a direction in both.
    """
    measured, target = _means(means), _means(target_means)
    if len(measured) != len(target):
        raise ValueError(f"target_means has {len(target)} rows; expected {len(measured)}, one a class")
    return _root_mean_square(
        _over_pairs(_pairwise_angles(measured, centred=False) - _pairwise_angles(target, centred=False))
    )


def unit_rows(matrix: FloatArray, longest: float | None = None) -> FloatArray:
    """Rows scaled to length 1, shape (K, d); NaN for a row without a direction.

    `longest` is the length that a row is compared with (the longest row by default): after centring, what is left
    of coinciding means is rounding, which only the lengths from before can tell.
    """
    lengths = np.linalg.norm(matrix, axis=1)
    finite = np.isfinite(lengths)
    if longest is None:
        longest = float(lengths[finite].max(initial=0.0))
    has_direction = finite & (lengths > DIRECTION_FLOOR * longest)
    units = np.full_like(matrix, np.nan)
    units[has_direction] = matrix[has_direction] / lengths[has_direction, None]
    return units


def _samples(features: ArrayLike, labels: ArrayLike, num_classes: int) -> tuple[FloatArray, IntArray]:
    check_num_classes(num_classes)
    matrix = as_matrix("features", features)
    return matrix, as_labels(labels, rows=len(matrix), num_classes=num_classes)


def _means(means: ArrayLike) -> FloatArray:
    matrix = as_matrix("means", means, finite=False)
    if len(matrix) < 2:
        raise ValueError(f"means has shape {matrix.shape}; expected one row for each of two or more classes")
    return matrix


def _pairwise_angles(matrix: FloatArray, centred: bool) -> FloatArray:
    present = np.isfinite(matrix).all(axis=1)
    longest = float(np.linalg.norm(matrix[present], axis=1).max(initial=0.0))
    if centred and present.any():
        matrix = matrix - matrix[present].mean(axis=0)
    units = unit_rows(matrix, longest)
    angles = _degrees(units @ units.T)
    np.fill_diagonal(angles, np.where(np.isfinite(units).all(axis=1), 0.0, np.nan))
    return angles


def _quantiles(pairs: FloatArray) -> dict[str, float | None]:
    if not pairs.size:
        return dict.fromkeys(QUANTILES)
    return dict(zip(QUANTILES, np.quantile(pairs, list(QUANTILES.values())).tolist(), strict=True))


def _between_groups(angles: FloatArray, class_counts: ArrayLike | None) -> dict[str, float | None]:
    """Mean angle within and between head, medium and tail."""
    groups = {} if class_counts is None else _groups(class_counts, len(angles))
    metrics: dict[str, float | None] = {}
    for one, other in combinations_with_replacement(("head", "medium", "tail"), 2):
        between = angles[np.ix_(groups[one], groups[other])] if groups else np.empty((0, 0))
        metrics[f"angle_{one}_{other}"] = mean_or_none(_over_pairs(between) if one == other else between)
    return metrics


def _groups(class_counts: ArrayLike, num_classes: int) -> dict[str, IntArray]:
    if len(np.asarray(class_counts)) != num_classes:
        raise ValueError(f"class_counts has {len(np.asarray(class_counts))} entries; expected {num_classes}")
    head, tail = head_and_tail(class_counts)
    return {"head": head, "medium": by_frequency(class_counts)[len(head) : -len(tail)], "tail": tail}


def _degrees(cosines: FloatArray) -> FloatArray:
    degrees: FloatArray = np.rad2deg(np.arccos(np.clip(cosines, -1, 1)))
    return degrees


def _over_pairs(angles: FloatArray) -> FloatArray:
    pairs: FloatArray = angles[~np.tri(len(angles), dtype=bool) & np.isfinite(angles)]
    return pairs


def _std(values: FloatArray) -> float | None:
    return float(values.std()) if values.size else None


def _root_mean_square(values: FloatArray) -> float | None:
    return float(np.sqrt(np.mean(values**2))) if values.size else None


def _class_average(values: FloatArray, classes: IntArray, num_classes: int) -> FloatArray:
    kept = np.isfinite(values)
    sums = np.bincount(classes[kept], values[kept], minlength=num_classes)
    counts = np.bincount(classes[kept], minlength=num_classes)
    means = np.full(num_classes, np.nan)
    np.divide(sums, counts, out=means, where=counts > 0)
    return means
