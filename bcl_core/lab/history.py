"""The history of a run: every curve over its epochs, thinned to what a screen can show, as one file of arrays.

    epochs       (E,) int32
    scalars      (M, E) float32, one row a metric, named in the metadata under "scalars"; NaN: not recorded
    mean_epochs  (P,) int32, those of the epochs whose class means are here: as many as fit into `MEANS_BYTES`
    class_means  (P, K, d) float32; absent where P is 0
    prototypes   (P, K, d) float32; absent where there are none

The metadata's "faults" says, by epoch, what could not be read; its numbers are NaN. Runs of the first release recorded
fewer metrics: what follows from an epoch's view is measured here.
"""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from bcl_core import geometry
from bcl_core.lab.cache import Cache
from bcl_core.lab.files import Arrays, RunFolder, SnapshotError, encoded
from bcl_core.lab.run import LabError
from bcl_core.lab.store import Lab
from bcl_core.measuring import tail_angle

MOST_EPOCHS = 600
MEANS_BYTES = 1 << 20
MEMORY = 16 << 20  # bytes of histories that are kept at hand; while a run trains, each epoch makes the last one old
NEVER_KEPT = MEMORY + 1
_MEANS = ("class_means", "prototypes")


class Span(NamedTuple):
    """Kept epochs from `first` to `last`, every `step`-th of them, both ends included."""

    first: int
    last: int
    step: int


class NotKept(LabError):
    """An epoch that is asked for is not kept."""


class WrongSpan(LabError):
    """More epochs are asked for than `MOST_EPOCHS`, or none."""


