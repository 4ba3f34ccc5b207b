"""NTCE and NONL, the normalised losses of Koromilas et al. 2026 (arXiv 2605.20302).

They are the classifier's losses there: u_i is the backbone's feature and w_k the classifier's weight, both of unit
length. Here they are contrastive losses beside a classifier that has its own: u_i is a feature z_i of the projection,
both views of a batch of B images making M = 2B of them, and w_k is the class's prototype c_k. So an anchor is pushed
away from other images at its own class's prototype, and prototypes never meet. As their public code computes them
(NONL: with its switch `symmetric`, which its guide asks for); s_ki = c_k·z_i / τ.

The project's own: class anchors, as everywhere else here.
"""

import torch
from torch import Tensor, nn

from bcl_core.losses.averages import average
from bcl_core.losses.contract import LossOptions


class _AtThePrototype(nn.Module):
    """L_i = log Σ_j e^{s_yj} − s_yi, y the class of i; which members j count is up to each loss."""

    def __init__(self, options: LossOptions) -> None:
        super().__init__()
        self.options = options

    def forward(self, features: Tensor, labels: Tensor, prototypes: Tensor) -> Tensor:
        """Loss of features (B, V, d), labels (B,) and prototypes (K, d): a scalar."""
        dtype = torch.promote_types(features.dtype, torch.float32)
        members = features.flatten(0, 1).to(dtype)
        labels = labels.long().repeat_interleave(features.shape[1])
        similarities = prototypes.to(dtype) @ members.T / self.options.temperature  # (K, M)
        own = similarities.gather(0, labels[None]).squeeze(0)
        losses = self.log_normalisers(similarities, labels)[labels] - own
        return average(losses, labels, self.options.num_classes, self.options.anchors)

    def log_normalisers(self, similarities: Tensor, labels: Tensor) -> Tensor:
        """Return log Σ_j e^{s_kj} of each class, (K,), from s (K, M) and the members' labels (M,)."""
        raise NotImplementedError


class NTCE(_AtThePrototype):
    """A prototype is contrasted with every image of the batch: j runs over all M, images of its own class included."""

    def log_normalisers(self, similarities: Tensor, labels: Tensor) -> Tensor:
        """Return them over all members."""
        return similarities.logsumexp(dim=1)


class NONL(_AtThePrototype):
    """Normalised over negatives alone: j runs over the images of other classes.

    A batch of one class has none, and then nothing is subtracted from: L_i = −s_yi (in the public code, infinity).
    """

    def log_normalisers(self, similarities: Tensor, labels: Tensor) -> Tensor:
        """Return them over the members of other classes."""
        own = labels == torch.arange(len(similarities), device=labels.device)[:, None]
        masked = similarities.masked_fill(own, torch.finfo(similarities.dtype).min)
        return torch.where(own.all(dim=1), 0.0, masked.logsumexp(dim=1))
