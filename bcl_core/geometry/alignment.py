"""Coordinates of the embedding picture: the same frame in every epoch, honest about what it leaves out.

The class means are turned onto a fixed regular simplex, so that pictures of different epochs and runs can be laid
over each other. Fitted on the samples that it draws, such a projection fabricates clusters (pure noise in 128
dimensions separates perfectly with five samples a class): fit on one half (`split_halves`), draw the other.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from bcl_core.geometry.angles import simplex_frame
from bcl_core.geometry.arrays import UNIT_TOLERANCE, BoolArray, FloatArray, IntArray, as_matrix, row_blocks

MAX_SIMPLEX_DIMS = 9
QUANTISATION_SCALE = 32_767


class AlignedCoordinates(NamedTuple):
    """Coordinates of the samples, and the frame that puts means and prototypes into the same picture."""

    coordinates: FloatArray  # (N, p) = features @ frame
    frame: FloatArray  # (d, p)


def aligned_coordinates(features: ArrayLike, fit_means: ArrayLike) -> AlignedCoordinates:
    """Project features so that the class means lie as close to a fixed regular simplex as a rotation can bring them.

    The first min(K − 1, 9) columns of the frame solve the orthogonal Procrustes problem (Schönemann 1966): the polar
    factor of M̃ᵀS, with M̃ the centred class means and S the leading coordinates of `simplex_frame(K)`. It is
    unique and has no signs to flip, so it follows the means continuously from epoch to epoch. Above K = 10 classes
    S holds the nine slowest waves over the class index, and what is drawn is those nine contrasts between classes.
    The last column is the direction in which the features reach furthest (largest mean square) outside those,
    pointing to the side of the global mean.

    Where the means span fewer dimensions than S (d < K − 1, or merged classes), the frame is a partial isometry:
    it adds no direction that the means do not have. A missing residual direction is a column of zeros. Lengths
    never grow, so unit vectors stay within the unit ball.

    Args:
        features: shape (N, d), of which the residual direction is taken.
        fit_means: class means, shape (K, d), K ≥ 2, of the samples that fit the frame; rows of NaN for classes
            without samples.

    Returns:
        Coordinates (N, p) and frame (d, p), p = min(K − 1, 9) + 1. The frame's columns are orthonormal where no
        direction is missing.

    Raises:
        ValueError: if `fit_means` is not (K, d) with K ≥ 2, or no row of it is finite.
    """
    matrix = as_matrix("features", features)
    means = as_matrix("fit_means", fit_means, finite=False)
    if len(means) < 2 or means.shape[1] != matrix.shape[1]:
        raise ValueError(f"fit_means has shape {means.shape}; expected (K, {matrix.shape[1]}) with K of 2 or more")
    present = np.isfinite(means).all(axis=1)
    if not present.any():
        raise ValueError("fit_means holds no row of finite numbers; expected the mean of at least one class")
    target = simplex_frame(len(means), min(len(means) - 1, MAX_SIMPLEX_DIMS))
    rotation = _procrustes(means[present], target[present])
    frame = np.column_stack([rotation, _residual_direction(matrix, rotation)])
    return AlignedCoordinates(matrix @ frame, frame)


def split_halves(labels: ArrayLike, seed: int) -> BoolArray:
    """Choose the half of the samples that fits the frame, class by class; the other half is drawn.

    Args:
        labels: classes, shape (N,).
        seed: the same seed chooses the same half.

    Returns:
        Shape (N,), True for the fitting half. It gets the odd sample of a class, so that every class is fitted.

    Raises:
        ValueError: if `labels` is not one row of them.
    """
    classes = np.asarray(labels)
    if classes.ndim != 1:
        raise ValueError(f"labels has shape {classes.shape}; expected (N,)")
    rng = np.random.default_rng(seed)
    fits = np.zeros(len(classes), dtype=bool)
    for label in np.unique(classes):
        members = rng.permutation(np.flatnonzero(classes == label))
        fits[members[: (len(members) + 1) // 2]] = True
    return fits


def quantise(coordinates: ArrayLike) -> NDArray[np.int16]:
    """Store coordinates within [−1, 1] as int16, in steps of 1/32767; any shape. ValueError where one lies outside."""
    values = np.asarray(coordinates, dtype=np.float64)
    largest = float(np.abs(values).max(initial=0.0))
    if not largest <= 1 + UNIT_TOLERANCE:
        raise ValueError(f"coordinates reach {largest}; expected at most 1, as for points of the unit ball")
    return np.rint(np.clip(values, -1, 1) * QUANTISATION_SCALE).astype(np.int16)


def variance_kept(features: ArrayLike, coordinates: ArrayLike) -> float | None:
    """Share of the features' total variance that the coordinates keep, 0 to 1; None if the features do not vary.

    Args:
        features: shape (N, d).
        coordinates: their projection, shape (N, p).

    Raises:
        ValueError: if one of them is no matrix of finite numbers, or they have not as many rows.
    """
    matrix, drawn = _pair(features, coordinates)
    total = matrix.var(axis=0).sum()
    return float(min(drawn.var(axis=0).sum() / total, 1.0)) if total > 0 else None


def neighbours_preserved(
    features: ArrayLike, coordinates: ArrayLike, dims: Sequence[int], k: int = 5
) -> tuple[float, ...]:
    """Share of each sample's k nearest neighbours that are still among the k nearest in the picture, 0 to 1.

    Args:
        features: shape (N, d), N > k.
        coordinates: their projection, shape (N, p).
        dims: how many leading coordinates are drawn, 1 to p; one share for each.
        k: neighbours a sample, at least 1.

    Raises:
        ValueError: as `variance_kept`, or if `k` or one of `dims` is out of range.
    """
    matrix, drawn = _pair(features, coordinates)
    if wrong := [number for number in dims if not 1 <= number <= drawn.shape[1]]:
        raise ValueError(f"dims is {wrong[0]}; expected 1 to {drawn.shape[1]}")
    if not 1 <= k < len(matrix):
        raise ValueError(f"k is {k}; expected 1 to {len(matrix) - 1} for {len(matrix)} samples")
    before = _neighbours(matrix, k)[:, :, None]
    after = [_neighbours(drawn[:, :number], k)[:, None, :] for number in dims]
    return tuple(float((before == found).any(axis=2).mean()) for found in after)


def _procrustes(means: FloatArray, target: FloatArray) -> FloatArray:
    """Partial isometry R (d, p) that maximises the trace of RᵀM̃ᵀS."""
    cross = (means - means.mean(axis=0)).T @ target
    left, singular, right = np.linalg.svd(cross, full_matrices=False)
    noise = np.finfo(np.float64).eps * max(cross.shape) * np.linalg.norm(means) * np.linalg.norm(target)
    kept = singular > noise
    rotation: FloatArray = left[:, kept] @ right[kept]
    return rotation


def _residual_direction(matrix: FloatArray, rotation: FloatArray) -> FloatArray:
    residual = matrix - (matrix @ rotation) @ rotation.T
    moments, directions = np.linalg.eigh(residual.T @ residual)
    direction: FloatArray = directions[:, -1]
    if moments[-1] <= np.finfo(np.float64).eps * max(matrix.shape) * np.linalg.norm(matrix) ** 2:
        return np.zeros_like(direction)
    side = float(matrix.mean(axis=0) @ direction)
    if abs(side) <= 1e-12 * np.abs(matrix).max():
        side = float(direction[np.abs(direction).argmax()])
    return direction if side > 0 else -direction


def _pair(features: ArrayLike, coordinates: ArrayLike) -> tuple[FloatArray, FloatArray]:
    matrix, drawn = as_matrix("features", features), as_matrix("coordinates", coordinates)
    if len(matrix) != len(drawn):
        raise ValueError(f"coordinates has {len(drawn)} rows; expected {len(matrix)}, one a row of features")
    return matrix, drawn


def _neighbours(points: FloatArray, k: int) -> IntArray:
    lengths, doubled = (points**2).sum(axis=1), -2 * points.T
    nearest = np.empty((len(points), k), dtype=np.int64)
    for rows in row_blocks(len(points)):
        distances = points[rows] @ doubled  # from here on in place: what is left is as quick as memory
        distances += lengths
        here, found = np.arange(len(distances)), np.arange(len(points))[rows]
        for place in range(k):  # of a handful, quicker than to partition the rows
            distances[here, found] = np.inf
            nearest[rows, place] = found = distances.argmin(axis=1)
    return nearest
