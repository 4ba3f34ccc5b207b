"""What a room is: something that takes input from outside, and is tried.

Its `attempt` returns whether an input was "taken" or "refused", and raises where neither happens: a crash, a traceback
in an answer, an answer that is no sentence.
"""

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from benchmarks.fuzz import mutations
from benchmarks.fuzz.mutations import Mutate

UNCHANGED = 0.02  # of the inputs, so that a room that takes nothing is seen


class Room(NamedTuple):
    """Something that reads: how it is opened in a folder of its own, and how many inputs of 100,000 it gets."""

    open: Callable[[Path], "Opened"]
    share: int
    forked: bool = False  # each input is tried in a process of its own: native code may end it, or keep what it took


@dataclass
class Opened:
    """A room that is ready."""

    samples: Sequence[bytes]
    attempt: Callable[[bytes], str]
    mutate: Mutate = mutations.of_bytes

    def draw(self, draws: random.Random) -> bytes:
        """Return a sample with changes, or seldom as it is."""
        sample = draws.choice(self.samples)
        return sample if draws.random() < UNCHANGED else self.mutate(sample, draws)
