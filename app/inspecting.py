"""What the inspector is told of its runs: names, colours, figures without arrays, and what no epoch moves.

The arrays of the epochs it fetches itself, from `app.routes`.
"""

import json
from collections.abc import Container, Mapping, Sequence
from functools import reduce
from typing import Any

import numpy as np
import plotly.graph_objects as go
from numpy.typing import NDArray

from app import naming, palette, panels, reading
from app.components import COMPONENTS, PLOTLY_FILE, PREFIX
from app.figures import inspector as figures
from bcl_core import geometry
from bcl_core.geometry.alignment import MAX_SIMPLEX_DIMS
from bcl_core.lab import Run, SnapshotError
from bcl_core.recipe import Recipe, Recorded, Unreadable
from bcl_core.registry import LOSSES

TOUR_DIGITS = 4
CURVE_DIGITS = 6

_SAME_IMAGES = ("source", "image_size", "test_per_class", "loading", "draw_seed")
"""Of a recipe's data, what a control shares with its run; the rest says how many images each class has."""

_KINDS = ("balanced", "swapped")  # of controls


def told(runs: Sequence[Run]) -> dict[str, Any]:
    """Return everything but the epochs' arrays, ready for JSON."""
    named = list(map(figures.Named, naming.labels(runs), palette.line_styles([run.recipe.variant for run in runs])))
    planned = max((run.recipe.epochs for run in runs), default=1)
    chosen = {run.id for run in runs}
    told_runs = []
    for place, (run, me) in enumerate(zip(runs, named, strict=True)):
        others = [*named[:place], *named[place + 1 :]]
        controls = _controls(run, chosen, me, others, planned)
        told_runs.append({**_run(run, me, others, planned), "controls": controls})
    return {
        "prefix": PREFIX,
        "components": COMPONENTS,
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
        "runs": told_runs,
    }


def _run(run: Run, me: figures.Named, others: Sequence[figures.Named], planned: int) -> dict[str, Any]:
    recipe = run.recipe
    return {
        "id": run.id,
        "label": me.label,
        "name": run.name,
        "group": run.group_name,
        "variant": recipe.variant,
        "colour": me.style.colour,
        "dash": me.style.dash,
        "planned": recipe.epochs,
        "seed": recipe.seed,
        "space": recipe.space,
        "recipe": recipe.in_words,
        "provenance": dict(run.provenance),
        # The same image has the same number in runs on the same data; of other code, that is known within a group.
        "source": recipe.data.source if isinstance(recipe, Recipe) else f"group {run.group_id}",
        "switches": _switches(recipe) if isinstance(recipe, Recipe) else None,
        "classes": _classes(run, me, others, planned),
        "seeds": _seeds(run),
    }


def _controls(
    run: Run, chosen: Container[str], me: figures.Named, others: Sequence[figures.Named], planned: int
) -> dict[str, Any]:
    """Return, by kind, the run of the lab that is this one's control, told as `_run` does, and how to make one."""
    counts = _count_by_class(run) or {}
    controls = _controls_of(run, counts, chosen)
    return {
        kind: {
            "run": _run(controls[kind], me._replace(label=f"{me.label}, {kind}"), others, planned)
            if kind in controls
            else None,
            "how": _how(kind, run.recipe, counts),
        }
        for kind in _KINDS
    }


def _how(kind: str, recipe: Recipe | Recorded | Unreadable, counts: Mapping[str, int]) -> str:
    """Say how the control is made."""
    if not isinstance(recipe, Recipe) or not counts:
        return "Controls are known of runs that this lab has trained."
    if len(set(counts.values())) == 1:
        return "Its classes have as many images as each other."
    natural = recipe.data.imbalance_kind == "natural"
    if kind == "balanced":
        mean = round(sum(counts.values()) / len(counts))
        drawn = ", the kind of imbalance to exp" if natural else ""
        change = (
            f"set the imbalance factor to 1{drawn} and the images in the largest class to {mean}, about as many in all"
        )
    elif natural:
        return "Classes that keep the images they have cannot be swapped."
    else:
        change = f"set the rare classes to {'first' if recipe.data.rare_classes == 'last' else 'last'}"
    return f"To train one: on Train, under “Change the recipe”, {change}."


