"""Figures of the inspector, without their arrays: the component fills each trace by the role in its `meta`.

So colours, dashes, axes and words are decided here, once, and an epoch moves numbers only.
"""

from collections.abc import Sequence
from typing import Any, NamedTuple

import plotly.graph_objects as go

from app import palette
from app.figures import frame

STRIP = 72
"""Pixels to the right of `formation` in which the component draws the current epoch's angles, on the same axis."""

GROUPS = dict(zip(("head", "medium", "tail"), palette.GROUPS.values(), strict=True))
"""Frequent, middling and rare classes, as `geometry.head_and_tail` parts them."""

LINE_HEIGHT = 12
"""Degrees that a line of small print takes in `formation`."""


class Named(NamedTuple):
    """A run among those shown together."""

    label: str
    style: palette.LineStyle


def formation(
    run: Named, others: Sequence[Named], *, regular_deg: float, predicted_deg: float | None, planned_epochs: int
) -> go.Figure:
    """All angles between two class means over the epochs, of one run.

    `regular_deg` is the angle of the regular simplex, `predicted_deg` the tail–tail angle of the predicted optimum.

    Roles: "head", "medium" and "tail" are thin lines, a pair each; for many classes "range", "middle" and "median" show
    their distribution instead; "tail–tail" is the mean over the tail in bold, "seeds" its band over seeds, "beside" the
    same of the runs beside (one trace for each of `others`, its place in `meta`); "simplex" and
    "predicted" are targets.
    """
    label, style = run
    figure = _figure(
        "formation",
        f"Angles between class means over the epochs, {label}",
        x=_epochs(planned_epochs),
        y={"title": {"text": "angle (°)"}, "dtick": 30, "range": (0, 120)},
        margin={"r": STRIP, "l": 44},
    )
    for role, opacity in (("range", 0.16), ("middle", 0.26)):
        figure.add_trace(_area(role, palette.translucent(palette.NEUTRAL, opacity)))
    for role, colour, opacity in (
        ("medium", palette.NEUTRAL, 0.38),
        ("head", GROUPS["head"], 0.75),
        ("tail", GROUPS["tail"], 0.8),
    ):
        hover = "%{text}<br>epoch %{x}: <b>%{y:.1f}°</b><extra></extra>"
        figure.add_trace(_line(role, colour, width=1, opacity=opacity, hovertemplate=hover))
    figure.add_trace(_line("median", palette.NEUTRAL, width=2, hovertemplate="median of all pairs %{y:.1f}°"))
    figure.add_trace(_line("simplex", palette.NEUTRAL, width=1.5, dash="dot", hoverinfo="skip"))
    figure.data[-1].y = (regular_deg, regular_deg)
    same = predicted_deg is not None and round(predicted_deg, 1) == round(regular_deg, 1)
    figure.add_annotation(
        _beside_axis(f"all alike{' = loss alone' if same else ''} {regular_deg:.1f}°", regular_deg, "bottom")
    )
    if predicted_deg is not None:
        figure.add_trace(_line("predicted", style.colour, width=1.5, dash="dot", hoverinfo="skip"))
        figure.data[-1].y = (predicted_deg, predicted_deg)
    if predicted_deg is not None and not same:
        above = predicted_deg > regular_deg + LINE_HEIGHT
        words = f"tail, loss alone {predicted_deg:.1f}°"
        figure.add_annotation(_beside_axis(words, predicted_deg, "bottom" if above else "top"))
    figure.add_trace(_area("seeds", palette.translucent(style.colour, 0.2)))
    for place, (name, quiet) in enumerate(others):
        hover = f"tail–tail, {name}: %{{y:.1f}}°<extra></extra>"
        line = _line("beside", quiet.colour, width=1.5, dash=quiet.dash, opacity=0.55, hovertemplate=hover)
        figure.add_trace(line.update(meta={"role": "beside", "place": place}))
    hover = f"tail–tail, {label}<br>epoch %{{x}}: <b>%{{y:.1f}}°</b><extra></extra>"
    figure.add_trace(_line("tail–tail", style.colour, width=3.5, dash=style.dash, hovertemplate=hover))
    return figure


def curve(runs: Sequence[Named], *, planned_epochs: int) -> go.Figure:
    """One metric over the epochs: "band" and "line" of each run, whose place is in the trace's `meta`."""
    figure = _figure(
        "curve",
        "A metric over the epochs",
        x=_epochs(planned_epochs),
        y={},
        hovermode="x unified",
        margin={"t": 8, "r": 16},
    )
    for place, (label, style) in enumerate(runs):
        line = _line("line", style.colour, width=2.5, dash=style.dash, hovertemplate=f"{label}: <b>%{{y}}</b>")
        band = _area("band", palette.translucent(style.colour, 0.18))
        figure.add_traces([trace.update(meta={"role": trace.meta["role"], "place": place}) for trace in (band, line)])
    return figure


