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
from bcl_core.lab.foreign.inert import Inert, stand_ins
from bcl_core.lab.run import LabError
from bcl_core.recipe import Recipe, RecipeError

MAX_BYTES = 2 * 1024**3
LISTED = 12
# What an export of one model held, before exports held runs.
EXPORTED = frozenset(
    {RECIPE, WEIGHTS, "metrics.json", "provenance.json", "README.txt", "samples.safetensors", "view.safetensors"}
)
# Under which key a checkpoint keeps its state dict, the first of those that it has; one may lie in another.
CONTAINERS = (
    *("state_dict", "model", "net", "model_state_dict", "model_state", "network", "weights", "module"),
    *("ema_state_dict", "state_dict_ema", "model_ema", "ema"),
)
DEPTH = 4  # of containers in containers
BEGINNINGS = 8  # of keys, that a message shows


class CheckpointError(LabError):
    """A checkpoint cannot be read or does not fit; the message says what was wrong and what would be right."""


class Contents(NamedTuple):
    """What a file holds: the tensors of its state dict, the names of all else, and the recipe of an export."""

    tensors: Mapping[str, Tensor]
    others: tuple[str, ...] = ()
    recipe: Recipe | None = None


# What files of before torch 1.6, which torch cannot look through first, may carry beside their weights: SupContrast its
# arguments, ProCo its loss and numpy's means, others paths and tables.
BEFORE_ZIP = (
    *("argparse.Namespace", "collections.defaultdict", "pathlib.PosixPath", "pathlib.WindowsPath"),
    *("builtins.dict", "builtins.list", "builtins.int", "builtins.float"),
    *("loss.proco.EstimatorCV", "loss.proco.ProCoLoss", "numpy.dtype", "numpy.ndarray"),
    *(f"numpy.{core}.multiarray.{name}" for core in ("core", "_core") for name in ("scalar", "_reconstruct")),
)


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
        if file.suffix.lower() == ".zip" and not zipfile.is_zipfile(file):
            raise CheckpointError(f"{file.name} is not a whole zip file: damaged, truncated or none; export it anew")
        if head.startswith(b"PK\x03\x04"):
            contents = _read_zip(file, size)
        elif head.endswith(b"{"):
            contents = Contents(load_file(file))
        elif head.startswith(b"\x80"):
            with _in_words(f"{file.name}, saved as before torch 1.6,"):
                contents = _read_torch(file, zipped=False)
        else:
            raise CheckpointError(
                f"{file.name} is no checkpoint: it should be torch's (.pt, .pth, .pth.tar), safetensors, or an export "
                "of this app (.zip)"
            )
        for name, tensor in contents.tensors.items():
            _refuse_unsound(name, tensor)
        storages = [tensor.untyped_storage() for tensor in contents.tensors.values()]
        if sum({storage.data_ptr(): storage.nbytes() for storage in storages}.values()) > size:
            raise CheckpointError(f"{file.name} claims more numbers than it holds")
    return contents


@contextmanager
def _in_words(name: str) -> Iterator[None]:
    try:
        yield
    except (CheckpointError, MemoryError):
        raise
    except Exception as error:  # a damaged file, a pickle above all, can fail in any way
        said = str(error)
        if "allocate memory" in said:  # of torch's, which calls it a RuntimeError
            raise MemoryError(said) from error
        if refused := re.search(r"GLOBAL (\S+)", said):
            raise CheckpointError(
                f"{name} holds the Python object {refused[1]}, which could run code and is not read; load it where it "
                "comes from and save the weights alone: torch.save(model.state_dict(), …)"
            ) from error
        if "Unsupported operand" in said:
            raise CheckpointError(
                f"{name} is no checkpoint of torch's: a pickle of another protocol than its own, damaged or truncated; "
                "save the weights with torch.save(model.state_dict(), …)"
            ) from error
        # Torch's reason comes after advice to switch its safety off, which is not passed on.
        found = re.search(r"WeightsUnpickler error:\s*(.+)", said) or re.search(r"(.+)", said)
        reason = found[1] if found else type(error).__name__
        raise CheckpointError(f"{name} is damaged, truncated or no checkpoint: {reason}") from error


