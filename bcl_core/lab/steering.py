"""What pause, step, resume and stop tell each run of a group, so that those that can move come to stand together.

A run is told how far it may train (`run_until`), and whether to end (`stop`), by which its trainer goes. A run that
nobody trains has no one to bring its state in line with that, so it is set at once.
"""

from collections.abc import Collection, Iterator, Sequence
from typing import Any, NamedTuple

from bcl_core.lab.run import Run

RESUMABLE = ("paused", "stopped", "failed")


class Circumstances(NamedTuple):
    """Who could train the runs that are steered."""

    nobodys: Collection[str]  # the runs whose lock nobody holds
    worker: bool  # whether one lives


class Order(NamedTuple):
    """Columns of a run, and what they are set to."""

    run_id: str
    columns: dict[str, Any]


def pause(runs: Sequence[Run], at: Circumstances) -> Iterator[Order]:
    """Hold all runs at the furthest epoch of those that move; where nobody trains them, each where it is."""
    moving = [run for run in runs if run.wants_to_train]
    furthest = max(map(_epoch, moving), default=-1)
    trained = at.worker and any(run.id not in at.nobodys for run in moving)
    for run in runs:
        here, nobodys = _epoch(run), run.id in at.nobodys
        if run in moving:
            comes_up = here < furthest and (trained or not nobodys)
            hold = {"run_until": furthest if not nobodys or comes_up else here}
            yield Order(run.id, hold | ({"state": "paused"} if nobodys and not comes_up else {}))
        elif run.active and not run.stop and nobodys:
            yield Order(run.id, {"state": "paused"})


def step(runs: Sequence[Run], at: Circumstances) -> Iterator[Order]:
    """Let all runs come to the epoch after the furthest of them, and hold there."""
    able = [run for run in runs if run.active and not run.stop]
    target = max([0, *map(_epoch, able)]) + 1
    for run in able:
        yield Order(run.id, {"run_until": target} | _waits(run, at))


def resume(runs: Sequence[Run], at: Circumstances) -> Iterator[Order]:
    """Let runs go on to their end; those that were stopped or have failed, too, from their last checkpoints."""
    for run in runs:
        if run.active or run.state in RESUMABLE:
            yield Order(run.id, {"run_until": None, "stop": 0, "error": None} | _waits(run, at))


def stop(runs: Sequence[Run], at: Circumstances) -> Iterator[Order]:
    """End runs for good."""
    for run in runs:
        if run.active:
            yield Order(run.id, {"stop": 1} | ({"state": "stopped"} if run.id in at.nobodys else {}))


def _epoch(run: Run) -> int:
    return -1 if run.epoch is None else run.epoch


def _waits(run: Run, at: Circumstances) -> dict[str, Any]:
    """Say that a run waits to be trained, unless somebody is at it."""
    return {"state": "queued"} if run.state in RESUMABLE or run.id in at.nobodys else {}
