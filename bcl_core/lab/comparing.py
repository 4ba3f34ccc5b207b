"""Two runs, or two recipes over the seeds that they were trained with, held against each other. Imports no torch."""

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from bcl_core.geometry import rms_angle_difference
from bcl_core.lab.reading import Reading, read, trained
from bcl_core.lab.run import LabError, Run
from bcl_core.lab.store import Lab
from bcl_core.metrics import METRICS, own
from bcl_core.recipe import Recipe


class Compared(NamedTuple):
    """A metric of the last epoch on both sides, in its own unit: means over runs, and standard deviations (n − 1).

    The difference is B less A: the mean over pairs of one seed where the sides share seeds, else that of the means. A
    standard deviation is None where there are not two to take it over.
    """

    a: float
    a_std: float | None
    b: float
    b_std: float | None
    difference: float
    difference_std: float | None


class Comparison(NamedTuple):
    """What two sides have in common and how they differ."""

    a: tuple[Run, ...]
    b: tuple[Run, ...]
    pairs: int  # of runs with one seed
    metrics: dict[str, Compared]  # by the names of `bcl_core.metrics`: those that all runs recorded
    data: str | None  # how the data of the two runs differ, in words; None where they do not, or that is not known
    angles_differ: float | None  # root mean square over pairs of classes between the two runs that were named, degrees


def compare(lab: Lab, a: str, b: str, *, seeds: bool = False) -> Comparison:
    """Compare the last recorded epochs of two runs.

    Args:
        lab: where they are.
        a: a run's id.
        b: another's.
        seeds: take each as its recipe, and all finished runs of that recipe, whatever their seed, as a side.

    Raises:
        LabError: there is no such run, it has no epoch that can be read, or is the other one; with `seeds`, or is of
            the other one's recipe.
        SnapshotError: a file is damaged.
    """
    if a == b:
        raise LabError("that is one run twice: name another to compare it with")
    left, right = read(a, lab), read(b, lab)
    of_a, rows_a = _with_other_seeds(lab, left) if seeds else _alone(left)
    of_b, rows_b = _with_other_seeds(lab, right) if seeds else _alone(right)
    if {run.id for run in of_a} & {run.id for run in of_b}:
        raise LabError("these are two seeds of one recipe: compare them alone, or name runs of two recipes")
    pairs = _pairs(of_a, of_b)
    metrics = {
        name: _compared([row[name] for row in rows_a], [row[name] for row in rows_b], pairs)
        for name in dict.fromkeys([*METRICS, *own(rows_a[0])])
        if all(isinstance(row.get(name), int | float) for row in (*rows_a, *rows_b))
    }
    means_a, means_b = left.view().get("class_means"), right.view().get("class_means")
    alike = means_a is not None and means_b is not None and len(means_a) == len(means_b)
    angles_differ = rms_angle_difference(means_a, means_b) if alike else None  # type: ignore[arg-type]
    return Comparison(of_a, of_b, len(pairs), metrics, _data_differ(left, right), angles_differ)


_Side = tuple[tuple[Run, ...], list[dict[str, Any]]]  # runs, and the metrics of the last epoch of each


def _alone(reading: Reading) -> _Side:
    return (reading.run,), [dict(reading.metrics[-1])]


def _with_other_seeds(lab: Lab, reading: Reading) -> _Side:
    recipe = reading.recipe
    if not isinstance(recipe, Recipe):
        return _alone(reading)
    wanted, last = _but_for_the_seed(recipe), lab.last_metrics()
    # Of a seed that was trained twice, one; of this run's, this one.
    one_a_seed = {recipe.seed: (reading.run, reading.metrics[-1])}
    for run in (*lab.runs(), *lab.shelf.runs):
        if run.state != "finished" or run.id not in last or not isinstance(run.recipe, Recipe):
            continue
        if _but_for_the_seed(run.recipe) == wanted:
            one_a_seed.setdefault(run.recipe.seed, (run, trained(run.recipe, last[run.id])))
    runs, rows = zip(*(one_a_seed[seed] for seed in sorted(one_a_seed)), strict=True)
    return runs, [dict(row) for row in rows]


def _but_for_the_seed(recipe: Recipe) -> str:
    return recipe.model_copy(update={"seed": 0}).hash


def _data_differ(a: Reading, b: Reading) -> str | None:
    """Say in what the data differ that figures were taken on, or the space that angles were taken in."""
    both, parts = (a, b), []
    if a.class_names != b.class_names:
        parts.append(" and ".join(_classes(one.class_names) for one in both))
    elif not np.array_equal(a.class_counts, b.class_counts):
        ends = [f"{one.class_counts.max():,} to {one.class_counts.min():,}" for one in both]
        parts.append(f"{ends[0]} training images a class and {ends[1]}")
    data = [one.recipe.data.in_words for one in both if isinstance(one.recipe, Recipe)]
    if len({*data}) == 2:
        parts.append(" and ".join(data))
    if a.recipe.space != b.recipe.space:
        parts.append(f"angles in {a.recipe.space} space and in {b.recipe.space} space")
    return "; ".join(parts) or None


def _classes(names: Sequence[str]) -> str:
    return f"{len(names)} classes ({', '.join(names[:3])}{', …' if names[3:] else ''})"


def _pairs(a: Sequence[Run], b: Sequence[Run]) -> list[tuple[int, int]]:
    """Return the places of runs that have a seed in common."""
    at = {run.recipe.seed: place for place, run in enumerate(b) if isinstance(run.recipe, Recipe)}
    seeds = [(place, run.recipe.seed) for place, run in enumerate(a) if isinstance(run.recipe, Recipe)]
    return [(place, at[seed]) for place, seed in seeds if seed in at]


def _compared(a: list[float], b: list[float], pairs: list[tuple[int, int]]) -> Compared:
    differences = [b[right] - a[left] for left, right in pairs] or [float(np.mean(b) - np.mean(a))]
    return Compared(*_mean_and_std(a), *_mean_and_std(b), *_mean_and_std(differences))


def _mean_and_std(values: Sequence[float]) -> tuple[float, float | None]:
    return float(np.mean(values)), float(np.std(values, ddof=1)) if len(values) > 1 else None
