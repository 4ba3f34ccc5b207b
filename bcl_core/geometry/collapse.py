"""Neural-collapse metrics of a set of features, as Papyan, Han and Donoho (2020) and later work define them.

Class means are centred with their unweighted mean: a class counts as a class, however many samples it has.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from bcl_core.geometry.angles import DIRECTION_FLOOR, means_of, unit_rows
from bcl_core.geometry.arrays import (
    BoolArray,
    FloatArray,
    IntArray,
    SampleArray,
    as_counts,
    as_labels,
    as_matrix,
    as_samples,
    mean_or_none,
    row_blocks,
)
from bcl_core.geometry.groups import head_and_tail

WELL_CONDITIONED = 1e-8  # share of the largest eigenvalue from which the smallest one is right to seven digits
UNSURE = 128  # roundings by which a sum of products may be off


def collapse_metrics(
    features: ArrayLike,
    labels: ArrayLike,
    classifier: ArrayLike | None = None,
    class_counts: ArrayLike | None = None,
    predictions: ArrayLike | None = None,
    means: ArrayLike | None = None,
) -> dict[str, float | None]:
    """Neural-collapse metrics, in numbers that can be written as JSON; all are dimensionless.

    M is the matrix of class means, M̃ = M − μ_G with μ_G their unweighted mean, G = M̃M̃ᵀ. K in the formulas is the
    number of classes that have samples; the others are left out. A metric that does not exist, for want of an
    input or because a length it divides by is zero, is None.

    Args:
        features: backbone features of the evaluation set, shape (N, d); products of float32 are taken in float32.
        labels: classes, shape (N,), whole numbers from 0.
        classifier: weights, shape (K, d), in the space of the features. For a cosine classifier, pass rows of length 1:
            the lengths that its weights happen to have mean nothing.
        class_counts: training counts, shape (K,), which name the tail (`head_and_tail`).
        predictions: the class that the model predicts of each sample, shape (N,), bias, scale and all; where None, the
            one with the largest inner product of the classifier's rows.
        means: `class_means` of the features, shape (K, d), where they are known.

    Returns:
        nc1: tr(Σ_W Σ_B†)/K with Σ_W averaged over classes (Papyan et al. 2020); 0 at collapse.
        nc1_sample_weighted: the same with Σ_W averaged over samples, as most code computes it.
        cdnv: (Var_i + Var_j)/(2‖μ_i − μ_j‖²), mean over pairs (Galanti et al. 2021); 0 at collapse.
        nc2_equinorm: std‖μ̃‖ / mean‖μ̃‖; 0 for means of equal length.
        nc2_equiangularity: mean over pairs of |cos(μ̃_i, μ̃_j) + 1/(K−1)|, 0 to 2; 0 for a regular simplex.
        nc2_simplex: ‖G/‖G‖_F − (I − 11ᵀ/K)/√(K−1)‖_F, 0 to √2; 0 for a regular simplex (Thrampoulidis et al. 2022).
        nc3: ‖W/‖W‖_F − M̃/‖M̃‖_F‖²_F, 0 to 4; 0 when the classifier is aligned with the class means.
        nc4: share of samples, 0 to 1, on which the nearest class mean and the predictions disagree.
        orthogonal_frame: ‖MMᵀ/‖MMᵀ‖_F − I/√K‖_F, 0 to √2, uncentred; 0 for an orthogonal frame (Kini et al. 2024).
        minority_collapse: mean pairwise cosine of the tail's classifiers, −1 to 1; 1 when they have merged
            (Fang et al. 2021).

    Raises:
        ValueError: if shapes do not fit, or fewer than two classes have samples.
    """
    matrix = as_samples("features", features)
    weights = None if classifier is None else as_matrix("classifier", classifier)
    num_classes = _num_classes(labels, weights, class_counts)
    classes = as_labels(labels, rows=len(matrix), num_classes=num_classes)
    if weights is not None and weights.shape != (num_classes, matrix.shape[1]):
        raise ValueError(f"classifier has shape {weights.shape}; expected {(num_classes, matrix.shape[1])}")
    if predictions is None:
        predicted = None if weights is None else _largest_product(matrix, weights)
    else:
        predicted = as_labels(predictions, rows=len(matrix), num_classes=num_classes)
    present = np.unique(classes)
    if len(present) < 2:
        raise ValueError(f"labels name {len(present)} class; expected two or more")

    of_present = means_of(matrix, classes, num_classes, means)[present]
    centred = _centre(of_present)
    return {
        **_spread(matrix, np.searchsorted(present, classes), of_present, centred),
        **_simplex_distances(centred),
        "nc3": None if weights is None else _self_duality(weights[present], centred),
        "nc4": None if predicted is None else _disagreement(matrix, present, of_present, predicted),
        "minority_collapse": None if weights is None else _minority_collapse(weights, class_counts),
    }


def _num_classes(labels: ArrayLike, weights: FloatArray | None, class_counts: ArrayLike | None) -> int:
    if class_counts is not None:
        return len(as_counts(class_counts))
    return len(weights) if weights is not None else int(np.max(np.asarray(labels), initial=0)) + 1


def _spread(matrix: SampleArray, index: IntArray, means: FloatArray, centred: FloatArray) -> dict[str, float | None]:
    counts = np.bincount(index)
    whitener = _whitener(centred, matrix.dtype)
    whitened, plain = np.empty((2, len(matrix)))  # squared length of each deviation
    for rows in row_blocks(len(matrix)):
        deviations = matrix[rows] - means[index[rows]]
        plain[rows] = _squares(deviations)
        whitened[rows] = _squares(deviations.astype(whitener.dtype) @ whitener)
    exists = bool(centred.any())
    gram = means @ means.T
    return {
        "nc1": float((np.bincount(index, whitened) / counts).mean()) if exists else None,
        "nc1_sample_weighted": float(whitened.mean()) if exists else None,
        "cdnv": _cdnv(np.bincount(index, plain) / counts, gram),
        "orthogonal_frame": _distance(gram, 0, 1 / np.sqrt(len(means))),
    }


def _squares(rows: SampleArray) -> FloatArray:
    squares: FloatArray = (rows * rows).sum(axis=1, dtype=np.float64)
    return squares


def _cdnv(variances: FloatArray, gram: FloatArray) -> float | None:
    squares, total = gram.diagonal(), 0.0
    rounding = np.finfo(np.float64).eps * len(gram) * squares.max()
    for rows, above in _pairs(len(gram)):
        distances = (squares[rows, None] + squares - 2 * gram[rows])[above]
        if not (distances > rounding).all():
            return None
        total += float(((variances[rows, None] + variances)[above] / (2 * distances)).sum())
    return total / (len(gram) * (len(gram) - 1) / 2)


def _pairs(num_classes: int) -> Iterator[tuple[slice, BoolArray]]:
    """Yield rows of a K × K matrix and which of their entries are of a pair of classes that had not come before."""
    numbers = np.arange(num_classes)
    for rows in row_blocks(num_classes):
        yield rows, numbers > numbers[rows, None]


def _centre(means: FloatArray) -> FloatArray:
    """Centred class means; a row that is only rounding becomes exactly zero, so that nothing divides by it."""
    centred: FloatArray = means - means.mean(axis=0)
    noise = DIRECTION_FLOOR * np.linalg.norm(means, axis=1).max()
    centred[np.linalg.norm(centred, axis=1) <= noise] = 0
    return centred


def _whitener(centred: FloatArray, precision: np.dtype[np.floating[Any]]) -> SampleArray:
    """V/S, (d, r), with M̃ = U S Vᵀ: (xᵀV/S)² adds up to xᵀ Σ_B† x / K, since Σ_B† = K V S⁻² Vᵀ.

    The eigenvectors of the smaller Gram matrix are several times cheaper than that decomposition, and products in the
    features' precision are too. Both are as good unless there are directions in which the means hardly differ: these
    count most, and would be lost in rounding.
    """
    num_classes, dim = centred.shape
    gram = centred.T @ centred if dim < num_classes else centred @ centred.T
    moments, axes = np.linalg.eigh(gram)
    if dim >= num_classes:  # rows that add up to 0 leave out one direction
        moments, axes = moments[1:], centred.T @ axes[:, 1:]
        axes /= np.sqrt(moments.clip(min=np.finfo(np.float64).tiny))
    if moments[0] > WELL_CONDITIONED * moments[-1]:
        return np.asarray(axes / np.sqrt(moments), precision)
    _, singular, directions = np.linalg.svd(centred, full_matrices=False)
    kept = singular > singular[0] * max(centred.shape) * np.finfo(np.float64).eps
    whitener: FloatArray = directions[kept].T / singular[kept]
    return whitener


def _simplex_distances(centred: FloatArray) -> dict[str, float | None]:
    num_classes = len(centred)
    lengths, gram = np.linalg.norm(centred, axis=1), centred @ centred.T
    equiangularity = None
    if lengths.all():
        cosines = ((gram[rows] / (lengths[rows, None] * lengths))[above] for rows, above in _pairs(num_classes))
        apart = sum(float(np.abs(block + 1 / (num_classes - 1)).sum()) for block in cosines)
        equiangularity = apart / (num_classes * (num_classes - 1) / 2)
    aside, root = -1 / num_classes, np.sqrt(num_classes - 1)
    return {
        "nc2_equinorm": float(lengths.std() / lengths.mean()) if lengths.any() else None,
        "nc2_equiangularity": equiangularity,
        "nc2_simplex": _distance(gram, aside / root, (1 + aside) / root),
    }


def _self_duality(weights: FloatArray, centred: FloatArray) -> float | None:
    if not (weights.any() and centred.any()):
        return None
    return float(np.linalg.norm(weights / np.linalg.norm(weights) - centred / np.linalg.norm(centred))) ** 2


def _distance(gram: FloatArray, off_diagonal: float, diagonal: float) -> float | None:
    """‖G/‖G‖_F − target‖_F, or None for a matrix of zeros. The target has two numbers, and G is overwritten: one K × K
    matrix is enough."""
    scale = np.linalg.norm(gram)
    if scale == 0:
        return None
    gram /= scale
    gram -= off_diagonal
    gram[np.diag_indices_from(gram)] -= diagonal - off_diagonal
    return float(np.linalg.norm(gram))


def _largest_product(matrix: SampleArray, weights: FloatArray) -> IntArray:
    return np.concatenate([(matrix[rows] @ weights.T).argmax(axis=1) for rows in row_blocks(len(matrix))])


def nearest_class_means(features: SampleArray, means: FloatArray) -> IntArray:
    """Return which of the means (K, d) is nearest to each sample, shape (N,), for features (N, d).

    Where products in the features' precision leave two means about as near, they are taken again in float64.
    """
    centre = means.mean(axis=0)  # without it, what all have in common would take the digits that tell means apart
    centred = means - centre
    scale = float(np.linalg.norm(centred, axis=1).max()) or 1.0  # so that no square overflows float32
    centred /= scale
    halves, narrow = _squares(centred) / 2, centred.T.astype(features.dtype)
    found = np.empty(len(features), np.int64)
    for rows in row_blocks(len(features)):
        samples = (features[rows] - centre) / scale
        # ‖h − μ‖²/2 less ‖h‖²/2, which is the same for all classes
        distances = halves.astype(features.dtype) - samples.astype(features.dtype) @ narrow
        nearest = distances.argmin(axis=1)
        best = np.arange(len(distances)), nearest
        least, distances[best] = distances[best], np.inf
        rounding = UNSURE * np.finfo(features.dtype).eps * (1 + np.sqrt(_squares(samples)))
        close = distances.min(axis=1) - least <= rounding
        nearest[close] = (halves - samples[close] @ centred.T).argmin(axis=1)
        found[rows] = nearest
    return found


def _disagreement(matrix: SampleArray, present: IntArray, means: FloatArray, predicted: IntArray) -> float:
    """Share of samples whose nearest mean is not that of the predicted class."""
    return 1 - int((present[nearest_class_means(matrix, means)] == predicted).sum()) / len(matrix)


def _minority_collapse(weights: FloatArray, class_counts: ArrayLike | None) -> float | None:
    if class_counts is None:
        return None
    _, tail = head_and_tail(class_counts)
    units = unit_rows(weights[tail])
    return mean_or_none((units @ units.T)[~np.tri(len(tail), dtype=bool)])