def _controls_of(run: Run, counts: Mapping[str, int], chosen: Container[str]) -> dict[str, Run]:
    """Return the runs that differ from this one in nothing but their training counts: all alike, or rank reversed.

    Of several, the one whose training images are nearest in number, then the newest. Those that are shown as runs of
    their own are left out.
    """
    if not isinstance(run.recipe, Recipe) or len(set(counts.values())) < 2:
        return {}
    wanted = _but_for_counts(run)
    found: dict[str, tuple[tuple[float, float], Run]] = {}
    for other in reading.every_run():
        if other.id in chosen or other.epoch is None or _but_for_counts(other) != wanted:
            continue
        theirs = _count_by_class(other) or {}
        kind = _kind_of_control(counts, theirs)
        rank = (-abs(sum(theirs.values()) - sum(counts.values())), other.created)
        if kind is not None and (kind not in found or rank > found[kind][0]):
            found[kind] = (rank, other)
    return {kind: other for kind, (_, other) in found.items()}


def _kind_of_control(counts: Mapping[str, int], theirs: Mapping[str, int]) -> str | None:
    if theirs.keys() != counts.keys() or theirs == counts:
        return None
    if len(set(theirs.values())) == 1:
        return "balanced"
    ranked = sorted(counts, key=lambda name: -counts[name])
    return "swapped" if theirs == dict(zip(ranked, sorted(counts.values()), strict=True)) else None


def _but_for_counts(run: Run) -> dict[str, Any] | None:
    if not isinstance(run.recipe, Recipe):
        return None
    document = run.recipe.model_dump()
    return {**document, "data": {name: document["data"][name] for name in _SAME_IMAGES}}


def _count_by_class(run: Run) -> dict[str, int] | None:
    """Return training images by class name; None before the run has read its data."""
    try:
        about = reading.samples(run.id)
    except SnapshotError:
        return None
    return dict(zip(about.class_names, about.class_counts.tolist(), strict=True))


def _switches(recipe: Recipe) -> dict[str, Any]:
    loss = LOSSES[recipe.loss.name]
    return {
        "contrastive": loss.contrastive,
        "averaging": loss.class_averaging,
        "complement": loss.class_complement,
        "anchors": recipe.loss.anchors,
    }


def _classes(run: Run, me: figures.Named, others: Sequence[figures.Named], planned: int) -> dict[str, Any] | None:
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
        for other in reading.trained_here(reading.the_lab().runs(run.group_id))
        if other.epoch is not None and _without_seed(other) == _without_seed(run)
    ]
    if len(same) < 2:
        return None
    last = min(other.epoch or 0 for other in same)
    curves = [reading.curves(other.id, last) for other in same]
    epochs = reduce(np.intersect1d, [table["epoch"] for table in curves])  # what was recorded of others cannot be read
    tables = [{name: table[name][np.isin(table["epoch"], epochs)] for name in table} for table in curves]
    shared = [name for name in tables[0] if name != "epoch" and all(name in table for table in tables)]
    ends = {"low": np.min, "high": np.max}
    return {
        "runs": len(same),
        "epochs": epochs.tolist(),
        **{
            end: {name: _rounded(choose([table[name] for table in tables], axis=0), CURVE_DIGITS) for name in shared}
            for end, choose in ends.items()
        },
    }


def _without_seed(run: Run) -> dict[str, Any]:
    return run.training_recipe.model_dump(exclude={"seed"})


def _rounded(values: NDArray[np.floating[Any]], digits: int = TOUR_DIGITS) -> Any:
    """Return nested lists, with None for what is not finite."""
    rounded = np.round(values.astype(float), digits).astype(object)
    rounded[~np.isfinite(values)] = None
    return rounded.tolist()


def _plain(figure: go.Figure) -> Any:
    return json.loads(figure.to_json(validate=False))
