"""Numbers that sum a measured push between classes up."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import ArrayLike

from bcl_core.geometry.arrays import as_counts, as_matrix
from bcl_core.geometry.groups import head_and_tail

PUSH_ARRAYS = ("pair_push", "gradient_mass", "gradient_norm", "gradient_attraction")
"""An epoch's gradient statistics, by the names that they have in its view."""


def tail_push_share(pair_push: ArrayLike, class_counts: ArrayLike) -> float | None:
    """Share of all push between two different classes that is between two classes of the tail.

    Args:
        pair_push: symmetric, shape (K, K); the diagonal is not read.
        class_counts: training counts, shape (K,), which name the tail (`head_and_tail`).

    Returns:
        0 to 1; None when the tail is a single class or nothing pushes.

    Raises:
        ValueError: if `pair_push` is not square, holds what is not finite, or has not a row for each count.
    """
    push = as_matrix("pair_push", pair_push)
    if push.shape[0] != push.shape[1]:
        raise ValueError(f"pair_push has shape {push.shape}; expected a square matrix, one row and column a class")
    counts = as_counts(class_counts, num_classes=len(push))
    _, tail = head_and_tail(counts)
    pairs = np.triu(push, 1)
    total = pairs.sum()
    if len(tail) < 2 or total == 0:
        return None
    return float(np.triu(push[np.ix_(tail, tail)], 1).sum() / total)


def push_extents(gradients: Mapping[str, ArrayLike]) -> dict[str, float | None]:
    """Least and greatest values of an epoch's gradient statistics, so that an axis can hold all epochs of a run.

    Args:
        gradients: what is known of pair_push (K, K), as shares of whose sum over unordered pairs it is taken;
            gradient_mass (K, K), gradient_norm (K, K), gradient_attraction (K,). Rows are the classes that are pushed.

    Returns:
        pair_push_least, pair_push_most, gradient_mass_least, gradient_mass_most: over pairs of two different classes,
        zeros left out, shares from 0 to 1. pull_most and push_most: the longest pull of a class's own images, and the
        greatest sum of the pushes on a class, as lengths of gradients. None for what is not known.
    """
    known = {name: np.asarray(values, np.float64) for name, values in gradients.items()}
    shares = known.get("pair_push")
    if shares is not None and (total := float(np.nansum(np.triu(shares, 1)))) > 0:
        known["pair_push"] = shares / total
    extents: dict[str, float | None] = {}
    for name in ("pair_push", "gradient_mass"):
        matrix = known.get(name, np.empty((0, 0)))
        pushes = matrix[~np.eye(len(matrix), dtype=bool) & np.isfinite(matrix) & (matrix > 0)]
        extents[f"{name}_least"] = float(pushes.min()) if pushes.size else None
        extents[f"{name}_most"] = float(pushes.max()) if pushes.size else None
    lengths = {"pull_most": known.get("gradient_attraction"), "push_most": known.get("gradient_norm")}
    for name, values in lengths.items():
        finite = None if values is None else np.nan_to_num(values, posinf=0.0, neginf=0.0)
        received = finite.sum(axis=1) if finite is not None and finite.ndim == 2 else finite
        extents[name] = None if received is None or not received.size else float(received.max())
    return extents
