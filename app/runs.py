"""What pages read: the lab, its runs, and what a loss alone would come to. Nothing here draws."""

import os
from collections.abc import Sequence
from pathlib import Path

import streamlit as st

from bcl_core.geometry import Configuration, enough_compositions, optimal_configuration
from bcl_core.geometry.configuration import Anchors
from bcl_core.lab import Lab, Run
from bcl_core.lab.cache import Cache
from bcl_core.recipe import Recipe


def the_lab() -> Lab:
    """Return the lab that BCL_LAB_HOME names at this moment, else ./lab."""
    return _lab(os.environ.get("BCL_LAB_HOME") or "lab")


@st.cache_resource
def _lab(home: str) -> Lab:
    return Lab(Path(home))


_optima: Cache[tuple[object, ...], Configuration] = Cache(16 << 20)


def batches_drawn(counts: Sequence[int]) -> int:
    """Return over how many drawn batches `optimum` averages, as many as docs/theory.md does where that is quick."""
    return enough_compositions(counts, for_few=4_000)


def optimum(
    counts: tuple[int, ...],
    class_averaging: bool,
    class_complement: bool,
    anchors: Anchors,
    temperature: float,
    dim: int,
    batch: int | None,
) -> Configuration:
    """Return the optimum predicted for batches of so many images, None: all; loads scipy the first time."""

    def found() -> tuple[Configuration, int]:
        optimum = optimal_configuration(
            counts,
            class_averaging=class_averaging,
            class_complement=class_complement,
            temperature=temperature,
            anchors=anchors,
            dim=dim,
            batch_size=batch,
            compositions=batches_drawn(counts),
        )
        return optimum, 2 * optimum.means.nbytes

    return _optima.get((counts, class_averaging, class_complement, anchors, temperature, dim, batch), found)


def every_run() -> list[Run]:
    """Return the lab's own runs, the newest group first, then those that come with the project."""
    return [*the_lab().runs(), *the_lab().shelf.runs]


def comparable(runs: Sequence[Run]) -> list[Run]:
    """Return the runs that have at least one epoch to look at, and can be read."""
    return [run for run in runs if run.epoch is not None and run.readable]


def trained_here(runs: Sequence[Run]) -> list[Run]:
    """Return the runs that this project trains: not those recorded from other code, nor those that cannot be read."""
    return [run for run in runs if isinstance(run.recipe, Recipe)]
