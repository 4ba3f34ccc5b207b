"""From a run and an epoch to its figures: read the arrays, hand them to `figures`. Shared by the pages.

A run's epochs never change once recorded, so a figure of (run, epoch) is built once and shared by all who look at it.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import plotly.graph_objects as go

from app import figures, reading
from bcl_core import geometry
from bcl_core.lab import Run

ANGLES_OF = {"class_means": "class means", "prototypes": "prototypes"}
GRADIENTS = {
    "pair_push": (
        "Pair push",
        "share of the loss",
        "How hard two classes push on each other in the whole loss, both directions together. "
        "The one quantity here that tells the two kinds of anchors apart.",
    ),
    "gradient_mass": (
        "Mass",
        "share",
        "How an anchor's repulsion divides over the classes: softmax shares, a row adds up to 1.",
    ),
    "gradient_norm": (
        "Norm",
        "length",
        "Length of each class's part of the gradient at the anchor, along the sphere, with the factor 1/τ.",
    ),
}


@dataclass(frozen=True)
class Shown:
    """A run as a figure shows it: up to an epoch, under the name that tells it from the runs beside it."""

    run_id: str
    epoch: int
    label: str
    variant: str
    planned_epochs: int


def shown(runs: Sequence[Run], epoch: int | None = None) -> tuple[Shown, ...]:
    """Return the runs as figures show them, each up to its last epoch and no further than `epoch`."""
    titles = [run.recipe.title for run in runs]
    return tuple(
        Shown(
            run.id,
            min(run.epoch or 0, run.recipe.epochs if epoch is None else epoch),
            run.recipe.title if titles.count(run.recipe.title) == 1 else run.name,
            run.recipe.variant,
            run.recipe.epochs,
        )
        for run in runs
    )


@lru_cache(maxsize=64)
def metric_curves(
    runs: tuple[Shown, ...],
    metric: str,
    *,
    title: str,
    y_title: str,
    percent: bool = False,
    spread: str | None = None,
) -> go.Figure:
    """One metric over the epochs, a line a run; `spread` names the metric that is its deviation, drawn as a band."""
    series = []
    for run in runs:
        table = reading.curves(run.run_id, run.epoch)
        y = table[metric]
        band = (y - table[spread], y + table[spread]) if spread else None
        series.append(figures.Series(run.label, run.variant, table["epoch"], y, band))
    return figures.curves(series, title=title, y_title=y_title, percent=percent, epochs=_planned(runs))


@lru_cache(maxsize=64)
def formation(runs: tuple[Shown, ...], *, title: str | None = "Simplex formation") -> go.Figure:
    """Tail–tail and head–head angle over the epochs, with the regular simplex and each run's predicted optimum."""
    lines = []
    for run in runs:
        table = reading.curves(run.run_id, run.epoch)
        lines.append(
            figures.Formation(
                run.label,
                run.variant,
                table["epoch"],
                table["angle_tail_tail"],
                table["angle_head_head"],
                _predicted_tail_tail(run),
            )
        )
    return figures.formation(lines, regular_deg=_simplex_angle(runs[0]), title=title, epochs=_planned(runs))


def bundled_formation(race: reading.BundledRace) -> go.Figure:
    """Draw what `formation` draws, from the curves that come with the project."""
    lines = [
        figures.Formation(
            run["title"],
            run["loss"],
            np.arange(len(run["angle_tail_tail"])),
            np.array(run["angle_tail_tail"]),
            np.array(run["angle_head_head"]),
        )
        for run in race.runs
    ]
    return figures.formation(
        lines, regular_deg=geometry.simplex_angle(race.num_classes), epochs=len(race.runs[0]["angle_tail_tail"]) - 1
    )


