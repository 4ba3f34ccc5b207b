"""Where the loss leaves means and prototypes in batches of any size."""

from itertools import combinations, product

import numpy as np
import pytest
import torch

from bcl_core.geometry import (
    optimal_configuration,
    pairwise_angles,
    simplex_angle,
    simplex_frame,
    simplex_metrics,
)
from bcl_core.geometry.configuration import MAX_DISTINCT_COUNTS
from bcl_core.losses import contrastive_loss

DIGITS_LT = [130, 84, 54, 35, 22, 14, 9, 6, 4, 2]
DIGITS_STEP = [130] * 5 + [2] * 5
CIFAR_LT = [int(5000 * 0.01 ** (k / 9)) for k in range(10)]
BCL, SCL = {"class_averaging": True, "class_complement": True}, {"class_averaging": False, "class_complement": False}
AVERAGING = {"class_averaging": True, "class_complement": False}
COMPLEMENT = {"class_averaging": False, "class_complement": True}
CORNERS = {"scl": SCL, "averaging": AVERAGING, "complement": COMPLEMENT, "bcl": BCL}
ALL_LOSSES = list(product(CORNERS.values(), ("instance", "class")))


def of_one_batch(means, prototypes, held, *, class_averaging, class_complement, temperature, anchors, views):
    """The loss of a batch that holds `held[j]` images of class j, as it is written in the module's docstring."""
    kappa = int(class_complement)
    features = [views * count for count in held]
    losses, weights = [], []
    for y, M in enumerate(features):
        q = M - 1 + kappa
        if M == 0 or q == 0:
            continue
        stray = means[y] @ prototypes[y] - 1 if kappa else 0.0
        own = M - 1 + kappa * np.exp(stray / temperature)
        others = 0.0
        for j, M_j in enumerate(features):
            if j == y or M_j + kappa == 0:
                continue
            w = 1 / (M_j + kappa) if class_averaging else 1
            others += w * M_j * np.exp((means[y] @ means[j] - 1) / temperature)
            if kappa:
                others += w * np.exp((means[y] @ prototypes[j] - 1) / temperature)
        losses.append(np.log((own / q if class_averaging else own) + others) - kappa * stray / (temperature * q))
        weights.append(M if anchors == "instance" else 1)
    return float(np.average(losses, weights=weights)) if losses else 0.0


def over_all_batches(configuration, counts, batch_size, **loss):
    """The mean loss over every batch that there is."""
    images = np.repeat(np.arange(len(counts)), counts)
    batches = list(combinations(images.tolist(), batch_size))
    held = [np.bincount(batch, minlength=len(counts)) for batch in batches]
    return np.mean([of_one_batch(configuration.means, configuration.prototypes, batch, **loss) for batch in held])


def unit(rng, *shape):
    rows = rng.normal(size=shape)
    return rows / np.linalg.norm(rows, axis=-1, keepdims=True)


def tails(configuration, counts):
    """Head–head, head–tail, tail–tail, deviation from the simplex, and tail–tail of the prototypes, in degrees."""
    metrics = simplex_metrics(configuration.means, counts)
    of_means = [metrics[f"angle_{name}"] for name in ("head_head", "head_tail", "tail_tail", "rms_deviation")]
    if configuration.prototypes is None:
        return of_means
    return [*of_means, simplex_metrics(configuration.prototypes, counts)["angle_tail_tail"]]


@pytest.mark.parametrize(("switches", "anchors"), ALL_LOSSES)
@pytest.mark.parametrize("temperature", [0.07, 0.3, 1.0])
@pytest.mark.parametrize("held", [[3, 2, 1, 1], [5, 0, 1, 2], [1, 1, 0, 0], [0, 4, 0, 0]], ids=str)
@pytest.mark.parametrize("views", [1, 2])
def test_the_formula_is_the_loss_of_collapsed_features(rng, switches, anchors, temperature, held, views):
    means, prototypes = unit(rng, 4, 6), unit(rng, 4, 6)
    labels = torch.tensor(np.repeat(np.arange(4), held))
    real = contrastive_loss(
        torch.tensor(means)[labels][:, None].repeat(1, views, 1),
        labels,
        torch.tensor(prototypes),
        num_classes=4,
        temperature=temperature,
        anchors=anchors,
        **switches,
    )
    formula = of_one_batch(means, prototypes, held, **switches, temperature=temperature, anchors=anchors, views=views)
    assert formula == pytest.approx(float(real), rel=1e-12, abs=1e-12)


