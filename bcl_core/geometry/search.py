"""The search for the minimum: L-BFGS over group vectors, coarse groups first."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from bcl_core.geometry.angles import unit_rows
from bcl_core.geometry.arrays import FloatArray, IntArray
from bcl_core.geometry.certificate import certificate
from bcl_core.geometry.collapsed import Evaluation, Objective

ROUNDS = (50, 100, 200, 400, 800, 1_600)  # steps
WITHOUT_CERTIFICATE = 4  # rounds, where it cannot say when to stop
GOOD_ENOUGH = 1e-7  # certificate from which no further round is made
LEAST_STIFFNESS = 1e-16  # of a group on which the others' forces vanish
MERGED = 4  # neighbouring groups that are one for a start
FEW_GROUPS = 16  # that need no such start
JOLT = 1e-2  # length that a vector of such a start is off by


@dataclass(frozen=True)
class State:
    """Vectors (u, w) of G groups, and which of them move: `moving` is (rows, p + 1), unit rows.

    "learned": means, then prototypes. "means": the means, on which the prototypes stand. "simplex": the means, while
    the prototypes stay.
    """

    kind: str
    moving: FloatArray
    fixed: FloatArray

    @property
    def means(self) -> FloatArray:
        """(G, p + 1)."""
        return self.moving[: len(self.fixed)]

    @property
    def prototypes(self) -> FloatArray:
        """(G, p + 1)."""
        return {"learned": self.moving[-len(self.fixed) :], "means": self.moving, "simplex": self.fixed}[self.kind]

    def moved(self, rows: FloatArray) -> State:
        """The state with other moving rows, of any length."""
        return replace(self, moving=unit_rows(rows))

    def evaluate(self, objective: Objective) -> Evaluation:
        """Value and gradient."""
        return objective.evaluate(self.means, self.prototypes)

    def certificate(self, objective: Objective) -> tuple[float, bool]:
        """How much lower the global minimum can be, as a share of what is left, and whether it is unique."""
        return certificate(objective, self.evaluate(objective), self.means, self.prototypes, self.kind)

    def of_moving(self, of_means: FloatArray, of_prototypes: FloatArray) -> FloatArray:
        """What rows of `moving` have, (rows, …), of what the means and the prototypes have."""
        if self.kind == "learned":
            return np.concatenate([of_means, of_prototypes])
        return of_means + of_prototypes if self.kind == "means" else of_means


def any_start(sizes: IntArray, dim: int, seed: int, kind: str) -> State:
    """Random vectors, (G, dim + 1), the prototypes on the means; fixed prototypes and means as a regular simplex."""
    if kind == "simplex":
        return State(kind, _simplex(sizes), _simplex(sizes))
    means = np.random.default_rng(seed).normal(size=(len(sizes), dim + 1))
    means[sizes == 1, -1] = 0
    means = unit_rows(means)
    return State(kind, np.concatenate([means, means]) if kind == "learned" else means, means)


def solve(
    objective: Objective, counts: IntArray, objective_of: Callable[[IntArray, IntArray], Objective], kind: str
) -> State:
    """The minimum for G groups of classes with these counts, (G,), in as many dimensions as it needs.

    Many groups start from the minimum of fewer, for which neighbouring counts are taken as equal: it has nearly all of
    the shape, and its steps cost little.
    """
    sizes = objective.batches.sizes
    start = any_start(sizes, len(sizes), 0, kind)
    if len(counts) > FEW_GROUPS and kind != "simplex":
        parent = np.arange(len(counts)) // MERGED
        merged = np.bincount(parent, sizes).astype(np.int64)
        mean = np.rint(np.bincount(parent, sizes * counts) / merged).astype(np.int64)
        found = solve(objective_of(mean, merged), mean, objective_of, kind)
        start = replace(start, moving=_split(found.moving, merged, parent, sizes))
    return minimise(objective, start, certified=True)


def _split(vectors: FloatArray, merged: IntArray, parent: IntArray, sizes: IntArray) -> FloatArray:
    """Vectors of G groups, (rows, G + 1), of those of the groups that they were merged into.

    The members of a merged group stand on a regular simplex. The part of it that a group has is a simplex around a
    centre of its own, and that one goes into the dimensions that groups share.
    """
    G = len(sizes)
    centres, spread = np.zeros((G, G)), np.zeros(G)  # of unit vertices e
    for index in np.flatnonzero(merged > 1):
        part = np.flatnonzero(parent == index)
        cosines = np.full((len(part), len(part)), -1 / (merged[index] - 1))
        np.fill_diagonal(cosines, (1 - (sizes[part] - 1) / (merged[index] - 1)) / sizes[part])
        centres[np.ix_(part, part)] = _roots(cosines)
        spread[part] = np.sqrt((1 - np.diag(cosines)).clip(min=0))
    spread[sizes == 1] = 0
    own = vectors.reshape(-1, len(merged), vectors.shape[1])[:, parent].reshape(-1, vectors.shape[1])
    rows = np.tile(np.arange(G), len(own) // G)
    shared = np.concatenate([own[:, :-1], own[:, -1:] * centres[rows]], axis=1)
    axes = np.linalg.svd(shared, full_matrices=False)[2][:G]
    split = np.zeros((len(own), G + 1))
    split[:, : len(axes)] = shared @ axes.T
    split[:, -1] = own[:, -1] * spread[rows]
    # Where fewer groups left a dimension empty no force leads into it, though the minimum may need it.
    split[:, :-1] += JOLT * np.random.default_rng(0).normal(size=(len(own), G)) / np.sqrt(G)
    return unit_rows(split)


def _simplex(sizes: IntArray) -> FloatArray:
    """A regular simplex of all classes as group vectors (u, w), (G, G + 1)."""
    num_classes = sizes.sum()
    own = num_classes / (num_classes - 1) * (sizes - 1) / sizes  # w²
    cosines = np.full((len(sizes), len(sizes)), -1 / (num_classes - 1))
    np.fill_diagonal(cosines, 1 - own)
    return np.column_stack([_roots(cosines), np.sqrt(own)])


def _roots(cosines: FloatArray) -> FloatArray:
    """Vectors that have these products, (n, n)."""
    values, axes = np.linalg.eigh(cosines)
    roots: FloatArray = axes * np.sqrt(values.clip(min=0))
    return roots


def minimise(objective: Objective, state: State, certified: bool = False) -> State:
    """L-BFGS over vectors of free length, of which the objective sees the direction.

    A row's length sets its step: the second derivative falls with the square of the length. So a short first round
    finds how stiff each row is near the optimum, and the others start from lengths that make all rows as stiff as
    each other. Without that, rare classes, whose weight in the loss is small, arrive last or never.
    """
    from scipy.optimize import minimize  # here, because the web process imports this package and must stay light

    def fun(flat: FloatArray) -> tuple[float, FloatArray]:
        rows = flat.reshape(state.moving.shape)
        lengths = np.linalg.norm(rows, axis=1, keepdims=True)
        units = rows / lengths
        evaluation = replace(state, moving=units).evaluate(objective)
        gradient = state.of_moving(evaluation.means_gradient, evaluation.prototypes_gradient)
        tangent = gradient - (gradient * units).sum(axis=1, keepdims=True) * units
        return evaluation.value, (tangent / lengths).ravel()

    lengths = np.ones((len(state.moving), 1))
    for steps in ROUNDS if certified else ROUNDS[:WITHOUT_CERTIFICATE]:
        options = {"maxiter": steps, "maxfun": 10 * steps, "maxcor": 20, "maxls": 50, "gtol": 1e-9, "ftol": 0}
        found = minimize(fun, (state.moving * lengths).ravel(), jac=True, method="L-BFGS-B", options=options)
        state = state.moved(found.x.reshape(state.moving.shape))
        if certified and state.certificate(objective)[0] < GOOD_ENOUGH:
            break
        forces = state.evaluate(objective).forces
        push = state.of_moving(forces.on_means, forces.on_prototypes)[:, None]
        lengths = np.sqrt((push / push.max()).clip(min=LEAST_STIFFNESS))
    return state
