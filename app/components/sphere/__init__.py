"""The sphere lab: free points of a few classes under two losses, in the browser alone."""

from collections.abc import Mapping
from typing import Any

from app import palette
from bcl_core.geometry.configuration import Anchors
from bcl_core.registry import LOSSES

CLASSES = 8
SQUARE = ("scl", "class-averaging", "class-complement", "bcl")
ANCHORS: Mapping[str, Anchors] = {"": "instance", "-class": "class"}
VARIANTS = {name + suffix: (name, anchors) for name in SQUARE for suffix, anchors in ANCHORS.items()}
"""The losses of the lab, by their names: which corner of the square, and with which anchors."""


def told(prefix: str | None) -> dict[str, Any]:
    """Return what Python alone knows, ready for JSON: colours, and the losses' lines.

    `prefix` is where predictions can be asked for, relative to the page; None: nowhere. Who shows the lab puts in the
    `words` of a language, which `app.lessons` has.
    """
    return {
        "prefix": prefix,
        "classes": palette.class_colours(CLASSES),
        "tail": palette.GROUPS["tail"],
        "neutral": palette.NEUTRAL,
        "losses": {variant: palette.loss_style(variant)._asdict() for variant in VARIANTS},
    }


def titles() -> dict[str, str]:
    """Return what the losses are called in the app."""
    return {
        variant: LOSSES[name].title + (", class anchors" if anchors == "class" else "")
        for variant, (name, anchors) in VARIANTS.items()
    }
