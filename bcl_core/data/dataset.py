"""The images of one run: which are trained on, which are measured, and the numbers that describe them."""

import hashlib
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray

from bcl_core.data.longtail import long_tail_indices
from bcl_core.data.source import DataError, Source
from bcl_core.randomness import array_generator
from bcl_core.recipe import DataRecipe, Recipe
from bcl_core.registry import DATASETS


@dataclass(frozen=True)
class Split:
    """Images of one side: (n, C, H, W) pixels, (n,) labels, (n,) indices into the source."""

    images: NDArray[np.uint8]
    labels: NDArray[np.int64]
    indices: NDArray[np.int64]


@dataclass(frozen=True)
class Dataset:
    """What a run sees."""

    train: Split
    test: Split
    class_names: tuple[str, ...]
    pixel_max: int
    mean: NDArray[np.float32]  # (C,) of the pixels in 0 … 1
    std: NDArray[np.float32]  # (C,)

    @property
    def class_counts(self) -> NDArray[np.int64]:
        """(K,) training images of each class."""
        return np.bincount(self.train.labels, minlength=len(self.class_names))

    @property
    def fingerprint(self) -> str:
        """Hash of every pixel and label: equal for equal data, wherever they were read from."""
        digest = hashlib.sha256()
        for split in (self.train, self.test):
            digest.update(split.images.tobytes())
            digest.update(split.labels.tobytes())
        return digest.hexdigest()[:16]


def prepare(recipe: Recipe, path: Path | None = None) -> Dataset:
    """Open the recipe's source, hold out or choose the test images, and draw the long tail.

    Raises:
        DataError: if the source cannot give what the recipe asks for.
    """
    source: Source = DATASETS[recipe.data.source].load()(path)
    draw_seed = recipe.seed if recipe.data.draw_seed is None else recipe.data.draw_seed
    pool = np.arange(len(source.train_labels))
    if source.test_labels is None:
        test, test_from = _first_of_each_class(source.train_labels, recipe.data.test_per_class, draw_seed), "train"
        pool = np.setdiff1d(pool, test)
        test_labels = source.train_labels[test]
    else:
        test, test_from = _first_of_each_class(source.test_labels, recipe.data.test_per_class, draw_seed), "test"
        test_labels = source.test_labels[test]
    train = pool[_long_tail(source.train_labels[pool], recipe.data, draw_seed)]
    train_images = _resized(source.images("train", train), recipe.data.image_size)
    mean, std = _channel_statistics(train_images, source.pixel_max, source.normalise)
    return Dataset(
        Split(train_images, source.train_labels[train], train),
        Split(_resized(source.images(test_from, test), recipe.data.image_size), test_labels, test),
        source.class_names,
        source.pixel_max,
        mean,
        std,
    )


def _first_of_each_class(labels: NDArray[np.int64], per_class: int, seed: int) -> NDArray[np.int64]:
    order = array_generator(seed, "test").permutation(len(labels))
    chosen = [order[labels[order] == c][:per_class] for c in range(int(labels.max()) + 1)]
    return np.sort(np.concatenate(chosen))


def _long_tail(labels: NDArray[np.int64], data: DataRecipe, seed: int) -> NDArray[np.int64]:
    try:
        return long_tail_indices(
            labels,
            imbalance_factor=data.imbalance_factor,
            kind=data.imbalance_kind,
            seed=seed,
            max_per_class=data.max_per_class,
        )
    except ValueError as error:
        raise DataError(f"the long tail cannot be drawn: {error}") from error


def _resized(images: NDArray[np.uint8], size: int | None) -> NDArray[np.uint8]:
    """Average each image's pixels down to size × size."""
    if size is None:
        return images
    pixels = F.interpolate(torch.from_numpy(images).float(), (size, size), mode="area")
    return pixels.round().to(torch.uint8).numpy()


def _channel_statistics(
    images: NDArray[np.uint8], pixel_max: int, normalise: bool
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    channels = images.shape[1]
    if not normalise:
        return np.zeros(channels, np.float32), np.ones(channels, np.float32)
    scaled = images / pixel_max
    std = np.maximum(scaled.std(axis=(0, 2, 3)), 1e-3)
    return scaled.mean(axis=(0, 2, 3)).astype(np.float32), std.astype(np.float32)
