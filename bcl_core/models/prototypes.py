"""Where class prototypes come from: modules that map the classifier's weights (K, d_h) to prototypes (K, d).

Their length is of no account: the model brings them to unit length.
"""

import math

import torch
from torch import Tensor, nn

from bcl_core.geometry import simplex_frame
from bcl_core.recipe import RecipeError

MEMORY = 0.9  # what a running mean keeps of itself when its class comes by in a batch


def mlp(in_features: int, hidden: int, out_features: int, *, norm: bool) -> nn.Sequential:
    """Linear, BatchNorm where `norm`, ReLU, linear."""
    between = [nn.BatchNorm1d(hidden), nn.ReLU()] if norm else [nn.ReLU()]
    return nn.Sequential(nn.Linear(in_features, hidden), *between, nn.Linear(hidden, out_features))


def learned(num_classes: int, widths: tuple[int, int, int], *, norm: bool) -> nn.Module:
    """An MLP, trained with the features (Zhu et al. 2022)."""
    return mlp(*widths, norm=norm)


class FixedPrototypes(nn.Module):
    """Prototypes that no gradient moves."""

    def remember(self, features: Tensor, labels: Tensor) -> None:
        """Take note of features (B, V, d) that a step has been made with, and their labels (B,)."""


class Simplex(FixedPrototypes):
    """The vertices of a regular simplex, one a class, for good.

    The targets of TSC (Li et al. 2022), without its matching of targets to classes while training: by symmetry every
    assignment of a regular simplex's vertices has the same optimum.

    Raises:
        RecipeError: the projection has fewer than K − 1 dimensions.
    """

    vertices: Tensor  # (K, d)

    def __init__(self, num_classes: int, widths: tuple[int, int, int], *, norm: bool) -> None:
        super().__init__()
        dim, needed = widths[-1], num_classes - 1
        if dim < needed:
            raise RecipeError(
                f"loss.prototypes is simplex: {num_classes} classes need {needed} dimensions, and "
                f"model.projection_dim is {dim}"
            )
        frame = torch.from_numpy(simplex_frame(num_classes)).float()
        self.register_buffer("vertices", nn.functional.pad(frame, (0, dim - needed)))

    def forward(self, classifier: Tensor) -> Tensor:
        """Return the vertices (K, d)."""
        return self.vertices


class RunningMeans(FixedPrototypes):
    """The mean of each class's features, as remembered from the steps before: an exponential moving average.

    A batch that has the class moves its mean by a tenth towards the class's mean in that batch; before its first one
    the prototype is a random direction.
    """

    means: Tensor  # (K, d)
    seen: Tensor  # (K,) whether the class has come by

    def __init__(self, num_classes: int, widths: tuple[int, int, int], *, norm: bool) -> None:
        super().__init__()
        self.register_buffer("means", torch.randn(num_classes, widths[-1]) / math.sqrt(widths[-1]))
        self.register_buffer("seen", torch.zeros(num_classes, dtype=torch.bool))

    def forward(self, classifier: Tensor) -> Tensor:
        """Return the means (K, d)."""
        return self.means.clone()  # which a step after this one changes in place

    @torch.no_grad()
    def remember(self, features: Tensor, labels: Tensor) -> None:
        """Move the means of the classes in this batch."""
        sums = torch.zeros_like(self.means).index_add_(0, labels, features.mean(dim=1).to(self.means.dtype))
        # Unlike bincount, this waits for no device to say how many classes there are.
        counts = torch.zeros_like(self.means[:, 0]).index_add_(0, labels, self.means.new_ones(len(labels)))
        here = (counts > 0)[:, None]
        found = sums / counts.clamp(min=1)[:, None]
        kept = torch.where(self.seen[:, None], MEMORY, 0.0)
        self.means.copy_(torch.where(here, kept * self.means + (1 - kept) * found, self.means))
        self.seen |= counts > 0
