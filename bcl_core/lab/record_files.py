"""Files of arrays that become runs. Nothing that a file says is executed. Torch is imported for its own files alone."""

import math
import zipfile
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from numpy.lib import format as npy
from numpy.typing import NDArray

from bcl_core.data.images import ImageError, decode, shape
from bcl_core.data.parquet import IMAGE_COLUMNS, named_classes
from bcl_core.lab.record_arrays import MAX_NAME, THUMBNAIL, RecordError
from bcl_core.lab.record_columns import COLUMNS, arranged, stacked
from bcl_core.lab.record_matrices import SEPARATORS, listing, read_npy, read_text
from bcl_core.lab.recorded import record
from bcl_core.lab.run import LabError
from bcl_core.lab.store import Lab
from bcl_core.machine import free_memory

MAX_BYTES = 2 * 1024**3
MOST_MEMORY = 4_000_000_000  # bytes that a file may take while it is recorded, and half of what is free at the most
# Bytes that measuring takes for each number of an epoch: of embeddings 7 to 12 as measured, two copies in float32 and
# what is done a part at a time; of the others four to five copies in float64.
A_NUMBER, OF_EMBEDDINGS = 40, 14
MEASURED = ("embeddings", "probabilities", "prototypes", "classifier", "class_means")
KEYS = (
    *("embeddings", "labels", "epochs", "class_names", "class_counts", "test", "images"),
    *("prototypes", "classifier", "class_means", "probabilities", "predictions"),
)
NEEDED = ("embedding", "label")  # columns of a Parquet file
ROWS_AT_ONCE, IMAGES_AT_ONCE = 1 << 16, 64
HEADERS = {(1, 0): npy.read_array_header_1_0, (2, 0): npy.read_array_header_2_0}


# The arguments of `record` that a file holds, and the names of what else is in it.
_Contents = tuple[dict[str, Any], tuple[str, ...]]


def record_file(
    lab: Lab, file: Path, name: str | None = None, labels: Path | None = None
) -> tuple[str, tuple[str, ...]]:
    """Record a file of arrays as a run; return the run's id, and the names of what else the file holds.

    An .npz holds `embeddings` (n, d) or (E, n, d) and `labels` (n,), and may hold any other array that `record` takes,
    under its name; so does a file of tensors that torch saved. A Parquet file holds a row a sample and epoch, with
    columns `embedding` (a list of numbers) and `label` (whole numbers or text), and may have `epoch`, `class_name`,
    `split` ("train" or "test") and `image`, as Hugging Face keeps images; the rows of every epoch are in the same
    order. A table of text has the columns of `label`, `epoch`, `class_name` and `split` under a heading, and a number
    of the embedding in every other. An .npy, or a table without a heading, has its labels in another file: `labels`, or
    one beside it that is named as the Embedding Projector's metadata are. The file has at most 2 GiB, unpacked too, and
    what it says that it holds takes at most MOST_MEMORY to measure; the run is called after it where it is given no
    name.

    Raises:
        RecordError: the file cannot be read or used; nothing is written then.
    """
    with _in_words(file):
        arrays, ignored = _read(file, labels)
    return record(name or file.stem[:80], lab=lab, provenance={"file": file.name}, **arrays), ignored


@contextmanager
def _in_words(file: Path) -> Iterator[None]:
    try:
        yield
    except (LabError, MemoryError):
        raise
    except Exception as error:  # a damaged file can fail in any way
        raise RecordError(f"{file.name} is damaged or cut short: {error or type(error).__name__}") from error


def _read(file: Path, labels: Path | None) -> _Contents:
    if not file.is_file():
        raise RecordError(f"{file} is not a file")
    size = file.stat().st_size
    if size == 0:
        raise RecordError(f"{file.name} is empty")
    _refuse_large(file, size)
    try:
        with file.open("rb") as opened:
            head = opened.read(6)
    except OSError as error:
        raise RecordError(f"{file} cannot be read: {error.strerror}") from error
    if head.startswith(b"PAR1"):
        return _read_parquet(file)
    if head.startswith(b"PK") and not _is_torchs(file):
        return _read_npz(file)
    if head.startswith(b"\x80"):
        raise RecordError(f"{file.name} is a Python pickle, which could run code and is not read; use np.savez")
    if head.startswith(b"PK"):
        arrays, ignored = _read_tensors(file)
    elif head == npy.MAGIC_PREFIX:
        arrays, ignored = read_npy(file, labels)
    elif file.suffix.lower() in SEPARATORS:
        arrays, ignored = read_text(file, labels)
    else:
        raise RecordError(f"{file.name} is none of .npz, .npy, Parquet, .tsv, .csv, or tensors that torch saved")
    _refuse_hungry(file, 0, {name: np.shape(arrays[name]) for name in MEASURED if name in arrays})
    return arrays, ignored


def _is_torchs(file: Path) -> bool:
    with zipfile.ZipFile(file) as archive:
        return any(name.endswith("/data.pkl") for name in archive.namelist())


def _read_tensors(file: Path) -> _Contents:
    """Read tensors by name, mapped from the file."""
    from bcl_core.lab.foreign.reading import read  # imports torch

    contents = read(file)
    _require(file, KEYS[:2], contents.tensors, "tensors")
    known = {name: tensor for name, tensor in contents.tensors.items() if name in KEYS}
    return known, (*_beside(contents.tensors, KEYS), *contents.others)


