"""From a run and an epoch to its figures: read the arrays, hand them to `figures`. Shared by the pages."""

from collections.abc import Sequence

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


def metric_curves(
    runs: Sequence[Run], metric: str, *, title: str, y_title: str, percent: bool = False, spread: str | None = None
) -> go.Figure:
    """One metric over the epochs, a line a run; `spread` names the metric that is its deviation, drawn as a band."""
    series = []
    for run in runs:
        table = reading.run_curves(run)
        y = table[metric]
        band = (y - table[spread], y + table[spread]) if spread else None
        series.append(figures.Series(label_of(run, runs), run.recipe.variant, table["epoch"], y, band))
    return figures.curves(series, title=title, y_title=y_title, percent=percent, epochs=_planned(runs))


def formation(runs: Sequence[Run], *, title: str | None = "Simplex formation") -> go.Figure:
    """Tail–tail and head–head angle over the epochs, with the regular simplex and each run's predicted optimum."""
    lines = []
    for run in runs:
        table = reading.run_curves(run)
        lines.append(
            figures.Formation(
                label_of(run, runs),
                run.recipe.variant,
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


def accuracy_bars(runs: Sequence[Run], epochs: Sequence[int]) -> go.Figure:
    """Test accuracy of each class, a bar a run."""
    about = reading.samples(runs[0].id)
    values = [
        (label_of(run, runs), run.recipe.variant, reading.view(run.id, epoch)["accuracy_per_class"])
        for run, epoch in zip(runs, epochs, strict=True)
    ]
    return figures.per_class_accuracy(
        values, about.class_names, about.class_counts.tolist(), title="Test accuracy per class"
    )


def embedding(run: Run, epoch: int, *, dims: int, title: str) -> go.Figure:
    """The test images that the frame was not fitted on, with means and prototypes, in a basis fixed over epochs."""
    about, arrays = reading.samples(run.id), reading.view(run.id, epoch)
    return figures.embedding(
        geometry.dequantise(arrays["coordinates"][about.drawn]).astype(np.float32),
        about.labels[about.drawn],
        arrays["predictions"][about.drawn],
        about.class_names,
        about.class_counts.tolist(),
        dims=dims,
        title=title,
        means=arrays["class_mean_coordinates"],
        prototypes=arrays["prototype_coordinates"],
    )


def angle_map(run: Run, epoch: int, *, of: str = "class_means", title: str) -> go.Figure:
    """Angles between class means or prototypes (`of`: a key of ANGLES_OF), as deviation from the regular simplex."""
    about, arrays = reading.samples(run.id), reading.view(run.id, epoch)
    return figures.angle_heatmap(
        geometry.pairwise_angles(arrays[of]),
        about.class_names,
        about.class_counts.tolist(),
        target_deg=_simplex_angle(run),
        within_deg=arrays["within_class_angles"] if of == "class_means" else None,
        title=title,
    )


def gradient_map(run: Run, epoch: int, *, quantity: str, title: str) -> go.Figure:
    """Anchor class × other class, `quantity` a key of GRADIENTS."""
    about, arrays = reading.samples(run.id), reading.view(run.id, epoch)
    matrix = arrays[quantity]
    if quantity == "pair_push":
        matrix = np.where(np.eye(len(matrix), dtype=bool), np.nan, matrix)  # a class and itself are no pair
    return figures.contribution_heatmap(
        matrix,
        about.class_names,
        about.class_counts.tolist(),
        title=title,
        unit=GRADIENTS[quantity][1],
        log=quantity == "pair_push",
    )


def label_of(run: Run, among: Sequence[Run]) -> str:
    """Return the loss's title where it tells the runs apart, else the run's name."""
    return run.recipe.title if [other.recipe.title for other in among].count(run.recipe.title) == 1 else run.name


def headline(runs: Sequence[Run], epoch: int) -> str:
    """Say in one sentence how far apart the rarest classes stand, at an epoch that every run has."""
    rarest = geometry.head_and_tail(reading.samples(runs[0].id).class_counts)[1]
    parts = []
    for run in runs:
        angle = reading.run_curves(run)["angle_tail_tail"][epoch]
        parts.append(f"{'–' if np.isnan(angle) else f'{angle:.0f}°'} apart with {label_of(run, runs)}")
    return (
        f"At epoch {epoch} the {len(rarest)} rarest classes stand {', '.join(parts)}; "
        f"all classes equally far apart would be {_simplex_angle(runs[0]):.1f}°."
    )


def picture_quality(run: Run, epoch: int, dims: int) -> tuple[float, float]:
    """Return the shares of variance (whole basis) and of five nearest neighbours (this view) that are kept."""
    table = reading.run_curves(run)
    return float(table["picture_variance_kept"][epoch]), float(table[f"picture_neighbours_{dims}d"][epoch])


def _simplex_angle(run: Run) -> float:
    return geometry.simplex_angle(len(reading.samples(run.id).class_names))


def _predicted_tail_tail(run: Run) -> float | None:
    means = reading.predicted_means(run.id)
    if means is None:
        return None
    return geometry.simplex_metrics(means, reading.samples(run.id).class_counts)["angle_tail_tail"]


def _planned(runs: Sequence[Run]) -> int:
    return max(run.recipe.epochs for run in runs)
