"""The images of a run that are kept to be looked at, on disk. Imports no torch."""

import io
import json
import math
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from bcl_core.lab.files import RunFolder, SnapshotError, write_arrays, write_once
from bcl_core.measuring import Samples


class KeptSamples(NamedTuple):
    """What pages know of the classes of a run's kept images."""

    class_names: tuple[str, ...]
    class_counts: NDArray[np.int64]  # (K,) training images


def read_samples(folder: RunFolder) -> KeptSamples:
    """Return what a run embeds; SnapshotError before it has started, or where the file is damaged."""
    arrays, metadata = folder.arrays(folder.samples), folder.metadata(folder.samples)
    try:
        names, counts = json.loads(metadata["class_names"]), arrays["class_counts"]
        if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
            raise ValueError("class_names is no list of names")
        if counts.dtype.kind not in "iu" or counts.shape != (len(names),):
            raise ValueError("it should have a name and a training count for each class")
        return KeptSamples(tuple(names), counts)
    except (KeyError, ValueError, RecursionError) as error:
        raise SnapshotError(f"{folder.samples.name} of this run is damaged: {error}") from error


def write_samples(folder: RunFolder, samples: Samples) -> None:
    """Write what is known of the kept images, and their thumbnails where there are any."""
    arrays = {name: getattr(samples, name) for name in ("labels", "indices", "split", "fits_frame", "class_counts")}
    write_arrays(folder.samples, arrays, class_names=json.dumps(samples.class_names))
    write_sprite(folder, samples)


def write_sprite(folder: RunFolder, samples: Samples) -> None:
    """Write the thumbnails, where there are any."""
    if samples.thumbnails is not None:
        write_once(folder.sprite, _sprite(samples.thumbnails, samples.pixel_max))


def _sprite(thumbnails: NDArray[np.uint8], pixel_max: int) -> bytes:
    """Lay (N, C, H, W) thumbnails out in rows of ⌈√N⌉, as a PNG."""
    count, channels, height, width = thumbnails.shape
    columns = math.isqrt(count - 1) + 1
    rows = -(-count // columns)
    sheet = np.zeros((rows * columns, height, width, channels), np.uint8)
    sheet[:count] = (thumbnails.astype(np.uint16) * 255 // pixel_max).astype(np.uint8).transpose(0, 2, 3, 1)
    grid = sheet.reshape(rows, columns, height, width, channels).swapaxes(1, 2)
    pixels = grid.reshape(rows * height, columns * width, channels)
    buffer = io.BytesIO()
    Image.fromarray(pixels[..., 0] if channels == 1 else pixels).save(buffer, "PNG")
    return buffer.getvalue()
