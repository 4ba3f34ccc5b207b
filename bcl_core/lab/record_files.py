"""Files of arrays that become runs. Nothing in them is executed. Torch and pyarrow are imported for their own alone."""

import math
import zipfile
from collections.abc import Collection, Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.lib import format as npy
from numpy.typing import NDArray

from bcl_core.lab.record_arrays import MAX_NAME, RecordError
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
HEADERS = {(1, 0): npy.read_array_header_1_0, (2, 0): npy.read_array_header_2_0}


# The arguments of `record` that a file holds, and the names of what else is in it.
Contents = tuple[dict[str, Any], tuple[str, ...]]


def record_file(
    lab: Lab, file: Path, name: str | None = None, labels: Path | None = None
) -> tuple[str, tuple[str, ...]]:
    """Record a file of arrays as a run; return the run's id, and the names of what else the file holds.

    An .npz holds `embeddings` (n, d) or (E, n, d) and `labels` (n,), and may hold any other array that `record` takes,
    under its name; so does a file of tensors that torch saved. A Parquet file holds a row a sample and epoch, with
    columns `embedding` (a list of numbers) and `label` (whole numbers or text), and may have `epoch`, `class_name`,
    `split` ("train" or "test") and `image`, as Hugging Face keeps images; the rows of every epoch are in the same
    order. A table of text has the columns of `label`, `epoch`, `class_name` and `split` under a heading, and numbers
    of the embedding in others. An .npy, or a table without a heading, has its labels in another file: `labels`, or
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
    except (LabError, MemoryError, ModuleNotFoundError):
        raise
    except Exception as error:  # a damaged file can fail in any way
        raise RecordError(f"{file.name} is damaged or cut short: {error or type(error).__name__}") from error


def _read(file: Path, labels: Path | None) -> Contents:
    if not file.is_file():
        raise RecordError(f"{file} is not a file")
    size = file.stat().st_size
    if size == 0:
        raise RecordError(f"{file.name} is empty")
    refuse_large(file, size)
    try:
        with file.open("rb") as opened:
            head = opened.read(6)
    except OSError as error:
        raise RecordError(f"{file} cannot be read: {error.strerror}") from error
    if head.startswith(b"PAR1"):
        from bcl_core.lab.record_parquet import read_parquet

        return read_parquet(file)
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
    refuse_hungry(file, 0, {name: np.shape(arrays[name]) for name in MEASURED if name in arrays})
    return arrays, ignored


def _is_torchs(file: Path) -> bool:
    with zipfile.ZipFile(file) as archive:
        return any(name.endswith("/data.pkl") for name in archive.namelist())


def _read_tensors(file: Path) -> Contents:
    """Read tensors by name, mapped from the file."""
    from bcl_core.lab.foreign.reading import read  # imports torch

    contents = read(file)
    require(file, KEYS[:2], contents.tensors, "tensors")
    known = {name: tensor for name, tensor in contents.tensors.items() if name in KEYS}
    return known, (*_beside(contents.tensors, KEYS), *contents.others)


def _read_npz(file: Path) -> Contents:
    with zipfile.ZipFile(file) as archive:
        members = {entry.filename.removesuffix(".npy"): entry for entry in archive.infolist()}
        require(file, KEYS[:2], members, "arrays")
        known = [key for key in KEYS if key in members]
        refuse_large(file, sum(members[key].file_size for key in known))
        declared = {key: _declared(archive, members[key], key) for key in known}
        refuse_hungry(file, sum(map(_size, declared.values())), {key: one.shape for key, one in declared.items()})
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


def require(file: Path, needed: Iterable[str], found: Collection[str], what: str) -> None:
    """Refuse a file that lacks one of the names; `what` it has by names."""
    missing = [name for name in needed if name not in found]
    if missing:
        raise RecordError(
            f"{file.name} has no {' and no '.join(missing)}; its {what}: {listing(list(found)) or 'none'}"
        )


def refuse_large(file: Path, size: int) -> None:
    """Refuse a file that unpacks to so many bytes where these are more than MAX_BYTES."""
    if size > MAX_BYTES:
        raise RecordError(f"{file.name} takes {size / 1024**3:.1f} GiB; at most 2 GiB can be recorded")


def refuse_hungry(file: Path, held: int, shapes: Mapping[str, tuple[int, ...]]) -> None:
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
