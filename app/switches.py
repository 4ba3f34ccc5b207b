"""Small choices that live in the URL."""

import streamlit as st


def switch(label: str, parameter: str, options: list[str]) -> str:
    """Draw a row of choices, the first one preset."""
    chosen = st.segmented_control(
        label,
        options,
        default=options[0],
        required=True,
        key=parameter,
        bind="query-params",
        label_visibility="collapsed",
    )
    return chosen or options[0]


def dims_switch() -> int:
    """Draw the choice between a flat picture and one in space; return its number of dimensions."""
    return {"2D": 2, "3D": 3}[switch("Dimensions of the embedding", "dims", ["2D", "3D"])]
