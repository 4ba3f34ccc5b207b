"""From a run and an epoch to its figures: read the arrays, hand them to `figures`. Shared by the pages.

A run's epochs never change once recorded, so a figure of (run, epoch) is built once and shared by all who look at it.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import plotly.graph_objects as go
from numpy.typing import NDArray

from app import figures, naming, reading
from app.figures import frame
from bcl_core import geometry
from bcl_core.geometry.groups import by_frequency
from bcl_core.lab import Run
from bcl_core.lab.cache import remembered
from bcl_core.lab.samples import KeptSamples
from bcl_core.recipe import LossRecipe, Recipe
from bcl_core.registry import LOSSES


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
    return tuple(
        Shown(
            run.id,
            min(run.epoch or 0, run.recipe.epochs if epoch is None else epoch),
            label,
            run.recipe.variant,
            run.recipe.epochs,
        )
        for run, label in zip(runs, naming.labels(runs), strict=True)
    )


def same_classes(runs: Sequence[Shown]) -> bool:
    """Whether the runs have the same classes with the same training counts, so that a class of one is that of all."""
    first, *others = (reading.samples(run.run_id) for run in runs)
    return all(
        other.class_names == first.class_names and np.array_equal(other.class_counts, first.class_counts)
        for other in others
    )


@remembered(16 << 20, frame.size_of)
def metric_curves(
    runs: tuple[Shown, ...], metric: str, *, title: str, y_title: str, percent: bool = False
) -> go.Figure:
    """One metric over the epochs, a line a run."""
    tables = [(run, reading.curves(run.run_id, run.epoch)) for run in runs]
    series = [figures.Series(run.label, run.variant, table["epoch"], table[metric]) for run, table in tables]
    return figures.curves(series, title=title, y_title=y_title, percent=percent, epochs=_planned(runs))


@remembered(16 << 20, frame.size_of)
def formation(runs: tuple[Shown, ...], *, title: str | None = "Simplex formation") -> go.Figure:
    """Tail–tail and head–head angle over the epochs, with the regular simplex and each run's predicted optimum.

    Where the tail is one class, and so without a pair, the mean angle over all pairs.
    """
    if len(_tail(runs[0])) == 1:
        return _mean_angles(runs, title)
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


def formation_note(runs: Sequence[Shown]) -> str:
    """Say how to read `formation`."""
    if len(_tail(runs[0])) == 1:
        return "The mean over all pairs of classes: so few have no tail of several classes."
    if all(_predicted_tail_tail(run) is None for run in runs):
        return "Tail: the rarest 30 % of classes; head: the most frequent."
    return (
        "Dotted: where the contrastive loss alone would end (see Predict). Training need not get there, and need not "
        "keep the predicted order."
    )


def _mean_angles(runs: tuple[Shown, ...], title: str | None) -> go.Figure:
    tables = [(run, reading.curves(run.run_id, run.epoch)) for run in runs]
    simplex = _simplex_angle(runs[0])
    return figures.curves(
        [figures.Series(run.label, run.variant, table["epoch"], table["angle_mean"]) for run, table in tables],
        y_title="mean angle between class means (°)",
        title=title,
        targets={f"regular simplex {simplex:.1f}°": simplex},
        epochs=_planned(runs),
    )


@remembered(16 << 20, frame.size_of)
def accuracy_bars(runs: tuple[Shown, ...]) -> go.Figure:
    """Test accuracy of each class, a bar a run."""
    about = reading.samples(runs[0].run_id)
    classes = _in_order(about.class_counts)
    values = [(run.label, run.variant, _accuracies(run)[classes]) for run in runs]
    return figures.per_class_accuracy(
        values, *_named(about, classes), title="Test accuracy per class" + _how_many(classes, about)
    )


@remembered(16 << 20, frame.size_of)
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
        prototypes=arrays["prototype_coordinates"] if _trains_prototypes(run) else None,
    )


@remembered(16 << 20, frame.size_of)
def angle_map(run: Shown) -> go.Figure:
    """Angles between class means, as deviation from the regular simplex."""
    about, arrays = reading.samples(run.run_id), reading.view(run.run_id, run.epoch)
    classes = _in_order(about.class_counts)
    return figures.angle_heatmap(
        geometry.pairwise_angles(arrays["class_means"][classes]),
        *_named(about, classes),
        target_deg=_simplex_angle(run),
        within_deg=arrays["within_class_angles"][classes],
        title=_title(run) + _how_many(classes, about),
    )


def headline(runs: Sequence[Shown]) -> str:
    """Say how far apart the rarest classes stand, or all where not several are rare, each at its epoch."""
    counts = reading.samples(runs[0].run_id).class_counts
    rarest = len(_tail(runs[0])) if counts.min() < counts.max() else 0
    which = f"{rarest} rarest classes stand" if rarest > 1 else f"{_num_classes(runs[0])} classes stand on average"
    together = len({run.epoch for run in runs}) == 1
    parts = []
    for run in runs:
        angle = reading.curves(run.run_id, run.epoch)["angle_tail_tail" if rarest > 1 else "angle_mean"][-1]
        notes = [] if together else [f"epoch {run.epoch}"]
        notes += [] if _contrastive(run) else [f"{_space(run)} features"]
        when = f" ({', '.join(notes)})" if notes else ""
        parts.append(f"{'–' if np.isnan(angle) else f'{angle:.0f}°'} apart with {run.label}{when}")
    start = f"At epoch {runs[0].epoch} the" if together else "The"
    return f"{start} {which} {', '.join(parts)}; all classes equally far apart would be {_simplex_angle(runs[0]):.1f}°."


def space_note(runs: Sequence[Shown]) -> str:
    """Say in which space the angles are, where it is not the contrastive loss's."""
    if all(_contrastive(run) for run in runs):
        return "Angles are between class means of test images, in projection space."
    notes = [f"Of {run.label} they are of {_space(run)} features." for run in runs if not _contrastive(run)]
    text = f"Angles are between class means of test images. {' '.join(notes)}"
    if any(_space(run) == "backbone" for run in runs):
        text += (
            " Without a contrastive loss there is no projection head. Backbone features that come out of a ReLU are "
            "never negative, so that no angle between their means passes 90°, which is less than in a regular simplex."
        )
    return text


