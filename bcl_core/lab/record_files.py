"""Files of arrays that become runs: .npz and Parquet. Nothing that a file says is executed. Imports no torch."""

import math
import zipfile
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from itertools import pairwise
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from numpy.lib import format as npy
from numpy.typing import NDArray

from bcl_core.lab.record_arrays import MAX_CLASSES, MAX_NAME, RecordError
from bcl_core.lab.recorded import record
from bcl_core.lab.store import Lab
from bcl_core.machine import free_memory

MAX_BYTES = 2 * 1024**3
MOST_MEMORY = 4_000_000_000  # bytes that a file may take while it is recorded, and half of what is free at the most
A_NUMBER = 40  # bytes that measuring takes for each number of an epoch: four to five copies in float64, as measured
MEASURED = ("embeddings", "probabilities", "prototypes", "classifier", "class_means")
LISTED = 12
KEYS = (
    *("embeddings", "labels", "epochs", "class_names", "class_counts", "test", "images"),
    *("prototypes", "classifier", "class_means", "probabilities", "predictions"),
)
COLUMNS = ("embedding", "label", "epoch", "class_name", "split")
TEST_NAMES, TRAIN_NAMES = ("test", "validation", "valid", "val"), ("train", "training")
HEADERS = {(1, 0): npy.read_array_header_1_0, (2, 0): npy.read_array_header_2_0}


# The arguments of `record` that a file holds, and the names of what else is in it.
_Contents = tuple[dict[str, Any], tuple[str, ...]]


def record_file(lab: Lab, file: Path, name: str | None = None) -> tuple[str, tuple[str, ...]]:
    """Record a file of arrays as a run; return the run's id, and the names of what else the file holds.

    An .npz holds `embeddings` (n, d) or (E, n, d) and `labels` (n,), and may hold any other array that `record` takes,
    under its name. A Parquet file holds a row a sample and epoch, with columns `embedding` (a list of numbers) and
    `label` (whole numbers or text), and may have `epoch`, `class_name` and `split` ("train" or "test"); the rows of
    every epoch are in the same order. The file has at most 2 GiB, unpacked too, and what it says that it holds takes at
    most MOST_MEMORY to measure; the run is called after it where it is given no name.

    Raises:
        RecordError: the file cannot be read or used; nothing is written then.
    """
    with _in_words(file):
        arrays, ignored = _read(file)
    return record(name or file.stem[:80], lab=lab, provenance={"file": file.name}, **arrays), ignored


@contextmanager
def _in_words(file: Path) -> Iterator[None]:
    try:
        yield
    except (RecordError, MemoryError):
        raise
    except Exception as error:  # a damaged file can fail in any way
        raise RecordError(f"{file.name} is damaged or cut short: {error or type(error).__name__}") from error


def _read(file: Path) -> _Contents:
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
    if head.startswith(b"PK"):
        return _read_npz(file)
    if head.startswith(b"PAR1"):
        return _read_parquet(file)
    if head == npy.MAGIC_PREFIX:
        raise RecordError(f"{file.name} is one array; save two: np.savez(file, embeddings=…, labels=…)")
    if head.startswith(b"\x80"):
        raise RecordError(f"{file.name} is a Python pickle, which could run code and is not read; use np.savez")
    raise RecordError(f"{file.name} is neither .npz nor Parquet")


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
    text = [field.name for field in pq.read_schema(file) if _is_text(field.type)]
    with pq.ParquetFile(file, read_dictionary=text) as opened:
        names, about = opened.schema_arrow.names, opened.metadata
        _require(file, COLUMNS[:2], names, "columns")
        if about.num_rows == 0:
            raise RecordError(f"{file.name} holds no rows")
        read = [name for name in COLUMNS if name in names]
        chunks = _chunks(opened, read)
        # As float32; the compressed size says nothing of what a repeated number unpacks to.
        _refuse_large(file, 4 * sum(c.num_values for c in chunks if c.path_in_schema.startswith("embedding.")))
        _refuse_large(file, sum(c.total_uncompressed_size for c in chunks if c.path_in_schema in COLUMNS))
        # As a table, as one array, and in the order of epochs; as float64 where it says no more.
        _refuse_hungry(file, 24 * sum(c.num_values for c in chunks if c.path_in_schema.startswith("embedding.")), {})
        table = opened.read(columns=read)
    columns = {name: _column(table, name) for name in table.column_names}
    embeddings, labels = _lists(columns["embedding"]), _values(columns["label"])
    epochs = _values(columns["epoch"]) if "epoch" in columns else np.ones(len(labels), np.int64)
    numbers, rows = _by_epoch(epochs)
    _refuse_hungry(file, 3 * embeddings.nbytes, {"embeddings": (rows.shape[1], embeddings.shape[1])})
    arrays: dict[str, Any] = {
        "embeddings": embeddings[rows],
        "labels": _alike("label", labels[rows], numbers),
        "epochs": numbers,
    }
    ignored = _beside(names, COLUMNS)
    if "split" in columns:
        arrays["test"] = _alike("split", _is_test(_values(columns["split"]))[rows], numbers)
    if "class_name" in columns and labels.dtype.kind in "iu":
        arrays["class_names"] = _class_names(labels, _values(columns["class_name"]))
    elif "class_name" in columns:
        ignored += ("class_name",)
    return arrays, ignored


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


