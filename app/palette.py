"""Colour, in one place. Every line colour has a contrast of at least 3 : 1 on white and on the dark background."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

DARK_BACKGROUND = "#11141B"
NEUTRAL = "#858B96"
"""Reference lines, rays, footnotes: what is there to be compared with."""


class LineStyle(NamedTuple):
    """Colour and dash (Plotly's names) of a line, so that a loss is known without its colour too."""

    colour: str
    dash: str


_LOSSES = {
    "scl": LineStyle("#8457C9", "dash"),
    "class-averaging": LineStyle("#0E97A3", "dashdot"),
    "class-complement": LineStyle("#C2457F", "dashdot"),
    "bcl": LineStyle("#1E6FD9", "solid"),
    "bcl-class": LineStyle("#1E9160", "longdash"),
    "proco": LineStyle("#0E8A96", "dash"),
    "ntce": LineStyle("#C0504A", "dash"),
    "nonl": LineStyle("#A8568F", "dash"),
    "ce": LineStyle("#64748B", "dot"),
    "ce-la": LineStyle("#7D8118", "longdashdot"),
}
_UNNAMED = LineStyle(NEUTRAL, "solid")
_PROTOTYPES = {"-simplex": "dot", "-means": "longdashdot"}


def loss_style(variant: str) -> LineStyle:
    """Return the line style of a loss variant (`Recipe.variant`).

    Class anchors keep their loss's colour and take a long dash, but for "bcl-class", which has a colour of its own;
    so do prototypes that are not learned, with a dash for each kind. A variant that is not known is drawn in neutral
    grey.
    """
    if variant in _LOSSES:
        return _LOSSES[variant]
    for suffix, dash in _PROTOTYPES.items():
        if variant.endswith(suffix):
            return LineStyle(loss_style(variant.removesuffix(suffix)).colour, dash)
    base = _LOSSES.get(variant.removesuffix("-class"), _UNNAMED)
    return LineStyle(base.colour, "longdash") if variant.endswith("-class") else base


_PIXELS = {
    "solid": (1, 0),
    "dash": (7, 4),
    "longdash": (11, 4),
    "dot": (2, 4),
    "dashdot": (7, 3, 2, 3),
    "longdashdot": (11, 3, 2, 3),
}
_PARTED = (20, 3)  # a solid line that dots part


def pixels(dash: str) -> tuple[int, ...]:
    """Return how much of a line is drawn and left out by turns, by Plotly's name of a dash or its own pixels."""
    return _PIXELS.get(dash) or tuple(int(length.removesuffix("px")) for length in dash.split(","))


def line_styles(variants: Sequence[str]) -> list[LineStyle]:
    """Return the line styles of runs shown together: those of their losses, no two alike.

    A run of a loss that another one has already keeps its colour and its dash, parted by dots: one, two, three …
    """
    styles = [loss_style(variant) for variant in variants]
    before = [styles[:place].count(style) for place, style in enumerate(styles)]
    return [_dotted(style, dots) if dots else style for style, dots in zip(styles, before, strict=True)]


def _dotted(style: LineStyle, dots: int) -> LineStyle:
    usual = _PARTED if style.dash == "solid" else pixels(style.dash)
    lengths = [*usual, *[2, 3] * (dots - 1), 2, 6]
    return style._replace(dash=",".join(f"{length}px" for length in lengths))


GROUPS = {"head": "#5F7391", "medium": NEUTRAL, "tail": "#D9730D"}
"""The most frequent three tenths of the classes, the rest, and the rarest three tenths: slate, grey, orange.

Nothing else is orange, or near it: where the tail is on the screen, its colour means nothing else.
"""

SHOTS = {"many": "#2E7D8C", "medium": NEUTRAL, "few": "#B0479B"}
"""Classes with more than 100 training images, 20 to 100, and fewer than 20: teal, grey, magenta. These are not the
groups above: where all classes are small, the head's are "few" as well."""

# Ten colours found by annealing for the largest smallest OKLab distance between any two, as seen with normal vision,
# deuteranopia and protanopia (Machado et al. 2009), at a contrast of 2.5 : 1 or more on both backgrounds and away from
# the tail's orange.
_CLASSES = (
    "#2856BA",
    "#09B869",
    "#30ABEB",
    "#0C6737",
    "#AF697A",
    "#807908",
    "#8E6DE1",
    "#7005FF",
    "#9C2E84",
    "#EE76BA",
)
_HEAD_TO_TAIL = ("#2856BA", "#7A6FC4", "#B3699B", "#D9730D")


def class_colours(num_classes: int) -> list[str]:
    """Return one colour a class: up to ten distinct ones, more run from blue to orange; see `colours_of`."""
    if num_classes <= len(_CLASSES):
        return list(_CLASSES[:num_classes])
    anchors = np.array([_rgb(colour) for colour in _HEAD_TO_TAIL])
    at = np.linspace(0, len(anchors) - 1, num_classes)
    channels = [np.interp(at, np.arange(len(anchors)), channel).round().astype(int) for channel in anchors.T]
    return [f"#{red:02X}{green:02X}{blue:02X}" for red, green, blue in zip(*channels, strict=True)]


def colours_of(class_counts: Sequence[int]) -> list[str]:
    """Return one colour a class, in the order of the classes: the same class has the same colour in every figure.

    More than ten classes cannot be told apart by colour, so colour then says where in the tail a class is: from blue,
    the most frequent, to orange, the rarest, whatever the order of the classes.
    """
    colours = class_colours(len(class_counts))
    if len(class_counts) <= len(_CLASSES):
        return colours
    ranks = np.argsort(np.argsort(-np.asarray(class_counts), kind="stable"))
    return [colours[rank] for rank in ranks]


ColourScale = Sequence[tuple[float, str]]

DEVIATION: ColourScale = (
    (0.0, "#8E1330"),
    (0.25, "#D9607A"),
    (0.5, "#EDECE8"),
    (0.75, "#5C97DE"),
    (1.0, "#123E86"),
)
"""Signed deviation of an angle: red is too close, blue too far apart."""


def _rgb(colour: str) -> tuple[int, int, int]:
    return int(colour[1:3], 16), int(colour[3:5], 16), int(colour[5:7], 16)
