"""From a file that anybody may have made to tensors by name. Nothing that the file says is executed.

A file is a zip (torch's own since 1.6, or this app's export), safetensors, or a pickle (torch's before 1.6).
"""

import re
import zipfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import torch
from safetensors.torch import load, load_file
from torch import Tensor

from bcl_core.lab.export import RECIPE, ROW, WEIGHTS
from bcl_core.lab.run import LabError
from bcl_core.recipe import Recipe, RecipeError

MAX_BYTES = 2 * 1024**3
LISTED = 12
# What an export of one model held, before exports held runs.
EXPORTED = frozenset(
    {RECIPE, WEIGHTS, "metrics.json", "provenance.json", "README.txt", "samples.safetensors", "view.safetensors"}
)
# Under which key a checkpoint keeps its state dict: the published BCL code and timm; SupContrast and this app; others.
CONTAINERS = ("state_dict", "model", "net")


class CheckpointError(LabError):
    """A checkpoint cannot be read or does not fit; the message says what was wrong and what would be right."""


class Contents(NamedTuple):
    """What a file holds: the tensors of its state dict, the names of all else, and the recipe of an export."""

    tensors: Mapping[str, Tensor]
    others: tuple[str, ...] = ()
    recipe: Recipe | None = None


class _Inert:
    """Stands in for an object that is of no use here: takes whatever it is made with and keeps nothing."""

    def __init__(self, *_: object) -> None: ...

    def __setstate__(self, _: object) -> None: ...


# What published checkpoints carry beside their weights: SupContrast its arguments, ProCo its loss and numpy's means.
_REPLACED: list[Any] = [
    (_Inert, name)
    for name in (
        "argparse.Namespace",
        "loss.proco.EstimatorCV",
        "loss.proco.ProCoLoss",
        "numpy._core.multiarray.scalar",
        "numpy.core.multiarray.scalar",
        "numpy.dtype",
    )
]


def read(file: Path) -> Contents:
    """Read a checkpoint of at most 2 GiB. Its tensors may be mapped from the file rather than lie in memory.

    Raises:
        CheckpointError: it is no checkpoint, damaged, too large, or holds objects other than tensors and plain data.
    """
    with _in_words(file.name):
        if not file.is_file():
            raise CheckpointError(f"{file} is not a file")
        size = file.stat().st_size
        if size > MAX_BYTES:
            raise CheckpointError(f"{file.name} has {size / 1024**3:.2f} GiB; a checkpoint has at most 2 GiB")
        with file.open("rb") as opened:
            head = opened.read(9)
        if head.startswith(b"PK\x03\x04"):
            contents = _read_zip(file, size)
        elif head.endswith(b"{"):
            contents = Contents(load_file(file))
        elif head.startswith(b"\x80"):
            contents = _read_torch(file, mapped=False)
        else:
            raise CheckpointError(
                f"{file.name} is no checkpoint: it should be torch's (.pt, .pth, .pth.tar), safetensors, or an export "
                "of this app (.zip)"
            )
        for name, tensor in contents.tensors.items():
            _refuse_unsound(name, tensor)
    return contents


@contextmanager
def _in_words(name: str) -> Iterator[None]:
    try:
        yield
    except (CheckpointError, MemoryError):
        raise
    except Exception as error:  # a damaged file, a pickle above all, can fail in any way
        if refused := re.search(r"GLOBAL (\S+)", str(error)):
            raise CheckpointError(
                f"{name} holds the Python object {refused[1]}, which could run code and is not read; "
                "save the weights alone: torch.save(model.state_dict(), …)"
            ) from error
        # Torch's reason comes after advice to switch its safety off, which is not passed on.
        found = re.search(r"WeightsUnpickler error:\s*(.+)", str(error)) or re.search(r"(.+)", str(error))
        reason = found[1] if found else type(error).__name__
        raise CheckpointError(f"{name} is damaged, truncated or no checkpoint: {reason}") from error


def _read_zip(file: Path, size: int) -> Contents:
    with zipfile.ZipFile(file) as archive:
        entries = archive.infolist()
        names = [entry.filename for entry in entries]
        stored = all(entry.compress_type == zipfile.ZIP_STORED for entry in entries)
        if not stored or sum(entry.file_size for entry in entries) > size:
            raise CheckpointError(
                f"{file.name} would unpack to more than it is; torch's files and this app's exports are not compressed"
            )
        if any(name.endswith("/data.pkl") for name in names):
            return _read_torch(file, mapped=True)
        inside = _folder_of_the_run(names)
        if inside is None and (sorted({RECIPE, WEIGHTS, *names}) != sorted(names) or not set(names) <= EXPORTED):
            raise CheckpointError(
                f"{file.name} is a zip, but no checkpoint of torch and no export of this app; it holds {listing(names)}"
            )
        inside = inside or ""
        return Contents(load(archive.read(inside + WEIGHTS)), recipe=_recipe(archive, inside + RECIPE))


def _folder_of_the_run(names: Sequence[str]) -> str | None:
    """Return where the files of an export of one run lie; None where these names are none."""
    found = [name.removesuffix(ROW) for name in names if name.endswith(f"/{ROW}")]
    is_one = len(found) == 1 and {found[0] + RECIPE, found[0] + WEIGHTS} <= {*names}
    return found[0] if is_one else None


def _recipe(archive: zipfile.ZipFile, name: str) -> Recipe:
    try:
        return Recipe.parse(archive.read(name).decode())
    except RecipeError as error:
        raise CheckpointError(f"{RECIPE} of this export cannot be used: {error}") from error


def _read_torch(file: Path, *, mapped: bool) -> Contents:
    with torch.serialization.safe_globals(_REPLACED):
        payload = torch.load(file, map_location="cpu", mmap=mapped, weights_only=True)
    if not isinstance(payload, Mapping):
        raise CheckpointError(f"{file.name} holds a {type(payload).__name__}; expected a dict, model.state_dict()")
    container = next((key for key in CONTAINERS if isinstance(payload.get(key), Mapping)), None)
    weights = payload if container is None else payload[container]
    tensors = {str(key): value for key, value in weights.items() if isinstance(value, Tensor)}
    beside = [] if container is None else [str(key) for key in payload if key != container]
    if not tensors:
        raise CheckpointError(
            f"{file.name} holds no weights, neither by itself nor under {', '.join(CONTAINERS)}; "
            f"it holds {listing(map(str, payload))}"
        )
    return Contents(tensors, (*beside, *(str(key) for key in weights if str(key) not in tensors)))


def _refuse_unsound(name: str, tensor: Tensor) -> None:
    """Refuse a tensor whose size the file only claims, which would fill the memory when it is used."""
    if tensor.layout is not torch.strided or tensor.device.type != "cpu" or tensor.is_quantized:
        raise CheckpointError(f"{listing([name])} is not a plain tensor")
    if tensor.numel() * tensor.element_size() > tensor.untyped_storage().nbytes():
        raise CheckpointError(f"{listing([name])} claims to be {tuple(tensor.shape)}, more than the file holds")


def listing(names: Iterable[str], separator: str = ", ") -> str:
    """Return the first names and how many there are, fit to be read: "a, b, … (30 in all)"."""
    known = list(names)
    shown = separator.join((name if name.isprintable() else ascii(name))[:120] for name in known[:LISTED])
    return shown if len(known) <= LISTED else f"{shown}{separator}… ({len(known)} in all)"
