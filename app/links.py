"""Links between pages that carry what they are about."""

from collections.abc import Sequence

import streamlit as st

from app.races import MOST_RUNS
from bcl_core.lab import Run


def lab_link(runs: Sequence[Run], label: str = "Open in the Lab") -> None:
    """Draw a link that opens these runs side by side, the first ones of many."""
    wanted = {"runs": ".".join(run.id for run in runs[:MOST_RUNS])}
    st.page_link("screens/lab.py", label=label, icon=":material/search:", query_params=wanted)
