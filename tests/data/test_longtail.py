"""The long tail is drawn as published code draws it."""

import numpy as np
import pytest

from bcl_core.data import long_tail_counts, long_tail_indices


def published_draw(labels, imbalance_factor, kind):
    """The published procedure, written from its description: numpy's global generator, class after class."""
    num_classes = labels.max() + 1
    n_max = len(labels) / num_classes
    per_class = []
    for k in range(num_classes):
        if kind == "exp":
            per_class.append(int(n_max * (1 / imbalance_factor) ** (k / (num_classes - 1.0))))
        else:
            per_class.append(int(n_max) if k < num_classes / 2 else int(n_max * (1 / imbalance_factor)))
    np.random.seed(0)
    chosen = []
    for k, count in enumerate(per_class):
        indices = np.where(labels == k)[0]
        np.random.shuffle(indices)
        chosen.extend(indices[:count])
    return np.array(chosen)


@pytest.mark.parametrize("imbalance_factor", [1, 10, 50, 100, 200])
@pytest.mark.parametrize("kind", ["exp", "step"])
@pytest.mark.parametrize("num_classes", [10, 100])
def test_the_draw_equals_the_published_one_index_by_index(imbalance_factor, kind, num_classes):
    labels = np.random.default_rng(1).permutation(np.repeat(np.arange(num_classes), 50_000 // num_classes))
    ours = long_tail_indices(labels, imbalance_factor=imbalance_factor, kind=kind)
    np.testing.assert_array_equal(ours, published_draw(labels, imbalance_factor, kind))


def test_the_draw_leaves_numpys_global_generator_alone():
    np.random.seed(5)
    expected = np.random.rand()
    np.random.seed(5)
    long_tail_indices(np.repeat(np.arange(3), 20), imbalance_factor=4)
    assert np.random.rand() == expected


def test_digits_counts_are_the_papers_exponential_profile():
    counts = long_tail_counts(10, 130, imbalance_factor=50)
    assert counts.tolist() == [130, 84, 54, 35, 22, 14, 9, 6, 4, 2]


def test_an_impossible_imbalance_names_the_largest_possible_one():
    with pytest.raises(ValueError, match="at most 130"):
        long_tail_counts(10, 130, imbalance_factor=131)
    assert long_tail_counts(10, 130, imbalance_factor=130)[-1] == 1


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"imbalance_factor": 0.5}, "at least 1"),
        ({"imbalance_factor": float("nan")}, "at least 1"),
        ({"imbalance_factor": 2, "kind": "linear"}, '"exp" or "step"'),
        ({"imbalance_factor": 2, "max_per_class": 50}, "has 20 samples and should keep 50"),
    ],
)
def test_bad_arguments_are_named(arguments, words):
    with pytest.raises(ValueError, match=words):
        long_tail_indices(np.repeat(np.arange(3), 20), **arguments)
