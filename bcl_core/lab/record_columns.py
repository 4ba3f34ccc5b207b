"""Columns of a row a sample and epoch, as Parquet and TSV files have them, turned into what `record` takes."""

from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bcl_core.lab.record_arrays import MAX_CLASSES, RecordError

COLUMNS = ("label", "epoch", "class_name", "split")
TEST_NAMES, TRAIN_NAMES = ("test", "validation", "valid", "val"), ("train", "training")


def arranged(
    columns: Mapping[str, NDArray[Any]], names: Sequence[str] = ()
) -> tuple[dict[str, Any], NDArray[np.int64]]:
    """Return the arrays that columns of n·E rows make, and the rows of each of the E epochs, (E, n).

    Args:
        columns: `label`, and what there is of the others in `COLUMNS`.
        names: of the classes that whole numbers stand for, where no column names them; classes without a row are left
            out then.
    """
    labels = columns["label"]
    if not len(labels):
        raise RecordError("there are labels of no sample: expected a row for each")
    numbers, rows = _by_epoch(columns.get("epoch", np.ones(len(labels), np.int64)))
    arrays: dict[str, Any] = {"labels": _alike("label", labels[rows], numbers), "epochs": numbers}
    if "split" in columns:
        arrays["test"] = _alike("split", _is_test(columns["split"])[rows], numbers)
    if labels.dtype.kind not in "iu":
        return arrays, rows
    if "class_name" in columns:
        arrays["class_names"] = _class_names(labels, columns["class_name"])
    elif names and labels.min() >= 0 and labels.max() < len(names):
        present, arrays["labels"] = np.unique(arrays["labels"], return_inverse=True)
        arrays["class_names"] = [names[k] for k in present]
    return arrays, rows


def stacked(matrix: NDArray[Any], rows: NDArray[np.int64]) -> NDArray[Any]:
    """Return rows (E·n, d) as epochs (E, n, d); without a copy where they stand in this order."""
    if (rows.ravel() == np.arange(rows.size)).all():
        return matrix.reshape(*rows.shape, -1)
    return matrix[rows]


def _by_epoch(epochs: NDArray[Any]) -> tuple[NDArray[Any], NDArray[np.int64]]:
    """Return the E epochs' numbers, and the rows of each, (E, n), in the order in which they stand."""
    numbers, counts = np.unique(epochs, return_counts=True)
    if other := np.flatnonzero(counts != counts[0]).tolist():
        raise RecordError(
            f"epoch {numbers[0]} has {counts[0]:,} rows and epoch {numbers[other[0]]} has {counts[other[0]]:,}; "
            "expected the same samples in every epoch"
        )
    return numbers, np.argsort(epochs, kind="stable").reshape(len(numbers), counts[0])


def _alike(name: str, values: NDArray[Any], epochs: NDArray[Any]) -> NDArray[Any]:
    """Return what the rows of every epoch say alike, (n,), of (E, n)."""
    other = np.flatnonzero((values != values[0]).any(axis=1))
    if other.size:
        raise RecordError(
            f"{name} differs between the rows of epochs {epochs[0]} and {epochs[other[0]]}; "
            "expected the same samples in the same order in every epoch"
        )
    return np.asarray(values[0])


def _is_test(splits: NDArray[Any]) -> NDArray[np.bool_]:
    found = np.char.lower(splits.astype(str))
    test, train = np.isin(found, TEST_NAMES), np.isin(found, TRAIN_NAMES)
    other = np.flatnonzero(~(test | train))
    if other.size:
        raise RecordError(f"split is {str(splits[other[0]])[:40]!r} in row {other[0]}; expected test or train")
    return np.asarray(test)


def _class_names(labels: NDArray[Any], class_names: NDArray[Any]) -> list[str]:
    """Name each class as its rows do; a class without rows has its number, and is refused later."""
    pairs = sorted(set(zip(labels.tolist(), class_names.astype(str).tolist(), strict=True)))
    names = dict(pairs)
    if len(names) < len(pairs):
        twice = next(a for (a, _), (b, _) in pairwise(pairs) if a == b)
        both = " and ".join(repr(name) for label, name in pairs if label == twice)
        raise RecordError(f"class {twice} is called {both}; expected one class_name for each label")
    return [names.get(k, str(k)) for k in range(min(max(names), MAX_CLASSES) + 1)]
