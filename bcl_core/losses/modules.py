"""The contrastive losses as modules, to drop into any training loop: ``criterion(features, labels)``."""

import torch
from torch import Tensor, nn
from torch.nn import functional

from bcl_core.losses.checks import check_floating, check_labels
from bcl_core.losses.contrastive import AnchorAverage, contrastive_loss


class SupervisedContrastiveLoss(nn.Module):
    """Supervised contrastive loss (Khosla et al. 2020, eq. 2), averaged over the anchors that have a positive.

    Equal to ``SupConLoss`` of pytorch-metric-learning, except on a batch of a single class, where that one returns 0.

    Args:
        temperature: τ > 0.
        anchors: "instance" averages over anchors, "class" within each class first, then over classes.
        normalize: bring features to unit length first; without it they must have it already.
        validate: check the features' values, which makes the host wait for a GPU.

    Raises:
        ValueError: in the call, as :func:`bcl_core.losses.contrastive_loss`.

    Example:
        >>> import torch
        >>> criterion = SupervisedContrastiveLoss(normalize=True)
        >>> embeddings = torch.randn(6, 16, requires_grad=True)
        >>> criterion(embeddings, torch.tensor([0, 0, 0, 1, 1, 7])).backward()
    """

    def __init__(
        self,
        temperature: float = 0.1,
        anchors: AnchorAverage = "instance",
        normalize: bool = False,
        *,
        validate: bool = True,
    ) -> None:
        super().__init__()
        self.temperature = temperature
        self.anchors: AnchorAverage = anchors
        self.normalize = normalize
        self.validate = validate

    def forward(self, features: Tensor, labels: Tensor) -> Tensor:
        """Loss of features (B, V, d), or flat (B, d), and labels (B,), any integers: a scalar."""
        features = _with_views(features, self.normalize)
        check_labels(labels, batch_size=len(features))
        # Place of each label's first copy in the sorted batch: equal exactly where labels are, and below B.
        classes = torch.searchsorted(labels.sort().values, labels)
        return contrastive_loss(
            features,
            classes,
            num_classes=len(labels) + 1,  # a batch of one is allowed, one class is not
            temperature=self.temperature,
            class_averaging=False,
            class_complement=False,
            anchors=self.anchors,
            validate=self.validate,
        )


class BalancedContrastiveLoss(nn.Module):
    """Balanced contrastive loss (Zhu et al. 2022): class-averaging and class-complement.

    Args:
        num_classes: K, at least 2.
        temperature: τ > 0.
        anchors: "instance" (as published) averages over anchors, "class" within each class first, then over classes.
        self_term: keep the anchor in its own class's mean, as the formula is printed.
        normalize: bring features, and prototypes given in the call, to unit length first.
        embedding_dim: d. When given, the module learns its own K prototypes (initially uniform on the sphere); give
            its parameters to the optimiser. Otherwise pass prototypes (K, d) in each call.
        validate: check the values of features, labels and prototypes, which makes the host wait for a GPU.

    Raises:
        ValueError: in the call, as :func:`bcl_core.losses.contrastive_loss`, and for prototypes from both or neither.

    Example:
        >>> import torch
        >>> criterion = BalancedContrastiveLoss(num_classes=3, embedding_dim=16, normalize=True)
        >>> embeddings = torch.randn(6, 16, requires_grad=True)
        >>> criterion(embeddings, torch.tensor([0, 0, 0, 1, 1, 2])).backward()
        >>> criterion.prototypes.grad.shape
        torch.Size([3, 16])
    """

    prototypes: nn.Parameter | None

    def __init__(
        self,
        num_classes: int,
        temperature: float = 0.1,
        anchors: AnchorAverage = "instance",
        self_term: bool = False,
        normalize: bool = False,
        embedding_dim: int | None = None,
        *,
        validate: bool = True,
    ) -> None:
        super().__init__()
        self.num_classes = num_classes
        self.temperature = temperature
        self.anchors: AnchorAverage = anchors
        self.self_term = self_term
        self.normalize = normalize
        self.validate = validate
        self.prototypes = None if embedding_dim is None else nn.Parameter(torch.randn(num_classes, embedding_dim))

    def forward(self, features: Tensor, labels: Tensor, prototypes: Tensor | None = None) -> Tensor:
        """Loss of features (B, V, d), or flat (B, d), labels (B,) and, unless it owns them, prototypes (K, d)."""
        if (prototypes is None) == (self.prototypes is None):
            raise ValueError("prototypes must come either with the call or, by embedding_dim, from the module itself")
        if self.prototypes is not None:
            prototypes = functional.normalize(self.prototypes, dim=-1)
        elif prototypes is not None and self.normalize:
            prototypes = functional.normalize(prototypes, dim=-1)
        return contrastive_loss(
            _with_views(features, self.normalize),
            labels,
            prototypes,
            num_classes=self.num_classes,
            temperature=self.temperature,
            anchors=self.anchors,
            self_term=self.self_term,
            validate=self.validate,
        )


def _with_views(features: Tensor, normalize: bool) -> Tensor:
    """Features as (B, V, d), flat ones with V = 1, at unit length if asked."""
    check_floating("features", features)
    if features.ndim not in (2, 3) or 0 in features.shape:
        raise ValueError(f"features must have shape (B, V, d) or (B, d), none of them 0, got {tuple(features.shape)}")
    features = features.unsqueeze(1) if features.ndim == 2 else features
    return functional.normalize(features, dim=-1) if normalize else features