def _accuracies(run: Shown) -> NDArray[np.float32]:
    accuracies: NDArray[np.float32] = reading.view(run.run_id, run.epoch)["accuracy_per_class"]
    return accuracies


def _in_order(class_counts: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return the classes that are drawn, most frequent first: all, or of very many some, evenly over the ranks."""
    order = by_frequency(class_counts)
    shown = min(len(order), geometry.MAX_BINS)
    places = np.linspace(0, len(order) - 1, shown).round().astype(np.int64)
    classes: NDArray[np.int64] = order[places]
    return classes


def _named(about: KeptSamples, classes: NDArray[np.int64]) -> tuple[list[str], list[int]]:
    return [about.class_names[k] for k in classes], about.class_counts[classes].tolist()


def _how_many(classes: NDArray[np.int64], about: KeptSamples) -> str:
    known = len(about.class_names)
    return f", {len(classes)} of {known:,} classes" if len(classes) < known else ""


def _loss(run: Shown) -> LossRecipe | None:
    """Return the run's loss, None where other code trained it."""
    recipe = reading.recipe(run.run_id)
    return recipe.loss if isinstance(recipe, Recipe) else None


def _contrastive(run: Shown) -> bool:
    """Whether a contrastive loss is known; without one there are no projection head, prototypes or push."""
    loss = _loss(run)
    return loss is not None and loss.contrastive


def _trains_prototypes(run: Shown) -> bool:
    """Whether the loss contrasts with prototypes; without class-complement nothing trains them."""
    loss = _loss(run)
    return loss is not None and LOSSES[loss.name].class_complement


def _space(run: Shown) -> str:
    return reading.recipe(run.run_id).space


def _title(run: Shown) -> str:
    return f"{run.label}, epoch {run.epoch}"


def _tail(run: Shown) -> NDArray[np.int64]:
    tail: NDArray[np.int64] = geometry.head_and_tail(reading.samples(run.run_id).class_counts)[1]
    return tail


def _num_classes(run: Shown) -> int:
    return len(reading.samples(run.run_id).class_names)


def _simplex_angle(run: Shown) -> float:
    return geometry.simplex_angle(_num_classes(run))


def _predicted_tail_tail(run: Shown) -> float | None:
    means = reading.predicted_means(run.run_id)
    if means is None:
        return None
    return geometry.simplex_metrics(means, reading.samples(run.run_id).class_counts)["angle_tail_tail"]


def _planned(runs: Sequence[Shown]) -> int:
    return max(run.planned_epochs for run in runs)
