"""What all figures share: margins, type sizes, titles, and how a class is named.

Figures carry no colour of text, grid or background: `live_plot` gives them the reader's theme.
"""

from collections.abc import Sequence
from typing import Any
from zlib import crc32

import numpy as np
import plotly.graph_objects as go

TEXT_SIZE = 14
SMALL_TEXT_SIZE = 12
PRINTED_CLASSES = 10
"""Up to this many classes, values are printed beside their marks."""

_TITLE_SIZE = 17
_SHORT_TITLE = 34  # characters that fit into a third of a page
_LEGIBLE_TICKS = 12


def figure(*, kind: str, title: str | None, description: str, subtitle: str | None = None) -> go.Figure:
    """Return an empty figure.

    `kind` is the `uirevision`: while it stays the same, zoom, camera and hidden traces outlive an update.
    `description` is one sentence for those who listen to the page; `subtitle` says how to read the picture.
    """
    axis = {"title": {"font": {"size": TEXT_SIZE}, "standoff": 8}, "tickfont": {"size": SMALL_TEXT_SIZE + 1}}
    layout: dict[str, Any] = {
        "template": {},
        "uirevision": kind,
        "meta": {"description": description},
        "font": {"size": TEXT_SIZE},
        "margin": {"l": 56, "r": 12, "t": 12, "b": 48},
        "hoverlabel": {"font": {"size": TEXT_SIZE}, "align": "left"},
        "xaxis": axis,
        "yaxis": axis,
    }
    lines = [line for line in (title, subtitle and _small(subtitle)) if line]
    if lines:
        layout["margin"]["t"] = 24 + 20 * len(lines)
        layout["title"] = {
            "text": "<br>".join(lines),
            "font": {"size": _TITLE_SIZE if len(title or "") <= _SHORT_TITLE else TEXT_SIZE, "weight": 600},
            "x": 0,
            "xanchor": "left",
            "y": 1,
            "yanchor": "top",
            "pad": {"t": 8 if len(lines) == 1 else 24},  # Plotly hangs a second line above the anchor
        }
    return go.Figure(layout=layout)  # at once: updates of a figure cost milliseconds each


def size_of(figure: go.Figure) -> int:
    """Return about how many bytes a figure takes: its arrays, and something for all else."""
    values = [value for trace in figure.data for value in trace.to_plotly_json().values()]
    arrays = sum(value.nbytes for value in values if isinstance(value, np.ndarray))
    return 20_000 + arrays + sum(60 * len(value) for value in values if isinstance(value, list | tuple))


def uid(name: str) -> str:
    """Return the identity of a trace: equal for equal names, and fit for a CSS selector, where Plotly puts it."""
    return f"trace-{crc32(name.encode()):08x}"


def class_labels(class_names: Sequence[str], class_counts: Sequence[int]) -> list[str]:
    """Return "name · n=count" of each class, the count being of training images."""
    return [f"{name} · n={count}" for name, count in zip(class_names, class_counts, strict=True)]


def class_ticks(labels: Sequence[str], shown_as: Sequence[str] | None = None) -> dict[str, Any]:
    """Return the ticks of an axis of classes: all of a few, every so-manieth of many.

    `labels` name the classes on the axis; `shown_as`, if given, is what stands there to be read.
    """
    every = -(-len(labels) // _LEGIBLE_TICKS)
    return {
        "type": "category",
        "tickvals": list(labels[::every]),
        "ticktext": [shortened(text) for text in (shown_as or labels)[::every]],
        "tickfont_size": SMALL_TEXT_SIZE,
        "automargin": True,
        "showgrid": False,
    }


def shortened(label: str, length: int = 16) -> str:
    """Return a class's label with a long name cut to `length` characters; its count stays."""
    name, separator, count = label.partition(" · ")
    return (name if len(name) <= length else f"{name[: length - 1]}…") + separator + count


def log_ticks(low: float, high: float) -> list[float]:
    """Return tick values of a log axis from 10^low to 10^high: 1, 2, 5 in each decade; of many decades 1 only."""
    steps = (1, 2, 5) if high - low < 2.5 else (1,)
    values = [step * 10.0**power for power in range(int(np.floor(low)), int(np.ceil(high))) for step in steps]
    return [value for value in [*values, 10.0 ** np.ceil(high)] if low <= np.log10(value) <= high]


def _small(text: str) -> str:
    return f'<span style="font-size:{SMALL_TEXT_SIZE}px;font-weight:400">{text}</span>'
