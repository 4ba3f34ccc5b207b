"""Groups of classes by training count: head and tail, many / medium / few, frequency bins."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from bcl_core.geometry.arrays import BoolArray, FloatArray, IntArray, as_counts, mean_or_none

HEAD_TAIL_SHARE = 0.3
MANY_ABOVE = 100
FEW_BELOW = 20
MAX_BINS = 256


def by_frequency(class_counts: ArrayLike) -> IntArray:
    """Class indices from the most to the least frequent, shape (K,); classes of equal count keep their order."""
    return np.argsort(-as_counts(class_counts), kind="stable").astype(np.int64)


def head_and_tail(class_counts: ArrayLike) -> tuple[IntArray, IntArray]:
    """The head and the tail: the max(1, round(0.3 K)) classes with the largest and the smallest training counts.

    Args:
        class_counts: training counts, shape (K,).

    Returns:
        Two index arrays of the same length, most frequent class first. They never overlap.

    Raises:
        ValueError: if a count is not a whole number of at least 1, or there are fewer than two classes.
    """
    order = by_frequency(class_counts)
    size = max(1, round(HEAD_TAIL_SHARE * len(order)))
    return order[:size], order[-size:]


def rarest(class_counts: ArrayLike) -> IntArray:
    """The classes that are spoken of as the rarest: the tail; the two rarest, where it is one class.

    Args:
        class_counts: training counts, shape (K,).

    Returns:
        At least two class indices, most frequent first.

    Raises:
        ValueError: as `head_and_tail`.
    """
    _, tail = head_and_tail(class_counts)
    return tail if len(tail) > 1 else by_frequency(class_counts)[-2:]


def shot_groups(class_counts: ArrayLike) -> dict[str, BoolArray]:
    """The literature's groups by training count: many (> 100), medium (20 to 100) and few (< 20).

    The bounds are those of Liu et al. 2019 ("Large-scale long-tailed recognition in an open world").

    Args:
        class_counts: training counts, shape (K,).

    Returns:
        Which classes are in "many", "medium" and "few", (K,) each.

    Raises:
        ValueError: as `head_and_tail`.
    """
    counts = as_counts(class_counts)
    many, few = counts > MANY_ABOVE, counts < FEW_BELOW
    return {"many": many, "medium": ~(many | few), "few": few}


def shot_group_means(values: ArrayLike, class_counts: ArrayLike) -> dict[str, float | None]:
    """Mean of a per-class value (an accuracy, say) over the many, medium and few classes of `shot_groups`.

    Args:
        values: one value a class, shape (K,); NaN where a class has none (no test sample).
        class_counts: training counts, shape (K,).

    Returns:
        A mean for "many", "medium" and "few"; None, never 0, where a group has no class with a value
        (CIFAR-10-LT with imbalance factor 100 has no class below 20).

    Raises:
        ValueError: as `head_and_tail`, or if there is not one value a class.
    """
    per_class: FloatArray = np.asarray(values, dtype=np.float64)
    counts = as_counts(class_counts)
    if per_class.shape != counts.shape:
        raise ValueError(f"values has shape {per_class.shape}; expected {counts.shape}, one value a class")
    return {name: mean_or_none(per_class[members]) for name, members in shot_groups(counts).items()}


def frequency_bins(class_counts: ArrayLike) -> IntArray:
    """Bin of each class when classes are pooled by frequency, for statistics that are K × K.

    Classes are ranked by training count and cut into at most `MAX_BINS` runs whose sizes differ by at most one.
    Bin 0 holds the most frequent classes. Up to `MAX_BINS` classes, each has a bin of its own.

    Args:
        class_counts: training counts, shape (K,).

    Returns:
        Bin indices, shape (K,), in 0 … min(K, MAX_BINS) − 1, every bin used.

    Raises:
        ValueError: as `head_and_tail`.
    """
    order = by_frequency(class_counts)
    bins = np.empty_like(order)
    bins[order] = np.arange(len(order)) * min(len(order), MAX_BINS) // len(order)
    return bins
