"""Predicted optima: a heat map a loss of how far each two class means are from the regular simplex."""

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from app import palette
from app.components import register
from bcl_core import geometry

_mount = register("predicted", html='<div class="bcl-predicted"></div>')


def predicted(means: Mapping[str, NDArray[np.float64]], class_counts: Sequence[int], *, key: str) -> None:
    """Show the optima's class means, each (K, d) under the name of its loss, of classes with these training counts."""
    _mount(
        key=key,
        data={
            "counts": list(class_counts),
            "stops": palette.DEVIATION,
            "maps": [
                {"title": title, "angles": np.round(geometry.pairwise_angles(optimum), 2).ravel().tolist()}
                for title, optimum in means.items()
            ],
        },
    )
