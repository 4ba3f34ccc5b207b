"""How far from its global minimum a configuration can be at most, and whether another one can share it.

The loss f is convex in the cosines X of means and prototypes, so with S its gradient at X, f(X*) ≥ f(X) + ⟨S, X* − X⟩.
A Λ with ⟨Λ, X*⟩ = ⟨Λ, X⟩ for every X* that is allowed changes nothing: a diagonal one, since every vector has length 1,
and a full one on fixed prototypes. As X* is positive semidefinite,

    f(X) − f(X*) ≤ ⟨S − Λ, X⟩ + trace(X*) · max(0, −least eigenvalue of S − Λ).

All is alike within a group of classes, so S − Λ falls into a matrix on groups ("sums", of vectors that are equal within
a group) and one 2 × 2 matrix a group ("differences", of vectors that add up to 0 within it).
"""

from __future__ import annotations

import numpy as np

from bcl_core.geometry.arrays import FloatArray, IntArray
from bcl_core.geometry.collapsed import Evaluation, Objective

CONVERGED = 1e-4  # bound from which uniqueness is judged
STRICTLY = 1e-6  # least eigenvalue that is more than 0, as a share of the forces on a vector


def certificate(
    objective: Objective, evaluation: Evaluation, means: FloatArray, prototypes: FloatArray, kind: str
) -> tuple[float, bool]:
    """The bound on f(X) − f(X*), as a share of what is left of f, and whether X* is unique.

    Means and prototypes are group vectors (u, w), both (G, p + 1).

    Prototypes are free ("learned"), on their means ("means") or fixed as a regular simplex ("simplex").

    X* is unique if every cosine is: f is strictly convex in those that enter it, and (S − Λ) X* = 0 settles the others
    where S − Λ is positive definite on the vectors that they belong to.
    """
    sizes, forces = objective.batches.sizes, evaluation.forces
    pairs = np.outer(sizes, sizes)
    np.fill_diagonal(pairs, np.maximum(sizes * (sizes - 1), 1))
    to_means = (forces.means + forces.means.T) / 2 / pairs  # S of two classes, and of one and itself
    to_prototypes, own = forces.prototypes / 2 / pairs, forces.own / 2 / sizes
    of_means = (evaluation.means_gradient * means).sum(axis=1) / 2 / sizes  # Λ
    of_prototypes = (evaluation.prototypes_gradient * prototypes).sum(axis=1) / 2 / sizes

    sums = np.sqrt(np.outer(sizes, sizes))
    np.fill_diagonal(sums, sizes - 1)
    mm, mp, pp = sums * to_means - np.diag(of_means), sums * to_prototypes + np.diag(own), -np.diag(of_prototypes)
    difference = np.array([[-np.diag(to_means) - of_means, own - np.diag(to_prototypes)], [own * 0, -of_prototypes]])
    difference[1, 0] = difference[0, 1]
    overlap, known = 0.0, to_means > 0
    if kind == "means":
        known = known | (to_prototypes + to_prototypes.T > 0)
        matrix, difference = mm + mp + mp.T + pp, difference.sum(axis=(0, 1))[None, None]
    elif kind == "learned":
        matrix = np.block([[mm, mp], [mp.T, pp]])
    else:
        matrix, difference, overlap = _with_fixed(mm, mp, difference, means, prototypes, sizes)
    several = sizes > 1
    differences = np.linalg.eigvalsh(difference[:, :, several].transpose(2, 0, 1))
    least = min(np.linalg.eigvalsh(matrix)[0], differences.min(initial=np.inf))
    trace = sizes.sum() * (1 if kind == "means" else 2)
    gap = max(0.0, overlap) + trace * max(0.0, -float(least))

    np.fill_diagonal(known, known.diagonal() | ~several)
    loose = ~known.all(axis=1)
    force = (forces.on_means + (forces.on_prototypes if kind == "means" else 0)) / sizes
    unsettled = matrix[: len(sizes), : len(sizes)][np.ix_(loose, loose)] / np.sqrt(np.outer(force[loose], force[loose]))
    strictness = [*np.linalg.eigvalsh(unsettled), *(difference[0, 0] / force)[loose & several]]
    if kind == "learned":
        strictness.extend(-of_prototypes * sizes / forces.on_prototypes)
    return gap, bool(gap < CONVERGED and min(strictness, default=np.inf) > STRICTLY)


def _with_fixed(
    mm: FloatArray, mp: FloatArray, difference: FloatArray, means: FloatArray, prototypes: FloatArray, sizes: IntArray
) -> tuple[FloatArray, FloatArray, float]:
    """S − Λ with the full Λ of fixed prototypes, and ⟨S − Λ, X⟩, which is 0 where the means are stationary.

    The prototypes add up to 0, so X has nothing in the direction of their sum, and that is left out.
    """
    root = np.sqrt(sizes)[:, None]
    directions = np.linalg.svd(root)[0][:, 1:]  # (G, G − 1)
    z, c = root * means[:, :-1], directions.T @ (root * prototypes[:, :-1])
    mp = mp @ directions
    pp = -(mp.T @ z) @ np.linalg.pinv(c)
    pp = (pp + pp.T) / 2
    matrix = np.block([[mm, mp], [mp.T, pp]])
    w, fixed = means[:, -1], prototypes[:, -1]
    difference[1, 1] = np.divide(-difference[0, 1] * w, fixed, out=np.zeros(len(sizes)), where=sizes > 1)
    both = np.stack([w, fixed])
    overlap = np.sum(matrix * np.block([[z @ z.T, z @ c.T], [c @ z.T, c @ c.T]]))
    overlap += sizes @ np.einsum("ig,ijg,jg->g", both, difference, both)
    return matrix, difference, float(overlap)
