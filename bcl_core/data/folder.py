"""A folder of images with one subfolder a class, such as anyone has."""

import re
from collections.abc import Iterator, Mapping, Sequence
from itertools import permutations
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from bcl_core.data.images import SUFFIXES, SizeError, decode_many, unreadable
from bcl_core.data.places import contents, existing_folder, is_folder
from bcl_core.data.source import DataError, Opening, Source, SplitName
from bcl_core.recipe import DataPaths

TEST_NAMES = ("test", "val", "valid", "validation")
LITTER = ("__MACOSX", "@eaDir")  # copies and thumbnails that systems leave behind
LAYOUT = "expected train/<class>/* and test/<class>/* (or val), or <class>/* alone"


class FolderSource(Source):
    """`train/<class>/*` with `test` or `val` beside it, or `<class>/*` alone, which has no test set.

    Class folders are taken in natural order, with all that lies deeper in them. Hidden files and files that are not
    named as images are passed over; images that cannot be read are left out and named. With `opening.decode` every
    image is read at once, otherwise its header.
    """

    def __init__(self, opening: Opening) -> None:
        self._opening = opening
        root, folders, self.class_names = _layout(opening.paths)
        self._sides = {split: _read(folder, self.class_names, opening) for split, folder in folders.items()}
        self.train_labels = self._sides["train"].labels
        self.test_labels = self._sides["test"].labels if "test" in self._sides else None
        self.left_out = tuple(str(file.relative_to(root)) for side in self._sides.values() for file in side.left_out)

    def files(self, split: SplitName, indices: NDArray[np.int64]) -> Sequence[Path]:
        """Return where these images lie."""
        return [self._sides[split].files[i] for i in indices]

    def images(self, split: SplitName, indices: NDArray[np.int64]) -> NDArray[np.uint8]:
        """Return (n, 3, H, W) pixels at the image size; where none is set, all images must be equal in size."""
        decoded = self._sides[split].pixels
        if decoded is not None:
            return decoded[indices]
        pixels, failures = decode_many(self.files(split, indices), self._opening.image_size, self._opening.report)
        for error in failures.values():
            raise error
        return pixels


class Side(NamedTuple):
    """The readable images of one side, class after class."""

    files: list[Path]
    labels: NDArray[np.int64]  # (n,)
    pixels: NDArray[np.uint8] | None  # (n, 3, H, W) where they were decoded at once
    left_out: list[Path]


def _read(folder: Path, class_names: Sequence[str], opening: Opening) -> Side:
    """Read what is named as an image in one side's class folders, class after class."""
    by_class = [sorted(_image_files(folder / name, set())) for name in class_names]
    files = [file for members in by_class for file in members]
    labels = np.repeat(np.arange(len(class_names)), [len(members) for members in by_class])
    _check_every_class(labels, class_names, folder, "hold no image")
    pixels, failures = (
        decode_many(files, opening.image_size, opening.report)
        if opening.decode
        else (None, unreadable(files, opening.report))
    )
    for error in failures.values():
        if isinstance(error, SizeError):
            raise error
    kept = np.setdiff1d(np.arange(len(files)), list(failures))
    _check_every_class(labels[kept], class_names, folder, "hold only images that cannot be read")
    if pixels is not None and failures:
        pixels = pixels[kept]
    return Side([files[i] for i in kept], labels[kept], pixels, [files[i] for i in failures])


def check_places(paths: DataPaths) -> None:
    """Raise DataError unless the folder is laid out as expected and there is an image to train on."""
    _, folders, class_names = _layout(paths)
    train = folders["train"]
    if not any(any(_image_files(train / name, set())) for name in class_names):
        raise DataError(f"the class folders in {train} hold no image; {LAYOUT}")


def _layout(paths: DataPaths) -> tuple[Path, dict[SplitName, Path], tuple[str, ...]]:
    """Return the folder, the folders of its sides, and the classes."""
    root = existing_folder(paths.path, LAYOUT)
    if root.resolve() == Path(root.resolve().anchor):
        raise DataError(f"{root} is the whole disk: set data.path to the folder that holds the images; {LAYOUT}")
    folders = _sides(root)
    return root, folders, _class_names(folders)


def _sides(root: Path) -> dict[SplitName, Path]:
    """Find the training and the test folder; the root itself is the training folder where there are none."""
    folders = {folder.name.lower(): folder for folder in _subfolders(root)}
    if not folders:
        raise DataError(f"{root} has no subfolders; {LAYOUT}")
    test = next((folders[name] for name in TEST_NAMES if name in folders), None)
    train = folders.get("train")
    if train is not None and (test is not None or _subfolders(train)):
        return {"train": train} if test is None else {"train": train, "test": test}
    if test is not None:
        raise DataError(f"{root} has {test.name} and no train; {LAYOUT}")
    return {"train": root}


def _class_names(sides: Mapping[SplitName, Path]) -> tuple[str, ...]:
    names = {side: {folder.name for folder in _subfolders(side)} for side in sides.values()}
    for side, of_side in names.items():
        if not of_side and any(entry.suffix.lower() in SUFFIXES for entry in _visible(side)):
            raise DataError(
                f"{side} holds images without class folders, as ImageNet's val does: sort them into a folder for each "
                'class, or choose the data set "list-files" with a list of their labels'
            )
    for side, other in permutations(names, 2):
        if only := names[side] - names[other]:
            listed = ", ".join(sorted(only, key=_natural)[:5])
            raise DataError(f"{side} has classes that {other} has not: {listed}; both need the same class folders")
    found = sorted(names[sides["train"]], key=_natural)
    if len(found) < 2:
        raise DataError(f"{sides['train']} needs at least two class folders and has {len(found)}; {LAYOUT}")
    return tuple(found)


def _natural(name: str) -> tuple[list[str | int], str]:
    """Sort key by which class2 comes before class10."""
    parts = re.split(r"([0-9]+)", name.lower())  # text and digits in turn
    return [int(part) if i % 2 else part for i, part in enumerate(parts)], name


def _image_files(folder: Path, seen: set[Path]) -> Iterator[Path]:
    real = folder.resolve()
    if real in seen:  # a link that leads back
        return
    seen.add(real)
    for entry in _visible(folder):
        if entry.suffix.lower() in SUFFIXES:
            yield entry
        elif is_folder(entry):
            yield from _image_files(entry, seen)


def _subfolders(folder: Path) -> list[Path]:
    return [entry for entry in _visible(folder) if is_folder(entry)]


def _visible(folder: Path) -> list[Path]:
    return [entry for entry in contents(folder) if entry.name[0] != "." and entry.name not in LITTER]


def _check_every_class(labels: NDArray[np.int64], class_names: Sequence[str], side: Path, fault: str) -> None:
    empty = np.setdiff1d(np.arange(len(class_names)), labels)
    if empty.size:
        listed = ", ".join(class_names[k] for k in empty)
        raise DataError(f"class folders in {side} that {fault}: {listed}; every class needs a readable image")
