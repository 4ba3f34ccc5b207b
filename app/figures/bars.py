"""Bars over classes: how well each is recognised."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import plotly.graph_objects as go
from numpy.typing import NDArray

from app import palette
from app.figures import frame

_LEGEND_WIDTH = 480  # pixels, in half a page


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
    figure.update_layout(barmode="group", bargap=0.25, bargroupgap=0.05)
    _legend_on_top(figure)
    return figure


def _legend_on_top(figure: go.Figure) -> None:
    """Put the legend between title and plot, with room for as many rows as a column of the page makes of it."""
    names = [len(trace.name) for trace in figure.data]
    columns = max(1, round(_LEGEND_WIDTH / (40 + 0.56 * frame.SMALL_TEXT_SIZE * max(names))))
    figure.update_layout(
        showlegend=True,
        legend={
            "orientation": "h",
            "x": 0,
            "xanchor": "left",
            "y": 1,
            "yanchor": "bottom",
            "font": {"size": frame.SMALL_TEXT_SIZE},
        },
        margin_t=figure.layout.margin.t + 8 + 20 * -(-len(names) // columns),
    )