def whole(kept: Sequence[int]) -> Span:
    """Return the span of all kept epochs, at least one, thinned to `MOST_EPOCHS`."""
    return Span(kept[0], kept[-1], max(1, -(-(len(kept) - 1) // (MOST_EPOCHS - 1))))


def chosen(kept: Sequence[int], span: Span) -> list[int]:
    """Return the epochs of a span.

    Raises:
        NotKept: its ends are not among the kept ones.
        WrongSpan: its step is too small, or its last epoch before its first.
    """
    if span.first > span.last:
        raise WrongSpan(f"from is {span.first} and to is {span.last}: epochs rise")
    for end in (span.first, span.last):
        if end not in kept:
            raise NotKept(f"epoch {end} is not kept")
    between = [epoch for epoch in kept if span.first <= epoch <= span.last]
    epochs = between[:: span.step]
    if between and epochs[-1] != span.last:
        epochs.append(span.last)
    if len(epochs) > MOST_EPOCHS:
        least = whole(between).step
        raise WrongSpan(
            f"{len(epochs)} epochs are asked for, at most {MOST_EPOCHS} come: take a step of {least} or more"
        )
    return epochs


class History(NamedTuple):
    """The file, and whether everything in it could be read: one with faults may be another one tomorrow."""

    content: bytes
    whole: bool


def history(lab: Lab, run_id: str, span: Span) -> History:
    """Return a run's history over a span, as safetensors; the same bytes for all who ask.

    Raises:
        UnknownRun: there is no such run.
        NotKept, WrongSpan: as `chosen`.
    """
    folder, kept = lab.folder(run_id), lab.epochs(run_id)
    epochs = chosen(kept, span)

    def made() -> tuple[History, int]:
        found = (_packed(folder) if span == whole(kept) else None) or make(lab, run_id, epochs)
        return found, len(found.content) if found.whole else NEVER_KEPT

    return _made.get((folder.path, lab.rev(run_id), span), made)


_made: Cache[tuple[Path, str, Span], History] = Cache(MEMORY)


def _packed(folder: RunFolder) -> History | None:
    try:
        return History(folder.content(folder.history), whole=True)
    except SnapshotError:  # absent, or damaged: it can be made anew
        return None


def make(lab: Lab, run_id: str, epochs: Sequence[int]) -> History:
    """Return the history of these recorded epochs, read from the database and the views."""
    epochs_of = _Epochs(lab, run_id)
    recorded = {row["epoch"]: row for row in lab.metrics(run_id, epochs)}
    rows = [epochs_of.row(recorded.get(epoch, {"epoch": epoch})) for epoch in epochs]
    names = list(dict.fromkeys(name for row in rows for name in row if name != "epoch"))
    scalars = np.array([[_number(row.get(name)) for row in rows] for name in names], np.float32)
    for epoch in set(epochs) - recorded.keys():
        epochs_of.faults.setdefault(epoch, f"the figures of epoch {epoch} cannot be read in the database")
    content = encoded(
        {"epochs": np.array(epochs, np.int32), "scalars": scalars.reshape(-1, len(epochs)), **epochs_of.means(epochs)},
        scalars=json.dumps(names),
        faults=json.dumps(epochs_of.faults),
    )
    return History(content, whole=not (epochs_of.faults or epochs_of.lacks))


def scalars_of(row: Mapping[str, Any]) -> dict[str, Any]:
    """Return an epoch's metrics without those that are a list, such as each class's accuracy."""
    return {name: value for name, value in row.items() if not isinstance(value, list)}


class _Epochs:
    """A run's views, read as far as they are needed."""

    def __init__(self, lab: Lab, run_id: str) -> None:
        self.folder = lab.folder(run_id)
        self.faults: dict[int, str] = {}
        self._counts = _or_none(self.folder, self.folder.samples, "class_counts")
        self._predicted = predicted_means(self.folder)
        lost = self._predicted is None and self.folder.predicted.exists()
        self.lacks = self._counts is None or lost  # what is damaged, so that figures that follow from it are not here

    def row(self, recorded: Mapping[str, Any]) -> dict[str, Any]:
        """Return an epoch's scalars, with those that its view knows and the database does not."""
        row = scalars_of(recorded)
        expected = {*geometry.QUANTILES, "pair_push_most", "prototype_angle_tail_tail"} | (
            set() if self._predicted is None else {"distance_to_prediction"}
        )
        if expected <= row.keys():
            return row
        view = self._view(row["epoch"])
        return row if view is None else {**summary(view, self._counts, self._predicted), **row}

    def means(self, epochs: Sequence[int]) -> dict[str, NDArray[Any]]:
        """Return class means and prototypes of as many of the epochs as there is room for."""
        first = next((view for view in map(self._view, epochs) if view is not None and "class_means" in view), None)
        if first is None:
            return {"mean_epochs": np.empty(0, np.int32)}
        # Prototypes that the first epoch lacks may be trained since.
        first = {**(self._view(epochs[-1]) or {}), **first}
        names = [name for name in _MEANS if name in first]
        places = thinned(len(epochs), MEANS_BYTES // sum(first[name].nbytes for name in names))
        wanted = [epochs[place] for place in places]
        views = [self._view(epoch) or {} for epoch in wanted]
        missing = {name: np.full(first[name].shape, np.nan, np.float32) for name in names}
        return {
            "mean_epochs": np.array(wanted, np.int32),
            **{name: np.stack([view.get(name, missing[name]) for view in views]) for name in names if wanted},
        }

    def _view(self, epoch: int) -> Arrays | None:
        try:
            return self.folder.arrays(self.folder.view(epoch))
        except SnapshotError as error:
            self.faults[epoch] = str(error)
            return None


def summary(
    view: Arrays, counts: NDArray[np.int64] | None, predicted: NDArray[np.float64] | None
) -> dict[str, float | None]:
    """Return the metrics that follow from an epoch's view, (K,) counts and (K, d) predicted means, where known."""
    means = view.get("class_means")
    return {
        **(geometry.simplex_metrics(means, counts) if means is not None else {}),
        **({} if counts is None else {"prototype_angle_tail_tail": tail_angle(view.get("prototypes"), counts)}),
        **geometry.push_extents({name: view[name] for name in geometry.PUSH_ARRAYS if name in view}),
        **distance_to_prediction(means, predicted),
    }


def distance_to_prediction(
    means: NDArray[Any] | None, predicted: NDArray[np.float64] | None
) -> dict[str, float | None]:
    """Return the RMS difference of the angles to those predicted for the stored batch; nothing without a prediction."""
    if means is None or predicted is None or len(means) != len(predicted):
        return {}
    return {"distance_to_prediction": geometry.rms_angle_difference(means, predicted)}


def thinned(count: int, at_most: int) -> list[int]:
    """Return places among `count`, evenly spread, both ends included; none where there is no room for both."""
    if at_most >= count:
        return list(range(count))
    return [] if at_most < 2 else np.unique(np.linspace(0, count - 1, at_most).round().astype(int)).tolist()


def predicted_means(folder: RunFolder) -> NDArray[np.float64] | None:
    """Return the class means that are predicted for the stored batch, (K, d); None without, or where it is damaged."""
    return _or_none(folder, folder.predicted, "class_means")


def _or_none(folder: RunFolder, file: Path, name: str) -> NDArray[Any] | None:
    try:
        return folder.arrays(file).get(name)
    except SnapshotError:
        return None


def _number(value: Any) -> float:
    return float(value) if isinstance(value, int | float) else np.nan
