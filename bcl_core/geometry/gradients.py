"""What pushes and pulls each anchor, by class: a slow float64 reference with the loss written out anchor by anchor.

Training reads the same quantities out of its own softmax; this is what that is tested against, and it serves small
batches. With the keys held fixed, the gradient of an anchor's loss with respect to its own embedding is

    (1/τ) [ Σ_k p_ik v_k − (1/|Q_i|) Σ_{p ∈ Q_i} v_p ],

p_ik the share of key k in the denominator, v_k its vector, Q_i the positives (derived here: see docs/theory.md).
"""

from __future__ import annotations

from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from bcl_core.geometry.arrays import (
    BoolArray,
    FloatArray,
    IntArray,
    as_labels,
    as_unit_rows,
    check_choice,
    check_num_classes,
    check_temperature,
)


class GradientContributions(NamedTuple):
    """Contributions to the anchors' gradient by class; row = the anchor's class, NaN for a class without anchors."""

    mass: FloatArray  # (K, K) share of the denominator held by the column's class; rows sum to 1
    norm: FloatArray  # (K, K) length of that class's push in the tangent space, with the factor 1/τ
    attraction: FloatArray  # (K,) length of the pull of the positives in the tangent space, with the factor 1/τ
    pair_push: FloatArray  # (K, K) symmetric, a_y·mass(y→q) + a_q·mass(q→y); a class without anchors has a = 0


def gradient_contributions(
    features: ArrayLike,
    labels: ArrayLike,
    prototypes: ArrayLike | None,
    *,
    num_classes: int,
    temperature: float,
    class_averaging: bool,
    class_complement: bool,
    anchors: Literal["instance", "class"] = "instance",
    self_term: bool = False,
) -> GradientContributions:
    """Split the gradient of a contrastive loss at its anchors by the class that it comes from.

    Lengths are taken in the tangent space of the sphere at each anchor, and each anchor is measured before the mean
    over its class is taken. The own class appears twice: as repulsion on the diagonal of `mass` and `norm`, and as
    attraction. The self term e^{1/τ} counts in the mass of the own class and has no length.

    Args:
        features: unit-length embeddings, shape (B, V, d) for V views of B images, or (N, d).
        labels: classes 0 … K − 1, shape (B,) or (N,).
        prototypes: unit-length class prototypes, shape (K, d); may be None without class-complement.
        num_classes: K, at least 2.
        temperature: τ > 0.
        class_averaging: the denominator adds one mean a class instead of every sample (Zhu et al. 2022).
        class_complement: every class's prototype joins the contrast set, and the own one the positives.
        anchors: "instance" gives every anchor with a positive the same weight a in the loss, "class" every class.
        self_term: the anchor joins its own class in the denominator.

    Returns:
        Means over each class's anchors that have a positive. The diagonal of `pair_push` follows the same formula.

    Raises:
        ValueError: if shapes do not fit, rows are not of length 1, or an option is out of range.
    """
    check_num_classes(num_classes)
    check_temperature(temperature)
    check_choice("anchors", anchors, ("instance", "class"))
    batch, classes = _batch(features, labels, num_classes)
    keys, key_classes = batch, classes
    if class_complement:
        if prototypes is None:
            raise ValueError("prototypes is None; expected shape (num_classes, d), since class_complement is on")
        extra = as_unit_rows("prototypes", prototypes)
        if extra.shape != (num_classes, batch.shape[1]):
            raise ValueError(f"prototypes has shape {extra.shape}; expected {(num_classes, batch.shape[1])}")
        keys, key_classes = np.concatenate([batch, extra]), np.concatenate([classes, np.arange(num_classes)])

    masses = np.zeros((num_classes, num_classes))
    norms = np.zeros((num_classes, num_classes))
    attractions = np.zeros(num_classes)
    counts = np.zeros(num_classes)
    for anchor, own in enumerate(classes):
        others = np.arange(len(keys)) != anchor
        positives = others & (key_classes == own)
        if not positives.any():
            continue
        in_contrast_set = np.ones(len(keys), dtype=bool) if self_term else others
        similarities = keys @ keys[anchor] / temperature
        similarities[anchor] = 1 / temperature
        shares = _shares(similarities, key_classes, in_contrast_set, class_averaging)
        tangents = keys - np.outer(keys @ keys[anchor], keys[anchor])
        pushes = np.zeros((num_classes, keys.shape[1]))
        np.add.at(pushes, key_classes, shares[:, None] * tangents)
        masses[own] += np.bincount(key_classes, shares, minlength=num_classes)
        norms[own] += np.linalg.norm(pushes, axis=1) / temperature
        attractions[own] += np.linalg.norm(tangents[positives].mean(axis=0)) / temperature
        counts[own] += 1

    has_anchors = counts > 0
    weights = counts if anchors == "instance" else has_anchors.astype(np.float64)
    weights = weights / max(weights.sum(), 1)
    averages = np.where(has_anchors, 1 / np.maximum(counts, 1), np.nan)
    weighted = weights[:, None] * masses / np.maximum(counts, 1)[:, None]
    return GradientContributions(
        mass=masses * averages[:, None],
        norm=norms * averages[:, None],
        attraction=attractions * averages,
        pair_push=weighted + weighted.T,
    )


def _batch(features: ArrayLike, labels: ArrayLike, num_classes: int) -> tuple[FloatArray, IntArray]:
    array = np.asarray(features, dtype=np.float64)
    if array.ndim not in (2, 3):
        raise ValueError(f"features has shape {array.shape}; expected (B, V, d) or (N, d)")
    images = as_labels(labels, rows=len(array), num_classes=num_classes)
    views = array.shape[1] if array.ndim == 3 else 1
    return as_unit_rows("features", array.reshape(-1, array.shape[-1])), np.repeat(images, views)


def _shares(
    similarities: FloatArray, key_classes: IntArray, in_contrast_set: BoolArray, class_averaging: bool
) -> FloatArray:
    """Share p_ik of each key in the denominator; keys outside the contrast set have none."""
    terms = np.where(in_contrast_set, np.exp(similarities - similarities.max()), 0)
    if class_averaging:
        sizes = np.bincount(key_classes[in_contrast_set], minlength=key_classes.max() + 1)
        terms /= np.maximum(sizes, 1)[key_classes]
    shares: FloatArray = terms / terms.sum()
    return shares
