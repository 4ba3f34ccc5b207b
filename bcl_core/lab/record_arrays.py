"""Arrays that other code hands over, checked: each is as it should be, or refused in words. Imports no torch."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray
from PIL import Image

from bcl_core.lab.run import LabError
from bcl_core.measuring import Floats

if TYPE_CHECKING:
    from torch import Tensor

    Values = ArrayLike | Tensor

MAX_ROWS = 1_000_000
ROWS_AT_ONCE = 1 << 14  # of float64, whatever the rows are kept as
MAX_CLASSES = 10_000  # K × K angles are held
MAX_NAME = 200  # characters
THUMBNAIL = 64  # pixels
NOT_FINITE = "hold numbers that are not finite (NaN or infinite)"
SUM_TOLERANCE = 1e-2  # probabilities that were computed in bfloat16 still add up to 1


class RecordError(LabError):
    """Arrays or a file cannot be recorded; the message says what was wrong and what would be right."""


class Classes(NamedTuple):
    """The class of each sample, (n,) from 0 to K − 1, and the K names."""

    labels: NDArray[np.int64]
    names: tuple[str, ...]


def as_array(name: str, values: Values) -> NDArray[Any]:
    """Return a torch tensor, on any device and of any type, or what numpy takes, as an array of numbers or text."""
    try:
        array = np.asarray(_off_device(values))
    except (TypeError, ValueError, RuntimeError) as error:
        raise RecordError(f"{name} cannot be read as an array: {error}") from error
    if array.dtype.kind == "O" and array.size and all(isinstance(value, str) for value in array.flat):
        array = array.astype(str)
    if array.dtype.kind == "S":
        array = np.char.decode(array, "utf-8", "replace")
    if array.dtype.kind == "U" and not _is_text(array):
        raise RecordError(f"{name} holds text with characters that there are not: it is damaged")
    if array.dtype.kind not in "biufU":
        raise RecordError(f"{name} holds {array.dtype} values; expected numbers or text")
    return array


def _is_text(array: NDArray[np.str_]) -> bool:
    """Whether each 32-bit unit of an array of text is a character."""
    if not array.dtype.itemsize:
        return True
    units = np.ascontiguousarray(array, array.dtype.newbyteorder("=")).view(np.uint32)
    return not bool((units > sys.maxunicode).any() or ((units >= 0xD800) & (units < 0xE000)).any())


def _off_device(values: Any) -> Any:
    """Return a tensor as one that numpy reads, and anything else as it is."""
    torch = sys.modules.get("torch")
    if torch is None or not isinstance(values, torch.Tensor):
        return values
    tensor = values.detach().cpu()
    narrow = tensor.is_floating_point() and tensor.element_size() < 4
    return tensor.float() if narrow else tensor  # numpy has no bfloat16


def numbers(name: str, values: Values, *shape: int | str) -> NDArray[Any]:
    """Return an array of numbers of this shape; a letter stands for any length of at least 1."""
    array = as_array(name, values)
    fits = array.ndim == len(shape) and all(
        length > 0 if isinstance(wanted, str) else length == wanted
        for length, wanted in zip(array.shape, shape, strict=True)
    )
    if not fits:
        raise RecordError(f"{name} has shape {_written(array.shape)}; expected {_written(shape)}")
    if array.dtype.kind not in "iuf":
        raise RecordError(f"{name} holds {array.dtype} values; expected numbers")
    return array


def finite(name: str, values: Values, *shape: int | str) -> Floats:
    """Return numbers, all of them finite, in float64."""
    matrix = numbers(name, values, *shape).astype(np.float64)
    _refuse_rows(name, ~np.isfinite(matrix).all(axis=1), NOT_FINITE)
    return matrix


def unit_rows(name: str, values: Values, *shape: int | str) -> NDArray[np.float32]:
    """Return the rows of a matrix, all finite and none of them zero, scaled to length 1.

    A part at a time, so that beside what is given and what is returned there is no third matrix.
    """
    given = numbers(name, values, *shape)
    units = np.empty(given.shape, np.float32)
    infinite, zero = np.zeros((2, len(given)), np.bool_)
    for start in range(0, len(given), ROWS_AT_ONCE):
        rows = slice(start, start + ROWS_AT_ONCE)
        part = given[rows].astype(np.float64)
        infinite[rows] = ~np.isfinite(part).all(axis=1)
        zero[rows] = ~part.any(axis=1)
        with np.errstate(invalid="ignore", divide="ignore"):
            part /= np.abs(part).max(axis=1, keepdims=True)  # so that no square overflows
            part /= np.linalg.norm(part, axis=1, keepdims=True)
        units[rows] = part
    _refuse_rows(name, infinite, NOT_FINITE)
    _refuse_rows(name, zero, "are zero, which has no direction")
    return units


def within_unit_ball(name: str, values: Values, *shape: int | str) -> Floats:
    """Return the rows of a matrix, scaled down together where one is longer than 1: angles stay as they are."""
    matrix = finite(name, values, *shape)
    return matrix / max(1.0, float(np.linalg.norm(matrix, axis=1).max()))


def classes_of(labels: Values, class_names: Sequence[str] | ArrayLike | None) -> Classes:
    """Read labels: whole numbers from 0, or text, which is sorted into classes where no names give their order."""
    array = as_array("labels", labels)
    if array.ndim != 1 or not len(array):
        raise RecordError(f"labels has shape {_written(array.shape)}; expected (n,), a class for each sample")
    if len(array) > MAX_ROWS:
        raise RecordError(f"there are {len(array):,} samples; at most {MAX_ROWS:,} can be recorded: choose some")
    if class_names is not None:
        names = _names(class_names)
    elif array.dtype.kind == "U":
        names = tuple(str(name) for name in np.unique(array))
    else:
        # Labels that cannot be right are refused below.
        reach = int(array.max()) + 1 if array.dtype.kind in "iu" else 2
        _check_number_of_classes(reach)
        names = tuple(str(k) for k in range(reach))
    _check_number_of_classes(len(names))
    if long := [name for name in names if len(name) > MAX_NAME]:
        raise RecordError(f"the class name {long[0][:40]!r}… has {len(long[0]):,} characters; at most {MAX_NAME}")
    return Classes(class_indices("labels", array, names, len(array)), names)


def _check_number_of_classes(number: int) -> None:
    if not 2 <= number <= MAX_CLASSES:
        raise RecordError(f"the number of classes is {number:,}; expected 2 to {MAX_CLASSES:,}")


def class_indices(name: str, values: Values, names: tuple[str, ...], rows: int) -> NDArray[np.int64]:
    """Return classes, given as whole numbers or by their names, as numbers from 0 to K − 1, (rows,)."""
    array = as_array(name, values)
    if array.shape != (rows,):
        raise RecordError(f"{name} has shape {_written(array.shape)}; expected ({rows},), a class for each sample")
    if array.dtype.kind == "U":
        if len(set(names)) < len(names):
            raise RecordError(f"class_names has a name twice, so that {name} must be numbers")
        found, inverse = np.unique(array, return_inverse=True)
        known = {class_name: k for k, class_name in enumerate(names)}
        unknown = [str(text) for text in found if str(text) not in known]
        if unknown:
            raise RecordError(f"{name} holds {unknown[0]!r}, which is not among class_names")
        return np.array([known[str(text)] for text in found], np.int64)[inverse]
    if array.dtype.kind not in "iu":
        raise RecordError(f"{name} holds {array.dtype} values; expected whole numbers from 0, or text")
    low, high = int(array.min()), int(array.max())
    if low < 0 or high >= len(names):
        raise RecordError(f"{name} run from {low} to {high}; expected 0 to {len(names) - 1}")
    return array.astype(np.int64)


def check_every_class(labels: NDArray[np.int64], names: Sequence[str]) -> None:
    """Refuse test labels that lack a class: angles are measured between all of them."""
    missing = np.flatnonzero(np.bincount(labels, minlength=len(names)) == 0)
    if missing.size:
        more = missing.size - 1
        others = f", nor {'has 1 other' if more == 1 else f'have {more:,} others'}" if more else ""
        from_one = "; labels count from 0" if missing.tolist() == [0] else ""
        raise RecordError(
            f"class {missing[0]} ({names[missing[0]]!r}) has no test sample{others}; "
            f"each of the {len(names):,} classes needs one{from_one}"
        )


def counts_of(values: Values, num_classes: int) -> NDArray[np.int64]:
    """Return training counts, (K,), each a whole number of at least 1."""
    counts = finite("class_counts", numbers("class_counts", values, num_classes)[:, None], num_classes, 1)[:, 0]
    wrong = np.flatnonzero((counts < 1) | (counts != np.floor(counts)) | (counts > 2**53))
    if wrong.size:
        raise RecordError(
            f"class_counts says {counts[wrong[0]]:g} for class {wrong[0]}; expected whole numbers of at least 1"
        )
    return counts.astype(np.int64)


def mask_of(values: Values | None, rows: int) -> NDArray[np.bool_]:
    """Return which samples are test samples, (n,); all where nothing is said."""
    if values is None:
        return np.ones(rows, np.bool_)
    mask = as_array("test", values)
    if mask.shape != (rows,) or mask.dtype.kind != "b":
        raise RecordError(
            f"test has shape {_written(mask.shape)} and holds {mask.dtype} values; expected ({rows},), "
            "True for each test sample and False for each training sample"
        )
    return mask.astype(np.bool_)


def probabilities_of(values: Values, rows: int, num_classes: int) -> Floats:
    """Return the probabilities of the classes, (n, K): no row is negative, each adds up to 1."""
    matrix = finite("probabilities", values, rows, num_classes)
    off = (matrix < 0).any(axis=1) | (np.abs(matrix.sum(axis=1) - 1) > SUM_TOLERANCE)
    _refuse_rows("probabilities", off, "do not add up to 1, or are negative: are they logits, without a softmax")
    return matrix


def thumbnails_of(values: Values, rows: int, kept: NDArray[np.int64]) -> NDArray[np.uint8]:
    """Return the kept images as (N, C, h, w), 255 is white, scaled down to at most THUMBNAIL pixels.

    Args:
        values: (n, H, W), (n, H, W, C) or (n, C, H, W) with 1 or 3 channels; uint8, or floats from 0 to 1.
        rows: n.
        kept: (N,) which of them.
    """
    array = as_array("images", values)
    if array.ndim == 4 and array.shape[1] not in (1, 3) and array.shape[3] in (1, 3):
        array = array.transpose(0, 3, 1, 2)
    channels_first = array[:, None] if array.ndim == 3 else array
    if channels_first.ndim != 4 or len(array) != rows or channels_first.shape[1] not in (1, 3) or not array.size:
        raise RecordError(
            f"images has shape {_written(array.shape)}; expected ({rows}, H, W), ({rows}, H, W, C) or "
            f"({rows}, C, H, W), with 1 or 3 channels"
        )
    return np.stack([_thumbnail(channels_first[row], row) for row in kept])


def _thumbnail(image: NDArray[Any], row: np.int64) -> NDArray[np.uint8]:
    """Return one image, (C, H, W), in 8 bits and scaled down."""
    if image.dtype.kind == "f":
        low, high = float(image.min()), float(image.max())
        if not (low >= 0 and high <= 1):
            raise RecordError(f"image {row} runs from {low:g} to {high:g}; expected floats from 0 to 1, or uint8")
        image = np.rint(image * 255).astype(np.uint8)
    if image.dtype != np.uint8:
        raise RecordError(f"images holds {image.dtype} values; expected uint8, or floats from 0 to 1")
    height, width = image.shape[1:]
    longest = max(height, width)
    if longest <= THUMBNAIL:
        return image
    size = max(1, round(width * THUMBNAIL / longest)), max(1, round(height * THUMBNAIL / longest))
    planes = (Image.fromarray(plane).resize(size, Image.Resampling.BILINEAR) for plane in np.ascontiguousarray(image))
    return np.stack([np.asarray(plane) for plane in planes])


def _names(values: Sequence[str] | ArrayLike) -> tuple[str, ...]:
    array = as_array("class_names", values)
    if array.ndim != 1 or array.dtype.kind != "U":
        raise RecordError(
            f"class_names has shape {_written(array.shape)} and holds {array.dtype} values; expected (K,) of text"
        )
    return tuple(str(name) for name in array)


def _refuse_rows(name: str, wrong: ArrayLike, why: str) -> None:
    rows = np.asarray(wrong)
    if rows.any():
        raise RecordError(f"{rows.sum():,} of {len(rows):,} rows of {name} {why}; the first is row {rows.argmax()}")


def _written(shape: Sequence[int | str]) -> str:
    return f"({', '.join(map(str, shape))}{',' if len(shape) == 1 else ''})"
