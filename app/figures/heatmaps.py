"""K × K matrices, a class in each row and column: angles between class means, and who pushes whom."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import plotly.graph_objects as go
from numpy.typing import NDArray

from app import palette
from app.figures import frame

Matrix = NDArray[np.floating[Any]]


def angle_heatmap(
    angles_deg: Matrix,
    class_names: Sequence[str],
    class_counts: Sequence[int],
    *,
    target_deg: float | Matrix,
    target_name: str | None = None,
    within_deg: Matrix | None = None,
    title: str | None,
) -> go.Figure:
    """Return how far each angle between two class means is from the target, in colours that mean the same everywhere.

    `angles_deg` (K, K) are the true angles in degrees, printed in the cells of up to ten classes. The colour is their
    signed deviation from `target_deg`, one angle or (K, K) of them, named `target_name` where it is no single
    number, and ends at ±45°. The diagonal, uncoloured, is `within_deg` (K,): each class's
    within-class angle. Classes stay in the order given, head first.
    """
    angles = np.asarray(angles_deg, dtype=np.float32)
    between = np.where(np.eye(len(angles), dtype=bool), np.float32(np.nan), angles)
    target = target_name or f"{target_deg:.1f}°"
    smallest = np.fmin.reduce(between, axis=None)  # skips what is not known
    figure = _matrix_figure(
        class_names,
        class_counts,
        kind="angle heat map",
        title=title,
        description=f"{title or 'Angles between class means'}: {len(angles)} by {len(angles)} classes, deviation from "
        f"{target}. Smallest angle between two classes: {smallest:.1f} degrees.",
        subtitle="diagonal: within-class angle" if within_deg is not None else None,
        axis_titles=("class", "class · training images"),
    )
    labels = frame.class_labels(class_names, class_counts)
    figure.add_trace(
        go.Heatmap(
            **_cells(labels, between),
            **_printed(between),
            z=between - np.asarray(target_deg, dtype=np.float32),
            zmin=-palette.DEVIATION_LIMIT,
            zmax=palette.DEVIATION_LIMIT,
            colorscale=palette.DEVIATION,
            colorbar=_colour_bar(
                f"deviation from {target} (°)",
                tickvals=[-45, -20, 0, 20, 45],
                ticktext=["≤ −45", "−20", "0", "+20", "≥ +45"],
            ),
            hovertemplate=f"%{{y}}<br>%{{x}}<br><b>%{{customdata:.1f}}°</b> (%{{z:+.1f}}° from {target})"
            "<extra></extra>",
        )
    )
    if within_deg is not None:
        figure.add_trace(_within_class(labels, np.asarray(within_deg, dtype=np.float32)))
    return figure


def _matrix_figure(
    class_names: Sequence[str], class_counts: Sequence[int], *, axis_titles: tuple[str, str], **heading: Any
) -> go.Figure:
    figure = frame.figure(**heading)
    labels = frame.class_labels(class_names, class_counts)
    figure.update_xaxes(**frame.class_ticks(labels, class_names), ticks="", title_text=axis_titles[0])
    figure.update_yaxes(**frame.class_ticks(labels), ticks="", title_text=axis_titles[1], autorange="reversed")
    return figure


def _cells(labels: Sequence[str], values: Matrix) -> dict[str, Any]:
    """Return what every heat map of classes has: axes, hover values, and gaps between the cells of a few classes."""
    gap = 1 if len(labels) <= frame.PRINTED_CLASSES else 0
    return {"x": list(labels), "y": list(labels), "customdata": values, "xgap": gap, "ygap": gap, "hoverongaps": False}


def _printed(angles: Matrix) -> dict[str, Any]:
    """Return the settings that print each angle in its cell, for a few classes."""
    if len(angles) > frame.PRINTED_CLASSES:
        return {}
    text = [[f"{angle:.0f}" if np.isfinite(angle) else "" for angle in row] for row in angles]
    return {"text": text, "texttemplate": "%{text}"}


def _within_class(labels: Sequence[str], within: Matrix) -> go.Heatmap:
    diagonal = np.full((len(within), len(within)), np.nan, dtype=np.float32)
    np.fill_diagonal(diagonal, within)
    clear = palette.translucent(palette.NEUTRAL, 0)
    return go.Heatmap(
        **_cells(labels, diagonal),
        **_printed(diagonal),
        textfont_color=palette.NEUTRAL,
        textfont_weight=600,
        z=diagonal,
        colorscale=[(0, clear), (1, clear)],
        showscale=False,
        hovertemplate="%{y}<br>within-class angle <b>%{customdata:.1f}°</b><extra></extra>",
    )


def _colour_bar(title: str, **ticks: Any) -> dict[str, Any]:
    return {
        "title": {"text": title, "side": "bottom", "font": {"size": frame.SMALL_TEXT_SIZE}},
        "orientation": "h",
        "y": 0,
        "yref": "container",
        "yanchor": "bottom",
        "thickness": 12,
        "outlinewidth": 0,
        "tickfont": {"size": frame.SMALL_TEXT_SIZE},
        **ticks,
    }
