import numpy as np
import pytest

from bcl_core.geometry import optimal_class_means, pairwise_angles, simplex_angle, simplex_metrics

CIFAR_LT = [int(5000 * 0.01 ** (k / 9)) for k in range(10)]
DIGITS_LT = [130, 84, 54, 35, 22, 14, 9, 6, 4, 2]
LOSSES = [(loss, anchors) for loss in ("scl", "bcl") for anchors in ("instance", "class")]


def collapsed_objective(means, counts, loss, anchors, temperature):
    """The objective as it is written in the module's docstring."""
    counts = np.array(counts, dtype=float)
    total = 0.0
    for y, mean in enumerate(means):
        weight = counts[y] / counts.sum() if anchors == "instance" else 1 / len(counts)
        denominator = sum(
            (counts[q] if loss == "scl" else 1) * np.exp(mean @ other / temperature) for q, other in enumerate(means)
        )
        total += weight * (np.log(denominator) - 1 / temperature)
    return total


def certified_gap(means, counts, loss, anchors, temperature):
    """How far above the global minimum these means can be, as a share of what is left to minimise.

    The objective is convex in the cosines G, so f(G*) ≥ f(G) + ⟨S, G* − G⟩ with S its gradient. With λ_y = (SG)_yy,
    ⟨S, G⟩ = Σ λ and ⟨S, G*⟩ ≥ Σ λ + K·min(0, smallest eigenvalue of S − diag λ), as G* is positive with trace K.
    """
    counts = np.array(counts, dtype=float)
    num_classes = len(counts)
    weights = counts / counts.sum() if anchors == "instance" else np.full(num_classes, 1 / num_classes)
    contrast = counts if loss == "scl" else np.ones(num_classes)
    cosines = means @ means.T
    terms = contrast / contrast[:, None] * np.exp((cosines - 1) / temperature)
    np.fill_diagonal(terms, 0)
    odds = terms.sum(axis=1)
    gradient = (weights / (1 + odds))[:, None] * terms / temperature
    gradient = (gradient + gradient.T) / 2
    multipliers = (gradient * cosines).sum(axis=1)
    smallest = np.linalg.eigvalsh(gradient - np.diag(multipliers))[0]
    return num_classes * max(0.0, -smallest) / (weights * np.log1p(odds)).sum()


def group_angles(counts, loss, anchors, temperature):
    metrics = simplex_metrics(optimal_class_means(counts, loss=loss, anchors=anchors, temperature=temperature), counts)
    return [metrics[f"angle_{name}"] for name in ("head_head", "head_tail", "tail_tail", "std")]


@pytest.mark.parametrize(
    ("temperature", "loss", "anchors", "angles"),
    [
        (0.1, "scl", "instance", [99.7, 99.2, 86.4]),
        (0.1, "bcl", "instance", [99.7, 99.2, 86.4]),
        (0.1, "scl", "class", [88.8, 104.2, 88.8]),
        (0.5, "scl", "instance", [110.2, 95.7, 76.5]),
        (0.5, "bcl", "instance", [98.3, 111.0, 31.7]),
        (1.0, "scl", "instance", [114.2, 94.1, 74.1]),
        (1.0, "bcl", "instance", [92.8, 120.2, 1.7]),
        (0.1, "bcl", "class", [96.4, 96.4, 96.4]),
        (1.0, "bcl", "class", [96.4, 96.4, 96.4]),
    ],
)
def test_optimal_angles_with_imbalance_factor_100(temperature, loss, anchors, angles):
    np.testing.assert_allclose(group_angles(CIFAR_LT, loss, anchors, temperature)[:3], angles, atol=0.1)


@pytest.mark.parametrize(
    ("temperature", "loss", "anchors", "angles"),
    [
        (0.1, "scl", "instance", [99.4, 98.7, 88.0, 3.6]),
        (0.1, "bcl", "instance", [99.4, 98.7, 88.0, 3.6]),
        (0.3, "scl", "instance", [104.0, 98.1, 79.3, 7.8]),
        (0.3, "bcl", "instance", [99.6, 103.0, 73.5, 9.2]),
        (0.3, "bcl", "class", [96.4, 96.4, 96.4, 0]),
    ],
)
def test_optimal_angles_for_the_long_tailed_digits(temperature, loss, anchors, angles):
    np.testing.assert_allclose(group_angles(DIGITS_LT, loss, anchors, temperature), angles, atol=0.1)


@pytest.mark.parametrize("temperature", [0.05, 0.1, 0.5, 2.0])
@pytest.mark.parametrize(("loss", "anchors"), LOSSES)
@pytest.mark.parametrize(
    "counts",
    [CIFAR_LT, [500] * 5 + [5] * 5, [1000, 1, 1], [int(500 * 0.01 ** (k / 39)) for k in range(40)]],
    ids=["exponential", "step", "three", "forty"],
)
def test_the_optimum_is_the_global_one(counts, loss, anchors, temperature):
    means = optimal_class_means(counts, loss=loss, anchors=anchors, temperature=temperature)
    assert certified_gap(means, counts, loss, anchors, temperature) < 1e-5


