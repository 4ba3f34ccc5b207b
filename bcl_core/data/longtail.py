"""Long-tailed subsets of balanced data, drawn as published work draws them, so that splits match other code."""

import numpy as np
from numpy.typing import NDArray


def long_tail_counts(
    num_classes: int, largest: int, *, imbalance_factor: float, kind: str = "exp"
) -> NDArray[np.int64]:
    """Return how many samples each class keeps.

    Args:
        num_classes: K ≥ 2.
        largest: samples in the largest class, n_max ≥ 1.
        imbalance_factor: n_1 / n_K ≥ 1.
        kind: "exp": n_k = int(n_max · IF^(−k/(K−1))) for k = 0 … K−1; "step": the first half keeps n_max, the second
            int(n_max / IF). Both from Cui et al. 2019 and Buda et al. 2018, as in the published code of LDAM and BCL.

    Returns:
        (K,) counts, not increasing, each ≥ 1.

    Raises:
        ValueError: if an argument is out of range or a class would be left empty; names the largest possible factor.
    """
    if num_classes < 2:
        raise ValueError(f"num_classes is {num_classes}; a long tail needs at least 2 classes")
    if not imbalance_factor >= 1:
        raise ValueError(f"imbalance_factor is {imbalance_factor}; it must be at least 1 (1 is balanced)")
    if kind == "exp":
        exponent = np.arange(num_classes) / (num_classes - 1.0)
        counts = np.array([int(largest * (1.0 / imbalance_factor) ** e) for e in exponent], dtype=np.int64)
    elif kind == "step":
        tail = int(largest * (1.0 / imbalance_factor))
        counts = np.where(np.arange(num_classes) < num_classes // 2, largest, tail).astype(np.int64)
    else:
        raise ValueError(f'kind is {kind!r}; it must be "exp" or "step"')
    if counts.min() < 1:
        raise ValueError(
            f"imbalance_factor {imbalance_factor:g} leaves a class empty: with {largest} samples in the largest class "
            f"it can be at most {largest}"
        )
    return counts


def long_tail_indices(
    labels: NDArray[np.integer],
    *,
    imbalance_factor: float,
    kind: str = "exp",
    seed: int = 0,
    max_per_class: int | None = None,
) -> NDArray[np.int64]:
    """Draw a long-tailed subset with the published procedure.

    `np.random.seed(seed)`, then for each class in order: shuffle its indices and keep the first n_k.

    Args:
        labels: (N,) integers 0 … K−1, every class present.
        imbalance_factor: n_1 / n_K ≥ 1.
        kind: "exp" or "step", see `long_tail_counts`.
        seed: of the draw; published splits use 0.
        max_per_class: n_max; N / K, rounded down, where None.

    Returns:
        (Σ n_k,) indices into `labels`, class after class, in the order drawn.

    Raises:
        ValueError: if a class is empty, or has fewer samples than it should keep.
    """
    labels = np.asarray(labels)
    if labels.ndim != 1 or len(labels) == 0:
        raise ValueError(f"labels has shape {labels.shape}; expected (N,) with N ≥ 1")
    available = np.bincount(labels)
    num_classes = len(available)
    largest = len(labels) // num_classes if max_per_class is None else max_per_class
    counts = long_tail_counts(num_classes, largest, imbalance_factor=imbalance_factor, kind=kind)
    if (short := np.flatnonzero(available < counts)).size:
        c = int(short[0])
        raise ValueError(f"class {c} has {available[c]} samples and should keep {counts[c]}; lower max_per_class")
    rng = np.random.RandomState(seed)
    chosen = []
    for c in range(num_classes):
        indices = np.flatnonzero(labels == c)
        rng.shuffle(indices)
        chosen.append(indices[: counts[c]])
    return np.concatenate(chosen)