def _by_epoch(epochs: NDArray[Any]) -> tuple[NDArray[Any], NDArray[np.int64]]:
    """Return the E epochs' numbers, and the rows of each, (E, n), in the order in which they stand."""
    numbers, counts = np.unique(epochs, return_counts=True)
    if other := np.flatnonzero(counts != counts[0]).tolist():
        raise RecordError(
            f"epoch {numbers[0]} has {counts[0]:,} rows and epoch {numbers[other[0]]} has {counts[other[0]]:,}; "
            "expected the same samples in every epoch"
        )
    return numbers, np.argsort(epochs, kind="stable").reshape(len(numbers), counts[0])


def _alike(name: str, values: NDArray[Any], epochs: NDArray[Any]) -> NDArray[Any]:
    """Return what the rows of every epoch say alike, (n,), of (E, n)."""
    other = np.flatnonzero((values != values[0]).any(axis=1))
    if other.size:
        raise RecordError(
            f"{name} differs between the rows of epochs {epochs[0]} and {epochs[other[0]]}; "
            "expected the same samples in the same order in every epoch"
        )
    return np.asarray(values[0])


def _is_test(splits: NDArray[Any]) -> NDArray[np.bool_]:
    found = np.char.lower(splits.astype(str))
    test, train = np.isin(found, TEST_NAMES), np.isin(found, TRAIN_NAMES)
    other = np.flatnonzero(~(test | train))
    if other.size:
        raise RecordError(f"split is {str(splits[other[0]])[:40]!r} in row {other[0]}; expected test or train")
    return np.asarray(test)


def _class_names(labels: NDArray[Any], class_names: NDArray[Any]) -> list[str] | None:
    """Name each class as its rows do; a class without rows has its number, and is refused later."""
    pairs = sorted(set(zip(labels.tolist(), class_names.astype(str).tolist(), strict=True)))
    names = dict(pairs)
    if len(names) < len(pairs):
        twice = next(a for (a, _), (b, _) in pairwise(pairs) if a == b)
        both = " and ".join(repr(name) for label, name in pairs if label == twice)
        raise RecordError(f"class {twice} is called {both}; expected one class_name for each label")
    return [names.get(k, str(k)) for k in range(min(max(names), MAX_CLASSES) + 1)]


def _require(file: Path, needed: Iterable[str], found: Collection[str], what: str) -> None:
    missing = [name for name in needed if name not in found]
    if missing:
        raise RecordError(f"{file.name} has no {' and no '.join(missing)}; its {what}: {_listing(found) or 'none'}")


def _refuse_large(file: Path, size: int) -> None:
    if size > MAX_BYTES:
        raise RecordError(f"{file.name} takes {size / 1024**3:.1f} GiB; at most 2 GiB can be recorded")


def _refuse_hungry(file: Path, held: int, shapes: Mapping[str, tuple[int, ...]]) -> None:
    """Refuse a file that would take too much memory: so many bytes as arrays, and what measuring them takes."""
    measured = {name: shape[-2:] for name, shape in shapes.items() if name in MEASURED}
    needs = held + A_NUMBER * sum(map(math.prod, measured.values()))
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


def _listing(names: Collection[str]) -> str:
    shown = ", ".join((name if name.isprintable() else ascii(name))[:80] for name in list(names)[:LISTED])
    return shown if len(names) <= LISTED else f"{shown}, … ({len(names)} in all)"
