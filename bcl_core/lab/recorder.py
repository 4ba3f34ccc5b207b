"""Runs that other code trains: any loop hands over its embeddings and leaves a run that the app shows as it grows.

    with Recorder("my model", labels) as recorder:
        for _ in range(epochs):
            train_an_epoch(model)
            recorder.epoch(model(images))

What is measured is what training measures, on embeddings scaled to unit length. Imports no torch.
"""

from __future__ import annotations

import math
import operator
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, NamedTuple, Self

import numpy as np
from filelock import FileLock
from numpy.typing import ArrayLike, NDArray
from pydantic import ValidationError

from bcl_core import provenance as versions
from bcl_core.lab.names import proper_name
from bcl_core.lab.pack import pack_or_leave
from bcl_core.lab.record_arrays import RecordError, as_array
from bcl_core.lab.record_samples import RecordedSamples
from bcl_core.lab.samples import write_samples
from bcl_core.lab.snapshot import write_epoch
from bcl_core.lab.store import Lab
from bcl_core.recipe import Recorded
from bcl_core.recipe.fields import LAST_EPOCH, explain

if TYPE_CHECKING:
    from bcl_core.lab.record_arrays import Values

# What training also knows of an epoch: None here, unless it is among the own metrics.
LOSSES = ("loss", "loss_contrastive", "loss_classifier")


class Recorder:
    """Writes a run, epoch by epoch. The run is entered with its first epoch; without one there is no run.

    As a context manager it leaves the run "finished", or "stopped" after an exception or Ctrl-C, with what it has; a
    recorder whose process dies leaves a run that is found to be "stopped".
    """

    def __init__(
        self,
        name: str,
        labels: Values,
        *,
        class_names: Sequence[str] | ArrayLike | None = None,
        class_counts: Values | None = None,
        test: Values | None = None,
        images: Values | Callable[[NDArray[np.int64]], NDArray[np.uint8] | None] | None = None,
        title: str | None = None,
        space: str = "embedding",
        epochs: int | None = None,
        provenance: Mapping[str, str] | None = None,
        lab: Lab | Path | str | None = None,
    ) -> None:
        """Say what will be embedded. Arrays are torch tensors, on any device, or whatever numpy takes.

        Args:
            name: the run's.
            labels: (n,) class of each sample, n up to a million: whole numbers from 0 to K − 1, or text, whose classes
                are in the order of `class_names`, else of the alphabet.
            class_names: (K,) text; the classes' numbers where None.
            class_counts: (K,) training samples of each class, which say what is head and what is tail; where None,
                those that `test` says are training samples; where it says so of none of a class, the counts of
                `labels`, which are rarely those of training. The provenance says which.
            test: (n,) True for test samples, on which everything is measured; False for training samples, of which up
                to 2,000 are shown beside them. All are test samples where None. Each class needs a test sample.
            images: (n, H, W), (n, H, W, C) or (n, C, H, W), C of 1 or 3, uint8 or floats from 0 to 1, for thumbnails;
                or what returns those of some rows, (N, C, h, w) of uint8, when it is called with their numbers (N,).
            title: what figures call the run; its name where None.
            space: where the embeddings are taken, in a word.
            epochs: how many are planned; where None, as many as there are.
            provenance: what else should be known of where the run comes from, by name.
            lab: the lab, or its folder; BCL_LAB_HOME, else ./lab, where None.

        Raises:
            RecordError: something is not as it should be; nothing is written then.
        """
        self._name = proper_name(name)
        self._recorded = _recorded(self._name if title is None else title, space, 1 if epochs is None else epochs)
        self.samples = RecordedSamples(labels, class_names, class_counts, test, images)
        own = {str(key): str(text) for key, text in (provenance or {}).items()}
        about = {"trained by": "other code", "class counts": self.samples.counted}
        self._provenance = {**versions.provenance(), **about, **own}
        self._lab = lab if isinstance(lab, Lab) else Lab.open(None if lab is None else Path(lab))
        self._open: _Open | None = None
        self._ended = False
        self._last: int | None = None
        self._form: str | None = None  # what the first epoch had
        self._own_metrics: dict[str, float | None] = {}
        self._since = time.monotonic()

    @property
    def run_id(self) -> str | None:
        """The run's id, from the first epoch on."""
        return self._open.run_id if self._open else None

    def epoch(
        self,
        embeddings: Values,
        *,
        epoch: int | None = None,
        prototypes: Values | None = None,
        classifier: Values | None = None,
        class_means: Values | None = None,
        probabilities: Values | None = None,
        predictions: Values | None = None,
        metrics: Mapping[str, Any] | None = None,
    ) -> Mapping[str, Any]:
        """Measure an epoch, write it, and return its metrics: angles in degrees, accuracies from 0 to 1.

        What the first epoch has of prototypes, classifier, class means, probabilities and predictions, each one has.

        Args:
            embeddings: (n, d), d of 2 to 4,096, in the order of the labels; rows are scaled to unit length.
            epoch: its number, higher than the last one's, 99,999 at the most; 0 is before training. Where None, the
                last one's plus 1, from 1.
            prototypes: (K, d), scaled to unit length.
            classifier: (K, d) weights that are applied to the embeddings.
            class_means: (K, d) to take angles of, instead of the means of the scaled test embeddings. They are scaled
                down together where one is longer than 1.
            probabilities: (n, K) of the classes, for accuracy and confidence.
            predictions: (n,) classes, where the probabilities are not known.
            metrics: own figures by name: numbers, tensors of one number, or None. What is not finite becomes None.

        Raises:
            RecordError: something is not as it should be; the epoch is not written then.
            DiskError: the disk is full, say; the epoch is not recorded then.
        """
        if self._ended:
            raise RecordError(f"the recording of {self._name!r} has ended; begin another")
        number = epoch_number(epoch, self._last)
        others = {"prototypes": prototypes, "classifier": classifier, "class_means": class_means}
        others |= {"probabilities": probabilities, "predictions": predictions}
        embedded = self.samples.embedded(embeddings, given := without_none(others))
        form = ", ".join([f"dimension {embedded.features.shape[1]}", *given])
        if form != (self._form or form):
            raise RecordError(f"this epoch has {form}, and the first had {self._form}: all epochs have the same")
        own = {str(name): _figure(name, value) for name, value in (metrics or {}).items()}
        measured = self.samples.measure(embedded)
        if taken := sorted(own.keys() & {"epoch", *measured.metrics}):
            raise RecordError(
                f"{', '.join(taken)} is measured here, from embeddings and, where they are given, predictions "
                "or probabilities; give the own metric another name"
            )
        self._form, self._last = form, number
        self._own_metrics = {**dict.fromkeys(self._own_metrics), **own}  # a name once known stays, as None
        figures = {**dict.fromkeys(LOSSES), **measured.metrics, **self._own_metrics}
        run_id = self._entered(number).run_id
        write_epoch(self._lab, run_id, number, metrics=figures, view=measured.view, embeddings=measured.embeddings)
        since, self._since = self._since, time.monotonic()
        self._lab.record_progress(run_id, number / self._recorded.epochs, self._since - since)
        return figures

    def close(self) -> None:
        """End the run as finished. Nothing happens where it has ended, or never began."""
        self._end("finished")

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._end("finished" if kind is None else "stopped")

    def _end(self, state: str) -> None:
        if self._open and not self._ended:
            try:
                if state == "finished":
                    pack_or_leave(self._lab, self._open.run_id)
                self._lab.record_state(self._open.run_id, state)
            finally:
                self._open.lock.release()
                self._ended = True
        self._ended = True

    def _entered(self, number: int) -> _Open:
        """Enter the run with its first epoch, and its plan anew when it grows beyond it."""
        planned = self._recorded.epochs
        self._recorded = self._recorded.model_copy(update={"epochs": max(planned, number)})
        if self._open is not None:
            if number > planned:
                self._lab.record_plan(self._open.run_id, self._recorded)
            return self._open
        for run in self._lab.active_runs():
            self._lab.settle_dead(run)
        self._open = _Open(*self._lab.enter_recorded(self._name, self._recorded, self._provenance))
        write_samples(self._lab.folder(self._open.run_id), self.samples.kept)
        return self._open


