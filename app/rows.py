"""Things side by side, in rows."""

from collections.abc import Iterator, Sequence
from typing import Literal, TypeVar

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

T = TypeVar("T")


def in_rows(
    things: Sequence[T], at_most: int, *, align: Literal["top", "bottom"] = "top"
) -> Iterator[tuple[T, DeltaGenerator]]:
    """Give each thing a column, `at_most` in a row, all of one width."""
    width = min(len(things), at_most)
    for start in range(0, len(things), at_most):
        columns = st.columns(width, vertical_alignment=align)
        yield from zip(things[start : start + at_most], columns, strict=False)
