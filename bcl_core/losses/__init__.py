"""Contrastive losses for long-tailed data, their gradient statistics, and logit-adjusted cross-entropy.

Torch alone is needed, for who has a training loop already. What a registered loss is to ours: `losses.contract`.
"""

from bcl_core.losses.contrastive import contrastive_loss
from bcl_core.losses.cross_entropy import LogitAdjustedCrossEntropy
from bcl_core.losses.modules import BalancedContrastiveLoss, SupervisedContrastiveLoss
from bcl_core.losses.statistics import ContrastiveStatistics, contrastive_statistics
