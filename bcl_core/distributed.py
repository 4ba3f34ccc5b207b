"""One run on several processes, as if on one: the same global batches, the same gradient.

Started by torchrun, each process (rank) holds an equal part of every batch. Features and labels are gathered, and every
rank computes the contrastive loss of the whole batch; its gradient flows back to the rank's own features only. Averaged
over ranks that is one process's gradient, for the prototypes too, and for class anchors too, which need every label
(derived here: see docs/theory.md). Rank 0 records; the others follow it event by event, so pausing rank 0 pauses all.
"""

import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, TypeVar, cast

import torch
import torch.distributed as dist
from torch import Tensor

# A paused leader keeps its followers waiting; they must not take that for a failure.
PATIENCE = timedelta(days=365)
T = TypeVar("T")
_END = object()


@dataclass(frozen=True)
class World:
    """The processes that train a run together. `control` is the group that only passes on what rank 0 does next."""

    rank: int = 0
    size: int = 1
    control: Any = None

    @property
    def leads(self) -> bool:
        """Whether this process records the run."""
        return self.rank == 0

    def rows(self, batch_size: int) -> Tensor:
        """Return which rows of a global batch are this process's, (b,)."""
        share = batch_size // self.size
        return torch.arange(self.rank * share, (self.rank + 1) * share)

    def gather(self, rows: Tensor) -> Tensor:
        """Concatenate every process's rows (b, …) to (B, …).

        The gradient that comes back is this process's part, times the world's size: every process computes the same
        loss of the whole, so after averaging over processes each part counts once.
        """
        gathered: Tensor = _Gather.apply(rows, self) if self.size > 1 else rows
        return gathered

    def average(self, tensors: Iterable[Tensor]) -> None:
        """Replace tensors by their means over the processes, in place."""
        if self.size == 1:
            return
        held = list(tensors)
        flat = torch.cat([tensor.flatten() for tensor in held])
        dist.all_reduce(flat)
        for tensor, mean in zip(held, torch.split(flat / self.size, [tensor.numel() for tensor in held]), strict=True):
            tensor.copy_(mean.view_as(tensor))

    def share(self, value: T) -> T:
        """Return rank 0's value on every process."""
        if self.size == 1:
            return value
        holder = [value]
        dist.broadcast_object_list(holder, src=0, group=self.control)
        return holder[0]

    def lead(self, events: Iterator[T]) -> Iterator[T]:
        """Pull events on rank 0 and let the others pull theirs at the same time; closing it dismisses them."""
        if self.size == 1:
            yield from events
            return
        while True:
            self.share(True)
            # A failure passes through: it is every process's, or torchrun ends the others.
            event = next(events, _END)
            if event is _END:
                break
            try:
                yield cast(T, event)
            except GeneratorExit:
                break
        self.share(False)

    def follow(self, events: Iterator[Any]) -> None:
        """Pull an event whenever rank 0 does, until it is done."""
        while self.share(None):
            next(events, None)


class _Gather(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, rows: Tensor, world: World) -> Tensor:
        ctx.world, ctx.share = world, len(rows)
        parts = [torch.empty_like(rows) for _ in range(world.size)]
        dist.all_gather(parts, rows.contiguous())
        return torch.cat(parts)

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, None]:
        mine = gradient[ctx.world.rank * ctx.share :][: ctx.share]
        return mine * ctx.world.size, None


ALONE = World()


@contextmanager
def joined() -> Iterator[World]:
    """Join the other processes for the time of the block, where torchrun started this one; else be alone."""
    if int(os.environ.get("WORLD_SIZE", "1")) == 1:
        yield ALONE
        return
    if torch.cuda.is_available():
        torch.cuda.set_device(int(os.environ["LOCAL_RANK"]))
    dist.init_process_group("nccl" if torch.cuda.is_available() else "gloo")
    try:
        yield World(dist.get_rank(), dist.get_world_size(), dist.new_group(backend="gloo", timeout=PATIENCE))
    finally:
        dist.destroy_process_group()
