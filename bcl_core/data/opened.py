"""A source as it is read: its labels and images are what `source.Source` says, or refused in words."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from bcl_core.data.source import Opening, Source, SplitName
from bcl_core.own_code import fault_of, own_code
from bcl_core.recipe import RecipeError

KEY = "data.source"


class Opened:
    """A source that was opened. RecipeError where its own code fails, or what it offers is not as it should be."""

    def __init__(self, opening: Opening) -> None:
        self._entry = opening.entry
        with own_code(KEY, self._entry.title, self._entry, "cannot be opened"):
            source = self._source = self._made(opening)
            self.class_names = tuple(map(str, source.class_names))
            if len(self.class_names) < 2:
                raise self._fault(f"has {len(self.class_names)} class_names; expected 2 or more")
            self.train_labels = self._labels("train_labels", source.train_labels)
            test = source.test_labels
            self.test_labels = None if test is None else self._labels("test_labels", test)
            self.pixel_max, self.normalise, self.left_out = source.pixel_max, source.normalise, source.left_out
            self.files = getattr(source, "files", None)

    def images(self, split: SplitName, indices: NDArray[np.int64]) -> NDArray[np.uint8]:
        """Return (n, C, H, W) pixels of these images."""
        with own_code(KEY, self._entry.title, self._entry, "failed"):
            images: NDArray[Any] = np.asarray(self._source.images(split, indices))
        count = len(indices)
        if images.dtype != np.uint8 or images.ndim != 4 or len(images) != count or images.shape[1] not in (1, 3):
            raise self._fault(
                f"returned images of shape {images.shape} and type {images.dtype} for {count} indices; expected "
                f"({count}, C, H, W) of uint8, with 1 or 3 channels C"
            )
        return images

    def _made(self, opening: Opening) -> Source:
        source: Source = self._entry.load()(opening)
        return source

    def _labels(self, name: str, values: Any) -> NDArray[np.int64]:
        labels, last = np.asarray(values), len(self.class_names) - 1
        if labels.ndim != 1 or not labels.size or labels.dtype.kind not in "iu":
            raise self._fault(
                f"has {name} of shape {labels.shape} and type {labels.dtype}; expected (N,) whole numbers from 0 to "
                f"{last}, the places of the images' classes in class_names"
            )
        if labels.min() < 0 or labels.max() > last:
            raise self._fault(
                f"has {name} from {labels.min()} to {labels.max()}; expected 0 to {last}, the places in class_names"
            )
        return labels.astype(np.int64)

    def _fault(self, what: str) -> RecipeError:
        return fault_of(KEY, self._entry.title, self._entry, what)
