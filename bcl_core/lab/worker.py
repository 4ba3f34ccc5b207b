"""The worker: one process a lab that trains what is queued. `python -m bcl_core worker`.

It keeps torch warm, pulls the runs of a group in turn, an epoch each, and obeys its watch between steps. A file lock
makes it the only one, and is freed however the process ends; then a new worker goes on from the last checkpoints.
"""

import logging
import time
from contextlib import suppress
from functools import cache

from torch import nn, optim

from bcl_core.data.source import DataError
from bcl_core.evaluation import TrainingDiverged
from bcl_core.lab.recording import OpenRun
from bcl_core.lab.run import DiskError, LabError, Run, UnknownRun
from bcl_core.lab.store import Lab
from bcl_core.lab.watch import GRACE_SECONDS, TRAINING_GRACE_SECONDS, Watch
from bcl_core.recipe import RecipeError
from bcl_core.registry import BACKBONES, DATASETS, VIEWS

IDLE_POLL_SECONDS = 0.1
log = logging.getLogger("bcl_core.worker")


class Worker:
    """Trains the runs of a lab until it is asked to leave or has been idle for long."""

    def __init__(self, lab: Lab, watch: Watch) -> None:
        self.lab, self._watch = lab, watch
        self._open: dict[str, OpenRun] = {}
        self._unsaid: dict[str, str] = {}  # why runs have failed, where the disk could not take that down yet
        watch.open = self._open

    def work(self, idle_seconds: float) -> None:
        """Serve until asked to leave, or until nothing has been trained for `idle_seconds`."""
        with suppress(DiskError):
            self.lab.purge_old()
        last_work = time.monotonic()
        while not self._watch.leaving and time.monotonic() - last_work < idle_seconds:
            run = self._next()
            if run is None:
                _warm_up()
                time.sleep(IDLE_POLL_SECONDS)
            else:
                self._advance(run)
                last_work = time.monotonic()
        with suppress(DiskError):  # who looks at the runs next finds that nobody trains them
            self._watch.put_back()
        for run_id in [*self._open]:
            self._close(run_id)

    def _next(self) -> Run | None:
        """Choose the oldest group that may go on, and in it the run that is furthest behind."""
        self._say_why()
        active = self.lab.active_runs()
        for run_id in self._open.keys() - {run.id for run in active}:
            self._close(run_id)
        able = [run for run in active if run.id not in self._unsaid and not run.missing]  # else another worker's
        willing = [run for run in able if run.wants_to_train]
        willing.sort(key=lambda run: (run.created, run.group_id, -1 if run.epoch is None else run.epoch))
        return next((run for run in willing if run.id in self._open or self._try_open(run)), None)

    def _try_open(self, run: Run) -> bool:
        lock = self.lab.lock(run.id)
        if lock is None:
            return False
        try:
            if not self.lab.run(run.id).wants_to_train:  # it was steered since it was read, by who held its lock
                lock.release()
                return False
            with self._watch.over(run.id):
                self._open[run.id] = OpenRun(self.lab, run.id, lock)
        except Exception as error:
            lock.release()
            self._fail(run.id, error)
            return False
        return True

    def _advance(self, run: Run) -> None:
        opened = self._open[run.id]
        try:
            with self._watch.over(run.id, GRACE_SECONDS if opened.reading else TRAINING_GRACE_SECONDS) as task:
                opened.advance(lambda: task.told is None)
        except UnknownRun:
            self._close(run.id)
        except Exception as error:
            self._fail(run.id, error)

    def _fail(self, run_id: str, error: Exception) -> None:
        """One run's failure is its own: note it in words and go on with the others."""
        self._close(run_id)
        if isinstance(error, DataError | RecipeError | LabError | TrainingDiverged):
            message = str(error)
            log.warning("run %s failed: %s", run_id, message)
        else:
            log.exception("run %s failed", run_id)
            message = f"{type(error).__name__}: {error}. The worker's log has the details."
        self._unsaid[run_id] = message
        self._say_why()

    def _say_why(self) -> None:
        """Enter why runs have failed; what the disk cannot take down now is tried again later."""
        for run_id, message in [*self._unsaid.items()]:
            with suppress(DiskError):
                self.lab.record_state(run_id, "failed", message)
                del self._unsaid[run_id]

    def _close(self, run_id: str) -> None:
        opened = self._open.pop(run_id, None)
        if opened is not None:
            opened.close()


@cache
def _warm_up() -> None:
    """Import what runs will need, while nobody waits for it."""
    for entry in (*DATASETS.values(), *VIEWS.values(), *BACKBONES.values()):
        entry.load()
    # With the first optimiser torch imports the rest of itself, which takes a second.
    optim.SGD([*nn.Linear(1, 1).parameters()], lr=1.0)
