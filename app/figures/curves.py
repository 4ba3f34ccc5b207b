"""Lines over epochs: losses, accuracies, and the formation of the angles between class means."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import plotly.graph_objects as go
from numpy.typing import NDArray

from app import palette
from app.figures import frame

_LABEL_SIZE = 13
_HIGHEST_ANGLE = 120

Values = NDArray[np.floating[Any]]


@dataclass(frozen=True)
class Series:
    """One line: `x` epochs and `y` values, both (E,); `band` is its lower and upper edge, each (E,).

    `loss` is the loss variant (`Recipe.variant`) and decides colour and dash; `label` is written at the line's end.
    """

    label: str
    loss: str
    x: NDArray[Any]
    y: Values
    band: tuple[Values, Values] | None = None


@dataclass(frozen=True)
class Formation:
    """How one run's angles form: mean angle between tail class means and between head class means, degrees, (E,) each.

    `predicted` is the tail–tail angle of the predicted optimum in degrees, where there is one.
    """

    label: str
    loss: str
    epochs: NDArray[Any]
    tail_tail: Values
    head_head: Values
    predicted: float | None = None


def curves(
    series: Sequence[Series],
    *,
    y_title: str,
    title: str | None = None,
    percent: bool = False,
    log_y: bool = False,
    targets: Mapping[str, float] | None = None,
    epochs: int | None = None,
) -> go.Figure:
    """Return one line for each series, over epochs.

    `percent` shows fractions from 0 to 1 as per cent; `targets` are horizontal lines, by label; `epochs` is the planned
    number, so that the axis stands still while a run grows.
    """
    targets = targets or {}
    figure = frame.figure(
        kind="curves",
        title=title,
        description=f"{title or y_title} over epochs: {_spoken(series, percent)}.",
    )
    values = [*(line.y for line in series), *(edge for line in series for edge in line.band or ())]
    y_range = _span([*values, np.array(list(targets.values()))], log_y)
    last_epoch = _epoch_axis(figure, [line.x for line in series], epochs)
    number = ".1%" if percent else ".4g"
    figure.update_yaxes(
        title_text=y_title,
        type="log" if log_y else "linear",
        tickformat=".0%" if percent else None,
        tickvals=frame.log_ticks(y_range[0] - 0.1, y_range[1] + 0.1) if log_y else None,
        # Whole tenths, since a line that is flat so far would be stretched to the height of its rounding errors.
        autorangeoptions={"include": [np.floor(10 * y_range[0]) / 10, np.ceil(10 * y_range[1]) / 10]}
        if percent
        else None,
        zeroline=False,
    )
    for value in targets.values():
        _horizontal(figure, value, last_epoch)
    for line in series:
        if line.band is not None:
            figure.add_trace(_band(line))
        figure.add_trace(_line(line, width=2.5, hover=f"%{{y:{number}}}"))
    goals = [_EndLabel(label, last_epoch, value) for label, value in targets.items()]
    _write_at_ends(figure, [*_end_labels(series), *goals], y_range, log=log_y)
    return figure


def formation(
    runs: Sequence[Formation], *, regular_deg: float, title: str | None = None, epochs: int | None = None
) -> go.Figure:
    """Return how the angles between class means form: tail–tail in bold, head–head thin, for each run.

    `regular_deg` is the angle of the regular simplex, in degrees; predicted optima are dotted, in their run's colour.
    """
    predicted = [run for run in runs if run.predicted is not None]
    tails = [Series(run.label, run.loss, run.epochs, run.tail_tail) for run in runs]
    heads = [Series(run.label, run.loss, run.epochs, run.head_head) for run in runs]
    figure = frame.figure(
        kind="formation",
        title=title,
        subtitle=" · ".join(
            ["bold: tail–tail", "thin: head–head", *(["dotted: predicted tail–tail, loss alone"] if predicted else [])]
        ),
        description=f"{title or 'Angles between class means'} over epochs, in degrees. "
        f"Tail to tail: {_spoken(tails)}. Regular simplex: {regular_deg:.1f}.",
    )
    last_epoch = _epoch_axis(figure, [line.x for line in tails], epochs)
    figure.update_yaxes(
        title_text="angle between class means (°)",
        autorangeoptions={"minallowed": 0, "include": [_HIGHEST_ANGLE]},
        zeroline=False,
        dtick=30,
    )
    _horizontal(figure, regular_deg, last_epoch)
    for run in predicted:
        figure.add_trace(_predicted(run, last_epoch))
    for line in heads:
        figure.add_trace(_line(line, width=1.2, hover="head–head %{y:.1f}°", end_dot=False))
    for line in tails:
        figure.add_trace(_line(line, width=3.5, hover="tail–tail %{y:.1f}°"))
    simplex = _EndLabel(f"regular simplex {regular_deg:.1f}°", last_epoch, regular_deg)
    _write_at_ends(figure, [*_end_labels(tails), simplex], (0, _HIGHEST_ANGLE))
    return figure


def _line(line: Series, *, width: float, hover: str, end_dot: bool = True) -> go.Scatter:
    style = palette.loss_style(line.loss)
    dots = np.zeros(len(line.x), dtype=np.float32)
    if end_dot:
        dots[_known(line)[-1:]] = 8
    return go.Scatter(
        uid=frame.uid(f"{line.label}-{width:g}"),
        name=line.label,
        legendgroup=line.label,
        x=line.x,
        y=np.asarray(line.y, dtype=np.float32),
        mode="lines+markers",
        line={"color": style.colour, "dash": style.dash, "width": width},
        marker={"color": style.colour, "size": dots, "opacity": 1, "line": {"width": 0}},
        hovertemplate=hover,
        showlegend=False,
        cliponaxis=False,
    )


def _predicted(run: Formation, last_epoch: int) -> go.Scatter:
    return go.Scatter(
        uid=frame.uid(f"{run.label}-predicted"),
        name=run.label,
        legendgroup=run.label,
        x=np.arange(last_epoch + 1),
        y=np.full(last_epoch + 1, run.predicted, dtype=np.float32),
        mode="lines",
        line={"color": palette.loss_style(run.loss).colour, "dash": "dot", "width": 1.5},
        hovertemplate="predicted tail–tail %{y:.1f}°",
        showlegend=False,
    )


def _band(line: Series) -> go.Scatter:
    lower, upper = line.band or (line.y, line.y)
    return go.Scatter(
        uid=frame.uid(f"{line.label}-band"),
        legendgroup=line.label,
        x=np.concatenate([line.x, line.x[::-1]]),
        y=np.concatenate([upper, lower[::-1]]).astype(np.float32),
        fill="toself",
        fillcolor=palette.translucent(palette.loss_style(line.loss).colour, 0.18),
        line={"width": 0},
        mode="lines",
        hoverinfo="skip",
        showlegend=False,
    )


@dataclass(frozen=True)
class _EndLabel:
    text: str
    x: float
    y: float
    colour: str = palette.NEUTRAL


def _end_labels(series: Sequence[Series]) -> list[_EndLabel]:
    return [
        _EndLabel(line.label, line.x[end], line.y[end], palette.loss_style(line.loss).colour)
        for line in series
        for end in _known(line)[-1:]
    ]


def _write_at_ends(
    figure: go.Figure, labels: Sequence[_EndLabel], y_range: tuple[float, float], log: bool = False
) -> None:
    """Write each label beside its line's last point, moved up or down where two would overlap."""
    heights = [float(np.log10(label.y) if log else label.y) for label in labels]
    apart = _spread(heights, gap=0.07 * (y_range[1] - y_range[0]), floor=y_range[0])
    for label, height in zip(labels, apart, strict=True):
        figure.add_trace(
            go.Scatter(
                uid=frame.uid(f"{label.text}-name"),
                x=[label.x],
                y=[10**height if log else height],
                mode="text",
                text=[f"  {label.text}"],
                textposition="middle right",
                textfont={"color": label.colour, "weight": 600, "size": _LABEL_SIZE},
                hoverinfo="skip",
                showlegend=False,
                cliponaxis=False,
            )
        )
    longest = max((len(label.text) for label in labels), default=0)
    figure.update_layout(margin_r=24 + round(0.58 * _LABEL_SIZE * longest))