def push(run: Named) -> go.Figure:
    """How hard a class is pushed by each other one, against the other's training count, in log–log axes.

    Roles: "measured" has a dot a pair; "counts" a line for each pushed class, of what the counts alone predict; "fit"
    is the measured slope, through the middle of the dots.
    """
    label, style = run
    counts = [digit * 10**power for power in range(6) for digit in (1, 2, 5)]
    percents = ["0.0001 %", "0.001 %", "0.01 %", "0.1 %", "1 %", "10 %", "100 %"]
    figure = _figure(
        "push",
        f"Push against the counterpart's training count, {label}",
        x={
            "type": "log",
            "title": {"text": "training images of the counterpart"},
            "tickvals": counts,
            "ticktext": [f"{count:,}" for count in counts],
        },
        y={
            "type": "log",
            "title": {"text": "share of all push", "standoff": 4},
            "tickvals": [10.0**power for power in range(-6, 1)],
            "ticktext": percents,
        },
        margin={"t": 8, "r": 12, "l": 58},
    )
    figure.add_trace(_line("counts", palette.NEUTRAL, width=1, opacity=0.5, hoverinfo="skip"))
    dots = go.Scatter(
        meta={"role": "measured"},
        mode="markers",
        marker={"size": 7, "opacity": 0.85, "line": {"width": 0}},
        hovertemplate="%{text}<extra></extra>",
        showlegend=False,
    )
    figure.add_trace(dots)
    figure.add_trace(_line("fit", style.colour, width=3, dash=style.dash, hoverinfo="skip"))
    return figure


def received(run: Named) -> go.Figure:
    """What an image of each class feels on average: "pull" down, and push up, stacked by who pushes."""
    figure = _figure(
        "received",
        f"Pull and push that each class receives, {run.label}",
        x={"title": {"text": "class"}, "type": "category", "showgrid": False},
        y={"title": {"text": "length of the gradient"}, "zeroline": True, "tickformat": "~g"},
        barmode="relative",
        bargap=0.25,
        margin={"t": 8, "r": 12, "l": 58},
    )
    figure.add_trace(_bar("pull", "pull of the own class", palette.NEUTRAL, pattern="/"))
    for group, colour in GROUPS.items():
        figure.add_trace(_bar(group, f"push by the {group}", colour))
    return figure


def _figure(kind: str, description: str, *, x: dict[str, Any], y: dict[str, Any], **layout: Any) -> go.Figure:
    """Return an empty figure with these axes, whose layout is set in one go: each update costs milliseconds."""
    fixed = {"zeroline": False, "fixedrange": True}
    layout = {"dragmode": False, "hovermode": "closest", "showlegend": False, **layout}
    figure = frame.figure(kind=kind, title=None, description=description)
    return figure.update_layout(xaxis={**fixed, **x}, yaxis={**fixed, **y}, **layout)


def _epochs(planned: int) -> dict[str, Any]:
    return {"title": {"text": "epoch"}, "range": (0, planned), "tickformat": "d"}


def _line(role: str, colour: str, *, width: float, dash: str = "solid", **settings: Any) -> go.Scatter:
    line = {"color": colour, "width": width, "dash": dash}
    return go.Scatter(meta={"role": role}, mode="lines", line=line, showlegend=False, connectgaps=False, **settings)


def _beside_axis(text: str, height: float, anchor: str) -> dict[str, Any]:
    place = {"xref": "x domain", "x": 0.01, "xanchor": "left", "y": height, "yanchor": anchor, "borderpad": 1}
    return {"text": text, **place, "showarrow": False, "font": {"size": frame.SMALL_TEXT_SIZE - 1}}


def _area(role: str, colour: str) -> go.Scatter:
    return go.Scatter(
        meta={"role": role},
        mode="lines",
        line={"width": 0},
        fill="toself",
        fillcolor=colour,
        hoverinfo="skip",
        showlegend=False,
    )


def _bar(role: str, name: str, colour: str, pattern: str = "") -> go.Bar:
    hover = f"%{{x}}<br>{name}: <b>%{{customdata:.3f}}</b><extra></extra>"
    marker = {"color": colour, "line": {"width": 0}, "pattern": {"shape": pattern, "size": 5, "solidity": 0.3}}
    return go.Bar(meta={"role": role}, name=name, marker=marker, hovertemplate=hover, showlegend=False)
