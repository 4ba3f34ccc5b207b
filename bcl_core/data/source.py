"""What every data source offers: labels at once, pixels on demand."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Literal, Protocol

import numpy as np
from numpy.typing import NDArray

from bcl_core.recipe import DataPaths
from bcl_core.registry import DatasetEntry

SplitName = Literal["train", "test"]


class DataError(ValueError):
    """The data are missing, damaged or of another shape than expected; the message says what would be right."""


@dataclass(frozen=True)
class Opening:
    """What a source is opened with. Sources take from it what they need."""

    entry: DatasetEntry
    paths: DataPaths = field(default_factory=DataPaths)
    image_size: int | None = None
    decode: bool = True  # False: the images will be streamed, so none need be decoded now
    report: Callable[[str], None] = lambda _: None  # says in words how a long wait goes on


class Source(Protocol):
    """A labelled image collection; one whose images are files of their own has `files(split, indices)`, their paths.

    Sources may inherit what is usual.
    """

    class_names: tuple[str, ...]
    train_labels: NDArray[np.int64]  # (N,)
    test_labels: NDArray[np.int64] | None = None  # (M,); None: no test set, hold one out of the training images
    pixel_max: int = 255  # the value of a white pixel
    normalise: bool = True  # whether pixels are standardised by the training images' channel mean and deviation
    left_out: tuple[str, ...] = ()  # files that could not be read, by name

    def __init__(self, opening: Opening) -> None: ...

    def images(self, split: SplitName, indices: NDArray[np.int64]) -> NDArray[np.uint8]:
        """Return (n, C, H, W) pixels of these images."""
        ...
