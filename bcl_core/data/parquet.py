"""Images in Parquet files in the Hugging Face convention: a struct column {bytes, path} and an integer label column."""

import io
import json
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray
from PIL import Image, UnidentifiedImageError

from bcl_core.data.source import DataError

IMAGE_COLUMNS = ("img", "image")
LABEL_COLUMNS = ("label", "labels", "fine_label")


class ParquetSource:
    """`train*.parquet` and `test*.parquet` of one folder; labels are read at once, images when asked for."""

    pixel_max = 255
    normalise = True

    def __init__(self, path: Path | None) -> None:
        if path is None:
            raise DataError(
                "this data set needs a folder: set data.path to one that holds train*.parquet and test*.parquet"
            )
        self._tables = {split: _read(path, split) for split in ("train", "test")}
        self.train_labels = _labels(self._tables["train"], "train")
        self.test_labels: NDArray[np.int64] | None = _labels(self._tables["test"], "test")
        self.class_names = _class_names(self._tables["train"], int(self.train_labels.max()) + 1)
        for split, labels in (("train", self.train_labels), ("test", self.test_labels)):
            if labels.min() < 0 or labels.max() >= len(self.class_names):
                raise DataError(f"{split} labels reach from {labels.min()} to {labels.max()}; expected 0 to K − 1")

    def images(self, split: str, indices: NDArray[np.int64]) -> NDArray[np.uint8]:
        """Return (n, 3, H, W) pixels; every image must have the size of the first."""
        table = self._tables[split]
        column = table.column(_column(table, IMAGE_COLUMNS, split)).take(pa.array(indices)).to_pylist()
        decoded = [_decode(cell, split, int(row)) for cell, row in zip(column, indices, strict=True)]
        for image, row in zip(decoded, indices, strict=True):
            if image.shape != decoded[0].shape:
                raise DataError(
                    f"image {row} of {split} is {_size(image)} pixels and the first is {_size(decoded[0])}: "
                    "all images must have one size"
                )
        return np.ascontiguousarray(np.stack(decoded).transpose(0, 3, 1, 2))


def _read(folder: Path, split: str) -> pa.Table:
    if not folder.is_dir():
        raise DataError(f"{folder} is not a folder; expected one with train*.parquet and test*.parquet")
    files = sorted(folder.glob(f"{split}*.parquet"))
    if not files:
        raise DataError(f"{folder} holds no {split}*.parquet; expected both train*.parquet and test*.parquet")
    try:
        table = pa.concat_tables([pq.read_table(file) for file in files])
    except (pa.ArrowException, OSError) as error:
        raise DataError(
            f"a {split} file in {folder} cannot be read as Parquet ({error}); it may be cut short"
        ) from error
    if table.num_rows == 0:
        raise DataError(f"the {split} files in {folder} hold no rows")
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


def _class_names(table: pa.Table, num_classes: int) -> tuple[str, ...]:
    """Read the names from the schema's Hugging Face metadata; number the classes where it has none."""
    label = _column(table, LABEL_COLUMNS, "train")
    try:
        info = json.loads((table.schema.metadata or {})[b"huggingface"])
        names = tuple(str(name) for name in info["info"]["features"][label]["names"])
    except (KeyError, TypeError, ValueError):
        return tuple(str(k) for k in range(num_classes))
    return names if len(names) >= num_classes else tuple(str(k) for k in range(num_classes))


def _decode(cell: dict[str, bytes | None] | None, split: str, row: int) -> NDArray[np.uint8]:
    data = (cell or {}).get("bytes")
    if not data:
        raise DataError(f"image {row} of {split} is empty; expected the bytes of a PNG or JPEG file")
    try:
        with Image.open(io.BytesIO(data)) as image:
            return np.asarray(image.convert("RGB"))
    except (UnidentifiedImageError, OSError, SyntaxError, Image.DecompressionBombError) as error:
        raise DataError(f"image {row} of {split} cannot be decoded: {error}") from error


def _size(image: NDArray[np.uint8]) -> str:
    return f"{image.shape[1]}×{image.shape[0]}"