@pytest.mark.parametrize(("switches", "anchors"), ALL_LOSSES)
@pytest.mark.parametrize("views", [1, 2])
def test_the_value_is_the_loss_of_one_batch_of_everything(switches, anchors, views):
    counts = [7, 5, 5, 2, 1, 1]
    loss = {**switches, "temperature": 0.3, "anchors": anchors, "views": views}
    found = optimal_configuration(counts, **loss)
    assert found.value == pytest.approx(of_one_batch(found.means, found.prototypes, counts, **loss), rel=1e-9)


@pytest.mark.parametrize(("counts", "temperature"), [([5, 3], 0.01), ([500, 3], 0.01), ([7, 3, 1], 0.005)])
def test_where_nothing_is_proved_the_value_is_of_what_is_returned_and_nothing_is_said_to_be_unique(counts, temperature):
    loss = {**BCL, "temperature": temperature, "anchors": "instance", "views": 1}
    found = optimal_configuration(counts, **loss)
    assert found.value == pytest.approx(
        of_one_batch(found.means, found.prototypes, counts, **loss), rel=1e-6, abs=1e-12
    )
    assert np.isfinite(found.gap) or not found.unique


@pytest.mark.parametrize(("switches", "anchors"), ALL_LOSSES)
@pytest.mark.parametrize(("batch_size", "draws", "tolerance"), [(2, 10, 1e-9), (4, 5_000, 1e-2)])
@pytest.mark.parametrize("views", [1, 2])
def test_the_value_is_the_mean_over_all_batches(switches, anchors, batch_size, draws, tolerance, views):
    """One image and the last, drawn without replacement as often as there are images, are all batches of two."""
    counts = [4, 2, 2, 1, 1]
    loss = {**switches, "temperature": 0.3, "anchors": anchors, "views": views}
    if views == 1 and batch_size == 2 and not switches["class_complement"]:
        pytest.skip("no anchor has a positive and a negative")
    found = optimal_configuration(counts, **loss, batch_size=batch_size, compositions=draws)
    assert found.value == pytest.approx(over_all_batches(found, counts, batch_size, **loss), rel=tolerance)


# Degrees: head–head, head–tail, tail–tail, RMS to the simplex, prototypes' tail–tail.
@pytest.mark.parametrize(
    ("counts", "switches", "anchors", "angles"),
    [
        (DIGITS_LT, SCL, "instance", [104.1, 97.8, 79.7, 8.2]),
        (DIGITS_LT, AVERAGING, "instance", [101.8, 100.3, 76.2, 9.0]),
        (DIGITS_LT, COMPLEMENT, "instance", [104.7, 96.5, 83.8, 7.0, 86.1]),
        (DIGITS_LT, BCL, "instance", [99.5, 101.4, 81.7, 6.8, 60.3]),
        (DIGITS_LT, AVERAGING, "class", [98.6, 95.0, 91.2, 2.3]),
        (DIGITS_LT, BCL, "class", [97.3, 95.9, 94.5, 0.9, 89.3]),
        (DIGITS_STEP, SCL, "instance", [104.2, 92.5, 70.0, 13.3]),
        (DIGITS_STEP, AVERAGING, "instance", [103.5, 95.2, 61.1, 17.0]),
        (DIGITS_STEP, COMPLEMENT, "instance", [104.2, 92.2, 80.2, 9.0, 80.6]),
        (DIGITS_STEP, BCL, "instance", [98.0, 100.0, 79.7, 8.4, 29.9]),
        (DIGITS_STEP, AVERAGING, "class", [103.1, 94.0, 84.9, 6.5]),
        (DIGITS_STEP, BCL, "class", [98.0, 96.3, 94.5, 1.2, 74.8]),
    ],
)
def test_optimal_angles_in_batches_of_64(counts, switches, anchors, angles):
    found = optimal_configuration(counts, **switches, anchors=anchors, temperature=0.3, batch_size=64)
    np.testing.assert_allclose(tails(found, counts), angles, atol=0.4)
    assert 0 <= found.gap <= 1e-6 * found.value
    assert found.unique
    assert (type(found.value), type(found.gap), type(found.unique)) == (float, float, bool)


