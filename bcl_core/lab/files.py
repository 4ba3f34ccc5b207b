"""A run's folder. What is written is never changed: a file is complete (written aside, synced, renamed) or absent.

A file of arrays, or a checkpoint, carries the digest of its content: see `bcl_core.lab.seals`. The epochs of a run that
has ended lie in one file, byte for byte as they were written: see `bcl_core.lab.pack`.
"""

import json
import os
import re
import zipfile
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError
from safetensors.numpy import load, save

from bcl_core.lab.cache import Cache
from bcl_core.lab.seals import ZIP_ERRORS, fault_of_arrays, fault_of_zip, header_end, is_sealed, seal_arrays
from bcl_core.recipe import FORMAT_VERSION

Arrays = Mapping[str, NDArray[Any]]

CHECKPOINTS_KEPT = 2  # of a run: where the newest is damaged it goes on from the one before
MEMORY = 16 << 20  # bytes of arrays that are kept at hand: what a run has once, not an epoch's
OF_AN_EPOCH = ("view", "embeddings")  # folders of what each epoch leaves
INDEX_MEMORY = 16 << 20  # bytes of packs' lists of contents
_ENTRY_MEMORY = 600  # bytes that an entry of such a list takes
_MOST_OPEN = 64  # packs; each is an open file


class SnapshotError(ValueError):
    """A file of a run is missing, damaged or of a newer format; the message names it."""


@dataclass(frozen=True)
class RunFolder:
    """Names of the files of one run."""

    path: Path
    made_later: Path | None = None  # where a run that is never changed has what is made of it later

    @property
    def recipe(self) -> Path:
        """What the run was made by."""
        return self.path / "recipe.json"

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
        """The last weights of a run that was not trained here, in place of checkpoints."""
        return self.path / "weights.safetensors"

    @property
    def predicted(self) -> Path:
        """The optimum predicted for this recipe's batches."""
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

    @property
    def history(self) -> Path:
        """The curves of a run that has ended, as `bcl_core.lab.history` makes them."""
        return self.path / "history.safetensors"

    @property
    def pack(self) -> Path:
        """The views and embeddings of a run that has ended, under the names that they had as files."""
        return self.path / "epochs.zip"

    def checkpoint(self, epoch: int) -> Path:
        """Model and optimiser after an epoch."""
        return self.path / "checkpoint" / f"{epoch:04d}.pt"

    def epochs(self, kind: str = "view") -> list[int]:
        """Return the epochs whose "view", or "embeddings", stands, in order."""
        loose = {file.stem for file in (self.path / kind).glob("*.safetensors")}
        packed = {Path(name).stem for name in self.packed() if name.startswith(f"{kind}/")}
        return sorted(int(stem) for stem in loose | packed)

    def checkpoints(self) -> list[int]:
        """Return the epochs whose checkpoint stands, in order."""
        return sorted(int(file.stem) for file in (self.path / "checkpoint").glob("*.pt"))

    def files(self) -> list[Path]:
        """Return all files that there are, in order; none where the folder is missing."""
        return sorted(file for file in self.path.rglob("*") if file.is_file())

    def size(self) -> int:
        """Return how many bytes they have; one that goes meanwhile, as who trains removes old checkpoints, has none."""
        found = 0
        for file in self.files():
            with suppress(FileNotFoundError):
                found += file.stat().st_size
        return found

    def content(self, file: Path) -> bytes:
        """Return the bytes of one of this run's files, wherever it lies.

        Raises:
            SnapshotError: it is missing, or its bytes are not those that were written.
        """
        name = file.relative_to(self.path).as_posix() if file.is_relative_to(self.path) else file.name
        try:
            return _checked(name, file.read_bytes())
        except FileNotFoundError:
            return _checked(name, self.packed_content(name))
        except OSError as error:
            raise SnapshotError(f"{name} of this run cannot be read: {error.strerror}") from error

    def arrays(self, file: Path) -> dict[str, NDArray[Any]]:
        """Return a file's arrays, read-only: files never change. SnapshotError as `content`.

        Those that a run has once are kept at hand and shared; an epoch's are wanted once by whoever goes through them,
        and of a run that trains there are more without end.
        """
        return self._read(file)[0]

    def metadata(self, file: Path) -> dict[str, str]:
        """Return a file's text. SnapshotError as `content`."""
        return self._read(file)[1]

    def _read(self, file: Path) -> tuple[dict[str, NDArray[Any]], dict[str, str]]:
        def read() -> tuple[tuple[dict[str, NDArray[Any]], dict[str, str]], int]:
            return _parsed(file.name, self.content(file))

        return read()[0] if file.parent.name in OF_AN_EPOCH else _read.get(file, read)

    def packed(self) -> Iterable[str]:
        """Return the names of the files in the pack; none where there is no pack that can be read."""
        try:
            return _index(self.pack).NameToInfo
        except (*ZIP_ERRORS, SnapshotError):
            return ()

    def packed_content(self, name: str) -> bytes:
        """Return the bytes of a file in the pack as they are. SnapshotError where it is not there, or damaged."""
        if not self.path.is_dir():
            raise SnapshotError(f"{name} of this run cannot be read: the folder {self.path.name} is missing")
        try:
            return _index(self.pack).read(name)
        except (FileNotFoundError, KeyError) as error:
            raise SnapshotError(f"{name} of this run is missing") from error
        except ZIP_ERRORS as error:
            raise SnapshotError(f"{name} of this run is damaged, in {self.pack.name}: {error}") from error


