"""A hand from inside: a process that trains what the worker at the other end of its pipe orders, until that closes.

It owns the runs that it has open, their locks and what is written of them. `python -m bcl_core.lab.worker.hand nursery`
is what hands are forked from; see `bcl_core.lab.worker.hands`.
"""

import logging
import os
import queue
import resource
import signal
import socket
import sys
import threading
from contextlib import suppress
from multiprocessing.connection import Connection
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

from bcl_core import machine
from bcl_core.data.source import DataError
from bcl_core.lab.files import SnapshotError
from bcl_core.lab.logs import log_in_lines
from bcl_core.lab.run import LabError, UnknownRun
from bcl_core.lab.store import Lab
from bcl_core.lab.worker.hands import Hello, Order, Report
from bcl_core.recipe import RecipeError
from bcl_core.registry import BACKBONES, DATASETS, VIEWS

if TYPE_CHECKING:
    from bcl_core.lab.recording import OpenRun

log = logging.getLogger("bcl_core.worker")


def main() -> None:
    """Be what the arguments say: ROLE PIPE HOME, where PIPE is the number of a socket."""
    log_in_lines()
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # a terminal tells all; the worker decides
    role, number, home = sys.argv[1:]
    if role == "nursery":
        _bear(socket.socket(fileno=int(number)), Path(home))
    else:
        _be(int(number), Path(home))


def _bear(births: socket.socket, home: Path) -> None:
    """Fork a hand for every pipe that comes, until the worker is gone."""
    _import_all()
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # nobody asks how hands end: their pipes tell
    while pipes := socket.recv_fds(births, 1, 1)[1]:
        if os.fork() == 0:
            births.close()
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
            _be(pipes[0], home)
        os.close(pipes[0])


def _import_all() -> None:
    """Import what runs need. Nothing is computed: that would start threads, which a fork loses."""

    for entry in (*DATASETS.values(), *VIEWS.values(), *BACKBONES.values()):
        with suppress(Exception):  # of a module that is not ours; who needs it says what is wrong
            entry.load()
    import scipy.optimize  # noqa: F401 (what is predicted for a run is searched for with it)
    from torch import nn, optim

    # With the first optimiser torch imports the rest of itself, which takes a second.
    optim.SGD([*nn.Linear(1, 1).parameters()], lr=1.0)


def _be(pipe: int, home: Path) -> NoReturn:
    """Be a hand, and end with it."""
    try:
        os.setpgid(0, 0)  # a group of its own: the processes that decode images end with it
        _Hand(Connection(pipe), Lab(home)).work()
    except BaseException:
        log.exception("a hand cannot go on")
    os._exit(1)


class _Hand:
    def __init__(self, pipe: Connection, lab: Lab) -> None:
        self._pipe, self._lab = pipe, lab
        self._open: dict[str, OpenRun] = {}
        self._orders: queue.SimpleQueue[Order] = queue.SimpleQueue()
        self._held = threading.Event()

    def work(self) -> NoReturn:
        """Do what is ordered, one after the other."""
        threading.Thread(target=self._listen, name="listener", daemon=True).start()
        import torch
        from threadpoolctl import threadpool_limits

        if gpu := torch.cuda.is_available():
            threadpool_limits(machine.cores(), "blas")  # for measuring, beside the GPU: such a hand is alone
        self._pipe.send(Hello(os.getpid(), gpu))
        while True:
            order = self._orders.get()
            if order.verb == "close":
                self._close(order.run_id)
            else:
                failure = self._advance(order)
                memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)
                self._pipe.send(Report(order.run_id, order.run_id in self._open, failure, memory))

    def _listen(self) -> None:
        """Take orders while the other thread trains, reads or waits for a dead drive; end where the pipe does."""
        try:
            while True:
                order = self._pipe.recv()
                if order.verb == "hold":
                    self._held.set()
                    continue
                if order.verb == "epoch":
                    self._held.clear()
                self._orders.put(order)
        except (EOFError, OSError):
            os.killpg(0, signal.SIGKILL)

    def _advance(self, order: Order) -> str | None:
        """Train a run until an epoch is recorded, or its data are read; return what was wrong, in words."""
        from bcl_core.evaluation import TrainingDiverged

        run_id = order.run_id
        try:
            opened = self._open.get(run_id) or self._taken(order)
            if opened is None:
                return None
            if opened.reading:
                opened.start()
            else:
                opened.advance(lambda: not self._held.is_set(), order.beside)
            if opened.done:
                del self._open[run_id]
                log.info("run %s is finished", run_id, extra={"run": run_id})
        except Exception as error:
            self._close(run_id)
            if isinstance(error, UnknownRun):
                return None
            if isinstance(error, DataError | RecipeError | LabError | SnapshotError | TrainingDiverged):
                log.warning("run %s failed: %s", run_id, error, extra={"run": run_id})
                return str(error)
            log.exception("run %s failed", run_id, extra={"run": run_id})
            return f"{type(error).__name__}: {error}. The worker's log has the details."
        return None

    def _taken(self, order: Order) -> "OpenRun | None":
        """Open a run; None where another process has it, or it was steered since it was read, by who held its lock."""
        from bcl_core.lab.recording import OpenRun

        run_id, lock = order.run_id, self._lab.lock(order.run_id)
        if lock is None:
            return None
        try:
            if not self._lab.run(run_id).wants_to_train:
                lock.release()
                return None
            cores = max(1, machine.cores() // order.beside)
            opened = self._open[run_id] = OpenRun(self._lab, run_id, lock, cores=cores)
            log.info("run %s is taken up", run_id, extra={"run": run_id})
        except BaseException:
            lock.release()
            raise
        return opened

    def _close(self, run_id: str) -> None:
        opened = self._open.pop(run_id, None)
        if opened is not None:
            opened.close()


if __name__ == "__main__":
    main()
