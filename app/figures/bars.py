"""Bars over classes: how many images each has, and how well each is recognised."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import plotly.graph_objects as go
from numpy.typing import NDArray

from app import palette
from app.figures import frame


def per_class_accuracy(
    accuracies: Sequence[tuple[str, str, NDArray[np.floating[Any]]]],
    class_names: Sequence[str],
    class_counts: Sequence[int],
    *,
    title: str | None = None,
) -> go.Figure:
    """Return a group of bars for each class, one bar for each run.

    `accuracies` holds, for each run, its label, its loss variant and the accuracy of each class, (K,) from 0 to 1.
    """
    figure = frame.figure(
        kind="per-class accuracy",
        title=title,
        description=f"{title or 'Accuracy of each class'}, "
        + "; ".join(f"{label}: mean {np.nanmean(values):.1%}" for label, _, values in accuracies)
        + ".",
    )
    labels = frame.class_labels(class_names, class_counts)
    for label, loss, values in accuracies:
        figure.add_trace(
            go.Bar(
                uid=frame.uid(label),
                name=label,
                x=labels,
                y=np.asarray(values, dtype=np.float32),
                marker={"color": palette.loss_style(loss).colour, "line": {"width": 0}},
                hovertemplate="%{x}<br>%{y:.1%}",
            )
        )
    figure.update_xaxes(title_text="class · training images", **frame.class_ticks(labels), tickangle=-45)
    figure.update_yaxes(title_text="test accuracy (%)", range=(0, 1), tickformat=".0%")
    figure.update_layout(
        barmode="group",
        bargap=0.25,
        bargroupgap=0.05,
        showlegend=True,
        legend={"orientation": "h", "x": 0, "xanchor": "left", "y": 1, "yanchor": "bottom"},
        margin_t=figure.layout.margin.t + 28,
    )
    return figure


def class_counts_bars(
    class_counts: Sequence[int], class_names: Sequence[str], *, title: str | None = None
) -> go.Figure:
    """Return the long tail: training images of each class, on a log axis, in the colours of the classes."""
    counts = np.asarray(class_counts)
    figure = frame.figure(
        kind="class counts",
        title=title,
        description=f"{title or 'Training images of each class'}: {len(counts)} classes, "
        f"from {counts.max()} down to {counts.min()} images.",
    )
    few = len(counts) <= frame.PRINTED_CLASSES
    figure.add_trace(
        go.Bar(
            x=list(class_names),
            y=counts,
            marker={"color": palette.class_colours(len(counts)), "line": {"width": 0}},
            text=counts if few else None,
            textposition="outside",
            cliponaxis=False,
            hovertemplate="%{x}<br>%{y:,} training images<extra></extra>",
        )
    )
    figure.update_xaxes(title_text="class", **frame.class_ticks(class_names))
    # Bars on a log axis start at its lower end: half an image, so that a class with one image still has a bar.
    low, high = np.log10(0.5), np.log10(counts.max()) + 0.15
    figure.update_yaxes(
        title_text="training images", type="log", range=(low, high), tickvals=frame.log_ticks(low, high)
    )
    figure.update_layout(bargap=0.2)
    return figure
