"""Images in Parquet files in the Hugging Face convention: a struct column {bytes, path} and an integer label column."""

import json
import re
import stat
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from bcl_core.data.images import ImageError, decode_many, shape
from bcl_core.data.places import existing_folder
from bcl_core.data.source import DataError, Opening, Source, SplitName
from bcl_core.recipe import DataPaths

IMAGE_COLUMNS = ("img", "image")
LABEL_COLUMNS = ("label", "labels", "fine_label")
TEST_NAMES = ("test", "validation", "val")
SHARD = re.compile(r"(.*)-(\d{5})-of-(\d{5})\.parquet")
LAYOUT = "expected train*.parquet and, for testing, test*.parquet or validation*.parquet, here or in data/"


class ParquetSource(Source):
    """Training and test files of one folder; labels are read at once, images when asked for.

    Images of one size are returned as they are; where their sizes differ, they are scaled and cropped to
    `opening.image_size`.
    """

    def __init__(self, opening: Opening) -> None:
        self._folder = existing_folder(opening.paths.path, LAYOUT)
        self._size, self._report = opening.image_size, opening.report
        files = {"train": _training_files(self._folder), "test": _files(self._folder, TEST_NAMES)}
        self._tables = {split: _read(found, split) for split, found in files.items() if found}
        self.train_labels = _labels(self._tables["train"], "train")
        self.test_labels = _labels(self._tables["test"], "test") if "test" in self._tables else None
        num_classes = int(self.train_labels.max()) + 1
        named = named_classes(self._tables["train"].schema, _column(self._tables["train"], LABEL_COLUMNS, "train"))
        if num_classes > max(len(named), len(self.train_labels)):  # names would be made for all of them
            raise DataError(
                f"train labels reach to {num_classes - 1} and there are {len(self.train_labels)} images; expected 0 to "
                "K − 1 for K classes"
            )
        self.class_names = named if len(named) >= num_classes else tuple(str(k) for k in range(num_classes))
        for split, labels in (("train", self.train_labels), ("test", self.test_labels)):
            if labels is not None and (labels.min() < 0 or labels.max() >= len(self.class_names)):
                raise DataError(
                    f"{split} labels reach from {labels.min()} to {labels.max()}; expected 0 to K − 1, and no label in "
                    "test that train has not"
                )

    def images(self, split: SplitName, indices: NDArray[np.int64]) -> NDArray[np.uint8]:
        """Return (n, 3, H, W) pixels: as they are where they have one size, else at the image size."""
        table = self._tables[split]
        try:
            cells = table.column(_column(table, IMAGE_COLUMNS, split)).take(pa.array(indices)).to_pylist()
        except ValueError as fault:  # a path that is no text
            raise DataError(f"images of {split} cannot be read: {fault}; the file may be damaged") from fault
        data = [self._bytes(cell, split, int(row)) for cell, row in zip(cells, indices, strict=True)]
        size = None if self._size is None or _alike(data) else self._size
        pixels, failures = decode_many(data, size, self._report)
        for i, error in failures.items():
            raise DataError(f"image {indices[i]} of {split} {error.reason}")
        return pixels

    def _bytes(self, cell: dict[str, bytes | str | None] | None, split: SplitName, row: int) -> bytes:
        """Return the bytes in the cell, or those of the file that it names, which must lie in the folder."""
        data, path = (cell or {}).get("bytes"), (cell or {}).get("path")
        if isinstance(data, bytes) and data:
            return data
        if not isinstance(path, str) or not path:
            raise DataError(f"image {row} of {split} is empty; expected the bytes of a PNG or JPEG file, or a path")
        file = (self._folder / path).resolve()
        if not file.is_relative_to(self._folder.resolve()):
            raise DataError(f"image {row} of {split} is to be read from {path}, outside of {self._folder}: refused")
        try:
            if not stat.S_ISREG(file.stat().st_mode):  # a pipe would be waited for
                raise DataError(f"image {row} of {split} is to be read from {file}, which is no regular file")
            return file.read_bytes()
        except (OSError, ValueError) as error:
            raise DataError(f"image {row} of {split} has no bytes, and {file} cannot be read: {error}") from error


