"""A run's folder. What is written is never changed: a file is complete (written aside, synced, renamed) or absent."""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save

from bcl_core.recipe import FORMAT_VERSION

Arrays = Mapping[str, NDArray[Any]]


class SnapshotError(ValueError):
    """A file of a run is missing, damaged or of a newer format; the message names it."""


@dataclass(frozen=True)
class RunFolder:
    """Names of the files of one run."""

    path: Path
    made_later: Path | None = None  # where a run that is never changed has what is made of it later

    @property
    def samples(self) -> Path:
        """Labels, indices, split, frame half and class counts of the embedded images; class names in the metadata."""
        return self.path / "samples.safetensors"

    @property
    def sprite(self) -> Path:
        """Thumbnails of the embedded images, in rows."""
        here = self.path / "sprite.png"
        return here if here.exists() else (self.made_later or self.path) / "sprite.png"

    @property
    def weights(self) -> Path:
        """The last weights of a run that came with the project, in place of checkpoints."""
        return self.path / "weights.safetensors"

    @property
    def predicted(self) -> Path:
        """The predicted optimum for this recipe."""
        return self.path / "predicted.safetensors"

    @property
    def initial(self) -> Path:
        """The weights that the run starts from, where it does not draw them: an imported model."""
        return self.path / "initial.safetensors"

    @property
    def lock(self) -> Path:
        """Held by the process that trains the run."""
        return self.path / "lock"

    def view(self, epoch: int) -> Path:
        """Everything the pictures of an epoch need."""
        return self.path / "view" / f"{epoch:04d}.safetensors"

    def embeddings(self, epoch: int) -> Path:
        """Full embeddings of an epoch."""
        return self.path / "embeddings" / f"{epoch:04d}.safetensors"

    def projection(self, method: str, epoch: int) -> Path:
        """A flat picture of one epoch alone, by "pca" or "umap"."""
        return (self.made_later or self.path) / "projection" / f"{method}-{epoch:04d}.safetensors"

    def checkpoint(self, epoch: int) -> Path:
        """Model and optimiser after an epoch."""
        return self.path / "checkpoint" / f"{epoch:04d}.pt"

    def epochs(self) -> list[int]:
        """Return the epochs whose view stands, in order."""
        return sorted(int(file.stem) for file in (self.path / "view").glob("*.safetensors"))

    def checkpoints(self) -> list[int]:
        """Return the epochs whose checkpoint stands, in order."""
        return sorted(int(file.stem) for file in (self.path / "checkpoint").glob("*.pt"))


def write_once(path: Path, content: bytes) -> None:
    """Write a file whole or not at all; one that stands is left as it is."""
    if path.exists():
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    aside = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        with aside.open("wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        aside.replace(path)
    finally:
        aside.unlink(missing_ok=True)  # left over where the disk is full
    _sync_folder(path.parent)


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def write_arrays(path: Path, arrays: Arrays, **metadata: str) -> None:
    """Write arrays and text once, as safetensors with a format version."""
    contiguous = {name: np.ascontiguousarray(array) for name, array in arrays.items()}
    write_once(path, save(contiguous, {"format_version": str(FORMAT_VERSION), **metadata}))


@lru_cache(maxsize=256)
def _read(path: Path) -> tuple[dict[str, NDArray[Any]], dict[str, str]]:
    try:
        with safe_open(path, framework="numpy") as file:
            metadata = file.metadata() or {}
            arrays = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 (not a dict)
    except (OSError, SafetensorError) as error:
        raise SnapshotError(f"{path.parent.name}/{path.name} of this run cannot be read: {error}") from error
    if int(metadata.get("format_version", 0)) > FORMAT_VERSION:
        raise SnapshotError(f"{path.name} has format {metadata['format_version']}; this version reads {FORMAT_VERSION}")
    for array in arrays.values():
        array.flags.writeable = False  # shared between readers
    return arrays, metadata


def read_arrays(path: Path) -> dict[str, NDArray[Any]]:
    """Return a file's arrays, read-only and shared: files never change, so each is read once.

    Raises:
        SnapshotError: the file is missing, damaged or newer than this version.
    """
    return _read(path)[0]


def read_metadata(path: Path) -> dict[str, str]:
    """Return a file's text; SnapshotError as `read_arrays`."""
    return _read(path)[1]