def _read_zip(file: Path, size: int) -> Contents:
    with zipfile.ZipFile(file) as archive:
        entries = archive.infolist()
        names = [entry.filename for entry in entries]
        if any(name.endswith("/constants.pkl") for name in names):
            raise CheckpointError(
                f"{file.name} is a program in TorchScript; save its weights: torch.save(model.state_dict(), …)"
            )
        stored = all(entry.compress_type == zipfile.ZIP_STORED for entry in entries)
        if not stored or sum(entry.file_size for entry in entries) > size:
            raise CheckpointError(
                f"{file.name} would unpack to more than it is; torch's files and this app's exports are not compressed"
            )
        if any(name.endswith("/data.pkl") for name in names):
            return _read_torch(file, zipped=True)
        if (runs := sum(name.endswith(f"/{ROW}") for name in names)) > 1:
            raise CheckpointError(f"{file.name} holds {runs} runs, and a model is of one: export that run alone")
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


def _read_torch(file: Path, *, zipped: bool) -> Contents:
    unknown = torch.serialization.get_unsafe_globals_in_checkpoint(file) if zipped else BEFORE_ZIP
    with torch.serialization.safe_globals(stand_ins(unknown)):
        payload = torch.load(file, map_location="cpu", mmap=zipped, weights_only=True)
    if isinstance(payload, Inert):
        raise _whole(file, payload)
    if not isinstance(payload, Mapping):
        raise CheckpointError(f"{file.name} holds a {type(payload).__name__}; expected a dict, model.state_dict()")
    weights, beside = _unpacked(payload)
    tensors = {str(key): value for key, value in weights.items() if isinstance(value, Tensor)}
    if not tensors:
        if whole := [payload[key] for key in CONTAINERS if isinstance(payload.get(key), Inert)]:
            raise _whole(file, whole[0])
        raise CheckpointError(
            f"{file.name} holds no weights, neither by itself nor under {', '.join(CONTAINERS)}; "
            f"it holds {listing(map(str, payload))}"
        )
    return Contents(tensors, (*beside, *(str(key) for key in weights if str(key) not in tensors)))


def _whole(file: Path, pickled: Inert) -> CheckpointError:
    return CheckpointError(
        f"{file.name} holds a whole {type(pickled).__name__}, whose code is not here; load it where it comes from and "
        "save the weights alone: torch.save(model.state_dict(), …)"
    )


def _unpacked(payload: Mapping[Any, Any]) -> tuple[Mapping[Any, Any], list[str]]:
    """Return the state dict in a checkpoint, and the names of what lies beside it and its containers."""
    beside: list[str] = []
    for _ in range(DEPTH):
        container = next((key for key in CONTAINERS if isinstance(payload.get(key), Mapping)), None)
        if container is None and not any(isinstance(value, Tensor) for value in payload.values()):
            holders = [key for key, value in payload.items() if _holds_weights(value)]
            container = holders[0] if len(holders) == 1 else None
        if container is None:
            break
        beside += [str(key) for key in payload if key != container]
        payload = payload[container]
    return payload, beside


def _holds_weights(value: object) -> bool:
    """Whether this is a dict of tensors by text, as an optimiser's state is not."""
    return isinstance(value, Mapping) and any(
        isinstance(key, str) and isinstance(inner, Tensor) for key, inner in value.items()
    )


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


def beginnings(names: Iterable[str]) -> str:
    """Return what names begin with, in words: "encoder_q., encoder_k., queue"."""
    found = dict.fromkeys(first + dot for first, dot, _ in (name.partition(".") for name in names))
    return listing(list(found)[:BEGINNINGS]) + (" …" if len(found) > BEGINNINGS else "")
