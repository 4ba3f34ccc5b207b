"""The worker: one process a lab that trains what is queued. `python -m bcl_core worker`.

It keeps torch warm, pulls the runs of a group in turn, an epoch each, and looks at the database between steps. A file
lock makes it the only one, and is freed however the process ends; then a new worker goes on from the last checkpoints.
"""

import logging
import signal
import time
from functools import cache

from bcl_core.data.source import DataError
from bcl_core.evaluation import TrainingDiverged
from bcl_core.lab.recording import OpenRun
from bcl_core.lab.run import Run, UnknownRun
from bcl_core.lab.store import Lab
from bcl_core.recipe import RecipeError, Recorded
from bcl_core.registry import BACKBONES, DATASETS, VIEWS

IDLE_POLL_SECONDS = 0.1
HEARTBEAT_SECONDS = 1.0
log = logging.getLogger("bcl_core.worker")


class Worker:
    """Trains the runs of a lab until it is asked to leave or has been idle for long."""

    def __init__(self, lab: Lab) -> None:
        self.lab = lab
        self._open: dict[str, OpenRun] = {}
        self._leave = False
        self._last_beat = 0.0

    def work(self, idle_seconds: float) -> None:
        """Serve until asked to leave, or until nothing has been trained for `idle_seconds`."""
        last_work = time.monotonic()
        while self._beat() and time.monotonic() - last_work < idle_seconds:
            self._settle()
            run = self._next()
            if run is None:
                _warm_up()
                time.sleep(IDLE_POLL_SECONDS)
            else:
                self._advance(run)
                last_work = time.monotonic()
        for run_id, opened in self._open.items():
            opened.close()
            if self.lab.run(run_id).state == "running":
                self.lab.record_state(run_id, "queued")

    def leave(self, *_: object) -> None:
        """End after the step at hand; also a signal handler."""
        self._leave = True

    def _beat(self) -> bool:
        if time.monotonic() - self._last_beat > HEARTBEAT_SECONDS:
            self._leave = self.lab.heartbeat() or self._leave
            self._last_beat = time.monotonic()
        return not self._leave

    def _settle(self) -> None:
        """Bring states in line with what was asked: stopped, paused, running."""
        active = self.lab.active_runs()
        for run_id in self._open.keys() - {run.id for run in active}:
            self._close(run_id)
        for run in active:
            if isinstance(run.recipe, Recorded):
                self.lab.settle_recorded(run)
            elif run.stop and self._hold(run.id):
                self._close(run.id)
                self.lab.record_state(run.id, "stopped")
            elif not run.wants_to_train and run.state != "paused" and self._hold(run.id):
                self.lab.record_state(run.id, "paused")

    def _hold(self, run_id: str) -> bool:
        """Whether the run is this worker's to settle: open here, or open nowhere."""
        if run_id in self._open:
            return True
        lock = self.lab.lock(run_id)
        if lock is not None:
            lock.release()
        return lock is not None

    def _next(self) -> Run | None:
        """Choose the oldest group that may go on, and in it the run that is furthest behind."""
        willing = [run for run in self.lab.active_runs() if run.wants_to_train]
        willing.sort(key=lambda run: (run.created, run.group_id, -1 if run.epoch is None else run.epoch))
        return next((run for run in willing if run.id in self._open or self._try_open(run)), None)

    def _try_open(self, run: Run) -> bool:
        lock = self.lab.lock(run.id)
        if lock is None:
            return False
        try:
            self._open[run.id] = OpenRun(self.lab, run.id, lock)
        except Exception as error:
            lock.release()
            self._fail(run.id, error)
            return False
        return True

    def _advance(self, run: Run) -> None:
        opened = self._open[run.id]
        try:
            opened.advance(lambda: self._beat() and self.lab.run(run.id).wants_to_train)
        except UnknownRun:
            self._close(run.id)
        except Exception as error:
            self._fail(run.id, error)

    def _fail(self, run_id: str, error: Exception) -> None:
        """One run's failure is its own: note it in words and go on with the others."""
        self._close(run_id)
        if isinstance(error, DataError | RecipeError | TrainingDiverged):
            message = str(error)
        else:
            log.exception("run %s failed", run_id)
            message = f"{type(error).__name__}: {error}. The worker's log has the details."
        self.lab.record_state(run_id, "failed", message)

    def _close(self, run_id: str) -> None:
        opened = self._open.pop(run_id, None)
        if opened is not None:
            opened.close()


@cache
def _warm_up() -> None:
    """Import what runs will need, while nobody waits for it."""
    for entry in (*DATASETS.values(), *VIEWS.values(), *BACKBONES.values()):
        entry.load()


def serve(lab: Lab, *, idle_seconds: float) -> None:
    """Work until done; the caller holds the lab's worker lock. SIGTERM and SIGINT end it after the step at hand."""
    worker = Worker(lab)
    signal.signal(signal.SIGTERM, worker.leave)
    signal.signal(signal.SIGINT, worker.leave)
    worker.work(idle_seconds)
