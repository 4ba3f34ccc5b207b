"""Image files as pixels: every common format becomes upright RGB with 8 bits a channel."""

import io
import os
import stat
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import ExifTags, Image, ImageOps, UnidentifiedImageError

from bcl_core.data.source import DataError

# Named one by one: Pillow would hand a file that claims to be EPS to Ghostscript.
FORMATS = ("JPEG", "PNG", "WEBP", "TIFF", "BMP", "GIF", "PPM", "JPEG2000", "AVIF")
# HEIC is named here and not above: it cannot be read, and a folder that holds some should say so.
SUFFIXES = (
    *(".jpg", ".jpeg", ".jpe", ".jfif", ".png", ".webp", ".tif", ".tiff", ".bmp", ".gif"),
    *(".ppm", ".pgm", ".pbm", ".pnm", ".jp2", ".avif", ".heic", ".heif"),
)
MAX_THREADS = 8
CHUNK = 16  # images a thread takes at a time
WITH_ALPHA = ("RGBA", "RGBa", "LA", "La", "PA")

Image.init()  # Pillow's own lazy start is not safe among threads
READABLE = [name for name in FORMATS if name in Image.OPEN]  # AVIF is not in every build


class ImageError(DataError):
    """One image cannot be read. `reason` goes on where its name ends."""

    def __init__(self, name: str, reason: str) -> None:
        super().__init__(f"{name} {reason}")
        self.reason = reason


class SizeError(ImageError):
    """One image has another size than the first, and no common size was asked for."""


def decode(file: Path | bytes, size: int | None) -> NDArray[np.uint8]:
    """Read an image.

    Args:
        file: its path or its bytes. See `opened` for what is done to each kind.
        size: the shorter side is scaled to it, with antialiasing, and the centre cropped; None: as it is.

    Returns:
        (3, size, size) pixels, or (3, H, W) where size is None; 255 is white.

    Raises:
        ImageError: the file is empty, cut short, not an image, too large to be one, or may not be read; names it.
    """
    # Twice the size leaves the antialiasing enough to work with.
    image = opened(file, at_least=None if size is None else 2 * size)
    return channels_first(image) if size is None else centred(image, size)


def opened(file: Path | bytes, at_least: int | None = None) -> Image.Image:
    """Read an image as upright RGB.

    Grey becomes three equal channels; 16 bits are scaled to 8; transparent pixels show white, as on a page of paper;
    a JPEG's orientation (EXIF) is carried out; of an animation the first picture is taken.

    Args:
        file: path or bytes.
        at_least: a JPEG may be decoded at a half, a quarter or an eighth as long as neither side gets smaller.

    Raises:
        ImageError: as `decode`.
    """
    with _open(file) as image:
        if at_least is not None:
            image.draft(None, (at_least, at_least))
        ImageOps.exif_transpose(image, in_place=True)
        return _rgb(image)


def centred(image: Image.Image, size: int) -> NDArray[np.uint8]:
    """Scale the shorter side to `size` and crop the centre: (3, size, size)."""
    return channels_first(ImageOps.fit(image, (size, size), Image.Resampling.BILINEAR))


def shape(file: Path | bytes) -> tuple[int, int]:
    """Return (H, W) of the upright image from its header alone; ImageError where it has none."""
    with _open(file) as image:
        exif = Image.Image.getexif(image)  # a PNG's own would decode it first
        turned = exif.get(ExifTags.Base.Orientation) in (5, 6, 7, 8)
        return image.size if turned else (image.height, image.width)


def unreadable(files: Sequence[Path | bytes], report: Callable[[str], None] = lambda _: None) -> dict[int, ImageError]:
    """Return which of the files have no image's header, by position. A file that is cut short later on passes."""
    return _failures(lambda i: shape(files[i]), len(files), "Looking at images", report)


