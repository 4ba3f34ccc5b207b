"""What a step minimises: λ·cross-entropy + μ·contrastive loss, of a batch that went through both branches."""

from typing import NamedTuple

import torch
from torch import Tensor, nn

from bcl_core.distributed import World
from bcl_core.losses import LogitAdjustedCrossEntropy
from bcl_core.losses.contract import value_of
from bcl_core.losses.contrastive import full_precision
from bcl_core.models import TwoBranchModel
from bcl_core.recipe import LossRecipe


class ContrastiveTerms(NamedTuple):
    """What the contrastive loss of the whole batch is computed from, on every process alike."""

    features: Tensor  # (B, 2, d)
    labels: Tensor  # (B,)
    prototypes: Tensor  # (K, d)


def branches(
    model: TwoBranchModel, views: Tensor, labels: Tensor, world: World
) -> tuple[Tensor, ContrastiveTerms | None]:
    """Send this process's views through both branches.

    Args:
        model: in training mode.
        views: (3b, C, H, W), all images of view 1 first; or (b, C, H, W), view 1 alone.
        labels: (b,).
        world: whose features and labels are gathered.

    Returns:
        Logits of view 1, (b, K), and, where there are three views, the terms of the contrastive loss.
    """
    h, size = model(views), len(labels)
    logits = model.logits(h[:size])
    if len(views) == size:
        return logits, None
    features = model.project(h[size:]).view(2, size, -1).transpose(0, 1)
    with full_precision(h):
        return logits, ContrastiveTerms(world.gather(features), world.gather(labels), model.prototypes())


def total_loss(
    logits: Tensor,
    labels: Tensor,
    terms: ContrastiveTerms | None,
    loss: LossRecipe,
    cross_entropy: LogitAdjustedCrossEntropy,
    criterion: nn.Module | None,
    *,
    validate: bool,
) -> tuple[Tensor, Tensor, Tensor]:
    """Return λ·CE + μ·contrastive, and the two alone: scalars. Without terms the contrastive loss is 0."""
    classifier: Tensor = cross_entropy(logits, labels)
    contrastive = torch.zeros_like(classifier)
    if terms is not None and criterion is not None:
        with full_precision(logits):
            contrastive = value_of(criterion, *terms, loss, validate=validate)
    return loss.classifier_weight * classifier + loss.contrastive_weight * contrastive, contrastive, classifier
