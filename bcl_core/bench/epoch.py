"""What comes once an epoch, beside its steps: the images are embedded, measured, and what was found is written."""

import tempfile
import time
import tracemalloc
from pathlib import Path
from typing import NamedTuple

import numpy as np
from threadpoolctl import threadpool_limits

from bcl_core.bench.steps import work_clock
from bcl_core.data.dataset import Dataset
from bcl_core.geometry.arrays import SampleArray
from bcl_core.hardware import Hardware
from bcl_core.lab import checkpoints
from bcl_core.lab.files import RunFolder, write_arrays
from bcl_core.measuring import Embedded, Samples, Selection, measure
from bcl_core.recipe import Execution, Recipe
from bcl_core.training import Epoch, Step, train

TRAINING_IMAGES = 2  # of each class that are shown beside the test images


class EpochCost(NamedTuple):
    """What comes after an epoch's last step, in seconds of work, and what it leaves on the disk."""

    images: int  # embedded
    evaluation: float  # embedding and measuring
    measuring: float  # of as many images in as many dimensions
    files: float  # view, embeddings and checkpoint, written and synced: seconds of the clock
    written_bytes: int


class MeasuringCost(NamedTuple):
    """What it takes to measure an epoch whose images are embedded."""

    seconds: float  # of work
    peak_bytes: int  # allocated at once, beyond the embeddings that are measured


def epoch_cost(recipe: Recipe, dataset: Dataset, hardware: Hardware) -> EpochCost:
    """Train an epoch; time what comes after its last step."""
    execution = Execution(device=hardware.device.type, precision=hardware.precision, threads=hardware.threads)
    last = 0.0
    for event in train(recipe.model_copy(update={"epochs": 1}), execution, dataset=dataset):
        if isinstance(event, Step):
            last = work_clock()
        elif isinstance(event, Epoch) and event.epoch == 1:
            evaluation = work_clock() - last
            found = event
    images, dim = len(dataset.test.labels), recipe.model.projection_dim
    width = found.view["classifier"].shape[1]
    alone = measuring_cost(len(dataset.class_names), images, dim, width, threads=hardware.threads)
    with tempfile.TemporaryDirectory() as made:
        folder = RunFolder(Path(made))
        start = time.perf_counter()
        checkpoints.write(folder, 1, checkpoints.written(found.state))
        write_arrays(folder.embeddings(1), found.embeddings)
        write_arrays(folder.view(1), found.view)
        files = time.perf_counter() - start
        written = sum(file.stat().st_size for file in Path(made).rglob("*") if file.is_file())
    return EpochCost(images, evaluation, alone.seconds, files, written)


def measuring_cost(num_classes: int, images: int, dim: int, width: int, *, threads: int) -> MeasuringCost:
    """Measure an epoch of so many test images, (images, dim) projected and (images, width) before, that is made up."""
    rng = np.random.default_rng(0)
    labels = np.arange(images) % num_classes
    chosen = Selection(labels, np.repeat(np.arange(num_classes), TRAINING_IMAGES), num_classes)
    counts = np.maximum(2, 1280 * 256 ** (-np.arange(num_classes) / (num_classes - 1))).astype(np.int64)
    names = tuple(map(str, range(num_classes)))
    kept = chosen.kept
    samples = Samples(chosen.labels[kept], kept, chosen.split, chosen.frame_half(0), None, 255, names, counts)

    def around(centres: np.ndarray[tuple[int, int], np.dtype[np.float32]], spread: float) -> SampleArray:
        noise = rng.standard_normal((len(chosen.labels), centres.shape[1]), np.float32)
        noise *= spread
        noise += centres[chosen.labels]
        return noise

    centres, before = (rng.standard_normal((num_classes, size), np.float32) for size in (dim, width))
    features = around(centres, 1.0)
    for rows in np.array_split(features, 64):
        rows /= np.linalg.norm(rows, axis=1, keepdims=True)
    units = (centres / np.linalg.norm(centres, axis=1, keepdims=True)).astype(np.float64)
    backbone = around(before, 2.0)
    embedded = Embedded(features, backbone, chosen.labels, prototypes=units, classifier=before.astype(np.float64))
    with threadpool_limits(threads, "blas"):
        start = work_clock()
        measure(chosen, samples, embedded)
        seconds = work_clock() - start
        tracemalloc.start()
        measure(chosen, samples, embedded)
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
    return MeasuringCost(seconds, peak)
