"""scikit-learn's handwritten digits: 1,797 real 8×8 scans, offline (UCI optdigits, Alpaydin and Kaynak 1998)."""

import numpy as np
from numpy.typing import NDArray
from sklearn.datasets import load_digits

from bcl_core.data.source import Opening, Source, SplitName


class DigitsSource(Source):
    """The ten digits, 174 to 183 scans each, pixels 0 … 16; no test set of its own."""

    pixel_max = 16
    normalise = False

    def __init__(self, opening: Opening) -> None:
        digits = load_digits()
        self.class_names = tuple(str(name) for name in digits.target_names)
        self.train_labels = digits.target.astype(np.int64)
        self._images: NDArray[np.uint8] = digits.images.astype(np.uint8)[:, None]

    def images(self, split: SplitName, indices: NDArray[np.int64]) -> NDArray[np.uint8]:
        """Return (n, 1, 8, 8) pixels."""
        return self._images[indices]
