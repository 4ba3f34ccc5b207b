"""What the losses ask of their inputs. Every failure is a ValueError that names the argument and what it should be.

Compiled code does not look at values: `torch.compile` would have to break the graph for it, or refuse.
"""

import math

import torch
from torch import Tensor

UNIT_LENGTH_TOLERANCE = 0.01  # a vector normalised and stored in bfloat16 is off by less
ANCHOR_AVERAGES = ("instance", "class")


def check_contrastive_inputs(
    features: Tensor,
    labels: Tensor,
    prototypes: Tensor | None,
    *,
    num_classes: int,
    temperature: float,
    anchors: str,
    validate: bool,
) -> None:
    """Check shapes, dtypes and settings and, with ``validate``, the values, for which the host waits for the device."""
    check_floating("features", features)
    if features.ndim != 3 or 0 in features.shape:
        raise ValueError(f"features must have shape (B, V, d), none of them 0, got {tuple(features.shape)}")
    check_labels(labels, batch_size=features.shape[0])
    if num_classes < 2:
        raise ValueError(f"num_classes must be at least 2, got {num_classes}")
    if not 0 < temperature < math.inf:
        raise ValueError(f"temperature must be positive and finite, got {temperature}")
    if anchors not in ANCHOR_AVERAGES:
        raise ValueError(f"anchors must be one of {ANCHOR_AVERAGES}, got {anchors!r}")
    if prototypes is not None:
        check_floating("prototypes", prototypes)
        expected = (num_classes, features.shape[2])
        if prototypes.shape != expected:
            raise ValueError(f"prototypes must have shape (K, d) = {expected}, got {tuple(prototypes.shape)}")
    if validate:
        check_label_range(labels, num_classes=num_classes)
        check_unit_length("features", features)
        if prototypes is not None:
            check_unit_length("prototypes", prototypes)


def check_floating(name: str, values: Tensor) -> None:
    """Check that a tensor holds real floating-point numbers."""
    if not values.is_floating_point():
        raise ValueError(f"{name} must be floating point, got {values.dtype}")


def check_labels(labels: Tensor, *, batch_size: int) -> None:
    """Check the shape and dtype of class labels, not their values."""
    if labels.is_floating_point() or labels.is_complex() or labels.dtype == torch.bool:
        raise ValueError(f"labels must be integers, got {labels.dtype}")
    if labels.shape != (batch_size,):
        raise ValueError(f"labels must have shape (B,) = ({batch_size},), got {tuple(labels.shape)}")


def check_label_range(labels: Tensor, *, num_classes: int) -> None:
    """Check that every label names a class; waits for the device."""
    if torch.compiler.is_compiling():
        return
    low, high = int(labels.min()), int(labels.max())
    if low < 0 or high >= num_classes:
        raise ValueError(f"labels must lie in 0 … {num_classes - 1}, got values from {low} to {high}")


def check_unit_length(name: str, vectors: Tensor) -> None:
    """Check that the vectors (…, d) are finite and of unit length; waits for the device."""
    if torch.compiler.is_compiling():
        return
    dtype = torch.promote_types(vectors.dtype, torch.float32)
    lengths = torch.linalg.vector_norm(vectors.detach(), dim=-1, dtype=dtype)
    off = ~((lengths - 1).abs() <= UNIT_LENGTH_TOLERANCE)  # "not within", so that NaN counts as off
    if bool(off.any()):
        index = tuple(off.nonzero()[0].tolist())
        raise ValueError(
            f"{name} must be finite and of unit length (within {UNIT_LENGTH_TOLERANCE}), "
            f"got length {lengths[index].item():.6g} at index {index}"
        )
