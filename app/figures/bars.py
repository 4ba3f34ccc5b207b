"""Bars over classes: how many images each has, and how well each is recognised."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import plotly.graph_objects as go
from numpy.typing import NDArray

from app import palette
from app.figures import frame

MAX_BARS = 50
_LEGEND_WIDTH = 480  # pixels, in half a page
_GROUPS = {
    "many": "many: more than 100 images",
    "medium": "medium: 20 to 100",
    "few": "few: fewer than 20",
}


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


def class_counts_bars(
    class_counts: Sequence[int],
    class_names: Sequence[str],
    groups: Mapping[str, NDArray[np.integer[Any]] | None],
    *,
    title: str | None = None,
) -> go.Figure:
    """Return the long tail: training images of each class, most frequent first, on a log axis.

    `groups` holds the class indices of "many", "medium" and "few", None where a group is empty, and gives the colours.
    Of more than MAX_BARS classes, a line over the ranks is drawn.
    """
    counts = np.asarray(class_counts)
    few = len(counts) <= MAX_BARS
    figure = frame.figure(
        kind="class counts",
        title=title,
        description=f"{title or 'Training images of each class'}: {len(counts)} classes, "
        f"from {counts.max()} down to {counts.min()} images.",
    )
    order = np.argsort(-counts, kind="stable")
    for group, heading in _GROUPS.items():
        members = groups[group]
        if members is not None:
            ranks = np.flatnonzero(np.isin(order, members))
            legend = f"{heading} · {len(members)} {'class' if len(members) == 1 else 'classes'}"
            draw = _bars if few else _line
            figure.add_trace(draw(ranks, order[ranks], counts, class_names, legend, palette.GROUPS[group]))
    if few:
        names = [class_names[index] for index in order]
        figure.update_xaxes(title_text="class", categoryorder="array", categoryarray=names, **frame.class_ticks(names))
    else:
        figure.update_xaxes(title_text="rank of the class, most frequent first", showgrid=False)
    # Bars on a log axis start at its lower end: half an image, so that a class with one image still has a bar.
    low = np.log10(0.5)
    high = low + 1.12 * (np.log10(counts.max()) - low)  # room for the number on the tallest
    figure.update_yaxes(
        title_text="training images", type="log", range=(low, high), tickvals=frame.log_ticks(low, high)
    )
    figure.update_layout(bargap=0.2)
    _legend_on_top(figure)
    return figure


def _bars(
    ranks: NDArray[np.intp],
    members: NDArray[np.intp],
    counts: NDArray[np.integer[Any]],
    class_names: Sequence[str],
    legend: str,
    colour: str,
) -> go.Bar:
    printed = len(counts) <= frame.PRINTED_CLASSES * 2
    return go.Bar(
        uid=frame.uid(legend.partition(":")[0]),
        name=legend,
        x=[class_names[index] for index in members],
        y=counts[members].astype(np.float32),
        marker={"color": colour, "line": {"width": 0}},
        text=[f"{count:,}" for count in counts[members]] if printed else None,
        textposition="outside",
        cliponaxis=False,
        hovertemplate="%{x}<br>%{y:,} training images<extra></extra>",
    )


def _line(
    ranks: NDArray[np.intp],
    members: NDArray[np.intp],
    counts: NDArray[np.integer[Any]],
    class_names: Sequence[str],
    legend: str,
    colour: str,
) -> go.Scatter:
    return go.Scatter(
        uid=frame.uid(legend.partition(":")[0]),
        name=legend,
        x=(ranks + 1).astype(np.float32),
        y=counts[members].astype(np.float32),
        text=[class_names[index] for index in members],
        mode="lines+markers",
        line={"color": colour, "width": 2.5},
        marker={"color": colour, "size": 4},
        hovertemplate="%{text}, rank %{x}<br>%{y:,} training images<extra></extra>",
    )


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
