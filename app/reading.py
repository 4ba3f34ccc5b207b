"""What pages read: the lab, its groups, and a run's arrays. Nothing here draws or computes."""

import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any, Literal

import numpy as np
import streamlit as st
from numpy.typing import NDArray

from bcl_core import geometry
from bcl_core.lab import Lab, Run
from bcl_core.lab.files import read_arrays, read_metadata
from bcl_core.recipe import Recipe, Recorded, Unreadable

Arrays = Mapping[str, NDArray[Any]]


def the_lab() -> Lab:
    """Return the lab that BCL_LAB_HOME names at this moment, else ./lab."""
    return _lab(os.environ.get("BCL_LAB_HOME") or "lab")


@st.cache_resource
def _lab(home: str) -> Lab:
    return Lab(Path(home))


@dataclass(frozen=True)
class Group:
    """Runs that were queued together."""

    id: str
    name: str
    runs: tuple[Run, ...]

    @property
    def active(self) -> bool:
        """Whether any of its runs may still train."""
        return any(run.active for run in self.runs)


def groups() -> list[Group]:
    """Return every group, newest first."""
    found: dict[str, list[Run]] = {}
    for run in the_lab().runs():
        found.setdefault(run.group_id, []).append(run)
    return [Group(group_id, runs[0].group_name, tuple(runs)) for group_id, runs in found.items()]


@dataclass(frozen=True)
class Samples:
    """The embedded images of a run."""

    labels: NDArray[np.int64]
    drawn: NDArray[np.bool_]  # test images that the picture's frame was not fitted on
    class_names: tuple[str, ...]
    class_counts: NDArray[np.int64]


def samples(run_id: str) -> Samples:
    """Return what a run embeds; SnapshotError before it has started."""
    path = the_lab().folder(run_id).samples
    arrays = read_arrays(path)
    return Samples(
        labels=arrays["labels"],
        drawn=(arrays["split"] == 0) & ~arrays["fits_frame"],
        class_names=tuple(json.loads(read_metadata(path)["class_names"])),
        class_counts=arrays["class_counts"],
    )


def view(run_id: str, epoch: int) -> Arrays:
    """Return an epoch's arrays; SnapshotError if it is missing or damaged."""
    return read_arrays(the_lab().folder(run_id).view(epoch))


@lru_cache(maxsize=256)
def recipe(run_id: str) -> Recipe | Recorded | Unreadable:
    """Return a run's recipe, or what is known instead, where other code trained it or it cannot be read."""
    return the_lab().run(run_id).recipe


@lru_cache(maxsize=64)
def optimum(
    class_counts: tuple[int, ...],
    loss: Literal["scl", "bcl"],
    anchors: Literal["instance", "class"],
    temperature: float,
    dim: int,
) -> geometry.PredictedOptimum:
    """Return the predicted optimum; loads scipy the first time."""
    return geometry.predicted_optimum(class_counts, loss=loss, temperature=temperature, anchors=anchors, dim=dim)


def predicted_means(run_id: str) -> NDArray[np.float64] | None:
    """Return the predicted optimum's class means, or None where no prediction is known for the run's loss."""
    path = the_lab().folder(run_id).predicted
    return read_arrays(path)["class_means"] if path.exists() else None


class Curves(dict[str, NDArray[np.float64]]):
    """Scalar metrics over the epochs, by name; NaN throughout where a metric was not recorded."""

    def __missing__(self, name: str) -> NDArray[np.float64]:
        return np.full(len(self["epoch"]), np.nan)


@lru_cache(maxsize=256)
def curves(run_id: str, epoch: int) -> Curves:
    """Return each scalar metric from epoch 0 to `epoch`, NaN where it does not exist, with "epoch" as integers."""
    rows = [row for row in the_lab().metrics(run_id) if row["epoch"] <= epoch]
    if not rows or rows[-1]["epoch"] != epoch:
        rows.append({"epoch": epoch})  # what was recorded of it cannot be read
    lists = {name for row in rows for name, value in row.items() if isinstance(value, list)}
    names = dict.fromkeys(name for row in rows for name in row if name not in lists)
    table = {name: np.array([_number(row.get(name)) for row in rows]) for name in names}
    return Curves({**table, "epoch": np.array([row["epoch"] for row in rows], int)})


def _number(value: object) -> float:
    return float(value) if isinstance(value, int | float) else np.nan


def every_run() -> list[Run]:
    """Return the lab's own runs, the newest group first, then those that come with the project."""
    return [*the_lab().runs(), *the_lab().shelf.runs]


def comparable(runs: Sequence[Run]) -> list[Run]:
    """Return the runs that have at least one epoch to look at, and can be read."""
    return [run for run in runs if run.epoch is not None and run.readable]


def trained_here(runs: Sequence[Run]) -> list[Run]:
    """Return the runs that this project trains: not those recorded from other code, nor those that cannot be read."""
    return [run for run in runs if isinstance(run.recipe, Recipe)]


def notice_dead_recorders() -> None:
    """Set recorded runs whose recorder has died to "stopped"."""
    for run in the_lab().active_runs():
        the_lab().settle_recorded(run)
