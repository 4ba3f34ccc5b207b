"""Where a contrastive loss leaves the class means and prototypes: its minimum when every class is a point.

Every feature of class y has become ζ_y, and prototypes c_y stand where they like. A batch of B images in V views holds
M_j features of class j. With κ = 1 with class-complement, else 0, the loss of an anchor of class y is

    L_y = log(own_y + others_y) − κ (ζ_y·c_y − 1) / (τ q_y),    q_y = M_y − 1 + κ
    own_y = M_y − 1 + κ e^{(ζ_y·c_y − 1)/τ},    others_y = Σ_{j≠y} w_j [M_j e^{(ζ_y·ζ_j − 1)/τ} + κ e^{(ζ_y·c_j − 1)/τ}]

where class-averaging divides own_y by q_y and sets w_j = 1/(M_j + κ), else w_j = 1. An anchor without a positive,
q_y = 0, has no loss. What is minimised is the loss's average over anchors ("instance": M_y features of each class;
"class": classes present alike), in expectation over batches, whose class counts are multivariate hypergeometric.
Derived here: see docs/theory.md. `contrastive_loss` on collapsed features is this formula, and a test says so.

It is convex in the cosines of all 2K vectors together, which gives three facts that the solver uses. Any minimum is the
global one, and `gap` proves it: with S the gradient and Λ the diagonal of S X at the cosines X, no configuration in any
dimension is lower by more than 2K times the size of the least eigenvalue of S − Λ, if that is negative (K times where
prototypes are tied). Classes of equal count can share one cosine, so it is groups of them that cost time, not classes.
And of `compositions` drawn at random, the minimum found is that of their average.

Cosines between prototypes never enter. So free prototypes are unique only because each is pushed outwards, its
multiplier in Λ below 0; that is checked. That K − 1 dimensions suffice has a proof without prototypes only, and is
checked with them.

Cross-entropy is left out. It acts on the backbone's features, the contrastive loss on the projection head's: if both
spaces are free, their sum falls into two separate problems and this prediction stays as it is; if they are tied through
a network, there is no closed form.
"""

from __future__ import annotations

from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from bcl_core.geometry.angles import simplex_frame
from bcl_core.geometry.arrays import (
    FloatArray,
    IntArray,
    as_counts,
    check_choice,
    check_switch,
    check_temperature,
    check_whole,
)
from bcl_core.geometry.collapsed import Objective
from bcl_core.geometry.compositions import Switches, drawn_batches, whole_batch
from bcl_core.geometry.search import any_start, minimise, solve

Anchors = Literal["instance", "class"]
Prototypes = Literal["learned", "simplex", "means"]

MAX_DISTINCT_COUNTS = 600
MIN_TEMPERATURE = 0.001
MIN_TEMPERATURE_WITH_PROTOTYPES = 0.003  # down to it e^{−2/τ}, of opposite vectors, is a number to float64
MAX_IMAGES = 10**9 - 1  # from which numpy draws batches
STARTS_WITHOUT_SIMPLEX = 5
FEW_COUNTS = 20  # of more different ones, chance averages out over the classes: to 0.1° for a hundred
ENOUGH_FOR_MANY = 200  # compositions
OUT_OF_PLANE = 1e-5  # length that the solution may lose to K − 1 dimensions


class Configuration(NamedTuple):
    """The minimum of the expected loss of collapsed classes, and how well it was reached."""

    means: FloatArray  # (K, dim), unit rows
    prototypes: FloatArray | None  # (K, dim), unit rows; None without class-complement
    value: float  # the loss there
    gap: float  # by how much, at most, the global minimum is lower; infinite where nothing is proved
    unique: bool  # no other configuration has the minimum, rotations apart


def enough_compositions(class_counts: ArrayLike, for_few: int) -> int:
    """Over how many drawn batches to average: `for_few` where few counts differ, otherwise fewer, which cost time."""
    return for_few if len(np.unique(class_counts)) <= FEW_COUNTS else min(for_few, ENOUGH_FOR_MANY)


