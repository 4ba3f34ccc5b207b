"""What every data source offers: labels at once, pixels on demand."""

from pathlib import Path
from typing import Protocol

import numpy as np
from numpy.typing import NDArray


class DataError(ValueError):
    """The data are missing, damaged or of another shape than expected; the message says what would be right."""


class Source(Protocol):
    """A labelled image collection, opened from a path (None where it needs none)."""

    class_names: tuple[str, ...]
    train_labels: NDArray[np.int64]  # (N,)
    test_labels: NDArray[np.int64] | None  # (M,); None: there is no test set, hold one out of the training images
    pixel_max: int  # the value of a white pixel
    normalise: bool  # whether pixels are standardised by the training images' channel mean and deviation

    def __init__(self, path: Path | None) -> None: ...

    def images(self, split: str, indices: NDArray[np.int64]) -> NDArray[np.uint8]:
        """Return (n, C, H, W) pixels of these images of "train" or "test"."""
        ...
