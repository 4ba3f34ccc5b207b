"""How many photographs a second are decoded and cropped for a streamed set, by the number of decoding processes.

    python -m benchmarks.loading [--files FOLDER] [--size 224]

Without a folder it makes 500×375 JPEGs of smooth noise. Each image is decoded once and gives three crops, as training
with three views asks for; the first batches, in which the processes start, are not counted. A GPU that trains faster
than this waits for the decoder: give it more processes (`data.workers`), or smaller files.
"""

import argparse
import os
import tempfile
import time
from pathlib import Path

import numpy as np
import torch
from PIL import Image

from bcl_core.data.stream import FileImages, ViewStream

BATCH, UNCOUNTED = 32, 4


def main() -> None:
    """Measure with 0 processes (in this one), 1, and one a core."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--files", type=Path)
    parser.add_argument("--size", type=int, default=224)
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    with tempfile.TemporaryDirectory() as made:
        files = sorted((arguments.files or photographs(Path(made))).rglob("*.jp*g"))
        images = FileImages(files, arguments.size)
        for workers in sorted({0, 1, os.cpu_count() or 1}):
            print(f"{workers} processes: {images_per_second(images, workers):6.0f} images/s of {arguments.size} pixels")


def photographs(folder: Path, count: int = 64) -> Path:
    """Write JPEGs of about the size and smoothness of ImageNet's."""
    for seed in range(count):
        coarse = np.random.default_rng(seed).integers(0, 256, (24, 32, 3), dtype=np.uint8)
        Image.fromarray(coarse).resize((500, 375), Image.Resampling.BICUBIC).save(folder / f"{seed}.jpg", quality=90)
    return folder


def images_per_second(images: FileImages, workers: int, batches: int = 16) -> float:
    """Stream batches of three crops; return how many images came a second."""
    rng = np.random.default_rng(0)
    plan = [(step, rng.integers(0, len(images), BATCH)) for step in range(batches + UNCOUNTED)]
    stream = ViewStream(images, torch.arange(BATCH), [(0.08, 1.0)] * 3, seed=0, workers=workers)
    views = stream.epoch(1, plan)
    for _ in range(UNCOUNTED):
        next(views)
    start = time.perf_counter()
    for _ in views:
        pass
    seconds = time.perf_counter() - start
    stream.close()
    return batches * BATCH / seconds


if __name__ == "__main__":
    main()