def _alike(data: Sequence[bytes]) -> bool:
    """Say whether all images have one size; of those that cannot be read, decoding will say why."""
    try:
        frames = map(shape, data)
        first = next(frames, None)
        return all(frame == first for frame in frames)
    except ImageError:
        return False


def check_places(paths: DataPaths) -> None:
    """Raise DataError unless the folder holds files to train on, with no shard missing."""
    _training_files(existing_folder(paths.path, LAYOUT))


def _training_files(folder: Path) -> list[Path]:
    files = _files(folder, ("train",))
    if not files:
        raise DataError(f"{folder} holds no train*.parquet; {LAYOUT}")
    return files


def _files(folder: Path, names: Sequence[str]) -> list[Path]:
    """Return the files of the first of these names that has any, in the folder or in its data/."""
    for name in names:
        for place in (folder, folder / "data"):
            files = sorted(file for file in place.glob(f"{name}*.parquet") if file.is_file())
            if files:
                _check_no_shard_is_missing(files)
                return files
    return []


def _check_no_shard_is_missing(files: Sequence[Path]) -> None:
    shards = [found for file in files if (found := SHARD.fullmatch(file.name))]
    for name, total in {(shard[1], shard[3]) for shard in shards}:
        there = {int(shard[2]) for shard in shards if (shard[1], shard[3]) == (name, total)}
        missing = sorted(set(range(int(total))) - there)
        if missing:
            raise DataError(
                f"{len(missing)} of {int(total)} files {name}-… are missing in {files[0].parent}: "
                f"{name}-{missing[0]:05d}-of-{total}.parquet is the first; download them too"
            )


def _read(files: Sequence[Path], split: str) -> pa.Table:
    try:
        table = pa.concat_tables([pq.read_table(file) for file in files])
    except (pa.ArrowException, OSError) as error:
        raise DataError(
            f"a {split} file in {files[0].parent} cannot be read as Parquet ({error}); it may be cut short"
        ) from error
    if table.num_rows == 0:
        raise DataError(f"the {split} files in {files[0].parent} hold no rows")
    image, label = _column(table, IMAGE_COLUMNS, split), _column(table, LABEL_COLUMNS, split)
    image_type = table.schema.field(image).type
    if not pa.types.is_struct(image_type) or image_type.get_field_index("bytes") < 0:
        raise DataError(f"column {image!r} of {split} has type {image_type}; expected struct<bytes, path>")
    if not pa.types.is_integer(table.schema.field(label).type):
        raise DataError(f"column {label!r} of {split} has type {table.schema.field(label).type}; expected integers")
    return table


def _column(table: pa.Table, names: tuple[str, ...], split: str) -> str:
    for name in names:
        if name in table.column_names:
            return name
    raise DataError(
        f"the {split} file has columns {', '.join(table.column_names)}; expected one named {' or '.join(names)}"
    )


def _labels(table: pa.Table, split: str) -> NDArray[np.int64]:
    column = table.column(_column(table, LABEL_COLUMNS, split))
    if column.null_count:
        raise DataError(f"{column.null_count} rows of {split} have no label")
    return np.asarray(column.to_numpy(), dtype=np.int64)


def class_names(folder: Path) -> tuple[str, ...] | None:
    """Return the names that the folder's training files have for their classes, () where they have none.

    None where there are no such files, or they cannot be read. Reads no image.
    """
    try:
        schema = pq.read_schema(_training_files(folder)[0])
    except (DataError, pa.ArrowException, OSError):
        return None
    label = next((name for name in LABEL_COLUMNS if name in schema.names), None)
    return None if label is None else named_classes(schema, label)


def named_classes(schema: pa.Schema, label: str) -> tuple[str, ...]:
    """Read the names from the Hugging Face metadata of a schema; () where it has none."""
    try:
        info = json.loads((schema.metadata or {})[b"huggingface"])
        return tuple(str(name) for name in info["info"]["features"][label]["names"])
    except (KeyError, TypeError, ValueError):
        return ()
