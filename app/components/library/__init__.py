"""The Library: every run, as cards or rows, to be found, opened and put in order."""

from typing import NamedTuple

from app import palette
from app.components import PREFIX, register
from app.races import MOST_RUNS
from app.roles import role_here
from app.verbs import allowed
from app.words import SHOTS

_HTML = '<div class="bcl-library" role="region" aria-label="Runs"><p class="empty">Loading the runs …</p></div>'
_mount = register("library", html=_HTML)


class Asked(NamedTuple):
    """What is to be opened of a run: "train-on", "card" or "images"."""

    what: str
    run_id: str


def library(*, key: str) -> Asked | None:
    """Show all runs; return what somebody has just asked for that only a page can open.

    It asks the routes for all that it shows, and does what is done by itself.
    """
    told = {"prefix": PREFIX, "colours": palette.GROUPS, "most": MOST_RUNS, "shots": SHOTS, "may": allowed(role_here())}
    asked = _mount(key=key, data=told, on_asked_change=lambda: None).asked
    return Asked(str(asked.get("what")), str(asked.get("run"))) if isinstance(asked, dict) else None
