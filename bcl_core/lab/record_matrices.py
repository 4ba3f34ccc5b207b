"""Files of one matrix, .npy and TSV, and of the labels beside it, as the Embedding Projector has them. No torch."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from csv import Error as CsvError
from csv import reader
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from bcl_core.lab.record_arrays import MAX_NAME, MAX_ROWS, RecordError
from bcl_core.lab.record_columns import COLUMNS, arranged, stacked
from bcl_core.lab.record_samples import MAX_BYTES

if TYPE_CHECKING:
    import pyarrow as pa  # which .npy needs not: imported late

LABEL_NAMES = ("label", "labels", "class", "target")
OF_ROWS = ("", "unnamed: 0", "index", "id")  # columns that number the rows, as pandas writes and reads them
SEPARATORS: Mapping[str, str] = {".tsv": "\t", ".txt": "\t", ".csv": ","}
BLOCK = 4 << 20  # bytes of text at once
# What stands for one another in the names of two files that belong together.
_VECTORS, _LABELS = ("embeddings", "vectors", "tensors", "features"), ("labels", "metadata")

_Arrays = dict[str, Any]


def read_npy(file: Path, labels: Path | None) -> tuple[_Arrays, tuple[str, ...]]:
    """Read embeddings (n, d) or (E, n, d), mapped from the file, and their labels from a file beside it."""
    columns, ignored = _labels(labels or _beside(file))
    arrays, _ = arranged({name: column for name, column in columns.items() if name != "epoch"})
    return {**arrays, "embeddings": _mapped(file), "epochs": None}, ignored


def read_text(file: Path, labels: Path | None) -> tuple[_Arrays, tuple[str, ...]]:
    """Read a table of numbers.

    With a heading it has a column of labels, may have the others of `COLUMNS`, and the rest makes the embedding, as
    `_coordinates` says; without one every column does, and the labels are in a file beside it.
    """
    first = _first_line(file)
    heading = not all(map(_is_number, first))
    known = [name for name in first if _own_name(name) in COLUMNS] if heading else []
    ignored: tuple[str, ...] = ()
    others: tuple[str, ...] = ()
    if heading and labels is None:
        columns = _columns(file, known)
        _check_labels(file, columns, first)
    else:
        columns, ignored = _labels(labels or _beside(file))
        ignored = (*known, *ignored)
    numbers = [f"f{i}" for i in range(len(first))]
    if heading:
        numbers, others = _coordinates(file, [name for name in first if name not in known])
    matrix = _matrix(file, numbers, heading=heading)
    if len(columns["label"]) != len(matrix):
        raise RecordError(f"{file.name} has {len(matrix):,} rows, and {len(columns['label']):,} labels belong to it")
    arrays, rows = arranged(columns)
    return {**arrays, "embeddings": stacked(matrix, rows)}, (*others, *ignored)


def _coordinates(file: Path, names: Sequence[str]) -> tuple[list[str], tuple[str, ...]]:
    """Return which columns make the embedding, and which do not.

    Those do that are named alike but for a number at the end, "f0", "f1" …: an index, a prediction or a confidence
    beside them is no coordinate. Where none are, all do but what numbers the rows.

    Raises:
        RecordError: a name stands twice, or there are several such kinds of names.
    """
    if twice := [name for name, times in Counter(names).items() if times > 1]:
        raise RecordError(f"{file.name} has several columns called {listing(twice)}: give each a name of its own")
    kinds: dict[str, list[str]] = {}
    for name in names:
        if (stem := name.rstrip("0123456789")) != name:
            kinds.setdefault(stem, []).append(name)
    numbered = [kind for kind in kinds.values() if len(kind) > 1]
    if len(numbered) > 1:
        found = listing([f"{kind[0]} …" for kind in numbered])
        raise RecordError(f"{file.name} has numbered columns of several kinds, {found}: keep those of the embedding")
    chosen = numbered[0] if numbered else [name for name in names if name.strip().lower() not in OF_ROWS]
    return chosen, tuple(name or "a column without a name" for name in names if name not in chosen)


def _beside(file: Path) -> Path:
    """Return the file of labels that belongs to a file of vectors, by its name; RecordError where there is none."""
    stems = [
        *(file.stem.lower().replace(one, other) for one in _VECTORS for other in _LABELS if one in file.stem.lower()),
        *(f"{file.stem.lower()}{mark}{other}" for other in _LABELS for mark in "_-."),
        *_LABELS,
    ]
    there = {path.name.lower(): path for path in file.parent.iterdir() if path != file and path.is_file()}
    for stem in stems:
        for suffix in (".npy", *SEPARATORS):
            if stem + suffix in there:
                return there[stem + suffix]
    raise RecordError(
        f"{file.name} holds no labels: put labels.npy, labels.txt or metadata.tsv beside it, with one for each row"
    )


def _labels(file: Path) -> tuple[dict[str, NDArray[Any]], tuple[str, ...]]:
    """Return the columns of a file of labels that say something, and the names of the others."""
    if not file.is_file():
        raise RecordError(f"{file} is not a file")
    with file.open("rb") as opened:
        is_npy = opened.read(6) == b"\x93NUMPY"
    if is_npy:
        return {"label": np.array(_mapped(file))}, ()
    first = _first_line(file)
    if len(first) == 1:  # by the Projector's rule there is no heading then
        heading = _own_name(first[0]) == "label"
        return {"label": _columns(file, first if heading else ["f0"], heading=heading).popitem()[1]}, ()
    known = [name for name in first if _own_name(name) in COLUMNS]
    columns = _columns(file, known)
    _check_labels(file, columns, first)
    return columns, tuple(name for name in first if name not in known)


def _check_labels(file: Path, columns: Mapping[str, object], heading: Sequence[str]) -> None:
    if "label" not in columns:
        raise RecordError(f"{file.name} has no column called label; its columns: {listing(heading)}")


def _mapped(file: Path) -> NDArray[Any]:
    try:
        array: NDArray[Any] = np.load(file, mmap_mode="r", allow_pickle=False)
    except ValueError as error:
        if "objects" in str(error) or "pickle" in str(error):
            raise RecordError(
                f"{file.name} holds Python objects, which could run code and are not read; save numbers or text"
            ) from error
        raise
    return array


def _matrix(file: Path, names: Sequence[str], *, heading: bool) -> NDArray[np.float32]:
    """Read columns of numbers, (n, d)."""
    if not names:
        raise RecordError(f"{file.name} has no columns of numbers beside its labels")
    import pyarrow as pa

    blocks, count = [], 0
    for batch in _batches(file, list(names), pa.float32(), heading=heading):
        block = np.empty((batch.num_rows, len(names)), np.float32)
        for i, column in enumerate(batch.columns):
            block[:, i] = column.to_numpy(zero_copy_only=False)
        blocks.append(block)
        count += len(block)
        if 4 * count * len(names) > MAX_BYTES:
            raise RecordError(f"{file.name} holds more than 2 GiB of numbers: choose some of its rows")
    matrix = np.empty((count, len(names)), np.float32)
    while blocks:  # so that there are never two of the whole
        block = blocks.pop()
        count -= len(block)
        matrix[count : count + len(block)] = block
    return matrix


def _columns(file: Path, names: Sequence[str], *, heading: bool = True) -> dict[str, NDArray[Any]]:
    """Read columns of text by the names that this app has for them; whole numbers where all of one are."""
    import pyarrow as pa

    parts = list(_batches(file, list(names), pa.string(), heading=heading))
    found: dict[str, NDArray[Any]] = {}
    for i, name in enumerate(names):
        column = (
            pa.chunked_array([batch.column(i) for batch in parts], pa.string()).combine_chunks().dictionary_encode()
        )
        texts = column.dictionary.to_pylist()
        longest = max(map(len, texts), default=0)
        if longest > MAX_NAME:  # a text that stands once in the file becomes one for each row
            raise RecordError(f"column {name} holds a text of {longest:,} characters; at most {MAX_NAME}")
        if "" in texts:
            raise RecordError(f"some rows of {file.name} have no {name}")
        if _own_name(name) in found:
            twice = listing([other for other in names if _own_name(other) == _own_name(name)])
            raise RecordError(f"{file.name} says {_own_name(name)} in several columns, {twice}: keep one of them")
        found[_own_name(name)] = _typed(np.array(texts))[column.indices.to_numpy()]
    return found


def _own_name(name: str) -> str:
    plain = name.strip().lower()
    return "label" if plain in LABEL_NAMES else plain


def _typed(values: NDArray[Any]) -> NDArray[Any]:
    """Return texts as whole numbers where all of them are; identifiers too long for one, or like "1_2", stay texts."""
    try:
        if any("_" in text for text in values):  # which Python reads over
            return values
        return values.astype(np.int64)
    except (ValueError, OverflowError):
        return values


def _batches(file: Path, names: list[str], kind: "pa.DataType", *, heading: bool) -> "Iterator[pa.RecordBatch]":
    """Yield the rows of some columns, at most as many as can be recorded; what is wrong with them comes in words."""
    import pyarrow as pa
    from pyarrow import csv

    rows = 0
    try:
        opened = csv.open_csv(
            file,
            csv.ReadOptions(use_threads=False, block_size=BLOCK, autogenerate_column_names=not heading),
            csv.ParseOptions(delimiter=_separator(file), quote_char='"' if _separator(file) == "," else False),
            csv.ConvertOptions(
                column_types=dict.fromkeys(names, kind),
                include_columns=names,
                strings_can_be_null=False,
                null_values=[],
            ),
        )
        for batch in opened:
            rows += batch.num_rows
            if rows > MAX_ROWS:
                raise RecordError(f"{file.name} has more than {MAX_ROWS:,} rows, which is the most: choose some")
            yield batch
    except (pa.ArrowInvalid, pa.ArrowKeyError) as error:
        raise RecordError(f"{file.name} cannot be read as a table: {str(error)[:200]}") from error


def _first_line(file: Path) -> list[str]:
    with file.open(encoding="utf-8-sig") as opened:
        line = opened.readline(BLOCK).rstrip("\r\n")
    if not line:
        raise RecordError(f"{file.name} begins with an empty line; expected numbers, or names of columns")
    try:
        return next(reader([line])) if _separator(file) == "," else line.split("\t")
    except CsvError as error:
        raise RecordError(f"{file.name} begins with a line that is no table's: {error}") from error


def _separator(file: Path) -> str:
    return SEPARATORS.get(file.suffix.lower(), "\t")


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def listing(names: Sequence[str], at_most: int = 12) -> str:
    """Return the first names and how many there are, fit to be read."""
    shown = ", ".join((name if name.isprintable() else ascii(name))[:80] for name in list(names)[:at_most])
    return shown if len(names) <= at_most else f"{shown}, … ({len(names)} in all)"
