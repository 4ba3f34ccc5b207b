"""Who pushes whom: the gradient's contributions by class, from the loss's own softmax."""

from typing import NamedTuple

import torch
from torch import Tensor

from bcl_core.losses.contrastive import AnchorAverage, contrast_sets, full_precision, losses_and_shares


class ContrastiveStatistics(NamedTuple):
    """Sums over the anchors of one batch that have a positive. G groups: the K classes, or frequency bins.

    Add each field up over batches. Then ``mass / anchor_count[:, None]``, ``norm / anchor_count[:, None]`` and
    ``attraction / anchor_count`` are means per anchor, and ``(push + push.T) / batches`` is the pair push of two
    groups. Rows are the anchor's group, columns the group that repels it.
    """

    mass: Tensor  # (G, G) Σ_i Σ_{k in q} p_ik, the share of D_i that group q holds; dimensionless
    norm: Tensor  # (G, G) Σ_i (1/τ) ‖(I − z_i z_iᵀ) Σ_{k in q} p_ik v_k‖
    attraction: Tensor  # (G,) Σ_i (1/τ) ‖(I − z_i z_iᵀ) (1/|Q_i|) Σ_{p in Q_i} v_p‖
    anchor_count: Tensor  # (G,) how many
    push: Tensor  # (G, G) Σ_i w_i Σ_{k in q} p_ik, w_i the weight of L_i in the loss; adds up to 1


@torch.no_grad()
def contrastive_statistics(
    features: Tensor,
    labels: Tensor,
    prototypes: Tensor | None,
    *,
    num_classes: int,
    temperature: float,
    class_averaging: bool,
    class_complement: bool,
    anchors: AnchorAverage = "instance",
    self_term: bool = False,
    bins: Tensor | None = None,
    validate: bool = True,
) -> ContrastiveStatistics:
    """Gradient contributions of one batch, by class of the anchor and class of what repels it.

    With the contrast set held fixed, the gradient of L_i at its anchor is
    ``(1/τ) [Σ_k p_ik v_k − (1/|Q_i|) Σ_{p in Q_i} v_p]``, p_ik member k's share of D_i (derived here: see
    docs/theory.md). The first sum, the repulsion, is split by the group of k; the second is the attraction. Norms are
    of the part tangential to the sphere at z_i, the only part that moves it. The self term's e^{1/τ} counts in its
    own class's mass; it has no tangential part.

    Args:
        features: (B, V, d) unit vectors.
        labels: (B,) integers in 0 … K − 1.
        prototypes: (K, d) unit vectors; may be None without ``class_complement``.
        num_classes: K, and, as all other settings, as in :func:`bcl_core.losses.contrastive_loss`; ``anchors`` decides
            ``push`` alone.
        bins: (K,) integers from 0, the frequency bin of each class: contributions are then split by bin, not by class.
            Meant for K > 256, where K × K is too much to keep.

    Returns:
        Sums in float32 (float64 for float64 features). The host waits for the device.

    Raises:
        ValueError: as the loss, and for ``bins`` that are not (K,) integers from 0.
    """
    with full_precision(features):
        sets = contrast_sets(
            features,
            labels,
            prototypes,
            num_classes=num_classes,
            temperature=temperature,
            class_averaging=class_averaging,
            class_complement=class_complement,
            anchors=anchors,
            self_term=self_term,
            validate=validate,
        )
        groups, num_groups = _group_of_each_member(sets.labels, bins, num_classes)
        _, shares = losses_and_shares(sets.features, sets.prototypes, sets, temperature)
        vectors = torch.cat([sets.features, sets.prototypes])
        order = groups.argsort()
        sizes = groups.bincount(minlength=num_groups).tolist()
        mass, norm = [], []
        for group_shares, group_vectors in zip(
            torch.split(shares[:, order], sizes, dim=1), torch.split(vectors[order], sizes), strict=True
        ):
            mass.append(group_shares.sum(dim=1))
            norm.append(_tangential_length(group_shares @ group_vectors, sets.features) / temperature)
        attraction = _tangential_length(sets.targets @ vectors, sets.features) / temperature

        # One matrix product sums any of these over the anchors of each group.
        membership = torch.nn.functional.one_hot(groups[: len(sets.features)], num_groups).to(shares.dtype).T
        counted = membership * (sets.anchor_weight > 0)
        anchor_mass = torch.stack(mass, dim=1)
        return ContrastiveStatistics(
            mass=counted @ anchor_mass,
            norm=counted @ torch.stack(norm, dim=1),
            attraction=counted @ attraction,
            anchor_count=counted.sum(dim=1),
            push=(membership * sets.anchor_weight) @ anchor_mass,
        )


def _group_of_each_member(labels: Tensor, bins: Tensor | None, num_classes: int) -> tuple[Tensor, int]:
    """Group of each member, (M,), and how many groups there are: classes, or frequency bins where they are given."""
    if bins is None:
        return labels, num_classes
    if bins.shape != (num_classes,) or bins.is_floating_point() or int(bins.min()) < 0:
        raise ValueError(f"bins must be (K,) = ({num_classes},) integers from 0, got {bins}")
    return bins.long()[labels], int(bins.max()) + 1


def _tangential_length(vectors: Tensor, anchors: Tensor) -> Tensor:
    """Length of each row of vectors (N, d) without its part along that row's anchor (N, d)."""
    # Dividing by the anchor's square keeps this exact for half-precision anchors, whose length is not quite 1.
    along = torch.linalg.vecdot(vectors, anchors) / torch.linalg.vecdot(anchors, anchors)
    length: Tensor = torch.linalg.vector_norm(vectors - along[:, None] * anchors, dim=1)
    return length
