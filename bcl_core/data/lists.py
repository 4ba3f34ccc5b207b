"""Images named in list files: one `path label` a line, as ImageNet-LT and iNaturalist 2018 are published, or JSON."""

import json
import os
import re
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from itertools import islice
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from bcl_core.data.images import decode_many
from bcl_core.data.places import contents, existing_folder
from bcl_core.data.source import DataError, Opening, Source, SplitName
from bcl_core.recipe import DataPaths

EXPECTED_LINE = "expected `relative/path.jpg 3`: a path below the image folder, a space or a tab, a label from 0"
EXPECTED_JSON = (
    'expected {"annotations": [{"fpath": path, "category_id": label from 0}, …]}, or iNaturalist\'s own, whose '
    'annotations name images by "image_id"'
)
LISTS = "one list *train*.txt and one *test*.txt, or *val*.txt where there is no test list; or the same in .json"
MAX_LABEL = 10_000_000
LINE = re.compile(r"([^\t]*[^\s,])[ \t]+([0-9]{1,7})")


class ImageList(NamedTuple):
    """A list file's lines."""

    file: Path
    paths: list[str]  # below the image folder
    labels: NDArray[np.int64]


class ListSource(Source):
    """`*train*.txt` and `*test*.txt`, or `*val*.txt` where there is no test list; images are decoded when asked for."""

    def __init__(self, opening: Opening) -> None:
        self._root, lists = _folders(opening.paths)
        self._size, self._report = opening.image_size, opening.report
        train_file, test_file = _list_files(lists)
        train, test = read_list(train_file), read_list(test_file)
        num_classes = _number_of_classes(train, opening)
        for side in (train, test):
            _check_labels(side, num_classes)
        _check_no_image_in_both(train, test)
        for side in (train, test):
            _check_images_are_there(side, self._root)
        self._paths: dict[SplitName, list[str]] = {"train": train.paths, "test": test.paths}
        self.train_labels = train.labels
        self.test_labels = test.labels
        self.class_names = _class_names(train, num_classes, (lists, self._root))

    def files(self, split: SplitName, indices: NDArray[np.int64]) -> Sequence[Path]:
        """Return where these images lie."""
        return [self._root / self._paths[split][i] for i in indices]

    def images(self, split: SplitName, indices: NDArray[np.int64]) -> NDArray[np.uint8]:
        """Return (n, 3, H, W) pixels at the image size; where none is set, all images must be equal in size."""
        pixels, failures = decode_many(self.files(split, indices), self._size, self._report)
        if failures:
            reasons = "; ".join(str(error) for error in islice(failures.values(), 3))
            raise DataError(f"images of the {split} list that cannot be used: {len(failures)}; {reasons}")
        return pixels


def check_places(paths: DataPaths) -> None:
    """Raise DataError unless there are a folder of images and the lists."""
    _list_files(_folders(paths)[1])


def _folders(paths: DataPaths) -> tuple[Path, Path]:
    """Return the folder of the images and that of the lists."""
    root = existing_folder(paths.path, f"expected the images, and in it or in data.lists {LISTS}")
    return root, existing_folder(paths.lists or root, f"expected {LISTS}", "data.lists")


def read_list(file: Path) -> ImageList:
    """Read a list file.

    Paths may hold spaces: the last field of a line is its label. Blank lines are passed over; paths that begin with
    "/" begin at the image folder.

    Raises:
        DataError: a line that is no path and label, or a path that is named twice; says which line.
    """
    try:
        text = file.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise DataError(f"the list {file} cannot be read as text: {error}") from error
    paths, labels = _from_json(file, text) if file.suffix.lower() == ".json" else _from_lines(file, text)
    if not paths:
        raise DataError(f"the list {file} is empty; {EXPECTED_LINE}")
    _check_no_path_twice(paths, file)
    return ImageList(file, paths, np.array(labels, dtype=np.int64))


def _from_lines(file: Path, text: str) -> tuple[list[str], list[int]]:
    paths, labels = [], []
    for number, line in enumerate(map(str.strip, text.split("\n")), 1):
        if line:
            try:
                path, label = path_and_label(line)
            except ValueError as error:
                raise DataError(f"line {number} of {file.name}, {line[:80]!r}, {error}; {EXPECTED_LINE}") from error
            paths.append(path)
            labels.append(label)
    if paths and not text.endswith("\n"):
        _refuse_a_cut_label(file, paths, labels)
    return paths, labels


