"""A flat picture of one epoch alone: a point an image, a colour a class."""

from collections.abc import Sequence

import numpy as np
import plotly.graph_objects as go
from numpy.typing import NDArray

from app import palette
from app.figures import frame

_LEGEND_CLASSES = 20


def flat(
    coordinates: NDArray[np.floating],
    labels: NDArray[np.integer],
    class_names: Sequence[str],
    class_counts: Sequence[int],
    *,
    title: str,
    axis: str,
) -> go.Figure:
    """Return a scatter of (N, 2) coordinates; `axis` names both axes, as in "UMAP 1". Both have one scale."""
    colours, names = palette.colours_of(class_counts), frame.class_labels(class_names, class_counts)
    figure = frame.figure(
        kind=f"flat {axis}",
        title=title,
        subtitle="this epoch alone · angles in this view are not the true ones",
        description=f"{title}: {len(labels)} images of {len(class_names)} classes.",
    )
    for k in np.unique(labels):
        x, y = coordinates[labels == k].T
        figure.add_trace(
            go.Scattergl(
                x=x,
                y=y,
                uid=frame.uid(f"class {k}"),
                name=names[k],
                mode="markers",
                marker={"color": colours[k], "size": 6, "opacity": 0.85},
                hovertemplate=f"{names[k]}<extra></extra>",
                showlegend=len(class_names) <= _LEGEND_CLASSES,
            )
        )
    figure.update_xaxes(title_text=f"{axis} 1", showticklabels=False)
    figure.update_yaxes(title_text=f"{axis} 2", showticklabels=False, scaleanchor="x")
    return figure
