"""Where the loss wants the class means when a batch is everything and views are many: the two plain cases.

    f(ζ) = Σ_y a_y [ log Σ_q b_q exp(ζ_y·ζ_q / τ) − 1/τ ]        over unit vectors ζ_1 … ζ_K,

with a_y the share of class y among the anchors (its share of the training set for "instance", 1/K for "class") and
b_q the weight of class q in the contrast set (its count for SCL, 1 with class-averaging). Prototypes do not enter. One
beside a whole class weighs next to nothing in the contrast set; but in small batches, and free of the class means, they
do change the optimum, and `optimal_configuration` says to what.
"""

from __future__ import annotations

from typing import Literal

from numpy.typing import ArrayLike

from bcl_core.geometry.arrays import FloatArray, check_choice
from bcl_core.geometry.configuration import Anchors, optimal_configuration

Loss = Literal["bcl", "scl"]
MANY_VIEWS = 1 << 40  # so that an anchor among its class's features makes no difference


def optimal_class_means(
    class_counts: ArrayLike,
    *,
    loss: Loss = "bcl",
    temperature: float,
    anchors: Anchors = "instance",
    dim: int | None = None,
) -> FloatArray:
    """Class means that minimise the objective of the module's docstring, by `optimal_configuration`. Deterministic.

    Args:
        class_counts: training counts, shape (K,), whole numbers of at least 1, K ≥ 2.
        loss: "scl" (every sample weighs the same in the contrast set) or "bcl" (every class does).
        temperature: τ ≥ 0.001.
        anchors: "instance" (every anchor weighs the same in the loss) or "class" (every class does).
        dim: dimension of the space, K − 1 by default. Below K − 1 no regular simplex fits, the problem has local
            minima, and the result is the best of a few fixed starts.

    Returns:
        Unit rows, shape (K, dim). From dim = K − 1 on they are the only optimum, up to rotation.

    Raises:
        ValueError: if an argument is out of range.
    """
    check_choice("loss", loss, ("bcl", "scl"))
    return optimal_configuration(
        class_counts,
        class_averaging=loss == "bcl",
        class_complement=False,
        temperature=temperature,
        anchors=anchors,
        views=MANY_VIEWS,
        dim=dim,
    ).means
