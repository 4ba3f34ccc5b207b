"""The images of one run: which are trained on, which are measured, and the numbers that describe them."""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray

from bcl_core.data.longtail import long_tail_indices
from bcl_core.data.opened import Opened
from bcl_core.data.source import DataError, Opening, SplitName
from bcl_core.data.stream import FileImages
from bcl_core.randomness import array_generator
from bcl_core.recipe import DataPaths, DataRecipe, Recipe
from bcl_core.registry import DATASETS, NORMALISATIONS, dataset_of

STREAMED = "imagenet"  # the usual constants of photographs, for sets that are too large to be measured first


@dataclass(frozen=True)
class Split:
    """One side: (n, C, H, W) pixels, or files decoded where they are indexed; (n,) labels and source indices."""

    images: NDArray[np.uint8] | FileImages
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
    left_out: tuple[str, ...] = ()  # files that could not be read

    @property
    def class_counts(self) -> NDArray[np.int64]:
        """(K,) training images of each class."""
        return np.bincount(self.train.labels, minlength=len(self.class_names))

    @property
    def fingerprint(self) -> str:
        """Hash of every pixel and label, of streamed images of every name and size: equal for equal data."""
        digest = hashlib.sha256()
        for split in (self.train, self.test):
            digest.update(split.images.tobytes())
            digest.update(split.labels.tobytes())
        return digest.hexdigest()[:16]


def prepare(recipe: Recipe, paths: DataPaths | None = None, report: Callable[[str], None] = lambda _: None) -> Dataset:
    """Open the recipe's source, hold out or choose the test images, and draw the long tail.

    `report` is told in words how a long wait, a download for example, goes on.

    Raises:
        DataError: the source cannot give what the recipe asks for.
        RecipeError: the source is one's own, and its code fails or offers something else than images and labels.
    """
    wanted, entry = recipe.data, dataset_of(recipe.data.source)
    if entry.missing:
        raise DataError(entry.missing)
    streamed = wanted.loading == "stream"
    opening = Opening(entry, paths or DataPaths(), wanted.image_size, decode=not streamed, report=report)
    source = Opened(opening)
    draw_seed = recipe.seed if wanted.draw_seed is None else wanted.draw_seed
    pool = np.arange(len(source.train_labels))
    test_from: SplitName = "train" if source.test_labels is None else "test"
    if source.test_labels is None:
        test = _held_out(source, wanted.test_per_class, draw_seed)
        pool = np.setdiff1d(pool, test)
        test_labels = source.train_labels[test]
    else:
        test = _first_of_each_class(source.test_labels, wanted.test_per_class, draw_seed)
        test_labels = source.test_labels[test]
    train = pool[_chosen(source.train_labels[pool], wanted, draw_seed)]
    _every_class_in_both(source, source.train_labels[train], test_labels)
    train_images, test_images = _images(source, "train", train, wanted), _images(source, test_from, test, wanted)
    if train_images.shape[1:] != test_images.shape[1:]:
        raise DataError(
            f"training images are {train_images.shape[1:]} and test images {test_images.shape[1:]} (channels, height, "
            "width): set data.image_size"
        )
    mean, std = _normalisation(train_images, source, wanted.normalisation)
    return Dataset(
        Split(train_images, source.train_labels[train], train),
        Split(test_images, test_labels, test),
        source.class_names,
        source.pixel_max,
        mean,
        std,
        source.left_out,
    )


def _first_of_each_class(labels: NDArray[np.int64], per_class: int | None, seed: int) -> NDArray[np.int64]:
    order = array_generator(seed, "test").permutation(len(labels))
    chosen = [order[labels[order] == c][:per_class] for c in range(int(labels.max()) + 1)]
    return np.sort(np.concatenate(chosen))


def _held_out(source: Opened, per_class: int | None, seed: int) -> NDArray[np.int64]:
    """Choose test images among the training images, never more than half of a class."""
    labels = source.train_labels
    counts = np.bincount(labels, minlength=len(source.class_names))
    if per_class is None:
        raise DataError("there is no test set: say in data.test_per_class how many images of each class to hold out")
    if (single := np.flatnonzero(counts < 2)).size:
        name = source.class_names[int(single[0])]
        raise DataError(
            f"class {name!r} has {counts[single[0]]} images; it needs 2, one to train on and one to test on"
        )
    order = array_generator(seed, "test").permutation(len(labels))
    chosen = [order[labels[order] == c][: min(per_class, counts[c] // 2)] for c in range(len(counts))]
    return np.sort(np.concatenate(chosen))


def _every_class_in_both(source: Opened, train: NDArray[np.int64], test: NDArray[np.int64]) -> None:
    for side, labels in (("training", train), ("test", test)):
        missing = np.setdiff1d(np.arange(len(source.class_names)), labels)
        if missing.size:
            names = ", ".join(repr(source.class_names[c]) for c in missing[:5])
            raise DataError(f"{missing.size} classes have no {side} image: {names}; every class needs both kinds")


def _chosen(labels: NDArray[np.int64], data: DataRecipe, seed: int) -> NDArray[np.int64]:
    """Choose training images: a long tail is drawn, or the classes keep the counts that they have."""
    if data.imbalance_kind == "natural":
        return _first_of_each_class(labels, data.max_per_class, seed)
    try:
        return long_tail_indices(
            labels if data.rare_classes == "last" else labels.max() - labels,
            imbalance_factor=data.imbalance_factor,
            kind=data.imbalance_kind,
            seed=seed,
            max_per_class=data.max_per_class,
        )
    except ValueError as error:
        raise DataError(f"the long tail cannot be drawn: {error}") from error


def _images(
    source: Opened, split: SplitName, indices: NDArray[np.int64], data: DataRecipe
) -> NDArray[np.uint8] | FileImages:
    if data.loading == "memory":
        return _resized(source.images(split, indices), data.image_size)
    if source.files is None:
        raise DataError(f"{DATASETS[data.source].title} holds no separate files to stream; set data.loading=memory")
    if data.image_size is None:
        raise DataError("streamed images need a size: set data.image_size, for example 224")
    return FileImages(source.files(split, indices), data.image_size)


def _resized(images: NDArray[np.uint8], size: int | None) -> NDArray[np.uint8]:
    """Average each image's pixels down to size × size."""
    if size is None or images.shape[-2:] == (size, size):
        return images
    pixels = F.interpolate(torch.from_numpy(images).float(), (size, size), mode="area")
    return pixels.round().to(torch.uint8).numpy()


def _normalisation(
    images: NDArray[np.uint8] | FileImages, source: Opened, name: str
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Return what is taken off pixels in 0 … 1, and what they are divided by, (C,) each."""
    channels = images.shape[1]
    published = NORMALISATIONS[STREAMED if name == "drawn" and isinstance(images, FileImages) else name]
    if published.mean:
        if len(published.mean) != channels:
            raise DataError(
                f"data.normalisation is {name}, of {len(published.mean)} channels, and the images have {channels}; set "
                "data.normalisation=drawn"
            )
        return np.array(published.mean, np.float32), np.array(published.std, np.float32)
    assert not isinstance(images, FileImages)
    if not source.normalise:
        return np.zeros(channels, np.float32), np.ones(channels, np.float32)
    scaled = images / source.pixel_max
    std = np.maximum(scaled.std(axis=(0, 2, 3)), 1e-3)
    return scaled.mean(axis=(0, 2, 3)).astype(np.float32), std.astype(np.float32)
