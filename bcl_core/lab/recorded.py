"""Epochs that other code has left as arrays, recorded in one go. Imports no torch."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from bcl_core.lab.record_arrays import RecordError, as_array
from bcl_core.lab.recorder import Recorder, epoch_number, without_none

if TYPE_CHECKING:
    from bcl_core.lab.record_arrays import Values


def record(
    name: str,
    embeddings: Values,
    labels: Values,
    *,
    epochs: Values | None = None,
    prototypes: Values | None = None,
    classifier: Values | None = None,
    class_means: Values | None = None,
    probabilities: Values | None = None,
    predictions: Values | None = None,
    **about: Any,
) -> str:
    """Record what is already there, one epoch or E of them, and return the run's id.

    Args:
        name: the run's.
        embeddings: (n, d) or (E, n, d). The further arrays of an epoch, as `Recorder.epoch` takes them, have the same
            E in front.
        labels: as `Recorder` takes them.
        epochs: (E,) rising numbers; 1 to E where None.
        prototypes: (K, d) or (E, K, d).
        classifier: the same.
        class_means: the same.
        probabilities: (n, K) or (E, n, K).
        predictions: (n,) or (E, n).
        about: what else `Recorder` takes.

    Raises:
        RecordError: something is not as it should be in any epoch; nothing is written then.
    """
    others = {"prototypes": prototypes, "classifier": classifier, "class_means": class_means}
    others |= {"probabilities": probabilities, "predictions": predictions}
    snapshots = _snapshots(embeddings, without_none(others))
    numbers = _numbers(epochs, len(snapshots))
    recorder = Recorder(name, labels, epochs=max(1, numbers[-1]), **about)
    for snapshot in snapshots:
        recorder.samples.embedded(*snapshot)
    with recorder:
        for number, (features, further) in zip(numbers, snapshots, strict=True):
            recorder.epoch(features, epoch=number, **further)
    assert recorder.run_id is not None
    return recorder.run_id


def _snapshots(embeddings: Values, others: Mapping[str, Values]) -> list[tuple[NDArray[Any], dict[str, Any]]]:
    """Take the epochs apart: of each its embeddings, and its further arrays by name."""
    stack = as_array("embeddings", embeddings)
    stacks = {name: as_array(name, values) for name, values in others.items()}
    if stack.ndim == 2:
        return [(stack, stacks)]
    if stack.ndim != 3 or not len(stack):
        raise RecordError(f"embeddings has shape {stack.shape}; expected (n, d), or (E, n, d) for E epochs")
    for name, array in stacks.items():
        if array.ndim == 0 or len(array) != len(stack):
            raise RecordError(
                f"{name} has shape {array.shape}; expected {len(stack)} epochs in front, as embeddings has"
            )
    return [(stack[i], {name: array[i] for name, array in stacks.items()}) for i in range(len(stack))]


def _numbers(epochs: Values | None, count: int) -> list[int]:
    """Return the epochs' numbers, which rise."""
    given = np.arange(1, count + 1) if epochs is None else as_array("epochs", epochs)
    if given.shape != (count,):
        raise RecordError(f"epochs has shape {given.shape}; expected ({count},), a number for each epoch")
    numbers: list[int] = []
    for epoch in given.tolist():
        numbers.append(epoch_number(epoch, numbers[-1] if numbers else None))
    return numbers
