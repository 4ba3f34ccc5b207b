"""A Plotly figure that changes in place: camera, zoom and hidden traces outlive every update and the theme."""

import plotly.graph_objects as go

from app.components import PLOTLY_FILE, PREFIX, register

_mount = register(
    "live_plot", html=f'<div class="bcl-live-plot" role="figure" data-plotly="{PREFIX}/{PLOTLY_FILE}"></div>'
)


def live_plot(figure: go.Figure, key: str, height: int) -> None:
    """Show the figure, `height` pixels high, as wide as its container.

    While `key` stays the same, a changed figure is redrawn by `Plotly.react` in the same element. The figure's
    `layout.uirevision` says what the reader's view belongs to: when it changes, the view starts afresh. Its
    `layout.meta["description"]`, else its title, is read to those who listen.
    """
    figure_json = figure.to_json(validate=False, remove_uids=False)
    _mount(key=key, data=figure_json.encode(), height=height)
