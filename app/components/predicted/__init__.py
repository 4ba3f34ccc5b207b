"""Predicted optima: a heat map a loss of how far each two class means are from the regular simplex."""

import base64
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
            "maps": [{"title": title, "angles": _between(optimum)} for title, optimum in means.items()],
        },
    )


def _between(means: NDArray[np.float64]) -> str:
    """Return the degrees between rows, (K(K−1)/2,) little-endian float32 in base64: row 0 with 1, 2, … first."""
    above = np.triu_indices(len(means), 1)
    return base64.b64encode(geometry.pairwise_angles(means)[above].astype("<f4").tobytes()).decode()
