"""The contrastive loss of collapsed classes as a function of cosines: value, gradient, and a bound on what is left.

G groups of classes of equal count. A group's class means are (u, w e_1), (u, w e_2), … and its prototypes
(u', w' e_1), …, with e the vertices of a regular simplex in dimensions of the group's own: two groups have cosine u·u',
two members of one group u·u' − w w'/(size − 1), and a mean and its own prototype u·u' + w w'. Any configuration that
treats the members of a group alike is of this form, as long as u has a dimension to spare for each prototype.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from bcl_core.geometry.arrays import FloatArray
from bcl_core.geometry.compositions import Compositions

LINEAR_BELOW = -40.0  # where log(1 + e^t) is e^t to machine precision
LEAST_SCALE = -600.0  # exp of its negative is still a float


class Forces(NamedTuple):
    """Derivatives of the logarithm of what is left of the loss, summed over the classes of a group."""

    means: FloatArray  # (G, G) by the cosine of an anchor's mean and another class's mean
    prototypes: FloatArray  # (G, G) by that of an anchor's mean and another class's prototype
    own: FloatArray  # (G,) by that of an anchor's mean and its own prototype

    @property
    def on_means(self) -> FloatArray:
        """How hard the means of a group are pushed and pulled in all, (G,)."""
        total: FloatArray = (self.means + self.means.T + self.prototypes).sum(axis=1) + np.abs(self.own)
        return total

    @property
    def on_prototypes(self) -> FloatArray:
        """The same of prototypes, (G,)."""
        total: FloatArray = self.prototypes.sum(axis=0) + np.abs(self.own)
        return total


class Evaluation(NamedTuple):
    """What is left of the loss: its value less that of classes infinitely far apart, as a logarithm."""

    value: float
    forces: Forces
    means_gradient: FloatArray  # (G, p + 1), not projected
    prototypes_gradient: FloatArray  # (G, p + 1)


@dataclass(frozen=True)
class Objective:
    """Expected loss over compositions of a batch.

    The logarithm matters: what is left is as small as exp(−1/τ) and varies by orders of magnitude, which no line search
    resolves. Every term is taken relative to the anchor's own class.
    """

    batches: Compositions
    temperature: float
    class_averaging: bool
    class_complement: bool

    @property
    def spread(self) -> FloatArray:
        """1/(size − 1) of each group, (G,); 0 for a group of one class, whose w is 0."""
        sizes = self.batches.sizes
        return np.divide(1, sizes - 1, out=np.zeros(len(sizes)), where=sizes > 1)

    @property
    def floor(self) -> float:
        """The loss of classes infinitely far apart, with each prototype on its mean."""
        return 0.0 if self.class_averaging else float(self.batches.kinds.weight @ np.log(self.batches.kinds.positives))

    def evaluate(self, means: FloatArray, prototypes: FloatArray) -> Evaluation:
        """Value and gradient at group vectors (u, w), both (G, p + 1), rows of length 1."""
        spread = self.spread
        diagonal = np.diag_indices(len(means))
        to_means, to_prototypes = means[:, :-1] @ means[:, :-1].T, means[:, :-1] @ prototypes[:, :-1].T
        own = np.diag(to_prototypes) + means[:, -1] * prototypes[:, -1]
        to_means[diagonal] -= spread * means[:, -1] ** 2
        to_prototypes[diagonal] -= spread * means[:, -1] * prototypes[:, -1]
        value, forces = self._of_cosines(to_means, to_prototypes, own)

        within, between = np.diag(forces.means), np.diag(forces.prototypes)
        both = forces.means + forces.means.T
        means_gradient = both @ means + forces.prototypes @ prototypes + forces.own[:, None] * prototypes
        means_gradient[:, -1] = (
            -2 * spread * within * means[:, -1] + (forces.own - spread * between) * prototypes[:, -1]
        )
        prototypes_gradient = forces.prototypes.T @ means + forces.own[:, None] * means
        prototypes_gradient[:, -1] = (forces.own - spread * between) * means[:, -1]
        return Evaluation(value, forces, means_gradient, prototypes_gradient)

    def _of_cosines(self, means: FloatArray, prototypes: FloatArray, own: FloatArray) -> tuple[float, Forces]:
        batches, kappa = self.batches, float(self.class_complement)
        members = (means - 1) / self.temperature
        proxies = (prototypes - 1) / self.temperature if kappa else np.full(means.shape, -np.inf)
        alone = np.flatnonzero(batches.sizes == 1)
        members[alone, alone] = proxies[alone, alone] = -np.inf
        nearest = np.maximum(members, proxies).max(axis=1, keepdims=True)
        members, proxies = np.exp(members - nearest), np.exp(proxies - nearest)
        within, between = np.diag(members).copy(), np.diag(proxies).copy()
        np.fill_diagonal(members, 0)
        np.fill_diagonal(proxies, 0)

        cell, (kind, group, others, positives, weight) = batches.cell, batches.kinds
        contrast = (batches.members @ members.T + batches.prototypes @ proxies.T).ravel()[cell]
        grouped = len(alone) < len(means)  # if not, no anchor has another class in its own group, and these are zeros
        if grouped:
            own_group = cell % len(means)
            contrast += batches.own_members * within[own_group] + batches.own_prototypes * between[own_group]
        # The own class in D, over what it is with the prototype on the mean; it loses by the prototype's distance.
        stray = kappa * (own[group] - 1) / self.temperature
        shrunk = np.expm1(stray) / positives
        same = np.where(others > 0, np.log1p(np.where(others > 0, shrunk, 0)), stray)
        loss = float(weight @ (same - stray / positives))
        over = same if self.class_averaging else same + np.log(positives)
        with np.errstate(divide="ignore"):
            odds = np.log(contrast) + (nearest[group, 0] - over)[kind]  # log of the other classes over the own class

        scale, most = 0.0, float(odds.max())
        if most < LINEAR_BELOW:
            scale = max(most, LEAST_SCALE)
            share = losses = np.exp(odds - scale)
        else:
            smaller = np.exp(-np.abs(odds))  # of both parts, over the larger
            losses = np.maximum(odds, 0) + np.log1p(smaller)
            share = np.where(odds > 0, 1, smaller) / (1 + smaller)  # of the other classes in D
        left = float(batches.weight @ losses) + loss * np.exp(-scale)
        share = share * batches.weight / (left * self.temperature)

        push = np.divide(share, contrast, out=np.zeros(len(cell)), where=contrast > 0)
        pushes = np.bincount(cell, push, minlength=batches.members.shape[0] * len(means)).reshape(-1, len(means))
        to_members = members * (pushes.T @ batches.members)
        alike = len(batches.prototypes) < len(pushes)
        to_proxies = proxies * ((pushes.sum(axis=0, keepdims=True) if alike else pushes).T @ batches.prototypes)
        if grouped:
            np.fill_diagonal(to_members, within * np.bincount(own_group, push * batches.own_members, len(means)))
            np.fill_diagonal(to_proxies, between * np.bincount(own_group, push * batches.own_prototypes, len(means)))
        # e^stray over the own class in D is its prototype's share there, 1/q when all of it is in one place.
        pull = np.exp(stray - same) / positives
        excess = np.where(others > 0, others * shrunk / (positives * np.exp(same)), 1 - 1 / positives)
        pulled = np.bincount(kind, share, len(group)) * pull
        to_own = kappa * (weight * excess * np.exp(-scale) / (left * self.temperature) - pulled)
        forces = Forces(to_members, to_proxies, np.bincount(group, to_own, len(means)).astype(np.float64))
        return float(scale + np.log(left)), forces
