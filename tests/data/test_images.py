"""Every kind of image file becomes upright 8-bit RGB, or an error that names it."""

import struct
import zlib
from pathlib import Path
from unittest.mock import patch

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import ExifTags, Image

from bcl_core.data import images
from bcl_core.data.images import ImageError, SizeError, decode, decode_many, opened, shape, unreadable
from tests.data.small_images import encoded, picture, save

RAMP = np.arange(256, dtype=np.uint8).reshape(16, 16)


def first_pixel(data):
    return decode(data, None)[:, 0, 0].tolist()


def test_an_rgb_image_keeps_every_pixel():
    image = picture(0, (7, 5))
    np.testing.assert_array_equal(decode(encoded(image), None), np.asarray(image).transpose(2, 0, 1))


@pytest.mark.parametrize("kind", ["PNG", "TIFF", "BMP", "GIF", "PPM"])
def test_grey_becomes_three_equal_channels(kind):
    np.testing.assert_array_equal(decode(encoded(Image.fromarray(RAMP), kind), None), np.stack([RAMP] * 3))


def test_a_bitmap_is_black_and_white():
    assert set(decode(encoded(Image.fromarray(RAMP > 100)), None).ravel().tolist()) == {0, 255}


def test_a_palette_gives_its_colours():
    image = Image.fromarray(np.array([[0, 1]], dtype=np.uint8), "P")
    image.putpalette([250, 10, 20, 1, 2, 3])
    np.testing.assert_array_equal(decode(encoded(image), None)[:, 0], [[250, 1], [10, 2], [20, 3]])


def test_what_is_transparent_shows_white_paper():
    half_red = Image.new("RGBA", (2, 2), (255, 0, 0, 128))
    clear_black = Image.new("RGBA", (2, 2), (0, 0, 0, 0))
    clear_grey = Image.new("LA", (2, 2), (90, 0))
    palette = Image.new("P", (2, 2), 0)
    palette.putpalette([9, 9, 9])
    assert first_pixel(encoded(half_red)) == [255, 127, 127]
    assert first_pixel(encoded(clear_black)) == [255, 255, 255]
    assert first_pixel(encoded(clear_grey)) == [255, 255, 255]
    assert first_pixel(encoded(palette, transparency=0)) == [255, 255, 255]
    assert first_pixel(encoded(Image.new("RGB", (2, 2), (5, 6, 7)), transparency=(5, 6, 7))) == [255, 255, 255]


@pytest.mark.parametrize("kind", ["PNG", "TIFF"])
def test_16_bits_are_scaled_and_not_clipped(kind):
    deep = np.linspace(0, 65_535, 256).astype(np.uint16).reshape(16, 16)
    np.testing.assert_allclose(decode(encoded(Image.fromarray(deep), kind), None)[1], deep / 257.0, atol=0.5)


def test_16_bits_of_either_byte_order_read_the_same():
    deep = np.linspace(0, 65_535, 256).astype(">u2").reshape(16, 16)
    big = Image.frombytes("I;16B", (16, 16), deep.tobytes())
    np.testing.assert_allclose(decode(encoded(big, "TIFF"), None)[0], deep / 257.0, atol=0.5)


@pytest.mark.parametrize("mode", ["F", "I"])
def test_pixels_without_a_known_white_are_refused(mode):
    image = Image.fromarray(np.full((4, 4), 70_000, dtype=np.float32 if mode == "F" else np.int32))
    with pytest.raises(ImageError, match="expected 8 or 16"):
        decode(encoded(image, "TIFF"), None)


@pytest.mark.parametrize("kind", ["JPEG", "TIFF"])
def test_printing_inks_become_the_colours_they_print(kind):
    for ink, colour in (((0, 255, 255, 0), (255, 0, 0)), ((0, 0, 0, 255), (0, 0, 0)), ((0, 0, 0, 0), (255, 255, 255))):
        np.testing.assert_allclose(first_pixel(encoded(Image.new("CMYK", (16, 16), ink), kind)), colour, atol=3)


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("size", [None, 4])
def test_a_turned_photograph_is_put_upright(orientation, size):
    upright = np.asarray(picture(1, (10, 6)))
    as_stored = {
        1: upright,
        2: upright[:, ::-1],
        3: upright[::-1, ::-1],
        4: upright[::-1],
        5: upright.transpose(1, 0, 2),
        6: np.rot90(upright, 1),
        7: upright[::-1, ::-1].transpose(1, 0, 2),
        8: np.rot90(upright, -1),
    }[orientation]
    exif = Image.Exif()
    exif[ExifTags.Base.Orientation] = orientation
    stored = encoded(Image.fromarray(np.ascontiguousarray(as_stored)), exif=exif)
    expected = decode(encoded(Image.fromarray(upright)), size)
    np.testing.assert_allclose(decode(stored, size).astype(int), expected, atol=1)
    assert shape(stored) == (6, 10)


def slow_resize(line, start, length, size):
    """Antialiased linear interpolation of one line of pixels, written from its definition."""
    scale = length / size
    reach = max(scale, 1.0)
    out = []
    for k in range(size):
        centre = start + (k + 0.5) * scale
        weights = np.maximum(0.0, 1 - np.abs((np.arange(len(line)) + 0.5 - centre) / reach))
        out.append((weights * line).sum() / weights.sum())
    return np.array(out)


