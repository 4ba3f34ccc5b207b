"""A run's geometry, small: a dot for each pair of classes on an axis of degrees."""

import numpy as np
from numpy.typing import NDArray

from app.palette import GROUPS, NEUTRAL

WIDTH, HEIGHT, MARGIN = 320, 84, 12  # pixels
FLOOR = HEIGHT - 20
TOP = 150.0  # degrees at the right end
MARKS = (0, 30, 60, 90, 120, 150)
MOST_DOTS = 500
GOLDEN = 0.6180339887498949  # its multiples, modulo 1, fill a line evenly


def angle_thumbnail(angles: NDArray[np.float64], is_tail: NDArray[np.bool_], ideal: float) -> str:
    """Return an SVG of angles between classes in degrees, (P,), those between rare classes in orange.

    Of more than MOST_DOTS pairs every n-th is drawn. The dashed line is `ideal`. Height within the band means nothing.
    """
    every = max(1, -(-len(angles) // MOST_DOTS))
    dots = [
        _dot(_x(float(angles[place])), place, tail=tail)
        for tail in (False, True)  # the rare ones on top
        for place in np.flatnonzero(is_tail == tail)[::every]
    ]
    parts = [
        _line(MARGIN, FLOOR, WIDTH - MARGIN, FLOOR),
        *(_mark(degrees) for degrees in MARKS),
        _line(_x(ideal), 4, _x(ideal), FLOOR, ' stroke-dasharray="4 3"'),
        *dots,
    ]
    size = f'viewBox="0 0 {WIDTH} {HEIGHT}" width="{WIDTH}" height="{HEIGHT}"'
    return f'<svg xmlns="http://www.w3.org/2000/svg" {size}>{"".join(parts)}</svg>'


def _line(x1: float, y1: float, x2: float, y2: float, dashes: str = "") -> str:
    return f'<line x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}" stroke="{NEUTRAL}"{dashes}/>'


def _mark(degrees: int) -> str:
    return (
        f'<text x="{_x(degrees):.1f}" y="{HEIGHT - 5}" font-size="11" text-anchor="middle" fill="{NEUTRAL}" '
        f'font-family="system-ui, sans-serif">{degrees}°</text>'
    )


def _dot(x: float, place: int, *, tail: bool) -> str:
    colour, radius, opacity = (GROUPS["few"], 5, 0.95) if tail else (NEUTRAL, 3, 0.55)
    y = 10 + (FLOOR - 20) * ((0.5 + place * GOLDEN) % 1)
    return f'<circle cx="{x:.1f}" cy="{y:.1f}" r="{radius}" fill="{colour}" fill-opacity="{opacity}"/>'


def _x(degrees: float) -> float:
    return MARGIN + (WIDTH - 2 * MARGIN) * min(degrees, TOP) / TOP
