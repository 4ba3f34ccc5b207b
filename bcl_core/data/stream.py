"""Images too many for memory: decoded from their files when a batch needs them, by processes of torch's DataLoader."""

import os
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor
from torch.utils.data import DataLoader
from torch.utils.data import Dataset as TorchDataset

from bcl_core.data.crops import TRIES, crop_boxes
from bcl_core.data.images import centred, channels_first, decode, decode_many, opened
from bcl_core.randomness import array_generator

MAX_WORKERS = 8
CHUNK = 128


class FileImages:
    """Image files as an array of pixels (n, 3, size, size) that is decoded where it is indexed."""

    def __init__(self, files: Sequence[Path], size: int) -> None:
        self.files, self.size = files, size

    @property
    def shape(self) -> tuple[int, int, int, int]:
        """As an array's."""
        return len(self.files), 3, self.size, self.size

    def __len__(self) -> int:
        return len(self.files)

    def __getitem__(self, positions: NDArray[np.int64]) -> NDArray[np.uint8]:
        """Decode these images, scaled and cropped in the centre; ImageError for the first that cannot be."""
        pixels, failed = decode_many([self.files[p] for p in positions], self.size)
        for error in failed.values():
            raise error
        return pixels

    def tobytes(self) -> bytes:
        """Return the names and sizes of all files, which stand for their pixels."""
        return "\n".join(f"{file.name} {file.stat().st_size}" for file in self.files).encode()


def decoders(workers: int | None) -> int:
    """Return how many processes decode: those asked for, else one a core, at most MAX_WORKERS."""
    return min(os.cpu_count() or 1, MAX_WORKERS) if workers is None else workers


def stream_chunks(images: FileImages, workers: int | None) -> Iterator[Tensor]:
    """Yield all images in order, (≤ CHUNK, 3, size, size) uint8 each, as they are measured."""
    batches = [list(range(start, min(start + CHUNK, len(images)))) for start in range(0, len(images), CHUNK)]
    yield from _loader(_Whole(images), batches, workers)


def stream_views(
    images: FileImages,
    plan: Sequence[tuple[int, NDArray[np.int64]]],
    rows: Tensor,
    areas: Sequence[tuple[float, float] | None],
    *,
    seed: int,
    epoch: int,
    workers: int | None,
) -> Iterator[Tensor]:
    """Yield, for each batch of an epoch, its views cropped at full resolution.

    Crops are keyed by (seed, epoch, step) and drawn for the whole batch, so they depend neither on the number of
    decoding processes nor on how many processes train.

    Args:
        images: the training images.
        plan: steps of the epoch, each with the positions of its global batch.
        rows: (b,) which of a batch's images this process trains on.
        areas: for each view the range of the crop's share of the image, None for the whole image.
        seed: the run's.
        epoch: the epoch.
        workers: decoding processes.

    Yields:
        (v·b, 3, size, size) uint8, all images of the first view first.
    """
    wanted = [[(step, row, int(positions[row])) for row in rows.tolist()] for step, positions in plan]
    for views in _loader(_Cropped(images, areas, seed, epoch), wanted, workers):
        yield views.transpose(0, 1).flatten(0, 1)


class _Whole(TorchDataset[Tensor]):
    def __init__(self, images: FileImages) -> None:
        self.images = images

    def __getitem__(self, position: int) -> Tensor:
        return torch.from_numpy(decode(self.images.files[position], self.images.size))


class _Cropped(TorchDataset[Tensor]):
    def __init__(self, images: FileImages, areas: Sequence[tuple[float, float] | None], seed: int, epoch: int) -> None:
        self.images, self.areas, self.seed, self.epoch = images, areas, seed, epoch

    def __getitem__(self, wanted: tuple[int, int, int]) -> Tensor:
        step, row, position = wanted
        size, draws = self.images.size, array_generator(self.seed, f"crops/{row}", self.epoch, step)
        uniforms = draws.random((len(self.areas), TRIES, 4))
        image = opened(self.images.files[position])
        views = [
            centred(image, size) if area is None else _crop(image, uniforms[v], area, size)
            for v, area in enumerate(self.areas)
        ]
        return torch.from_numpy(np.stack(views))


def _crop(image: Image.Image, uniforms: NDArray[np.float64], area: tuple[float, float], size: int) -> NDArray[np.uint8]:
    crops = crop_boxes(np.array([image.width]), np.array([image.height]), uniforms[None], area)
    left, top, width, height = crops[0].tolist()
    box = (left, top, left + width, top + height)
    return channels_first(image.resize((size, size), Image.Resampling.BILINEAR, box=box, reducing_gap=2.0))


def _loader(
    dataset: TorchDataset[Tensor], batches: Sequence[Sequence[object]], workers: int | None
) -> DataLoader[Tensor]:
    return DataLoader(dataset, batch_sampler=batches, num_workers=decoders(workers))  # type: ignore[arg-type]
