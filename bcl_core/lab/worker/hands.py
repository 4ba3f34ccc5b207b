"""Hands as the worker holds them: processes that train, each at the end of a pipe. Imports no torch.

Starting torch takes seconds and half a gigabyte. One process, the nursery, does it once and computes nothing, so that
it has no threads that a fork would lose; hands are forked from it in milliseconds and share its memory.
"""

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from multiprocessing.connection import Connection, wait
from pathlib import Path
from typing import Literal, NamedTuple

HANDS_A_CORE = 3  # more only take turns
LEAST_MEMORY = 1 << 30  # bytes that a hand is expected to need before any has said what it took
# Where a fork of a process that has imported much is not to be trusted, each hand imports for itself.
FORKS = sys.platform == "linux"
END_SECONDS = 1.0


class Order(NamedTuple):
    """What a hand is told to do with a run.

    "epoch": train it until an epoch is recorded, or, where the hand has not got it yet, read its data; "hold": let go
    of it between two steps; "close": give it up.
    """

    verb: Literal["epoch", "hold", "close"]
    run_id: str
    beside: int = 1  # hands that share this machine's cores, this one among them


class Hello(NamedTuple):
    """The first thing that a hand says."""

    pid: int
    gpu: bool  # whether one is usable


class Report(NamedTuple):
    """What a hand says when it is done with "epoch"."""

    run_id: str
    keeps: bool  # whether it has the run and its lock still; else it is finished, has failed, or is another process's
    failure: str | None = None  # in words
    memory: int = 0  # bytes that the hand has held, at the most


@dataclass
class Task:
    """A run that a hand has, or is about to take."""

    run_id: str
    busy: bool = False
    ready: bool = False  # whether its data are read
    told: float | None = None  # since when the hand is to let go of it


@dataclass(eq=False)
class Hand:
    """The worker's end of one."""

    pipe: Connection
    hello: Hello | None = None  # None until it is born
    memory: int = 0
    tasks: dict[str, Task] = field(default_factory=dict)

    @property
    def busy(self) -> bool:
        """Whether it trains, or reads, at the moment."""
        return any(task.busy for task in self.tasks.values())

    def tell(self, order: Order) -> None:
        """Send an order; that a hand has died is found where it is listened to."""
        with suppress(OSError):
            self.pipe.send(order)


class Hands:
    """All hands of a worker."""

    def __init__(self, home: Path) -> None:
        self._home = home
        self._hands: list[Hand] = []
        self._nursery: subprocess.Popen[bytes] | None = None
        self._births = socket.socket()

    def __iter__(self) -> Iterator[Hand]:
        return iter([*self._hands])

    def __len__(self) -> int:
        return len(self._hands)

    def warm_up(self) -> None:
        """Start what takes long, while nobody waits for it."""
        if not FORKS or (self._nursery is not None and self._nursery.poll() is None):
            return
        self._births.close()
        self._births, theirs = socket.socketpair()
        with theirs:
            self._nursery = self._spawn(theirs, "nursery")

    def new(self) -> Hand:
        """Have a hand made; it takes orders from now on, and does them once it is born."""
        self.warm_up()
        ours, theirs = socket.socketpair()
        with theirs:
            if FORKS:
                with suppress(OSError):  # the nursery has died: so has the hand, which its pipe tells
                    socket.send_fds(self._births, [b"1"], [theirs.fileno()])
            else:
                self._spawn(theirs, "hand")
        hand = Hand(Connection(ours.detach()))
        self._hands.append(hand)
        return hand

    def hear(self, seconds: float) -> Iterator[tuple[Hand, Report | None]]:
        """Yield what hands report within so many seconds, and, with None, which have died; those are no longer here."""
        by_pipe = {hand.pipe: hand for hand in self._hands}
        for pipe in wait([*by_pipe], seconds):
            hand = by_pipe[pipe]  # type: ignore[index]
            try:
                while hand in self._hands and hand.pipe.poll():
                    said = hand.pipe.recv()
                    if isinstance(said, Hello):
                        hand.hello = said
                    else:
                        hand.memory = max(hand.memory, said.memory)
                        yield hand, said
            except (EOFError, OSError):
                self.kill(hand)  # processes that decode images for it may be left
                yield hand, None

    def kill(self, hand: Hand) -> None:
        """End a hand, whatever it is at, with the processes that decode images for it. Its runs are nobody's then."""
        if hand not in self._hands:
            return
        self._hands.remove(hand)
        if hand.hello is not None:
            with suppress(ProcessLookupError):
                os.killpg(hand.hello.pid, signal.SIGKILL)
            with suppress(EOFError, OSError):
                while hand.pipe.poll(END_SECONDS):  # until it is gone, and its locks with it
                    hand.pipe.recv()
        hand.pipe.close()

    def end(self) -> None:
        """End all hands, and what they come from."""
        for hand in self:
            self.kill(hand)
        if self._nursery is not None:
            self._nursery.kill()
            self._nursery.wait()

    def _spawn(self, theirs: socket.socket, role: str) -> "subprocess.Popen[bytes]":
        command = [sys.executable, "-m", "bcl_core.lab.worker.hand", role, str(theirs.fileno()), str(self._home)]
        # numpy's threads, of which a run may claim more later, would stand in the way of a fork.
        environment = {**os.environ, "OPENBLAS_NUM_THREADS": "1"}
        return subprocess.Popen(command, pass_fds=[theirs.fileno()], stdin=subprocess.DEVNULL, env=environment)
