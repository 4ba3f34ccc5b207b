"""Images side by side in one picture."""

import io
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from PIL import Image

GAP = 2  # pixels between neighbours


def sheet(rows: Sequence[NDArray[np.uint8]], *, columns: int, pixel_max: int, pixels: int) -> bytes:
    """Lay rows of images, (≤ columns, C, H, W) each, out in square tiles `pixels` wide, as a PNG.

    Small images are enlarged by a whole factor, so that their own pixels stay visible. Empty tiles are transparent.
    """
    pitch = pixels + GAP
    picture = Image.new("RGBA", (columns * pitch, len(rows) * pitch))
    for row, images in enumerate(rows):
        for column, image in enumerate(images[:columns]):
            tile = _tile(image, pixel_max, pixels)
            margins = (pixels - tile.width) // 2, (pixels - tile.height) // 2
            picture.paste(tile, (column * pitch + margins[0], row * pitch + margins[1]))
    buffer = io.BytesIO()
    picture.save(buffer, "PNG")
    return buffer.getvalue()


def _tile(image: NDArray[np.uint8], pixel_max: int, pixels: int) -> Image.Image:
    bright = (image.astype(np.uint16) * 255 // pixel_max).astype(np.uint8).transpose(1, 2, 0)
    tile = Image.fromarray(bright[..., 0] if len(image) == 1 else bright)
    if (factor := pixels // max(tile.size)) >= 1:
        return tile.resize((tile.width * factor, tile.height * factor), Image.Resampling.NEAREST)
    tile.thumbnail((pixels, pixels))
    return tile
