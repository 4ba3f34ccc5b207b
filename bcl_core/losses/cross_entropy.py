"""Logit-adjusted cross-entropy, the classifier branch's loss."""

import math
from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional

from bcl_core.losses.checks import check_floating, check_label_range, check_labels


class LogitAdjustedCrossEntropy(nn.Module):
    """Cross-entropy of ``logits + tau · log π``, π the share of each class in the training set.

    Menon et al. 2021, eq. 10; with tau = 1 the logit compensation of Zhu et al. 2022. At test time use the raw logits.

    Args:
        class_counts: training images of each class, (K,) integers, every one at least 1, K at least 2.
        tau: strength of the adjustment, at least 0; 0 is plain cross-entropy.
        validate: check the values of the labels, which makes the host wait for a GPU.

    Raises:
        ValueError: a count below 1, fewer than two classes, tau negative or not finite; in the call, a wrong shape
            or dtype or a label out of range.

    Example:
        >>> import torch
        >>> criterion = LogitAdjustedCrossEntropy([500, 50, 5])
        >>> loss = criterion(torch.randn(8, 3), torch.tensor([0, 0, 0, 0, 1, 1, 1, 2]))
        >>> loss.shape
        torch.Size([])
    """

    class_counts: Tensor

    def __init__(self, class_counts: Sequence[int] | Tensor, tau: float = 1.0, *, validate: bool = True) -> None:
        super().__init__()
        counts = torch.as_tensor(class_counts)
        if counts.ndim != 1 or len(counts) < 2 or counts.is_floating_point():
            raise ValueError(f"class_counts must be at least two integers, (K,), got {class_counts!r}")
        if int(counts.min()) < 1:
            raise ValueError(f"class_counts must all be at least 1, got {counts.tolist()}")
        if not 0 <= tau < math.inf:
            raise ValueError(f"tau must be at least 0 and finite, got {tau}")
        self.tau = tau
        self.validate = validate
        # Integers survive .half() and .bfloat16() of the surrounding model; a buffer of log-priors would not.
        self.register_buffer("class_counts", counts.long(), persistent=False)

    def forward(self, logits: Tensor, labels: Tensor) -> Tensor:
        """Mean loss of logits (B, K) and labels (B,): a scalar, in float32 or, for float64 logits, float64."""
        num_classes = len(self.class_counts)
        check_floating("logits", logits)
        if logits.ndim != 2 or logits.shape[1] != num_classes or len(logits) == 0:
            raise ValueError(f"logits must have shape (B, K), K = {num_classes} and B > 0, got {tuple(logits.shape)}")
        check_labels(labels, batch_size=len(logits))
        if self.validate:
            check_label_range(labels, num_classes=num_classes)
        dtype = torch.promote_types(logits.dtype, torch.float32)
        log_prior = self.class_counts.to(dtype).log().log_softmax(dim=0)
        return functional.cross_entropy(logits.to(dtype) + self.tau * log_prior, labels.long())
