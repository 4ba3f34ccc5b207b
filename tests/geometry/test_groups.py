import numpy as np
import pytest

from bcl_core.geometry import frequency_bins, head_and_tail, shot_group_means


@pytest.mark.parametrize(("num_classes", "size"), [(2, 1), (3, 1), (4, 1), (10, 3), (100, 30), (1000, 300)])
def test_head_and_tail_are_three_tenths_of_the_classes_each(num_classes, size):
    head, tail = head_and_tail(np.arange(num_classes, 0, -1))
    assert head.tolist() == list(range(size))
    assert tail.tolist() == list(range(num_classes - size, num_classes))


def test_head_and_tail_follow_the_counts_and_break_ties_by_class_index():
    head, tail = head_and_tail([2, 9, 5, 5, 5, 9, 1])
    assert head.tolist() == [1, 5]
    assert tail.tolist() == [0, 6]
    head, tail = head_and_tail([7, 3] * 50)
    assert head.tolist() == list(range(0, 60, 2))
    assert tail.tolist() == list(range(41, 100, 2))


def test_shot_groups_have_the_literatures_bounds():
    assert shot_group_means([1, 2, 4, 8], [101, 100, 20, 19]) == {"many": 1, "medium": 3, "few": 8}


def test_an_empty_group_is_none_never_zero():
    cifar10_lt = [int(5000 * 0.01 ** (k / 9)) for k in range(10)]
    assert shot_group_means(np.linspace(1, 0, 10), cifar10_lt)["few"] is None
    assert shot_group_means([np.nan, 0.5], [200, 50]) == {"many": None, "medium": 0.5, "few": None}


def test_frequency_bins_are_even_and_ordered_by_count(rng):
    counts = rng.integers(1, 1000, size=700)
    bins = frequency_bins(counts)
    sizes = np.bincount(bins)
    assert len(sizes) == 256
    assert set(sizes) == {2, 3}
    assert all(counts[bins == b].min() >= counts[bins == b + 1].max() for b in range(255))


def test_each_class_has_its_own_bin_when_there_are_enough():
    assert frequency_bins([5, 9, 1]).tolist() == [1, 0, 2]


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: head_and_tail([5]), r"class_counts has shape \(1,\)"),
        (lambda: head_and_tail([5, 1.5]), "class_counts is"),
        (lambda: shot_group_means([1.0], [5, 4]), r"values has shape \(1,\)"),
    ],
)
def test_wrong_input_is_named(call, message):
    with pytest.raises(ValueError, match=message):
        call()
