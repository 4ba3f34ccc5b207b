"""A 3D figure and a curve that change twice a second, and a switch that takes the curve off the page."""

import numpy as np
import plotly.graph_objects as go
import streamlit as st

from app.components.live_plot import live_plot
from app.figures import Series, curves

with st.sidebar:
    st.write("A sidebar, to change the width of the page.")
show_curve = st.toggle("curve", value=True)


@st.fragment(run_every=0.5)
def figures() -> None:
    """Redraw both figures with one step more."""
    st.session_state.step = step = st.session_state.get("step", 0) + 1
    turn = np.linspace(0, 6, 50, dtype=np.float32) + step
    scatter = go.Figure(go.Scatter3d(x=np.cos(turn), y=np.sin(turn), z=turn - step, mode="markers", name="turn"))
    scatter.update_layout(
        template={},
        uirevision="turn",
        scene_camera_eye_z=1.2,
        title=f"step {step}",
        meta={"description": "a turning spiral"},
    )
    live_plot(scatter, key="scatter", height=360)
    if show_curve:
        epochs = np.arange(step)
        runs = [
            Series(name, loss, epochs, np.sqrt(epochs + lift))
            for name, loss, lift in (("A", "scl", 0), ("B", "bcl", 3))
        ]
        live_plot(curves(runs, y_title="loss"), key="curve", height=240)


figures()