def _spread(heights: Sequence[float], gap: float, floor: float) -> list[float]:
    """Return the heights moved apart to at least `gap`, in the order given.

    Each cluster stays about its own middle, but not below the floor: what lies outside the axis is not drawn.
    """
    clusters: list[list[int]] = []
    for index in np.argsort(heights, kind="stable"):
        clusters.append([int(index)])
        while len(clusters) > 1 and _lowest(clusters[-1], heights, gap, floor) < gap + (
            _lowest(clusters[-2], heights, gap, floor) + gap * (len(clusters[-2]) - 1)
        ):
            clusters[-2:] = [clusters[-2] + clusters[-1]]
    result = [0.0] * len(heights)
    for cluster in clusters:
        for step, index in enumerate(cluster):
            result[index] = _lowest(cluster, heights, gap, floor) + step * gap
    return result


def _lowest(cluster: Sequence[int], heights: Sequence[float], gap: float, floor: float) -> float:
    return max(floor, float(np.mean([heights[index] for index in cluster])) - gap * (len(cluster) - 1) / 2)


def _epoch_axis(figure: go.Figure, epochs: Sequence[NDArray[Any]], planned: int | None) -> int:
    """Set the x axis to whole epochs from 0 and return its last one."""
    last = max([planned or 1, *(int(line[-1]) for line in epochs if len(line))])
    figure.update_xaxes(
        title_text="epoch",
        # A range set outright would undo the reader's zoom with each new epoch.
        autorangeoptions={"minallowed": 0, "maxallowed": last},
        tickformat="d",
        dtick=1 if last <= 10 else None,
        zeroline=False,
        ticklabelstandoff=4,
        unifiedhovertitle_text="epoch %{x}",
    )
    figure.update_layout(hovermode="x unified")
    return last


def _horizontal(figure: go.Figure, value: float, last_epoch: int) -> None:
    figure.add_shape(
        type="line",
        x0=0,
        x1=last_epoch,
        y0=value,
        y1=value,
        layer="below",
        line={"color": palette.NEUTRAL, "width": 1.5, "dash": "dot"},
    )


def _span(values: Sequence[Values], log: bool) -> tuple[float, float]:
    """Return the lowest and highest of all values; in powers of ten for a log axis."""
    known = np.concatenate([np.asarray(part, dtype=float) for part in values]) if values else np.array([])
    known = known[np.isfinite(known) & ((known > 0) | (not log))]
    known = np.log10(known) if log else known
    return (float(known.min()), float(known.max())) if known.size else (0.0, 1.0)


def _spoken(series: Sequence[Series], percent: bool = False) -> str:
    number = ".1%" if percent else ".4g"
    ends = [f"{line.label} {line.y[_known(line)[-1]]:{number}}" for line in series if len(_known(line))]
    return ", ".join(ends) or "nothing recorded yet"


def _known(line: Series) -> NDArray[np.intp]:
    """Return the indices of the epochs at which the line has a value."""
    return np.flatnonzero(np.isfinite(line.y))