def _refuse_a_cut_label(file: Path, paths: Sequence[str], labels: Sequence[int]) -> None:
    """Refuse a last line that ends inside its label: the other images of its folder have one that goes on."""
    folder = os.path.dirname(paths[-1])  # noqa: PTH120
    others = {label for path, label in zip(paths, labels, strict=True) if os.path.dirname(path) == folder}  # noqa: PTH120
    others.discard(labels[-1])
    if len(others) == 1 and str(whole := others.pop()).startswith(str(labels[-1])):
        raise DataError(
            f"{file.name} ends inside its last line: {paths[-1]} has the label {labels[-1]}, and the other images of "
            f"its folder {whole}; get the list anew"
        )


def _from_json(file: Path, text: str) -> tuple[list[str], list[int]]:
    """Read annotations that name their image's path (NCL, BBN), or its number in a list of images (iNaturalist)."""
    try:
        document = json.loads(text)
        images = document.get("images", ())
        named = {image["id"]: image["file_name"] for image in images}
        if len(named) < len(images):
            raise ValueError("two images have one id")
        lines = [
            (str(one["fpath"] if "fpath" in one else named[one["image_id"]]), _label(one["category_id"]))
            for one in document["annotations"]
        ]
        if odd := next((label for _, label in lines if not 0 <= label < MAX_LABEL), None):
            raise ValueError(f"a label is {odd}")
        return [_below_root(path) for path, _ in lines], [label for _, label in lines]
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise DataError(f"the list {file.name} cannot be read as JSON: {error!r}; {EXPECTED_JSON}") from error


def _label(value: object) -> int:
    if not isinstance(value, int | str) or isinstance(value, bool):
        raise ValueError(f"a label is {value}")
    return int(value)


def path_and_label(line: str) -> tuple[str, int]:
    """Take a line apart; ValueError says what is wrong with it."""
    fields = LINE.fullmatch(line)
    if fields is None:
        raise ValueError(_fault(line))
    return _below_root(fields[1]), int(fields[2])


def _below_root(path: str) -> str:
    """Return a path as it lies below the image folder, also one that begins with "/", or that Windows wrote.

    ValueError where it leaves it.
    """
    separated = path if "/" in path else path.replace("\\", "/")
    inside = os.path.normpath(separated.lstrip("/"))
    if inside.split(os.sep, 1)[0] in ("", os.curdir, os.pardir):
        raise ValueError("leads out of the image folder")
    if "\0" in path:
        raise ValueError("holds a null byte")
    return inside


def _fault(line: str) -> str:
    path, *label = line.rsplit(maxsplit=1)
    if re.search(r",\s*-?\d+$", line):
        return "is separated by commas"
    if not label:
        return "has one field"
    if "\t" in path:
        return "has more than two fields"
    return f"has the label {label[0][:20]!r}"


def _check_no_path_twice(paths: list[str], file: Path) -> None:
    repeated = [path for path, times in Counter(paths).items() if times > 1]
    if repeated:
        raise DataError(
            f"{file.name} repeats images: {len(repeated)}, first {repeated[0]}; each image may stand in a list once"
        )


def _list_files(folder: Path) -> tuple[Path, Path]:
    there = [file for file in contents(folder) if file.name[0] != "." and file.is_file()]  # a pipe would be waited for
    for suffix in (".txt", ".json"):
        lists = sorted(file for file in there if file.suffix.lower() == suffix)
        train = [file for file in lists if "train" in file.name.lower()]
        others = [file for file in lists if file not in train]
        test = [file for file in others if "test" in file.name.lower()]
        val = [file for file in others if "val" in file.name.lower()]
        if train or test or val:
            break
    return _only(train, "training", folder), _only(test or val, "test", folder)


def _only(found: list[Path], kind: str, folder: Path) -> Path:
    if len(found) != 1:
        there = ", ".join(file.name for file in found) or "none"
        raise DataError(f"the {kind} lists in {folder} are {there}; expected {LISTS}, here or in data.lists")
    return found[0]


def _number_of_classes(train: ImageList, opening: Opening) -> int:
    found, expected = int(train.labels.max()) + 1, opening.entry.num_classes
    if expected not in (None, found):
        raise DataError(
            f"{opening.entry.title} has {expected} classes and the labels of {train.file.name} end at {found - 1}; "
            'for other lists choose the data set "list-files"'
        )
    if found == 1:
        raise DataError(f"{train.file.name} has one class; expected at least two, labels 0 and 1")
    return found


