"""From a named source to the images a run trains and is measured on."""

from bcl_core.data.longtail import long_tail_counts, long_tail_indices
