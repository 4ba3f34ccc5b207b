"""Optima predicted for batches of a size: how far each two class means are from the regular simplex, a map a loss."""

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from app import palette
from app.components import register
from bcl_core import geometry

_mount = register("predicted", html='<div class="bcl-predicted"></div>')


def predicted(means: Mapping[str, NDArray[np.float64]], class_counts: Sequence[int], batches: str, *, key: str) -> None:
    """Show the optima's class means, each (K, d) under the name of its loss, of classes with these training counts.

    `batches` says in words for which batches they are predicted.
    """
    _mount(
        key=key,
        data={
            "counts": list(class_counts),
            "batches": batches,
            "stops": palette.DEVIATION,
            "maps": [
                {"title": title, "angles": np.round(geometry.pairwise_angles(optimum), 2).ravel().tolist()}
                for title, optimum in means.items()
            ],
        },
    )
