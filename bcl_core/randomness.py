"""Keyed randomness: every draw has a generator made from (seed, purpose, epoch, step), never from what ran before.

So interleaved, resumed and paired runs see the same data order, views and initial weights.
"""

import hashlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor


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


@dataclass(frozen=True)
class Draws:
    """Random numbers for a global batch, on the CPU, of which a process takes the rows that are its own.

    Every process draws for the whole batch, so what a row gets depends neither on how many processes there are nor on
    which of them holds it. Numbers come from torch's global CPU generator: use them under `keyed`.
    """

    total: int  # rows of the global batch
    rows: Tensor  # (n,) the rows held here
    shape: tuple[int, int, int]  # (C, H, W) of an image
    static: bool = False  # what is drawn will be applied by operations whose shapes depend on no value

    def uniform(self, low: float, high: float, *shape: int) -> Tensor:
        """Return (n, *shape) numbers from `low` to `high`."""
        return torch.rand(self.total, *shape)[self.rows] * (high - low) + low

    def normal(self, *shape: int) -> Tensor:
        """Return (n, *shape) standard normal numbers."""
        return torch.randn(self.total, *shape)[self.rows]

    def integers(self, high: int, *shape: int) -> Tensor:
        """Return (n, *shape) whole numbers from 0 to `high` − 1."""
        return torch.randint(high, (self.total, *shape))[self.rows]

    def chance(self, probability: float) -> Tensor:
        """Return (n,) booleans that are true with this probability."""
        return self.uniform(0, 1) < probability

    def of(self, parameters: Mapping[str, Any]) -> dict[str, Any]:
        """Take this process's rows of kornia's parameters, which were generated for the whole batch."""
        return {name: self._own(value) for name, value in parameters.items()}

    def _own(self, value: Any) -> Any:
        whole = isinstance(value, Tensor) and value.ndim > 0 and len(value) == self.total
        return value[self.rows] if whole else value
