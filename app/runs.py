"""What pages read: the lab, its runs, and what a loss alone would come to. Nothing here draws."""

import os
from collections.abc import Sequence
from pathlib import Path

import streamlit as st

from bcl_core.geometry.optimum import Anchors, Loss, PredictedOptimum, predicted_optimum
from bcl_core.lab import Lab, Run
from bcl_core.lab.cache import Cache
from bcl_core.recipe import Recipe


def the_lab() -> Lab:
    """Return the lab that BCL_LAB_HOME names at this moment, else ./lab."""
    return _lab(os.environ.get("BCL_LAB_HOME") or "lab")


@st.cache_resource
def _lab(home: str) -> Lab:
    return Lab(Path(home))


_optima: Cache[tuple[object, ...], PredictedOptimum] = Cache(16 << 20)


def optimum(counts: tuple[int, ...], loss: Loss, anchors: Anchors, temperature: float, dim: int) -> PredictedOptimum:
    """Return the predicted optimum; loads scipy the first time."""

    def found() -> tuple[PredictedOptimum, int]:
        optimum = predicted_optimum(counts, loss=loss, temperature=temperature, anchors=anchors, dim=dim)
        return optimum, optimum.means.nbytes

    return _optima.get((counts, loss, anchors, temperature, dim), found)


def every_run() -> list[Run]:
    """Return the lab's own runs, the newest group first, then those that come with the project."""
    return [*the_lab().runs(), *the_lab().shelf.runs]


def comparable(runs: Sequence[Run]) -> list[Run]:
    """Return the runs that have at least one epoch to look at, and can be read."""
    return [run for run in runs if run.epoch is not None and run.readable]


def trained_here(runs: Sequence[Run]) -> list[Run]:
    """Return the runs that this project trains: not those recorded from other code, nor those that cannot be read."""
    return [run for run in runs if isinstance(run.recipe, Recipe)]
