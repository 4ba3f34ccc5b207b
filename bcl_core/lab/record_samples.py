"""The samples of a run that other code trains: chosen once, embedded by that code in every epoch. Imports no torch."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from bcl_core.lab import record_arrays as arrays
from bcl_core.lab.record_arrays import RecordError
from bcl_core.measuring import Embedded, Measurement, Samples, Selection, measure

if TYPE_CHECKING:
    from bcl_core.lab.record_arrays import Values

MAX_DIM = 4096  # the picture's frame costs d³
MAX_BYTES = 2 * 1024**3  # of an epoch's embeddings, in the float32 that they are measured in
WHITE = 255
FRAME_SEED = 0


class RecordedSamples:
    """The n samples, and which of them are measured and shown. Arguments are those of `Recorder`."""

    def __init__(
        self,
        labels: Values,
        class_names: Sequence[str] | ArrayLike | None,
        class_counts: Values | None,
        test: Values | None,
        images: Values | Callable[[NDArray[np.int64]], NDArray[np.uint8] | None] | None,
    ) -> None:
        classes, names = arrays.classes_of(labels, class_names)
        in_test = arrays.mask_of(test, len(classes))
        test_rows, train_rows = np.flatnonzero(in_test), np.flatnonzero(~in_test)
        arrays.check_every_class(classes[test_rows], names)
        chosen = self._selection = Selection(classes[test_rows], classes[train_rows], len(names))
        self._count = len(classes)
        self._rows = np.concatenate([test_rows, train_rows[chosen.shown_train]])  # in the order of the selection
        kept = self._rows[chosen.kept]
        of_training = np.bincount(classes[train_rows], minlength=len(names))
        if class_counts is not None:
            counts, self.counted = arrays.counts_of(class_counts, len(names)), "as given"
        elif of_training.all():
            counts, self.counted = of_training, "of the recorded training samples"
        else:
            counts, self.counted = np.bincount(classes), "of the recorded samples; those of training are not known"
        self.kept = Samples(
            labels=classes[kept],
            indices=kept,
            split=chosen.split,
            fits_frame=chosen.frame_half(FRAME_SEED),
            thumbnails=images(kept) if callable(images) else _thumbnails(images, len(classes), kept),
            pixel_max=WHITE,
            class_names=names,
            class_counts=counts,
        )

    def embedded(self, embeddings: Values, others: Mapping[str, Values]) -> Embedded:
        """Check an epoch's embeddings, (n, d), and what it has of the other arrays that `Recorder.epoch` takes.

        RecordError where one is not as it should be.
        """
        found = arrays.numbers("embeddings", embeddings, self._count, "d")
        dim, names = found.shape[1], self.kept.class_names
        if not 2 <= dim <= MAX_DIM:
            raise RecordError(f"embeddings have dimension {dim:,}; expected 2 to {MAX_DIM:,}")
        if found.size * 4 > MAX_BYTES:
            raise RecordError(
                f"an epoch of {self._count:,} × {dim:,} numbers takes more than 2 GiB: choose some samples"
            )
        if {"probabilities", "predictions"} <= others.keys():
            raise RecordError("give probabilities or predictions, not both: predicted is the most probable class")
        features = arrays.unit_rows("embeddings", found, self._count, dim)
        if not np.array_equal(self._rows, np.arange(self._count)):
            features = features[self._rows]
        predictions, confidences = None, None
        if "probabilities" in others:
            rows = arrays.probabilities_of(others["probabilities"], self._count, len(names))[self._rows]
            predictions, confidences = rows.argmax(axis=1), rows.max(axis=1)
        if "predictions" in others:
            predictions = arrays.class_indices("predictions", others["predictions"], names, self._count)[self._rows]

        def of_classes(name: str, read: Any) -> Any:
            return read(name, others[name], len(names), dim) if name in others else None

        return Embedded(
            features,
            predictions=predictions,
            confidences=confidences,
            class_means=of_classes("class_means", arrays.within_unit_ball),
            prototypes=of_classes("prototypes", arrays.unit_rows),
            classifier=of_classes("classifier", arrays.finite),
        )

    def measure(self, embedded: Embedded) -> Measurement:
        """Return an epoch's numbers, as training writes them."""
        return measure(self._selection, self.kept, embedded)


def _thumbnails(images: Values | None, rows: int, kept: NDArray[np.int64]) -> NDArray[np.uint8] | None:
    return None if images is None else arrays.thumbnails_of(images, rows, kept)