class _Open(NamedTuple):
    """The run while it is being recorded."""

    run_id: str
    lock: FileLock


def _recorded(title: str, space: str, epochs: int) -> Recorded:
    try:
        return Recorded(title=title, space=space, epochs=epochs)
    except ValidationError as error:
        raise RecordError(explain(error)) from error


def without_none(given: Mapping[str, Values | None]) -> dict[str, Values]:
    """Return the arrays that there are."""
    return {name: values for name, values in given.items() if values is not None}


def epoch_number(epoch: Any, last: int | None) -> int:
    """Return an epoch's number, the next one where it has none."""
    least = 0 if last is None else last + 1
    try:
        number = max(least, 1) if epoch is None else operator.index(epoch)
    except TypeError as error:
        raise RecordError(f"epoch is {epoch!r}; expected a whole number") from error
    if not least <= number <= LAST_EPOCH:
        raise RecordError(f"epoch is {number}; expected {least} to {LAST_EPOCH:,}, since epochs rise")
    return number


def _figure(name: str, value: Any) -> float | None:
    if value is None:
        return None
    array = as_array(f"metric {name!r}", value)
    if array.size != 1 or array.dtype.kind not in "biuf":
        raise RecordError(
            f"metric {name!r} has shape {array.shape} and holds {array.dtype} values; expected one number"
        )
    figure = float(array.item())
    return figure if math.isfinite(figure) else None