@pytest.mark.parametrize(
    ("batch_size", "tail", "prototypes"),
    [(16, 90.3, 57.2), (32, 86.7, 58.5), (128, 77.3, 62.2), (256, 74.7, 63.7), (None, 74.2, 64.1)],
)
def test_small_batches_hold_the_tail_of_bcl_apart(batch_size, tail, prototypes):
    found = optimal_configuration(DIGITS_LT, **BCL, temperature=0.3, batch_size=batch_size, compositions=4_000)
    assert tails(found, DIGITS_LT)[2] == pytest.approx(tail, abs=0.4)
    assert tails(found, DIGITS_LT)[4] == pytest.approx(prototypes, abs=0.4)


@pytest.mark.parametrize(
    ("switches", "prototypes", "tail"), [(BCL, "means", 73.5), (AVERAGING, "learned", 76.2), (BCL, "learned", 81.7)]
)
def test_only_free_prototypes_shield_the_tail(switches, prototypes, tail):
    found = optimal_configuration(DIGITS_LT, **switches, prototypes=prototypes, temperature=0.3, batch_size=64)
    assert tails(found, DIGITS_LT)[2] == pytest.approx(tail, abs=0.4)


@pytest.mark.parametrize(
    ("counts", "batch_size", "temperature", "scl", "bcl"),
    [
        (DIGITS_LT, 64, 0.1, 87.7, 89.0),
        (DIGITS_LT, 64, 0.3, 79.7, 81.7),
        (DIGITS_LT, 64, 0.35, 79.4, 78.1),
        (DIGITS_LT, 64, 0.5, 78.8, 64.7),
        (DIGITS_LT, 64, 1.0, 76.5, 9.7),
        (DIGITS_LT, 128, 0.3, 79.4, 77.3),
        (CIFAR_LT, 256, 0.1, 86.4, 87.0),
        (CIFAR_LT, 256, 0.3, 76.7, 71.1),
        (CIFAR_LT, 256, 0.5, 76.5, 39.6),
    ],
)
def test_which_loss_holds_the_tail_wider_depends_on_temperature_and_batch(counts, batch_size, temperature, scl, bcl):
    settings = {"temperature": temperature, "batch_size": batch_size}
    for switches, tail in ((SCL, scl), (BCL, bcl)):
        found = optimal_configuration(counts, **switches, **settings)
        assert tails(found, counts)[2] == pytest.approx(tail, abs=0.4)
        assert found.gap <= 1e-6 * found.value


def test_the_draw_moves_the_tail_by_less_than_its_last_digit_says():
    found = [optimal_configuration(DIGITS_LT, **BCL, temperature=0.3, batch_size=64, seed=seed) for seed in (1, 2)]
    of_tail, of_others = [tails(one, DIGITS_LT) for one in found]
    np.testing.assert_allclose(of_tail, of_others, atol=0.5)
    assert of_tail != of_others


@pytest.mark.parametrize(("switches", "anchors"), ALL_LOSSES)
@pytest.mark.parametrize("batch_size", [4, 30, None])
def test_equal_counts_have_the_regular_simplex(switches, anchors, batch_size):
    found = optimal_configuration([9] * 6, **switches, anchors=anchors, temperature=0.2, batch_size=batch_size)
    angles = pairwise_angles(found.means)[~np.eye(6, dtype=bool)]
    np.testing.assert_allclose(angles, simplex_angle(6), atol=1e-3)
    if found.prototypes is not None:
        np.testing.assert_allclose(found.prototypes, found.means, atol=1e-4)


@pytest.mark.parametrize("prototypes", [False, True])
def test_averaging_with_class_anchors_has_the_simplex_where_every_batch_holds_all_classes(prototypes):
    found = optimal_configuration(
        DIGITS_LT, class_averaging=True, class_complement=prototypes, anchors="class", temperature=0.3
    )
    assert simplex_metrics(found.means)["angle_rms_deviation"] < 1e-2


