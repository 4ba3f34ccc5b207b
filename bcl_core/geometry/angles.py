"""Angles between class means, and of samples to them, in degrees.

A direction exists only for a row that is finite and longer than `DIRECTION_FLOOR` times the longest row.
Rows without a direction (a class without samples, a mean of length zero) have NaN angles, and statistics are
taken over the classes that have one: a collapsed run must still be measured, not stop its own training.
"""

from __future__ import annotations

from collections.abc import Mapping
from itertools import combinations_with_replacement
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from bcl_core.geometry.arrays import (
    FloatArray,
    IntArray,
    SampleArray,
    as_labels,
    as_matrix,
    as_samples,
    check_num_classes,
    mean_or_none,
    row_blocks,
)
from bcl_core.geometry.groups import by_frequency, head_and_tail

DIRECTION_FLOOR = 1e-10
QUANTILES = {"angle_q05": 0.05, "angle_q25": 0.25, "angle_q50": 0.5, "angle_q75": 0.75, "angle_q95": 0.95}
"""Of the angles over pairs of classes, by the metric's name."""


class AnglesToMeans(NamedTuple):
    """Of each class, the mean over its samples; degrees."""

    within_class: FloatArray  # (K,) angle to the own class mean, 0 to 180
    margin: FloatArray  # (K,) angle to the nearest other class mean less that to the own one; negative: nearer to it


def simplex_angle(num_classes: int) -> float:
    """Angle between any two of the K = `num_classes` vertices of a regular simplex: arccos(−1/(K−1)), in degrees.

    Returns:
        180 for K = 2, towards 90 for many.

    Raises:
        ValueError: if K is less than 2.
    """
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

    Raises:
        ValueError: if K is less than 2, or `dims` is not 1 to K − 1.
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

    Raises:
        ValueError: if `features` is no matrix of finite numbers, or a label is no whole number of 0 … K − 1.
    """
    matrix, classes = _samples(features, labels, num_classes)
    order = np.argsort(classes, kind="stable")
    present, first = np.unique(classes[order], return_index=True)
    means = np.full((num_classes, matrix.shape[1]), np.nan)
    for label, members in zip(present, np.split(order, first[1:]), strict=True):
        means[label] = matrix[members].mean(axis=0, dtype=np.float64)
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

    Raises:
        ValueError: if `means` is no matrix of two or more rows.
    """
    return _pairwise_angles(_means(means), centred)


def cross_angles(a: ArrayLike, b: ArrayLike) -> FloatArray:
    """Angle between matching rows of two sets, such as class means and prototypes, in degrees.

    Args:
        a: shape (K, d).
        b: shape (K, d): the same classes in the same space.

    Returns:
        Shape (K,), 0 to 180; NaN where either row has no direction.

    Raises:
        ValueError: if the two are no matrices of one shape.
    """
    left, right = as_matrix("a", a, finite=False), as_matrix("b", b, finite=False)
    if left.shape != right.shape:
        raise ValueError(f"b has shape {right.shape}; expected {left.shape}, the shape of a")
    return _degrees((unit_rows(left) * unit_rows(right)).sum(axis=1))