def _check_labels(images: ImageList, num_classes: int) -> None:
    over = np.flatnonzero(images.labels >= num_classes)
    if over.size:
        path, label = images.paths[over[0]], images.labels[over[0]]
        raise DataError(
            f"labels that are too large in {images.file.name}: {over.size}, first {label} for {path}; the training "
            f"list's end at {num_classes - 1}"
        )
    without = np.flatnonzero(np.bincount(images.labels, minlength=num_classes) == 0)
    if without.size:
        raise DataError(
            f"classes without an image in {images.file.name}: {without.size}, first class {without[0]}; labels must "
            f"run from 0 to {num_classes - 1} without gaps"
        )


def _check_no_image_in_both(train: ImageList, test: ImageList) -> None:
    both = set(train.paths) & set(test.paths)
    if both:
        first = next(path for path in test.paths if path in both)
        raise DataError(
            f"images in both {train.file.name} and {test.file.name}: {len(both)}, first {first}; a test image must not "
            "be trained on"
        )


def _check_images_are_there(images: ImageList, root: Path) -> None:
    """Compare with the folders' contents: one look at each folder is quicker than one at each file."""
    folders = defaultdict(list)
    for path in images.paths:
        folder, _, name = path.rpartition(os.sep)
        folders[folder].append(name)
    missing = []
    for folder, names in folders.items():
        there = _contents(root / folder)
        missing += [os.path.join(folder, name) for name in names if name not in there]  # noqa: PTH118
    if missing:
        raise DataError(
            f"{len(missing)} of {len(images.paths)} images of {images.file.name} are not in {root}: "
            f"{', '.join(missing[:3])}{' …' if len(missing) > 3 else ''}; set data.path to the folder that the lists' "
            "paths start from"
        )


def _contents(folder: Path) -> set[str]:
    try:
        return set(os.listdir(folder))  # noqa: PTH208
    except (FileNotFoundError, NotADirectoryError):
        return set()
    except OSError as error:
        raise DataError(f"the folder {folder} cannot be read: {error.strerror}; allow this user to read it") from error


def _class_names(train: ImageList, num_classes: int, folders: Sequence[Path]) -> tuple[str, ...]:
    """Take names from classes.txt or categories.json, else from the images' folders, else number the classes.

    Folders of one name are told apart by those around them: "apartment_building/outdoor".
    """
    for file, read in ((folder / name, read) for folder in folders for name, read in _NAME_FILES.items()):
        if file.is_file():
            names = _names_in(file, read)
            if len(names) != num_classes:
                raise DataError(f"{file} has {len(names)} names for {num_classes} classes; mend or remove it")
            return names
    parents: list[set[str]] = [set() for _ in range(num_classes)]
    for path, label in zip(train.paths, train.labels.tolist(), strict=True):
        parents[label].add(os.path.dirname(path))  # noqa: PTH120
    found = [folder for folders_of_class in parents if len(folders_of_class) == 1 for folder in folders_of_class]
    own = len(set(found)) == num_classes and all(found)
    return _told_apart(found) if own else tuple(str(k) for k in range(num_classes))


def _told_apart(folders: Sequence[str]) -> tuple[str, ...]:
    """Return the last names of different folders, and as many of those before as it takes to tell them apart."""
    parts = [Path(folder).parts for folder in folders]
    depths = [1] * len(parts)
    while True:
        names = ["/".join(part[-depth:]) for part, depth in zip(parts, depths, strict=True)]
        times = Counter(names)
        alike = [k for k, name in enumerate(names) if times[name] > 1]
        if not alike:
            return tuple(names)
        for k in alike:
            depths[k] += 1


def _names_in(file: Path, read: Callable[[str], Iterable[str]]) -> tuple[str, ...]:
    try:
        return tuple(read(file.read_text(encoding="utf-8-sig")))
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise DataError(f"{file} cannot be read as class names: {error!r}; mend or remove it") from error


def _by_id(names: Mapping[int, str]) -> list[str]:
    if names.keys() != {*range(len(names))}:
        raise ValueError(f"the ids of {len(names)} categories do not run from 0 to {len(names) - 1}, as labels do")
    return [names[k] for k in range(len(names))]


_NAME_FILES: Mapping[str, Callable[[str], Iterable[str]]] = {
    "classes.txt": lambda text: filter(None, map(str.strip, text.splitlines())),
    # iNaturalist's: a list of objects that have an `id`, which is the label, and a `name`.
    "categories.json": lambda text: _by_id({int(one["id"]): str(one["name"]) for one in json.loads(text)}),
}
