"""The losses and their gradient contributions written out anchor by anchor in float64: slow and obvious."""

import math
from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn.functional import normalize


class Batch(NamedTuple):
    features: Tensor  # (B, V, d)
    labels: Tensor  # (B,)
    prototypes: Tensor  # (K, d)


def random_batch(labels, num_classes, views=2, dim=4, seed=0) -> Batch:
    draw = torch.Generator().manual_seed(seed)
    features = torch.randn(len(labels), views, dim, generator=draw, dtype=torch.float64)
    prototypes = torch.randn(num_classes, dim, generator=draw, dtype=torch.float64)
    return Batch(normalize(features, dim=-1), torch.as_tensor(labels), normalize(prototypes, dim=-1))


def slow_anchors(
    features, labels, prototypes, *, class_averaging, class_complement, self_term, temperature, fixed_keys=False
):
    """For every anchor that has a positive: its class, its vector, Q_i, each member's (class, vector, share), and D_i.

    With fixed_keys no gradient reaches the members of a contrast set, only its anchor.
    """
    flat = [(int(label), view) for label, views in zip(labels, features, strict=True) for view in views]
    for i, (own_class, anchor) in enumerate(flat):
        members = {j: [] for j in range(len(prototypes))}
        for k, (j, vector) in enumerate(flat):
            if k != i:
                members[j].append(vector.detach() if fixed_keys else vector)
        if class_complement:
            for j, prototype in enumerate(prototypes):
                members[j].append(prototype)
        positives = members[own_class]
        if not positives:
            continue
        weighted = []  # (class, vector, its term of D_i); the self term has no vector
        for j, vectors in members.items():
            terms = [(vector, torch.exp(anchor @ vector / temperature)) for vector in vectors]
            if self_term and j == own_class:
                terms.append((None, torch.tensor(math.exp(1 / temperature), dtype=torch.float64)))
            weight = 1 / len(terms) if class_averaging and terms else 1
            weighted += [(j, vector, weight * term) for vector, term in terms]
        normaliser = sum(term for _, _, term in weighted)
        shares = [(j, vector, term / normaliser) for j, vector, term in weighted]
        yield own_class, anchor, positives, shares, normaliser


def slow_anchor_losses(batch, *, temperature, **switches):
    """(class, L_i) of every anchor that has a positive."""
    return [
        (own_class, sum(torch.log(normaliser) - anchor @ p / temperature for p in positives) / len(positives))
        for own_class, anchor, positives, _, normaliser in slow_anchors(*batch, temperature=temperature, **switches)
    ]


def slow_average(anchor_losses, anchors):
    """Average (class, L_i) over the anchors, or within each class and then over the classes."""
    if anchors == "instance":
        return torch.stack([loss for _, loss in anchor_losses]).mean()
    classes = sorted({own_class for own_class, _ in anchor_losses})
    return torch.stack([torch.stack([x for j, x in anchor_losses if j == y]).mean() for y in classes]).mean()


def slow_loss(batch, *, anchors, **switches):
    return slow_average(slow_anchor_losses(batch, **switches), anchors)


def slow_contributions(batch, *, temperature, **switches):
    """For each anchor: class, z, mass (K,), tangential repulsion by class (K, d), tangential attraction (d,)."""
    for own_class, anchor, positives, shares, _ in slow_anchors(*batch, temperature=temperature, **switches):
        tangent = torch.eye(len(anchor), dtype=torch.float64) - torch.outer(anchor, anchor)
        mass = torch.zeros(len(batch.prototypes), dtype=torch.float64)
        repulsion = torch.zeros_like(batch.prototypes)
        for j, vector, share in shares:
            mass[j] += share
            if vector is not None:
                repulsion[j] += tangent @ (share * vector) / temperature
        yield own_class, anchor, mass, repulsion, tangent @ torch.stack(positives).mean(dim=0) / temperature
