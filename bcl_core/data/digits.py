"""scikit-learn's handwritten digits: 1,797 real 8×8 scans, offline (UCI optdigits, Alpaydin and Kaynak 1998).

Read from the file that scikit-learn ships, without importing it, which is a quarter of all that a worker imports.
"""

from importlib.util import find_spec
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from bcl_core.data.source import Opening, Source, SplitName


class DigitsSource(Source):
    """The ten digits, 174 to 183 scans each, pixels 0 … 16; no test set of its own."""

    pixel_max = 16
    normalise = False
    class_names = tuple(map(str, range(10)))

    def __init__(self, opening: Opening) -> None:
        package = find_spec("sklearn")
        if package is None or package.origin is None:
            raise ModuleNotFoundError("the digits come with scikit-learn, which is not installed", name="sklearn")
        file = Path(package.origin).parent / "datasets" / "data" / "digits.csv.gz"
        rows = np.loadtxt(file, np.uint8, delimiter=",")
        self.train_labels = rows[:, -1].astype(np.int64)
        self._images: NDArray[np.uint8] = rows[:, :-1].reshape(-1, 1, 8, 8)

    def images(self, split: SplitName, indices: NDArray[np.int64]) -> NDArray[np.uint8]:
        """Return (n, 1, 8, 8) pixels."""
        return self._images[indices]
