"""Figures of the documents, each drawn twice: for paper, and for the app's dark theme."""

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from app.palette import DARK_BACKGROUND

if TYPE_CHECKING:
    from matplotlib.figure import Figure

DPI = 120  # pictures of 12 inches then fit Streamlit, which scales wider ones down anew whenever a page is drawn
COMMON = {"font.size": 10, "axes.spines.top": False, "axes.spines.right": False}
TEXT_ON_DARK = "#E4E8F0"
_TEXT = ("text.color", "axes.labelcolor", "axes.edgecolor", "axes.titlecolor", "xtick.color", "ytick.color")
DARK = {
    **dict.fromkeys(_TEXT, TEXT_ON_DARK),
    **dict.fromkeys(("figure.facecolor", "axes.facecolor", "savefig.facecolor"), DARK_BACKGROUND),
}


def save(draw: Callable[[], "Figure"], path: Path) -> None:
    """Write the figure that `draw` makes to `path`, and as `…-dark.png` beside it."""
    import matplotlib.pyplot as plt  # here, so that processes that train do without it

    for theme, place in (({}, path), (DARK, path.with_stem(f"{path.stem}-dark"))):
        with plt.rc_context({**COMMON, **theme}):
            draw().savefig(place, dpi=DPI)
            plt.close()