def decode_many(
    files: Sequence[Path | bytes], size: int | None, report: Callable[[str], None] = lambda _: None
) -> tuple[NDArray[np.uint8], dict[int, ImageError]]:
    """Read many images on all cores; Pillow frees the interpreter while it decodes.

    Args:
        files: n paths or bytes.
        size: as in `decode`; None: every image must have the size of the first that can be read.
        report: is told about once a second how far it is.

    Returns:
        (n, 3, H, W) pixels, and the positions of the images that cannot be read with why, or why they do not fit
        (`SizeError`). Their pixels are black.
    """
    frame = _first_shape(files) if size is None else (size, size)
    images = np.zeros((len(files), 3, *frame), np.uint8)

    def read(i: int) -> None:
        image = decode(files[i], size)
        if image.shape[1:] != frame:
            reason = f"is {_size(image.shape[1:])} pixels and the first is {_size(frame)}: set data.image_size"
            raise SizeError(_name(files[i]), reason)
        images[i] = image

    return images, _failures(read, len(files), "Reading images", report)


def _failures(
    read: Callable[[int], object], count: int, doing: str, report: Callable[[str], None]
) -> dict[int, ImageError]:
    """Read all, on threads, and return what went wrong, by position."""

    def attempt(positions: range) -> dict[int, ImageError]:
        wrong = {}
        for i in positions:
            try:
                read(i)
            except ImageError as error:
                wrong[i] = error
        return wrong

    failures: dict[int, ImageError] = {}
    reported = time.monotonic()
    chunks = [range(start, min(start + CHUNK, count)) for start in range(0, count, CHUNK)]
    pool = ThreadPoolExecutor(min(os.cpu_count() or 1, MAX_THREADS))
    try:
        for positions, wrong in zip(chunks, pool.map(attempt, chunks), strict=True):
            failures |= wrong
            if time.monotonic() - reported >= 1:
                reported = time.monotonic()
                report(f"{doing}: {positions.stop:,} of {count:,}")
    finally:
        pool.shutdown(wait=False, cancel_futures=True)  # an interrupt waits for nothing: a drive may be dead
    return failures


def _first_shape(files: Sequence[Path | bytes]) -> tuple[int, int]:
    for file in files:
        try:
            image = decode(file, None)
        except ImageError:
            continue
        return image.shape[1], image.shape[2]
    return 0, 0


@contextmanager
def _open(file: Path | bytes) -> Iterator[Image.Image]:
    try:
        if isinstance(file, Path) and not stat.S_ISREG(file.stat().st_mode):  # a pipe would be waited for
            raise ImageError(str(file), "is a folder, pipe or device; expected a file")
        with Image.open(io.BytesIO(file) if isinstance(file, bytes) else file, formats=READABLE) as image:
            yield image
    except ImageError:
        raise
    except Exception as error:  # on damaged files Pillow's decoders raise nearly anything
        raise ImageError(_name(file), _reason(file, error)) from error


def _rgb(image: Image.Image) -> Image.Image:
    if image.mode.startswith("I"):
        pixels = np.asarray(image)
        if pixels.min() < 0 or pixels.max() > 65_535:
            raise ValueError("its pixels have 32 bits; expected 8 or 16")
        return Image.fromarray(np.rint(pixels / 257).astype(np.uint8)).convert("RGB")
    if image.mode == "F":
        raise ValueError("its pixels are floating-point numbers; expected 8 or 16 bits")
    if image.mode in WITH_ALPHA or "transparency" in image.info:
        paper = Image.new("RGBA", image.size, "white")
        paper.alpha_composite(image.convert("RGBA"))
        return paper.convert("RGB")
    return image.convert("RGB")


def _name(file: Path | bytes) -> str:
    return str(file) if isinstance(file, Path) else "the image"


def _reason(file: Path | bytes, error: Exception) -> str:
    if isinstance(error, UnidentifiedImageError):
        length = file.stat().st_size if isinstance(file, Path) else len(file)
        if length == 0:
            return "is empty; expected an image"
        return "is not an image; expected JPEG, PNG, WebP, TIFF, BMP, GIF or PPM"
    if isinstance(error, OSError) and error.strerror:
        return f"cannot be opened: {error.strerror}"
    return f"cannot be decoded: {error or type(error).__name__}"


def channels_first(image: Image.Image) -> NDArray[np.uint8]:
    """Return the pixels, (C, H, W)."""
    return np.ascontiguousarray(np.asarray(image).transpose(2, 0, 1))


def _size(frame: tuple[int, ...]) -> str:
    return f"{frame[1]}×{frame[0]}"
