"""Array types and the checks at the door of every function of this package.

A check raises `ValueError` that names the argument, the value it had, and what was expected.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

FloatArray = NDArray[np.float64]
SampleArray = NDArray[np.floating[Any]]  # float32 or float64
IntArray = NDArray[np.int64]
BoolArray = NDArray[np.bool_]

ROWS_PER_BLOCK = 512
UNIT_TOLERANCE = 1e-2  # rows that were normalised in bfloat16 still count as unit length


def as_matrix(name: str, values: ArrayLike, *, finite: bool = True) -> FloatArray:
    """Return `values` as a float64 matrix with at least one row and one column."""
    matrix = np.asarray(values, dtype=np.float64)
    if matrix.ndim != 2 or 0 in matrix.shape:
        raise ValueError(f"{name} has shape {matrix.shape}; expected a matrix with at least one row and one column")
    if finite and not np.isfinite(matrix).all():
        raise ValueError(f"{name} holds {np.count_nonzero(~np.isfinite(matrix))} values that are not finite numbers")
    return matrix


def as_samples(name: str, values: ArrayLike) -> SampleArray:
    """Return `values` as `as_matrix` does, but float32 as it is: there are many samples, and networks give float32."""
    array = np.asarray(values)
    if array.dtype != np.float32 or array.ndim != 2 or 0 in array.shape or not np.isfinite(array).all():
        return as_matrix(name, array)
    return array


def as_unit_rows(name: str, values: ArrayLike) -> FloatArray:
    """Return `values` as a matrix whose rows have length 1 (to `UNIT_TOLERANCE`)."""
    matrix = as_matrix(name, values)
    worst = float(np.abs(np.linalg.norm(matrix, axis=1) - 1).max())
    if worst > UNIT_TOLERANCE:
        raise ValueError(f"{name} has a row whose length is off by {worst:.3g}; expected rows of length 1")
    return matrix


def as_labels(labels: ArrayLike, *, rows: int, num_classes: int) -> IntArray:
    """Return class labels, shape (rows,), each in 0 … num_classes − 1."""
    array = np.asarray(labels)
    if array.shape != (rows,):
        raise ValueError(f"labels has shape {array.shape}; expected ({rows},), one label a row of features")
    if not np.issubdtype(array.dtype, np.integer):
        raise ValueError(f"labels has dtype {array.dtype}; expected integers")
    if array.min() < 0 or array.max() >= num_classes:
        raise ValueError(f"labels run from {array.min()} to {array.max()}; expected 0 to {num_classes - 1}")
    return array.astype(np.int64)


def as_counts(class_counts: ArrayLike, *, num_classes: int | None = None) -> IntArray:
    """Return training counts, shape (K,), each a whole number of at least 1, for at least two classes."""
    try:
        array = np.asarray(class_counts)
    except ValueError as error:
        raise ValueError("class_counts has rows of different lengths; expected one count a class") from error
    if array.ndim != 1 or len(array) < 2:
        raise ValueError(f"class_counts has shape {array.shape}; expected one count for each of two or more classes")
    if not np.issubdtype(array.dtype, np.integer) and not np.issubdtype(array.dtype, np.floating):
        raise ValueError(f"class_counts is {array.tolist()!r}; expected whole numbers")
    if num_classes is not None and len(array) != num_classes:
        raise ValueError(f"class_counts has {len(array)} entries; expected {num_classes}, one a class")
    if not (np.isfinite(array) & (array >= 1) & (array == np.floor(array))).all():
        raise ValueError(f"class_counts is {array.tolist()}; expected whole numbers of at least 1")
    return array.astype(np.int64)


def check_num_classes(num_classes: int) -> None:
    """Raise unless there are at least two classes."""
    if num_classes < 2:
        raise ValueError(f"num_classes is {num_classes}; expected 2 or more")


def check_temperature(temperature: float, least: float = 0.0) -> None:
    """Raise unless the temperature is a positive finite number of at least `least`."""
    is_number = isinstance(temperature, float | int | np.floating | np.integer) and not isinstance(temperature, bool)
    if not (is_number and np.isfinite(temperature) and temperature > 0):
        raise ValueError(f"temperature is {temperature!r}; expected a positive number")
    if temperature < least:
        raise ValueError(f"temperature is {temperature}; expected {least} or more")


def check_whole(name: str, value: int, least: int) -> None:
    """Raise unless `value` is a whole number of at least `least`."""
    if isinstance(value, bool) or not isinstance(value, int | np.integer) or value < least:
        raise ValueError(f"{name} is {value!r}; expected a whole number of at least {least}")


def check_switch(name: str, value: bool) -> None:
    """Raise unless `value` is True or False."""
    if not isinstance(value, bool | np.bool_):
        raise ValueError(f"{name} is {value!r}; expected True or False")


def check_choice(name: str, value: str, choices: tuple[str, ...]) -> None:
    """Raise unless `value` is one of `choices`."""
    if not isinstance(value, str) or value not in choices:
        raise ValueError(f"{name} is {value!r}; expected one of {', '.join(map(repr, choices))}")


def row_blocks(rows: int) -> Iterator[slice]:
    """Yield slices that cover `rows` rows, so that no rows × rows matrix is ever held whole."""
    for start in range(0, rows, ROWS_PER_BLOCK):
        yield slice(start, start + ROWS_PER_BLOCK)


def mean_or_none(values: FloatArray) -> float | None:
    """Mean of the finite values, or None where there is none: a missing quantity is never 0 or NaN."""
    finite = values[np.isfinite(values)]
    return float(finite.mean()) if finite.size else None
