"""Who pushes whom: the gradient's contributions by class, from the loss's own softmax."""

from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn.functional import one_hot

from bcl_core.losses.contrastive import AnchorAverage, ContrastSets, contrast_sets, full_precision, losses_and_shares


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


class Bins(NamedTuple):
    """Which classes are pooled, so that statistics are split by bin, where K × K is too much to keep."""

    of_class: Tensor  # (K,) the bin of each class
    members: Tensor  # (G, m) the classes of each bin; K where a bin has fewer than the largest

    @classmethod
    def of(cls, bins: Tensor | NDArray[np.int64], device: torch.device | None = None) -> "Bins":
        """Lay out the bin of each class, (K,) integers from 0 that are not on a device that has to be waited for."""
        of_class = torch.as_tensor(bins)
        if of_class.ndim != 1 or of_class.is_floating_point() or not len(of_class) or int(of_class.min()) < 0:
            raise ValueError(f"bins must be (K,) integers from 0, got {bins}")
        sizes = of_class.bincount()
        members = torch.full((len(sizes), int(sizes.max())), len(of_class))
        order = of_class.argsort(stable=True)
        members[of_class[order], torch.arange(len(order)) - (sizes.cumsum(0) - sizes)[of_class[order]]] = order
        return cls(of_class.to(device), members.to(device))


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
    bins: Bins | None = None,
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
        bins: contributions are then split by bin, not by class. Meant for K > 256, where K × K is too much to keep.

    Returns:
        Sums in float32 (float64 for float64 features). Without ``validate`` the host need not wait for the device.

    Raises:
        ValueError: as the loss, and for ``bins`` of another number of classes.
    """
    if bins is None:
        classes = torch.arange(num_classes, device=labels.device)
        bins = Bins(classes, classes[:, None])
    elif len(bins.of_class) != num_classes:
        raise ValueError(f"bins must be of K = {num_classes} classes, got {len(bins.of_class)}")
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
        _, shares = losses_and_shares(sets.features, sets.prototypes, sets, temperature)
        mass, norm = _repulsions(sets, shares, bins)
        positives = sets.targets[:, : len(shares)] @ sets.features
        if len(sets.prototypes):
            positives += sets.prototypes[sets.labels[: len(shares)]] / sets.positive_count[:, None]
        attraction = _tangential_length(positives, sets.features) / temperature

        # One matrix product sums any of these over the anchors of each group.
        membership = _membership(sets, bins).to(shares.dtype).T
        counted = membership * (sets.anchor_weight > 0)
        return ContrastiveStatistics(
            mass=counted @ mass,
            norm=counted @ norm / temperature,
            attraction=counted @ attraction,
            anchor_count=counted.sum(dim=1),
            push=(membership * sets.anchor_weight) @ mass,
        )


def _membership(sets: ContrastSets, bins: Bins) -> Tensor:
    """Which group each anchor is in, (N, G)."""
    return one_hot(bins.of_class[sets.labels[: len(sets.features)]], len(bins.members))


def _repulsions(sets: ContrastSets, shares: Tensor, bins: Bins) -> tuple[Tensor, Tensor]:
    """Of each anchor and group q, (N, G): Σ_{k in q} p_ik, and the tangential length of r = Σ_{k in q} p_ik v_k.

    No r is made, which would be N·G vectors: ‖r‖² = Σ_{k, l in q} p_ik p_il v_k·v_l, less (r·z_i)²/‖z_i‖². Where r is
    nearly along z_i that is a small difference, hence float64.
    """
    features, prototypes, shares = sets.features.double(), sets.prototypes.double(), shares.double()
    membership, size = _membership(sets, bins).double(), len(features)
    of_features, of_prototypes = shares[:, :size], shares[:, size:]
    gram = features @ features.T
    weighted = of_features @ (gram * (membership @ membership.T))  # sums over l, given k
    mass, along = of_features @ membership, (of_features * gram) @ membership
    squares = torch.zeros_like(mass)
    if len(prototypes):
        cross = features @ prototypes.T
        same = membership[:, bins.of_class]  # (N, K)
        weighted += 2 * of_prototypes @ (cross * same).T
        members = torch.cat([prototypes, prototypes.new_zeros(1, prototypes.shape[1])])[bins.members]  # (G, m, d)
        pooled = _padded(of_prototypes)[:, bins.members].transpose(0, 1)  # (G, N, m)
        squares += ((pooled @ (members @ members.transpose(1, 2))) * pooled).sum(dim=2).T
        mass += pooled.sum(dim=2).T
        along += _padded(of_prototypes * cross)[:, bins.members].sum(dim=2)
    squares += (weighted * of_features) @ membership - along**2 / gram.diagonal()[:, None]
    dtype = sets.features.dtype
    return mass.to(dtype), squares.clamp(min=0).sqrt().to(dtype)


def _padded(columns: Tensor) -> Tensor:
    """Append a column of zeros, for the classes that a bin does not have."""
    return torch.cat([columns, columns.new_zeros(len(columns), 1)], dim=1)


def _tangential_length(vectors: Tensor, anchors: Tensor) -> Tensor:
    """Length of each row of vectors (N, d) without its part along that row's anchor (N, d)."""
    # Dividing by the anchor's square keeps this exact for half-precision anchors, whose length is not quite 1.
    along = torch.linalg.vecdot(vectors, anchors) / torch.linalg.vecdot(anchors, anchors)
    length: Tensor = torch.linalg.vector_norm(vectors - along[:, None] * anchors, dim=1)
    return length