def _read_npz(file: Path) -> _Contents:
    with zipfile.ZipFile(file) as archive:
        members = {entry.filename.removesuffix(".npy"): entry for entry in archive.infolist()}
        _require(file, KEYS[:2], members, "arrays")
        known = [key for key in KEYS if key in members]
        _refuse_large(file, sum(members[key].file_size for key in known))
        declared = {key: _declared(archive, members[key], key) for key in known}
        _refuse_hungry(file, sum(map(_size, declared.values())), {key: one.shape for key, one in declared.items()})
        return {key: _read_array(archive, members[key]) for key in known}, _beside(members, KEYS)


class _Declared(NamedTuple):
    """What the header of an array says that it is."""

    shape: tuple[int, ...]
    dtype: np.dtype[Any]


def _size(array: _Declared) -> int:
    return math.prod(array.shape) * array.dtype.itemsize


def _declared(archive: zipfile.ZipFile, entry: zipfile.ZipInfo, key: str) -> _Declared:
    """Read the header of an array that says no more than there is, and that is no pickle."""
    with archive.open(entry) as opened:
        version = npy.read_magic(opened)
        if version not in HEADERS:
            raise RecordError(f"{key} has version {version} of numpy's format; expected 1.0 or 2.0")
        shape, _, dtype = HEADERS[version](opened)
    found = _Declared(shape, dtype)
    if dtype.hasobject:
        raise RecordError(f"{key} holds Python objects, which could run code and are not read; save numbers or text")
    if _size(found) > entry.file_size:
        raise RecordError(f"{key} claims to be {shape}, more than the file holds: it is damaged or cut short")
    if dtype.kind in "US" and (longest := dtype.itemsize // (4 if dtype.kind == "U" else 1)) > MAX_NAME:
        raise RecordError(f"{key} holds texts of up to {longest:,} characters; at most {MAX_NAME}")
    return found


def _read_array(archive: zipfile.ZipFile, entry: zipfile.ZipInfo) -> NDArray[Any]:
    with archive.open(entry) as opened:
        array: NDArray[Any] = npy.read_array(opened, allow_pickle=False)
    return array


def _read_parquet(file: Path) -> _Contents:
    schema = pq.read_schema(file)
    text = [field.name for field in schema if _is_text(field.type)]
    with pq.ParquetFile(file, read_dictionary=text) as opened:
        names, about = opened.schema_arrow.names, opened.metadata
        _require(file, NEEDED, names, "columns")
        if about.num_rows == 0:
            raise RecordError(f"{file.name} holds no rows")
        chunks = _chunks(opened, [name for name in ("embedding", *COLUMNS) if name in names])
        numbers = sum(c.num_values for c in chunks if c.path_in_schema.startswith("embedding."))
        # As float32; the compressed size says nothing of what a repeated number unpacks to.
        _refuse_large(file, 4 * numbers)
        _refuse_large(file, sum(c.total_uncompressed_size for c in chunks if c.path_in_schema in COLUMNS))
        held = 16 * numbers  # as float64 where it says no more, and in the order of epochs
        _refuse_hungry(file, held, {})
        table = opened.read(columns=[name for name in COLUMNS if name in names])
        columns = {name: _values(_column(table, name)) for name in table.column_names}
        arrays, rows = arranged(columns, named_classes(schema, "label"))
        dim = numbers // rows.size
        _refuse_hungry(file, held, {"embeddings": (rows.shape[1], dim)})
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


def _require(file: Path, needed: Iterable[str], found: Collection[str], what: str) -> None:
    missing = [name for name in needed if name not in found]
    if missing:
        raise RecordError(
            f"{file.name} has no {' and no '.join(missing)}; its {what}: {listing(list(found)) or 'none'}"
        )


def _refuse_large(file: Path, size: int) -> None:
    if size > MAX_BYTES:
        raise RecordError(f"{file.name} takes {size / 1024**3:.1f} GiB; at most 2 GiB can be recorded")


def _refuse_hungry(file: Path, held: int, shapes: Mapping[str, tuple[int, ...]]) -> None:
    """Refuse a file that would take too much memory: so many bytes as arrays, and what measuring them takes."""
    measured = {name: shape[-2:] for name, shape in shapes.items() if name in MEASURED}
    each = {"embeddings": OF_EMBEDDINGS}
    needs = held + sum(each.get(name, A_NUMBER) * math.prod(shape) for name, shape in measured.items())
    if needs > (most := min(MOST_MEMORY, free_memory() // 2)):
        of_what = ", ".join(
            f"{name} {' × '.join(f'{length:,}' for length in shape)}" for name, shape in measured.items()
        )
        raise RecordError(
            f"{file.name} would take about {needs / 1e9:.1f} GB of memory{f' ({of_what})' if of_what else ''}; at most "
            f"{most / 1e9:.1f} GB here: record fewer samples, or embeddings of fewer dimensions"
        )


def _beside(found: Iterable[str], known: Collection[str]) -> tuple[str, ...]:
    return tuple(name for name in found if name not in known)
