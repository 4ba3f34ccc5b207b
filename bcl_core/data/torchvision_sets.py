"""CIFAR-10, CIFAR-100, Fashion-MNIST and SVHN: downloaded once with checksums, or found where they lie."""

import socket
import threading
from abc import abstractmethod
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, wait
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from http.client import HTTPException
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

import numpy as np
from filelock import FileLock
from numpy.typing import NDArray
from torchvision import datasets
from torchvision.datasets.utils import check_integrity, download_url, extract_archive

from bcl_core.data.cifar10 import TRACES as CIFAR10_TRACES
from bcl_core.data.places import download_folder, holding
from bcl_core.data.source import DataError, Opening, Source, SplitName

T = TypeVar("T")

# What torchvision raises where files are absent, of another checksum, or cut short while they were unpacked.
INCOMPLETE = (RuntimeError, ValueError, AssertionError, KeyError, OSError)
SECONDS_OF_SILENCE = 60
SECONDS_BETWEEN_REPORTS = 1.0


@dataclass(frozen=True)
class Archive:
    """One file of a download."""

    url: str
    md5: str
    folder: str = ""  # below the root

    @property
    def name(self) -> str:
        """The file's name."""
        return self.url.rpartition("/")[2]

    def bytes_there(self, root: Path) -> int:
        """Return how much of it has arrived."""
        for file in (self._file(root), self._part(root)):
            with suppress(OSError):
                return file.stat().st_size
        return 0

    def fetch(self, root: Path) -> None:
        """Download it unless it is there, and unpack it. Under its own name there is only ever the whole file."""
        file, part = self._file(root), self._part(root)
        if not check_integrity(file, self.md5):
            try:
                download_url(self.url, file.parent, part.name, self.md5)
                part.replace(file)
            finally:
                part.unlink(missing_ok=True)
        if file.suffix == ".gz":
            extract_archive(file, file.parent)

    def _file(self, root: Path) -> Path:
        return root / self.folder / self.name

    def _part(self, root: Path) -> Path:
        return root / self.folder / f"{self.name}.part"


class Contents(NamedTuple):
    """One side of a data set: (n, C, H, W) pixels, (n,) labels, K class names."""

    pixels: NDArray[np.uint8]
    labels: Sequence[int] | NDArray[np.int64]
    class_names: Sequence[str]


class TorchvisionSource(Source):
    """A data set of torchvision's, in memory. Subclasses say where it comes from and how it is read."""

    megabytes: int  # of the whole download
    traces: Sequence[str]  # what lies in the root once it is there
    elsewhere = "data.path or BCL_LAB_DATA"  # the settings that name another folder

    def __init__(self, opening: Opening) -> None:
        self._title = opening.entry.title
        wanted = download_folder(opening.paths.path)
        root = holding(wanted, self.traces) or wanted
        try:
            self._sides = self._both(root)
        except INCOMPLETE:
            self._sides = self._downloaded(root, opening.report)
        self.train_labels = np.asarray(self._sides["train"].labels, dtype=np.int64)
        self.test_labels = np.asarray(self._sides["test"].labels, dtype=np.int64)
        self.class_names = tuple(self._sides["train"].class_names)

    def images(self, split: SplitName, indices: NDArray[np.int64]) -> NDArray[np.uint8]:
        """Return (n, C, H, W) pixels."""
        return np.ascontiguousarray(self._sides[split].pixels[indices])

    @property
    @abstractmethod
    def archives(self) -> Sequence[Archive]:
        """The files of the download."""

    @abstractmethod
    def _read(self, root: Path, split: SplitName) -> Contents:
        """Read one side through torchvision, which verifies what lies there."""

    def _both(self, root: Path) -> dict[SplitName, Contents]:
        return {"train": self._read(root, "train"), "test": self._read(root, "test")}

    def _downloaded(self, root: Path, report: Callable[[str], None]) -> dict[SplitName, Contents]:
        download = _in_background(lambda: self._fetched(root))
        while not wait([download], timeout=SECONDS_BETWEEN_REPORTS).done:
            report(self._progress(root))
        try:
            return download.result()
        except (*INCOMPLETE, HTTPException) as error:
            raise DataError(self._instructions(root, error)) from error

    def _fetched(self, root: Path) -> dict[SplitName, Contents]:
        root.mkdir(parents=True, exist_ok=True)
        with FileLock(root / f".{self.archives[0].name}.lock"), _no_endless_silence():
            try:
                return self._both(root)  # another process may have been faster
            except INCOMPLETE:
                for archive in self.archives:
                    archive.fetch(root)
                return self._both(root)

    def _progress(self, root: Path) -> str:
        percent = sum(archive.bytes_there(root) for archive in self.archives) // (self.megabytes * 10_000)
        if percent >= 100:
            return f"Unpacking {self._title}"
        return f"Downloading {self._title}: {percent} % of {self.megabytes} MB"

    def _instructions(self, root: Path, error: Exception) -> str:
        files = "; ".join(f"{a.url} (md5 {a.md5}) into {root / a.folder}" for a in self.archives)
        return (
            f"{self._title} is not in {root}, or not whole, and could not be downloaded: {error}. Try again, or fetch "
            f"by hand and leave packed: {files}. If it lies elsewhere, set {self.elsewhere} to that folder"
        )


