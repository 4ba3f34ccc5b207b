"""How many images of each class a batch holds, and what that makes of the contrastive loss of collapsed classes.

A batch of B images holds m_j of class j, m multivariate hypergeometric, hence M_j = V·m_j features with V views. Only
sums over groups of classes of equal count are kept, since the solver gives such classes equal cosines.

The last image of a batch is as good an anchor as any other, so its class y is not drawn but summed over: B − 1 images
are drawn, and it is y with probability (n_y − m_y) / (N − B + 1). A class that is met in one batch of a hundred is
thereby an anchor for all compositions. They are drawn without replacement, as epochs are, so that each class is met as
often as its share says.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from bcl_core.geometry.arrays import FloatArray, IntArray

DRAWN_FROM = 10**9  # images; what numpy's sampler takes


@dataclass(frozen=True)
class Switches:
    """What of a contrastive loss the compositions depend on."""

    class_averaging: bool
    class_complement: bool
    class_anchors: bool
    views: int


class Kinds(NamedTuple):
    """T kinds of anchors, which differ by their group, or by how many features of their own class there are.

    There are dozens of them, and thousands of anchors.
    """

    of: IntArray  # (R,) kind of each anchor
    group: IntArray  # (T,)
    others: FloatArray  # (T,) M_y − 1, the other features of the anchor's class
    positives: FloatArray  # (T,) q_y = M_y − 1 + κ, at least 1
    weight: FloatArray  # (T,) in the expectation of the loss, of all anchors of the kind


@dataclass(frozen=True)
class Compositions:
    """C compositions of a batch in G groups of classes, and R anchors, each a class in a composition.

    A term is the sum of w_j M_j, or of w_j for prototypes, over the members of a group, the anchor's class left out;
    w_j = 1/(M_j + κ) with class-averaging, else 1, and κ = 1 with class-complement.
    """

    sizes: IntArray  # (G,) classes of a group
    members: FloatArray  # (C, G) terms of the batch's members
    prototypes: FloatArray  # (C, G) terms of prototypes, or (1, G) where all compositions have the same
    cell: IntArray  # (R,) composition · G + group of the anchor
    own_members: FloatArray  # (R,) term of the anchor's own group
    own_prototypes: FloatArray  # (R,)
    weight: FloatArray  # (R,) in the expectation of the loss
    kinds: Kinds

    @property
    def contrast(self) -> bool:
        """Whether any anchor has another class in its contrast set."""
        met = self.members + self.prototypes
        composition, group = np.divmod(self.cell, len(self.sizes))
        own = self.own_members + self.own_prototypes
        return bool((met.sum(axis=1)[composition] - met[composition, group] + own > 0).any())


def whole_batch(counts: IntArray, sizes: IntArray, switches: Switches) -> Compositions:
    """The one composition of a batch that holds every image; counts and sizes of the groups, shape (G,)."""
    held = np.repeat(counts, sizes)[None]
    return _compositions(held, held, np.ones(held.shape), sizes, switches)


def drawn_batches(
    counts: IntArray, sizes: IntArray, batch_size: int, draws: int, switches: Switches, seed: int
) -> Compositions:
    """Compositions of `draws` random batches; counts and sizes of the groups, shape (G,)."""
    every = np.repeat(counts, sizes)
    drawn = _drawn(tuple(every.tolist()), batch_size - 1, draws, seed).astype(np.int64)
    for part in _parts(sizes):
        drawn[:, part].sort(axis=1)  # classes of a group are alike, so that more compositions are the same
    drawn, times = np.unique(drawn, axis=0, return_counts=True)
    last = (every - drawn) / (every.sum() - batch_size + 1)  # probability that the last image is of the class
    own = drawn + 1
    return _compositions(drawn, own, (times / draws)[:, None] * last * batch_size / own, sizes, switches)


@lru_cache(maxsize=4)  # losses are compared on one draw, and many counts need those of their merged groups as well
def _drawn(counts: tuple[int, ...], images: int, draws: int, seed: int) -> NDArray[np.unsignedinteger]:
    """Images of each class, of counts (K,), in each draw of so many: (draws, K)."""
    rng, every = np.random.default_rng(seed), np.array(counts)
    drawn, left = np.empty((draws, len(every)), dtype=np.min_scalar_type(images)), np.zeros_like(every)
    for row in drawn:
        if left.sum() < images:
            left = every.copy()
        row[:] = taken = rng.multivariate_hypergeometric(left, images, method="marginals")
        left -= taken
    return drawn


def _parts(sizes: IntArray) -> list[slice]:
    ends = np.cumsum(sizes)
    return [slice(end - size, end) for end, size in zip(ends.tolist(), sizes.tolist(), strict=True)]


def _compositions(
    others: IntArray, own: IntArray, weight: FloatArray, sizes: IntArray, switches: Switches
) -> Compositions:
    """Add up groups. All three are (C, K): a class's images where another class has the anchor, and where it has it
    itself, and the weight of such an anchor's share in the loss."""
    kappa = int(switches.class_complement)
    least = 1 if switches.views + kappa > 1 else 2  # images of a class by which an anchor has a positive
    held, held_with_own = np.where(others >= least, others, 0), np.where(own >= least, own, 0)
    if switches.class_anchors:
        held, held_with_own = np.sign(held), np.sign(held_with_own)
    anchors = held.sum(axis=1, keepdims=True) - held + held_with_own  # or classes that have one
    weight = weight * np.divide(held_with_own, anchors, where=anchors > 0, out=np.zeros(weight.shape))

    rows, members, prototypes = [], [], []
    for group, part in enumerate(_parts(sizes)):
        features = switches.views * others[:, part]
        scale = 1 / np.maximum(features + kappa, 1) if switches.class_averaging else np.ones(features.shape)
        members.append((scale * features).sum(axis=1))
        prototypes.append(kappa * scale.sum(axis=1))
        # Classes with as many images in a composition are one anchor.
        key = np.arange(len(others))[:, None] * (features.max() + 1) + features
        _, first, which = np.unique(key, return_index=True, return_inverse=True)
        total = np.bincount(which.ravel(), weight[:, part].ravel())
        first, total = first[total > 0], total[total > 0]
        composition = first // features.shape[1]
        rows.append(
            np.stack(
                [
                    composition * len(sizes) + group,
                    members[-1][composition] - (scale * features).ravel()[first],
                    prototypes[-1][composition] - kappa * scale.ravel()[first],
                    switches.views * own[:, part].ravel()[first] - 1,
                    total,
                ]
            )
        )
    cell, own_members, own_prototypes, same, share = np.concatenate(rows, axis=1)
    cell = cell.astype(np.int64)
    _, first, kind = np.unique(same * len(sizes) + cell % len(sizes), return_index=True, return_inverse=True)
    by_composition = np.stack(prototypes, axis=1)
    return Compositions(
        sizes=sizes,
        members=np.stack(members, axis=1),
        prototypes=by_composition if switches.class_averaging else by_composition[:1],
        cell=cell,
        own_members=own_members.clip(min=0),
        own_prototypes=own_prototypes.clip(min=0),
        weight=share,
        kinds=Kinds(
            of=kind,
            group=cell[first] % len(sizes),
            others=same[first],
            positives=same[first] + kappa,
            weight=np.bincount(kind, share).astype(np.float64),
        ),
    )
