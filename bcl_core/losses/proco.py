"""ProCo: probabilistic contrastive learning (Du et al. 2024, TPAMI), as its public code computes it.

Instead of the images of a batch, an anchor is contrasted with all that its classes could show: each class is a von
Mises–Fisher distribution on the sphere, whose mean μ_k and concentration κ_k are estimated from the features that
passed by, and the expectation of e^{s} over it has a closed form. With C the distribution's normalising constant,

    l_ik = log E_{v ~ vMF(μ_k, κ_k)} e^{v·z_i / τ} = log C(κ_k) − log C(‖κ_k μ_k + z_i / τ‖),
    L_i = −log softmax over k of (l_ik + log π_k), at y_i; π the share of each class in the training set.

No prototypes; the class statistics are its state. Class anchors are the project's own.
"""

import torch
from torch import Tensor, nn
from torch.nn import functional

from bcl_core.losses.averages import average
from bcl_core.losses.bessel import log_bessel
from bcl_core.losses.contract import LossOptions

UNSEEN = 0.9  # length of the random mean of a class that has not come by
MOST = 1e5  # κ, for classes whose features all but agree


class ProCo(nn.Module):
    """The loss, with the statistics of the epoch before and this one so far, and those of this one alone.

    Gradients flow through the anchors z_i, not through the statistics. A batch joins the statistics before its loss is
    taken, view by view. At the beginning of an epoch what is older than one epoch is forgotten.
    """

    log_prior: Tensor  # (K,)
    means: Tensor  # (2, K, d) mean features, not of unit length: those that are used, those of this epoch
    counts: Tensor  # (2, K) of how many features

    def __init__(self, options: LossOptions) -> None:
        super().__init__()
        self.options = options
        priors = torch.tensor(options.class_counts, dtype=torch.float64).log().log_softmax(dim=0)
        self.register_buffer("log_prior", priors, persistent=False)
        unseen = [self._unseen(), self._unseen()]
        self.register_buffer("means", torch.stack(unseen))
        self.register_buffer("counts", torch.zeros(2, options.num_classes))

    def _unseen(self) -> Tensor:
        return UNSEEN * functional.normalize(torch.randn(self.options.num_classes, self.options.dim), dim=1)

    @torch.no_grad()
    def begin_epoch(self, epoch: int) -> None:
        """Forget what is older than the epoch that has just ended."""
        for held, fresh in ((self.means, self._unseen()), (self.counts, torch.zeros(self.options.num_classes))):
            held[0] = held[1]
            held[1] = fresh.to(held)

    def forward(self, features: Tensor, labels: Tensor, prototypes: Tensor) -> Tensor:
        """Loss of features (B, V, d) of unit length and labels (B,): a scalar; prototypes are left aside."""
        labels = labels.long()
        losses = []
        for view in features.unbind(dim=1):
            self._remember(view.detach(), labels)
            logits = self.logits(view) + self.log_prior
            losses.append(functional.cross_entropy(logits, labels, reduction="none"))
        found = average(torch.cat(losses), labels.repeat(len(losses)), self.options.num_classes, self.options.anchors)
        return found.to(torch.promote_types(features.dtype, torch.float32))

    def logits(self, features: Tensor) -> Tensor:
        """l_ik of unit features (B, d), (B, K), in float64."""
        features = features.double()
        means = self.means[0].double()
        lengths = torch.linalg.vector_norm(means, dim=1)
        kappas = self.options.dim * lengths / (1 - lengths**2)
        kappas = torch.where((kappas < 0) | (kappas > MOST), MOST, kappas)
        directions = functional.normalize(means, dim=1)
        along = features @ directions.T * (2 * kappas / self.options.temperature)
        square = kappas**2 + along + features.square().sum(dim=1, keepdim=True) / self.options.temperature**2
        joint = square.clamp(min=1e-12).sqrt()  # ‖κ_k μ_k + z_i / τ‖
        return log_bessel(joint, self.options.dim) - log_bessel(kappas, self.options.dim)

    @torch.no_grad()
    def _remember(self, features: Tensor, labels: Tensor) -> None:
        """Let features (B, d) join both means."""
        sums = torch.zeros_like(self.means[0]).index_add_(0, labels, features.to(self.means.dtype))
        found = torch.zeros_like(self.counts[0]).index_add_(0, labels, self.counts.new_ones(len(labels)))
        for means, counts in zip(self.means, self.counts, strict=True):
            share = (found / (found + counts).clamp(min=1))[:, None]
            means.copy_((1 - share) * means + share * sums / found.clamp(min=1)[:, None])
            counts += found