class _CIFARSource(TorchvisionSource):
    dataset: Any

    @property
    def archives(self) -> Sequence[Archive]:
        return [Archive(self.dataset.url, self.dataset.tgz_md5)]

    def _read(self, root: Path, split: SplitName) -> Contents:
        data = self.dataset(root, train=split == "train")
        return Contents(data.data.transpose(0, 3, 1, 2), data.targets, data.classes)


class CIFAR10Source(_CIFARSource):
    """50,000 training and 10,000 test images (n, 3, 32, 32), in ten classes."""

    dataset = datasets.CIFAR10
    megabytes = 170
    traces = CIFAR10_TRACES
    elsewhere = "data.path, BCL_LAB_DATA or, for Parquet files, BCL_LAB_PARQUET"


class CIFAR100Source(_CIFARSource):
    """50,000 training and 10,000 test images (n, 3, 32, 32), in a hundred classes, the fine labels."""

    dataset = datasets.CIFAR100
    megabytes = 169
    traces = ("cifar-100-python", "cifar-100-python.tar.gz")


class FashionMNISTSource(TorchvisionSource):
    """60,000 training and 10,000 test images (n, 1, 28, 28), in ten classes."""

    megabytes = 31
    traces = ("FashionMNIST",)

    @property
    def archives(self) -> Sequence[Archive]:
        """Images and labels of both sides."""
        host = datasets.FashionMNIST.mirrors[0]
        return [Archive(host + name, md5, "FashionMNIST/raw") for name, md5 in datasets.FashionMNIST.resources]

    def _read(self, root: Path, split: SplitName) -> Contents:
        data = datasets.FashionMNIST(root, train=split == "train")
        return Contents(data.data.numpy()[:, None], data.targets.numpy(), data.classes)


class SVHNSource(TorchvisionSource):
    """73,257 training and 26,032 test images (n, 3, 32, 32), in ten classes, as imbalanced as house numbers are."""

    megabytes = 246
    traces = ("train_32x32.mat",)

    @property
    def archives(self) -> Sequence[Archive]:
        """One file for each side."""
        return [Archive(url, md5) for url, _, md5 in (datasets.SVHN.split_list[side] for side in ("train", "test"))]

    def _read(self, root: Path, split: SplitName) -> Contents:
        data = datasets.SVHN(root, split=split)
        return Contents(data.data, data.labels, "0123456789")


def _in_background(work: Callable[[], T]) -> Future[T]:
    """Start work on a thread that does not keep the process alive, so that an interrupt ends it at once."""
    future: Future[T] = Future()

    def run() -> None:
        try:
            future.set_result(work())
        except BaseException as error:
            future.set_exception(error)

    threading.Thread(target=run, daemon=True).start()
    return future


@contextmanager
def _no_endless_silence() -> Iterator[None]:
    """Let torchvision's downloader give up on a server that says nothing: urllib waits for ever unless told."""
    before = socket.getdefaulttimeout()
    socket.setdefaulttimeout(SECONDS_OF_SILENCE)
    try:
        yield
    finally:
        socket.setdefaulttimeout(before)
