"""Supervised and balanced contrastive losses, and every loss between them.

Zhu et al., "Balanced Contrastive Learning for Long-Tailed Visual Recognition", CVPR 2022, add two parts to the
supervised contrastive loss of Khosla et al. 2020: class-averaging and class-complement. Here each is its own switch.

Shapes: B images, V views, N = B·V anchors, d dimensions, K classes, M members of the contrast set (the N features of
the batch, then, with class-complement, the K prototypes).
"""

from typing import Any, Literal, NamedTuple

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

from bcl_core.losses.checks import check_contrastive_inputs

AnchorAverage = Literal["instance", "class"]


def contrastive_loss(
    features: Tensor,
    labels: Tensor,
    prototypes: Tensor | None = None,
    *,
    num_classes: int,
    temperature: float = 0.1,
    class_averaging: bool = True,
    class_complement: bool = True,
    anchors: AnchorAverage = "instance",
    self_term: bool = False,
    validate: bool = True,
) -> Tensor:
    """Contrastive loss of labelled features: balanced (BCL) by default, supervised (SCL) with both class switches off.

    An anchor i with positives Q_i and similarities s_ik = z_i·v_k / τ has ``L_i = log D_i − mean over Q_i of s_ip``
    (SCL: Khosla et al. 2020, eq. 2; BCL: Zhu et al. 2022, as their reference code computes it).

    Args:
        features: (B, V, d) unit vectors, V views of each of B images; each of the B·V is an anchor.
        labels: (B,) integers in 0 … K − 1.
        prototypes: (K, d) unit vectors, one a class; needed with ``class_complement``, otherwise ignored.
            They are contrasted against but are no anchors, and gradients reach them.
        num_classes: K, at least 2.
        temperature: τ > 0. Finite in float32 down to 0.01.
        class_averaging: D_i sums over classes the *mean* of e^s over the class's members, instead of their sum.
        class_complement: every prototype joins the contrast set, and that of the anchor's class joins Q_i.
        anchors: "instance" averages L_i over the anchors that have a positive; "class" within each class first,
            then over the classes that have such an anchor.
        self_term: the anchor joins its own class's sum or mean with the constant e^{1/τ}, as the formula is printed
            in the paper. Off, as in the paper's reference code.
        validate: check the values of labels and vectors too, which makes the host wait for a GPU; compiled code does
            not. Shapes and settings are always checked.

    Returns:
        Scalar, computed in float32 (float64 for float64 features) whatever the input or autocast dtype. If no anchor
        has a positive it is 0 with zero gradients. It can be differentiated once, not twice.

    Raises:
        ValueError: wrong shape or dtype, label out of range, vector not finite or not of unit length (within 0.01),
            missing prototypes, num_classes < 2, temperature not positive, unknown ``anchors``.

    Example:
        >>> import torch
        >>> from torch.nn.functional import normalize
        >>> features = normalize(torch.randn(8, 2, 16), dim=-1)
        >>> prototypes = normalize(torch.randn(3, 16), dim=-1)
        >>> labels = torch.tensor([0, 0, 0, 0, 1, 1, 1, 2])
        >>> loss = contrastive_loss(features, labels, prototypes, num_classes=3)
        >>> loss.shape
        torch.Size([])
    """
    with full_precision(features):
        sets = contrast_sets(
            features,
            labels,
            prototypes,
            num_classes=num_classes,
            temperature=temperature,
            class_averaging=class_averaging,
            class_complement=class_complement,
            anchors=anchors,
            self_term=self_term,
            validate=validate,
        )
        anchor_losses: Tensor = _AnchorLosses.apply(sets.features, sets.prototypes, sets, temperature)
        return torch.dot(sets.anchor_weight, anchor_losses)


class ContrastSets(NamedTuple):
    """A batch in the precision of the computation, and all that its labels alone decide: Q_i, and the weights."""

    features: Tensor  # (N, d)
    prototypes: Tensor  # (K, d), or (0, d) without class-complement
    labels: Tensor  # (M,) class of each member; the first N are the anchors
    positive_count: Tensor  # (N,) |Q_i|, or 1 where Q_i is empty
    targets: Tensor  # (N, M) 1/|Q_i| where member k is in Q_i, else 0
    log_weight: Tensor  # (M,) log weight of member k in the D_i of anchors of other classes
    log_own_weight: Tensor  # (N,) log weight in D_i of the members of i's own class
    log_self: Tensor  # (N,) log of what i itself adds to D_i; the lowest float stands for nothing
    anchor_weight: Tensor  # (N,) weight of L_i in the loss; 0 where Q_i is empty


def full_precision(tensor: Tensor) -> torch.autocast:
    """Autocast switched off on the tensor's device: similarities over τ have no digits to spare in half precision."""
    return torch.autocast(tensor.device.type, enabled=False)


