"""What a view is made of: operations on a batch, each sample with numbers of its own that were drawn beforehand."""

from typing import Protocol

from torch import Tensor


class Drawn(Protocol):
    """An operation and each sample's numbers for it: a named tuple of tensors, most of them (n, …)."""

    def apply(self, images: Tensor) -> Tensor:
        """Map (n, C, H, W) floats in 0 … 1 to the same shape, on the images' device, where the tensors are too."""
        ...


Operations = tuple[Drawn, ...]  # one after the other


def applied(operations: Operations, images: Tensor) -> Tensor:
    """Apply operations one after the other."""
    for operation in operations:
        images = operation.apply(images)
    return images
