"""The Start page's play: class counts, and a column of degrees for each loss with a dot for each pair of classes."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from app import palette
from app.components import PREFIX, register
from app.seeds import Rows, bcl_less_scl, cells, mean_and_std
from app.words import listed
from bcl_core.lab.shelf import open_shelf, shelf_home

TITLES = {"scl": "SCL", "bcl": "BCL", "bcl-class": "BCL, class anchors"}
# The shelf's group, its name in the play, and what its cells are called in the results over seeds.
CONDITIONS = (("digits", "Long tail", ""), ("digits-balanced", "Balanced", ", imbalance factor 1"))
NOTE = (
    "Rings, and the figures under them: the seeds at the last epoch, mean ± standard deviation. Dots: the first seed. "
    "BCL is as published; class anchors vary it."
)

_mount = register("start", html='<div class="bcl-start"></div>')


def start(told: Mapping[str, Any], *, key: str) -> str:
    """Show what `told` returns, and return the group of the runs that are shown: the switch chooses.

    It plays once over the epochs when it is seen, then stands still at the last.
    """
    chosen = _mount(key=key, data=dict(told), default={"group": CONDITIONS[0][0]}, on_group_change=lambda: None).group
    return chosen if chosen in [group for group, _, _ in CONDITIONS] else CONDITIONS[0][0]


def told() -> dict[str, Any] | None:
    """Return what the play cannot ask for, ready for JSON; None where the shelf lacks one of the runs.

    That is where to ask, the runs with their titles and colours, and what came of them over several seeds.
    """
    shelf = open_shelf(shelf_home())
    if any(shelf.get(f"{group}-{loss}") is None for group, _, _ in CONDITIONS for loss in TITLES):
        return None
    known = cells()
    conditions = [_condition(*condition, known) for condition in CONDITIONS]
    note = NOTE if conditions[0]["lead"] else ""
    return {"prefix": PREFIX, "groups": palette.GROUPS, "conditions": conditions, "note": note}


def _condition(group: str, name: str, suffix: str, known: Mapping[str, Rows]) -> dict[str, Any]:
    seeds = {loss: known.get(f"{loss}{suffix}", []) for loss in TITLES}
    runs = [
        {
            "id": f"{group}-{loss}",
            "title": title,
            **palette.loss_style(loss)._asdict(),
            "seeds": _summary(seeds[loss]) if seeds[loss] else None,
        }
        for loss, title in TITLES.items()
    ]
    lead = _lead_balanced if suffix else _lead
    said = {"lead": lead(seeds) if all(seeds.values()) else "", "sure": "" if suffix else _how_sure()}
    return {"group": group, "name": name, "runs": runs, **said}


def _summary(rows: Rows) -> dict[str, Any]:
    names = {"angle": "tail_tail", "accuracy": "accuracy", "accuracy_tail": "accuracy_tail"}
    values = {name: _column(rows, field) for name, field in names.items()}
    return {"angles": values["angle"], **{name: mean_and_std(column) for name, column in values.items()}}


def _lead(seeds: Mapping[str, Rows]) -> str:
    """Say which loss does what, from the means over the seeds."""
    angles = listed([f"{degrees:.0f}° ({TITLES[loss]})" for loss, degrees in _means(seeds, "tail_tail").items()])
    accuracies = _means(seeds, "accuracy").values()
    return (
        f"Means of {len(seeds['scl'])} seeds after 60 epochs, while the tails still move: the rarest digits stand "
        f"{angles} apart, with a test accuracy of {min(accuracies):.1f} to {max(accuracies):.1f} %."
    )


def _how_sure() -> str:
    """Say by how much BCL and SCL differ, and how likely chance makes as much."""
    of = bcl_less_scl()
    if not of:
        return ""
    wider, nearer = of["tail_tail"], of["rms_deviation"]
    return (
        f"Seed against seed, BCL's tail is wider than SCL's by {wider['mean']:.1f} ± {wider['std']:.1f}° (p "
        f"{wider['p']:.1g} in a paired t-test), and its RMS deviation from the regular simplex smaller by "
        f"{-nearer['mean']:.1f} ± {nearer['std']:.1f}° (p {nearer['p']:.1g})."
    )


def _lead_balanced(seeds: Mapping[str, Rows]) -> str:
    angles = _means(seeds, "tail_tail").values()
    return (
        "As many of every digit, and as many in all: the orange pairs' means differ by "
        f"{max(angles) - min(angles):.1f}° at most."
    )


def _means(seeds: Mapping[str, Rows], field: str) -> dict[str, float]:
    return {loss: float(np.mean(_column(rows, field))) for loss, rows in seeds.items()}


def _column(rows: Rows, field: str) -> list[float]:
    return [row[field] for row in rows]