def angles_to_means(
    features: ArrayLike, labels: ArrayLike, num_classes: int, means: ArrayLike | None = None
) -> AnglesToMeans:
    """How far a class's samples are from their own mean, and how much farther from the nearest other one, in degrees.

    Products with all the means are taken in the features' precision; they only choose the nearest one. Each angle is
    of float64.

    Args:
        features: shape (N, d), float32 or float64.
        labels: classes 0 … K − 1, shape (N,).
        num_classes: K, at least 2.
        means: `class_means` of these, where they are known.

    Returns:
        NaN for a class without samples, or whose mean has no direction; of margins also where no other class has one.

    Raises:
        ValueError: as `class_means`, or if `means` is not (K, d).
    """
    matrix, classes = _samples(features, labels, num_classes)
    directions = unit_rows(means_of(matrix, classes, num_classes, means))
    present = np.flatnonzero(np.isfinite(directions).all(axis=1))
    if not len(present):
        return AnglesToMeans(*np.full((2, num_classes), np.nan))
    place = np.zeros(num_classes, np.int64)  # among the present ones; one without a direction has no angles whatever
    place[present] = np.arange(len(present))
    longest = max(
        float(np.linalg.norm(matrix[rows].astype(np.float64), axis=1).max()) for rows in row_blocks(len(matrix))
    )
    narrow = directions[present].T.astype(matrix.dtype)
    own, other = np.full((2, len(matrix)), np.nan)
    for rows in row_blocks(len(matrix)):
        samples = unit_rows(matrix[rows].astype(np.float64), longest)
        cosines = samples.astype(matrix.dtype) @ narrow
        cosines[np.arange(len(cosines)), place[classes[rows]]] = -np.inf
        nearest = present[cosines.argmax(axis=1)]
        own[rows] = _degrees((samples * directions[classes[rows]]).sum(axis=1))
        if len(present) > 1:
            other[rows] = _degrees((samples * directions[nearest]).sum(axis=1))
    return AnglesToMeans(
        within_class=_class_average(own, classes, num_classes), margin=_class_average(other - own, classes, num_classes)
    )


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

    Raises:
        ValueError: if `means` is no matrix of two or more rows, or `class_counts` not a whole number of 1 or more each.
    """
    matrix = _means(means)
    units, centred = _directions(matrix, centred=False), _directions(matrix, centred=True)
    groups = {"all": np.arange(len(matrix))} if class_counts is None else _groups(class_counts, len(matrix))
    between = _angles_between(units, groups)
    pairs = np.concatenate(list(between.values()))
    centred_pairs = np.concatenate(list(_angles_between(centred, groups).values()))
    present = matrix[np.isfinite(matrix).all(axis=1)]
    return {
        "angle_mean": mean_or_none(pairs),
        "angle_std": _std(pairs),
        "angle_rms_deviation": _root_mean_square(pairs - simplex_angle(len(matrix))),
        "angle_min": float(pairs.min()) if pairs.size else None,
        **_quantiles(pairs),
        **{
            f"angle_{one}_{other}": mean_or_none(between.get((one, other), np.empty(0)))
            for one, other in combinations_with_replacement(("head", "medium", "tail"), 2)
        },
        "centred_angle_mean": mean_or_none(centred_pairs),
        "centred_angle_std": _std(centred_pairs),
        "global_mean_norm": float(np.linalg.norm(present.mean(axis=0))) if len(present) else None,
        "classes_measured": float(np.isfinite(units).all(axis=1).sum()),
    }


def rms_angle_difference(means: ArrayLike, target_means: ArrayLike) -> float | None:
    """Root mean square difference between the angles of two sets of class means, over pairs of classes, in degrees.

    With an optimum predicted for some batches as target this is the distance to the prediction; it compares shapes, so
    a common rotation changes nothing and the dimensions may differ.

    Args:
        means: shape (K, d).
        target_means: shape (K, d').

    Returns:
        Degrees; None where no pair of classes has a direction in both.

    Raises:
        ValueError: if one of them is no matrix of two or more rows, or they have not as many rows.
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


def _samples(features: ArrayLike, labels: ArrayLike, num_classes: int) -> tuple[SampleArray, IntArray]:
    check_num_classes(num_classes)
    matrix = as_samples("features", features)
    return matrix, as_labels(labels, rows=len(matrix), num_classes=num_classes)


def means_of(matrix: SampleArray, classes: IntArray, num_classes: int, means: ArrayLike | None) -> FloatArray:
    """Class means as they are known, (K, d), checked; computed where they are not."""
    if means is None:
        return class_means(matrix, classes, num_classes)
    known = as_matrix("means", means, finite=False)
    if known.shape != (num_classes, matrix.shape[1]):
        raise ValueError(f"means has shape {known.shape}; expected {(num_classes, matrix.shape[1])}")
    return known


def _means(means: ArrayLike) -> FloatArray:
    matrix = as_matrix("means", means, finite=False)
    if len(matrix) < 2:
        raise ValueError(f"means has shape {matrix.shape}; expected one row for each of two or more classes")
    return matrix


def _directions(matrix: FloatArray, centred: bool) -> FloatArray:
    """Unit rows, (K, d), of class means, or of what is left of them without their mean."""
    present = np.isfinite(matrix).all(axis=1)
    longest = float(np.linalg.norm(matrix[present], axis=1).max(initial=0.0))
    if centred and present.any():
        matrix = matrix - matrix[present].mean(axis=0)
    return unit_rows(matrix, longest)


def _pairwise_angles(matrix: FloatArray, centred: bool) -> FloatArray:
    units = _directions(matrix, centred)
    angles = _degrees(units @ units.T)
    np.fill_diagonal(angles, np.where(np.isfinite(units).all(axis=1), 0.0, np.nan))
    return angles


def _angles_between(units: FloatArray, groups: Mapping[str, IntArray]) -> dict[tuple[str, str], FloatArray]:
    """Angles over the pairs of classes within and between groups, (pairs,) each, so that K × K is never held whole."""
    rows = {name: units[group] for name, group in groups.items()}
    rows = {name: group[np.isfinite(group).all(axis=1)] for name, group in rows.items()}
    between = {}
    for one, other in combinations_with_replacement(rows, 2):
        cosines = rows[one] @ rows[other].T
        between[one, other] = _degrees(cosines[~np.tri(len(cosines), dtype=bool)] if one == other else cosines.ravel())
    return between


def _quantiles(pairs: FloatArray) -> dict[str, float | None]:
    if not pairs.size:
        return dict.fromkeys(QUANTILES)
    return dict(zip(QUANTILES, np.quantile(pairs, list(QUANTILES.values())).tolist(), strict=True))


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
