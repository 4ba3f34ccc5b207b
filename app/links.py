"""Links between pages that carry what they are about."""

from collections.abc import Sequence

import streamlit as st

from bcl_core.lab import Run

MOST_RUNS = 4
"""That the inspector shows side by side."""


def inspect_link(runs: Sequence[Run], label: str = "Inspect") -> None:
    """Draw a link that opens these runs side by side, the first ones of many."""
    wanted = {"runs": ".".join(run.id for run in runs[:MOST_RUNS])}
    st.page_link("screens/inspect.py", label=label, icon=":material/search:", query_params=wanted)
