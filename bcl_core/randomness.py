"""Keyed randomness: every draw has a generator made from (seed, purpose, epoch, step), never from what ran before.

So interleaved, resumed and paired runs see the same data order, views and initial weights.
"""

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
import torch


def key(seed: int, purpose: str, epoch: int = 0, step: int = 0) -> int:
    """Return a 63-bit number that depends on every part of the key and on nothing else."""
    digest = hashlib.blake2b(f"{seed}/{purpose}/{epoch}/{step}".encode(), digest_size=8).digest()
    return int.from_bytes(digest, "little") >> 1


def array_generator(seed: int, purpose: str, epoch: int = 0, step: int = 0) -> np.random.Generator:
    """Return a numpy generator for this key."""
    return np.random.default_rng(key(seed, purpose, epoch, step))


@contextmanager
def keyed(seed: int, purpose: str, epoch: int = 0, step: int = 0) -> Iterator[None]:
    """Run library code that draws from torch's global CPU generator under this key, and put the state back after."""
    with torch.random.fork_rng(devices=[]):
        torch.default_generator.manual_seed(key(seed, purpose, epoch, step))
        yield
