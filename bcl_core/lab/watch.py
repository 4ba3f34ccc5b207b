"""The worker's watch: a thread that sees what is asked while the worker trains, reads data or imports torch.

The training thread obeys it between steps. Where that thread cannot, because it waits for a dead drive or is deep in C,
the watch ends the process, or replaces it by a fresh one. Nothing is lost by it: files are complete or absent, and
locks go with the process. Imports no torch.
"""

import logging
import os
import select
import signal
import socket
import sys
import threading
import time
from collections.abc import Collection, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from multiprocessing import active_children
from typing import Self

from bcl_core.lab.run import DiskError, Run, UnknownRun
from bcl_core.lab.store import Lab
from bcl_core.recipe import Recorded

LOOK_SECONDS = 0.2
# How long the training thread may take to obey by itself. An epoch that is being measured is worth waiting for: after a
# restart the other open runs read their data again.
GRACE_SECONDS = 2.0
TRAINING_GRACE_SECONDS = 10.0
_LEAVE_SIGNALS = (signal.SIGTERM, signal.SIGINT)
log = logging.getLogger("bcl_core.worker")


@dataclass
class Task:
    """A run that the training thread is busy with."""

    run_id: str
    grace: float  # seconds
    told: float | None = None  # since when it is to let go of the run


class Watch:
    """As a context manager, around all that is heavy: keeps watch until the block ends, or ends the process before."""

    def __init__(self, lab: Lab) -> None:
        self.lab = lab
        self.open: Collection[str] = ()  # the runs that the training thread has open
        self._task: Task | None = None
        self._leaving: float | None = None  # since when
        self._ended = False
        self._ear, self._mouth = socket.socketpair()
        self._thread = threading.Thread(target=self._keep, name="watch", daemon=True)

    def __enter__(self) -> Self:
        # Python runs a handler only once the training thread is back from C; the byte is written at once.
        self._mouth.setblocking(False)
        signal.set_wakeup_fd(self._mouth.fileno(), warn_on_full_buffer=False)
        for number in _LEAVE_SIGNALS:
            signal.signal(number, lambda *_: None)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended = True
        self._thread.join()
        for number in _LEAVE_SIGNALS:
            signal.signal(number, signal.SIG_DFL)
        signal.set_wakeup_fd(-1)

    @property
    def leaving(self) -> bool:
        """Whether the worker was asked to leave."""
        return self._leaving is not None

    @contextmanager
    def over(self, run_id: str, grace: float = GRACE_SECONDS) -> Iterator[Task]:
        """Say what the training thread is busy with in the block; its task's `told` is set when it is to let go."""
        self._task = Task(run_id, grace)
        try:
            yield self._task
        finally:
            self._task = None

    def look(self) -> None:
        """See what is asked, and bring states in line with it."""
        task, now = self._task, time.monotonic()
        if self._asked_to_leave():
            self._leaving = self._leaving or now
            if task:
                task.told = task.told or now
            if now - self._leaving > GRACE_SECONDS or not (task or self.open):
                self._end()
            return
        active = {run.id: run for run in self.lab.active_runs()}
        if task:
            self._mind(task, active.pop(task.run_id, None))
        for run in active.values():
            with suppress(UnknownRun):  # deleted meanwhile
                self._settle(run)

    def put_back(self) -> None:
        """Queue again what is open here and running."""
        task = self._task
        for run in self.lab.active_runs():
            if run.state == "running" and (run.id in self.open or (task and run.id == task.run_id)):
                self.lab.settle(run.id, "queued")

    def _keep(self) -> None:
        fault = ""
        try:
            while not self._ended:
                try:
                    self.look()
                except DiskError as error:  # the disk is full, say: who trains goes on, or fails, by itself
                    if fault != (fault := str(error)):
                        log.warning("%s", fault)
                select.select([self._ear], [], [], LOOK_SECONDS)
        except Exception:
            log.exception("the worker cannot go on")
            os._exit(1)

    def _asked_to_leave(self) -> bool:
        heard = self._ear.recv(4096) if select.select([self._ear], [], [], 0)[0] else b""
        if self.leaving or {*heard} & {*_LEAVE_SIGNALS}:
            return True
        row = self.lab.worker.read()
        return row is not None and row.leave

    def _mind(self, task: Task, run: Run | None) -> None:
        """See whether the training thread is to let go of its run, and does; None: the run is no longer active."""
        if run is not None and run.wants_to_train:
            task.told = None
            if run.state == "paused" or (run.state == "queued" and task.run_id in self.open):
                self.lab.settle(run.id, "running")
            return
        now = time.monotonic()
        task.told = task.told or now
        if now - task.told < task.grace or self._task is not task:
            return
        if run is None or run.stop:
            self._restart(task)
        elif run.state != "paused":
            self.lab.settle_hold(run.id)  # what it reads, it will have when it goes on

    def _settle(self, run: Run) -> None:
        """Bring the state of a run that nobody is busy with in line with what was asked: stopped, or paused."""
        if isinstance(run.recipe, Recorded):
            self.lab.settle_dead(run)
        elif run.stop and self._hold(run.id):
            self.lab.settle_stop(run.id)
        elif not run.wants_to_train and run.state != "paused" and self._hold(run.id):
            self.lab.settle_hold(run.id)

    def _hold(self, run_id: str) -> bool:
        """Whether the run is this worker's to settle: open here, or open nowhere."""
        if run_id in self.open:
            return True
        lock = self.lab.lock(run_id)
        if lock is not None:
            lock.release()
        return lock is not None

    def _restart(self, task: Task) -> None:
        """Drop the run by which the training thread is held; a fresh worker goes on with the others."""
        log.warning("run %s was asked to stop and its worker is held up by it: a fresh worker goes on", task.run_id)
        self.lab.settle_stop(task.run_id)
        self.put_back()
        _kill_children()
        os.execv(sys.executable, [sys.executable, *sys.orig_argv[1:]])

    def _end(self) -> None:
        with suppress(DiskError):
            self.put_back()
        _kill_children()
        os._exit(0)


def _kill_children() -> None:
    """End the processes that decode images; they would be left behind, and may hold on to what this process had."""
    children = active_children()
    for child in children:
        child.kill()
    for child in children:
        child.join(timeout=1)