def write_once(path: Path, content: bytes) -> None:
    """Write a file whole or not at all; one that stands is left as it is."""
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        write_aside(path, lambda aside: aside.write_bytes(content))


def write_aside(path: Path, write: Callable[[Path], object]) -> None:
    """Let a file be written beside its place, and put it there when it is whole and on the disk."""
    aside = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        write(aside)
        _sync(aside)
        aside.replace(path)
    finally:
        aside.unlink(missing_ok=True)  # left over where the disk is full
    _sync(path.parent)


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def write_arrays(path: Path, arrays: Arrays, **metadata: str) -> None:
    """Write arrays and text once, as safetensors with a format version and a digest."""
    write_once(path, encoded(arrays, **metadata))


def encoded(arrays: Arrays, **metadata: str) -> bytes:
    """Return what `write_arrays` writes: the same bytes for the same content."""
    contiguous = {name: np.ascontiguousarray(array) for name, array in arrays.items()}
    return seal_arrays(save(contiguous, {"format_version": str(FORMAT_VERSION), **metadata}))


def read_arrays(path: Path) -> dict[str, NDArray[Any]]:
    """Return the arrays of a file that belongs to no run's epochs. SnapshotError as `RunFolder.content`."""
    return RunFolder(path.parent).arrays(path)


def read_metadata(path: Path) -> dict[str, str]:
    """Return a file's text. SnapshotError as `RunFolder.content`."""
    return RunFolder(path.parent).metadata(path)


_read: Cache[Path, tuple[dict[str, NDArray[Any]], dict[str, str]]] = Cache(MEMORY)
_indices: Cache[tuple[Path, int], zipfile.ZipFile] = Cache(INDEX_MEMORY)


def _index(pack: Path) -> zipfile.ZipFile:
    """Return a pack, open: its list of contents is long for long runs."""

    def opened() -> tuple[zipfile.ZipFile, int]:
        archive = zipfile.ZipFile(pack)
        return archive, max(_ENTRY_MEMORY * len(archive.NameToInfo), INDEX_MEMORY // _MOST_OPEN)

    return _indices.get((pack, pack.stat().st_mtime_ns), opened)


def _checked(name: str, content: bytes) -> bytes:
    """Return the content unless its digest is another; arrays of the first release have none, and are read instead."""
    if name.endswith(".pt"):
        fault = fault_of_zip(content)
    elif name.endswith(".safetensors"):
        fault = fault_of_arrays(content)
        if not is_sealed(content):
            _parsed(name, content)
    else:
        return content
    if fault is not None:
        raise SnapshotError(f"{name} of this run is damaged: {fault}")
    return content


def _parsed(name: str, content: bytes) -> tuple[tuple[dict[str, NDArray[Any]], dict[str, str]], int]:
    try:
        arrays = load(content)
        metadata = json.loads(content[8 : header_end(content)]).get("__metadata__", {})
    except (ValueError, SafetensorError) as error:
        raise SnapshotError(f"{name} of this run is damaged: {error}") from error
    version = metadata.get("format_version", "0")
    if not re.fullmatch("[0-9]{1,9}", version) or int(version) > FORMAT_VERSION:
        raise SnapshotError(f"{name} has format {version[:20]!r}; this version reads {FORMAT_VERSION}")
    for array in arrays.values():
        array.flags.writeable = False  # shared between readers
    metadata.pop("digest", None)
    return (arrays, metadata), len(content)
