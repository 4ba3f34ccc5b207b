"""The geometry of embeddings: angles, collapse, gradient contributions, predicted optima, aligned coordinates.

Numpy only; scipy is imported by `optimal_configuration` and `optimal_class_means` when they are called.
"""

from bcl_core.geometry.alignment import (
    aligned_coordinates,
    neighbours_preserved,
    quantise,
    split_halves,
    variance_kept,
)
from bcl_core.geometry.angles import (
    QUANTILES,
    angles_to_means,
    class_means,
    cross_angles,
    pairwise_angles,
    rms_angle_difference,
    simplex_angle,
    simplex_frame,
    simplex_metrics,
)
from bcl_core.geometry.collapse import collapse_metrics, nearest_class_means
from bcl_core.geometry.configuration import (
    MAX_DISTINCT_COUNTS,
    Configuration,
    enough_compositions,
    optimal_configuration,
)
from bcl_core.geometry.gradients import gradient_contributions
from bcl_core.geometry.groups import (
    MAX_BINS,
    frequency_bins,
    head_and_tail,
    rarest,
    shot_group_means,
    shot_groups,
)
from bcl_core.geometry.optimum import optimal_class_means
from bcl_core.geometry.push import PUSH_ARRAYS, push_extents, tail_push_share
