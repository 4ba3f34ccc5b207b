"""Neural-collapse metrics of a set of features, as Papyan, Han and Donoho (2020) and later work define them.

Class means are centred with their unweighted mean: a class counts as a class, however many samples it has.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from bcl_core.geometry.angles import DIRECTION_FLOOR, class_means, unit_rows
from bcl_core.geometry.arrays import FloatArray, IntArray, as_counts, as_labels, as_matrix, mean_or_none, row_blocks
from bcl_core.geometry.groups import head_and_tail


def collapse_metrics(
    features: ArrayLike,
    labels: ArrayLike,
    classifier: ArrayLike | None = None,
    class_counts: ArrayLike | None = None,
    predictions: ArrayLike | None = None,
) -> dict[str, float | None]:
    """Neural-collapse metrics, in numbers that can be written as JSON; all are dimensionless.

    M is the matrix of class means, M̃ = M − μ_G with μ_G their unweighted mean, G = M̃M̃ᵀ. K in the formulas is the
    number of classes that have samples; the others are left out. A metric that does not exist, for want of an
    input or because a length it divides by is zero, is None.

    Args:
        features: backbone features of the evaluation set, shape (N, d).
        labels: classes, shape (N,), whole numbers from 0.
        classifier: weights, shape (K, d), in the space of the features. For a cosine classifier, pass rows of length 1:
            the lengths that its weights happen to have mean nothing.
        class_counts: training counts, shape (K,), which name the tail (`head_and_tail`).
        predictions: the class that the model predicts of each sample, shape (N,), bias, scale and all; where None, the
            one with the largest inner product of the classifier's rows.

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
    matrix = as_matrix("features", features)
    weights = None if classifier is None else as_matrix("classifier", classifier)
    num_classes = _num_classes(labels, weights, class_counts)
    classes = as_labels(labels, rows=len(matrix), num_classes=num_classes)
    if weights is not None and weights.shape != (num_classes, matrix.shape[1]):
        raise ValueError(f"classifier has shape {weights.shape}; expected {(num_classes, matrix.shape[1])}")
    if predictions is None:
        predicted = None if weights is None else _largest_product(matrix, weights)
    else:
        predicted = as_labels(predictions, rows=len(matrix), num_classes=num_classes)
    present, index = np.unique(classes, return_inverse=True)
    if len(present) < 2:
        raise ValueError(f"labels name {len(present)} class; expected two or more")

    means = class_means(matrix, index, len(present))
    centred = _centre(means)
    deviations = matrix - means[index]
    return {
        **_variability(deviations, index, means, centred),
        **_simplex_distances(means, centred),
        "nc3": None if weights is None else _self_duality(weights[present], centred),
        "nc4": None if predicted is None else _disagreement(matrix, present, means, predicted),
        "minority_collapse": None if weights is None else _minority_collapse(weights, class_counts),
    }


def _num_classes(labels: ArrayLike, weights: FloatArray | None, class_counts: ArrayLike | None) -> int:
    if class_counts is not None:
        return len(as_counts(class_counts))
    return len(weights) if weights is not None else int(np.max(np.asarray(labels), initial=0)) + 1


def _variability(
    deviations: FloatArray, index: IntArray, means: FloatArray, centred: FloatArray
) -> dict[str, float | None]:
    num_classes = len(means)
    counts = np.bincount(index)
    squares = (_whiten(deviations, centred) ** 2).sum(axis=1)
    exists = bool(centred.any())

    variances = np.bincount(index, (deviations**2).sum(axis=1)) / counts
    gram = means @ means.T
    distances = np.diag(gram)[:, None] + np.diag(gram) - 2 * gram
    pairs = ~np.tri(num_classes, dtype=bool)
    apart = distances[pairs]
    rounding = np.finfo(np.float64).eps * num_classes * np.diag(gram).max()
    cdnv = ((variances[:, None] + variances)[pairs] / (2 * apart)).mean() if (apart > rounding).all() else None
    return {
        "nc1": float((np.bincount(index, squares) / counts).mean()) if exists else None,
        "nc1_sample_weighted": float(squares.mean()) if exists else None,
        "cdnv": None if cdnv is None else float(cdnv),
    }


def _centre(means: FloatArray) -> FloatArray:
    """Centred class means; a row that is only rounding becomes exactly zero, so that nothing divides by it."""
    centred: FloatArray = means - means.mean(axis=0)
    noise = DIRECTION_FLOOR * np.linalg.norm(means, axis=1).max()
    centred[np.linalg.norm(centred, axis=1) <= noise] = 0
    return centred


def _whiten(deviations: FloatArray, centred: FloatArray) -> FloatArray:
    """Rows whose squared length is xᵀ Σ_B† x / K: with M̃ = U S Vᵀ, Σ_B† = K V S⁻² Vᵀ, and no d × d matrix is needed."""
    _, singular, directions = np.linalg.svd(centred, full_matrices=False)
    kept = singular > singular[0] * max(centred.shape) * np.finfo(np.float64).eps
    whitened: FloatArray = deviations @ (directions[kept].T / singular[kept])
    return whitened


def _simplex_distances(means: FloatArray, centred: FloatArray) -> dict[str, float | None]:
    num_classes = len(means)
    lengths = np.linalg.norm(centred, axis=1)
    units = unit_rows(centred)
    cosines = (units @ units.T)[~np.tri(num_classes, dtype=bool)]
    identity = np.eye(num_classes)
    simplex = (identity - 1 / num_classes) / np.sqrt(num_classes - 1)
    return {
        "nc2_equinorm": float(lengths.std() / lengths.mean()) if lengths.any() else None,
        "nc2_equiangularity": float(np.abs(cosines + 1 / (num_classes - 1)).mean()) if lengths.all() else None,
        "nc2_simplex": _distance(centred @ centred.T, simplex),
        "orthogonal_frame": _distance(means @ means.T, identity / np.sqrt(num_classes)),
    }


def _self_duality(weights: FloatArray, centred: FloatArray) -> float | None:
    distance = _distance(weights, centred / np.linalg.norm(centred)) if centred.any() else None
    return None if distance is None else distance**2


def _distance(matrix: FloatArray, target: FloatArray) -> float | None:
    """‖A/‖A‖_F − target‖_F, or None for a matrix of zeros."""
    scale = np.linalg.norm(matrix)
    return float(np.linalg.norm(matrix / scale - target)) if scale > 0 else None


def _largest_product(matrix: FloatArray, weights: FloatArray) -> IntArray:
    return np.concatenate([(matrix[rows] @ weights.T).argmax(axis=1) for rows in row_blocks(len(matrix))])


def _disagreement(matrix: FloatArray, present: IntArray, means: FloatArray, predicted: IntArray) -> float:
    agreements = 0
    for rows in row_blocks(len(matrix)):
        # ‖h − μ‖² less ‖h‖², which is the same for all classes
        nearest = ((means**2).sum(axis=1) - 2 * matrix[rows] @ means.T).argmin(axis=1)
        agreements += int((present[nearest] == predicted[rows]).sum())
    return 1 - agreements / len(matrix)


def _minority_collapse(weights: FloatArray, class_counts: ArrayLike | None) -> float | None:
    if class_counts is None:
        return None
    _, tail = head_and_tail(class_counts)
    units = unit_rows(weights[tail])
    return mean_or_none((units @ units.T)[~np.tri(len(tail), dtype=bool)])