def test_fixed_prototypes_are_a_regular_simplex():
    counts = [90, 7, 30, 7, 30, 7]
    found = optimal_configuration(counts, **BCL, prototypes="simplex", temperature=0.3, batch_size=16)
    np.testing.assert_allclose(found.prototypes @ found.prototypes.T, simplex_frame(6) @ simplex_frame(6).T, atol=1e-9)
    assert found.gap <= 1e-6 * found.value
    assert found.unique


def test_tied_prototypes_are_the_means():
    found = optimal_configuration(DIGITS_LT, **BCL, prototypes="means", temperature=0.3, batch_size=16)
    np.testing.assert_array_equal(found.prototypes, found.means)
    assert found.gap <= 1e-6 * found.value


def test_without_class_complement_there_are_no_prototypes():
    first, second = (
        optimal_configuration(DIGITS_LT, **SCL, temperature=0.3, batch_size=16, prototypes=kind)
        for kind in ("learned", "simplex")
    )
    assert first.prototypes is None
    np.testing.assert_array_equal(first.means, second.means)


@pytest.mark.parametrize(("switches", "anchors"), ALL_LOSSES)
def test_no_other_configuration_is_lower_by_more_than_the_gap(rng, switches, anchors):
    loss = {**switches, "temperature": 0.5, "anchors": anchors, "views": 2}
    counts = [20, 9, 9, 4, 1]
    found = optimal_configuration(counts, **loss)
    for size in (1e-4, 1e-2, 1):
        for _ in range(10):
            means, prototypes = (
                rows if rows is None else rows + size * rng.normal(size=rows.shape)
                for rows in (found.means, found.prototypes)
            )
            moved = [
                rows if rows is None else rows / np.linalg.norm(rows, axis=1)[:, None] for rows in (means, prototypes)
            ]
            assert of_one_batch(*moved, counts, **loss) > found.value - found.gap


@pytest.mark.parametrize("prototypes", ["learned", "simplex", "means"])
def test_the_certificate_bounds_what_a_wrong_configuration_loses(rng, prototypes):
    """Stopped after a few steps, the search is above the optimum by no more than its certificate says."""
    settings = {**BCL, "temperature": 0.3, "batch_size": 16, "prototypes": prototypes}
    best = optimal_configuration([40, 11, 11, 3, 3, 1], **settings)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("bcl_core.geometry.search.ROUNDS", (3,))
        early = optimal_configuration([40, 11, 11, 3, 3, 1], **settings)
    assert early.value - best.value > 1e-6 * best.value
    assert early.gap >= early.value - best.value
    assert not early.unique


def test_classes_of_equal_count_are_interchangeable_whatever_the_draw():
    found = optimal_configuration([90, 7, 30, 7, 30, 7], **BCL, temperature=0.3, batch_size=16, compositions=20)
    for vectors in (found.means, found.prototypes):
        angles = pairwise_angles(vectors)
        np.testing.assert_allclose(angles[1, [3, 5]], angles[3, 5], atol=1e-6)
        np.testing.assert_allclose(angles[np.ix_([1, 3, 5], [2, 4])], angles[1, 2], atol=1e-6)


def test_the_order_of_the_classes_does_not_matter(rng):
    order = rng.permutation(10)
    settings = {**BCL, "temperature": 0.3, "batch_size": 32}
    straight = optimal_configuration(DIGITS_LT, **settings)
    shuffled = optimal_configuration(np.array(DIGITS_LT)[order], **settings)
    np.testing.assert_allclose(
        shuffled.means @ shuffled.prototypes.T,
        (straight.means @ straight.prototypes.T)[np.ix_(order, order)],
        atol=1e-9,
    )


def test_the_result_is_the_same_each_time():
    first, second = (optimal_configuration(CIFAR_LT, **BCL, temperature=0.1, batch_size=64) for _ in range(2))
    np.testing.assert_array_equal(first.means, second.means)
    np.testing.assert_array_equal(first.prototypes, second.prototypes)


def test_more_room_than_the_simplex_needs_changes_nothing():
    small = optimal_configuration(DIGITS_LT, **BCL, temperature=0.3, batch_size=64)
    large = optimal_configuration(DIGITS_LT, **BCL, temperature=0.3, batch_size=64, dim=32)
    assert small.means.shape == small.prototypes.shape == (10, 9)
    assert large.means.shape == large.prototypes.shape == (10, 32)
    np.testing.assert_allclose(large.means @ large.prototypes.T, small.means @ small.prototypes.T, atol=1e-12)
    np.testing.assert_allclose(np.linalg.norm(large.prototypes, axis=1), 1)


