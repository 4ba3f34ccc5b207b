"""Where the test images lie: two or three coordinates of the sphere, a colour a class."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import plotly.graph_objects as go
from numpy.typing import NDArray

from app import palette
from app.figures import frame

Coordinates = NDArray[np.floating[Any]]
ClassIndices = NDArray[np.integer[Any]]

# In 3D an "x" is drawn as a pictograph that many fonts lack.
_WRONG = {2: "x", 3: "cross"}
_WRONG_SIGN = {2: "×", 3: "+"}
_LIMIT = 1.05
# A WebGL scatter costs three of the 8 to 16 contexts a page may hold; up to here SVG is quick enough.
_SVG_POINTS = 3000
_LEGEND_CLASSES = 20
# A trace a class would bring the browser to its knees with thousands of them.
_TRACED_CLASSES = 100


def embedding(
    coordinates: Coordinates,
    labels: ClassIndices,
    predictions: ClassIndices,
    class_names: Sequence[str],
    class_counts: Sequence[int],
    *,
    dims: int,
    title: str | None,
    axes: tuple[int, ...] = (0, 1, 2),
    means: Coordinates | None = None,
    prototypes: Coordinates | None = None,
    targets: Coordinates | None = None,
) -> go.Figure:
    """Return the embedding as seen along `dims` (2 or 3) of its `axes`.

    `coordinates` (N, p) lie in the unit ball; `labels` and `predictions` (N,) are class indices. Class `means`,
    `prototypes` and `targets` (vertices of the regular simplex), each (K, p), are drawn with rays, diamonds and rings.
    The range is fixed at ±1.05, so that epochs can be compared. Raises ValueError for other `dims`.
    """
    if dims not in (2, 3):
        raise ValueError(f"dims should be 2 or 3, not {dims}")
    shown = list(axes[:dims])
    wrong = np.asarray(predictions) != np.asarray(labels)
    figure = frame.figure(
        kind=f"embedding {shown}",
        title=title,
        subtitle=f"{_WRONG_SIGN[dims]} wrong class · angles in this view are not the true ones",
        description=f"{title or 'Embedding'}: {len(labels)} images of {len(class_names)} classes, "
        f"{int(wrong.sum())} of them wrongly classified. Angles in this view are not the true ones.",
    )
    figure.add_trace(_unit_sphere(dims))
    colours = palette.colours_of(class_counts)
    labels, true = np.asarray(labels), frame.class_labels(class_names, class_counts)
    predicted = np.asarray(class_names, dtype=object)[np.asarray(predictions)]

    def add(members: NDArray[np.intp], uid: str, colour: Any, truth: str, **settings: Any) -> None:
        figure.add_trace(
            _points(
                coordinates[members][:, shown],
                many=len(labels) > _SVG_POINTS,
                uid=frame.uid(uid),
                mode="markers",
                marker={
                    "color": colour,
                    "symbol": np.where(wrong[members], _WRONG[dims], "circle").tolist(),
                    "size": 4 if dims == 3 else 7,
                    "opacity": 0.9,
                },
                text=predicted[members].tolist(),
                hovertemplate=f"true {truth}<br>predicted %{{text}}<extra></extra>",
                showlegend=len(class_names) <= _LEGEND_CLASSES,
                **settings,
            )
        )

    if len(class_names) > _TRACED_CLASSES:
        each = np.arange(len(labels))
        add(each, "images", [colours[k] for k in labels], "%{customdata}", customdata=[true[k] for k in labels])
    else:
        for index, label in enumerate(true):
            members = np.flatnonzero(labels == index)
            members = members[np.argsort(wrong[members], kind="stable")]  # the legend shows the symbol of the first
            add(members, f"class {index}", colours[index], label, name=label)
    if targets is not None:
        figure.add_trace(
            _landmarks(
                "regular simplex", targets[:, shown], [palette.NEUTRAL] * len(targets), "circle-open", class_names
            )
        )
    if means is not None:
        figure.add_trace(_rays(means[:, shown]))
        figure.add_trace(_landmarks("class means", means[:, shown], colours, "circle", class_names))
    if prototypes is not None:
        figure.add_trace(_landmarks("prototypes", prototypes[:, shown], colours, "diamond", class_names))
    _fix_axes(figure, shown)
    return figure


def _points(positions: Coordinates, *, many: bool = False, **settings: Any) -> go.Scatter | go.Scattergl | go.Scatter3d:
    """Return a scatter trace of (N, 2) or (N, 3) positions."""
    x, y, *z = np.asarray(positions, dtype=np.float32).T
    if z:
        return go.Scatter3d(x=x, y=y, z=z[0], **settings)
    return (go.Scattergl if many else go.Scatter)(x=x, y=y, **settings)


def _rays(means: Coordinates) -> go.Scatter | go.Scatter3d:
    """Return rays from the origin to the class means, as one line with gaps."""
    dims = means.shape[1]
    path = np.full((len(means), 3, dims), np.nan)
    path[:, 0] = 0
    path[:, 1] = means
    return _points(
        path.reshape(-1, dims),
        uid=frame.uid("rays"),
        legendgroup="class means",
        mode="lines",
        line={"color": palette.NEUTRAL, "width": 2 if dims == 2 else 4},
        hoverinfo="skip",
        showlegend=False,
    )


def _landmarks(
    name: str, positions: Coordinates, colours: Sequence[str], symbol: str, class_names: Sequence[str]
) -> go.Scatter | go.Scatter3d:
    flat = positions.shape[1] == 2
    return _points(
        positions,
        uid=frame.uid(name),
        name=name,
        legendgroup=name,
        mode="markers",
        marker={
            "color": list(colours),
            "symbol": symbol,
            "size": (13 if flat else 8) if len(positions) <= _LEGEND_CLASSES else (7 if flat else 4),
            "opacity": 1,
            "line": {"color": palette.NEUTRAL if symbol.endswith("open") else palette.LIGHT_BACKGROUND, "width": 1.5},
        },
        text=[f"{name}: {class_name}" for class_name in class_names],
        hovertemplate="%{text}<extra></extra>",
    )


def _fix_axes(figure: go.Figure, shown: Sequence[int]) -> None:
    """Give every axis the range ±1.05, the same scale and a name; put the legend below."""
    titles = [f"component {axis + 1}" for axis in shown]
    axis = {"range": [-_LIMIT, _LIMIT], "tickvals": [-1, 0, 1]}
    if len(shown) == 3:
        small = {"size": frame.SMALL_TEXT_SIZE}
        x, y, z = ({**axis, "tickfont": small, "title": {"text": title, "font": small}} for title in titles)
        camera = {"eye": {"x": 1.35, "y": 1.35, "z": 0.7}, "center": {"x": 0, "y": 0, "z": -0.08}}
        figure.update_layout(scene={"aspectmode": "cube", "camera": camera, "xaxis": x, "yaxis": y, "zaxis": z})
        figure.update_layout(margin={"l": 0, "r": 0, "b": 8})
    else:
        figure.update_xaxes(**axis, title_text=titles[0], constrain="domain")
        figure.update_yaxes(**axis, title_text=titles[1], constrain="domain", scaleanchor="x")
    figure.update_layout(
        legend={
            "orientation": "h",
            "x": 0,
            "xref": "container",
            "y": 0,
            "yref": "container",
            "yanchor": "bottom",
            "itemsizing": "constant",
            "tracegroupgap": 0,
            "font": {"size": frame.SMALL_TEXT_SIZE},
        }
    )


def _unit_sphere(dims: int) -> go.Scatter | go.Scatter3d:
    """Return the unit circle, or three great circles of the unit sphere, to see lengths by."""
    turn = np.linspace(0, 2 * np.pi, 73)
    circle = np.stack([np.cos(turn), np.sin(turn), np.zeros_like(turn)], axis=1)
    gap = np.full((1, 3), np.nan)
    path = (
        circle[:, :2] if dims == 2 else np.concatenate([circle, gap, circle[:, [0, 2, 1]], gap, circle[:, [2, 0, 1]]])
    )
    return _points(
        path,
        uid=frame.uid("unit sphere"),
        mode="lines",
        line={"color": palette.NEUTRAL, "width": 1},
        hoverinfo="skip",
        showlegend=False,
    )