@lru_cache(maxsize=64)
def accuracy_bars(runs: tuple[Shown, ...]) -> go.Figure:
    """Test accuracy of each class, a bar a run."""
    about = reading.samples(runs[0].run_id)
    values = [(run.label, run.variant, reading.view(run.run_id, run.epoch)["accuracy_per_class"]) for run in runs]
    return figures.per_class_accuracy(
        values, about.class_names, about.class_counts.tolist(), title="Test accuracy per class"
    )


@lru_cache(maxsize=128)
def embedding(run: Shown, *, dims: int) -> go.Figure:
    """The test images that the frame was not fitted on, with means and prototypes, turned onto one fixed simplex."""
    about, arrays = reading.samples(run.run_id), reading.view(run.run_id, run.epoch)
    return figures.embedding(
        geometry.dequantise(arrays["coordinates"][about.drawn]).astype(np.float32),
        about.labels[about.drawn],
        arrays["predictions"][about.drawn],
        about.class_names,
        about.class_counts.tolist(),
        dims=dims,
        title=_title(run),
        means=arrays["class_mean_coordinates"],
        prototypes=arrays["prototype_coordinates"],
    )


@lru_cache(maxsize=128)
def angle_map(run: Shown, *, of: str = "class_means") -> go.Figure:
    """Angles between class means or prototypes (`of`: a key of ANGLES_OF), as deviation from the regular simplex."""
    about, arrays = reading.samples(run.run_id), reading.view(run.run_id, run.epoch)
    return figures.angle_heatmap(
        geometry.pairwise_angles(arrays[of]),
        about.class_names,
        about.class_counts.tolist(),
        target_deg=_simplex_angle(run),
        within_deg=arrays["within_class_angles"] if of == "class_means" else None,
        title=_title(run),
    )


@lru_cache(maxsize=128)
def gradient_map(run: Shown, *, quantity: str) -> go.Figure:
    """Anchor class × other class, `quantity` a key of GRADIENTS."""
    about, arrays = reading.samples(run.run_id), reading.view(run.run_id, run.epoch)
    matrix = arrays[quantity]
    if quantity == "pair_push":
        matrix = np.where(np.eye(len(matrix), dtype=bool), np.nan, matrix)  # a class and itself are no pair
    return figures.contribution_heatmap(
        matrix,
        about.class_names,
        about.class_counts.tolist(),
        title=_title(run),
        unit=GRADIENTS[quantity][1],
        log=quantity == "pair_push",
    )


def headline(runs: Sequence[Shown]) -> str:
    """Say in one sentence how far apart the rarest classes stand, at the last epoch that every run has."""
    rarest = geometry.head_and_tail(reading.samples(runs[0].run_id).class_counts)[1]
    epoch = min(run.epoch for run in runs)
    parts = []
    for run in runs:
        angle = reading.curves(run.run_id, run.epoch)["angle_tail_tail"][epoch]
        parts.append(f"{'–' if np.isnan(angle) else f'{angle:.0f}°'} apart with {run.label}")
    return (
        f"At epoch {epoch} the {len(rarest)} rarest classes stand {', '.join(parts)}; "
        f"all classes equally far apart would be {_simplex_angle(runs[0]):.1f}°."
    )


def picture_quality(run: Shown, dims: int) -> tuple[float, float]:
    """Return the shares of variance (whole basis) and of five nearest neighbours (this view) that are kept."""
    table = reading.curves(run.run_id, run.epoch)
    return float(table["picture_variance_kept"][-1]), float(table[f"picture_neighbours_{dims}d"][-1])


def _title(run: Shown) -> str:
    return f"{run.label}, epoch {run.epoch}"


def _simplex_angle(run: Shown) -> float:
    return geometry.simplex_angle(len(reading.samples(run.run_id).class_names))


def _predicted_tail_tail(run: Shown) -> float | None:
    means = reading.predicted_means(run.run_id)
    if means is None:
        return None
    return geometry.simplex_metrics(means, reading.samples(run.run_id).class_counts)["angle_tail_tail"]


def _planned(runs: Sequence[Shown]) -> int:
    return max(run.planned_epochs for run in runs)
