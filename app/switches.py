"""Small choices that live in the URL."""

import streamlit as st


def dims_switch() -> int:
    """Draw the choice between a flat picture and one in space, flat first; return its number of dimensions."""
    chosen = st.segmented_control(
        "Dimensions of the embedding",
        ["2D", "3D"],
        default="2D",
        required=True,
        key="dims",
        bind="query-params",
        label_visibility="collapsed",
    )
    return 3 if chosen == "3D" else 2
