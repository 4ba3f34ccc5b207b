"""Where random resized crops lie: plain numpy, for decoding processes and for images in memory alike."""

import numpy as np
from numpy.typing import NDArray

TRIES = 10
ASPECTS = (3 / 4, 4 / 3)  # least and greatest ratio of width to height


def crop_boxes(
    widths: NDArray[np.integer], heights: NDArray[np.integer], uniforms: NDArray[np.floating], area: tuple[float, float]
) -> NDArray[np.int64]:
    """Turn uniform numbers into random resized crops (Szegedy et al. 2015), by the rules of torchvision.

    A try draws the crop's share of the image's area, and its aspect ratio on a logarithmic scale. The first try whose
    crop fits into the image counts; where none does, the crop is the largest central one with an allowed aspect ratio.

    Args:
        widths: (n,) of the images, in pixels.
        heights: (n,)
        uniforms: (n, TRIES, 4) numbers in [0, 1): area, aspect ratio, left and top edge of each try.
        area: least and greatest share of the image's area, in (0, 1].

    Returns:
        (n, 4) left, top, width, height in pixels; every crop lies within its image and has a pixel or more.
    """
    outer = np.stack([widths, heights], axis=1)  # (n, 2), as every size here: width, height
    shares, aspects, places = uniforms[..., 0], uniforms[..., 1], uniforms[..., 2:]
    areas = outer.prod(axis=1)[:, None] * (area[0] + shares * (area[1] - area[0]))
    narrowest, widest = np.log(ASPECTS)
    ratios = np.exp(narrowest + aspects * (widest - narrowest))
    sizes = np.rint(np.sqrt(np.stack([areas * ratios, areas / ratios], axis=2)))  # (n, TRIES, 2)
    fits = ((sizes > 0) & (sizes <= outer[:, None])).all(axis=2)
    first = np.arange(len(outer)), fits.argmax(axis=1)
    drawn = np.hstack([np.floor(places[first] * (outer - sizes[first] + 1)), sizes[first]])
    return np.where(fits.any(axis=1)[:, None], drawn, _largest_central(outer)).astype(np.int64)


def _largest_central(outer: NDArray[np.integer]) -> NDArray[np.floating]:
    """Return (n, 4) left, top, width, height of the largest central crops with an allowed aspect ratio."""
    width, height = outer.T
    size = np.minimum(outer, np.rint(np.stack([height * ASPECTS[1], width / ASPECTS[0]], axis=1)))
    return np.hstack([(outer - size) // 2, size])
