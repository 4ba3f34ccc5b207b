"""A panel on a page: its figure, or in place of it the sentence that says why there is none."""

import streamlit as st

from app.components.live_plot import live_plot
from app.panels import Panel


def draw(panel: Panel, key: str, height: int) -> None:
    """Show the panel, `height` pixels high where it is a figure."""
    if isinstance(panel, str):
        st.info(panel)
    else:
        live_plot(panel, key=key, height=height)
