"""The sphere lab: free points of a few classes under two losses, in the browser alone."""

from collections.abc import Mapping
from typing import Any

from app import palette
from app.components import register
from bcl_core.geometry.configuration import Anchors
from bcl_core.registry import LOSSES

CLASSES = 8
SQUARE = ("scl", "class-averaging", "class-complement", "bcl")
ANCHORS: Mapping[str, Anchors] = {"": "instance", "-class": "class"}
VARIANTS = {name + suffix: (name, anchors) for name in SQUARE for suffix, anchors in ANCHORS.items()}
"""The losses of the lab, by their names: which corner of the square, and with which anchors."""

INTRODUCTION = (
    "Every dot is an image that may move freely, and only the loss moves it: batch by batch, images of one class pull "
    "on each other and those of different classes push. Class A has many images, D next to none. How far apart do C "
    "and D come to stand, the two rarest?"
)

_mount = register("sphere", html='<div class="bcl-sphere"></div>')


def sphere(prefix: str, *, key: str) -> None:
    """Show the lab. `prefix` is where its predictions can be asked for, relative to the page."""
    _mount(key=key, data=told(prefix))


def told(prefix: str) -> dict[str, Any]:
    """Return what Python alone knows, ready for JSON: colours, and what losses are called."""
    return {
        "prefix": prefix,
        "classes": palette.class_colours(CLASSES),
        "tail": palette.GROUPS["tail"],
        "neutral": palette.NEUTRAL,
        "losses": {variant: _loss(variant) for variant in VARIANTS},
    }


def _loss(variant: str) -> dict[str, str]:
    name, anchors = VARIANTS[variant]
    title = LOSSES[name].title + (", class anchors" if anchors == "class" else "")
    return {"title": title, **palette.loss_style(variant)._asdict()}
