from itertools import combinations, product

import numpy as np
import pytest

from bcl_core.geometry import gradient_contributions, tail_push_share
from harness.push_laws import count_effect, count_slope, expected_count_effect

DIGITS_LT = np.array([130, 84, 54, 35, 22, 14, 9, 6, 4, 2])
SCL = {"class_averaging": False, "class_complement": False, "anchors": "instance"}
BCL = {"class_averaging": True, "class_complement": True, "anchors": "instance"}
BCL_CLASS = {**BCL, "anchors": "class"}


def at_equal_similarities(counts, class_averaging, class_complement, anchors):
    """Contributions when every embedding of the whole training set sits at one point, as before training."""
    labels = np.repeat(np.arange(len(counts)), counts)
    return gradient_contributions(
        np.ones((len(labels), 2, 1)),
        labels,
        np.ones((len(counts), 1)),
        num_classes=len(counts),
        temperature=0.1,
        class_averaging=class_averaging,
        class_complement=class_complement,
        anchors=anchors,
    )


@pytest.mark.parametrize(
    ("class_averaging", "class_complement", "anchors"),
    list(product([False, True], [False, True], ["instance", "class"])),
)
def test_the_count_effect_is_the_pair_push_at_equal_similarities(class_averaging, class_complement, anchors):
    counts = [40, 11, 5, 2, 1]
    push = at_equal_similarities(counts, class_averaging, class_complement, anchors).pair_push
    np.fill_diagonal(push, 0)
    predicted = count_effect(
        counts, class_averaging=class_averaging, class_complement=class_complement, anchors=anchors
    )
    np.testing.assert_allclose(predicted, push / np.triu(push).sum())


@pytest.mark.parametrize("switches", [SCL, BCL, BCL_CLASS, {**SCL, "class_complement": True}], ids=str)
def test_the_expected_count_effect_is_the_mean_push_at_equal_similarities(switches):
    """Over every batch there is: all ways to draw four of seven images, one by one."""
    counts = np.array([4, 2, 1])
    images = np.repeat(np.arange(3), counts)
    batches = [np.bincount(images[list(batch)], minlength=3) for batch in combinations(range(7), 4)]
    push = np.mean([at_equal_similarities(batch, **switches).pair_push for batch in batches], axis=0)
    np.fill_diagonal(push, 0)
    expected = expected_count_effect(counts, 4, **switches, compositions=200_000)
    np.testing.assert_allclose(expected, push / np.triu(push).sum(), atol=3e-3)
    whole = expected_count_effect(counts, 7, **switches)
    np.testing.assert_allclose(whole, count_effect(counts, **switches), atol=1e-12)


@pytest.mark.parametrize(
    ("switches", "law"),
    [
        (SCL, lambda n, m: n * m),
        (BCL, lambda n, m: n + m),
        (BCL_CLASS, lambda n, m: 1 + 0 * (n + m)),
        ({**SCL, "anchors": "class"}, lambda n, m: n + m),
        ({**BCL, "class_complement": False}, lambda n, m: n + m),
        ({**SCL, "class_complement": True}, lambda n, m: n * m + (n + m) / 4),
        ({**SCL, "class_complement": True, "anchors": "class"}, lambda n, m: n + m + 1),
    ],
)
def test_the_count_effect_follows_its_law_and_sums_to_one_over_pairs(switches, law):
    push = count_effect(DIGITS_LT, **switches)
    expected = law(DIGITS_LT[:, None], DIGITS_LT).astype(float)
    np.fill_diagonal(expected, 0)
    np.testing.assert_allclose(push, expected / np.triu(expected).sum())


@pytest.mark.parametrize(("switches", "percent"), [(SCL, 0.0874), (BCL, 0.7407), (BCL_CLASS, 6.6667)])
def test_the_three_rarest_digits_get_more_of_the_push_from_loss_to_loss(switches, percent):
    assert 100 * tail_push_share(count_effect(DIGITS_LT, **switches), DIGITS_LT) == pytest.approx(percent, abs=1e-4)


def test_the_tail_share_reads_pairs_of_different_classes_only():
    push = np.ones((10, 10)) + np.diag(np.full(10, 100.0))
    assert tail_push_share(push, DIGITS_LT) == pytest.approx(3 / 45)
    assert tail_push_share(np.ones((4, 4)), [4, 3, 2, 1]) is None
    assert tail_push_share(np.zeros((10, 10)), DIGITS_LT) is None


def test_before_training_mass_grows_with_the_count_in_scl_and_not_in_bcl():
    counts = [40, 11, 5, 2, 1]
    assert count_slope(at_equal_similarities(counts, **SCL).mass, counts) == pytest.approx(1)
    assert count_slope(at_equal_similarities(counts, **BCL).mass, counts) == pytest.approx(0, abs=1e-12)


def test_the_slope_is_not_tilted_by_rows_of_different_strength_or_by_gaps(rng):
    counts = rng.integers(1, 500, size=12)
    push = rng.lognormal(0, 3, size=(12, 1)) * counts**0.7
    push[3] = np.nan
    push[5, 2] = 0
    assert count_slope(push, counts) == pytest.approx(0.7)


def test_no_slope_exists_when_all_counts_are_equal():
    assert count_slope(np.ones((4, 4)), [5, 5, 5, 5]) is None
    assert count_slope(np.full((3, 3), np.nan), [3, 2, 1]) is None


@pytest.mark.parametrize(
    ("push", "message"),
    [
        (np.ones((3, 2)), r"pair_push has shape \(3, 2\)"),
        (np.ones((2, 2)), "class_counts has 3 entries; expected 2"),
    ],
)
def test_wrong_input_is_named(push, message):
    with pytest.raises(ValueError, match=message):
        tail_push_share(push, [3, 2, 1])