def contrast_sets(
    features: Tensor,
    labels: Tensor,
    prototypes: Tensor | None,
    *,
    num_classes: int,
    temperature: float,
    class_averaging: bool,
    class_complement: bool,
    anchors: str,
    self_term: bool,
    validate: bool,
) -> ContrastSets:
    """Check a batch and lay out its contrast sets. No shape depends on a value, so no device has to be waited for."""
    if class_complement and prototypes is None:
        raise ValueError("prototypes must be given, shape (K, d), when class_complement is on; got None")
    if not class_complement:
        prototypes = None
    check_contrastive_inputs(
        features,
        labels,
        prototypes,
        num_classes=num_classes,
        temperature=temperature,
        anchors=anchors,
        validate=validate,
    )
    dtype = torch.promote_types(features.dtype, torch.float32)
    views = features.shape[1]
    features = features.flatten(0, 1).to(dtype)
    prototypes = features.new_empty(0, features.shape[1]) if prototypes is None else prototypes.to(dtype)
    labels = labels.long().repeat_interleave(views)
    member_labels = torch.cat([labels, torch.arange(len(prototypes), device=labels.device)])

    batch_counts = features.new_zeros(num_classes).index_add_(0, labels, features.new_ones(len(labels)))  # m_j
    class_sizes = batch_counts + int(class_complement)  # in the contrast set, the anchor itself included
    log_weights, log_own_weights = _log_weights(class_sizes, class_averaging, self_term)
    log_own_weight = log_own_weights[labels]
    nothing = torch.full_like(log_own_weight, torch.finfo(dtype).min)

    # The difference of labels is compared in place, which spares a boolean matrix and its slow conversion.
    positives = (labels[:, None] - member_labels.to(dtype)).eq_(0).fill_diagonal_(0)
    positive_count = (class_sizes - 1).clamp(min=1)[labels]
    return ContrastSets(
        features=features,
        prototypes=prototypes,
        labels=member_labels,
        positive_count=positive_count,
        targets=positives.div_(positive_count[:, None]),
        log_weight=log_weights[member_labels],
        log_own_weight=log_own_weight,
        log_self=log_own_weight + 1 / temperature if self_term else nothing,
        anchor_weight=_anchor_weight(labels, batch_counts, class_sizes, anchors),
    )


def _log_weights(class_sizes: Tensor, class_averaging: bool, self_term: bool) -> tuple[Tensor, Tensor]:
    """Log weight in D_i of the members of each class, (K,): where it is another class, and where it is i's own."""
    if not class_averaging:
        return torch.zeros_like(class_sizes), torch.zeros_like(class_sizes)
    own_sizes = class_sizes if self_term else class_sizes - 1
    return -class_sizes.clamp(min=1).log(), -own_sizes.clamp(min=1).log()


def _anchor_weight(labels: Tensor, batch_counts: Tensor, class_sizes: Tensor, anchors: str) -> Tensor:
    """Weight of each L_i in the loss, (N,): 0 without a positive, otherwise adding up to 1."""
    has_positive = (class_sizes > 1).to(class_sizes.dtype)
    per_class = has_positive if anchors == "instance" else has_positive / batch_counts.clamp(min=1)
    weight = per_class[labels]
    return weight / weight.sum().clamp(min=1)  # the sum is how many anchors, or classes, count


def losses_and_shares(
    features: Tensor, prototypes: Tensor, sets: ContrastSets, temperature: float
) -> tuple[Tensor, Tensor]:
    """L_i of each anchor, (N,), and each member's share p_ik of D_i, (N, M), its diagonal the self term's."""
    # All in place in one (N, M) matrix: fresh memory of that size costs more than the arithmetic.
    own_class_bonus = sets.positive_count * (sets.log_own_weight - sets.log_weight[: len(features)])
    logits = torch.addcmul(sets.log_weight, sets.targets, own_class_bonus[:, None])
    anchors = features / temperature
    logits[:, : len(features)].addmm_(anchors, features.T)
    logits[:, len(features) :].addmm_(anchors, prototypes.T)
    logits.diagonal().copy_(sets.log_self)
    logits -= logits.amax(dim=1, keepdim=True)
    mean_positive = torch.linalg.vecdot(sets.targets, logits)  # mean of s over Q_i, plus log ω_i, less the maximum
    shares = logits.exp_()
    normaliser = shares.sum(dim=1)  # D_i over the exponential of the maximum
    return normaliser.log() - mean_positive + sets.log_own_weight, shares.div_(normaliser[:, None])


class _AnchorLosses(torch.autograd.Function):
    """L_i of every anchor, (N,), with its gradient in closed form: ∂L_i/∂s_ik = p_ik − [k ∈ Q_i] / |Q_i|.

    That is the gradient of a softmax cross-entropy whose target is uniform on Q_i, and L_i is one up to a constant:
    all of Q_i has one weight ω_i in D_i, so L_i = log ω_i − mean over Q_i of log p_ip.
    """

    @staticmethod
    def forward(ctx: Any, features: Tensor, prototypes: Tensor, sets: ContrastSets, temperature: float) -> Tensor:
        losses, shares = losses_and_shares(features, prototypes, sets, temperature)
        ctx.temperature = temperature
        ctx.save_for_backward(features, prototypes, shares.sub_(sets.targets).fill_diagonal_(0))
        return losses

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad_losses: Tensor) -> tuple[Tensor, Tensor, None, None]:
        features, prototypes, residuals = ctx.saved_tensors
        to_batch, to_prototypes = residuals.tensor_split([len(features)], dim=1)
        scale = (grad_losses / ctx.temperature)[:, None]
        anchors = scale * features
        with full_precision(features):
            grad_features = torch.addmm(to_batch @ features, to_prototypes, prototypes).mul_(scale)  # as anchors
            grad_features.addmm_(to_batch.T, anchors)  # as members of other anchors' contrast sets
            return grad_features, to_prototypes.T @ anchors, None, None
