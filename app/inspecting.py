"""What the inspector is told of its runs: where to ask, and their names and colours side by side.

All else it asks for itself, from `app.routes`.
"""

from collections.abc import Sequence
from typing import Any

from app import naming, palette, panels
from app.components import COMPONENTS, PLOTLY_FILE, PREFIX
from bcl_core.lab import Run

GROUPS = dict(zip(("head", "medium", "tail"), palette.GROUPS.values(), strict=True))
"""Frequent, middling and rare classes, as `geometry.head_and_tail` parts them."""


def told(runs: Sequence[Run]) -> dict[str, Any]:
    """Return what the inspector cannot ask for, ready for JSON."""
    styles = palette.line_styles([run.recipe.variant for run in runs])
    return {
        "prefix": PREFIX,
        "components": COMPONENTS,
        "plotly": f"{PREFIX}/{PLOTLY_FILE}",
        "groups": GROUPS,
        "neutral": palette.NEUTRAL,
        "deviation": palette.DEVIATION,
        "amount": palette.loss_style("bcl").colour,
        "metrics": {
            key: {"title": title, "unit": unit, "spread": spread}
            for key, (title, unit, spread) in panels.CURVES.items()
        },
        "runs": [
            {"id": run.id, "label": label, "colour": style.colour, "dash": style.dash}
            for run, label, style in zip(runs, naming.labels(runs), styles, strict=True)
        ],
    }
