"""The four corners of the ablation square as registered losses: `contrastive_loss` with its switches set."""

from typing import ClassVar

from torch import Tensor, nn

from bcl_core.losses.contract import LossOptions
from bcl_core.losses.contrastive import contrastive_loss


class SCL(nn.Module):
    """Supervised contrastive loss (Khosla et al. 2020)."""

    class_averaging: ClassVar[bool] = False
    class_complement: ClassVar[bool] = False

    def __init__(self, options: LossOptions) -> None:
        super().__init__()
        self.options = options
        self.validate = True

    def forward(self, features: Tensor, labels: Tensor, prototypes: Tensor) -> Tensor:
        """Loss of features (B, 2, d), labels (B,) and prototypes (K, d): a scalar."""
        validate, self.validate = self.validate, False  # one look at the first batch; later ones would cost a sync each
        return contrastive_loss(
            features,
            labels,
            prototypes,
            num_classes=self.options.num_classes,
            temperature=self.options.temperature,
            class_averaging=self.class_averaging,
            class_complement=self.class_complement,
            anchors=self.options.anchors,
            self_term=self.options.self_term,
            validate=validate,
        )


class ClassAveraging(SCL):
    """Negatives are averaged within their class."""

    class_averaging = True


class ClassComplement(SCL):
    """A prototype of every class joins the contrast set."""

    class_complement = True


class BCL(ClassAveraging):
    """Balanced contrastive loss (Zhu et al. 2022)."""

    class_complement = True
