"""Parquet files that become runs: a row a sample and epoch, as Hugging Face keeps embeddings."""

from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from numpy.typing import NDArray

from bcl_core.data.images import ImageError, decode, shape
from bcl_core.data.parquet import IMAGE_COLUMNS, named_classes
from bcl_core.lab.record_arrays import MAX_NAME, THUMBNAIL, RecordError
from bcl_core.lab.record_columns import COLUMNS, arranged, stacked
from bcl_core.lab.record_files import Contents, refuse_hungry, refuse_large, require

NEEDED = ("embedding", "label")  # columns
ROWS_AT_ONCE, IMAGES_AT_ONCE = 1 << 16, 64


def read_parquet(file: Path) -> Contents:
    """Return what a file holds of what `record` takes, and the names of its other columns."""
    schema = pq.read_schema(file)
    text = [field.name for field in schema if _is_text(field.type)]
    with pq.ParquetFile(file, read_dictionary=text) as opened:
        names, about = opened.schema_arrow.names, opened.metadata
        require(file, NEEDED, names, "columns")
        if about.num_rows == 0:
            raise RecordError(f"{file.name} holds no rows")
        chunks = _chunks(opened, [name for name in ("embedding", *COLUMNS) if name in names])
        numbers = sum(c.num_values for c in chunks if c.path_in_schema.startswith("embedding."))
        # As float32; the compressed size says nothing of what a repeated number unpacks to.
        refuse_large(file, 4 * numbers)
        refuse_large(file, sum(c.total_uncompressed_size for c in chunks if c.path_in_schema in COLUMNS))
        held = 16 * numbers  # as float64 where it says no more, and in the order of epochs
        refuse_hungry(file, held, {})
        table = opened.read(columns=[name for name in COLUMNS if name in names])
        columns = {name: _values(_column(table, name)) for name in table.column_names}
        arrays, rows = arranged(columns, named_classes(schema, "label"))
        dim = numbers // rows.size
        refuse_hungry(file, held, {"embeddings": (rows.shape[1], dim)})
        arrays["embeddings"] = stacked(_embeddings(opened, dim), rows)
    image = next((name for name in IMAGE_COLUMNS if name in names and _is_image(schema.field(name).type)), None)
    if image is not None:
        arrays["images"] = partial(_thumbnails, file, image, rows[0])
    used = {*NEEDED, *columns, image} - ({"class_name"} if columns["label"].dtype.kind not in "iu" else set())
    return arrays, tuple(name for name in names if name not in used)


def _is_image(kind: pa.DataType) -> bool:
    return bool(pa.types.is_struct(kind)) and kind.get_field_index("bytes") >= 0


def _embeddings(opened: pq.ParquetFile, dim: int) -> NDArray[Any]:
    """Return the column of embeddings, of so many numbers each, as a matrix; read a part at a time."""
    whole: NDArray[Any] | None = None
    done = 0
    for batch in opened.iter_batches(batch_size=ROWS_AT_ONCE, columns=["embedding"]):
        part = _lists(_column(pa.Table.from_batches([batch]), "embedding"))
        if part.shape[1] != dim:
            raise RecordError(
                f"column embedding has lists of {part.shape[1]} numbers and of others, {dim} on average; expected one "
                "length"
            )
        if whole is None:
            whole = np.empty((opened.metadata.num_rows, dim), part.dtype)
        whole[done : done + len(part)] = part
        done += len(part)
    assert whole is not None
    return whole


def _thumbnails(
    file: Path, column: str, places: NDArray[np.int64], kept: NDArray[np.int64]
) -> NDArray[np.uint8] | None:
    """Return the images of the kept samples, (N, 3, h, w); sample i's is in the row `places[i]` of the file.

    None where one of them is not in the file, which may name it alone.
    """
    wanted = {int(places[sample]): i for i, sample in enumerate(kept)}
    found: dict[int, bytes] = {}
    start = 0
    with pq.ParquetFile(file) as opened:
        for batch in opened.iter_batches(batch_size=IMAGES_AT_ONCE, columns=[column]):
            for row in range(batch.num_rows):
                if start + row in wanted:
                    found[wanted[start + row]] = (batch.column(0)[row].as_py() or {}).get("bytes") or b""
            start += batch.num_rows
    cells = [found[i] for i in range(len(kept))]
    if not all(cells):
        return None
    try:
        alike = len({shape(cell) for cell in cells}) == 1 and max(shape(cells[0])) <= THUMBNAIL
        return np.stack([decode(cell, None if alike else THUMBNAIL) for cell in cells])
    except ImageError as error:
        raise RecordError(f"an image in column {column} {error.reason}") from error


def _chunks(opened: pq.ParquetFile, names: Sequence[str]) -> list[pq.ColumnChunkMetaData]:
    """Return what each group of rows says of these columns.

    Where that is damaged, pyarrow ends the process as it is asked for; reading a row first raises instead.
    """
    about = opened.metadata
    for group in range(about.num_row_groups):
        next(opened.iter_batches(1, row_groups=[group], columns=names), None)
    places = [i for i in range(about.num_columns) if about.schema.column(i).path.partition(".")[0] in names]
    return [about.row_group(group).column(i) for group in range(about.num_row_groups) for i in places]


def _column(table: pa.Table, name: str) -> pa.ChunkedArray:
    column = table.column(name)
    if column.null_count:
        raise RecordError(f"{column.null_count:,} rows have no {name}")
    if not pa.types.is_dictionary(column.type):
        return column
    if _is_text(column.type.value_type):  # a text that stands once in the file becomes one for each row
        longest = max(pc.max(pc.utf8_length(chunk.dictionary)).as_py() or 0 for chunk in column.chunks)
        if longest > MAX_NAME:
            raise RecordError(f"column {name} holds a text of {longest:,} characters; at most {MAX_NAME}")
    return column.cast(column.type.value_type)


def _is_text(kind: pa.DataType) -> bool:
    return bool(pa.types.is_string(kind) or pa.types.is_large_string(kind))


def _values(column: pa.ChunkedArray) -> NDArray[Any]:
    values: NDArray[Any] = column.to_numpy()
    return values.astype(str) if values.dtype == object else values


def _lists(column: pa.ChunkedArray) -> NDArray[Any]:
    """Return a column of equally long lists as a matrix."""
    kind = column.type
    listed = pa.types.is_list(kind) or pa.types.is_large_list(kind) or pa.types.is_fixed_size_list(kind)
    if not listed or not (pa.types.is_floating(kind.value_type) or pa.types.is_integer(kind.value_type)):
        raise RecordError(f"column embedding has type {kind}; expected lists of numbers")
    shortest, longest = pc.min_max(pc.list_value_length(column)).as_py().values()
    if shortest != longest:
        raise RecordError(f"column embedding has lists of {shortest} to {longest} numbers; expected one length")
    matrix: NDArray[Any] = pc.list_flatten(column).to_numpy().reshape(len(column), longest)
    return matrix
