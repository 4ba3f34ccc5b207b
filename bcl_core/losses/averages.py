"""How the losses of a batch's anchors become one."""

import torch
from torch import Tensor

from bcl_core.losses.contrastive import AnchorAverage


def average(losses: Tensor, labels: Tensor, num_classes: int, anchors: AnchorAverage) -> Tensor:
    """Mean of losses (N,) of anchors with labels (N,); "class" averages within each class first, then over classes."""
    if anchors == "instance":
        return losses.mean()
    counts = losses.new_zeros(num_classes).index_add_(0, labels, torch.ones_like(losses))
    return torch.dot(losses, 1 / counts[labels]) / (counts > 0).sum()
