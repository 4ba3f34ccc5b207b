"""Where each loss wants the class means: the minimum of the loss when every class has collapsed to one point.

With full-distribution batches and collapsed classes, supervised and balanced contrastive learning become

    f(ζ) = Σ_y a_y [ log Σ_q b_q exp(ζ_y·ζ_q / τ) − 1/τ ]        over unit vectors ζ_1 … ζ_K,

with a_y the share of class y among the anchors (its share of the training set for "instance", 1/K for "class") and
b_q the weight of class q in the contrast set (its count for SCL, 1 with class-averaging). Derived here: see
docs/theory.md. Class-complement does not enter, because one prototype weighs nothing against a full class, so
b = 1 describes class-averaging alone as well; class-complement alone has no such form, since how much a prototype
weighs there depends on the size of the batch.

f depends on the cosines alone and is strictly convex in them, which gives three facts that the solver uses. The
minimum is unique up to rotation, whatever the start. Classes of equal count have equal angles to all others, so
each group of them needs only two things: one vector for its centre and how far its members spread around it.
And the optimal vectors span at most K − 1 dimensions, so dim = K − 1 attains what any larger dim does.

Cross-entropy is left out. It acts on the backbone's features, the contrastive loss on the projection head's: if
both spaces are free, their sum falls into two separate problems and this prediction stays as it is; if they are
tied through a network, there is no closed form.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from bcl_core.geometry.angles import simplex_frame, unit_rows
from bcl_core.geometry.arrays import FloatArray, IntArray, as_counts, check_choice, check_temperature

Loss = Literal["bcl", "scl"]
Anchors = Literal["instance", "class"]

STARTS_WITHOUT_SIMPLEX = 5
FIRST_ROUND_STEPS = 50
MAX_STEPS = 5_000


class PredictedOptimum(NamedTuple):
    """The minimum of the collapsed objective, and how well it was reached."""

    means: FloatArray  # (K, dim), unit rows
    gradient_norm: float  # of log(f − its value at infinite separation) on the spheres: relative, dimensionless
    objective: float  # f at `means`
    simplex_exists: bool  # dim ≥ K − 1: a regular simplex fits, and the minimum is the global one


def optimal_class_means(
    class_counts: ArrayLike,
    *,
    loss: Loss = "bcl",
    temperature: float,
    anchors: Anchors = "instance",
    dim: int | None = None,
) -> FloatArray:
    """Class means that minimise the collapsed objective: `predicted_optimum(…).means`, shape (K, dim)."""
    return predicted_optimum(class_counts, loss=loss, temperature=temperature, anchors=anchors, dim=dim).means


def predicted_optimum(
    class_counts: ArrayLike,
    *,
    loss: Loss = "bcl",
    temperature: float,
    anchors: Anchors = "instance",
    dim: int | None = None,
) -> PredictedOptimum:
    """Minimise the collapsed objective (see the module's docstring) by L-BFGS. Deterministic.

    Args:
        class_counts: training counts, shape (K,), whole numbers of at least 1, K ≥ 2.
        loss: "scl" (every sample weighs the same in the contrast set) or "bcl" (every class does).
        temperature: τ > 0.
        anchors: "instance" (every anchor weighs the same in the loss) or "class" (every class does).
        dim: dimension of the space, K − 1 by default. Below K − 1 no regular simplex fits, the problem has local
            minima, and the result is the best of a few fixed starts (`simplex_exists` is False).

    Returns:
        The optimum; its orientation in space is arbitrary.

    Raises:
        ValueError: if an argument is out of range.
    """
    counts = as_counts(class_counts)
    check_choice("loss", loss, ("bcl", "scl"))
    check_choice("anchors", anchors, ("instance", "class"))
    check_temperature(temperature)
    num_classes = len(counts)
    dim = num_classes - 1 if dim is None else dim
    if dim < 1:
        raise ValueError(f"dim is {dim}; expected 1 or more")

    every_class = np.ones(num_classes, dtype=np.int64)
    single = _Objective.build(counts, every_class, loss, temperature, anchors)
    simplex_exists = dim >= num_classes - 1
    if simplex_exists:
        means = _free_optimum(counts, loss, temperature, anchors)
        means = np.pad(means, ((0, 0), (0, dim - means.shape[1])))
    else:
        starts = (_random_start(every_class, dim, seed) for seed in range(STARTS_WITHOUT_SIMPLEX))
        found = [_minimise(single, start) for start in starts]
        means = min(found, key=lambda vectors: single.evaluate(vectors).value)[:, :dim]

    vectors = np.pad(means, ((0, 0), (0, 1)))
    reached = single.evaluate(vectors)
    return PredictedOptimum(
        means=means,
        gradient_norm=float(np.linalg.norm(_tangent(vectors, reached.gradient))),
        objective=float(np.exp(reached.value)) + single.offset,
        simplex_exists=simplex_exists,
    )


class _Evaluation(NamedTuple):
    value: float
    gradient: FloatArray  # (G, p + 1), not projected
    stiffness: FloatArray  # (G,), total push on each group


@dataclass(frozen=True)
class _Objective:
    """log(f − Σ a_y log b_y) over G groups of classes of equal count.

    A group is one unit vector (u, w): its members are (u, w e_1), (u, w e_2), … with e the vertices of a regular
    simplex in dimensions of the group's own, so that members of two groups have cosine u·u', and two members of one
    group |u|² − w²/(size − 1). The logarithm matters: f itself is as small as exp(−1/τ) and varies by orders of
    magnitude, which no line search resolves. Every term is taken relative to the own class, whose cosine is 1.
    """

    anchor_logs: FloatArray  # (G,) log of the share of a group's classes among the anchors
    contrast_logs: FloatArray  # (G, G) log of the weight of the other group (own group: the other members) over b_y
    spread: FloatArray  # (G,) 1/(size − 1); 0 for a group of one class, whose w is 0
    temperature: float
    offset: float  # Σ_y a_y log b_y

    @classmethod
    def build(cls, counts: IntArray, sizes: IntArray, loss: Loss, temperature: float, anchors: Anchors) -> _Objective:
        """Objective for groups of `sizes` classes with `counts` samples each, both of shape (G,)."""
        weights = counts * sizes if anchors == "instance" else sizes
        shares = weights / weights.sum()
        logs = np.log(counts) if loss == "scl" else np.zeros(len(counts))
        contrast_logs = logs + np.log(sizes) - logs[:, None]
        with np.errstate(divide="ignore"):
            np.fill_diagonal(contrast_logs, np.log(sizes - 1))
        spread = np.divide(1, sizes - 1, out=np.zeros(len(sizes)), where=sizes > 1)
        return cls(np.log(shares), contrast_logs, spread, temperature, float(shares @ logs))

    def evaluate(self, vectors: FloatArray) -> _Evaluation:
        """Value and gradient at group vectors (u, w), shape (G, p + 1), rows of length 1."""
        centres, own = vectors[:, :-1], vectors[:, -1]
        cosines = centres @ centres.T
        cosines[np.diag_indices_from(cosines)] -= self.spread * own**2
        logits = self.contrast_logs + (cosines - 1) / self.temperature
        largest = logits.max(axis=1, keepdims=True)
        terms = np.exp(logits - largest)
        sums = terms.sum(axis=1)
        odds = largest[:, 0] + np.log(sums)  # log of everything but the own class over the own class
        # log(log(1 + e^t)) is t to machine precision once t is far below 0, where it would otherwise be log(0).
        losses = self.anchor_logs + np.where(odds < -40, odds, np.log(np.logaddexp(0, np.maximum(odds, -40))))
        value = np.logaddexp.reduce(losses)
        pull = np.exp(self.anchor_logs - np.logaddexp(0, -odds) - value) / sums
        forces = terms * (pull / self.temperature)[:, None]
        forces += forces.T.copy()
        gradient = np.column_stack([forces @ centres, -np.diag(forces) * self.spread * own])
        return _Evaluation(float(value), gradient, forces.sum(axis=1))


def _free_optimum(counts: IntArray, loss: Loss, temperature: float, anchors: Anchors) -> FloatArray:
    """Minimum without a limit on the dimension, as (K, K − 1) unit rows."""
    distinct, group, sizes = np.unique(counts, return_inverse=True, return_counts=True)
    objective = _Objective.build(distinct, sizes, loss, temperature, anchors)
    vectors = _minimise(objective, _random_start(sizes, len(sizes), seed=0))
    left, lengths, _ = np.linalg.svd(vectors[group, :-1], full_matrices=False)
    columns = [left * lengths]
    for index in np.flatnonzero(sizes > 1):
        block = np.zeros((len(counts), sizes[index] - 1))
        block[group == index] = vectors[index, -1] * simplex_frame(int(sizes[index]))
        columns.append(block)
    # The columns are orthogonal, so the shortest one is the direction that the optimum does not use.
    means = np.concatenate(columns, axis=1)
    used = np.argsort(-np.linalg.norm(means, axis=0), kind="stable")[: len(counts) - 1]
    return unit_rows(means[:, used])


def _random_start(sizes: IntArray, dim: int, seed: int) -> FloatArray:
    vectors = np.random.default_rng(seed).normal(size=(len(sizes), dim + 1))
    vectors[sizes == 1, -1] = 0
    return unit_rows(vectors)


def _minimise(objective: _Objective, vectors: FloatArray) -> FloatArray:
    """L-BFGS over vectors of free length, of which the objective sees the direction.

    A row's length sets its step: the second derivative falls with the square of the length. So a short first round
    finds how stiff each row is near the optimum, and the second starts from lengths that make all rows as stiff as
    each other. Without that, rare classes, whose weight in the loss is small, arrive last or never.
    """
    from scipy.optimize import minimize  # here, because the web process imports this package and must stay light

    def fun(flat: FloatArray) -> tuple[float, FloatArray]:
        rows = flat.reshape(vectors.shape)
        lengths = np.linalg.norm(rows, axis=1, keepdims=True)
        evaluation = objective.evaluate(rows / lengths)
        return evaluation.value, (_tangent(rows / lengths, evaluation.gradient) / lengths).ravel()

    lengths = np.ones(len(vectors))
    for steps in (FIRST_ROUND_STEPS, MAX_STEPS):
        options = {"maxiter": steps, "maxfun": 10 * MAX_STEPS, "maxcor": 20, "maxls": 50, "gtol": 1e-9, "ftol": 0}
        start = (vectors * lengths[:, None]).ravel()
        found = minimize(fun, start, jac=True, method="L-BFGS-B", options=options)
        vectors = unit_rows(found.x.reshape(vectors.shape))
        stiffness = objective.evaluate(vectors).stiffness
        lengths = np.sqrt(stiffness / stiffness.max())
    return vectors


def _tangent(vectors: FloatArray, gradient: FloatArray) -> FloatArray:
    tangent: FloatArray = gradient - (gradient * vectors).sum(axis=1, keepdims=True) * vectors
    return tangent
