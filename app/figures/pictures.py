"""Rows of small images, each row with its name."""

from base64 import b64encode
from collections.abc import Sequence

import plotly.graph_objects as go

from app.figures import frame

_LONGEST_NAME = 40


def picture_rows(
    sheet_png: bytes,
    row_names: Sequence[str],
    *,
    columns: int,
    title: str | None,
    description: str,
    axis_titles: tuple[str, str],
) -> go.Figure:
    """Return a sheet of square tiles, rows × `columns`, with the name of each row beside it."""
    figure = frame.figure(kind=f"pictures {len(row_names)}", title=title, description=description)
    figure.add_layout_image(
        source=f"data:image/png;base64,{b64encode(sheet_png).decode()}",
        xref="x",
        yref="y",
        x=0,
        y=0,
        sizex=columns,
        sizey=len(row_names),
        sizing="stretch",
        layer="below",
    )
    bare = {"showgrid": False, "zeroline": False, "fixedrange": True, "showline": False, "ticks": ""}
    figure.update_xaxes(range=(0, columns), title_text=axis_titles[0], showticklabels=False, **bare)
    figure.update_xaxes(constrain="domain", constraintoward="left")
    figure.update_yaxes(range=(len(row_names), 0), title_text=axis_titles[1], scaleanchor="x", **bare)
    figure.update_yaxes(
        tickvals=[row + 0.5 for row in range(len(row_names))],
        ticktext=[frame.shortened(name, _LONGEST_NAME) for name in row_names],
        automargin=True,
        ticklabelstandoff=6,
        constrain="domain",
        constraintoward="top",
    )
    figure.update_layout(hovermode=False, dragmode=False)
    return figure
