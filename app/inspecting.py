"""What the inspector is told of its runs: names, colours, figures without arrays, and what no epoch moves.

The arrays of the epochs it fetches itself, from `app.routes`.
"""

import json
from collections.abc import Sequence
from typing import Any

import numpy as np
import plotly.graph_objects as go
from numpy.typing import NDArray

from app import palette, panels, reading
from app.components import PLOTLY_FILE, PREFIX
from app.figures import inspector as figures
from bcl_core import geometry
from bcl_core.geometry.alignment import MAX_SIMPLEX_DIMS
from bcl_core.lab import Run, SnapshotError
from bcl_core.recipe import Recipe, Recorded
from bcl_core.registry import BACKBONES, DATASETS, LOSSES

TOUR_DIGITS = 4
CURVE_DIGITS = 6


def told(runs: Sequence[Run]) -> dict[str, Any]:
    """Return everything but the epochs' arrays, ready for JSON."""
    labels = [run.label for run in panels.shown(runs)]
    named = [(label, run.recipe.variant) for label, run in zip(labels, runs, strict=True)]
    planned = max((run.recipe.epochs for run in runs), default=1)
    return {
        "prefix": PREFIX,
        "plotly": f"{PREFIX}/{PLOTLY_FILE}",
        "groups": figures.GROUPS,
        "neutral": palette.NEUTRAL,
        "deviation": palette.DEVIATION,
        "amount": palette.loss_style("bcl").colour,
        "metrics": {
            key: {"title": title, "unit": unit, "spread": spread}
            for key, (title, unit, spread) in panels.CURVES.items()
        },
        "curve": _plain(figures.curve(named, planned_epochs=planned)),
        "runs": [_run(run, label, named, planned) for run, label in zip(runs, labels, strict=True)],
    }


def _run(run: Run, label: str, named: Sequence[tuple[str, str]], planned: int) -> dict[str, Any]:
    recipe, me = run.recipe, (label, run.recipe.variant)
    style = palette.loss_style(recipe.variant)
    return {
        "id": run.id,
        "label": label,
        "name": run.name,
        "group": run.group_name,
        "variant": recipe.variant,
        "colour": style.colour,
        "dash": style.dash,
        "planned": recipe.epochs,
        "seed": recipe.seed,
        "space": recipe.space,
        "recipe": in_words(recipe),
        "provenance": dict(run.provenance),
        # The same image has the same number in runs on the same data; of other code, that is known within a group.
        "source": recipe.data.source if isinstance(recipe, Recipe) else f"group {run.group_id}",
        "switches": _switches(recipe) if isinstance(recipe, Recipe) else None,
        "classes": _classes(run, me, [other for other in named if other != me], planned),
        "seeds": _seeds(run),
    }


def _switches(recipe: Recipe) -> dict[str, Any]:
    loss = LOSSES[recipe.loss.name]
    return {
        "contrastive": loss.contrastive,
        "averaging": loss.class_averaging,
        "complement": loss.class_complement,
        "anchors": recipe.loss.anchors,
    }


def in_words(recipe: Recipe | Recorded) -> str:
    """Say a recipe in a line: what a caption needs so that a picture can be made again."""
    if isinstance(recipe, Recorded):
        return f"{recipe.title}, recorded from other code"
    data, loss = recipe.data, recipe.loss
    parts = [
        f"{recipe.title}, seed {recipe.seed}",
        f"τ {loss.temperature:g}, μ {loss.contrastive_weight:g}, λ {loss.classifier_weight:g}"
        if loss.contrastive
        else f"λ {loss.classifier_weight:g}",
        f"{DATASETS[data.source].title}, imbalance factor {data.imbalance_factor:g}",
        BACKBONES[recipe.model.backbone].title,
        f"{recipe.epochs} epochs, batch {recipe.batch_size}, learning rate {recipe.optimiser.lr:g}",
    ]
    return " · ".join(parts)


def _classes(run: Run, me: tuple[str, str], others: Sequence[tuple[str, str]], planned: int) -> dict[str, Any] | None:
    """Return what follows from the classes and their counts; None before the run has read its data."""
    try:
        about = reading.samples(run.id)
    except SnapshotError:
        return None
    counts = about.class_counts
    K = len(counts)
    predicted = reading.predicted_means(run.id)
    figure = figures.formation(
        me,
        others,
        regular_deg=geometry.simplex_angle(K),
        predicted_deg=None if predicted is None else geometry.simplex_metrics(predicted, counts)["angle_tail_tail"],
        planned_epochs=planned,
    )
    return {
        "names": about.class_names,
        "counts": counts.tolist(),
        "colours": palette.colours_of(counts.tolist()),
        "simplex": _rounded(np.pad(geometry.simplex_frame(K, min(K - 1, MAX_SIMPLEX_DIMS)), ((0, 0), (0, 1)))),
        "predicted": None if predicted is None else _turned(predicted),
        "bins": geometry.frequency_bins(counts).tolist() if K > geometry.MAX_BINS else None,
        "figures": {
            "formation": _plain(figure),
            "push": _plain(figures.push(me)),
            "received": _plain(figures.received(me)),
        },
    }


def _turned(predicted: NDArray[np.float64]) -> list[list[float]]:
    """Return the predicted optimum, turned onto the picture's simplex as every epoch's class means are."""
    turned: list[list[float]] = _rounded(geometry.aligned_coordinates(predicted, predicted).coordinates)
    return turned


def _seeds(run: Run) -> dict[str, Any] | None:
    """Return the lowest and highest value of each curve over the runs of the group that differ in the seed alone."""
    if not isinstance(run.recipe, Recipe):
        return None  # nobody knows in what recorded runs differ
    same = [
        other
        for other in reading.the_lab().runs(run.group_id)
        if other.epoch is not None and _without_seed(other) == _without_seed(run)
    ]
    if len(same) < 2:
        return None
    last = min(other.epoch or 0 for other in same)
    tables = [reading.curves(other.id, last) for other in same]
    shared = [name for name in tables[0] if name != "epoch" and all(name in table for table in tables)]
    ends = {"low": np.min, "high": np.max}
    return {
        "runs": len(same),
        "epochs": tables[0]["epoch"].tolist(),
        **{
            end: {name: _rounded(choose([table[name] for table in tables], axis=0), CURVE_DIGITS) for name in shared}
            for end, choose in ends.items()
        },
    }


def _without_seed(run: Run) -> dict[str, Any]:
    return run.recipe.model_dump(exclude={"seed"})


def _rounded(values: NDArray[np.floating[Any]], digits: int = TOUR_DIGITS) -> Any:
    """Return nested lists, with None for what is not finite."""
    rounded = np.round(values.astype(float), digits).astype(object)
    rounded[~np.isfinite(values)] = None
    return rounded.tolist()


def _plain(figure: go.Figure) -> Any:
    return json.loads(figure.to_json(validate=False))
