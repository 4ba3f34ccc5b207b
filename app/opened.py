"""Which runs the Lab was told to show on its own page, until the stage has put them into the address."""

from collections.abc import Sequence

import streamlit as st

OPEN, _OVER, _TIMES = "lab/open", "lab/over", "lab/times"


def show(run_ids: Sequence[str]) -> None:
    """Have the Lab show these runs from the next run of its page on."""
    st.session_state.pop(_OVER, None)
    st.session_state[OPEN] = list(run_ids)
    st.session_state[_TIMES] = times() + 1


def times() -> int:
    """Return how often runs were chosen: by that the stage knows that its reader did, not an address."""
    return int(st.session_state.get(_TIMES, 0))


def shown(address: str) -> list[str] | None:
    """Return the runs that are to be shown whatever `address` says; None where it is right.

    It is once it says something else than when they were chosen: themselves, or what another link asks for. Who comes
    back to a presenter has an address that says which time it is, since its runs may be those of before.
    """
    if OPEN not in st.session_state:
        return None
    if address == st.session_state.setdefault(_OVER, address):
        return list(st.session_state[OPEN])
    del st.session_state[OPEN], st.session_state[_OVER]
    return None