@pytest.mark.parametrize(("width", "height"), [(40, 24), (17, 40), (9, 9), (5, 6)])
def test_a_size_scales_the_shorter_side_and_crops_the_centre(width, height):
    image, size = picture(2, (width, height)), 9
    side = min(width, height)
    channel = np.asarray(image)[..., 1].astype(float)
    rows = np.stack([slow_resize(row, (width - side) / 2, side, size) for row in channel])
    expected = np.stack([slow_resize(column, (height - side) / 2, side, size) for column in rows.T]).T
    decoded = decode(encoded(image), size)
    assert decoded.shape == (3, size, size)
    np.testing.assert_allclose(decoded[1], expected, atol=1.5)


def test_a_large_jpeg_decoded_small_looks_like_itself():
    photograph = picture(3, (12, 9)).resize((640, 480), Image.Resampling.BICUBIC)
    small = decode(encoded(photograph, "JPEG", quality=95), 32)
    assert opened(encoded(photograph, "JPEG"), at_least=64).size == (160, 120)
    reference = decode(encoded(photograph), 32)
    assert np.abs(small.astype(int) - reference).mean() < 2


def png_that_claims(width, height):
    def chunk(name, content):
        return struct.pack(">I", len(content)) + name + content + struct.pack(">I", zlib.crc32(name + content))

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(b"\0" * 100))


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "is empty"),
        (b"a letter, not a picture", "is not an image"),
        (encoded(picture(0), "JPEG")[:400], "cannot be decoded"),
        (encoded(picture(0, (60, 60)))[:-200], "cannot be decoded"),
        (png_that_claims(60_000, 60_000), "exceeds limit"),
        (b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n%%EndComments\nshowpage\n", "is not an image"),
    ],
    ids=["empty", "text", "cut-jpeg", "cut-png", "bomb", "program"],
)
def test_what_is_no_whole_image_is_an_error_that_names_the_file(tmp_path, content, words):
    file = tmp_path / "holiday.jpg"
    file.write_bytes(content)
    with pytest.raises(ImageError, match=f"holiday.jpg .*{words}"):
        decode(file, 8)


def test_missing_files_folders_and_forbidden_files_say_what_they_are(tmp_path, monkeypatch):
    with pytest.raises(ImageError, match=r"gone\.png cannot be opened: No such file"):
        decode(tmp_path / "gone.png", None)
    with pytest.raises(ImageError, match="is a folder, pipe or device; expected a file"):
        decode(tmp_path, None)

    def forbidden(*_, **__):
        raise PermissionError(13, "Permission denied")

    (tmp_path / "secret.png").touch()
    monkeypatch.setattr(images.Image, "open", forbidden)
    with pytest.raises(ImageError, match=r"secret\.png cannot be opened: Permission denied"):
        decode(tmp_path / "secret.png", None)


@pytest.mark.filterwarnings("ignore")
@settings(deadline=None)
@given(st.data())
def test_damage_anywhere_gives_an_image_or_an_image_error(data):
    kind = data.draw(st.sampled_from(["JPEG", "PNG", "GIF", "TIFF", "WEBP"]))
    content = bytearray(encoded(picture(4), kind))
    for _ in range(data.draw(st.integers(1, 4))):
        content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    with patch.object(Image, "MAX_IMAGE_PIXELS", 10_000):
        try:
            assert decode(bytes(content), 8).shape == (3, 8, 8)
        except ImageError as error:
            assert error.reason


def test_many_images_come_in_order_and_the_broken_ones_with_their_position(tmp_path):
    files = [save(tmp_path / f"{i}.png", i, (12, 10 + i)) for i in range(20)]
    files[7].write_bytes(b"broken")
    pixels, failures = decode_many(files, 8)
    assert list(failures) == [7]
    assert "7.png" in str(failures[7])
    assert not pixels[7].any()
    for i in set(range(20)) - {7}:
        np.testing.assert_array_equal(pixels[i], decode(files[i], 8))


def test_without_a_size_all_images_must_have_the_first_ones(tmp_path):
    files: list[Path | bytes] = [b"broken", encoded(picture(0, (12, 10))), save(tmp_path / "wide.png", 1, (20, 10))]
    pixels, failures = decode_many(files, None)
    assert pixels.shape == (3, 3, 10, 12)
    assert isinstance(failures[2], SizeError)
    assert str(failures[2]).endswith(r"wide.png is 20×10 pixels and the first is 12×10: set data.image_size")


def test_a_long_wait_is_told_of(monkeypatch):
    clock = iter(range(1000))
    monkeypatch.setattr(images.time, "monotonic", lambda: next(clock))
    monkeypatch.setattr(images, "CHUNK", 2)
    told = []
    decode_many([encoded(picture(i)) for i in range(5)], 8, told.append)
    assert told == ["Reading images: 2 of 5", "Reading images: 4 of 5", "Reading images: 5 of 5"]


def test_headers_tell_images_from_other_files_without_decoding():
    cut_short = encoded(picture(0, (60, 60)))[:200]
    assert list(unreadable([encoded(picture(0)), b"text", cut_short])) == [1]