def test_without_room_for_a_simplex_the_best_of_a_few_starts_has_no_certificate():
    found = optimal_configuration([9] * 6, **AVERAGING, temperature=0.03, batch_size=12, dim=3)
    assert found.means.shape == (6, 3)
    assert simplex_metrics(found.means)["angle_min"] == pytest.approx(90, abs=1)  # an octahedron
    assert found.gap == np.inf
    assert not found.unique


def test_classes_that_no_batch_holds_together_are_settled_by_those_they_meet():
    """A batch is one image and the last; of the former only one was drawn, which all others flee."""
    found = optimal_configuration([40, 3, 2, 1], **AVERAGING, temperature=0.5, batch_size=2, compositions=1)
    np.testing.assert_allclose(pairwise_angles(found.means)[0, 1:], 180, atol=0.1)
    np.testing.assert_allclose(pairwise_angles(found.means)[1:, 1:], 0, atol=0.2)
    assert found.unique


@pytest.mark.slow
@pytest.mark.parametrize(("switches", "anchors"), [(SCL, "class"), (COMPLEMENT, "instance"), (BCL, "instance")])
def test_a_hundred_classes_are_certified(switches, anchors):
    counts = [int(500 * 0.01 ** (k / 99)) for k in range(100)]
    found = optimal_configuration(counts, **switches, anchors=anchors, temperature=0.1, batch_size=256)
    assert found.gap <= 1e-6 * found.value
    assert found.unique


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"class_counts": [5]}, r"class_counts has shape \(1,\)"),
        ({"class_counts": [5, 0]}, "class_counts is"),
        ({"class_counts": range(1, MAX_DISTINCT_COUNTS + 2)}, "different class counts"),
        ({"class_counts": [4] * (MAX_DISTINCT_COUNTS + 1), "dim": 3}, "classes in 3 dimensions"),
        ({"class_counts": [10**9, 5]}, "adds up to 1000000005"),
        ({"anchors": "batch"}, "anchors is 'batch'"),
        ({"prototypes": "fixed"}, "prototypes is 'fixed'"),
        ({"temperature": -1.0}, "temperature is -1.0"),
        ({"temperature": float("nan")}, "temperature is nan"),
        ({"temperature": 0.001}, "temperature is 0.001; expected 0.003 or more"),
        ({**SCL, "temperature": 1e-4}, "temperature is 0.0001; expected 0.001 or more"),
        ({"temperature": "0.3"}, "temperature is '0.3'; expected a positive number"),
        ({"temperature": None}, "temperature is None; expected a positive number"),
        ({"class_counts": "abc"}, "class_counts has shape"),
        ({"class_counts": ["5", "4", "3"]}, r"class_counts is \['5', '4', '3'\]; expected whole numbers"),
        ({"class_counts": [[5, 4], [3]]}, "class_counts has rows of different lengths"),
        ({"class_averaging": "no"}, "class_averaging is 'no'; expected True or False"),
        ({"anchors": None}, "anchors is None"),
        ({"anchors": ["class"]}, "anchors is \\['class'\\]"),
        ({"batch_size": "64"}, "batch_size is '64'; expected a whole number of at least 2"),
        ({"batch_size": 4.5}, "batch_size is 4.5; expected a whole number"),
        ({"views": 1.5}, "views is 1.5; expected a whole number"),
        ({"dim": "2"}, "dim is '2'; expected a whole number"),
        ({"seed": -1}, "seed is -1"),
        ({"batch_size": 1}, "batch_size is 1"),
        ({"batch_size": 13}, "batch_size is 13; expected 2 to 12"),
        ({"views": 0}, "views is 0"),
        ({"dim": 0}, "dim is 0"),
        ({"dim": 1, "prototypes": "simplex"}, "needs 2"),
        ({"compositions": 0}, "compositions is 0"),
        ({**SCL, "views": 1, "batch_size": 2}, "a positive and another class"),
    ],
)
def test_wrong_input_is_named(changes, message):
    with pytest.raises(ValueError, match=message):
        optimal_configuration(**{"class_counts": [5, 4, 3], **BCL, "temperature": 0.1, "batch_size": 4, **changes})
