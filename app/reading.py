"""What pages read: the lab, its groups, and a run's arrays. Nothing here draws or computes."""

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
from bcl_core.lab import Lab, Run, history
from bcl_core.lab.cache import remembered
from bcl_core.lab.samples import KeptSamples, read_samples
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


def samples(run_id: str) -> KeptSamples:
    """Return what a run embeds; SnapshotError before it has started, or where the file is damaged."""
    return read_samples(the_lab().folder(run_id))


def view(run_id: str, epoch: int) -> Arrays:
    """Return an epoch's arrays; SnapshotError if it is missing or damaged."""
    folder = the_lab().folder(run_id)
    return folder.arrays(folder.view(epoch))


@lru_cache(maxsize=256)
def recipe(run_id: str) -> Recipe | Recorded | Unreadable:
    """Return a run's recipe, or what is known instead, where other code trained it or it cannot be read."""
    return the_lab().run(run_id).recipe


@remembered(16 << 20, lambda found: found.means.nbytes)
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
    """Return the predicted optimum's class means, or None where there is none that can be read."""
    return history.predicted_means(the_lab().folder(run_id))


class Curves(dict[str, NDArray[np.float64]]):
    """Scalar metrics over the epochs, by name; NaN throughout where a metric was not recorded."""

    def __missing__(self, name: str) -> NDArray[np.float64]:
        return np.full(len(self["epoch"]), np.nan)


@remembered(16 << 20, lambda table: sum(column.nbytes for column in table.values()))
def curves(run_id: str, epoch: int) -> Curves:
    """Return each scalar metric from epoch 0 to `epoch`, NaN where it does not exist, with "epoch" as integers.

    Long runs are thinned as their history is.
    """
    kept = [known for known in the_lab().epochs(run_id) if known <= epoch]
    epochs = history.chosen(kept, history.whole(kept)) if kept else []
    rows = {row["epoch"]: history.scalars_of(row) for row in the_lab().metrics(run_id, epochs)}
    names = dict.fromkeys(name for row in rows.values() for name in row)
    table = {name: np.array([_number(rows.get(known, {}).get(name)) for known in epochs]) for name in names}
    return Curves({**table, "epoch": np.array(epochs, int)})


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