def test_the_rarest_classes_have_settled_too():
    counts = np.array([max(1, int(5000 * 5000 ** (-k / 9))) for k in range(10)])
    means = optimal_class_means(counts, loss="scl", temperature=3.0)
    terms = counts / counts[:, None] * np.exp((means @ means.T - 1) / 3)
    np.fill_diagonal(terms, 0)
    forces = (counts / (1 + terms.sum(axis=1)))[:, None] * terms
    forces += forces.T.copy()
    net = forces @ means
    net -= (net * means).sum(axis=1, keepdims=True) * means
    assert (np.linalg.norm(net, axis=1) / forces.sum(axis=1)).max() < 5e-6


@pytest.mark.parametrize(("loss", "anchors"), LOSSES)
def test_no_small_step_improves_the_optimum(rng, loss, anchors):
    means = optimal_class_means(DIGITS_LT, loss=loss, anchors=anchors, temperature=0.5)
    least = collapsed_objective(means, DIGITS_LT, loss, anchors, 0.5)
    for _ in range(20):
        moved = means + 1e-2 * rng.normal(size=means.shape)
        moved /= np.linalg.norm(moved, axis=1, keepdims=True)
        assert collapsed_objective(moved, DIGITS_LT, loss, anchors, 0.5) > least


@pytest.mark.parametrize(("loss", "anchors"), LOSSES)
def test_equal_counts_have_the_regular_simplex(loss, anchors):
    means = optimal_class_means([50] * 12, loss=loss, anchors=anchors, temperature=0.1)
    angles = pairwise_angles(means)[~np.eye(12, dtype=bool)]
    np.testing.assert_allclose(angles, simplex_angle(12), atol=1e-4)


@pytest.mark.parametrize("counts", [[5, 5], [500, 1]])
def test_two_classes_are_opposite_whatever_their_counts(counts):
    means = optimal_class_means(counts, loss="scl", temperature=0.1)
    assert means.shape == (2, 1)
    assert means.prod() == pytest.approx(-1)


def test_classes_of_equal_count_are_interchangeable():
    angles = pairwise_angles(optimal_class_means([90, 7, 30, 7, 30, 7], loss="scl", temperature=0.3))
    np.testing.assert_allclose(angles[1, [3, 5]], angles[3, 5], atol=1e-6)
    np.testing.assert_allclose(angles[np.ix_([1, 3, 5], [2, 4])], angles[1, 2], atol=1e-6)


def test_the_order_of_the_classes_does_not_matter(rng):
    order = rng.permutation(10)
    angles = pairwise_angles(optimal_class_means(DIGITS_LT, temperature=0.3))
    shuffled = pairwise_angles(optimal_class_means(np.array(DIGITS_LT)[order], temperature=0.3))
    np.testing.assert_allclose(shuffled, angles[np.ix_(order, order)], atol=1e-6)


def test_the_result_is_the_same_each_time():
    np.testing.assert_array_equal(
        optimal_class_means(CIFAR_LT, temperature=0.1), optimal_class_means(CIFAR_LT, temperature=0.1)
    )


def test_more_room_than_the_simplex_needs_changes_nothing():
    small = optimal_class_means(DIGITS_LT, temperature=0.3)
    large = optimal_class_means(DIGITS_LT, temperature=0.3, dim=32)
    assert small.shape == (10, 9)
    assert large.shape == (10, 32)
    np.testing.assert_allclose(large @ large.T, small @ small.T, atol=1e-9)
    np.testing.assert_allclose(np.linalg.norm(large, axis=1), 1)


@pytest.mark.parametrize(
    ("num_classes", "dim", "angle"),
    # the best known packings: pentagon, octahedron, icosahedron, and ten points on the sphere in four dimensions
    [(5, 2, 72), (6, 3, 90), (12, 3, 63.43), (10, 4, 80.41)],
)
def test_without_room_for_a_simplex_the_best_packing_is_found(num_classes, dim, angle):
    means = optimal_class_means([9] * num_classes, loss="bcl", temperature=0.03, dim=dim)
    assert means.shape == (num_classes, dim)
    assert simplex_metrics(means)["angle_min"] == pytest.approx(angle, abs=0.05)


@pytest.mark.parametrize("temperature", [1e-3, 50.0])
def test_extreme_temperatures_neither_overflow_nor_stall(temperature):
    means = optimal_class_means(DIGITS_LT, loss="bcl", anchors="class", temperature=temperature)
    assert simplex_metrics(means)["angle_rms_deviation"] < 1e-2


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"class_counts": [5]}, r"class_counts has shape \(1,\)"),
        ({"class_counts": [5, 0]}, "class_counts is"),
        ({"loss": "ce"}, "loss is 'ce'"),
        ({"anchors": "batch"}, "anchors is 'batch'"),
        ({"temperature": -1.0}, "temperature is -1.0"),
        ({"temperature": float("nan")}, "temperature is nan"),
        ({"dim": 0}, "dim is 0"),
    ],
)
def test_wrong_input_is_named(changes, message):
    with pytest.raises(ValueError, match=message):
        optimal_class_means(**{"class_counts": [5, 4, 3], "temperature": 0.1, **changes})