def optimal_configuration(
    class_counts: ArrayLike,
    *,
    class_averaging: bool,
    class_complement: bool,
    temperature: float,
    anchors: Anchors = "instance",
    batch_size: int | None = None,
    views: int = 2,
    prototypes: Prototypes = "learned",
    dim: int | None = None,
    compositions: int = 1_000,
    seed: int = 0,
) -> Configuration:
    """Minimise the expected contrastive loss of collapsed classes (see the module's docstring). Deterministic.

    Args:
        class_counts: training counts, shape (K,), whole numbers of at least 1, K ≥ 2. With dim ≥ K − 1 at most
            `MAX_DISTINCT_COUNTS` different ones, otherwise at most as many classes.
        class_averaging: as of `contrastive_loss`.
        class_complement: as of `contrastive_loss`.
        temperature: τ ≥ 0.003 with class-complement, ≥ 0.001 without.
        anchors: "instance" (every anchor weighs the same in a batch's loss) or "class" (every class present does).
        batch_size: images in a batch, 2 to all of them. None: one batch of everything.
        views: features of an image in the contrastive loss, at least 1.
        prototypes: "learned" (free unit vectors, as in training), "simplex" (a fixed regular simplex) or "means" (each
            on its class mean, the loss minimised over both as one; where running means enter a loss as constants,
            training has no objective and need not end here). Without class-complement there are none.
        dim: dimension of the space, K − 1 by default. Below K − 1 no regular simplex fits, the problem has local
            minima, and the result is the best of a few fixed starts: gap is infinite and unique False.
        compositions: batches drawn to average over.
        seed: of the draw.

    Returns:
        The minimum; its orientation in space is arbitrary.

    Raises:
        ValueError: if an argument is out of range.
    """
    counts = as_counts(class_counts)
    check_choice("anchors", anchors, ("instance", "class"))
    check_choice("prototypes", prototypes, ("learned", "simplex", "means"))
    check_switch("class_averaging", class_averaging)
    check_switch("class_complement", class_complement)
    check_temperature(temperature, MIN_TEMPERATURE_WITH_PROTOTYPES if class_complement else MIN_TEMPERATURE)
    num_classes, images = len(counts), int(counts.sum())
    dim = num_classes - 1 if dim is None else dim
    for name, value in (("dim", dim), ("views", views), ("compositions", compositions)):
        check_whole(name, value, 1)
    check_whole("seed", seed, 0)
    if batch_size is not None:
        check_whole("batch_size", batch_size, 2)
        if batch_size > images:
            raise ValueError(f"batch_size is {batch_size}; expected 2 to {images}, the number of images")
    if batch_size is not None and images > MAX_IMAGES:
        raise ValueError(f"class_counts adds up to {images}; batches are drawn from at most {MAX_IMAGES} images")
    roomy = dim >= num_classes - 1
    if not roomy and class_complement and prototypes == "simplex":
        raise ValueError(f"dim is {dim}; a regular simplex of {num_classes} prototypes needs {num_classes - 1}")

    distinct, group, sizes = np.unique(counts, return_inverse=True, return_counts=True)
    if not roomy:  # where there are local minima, classes of equal count need not have equal cosines
        distinct, group, sizes = counts, np.arange(num_classes), np.ones(num_classes, dtype=np.int64)
    if len(distinct) > MAX_DISTINCT_COUNTS:
        what = "different class counts" if roomy else f"classes in {dim} dimensions"
        raise ValueError(f"there are {len(distinct)} {what}; the optimum is found for at most {MAX_DISTINCT_COUNTS}")

    switches = Switches(class_averaging, class_complement, anchors == "class", views)

    def objective_of(counts: IntArray, sizes: IntArray) -> Objective:
        held = int((counts * sizes).sum())  # not the number of images where counts were rounded to a mean
        if batch_size is None or batch_size >= min(held, images):
            batches = whole_batch(counts, sizes, switches)
        else:
            batches = drawn_batches(counts, sizes, batch_size, compositions, switches, seed)
        if not batches.contrast:
            raise ValueError(
                f"batch_size is {batch_size}; expected a larger one, or more compositions: none of {compositions} has "
                "an anchor with a positive and another class"
            )
        return Objective(batches, temperature, class_averaging, class_complement)

    kind = prototypes if class_complement else "means"
    objective = objective_of(distinct, sizes)
    if roomy:
        found = solve(objective, distinct, objective_of, kind)
    else:
        starts = [any_start(sizes, dim, start, kind) for start in range(STARTS_WITHOUT_SIMPLEX)]
        ends = [minimise(objective, start) for start in starts]
        found = min(ends, key=lambda end: end.evaluate(objective).value)
    share, unique = np.inf, False
    vectors, lost = (found.means, found.prototypes), np.inf
    if roomy:
        share, unique = found.certificate(objective)
        vectors, lost = _turned(*vectors, sizes)
    if is_proved := lost < OUT_OF_PLANE and bool(np.isfinite(share)):
        left = float(np.exp(found.evaluate(objective).value))
    else:  # of what is returned, which at temperatures of a hundredth may be elsewhere
        left = float(np.exp(objective.evaluate(*vectors).value))
    means, proxies = (_of_classes(rows, group, sizes, dim) for rows in vectors)
    return Configuration(
        means=means,
        prototypes=proxies if class_complement else None,
        value=left + objective.floor,
        gap=float(share * left) if is_proved else np.inf,
        unique=unique and is_proved,
    )


def _turned(means: FloatArray, prototypes: FloatArray, sizes: IntArray) -> tuple[tuple[FloatArray, FloatArray], float]:
    """Group vectors (u, w) with u in the G − 1 directions that hold most of it, and the most that a row loses by it.

    With the dimensions of the groups' own these are K − 1.
    """
    both = np.concatenate([means, prototypes])
    axes = np.linalg.svd(np.sqrt(np.tile(sizes, 2))[:, None] * both[:, :-1], full_matrices=False)[2]
    kept = np.column_stack([both[:, :-1] @ axes[: len(sizes) - 1].T, both[:, -1]])
    lengths = np.linalg.norm(kept, axis=1, keepdims=True)
    kept /= lengths
    return (kept[: len(sizes)], kept[len(sizes) :]), float(np.sqrt(max(0.0, 1 - lengths.min() ** 2)))


def _of_classes(vectors: FloatArray, group: IntArray, sizes: IntArray, dim: int) -> FloatArray:
    """Vectors of classes, (K, dim), of those (u, w) of their groups."""
    classes = np.zeros((len(group), dim))
    column = vectors.shape[1] - 1
    classes[:, :column] = vectors[group, :-1]
    for index in np.flatnonzero(sizes > 1):
        own = slice(column, column := column + sizes[index] - 1)
        classes[group == index, own] = vectors[index, -1] * simplex_frame(int(sizes[index]))
    return classes
