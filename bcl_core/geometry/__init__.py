"""The geometry of embeddings: angles, collapse, gradient contributions, predicted optima, aligned coordinates.

Numpy only; scipy is imported by `predicted_optimum` when it is called.
"""

from bcl_core.geometry.alignment import (
    AlignedCoordinates,
    aligned_coordinates,
    dequantise,
    neighbours_preserved,
    quantise,
    split_halves,
    variance_kept,
)
from bcl_core.geometry.angles import (
    QUANTILES,
    class_means,
    cross_angles,
    margins,
    pairwise_angles,
    rms_angle_difference,
    simplex_angle,
    simplex_frame,
    simplex_metrics,
    within_class_angles,
)
from bcl_core.geometry.collapse import collapse_metrics
from bcl_core.geometry.gradients import GradientContributions, gradient_contributions
from bcl_core.geometry.groups import (
    MAX_BINS,
    frequency_bins,
    head_and_tail,
    pairs_within,
    rarest,
    shot_group_means,
    shot_groups,
)
from bcl_core.geometry.optimum import PredictedOptimum, optimal_class_means, predicted_optimum
from bcl_core.geometry.push import PUSH_ARRAYS, count_effect, count_slope, push_extents, tail_push_share

__all__ = [
    "MAX_BINS",
    "PUSH_ARRAYS",
    "QUANTILES",
    "AlignedCoordinates",
    "GradientContributions",
    "PredictedOptimum",
    "aligned_coordinates",
    "class_means",
    "collapse_metrics",
    "count_effect",
    "count_slope",
    "cross_angles",
    "dequantise",
    "frequency_bins",
    "gradient_contributions",
    "head_and_tail",
    "margins",
    "neighbours_preserved",
    "optimal_class_means",
    "pairs_within",
    "pairwise_angles",
    "predicted_optimum",
    "push_extents",
    "quantise",
    "rarest",
    "rms_angle_difference",
    "shot_group_means",
    "shot_groups",
    "simplex_angle",
    "simplex_frame",
    "simplex_metrics",
    "split_halves",
    "tail_push_share",
    "variance_kept",
    "within_class_angles",
]
