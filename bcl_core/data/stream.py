"""Images too many for memory: decoded from their files when a batch needs them, by processes of torch's DataLoader."""

import os
import signal
from collections.abc import Iterator, Sequence
from multiprocessing import active_children
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any

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


class _Stream:
    """Decoding processes that live as long as their run, and stop at once."""

    def __init__(self, dataset: TorchDataset[Tensor], workers: int | None, pin: bool) -> None:
        self._plan: list[list[Any]] = []
        processes = decoders(workers)
        self._loader = DataLoader(
            dataset,
            batch_sampler=_Plan(self),
            num_workers=processes,
            persistent_workers=processes > 0,
            pin_memory=pin,
            worker_init_fn=_leave_when_told,
        )
        self._processes: list[BaseProcess] = []

    def batches(self, plan: list[list[Any]]) -> Iterator[Tensor]:
        """Yield what the data set makes of each batch of the plan, (len(batch), …)."""
        self._plan = plan
        others = {*active_children()}
        batches = iter(self._loader)
        self._processes += [child for child in active_children() if child not in others]
        yield from batches

    def close(self) -> None:
        """End the processes without waiting for the batches that they are at."""
        for process in self._processes:
            process.terminate()
        self._processes = []


class _Plan:
    def __init__(self, stream: _Stream) -> None:
        self._stream = stream

    def __iter__(self) -> Iterator[list[Any]]:
        return iter(self._stream._plan)


def _leave_when_told(_: int) -> None:
    """A process that is told to end does so as if it were done, which its loader takes for no failure."""
    signal.signal(signal.SIGTERM, lambda *_: os._exit(0))


class ChunkStream:
    """Images as they are measured, decoded by processes that stay from one epoch to the next."""

    def __init__(self, images: FileImages, workers: int | None, *, pin: bool = False) -> None:
        self._chunks = [[*range(start, min(start + CHUNK, len(images)))] for start in range(0, len(images), CHUNK)]
        self._stream = _Stream(_Whole(images), workers, pin)
        self.close = self._stream.close

    def __iter__(self) -> Iterator[Tensor]:
        """Yield all images in order, (≤ CHUNK, 3, size, size) uint8 each."""
        return self._stream.batches(self._chunks)


class ViewStream:
    """Views of training images, cropped at full resolution by processes that stay from one epoch to the next.

    Crops are keyed by (seed, epoch, step) and drawn for the whole batch, so they depend neither on the number of
    decoding processes nor on how many processes train.

    Args:
        images: the training images.
        rows: (b,) which of a batch's images this process trains on.
        areas: for each view the range of the crop's share of the image, None for the whole image.
        seed: the run's.
        workers: decoding processes.
        pin: whether the batches are to lie in memory that a GPU reads without the host.
    """

    def __init__(
        self,
        images: FileImages,
        rows: Tensor,
        areas: Sequence[tuple[float, float] | None],
        *,
        seed: int,
        workers: int | None,
        pin: bool = False,
    ) -> None:
        self._rows = rows.tolist()
        self._stream = _Stream(_Cropped(images, areas, seed), workers, pin)
        self.close = self._stream.close

    def epoch(self, epoch: int, plan: Sequence[tuple[int, NDArray[np.int64]]]) -> Iterator[Tensor]:
        """Yield the views (v·b, 3, size, size) uint8, all images of the first view first, of each batch.

        The plan holds the epoch's steps, each with the positions of its global batch.
        """
        wanted = [[(epoch, step, row, int(positions[row])) for row in self._rows] for step, positions in plan]
        for views in self._stream.batches(wanted):
            yield views.transpose(0, 1).flatten(0, 1)


class _Whole(TorchDataset[Tensor]):
    def __init__(self, images: FileImages) -> None:
        self.images = images

    def __getitem__(self, position: int) -> Tensor:
        return torch.from_numpy(decode(self.images.files[position], self.images.size))


class _Cropped(TorchDataset[Tensor]):
    def __init__(self, images: FileImages, areas: Sequence[tuple[float, float] | None], seed: int) -> None:
        self.images, self.areas, self.seed = images, areas, seed

    def __getitem__(self, wanted: tuple[int, int, int, int]) -> Tensor:
        epoch, step, row, position = wanted
        size, draws = self.images.size, array_generator(self.seed, f"crops/{row}", epoch, step)
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
