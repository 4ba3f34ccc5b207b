"""Steps that a GPU does without waiting for the host: inputs at fixed places, and one graph of all that is launched.

What cannot be captured runs as it is launched, and says why. Nothing here changes what a step computes.
"""

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, nullcontext
from typing import Any, Generic, TypeVar

import torch
from torch import Tensor, nn
from torch.utils import checkpoint
from torch.utils._pytree import tree_flatten, tree_unflatten

ALIGNED = 16  # bytes, of every tensor in a mailbox
WARM_UPS = 3  # before a capture: libraries choose their algorithms, and allocate, in the first steps

T = TypeVar("T")


class Mailbox(Generic[T]):
    """Tensors that come anew with each step, at fixed places on the device.

    They travel in one copy. On a GPU that is from pinned memory, of which there are two pieces: while one is read, the
    next step's numbers are written into the other. So the host is two steps ahead at most.

    Args:
        like: any nesting of named tuples, lists and dictionaries with the tensors' shapes and kinds; what else it holds
            is the same in every step.
        device: where to.
    """

    contents: T  # as `like`, on the device

    def __init__(self, like: T, device: torch.device) -> None:
        self._pinned = device.type == "cuda"
        leaves, self._spec = tree_flatten(like)
        self._places: list[tuple[int, int] | None] = []
        size = 0
        for leaf in leaves:
            here = (size, leaf.numel() * leaf.element_size()) if isinstance(leaf, Tensor) else None
            self._places.append(here)
            size += -(-here[1] // ALIGNED) * ALIGNED if here else 0
        self._device = torch.empty(size, dtype=torch.uint8, device=device)
        self._hosts = [torch.empty(size, dtype=torch.uint8, pin_memory=self._pinned) for _ in range(2)]
        self._read = [torch.cuda.Event(), torch.cuda.Event()] if self._pinned else []  # type: ignore[no-untyped-call]
        self._turn = 0
        self.contents = tree_unflatten(self._views(self._device, leaves), self._spec)

    def put(self, numbers: T) -> T:
        """Send numbers on their way and return `contents`, where later work on the device finds them."""
        turn = self._turn = 1 - self._turn
        if self._pinned:
            self._read[turn].synchronize()  # of the step before the last, which has long been read
        leaves, _ = tree_flatten(numbers)
        for place, leaf in zip(self._views(self._hosts[turn], leaves), leaves, strict=True):
            if isinstance(leaf, Tensor):
                place.copy_(leaf)
        self._device.copy_(self._hosts[turn], non_blocking=True)
        if self._pinned:
            self._read[turn].record()
        return self.contents

    def _views(self, held: Tensor, leaves: list[Any]) -> list[Any]:
        """Return each leaf's place in these bytes, as a tensor of its shape and kind; what is no tensor, as it is."""
        return [
            leaf if place is None else held[place[0] : sum(place)].view(leaf.dtype).view(leaf.shape)
            for place, leaf in zip(self._places, leaves, strict=True)
        ]


def captured(work: Callable[[], T]) -> tuple[Callable[[], T], str]:
    """Capture what `work` launches, after it has run WARM_UPS times; return what does it again, and how.

    `work` reads and writes tensors at fixed places. What it returns lies at fixed places too, and is overwritten by the
    next call. Where capturing fails, `work` itself is returned, and why.
    """
    graph = torch.cuda.CUDAGraph()
    try:
        with torch.cuda.graph(graph):
            outcome = work()
    except Exception as error:  # memory, or whatever a loss, or a backbone, of one's own does that waits for the device
        torch.cuda.synchronize()
        return work, f"launched one by one: it cannot be captured in a CUDA graph ({_first_line(error)})"

    def replay() -> T:
        graph.replay()
        return outcome

    return replay, "captured in a CUDA graph"


def warm_up(work: Callable[[], object]) -> None:
    """Run work a few times on a stream of its own, as a capture wants it."""
    stream = torch.cuda.Stream()  # type: ignore[no-untyped-call]
    stream.wait_stream(torch.cuda.current_stream())
    with torch.cuda.stream(stream):
        for _ in range(WARM_UPS):
            work()
    torch.cuda.current_stream().wait_stream(stream)


def _first_line(error: Exception) -> str:
    text = str(error).strip()
    return f"{type(error).__name__}: {text.splitlines()[0]}" if text else type(error).__name__


@contextmanager
def left_as_they_were(tensors: Iterable[Tensor]) -> Iterator[None]:
    """Put the values of these tensors back after the block, at the places where they are."""
    held = [(tensor, tensor.detach().clone()) for tensor in tensors]
    try:
        yield
    finally:
        with torch.no_grad():
            for tensor, before in held:
                tensor.copy_(before)


def recompute_activations(backbone: nn.Module) -> None:
    """Keep no activations inside the parts of chains of modules, but compute them once more when gradients need them.

    The mathematics is that of the whole batch, BatchNorm's statistics included: gradients are equal to the last bit
    where the device computes the same twice. A step does the forward work twice; what a chain keeps is its parts'
    inputs.
    """
    for chain in backbone.children():
        if type(chain) is nn.Sequential:
            chain.__class__ = _Recomputed
        else:
            recompute_activations(chain)


class _Recomputed(nn.Sequential):
    def forward(self, x: Tensor) -> Tensor:
        for part in self:
            x = _recomputed(part, x) if torch.is_grad_enabled() else part(x)
        return x


def _recomputed(part: nn.Module, x: Tensor) -> Tensor:
    norms = [module for module in part.modules() if isinstance(module, nn.modules.batchnorm._BatchNorm)]

    @contextmanager
    def once_more() -> Iterator[None]:
        """BatchNorm has taken note of this batch already, so it takes this note in copies."""
        noted = [{**norm._buffers} for norm in norms]
        for norm in norms:
            norm._buffers.update({name: kept if kept is None else kept.clone() for name, kept in norm._buffers.items()})
        try:
            yield
        finally:
            for norm, buffers in zip(norms, noted, strict=True):
                norm._buffers.update(buffers)

    draws = any(isinstance(module, nn.modules.dropout._DropoutNd) for module in part.modules())
    found: Tensor = checkpoint.checkpoint(
        part, x, use_reentrant=False, preserve_rng_state=draws, context_fn=lambda: (nullcontext(), once_more())
    )
    return found
