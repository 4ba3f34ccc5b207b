"""Contrastive losses for long-tailed data, their gradient statistics, and logit-adjusted cross-entropy."""

from bcl_core.losses.contract import LossOptions, build_loss, load_loss, named, value_of
from bcl_core.losses.contrastive import contrastive_loss
from bcl_core.losses.cross_entropy import LogitAdjustedCrossEntropy
from bcl_core.losses.modules import BalancedContrastiveLoss, SupervisedContrastiveLoss
from bcl_core.losses.statistics import ContrastiveStatistics, contrastive_statistics
