import json

import numpy as np
import pytest

from bcl_core.geometry import class_means, collapse_metrics, simplex_frame

DISTANCES = ("nc1", "nc1_sample_weighted", "cdnv", "nc2_equinorm", "nc2_equiangularity", "nc2_simplex", "nc3", "nc4")


def samples_around(means, spread, rng, per_class=20):
    """`per_class` samples a class whose mean is exactly the class mean."""
    noise = rng.normal(size=(len(means), per_class, means.shape[1])) * spread
    noise -= noise.mean(axis=1, keepdims=True)
    return (means[:, None] + noise).reshape(-1, means.shape[1]), np.repeat(np.arange(len(means)), per_class)


def test_a_collapsed_regular_simplex_with_its_own_classifier_scores_zero_everywhere():
    means = 2.5 * np.pad(simplex_frame(6), ((0, 0), (0, 3))) + 0.7
    metrics = collapse_metrics(np.repeat(means, 3, axis=0), np.repeat(np.arange(6), 3), means - means.mean(axis=0))
    for name in DISTANCES:
        assert metrics[name] == pytest.approx(0, abs=1e-9), name
    assert metrics["minority_collapse"] is None


def test_an_orthogonal_frame_is_one_and_its_centred_means_are_a_simplex():
    metrics = collapse_metrics(np.eye(5), np.arange(5))
    assert metrics["orthogonal_frame"] == pytest.approx(0, abs=1e-12)
    assert metrics["nc2_simplex"] == pytest.approx(0, abs=1e-12)
    simplex = collapse_metrics(simplex_frame(5), np.arange(5))
    # ⟨I − 11ᵀ/K, I⟩ / (√(K−1) √K) = √((K−1)/K)
    assert simplex["orthogonal_frame"] == pytest.approx(np.sqrt(2 - 2 * np.sqrt(4 / 5)))


def test_variability_matches_the_textbook_matrices(rng):
    features, labels = rng.normal(size=(40, 6)), np.repeat([0, 1, 2], [20, 15, 5])
    means = np.array([features[labels == c].mean(axis=0) for c in range(3)])
    covariances = [np.cov(features[labels == c].T, bias=True) for c in range(3)]
    between = np.cov(means.T, bias=True)
    inverse = np.linalg.pinv(between, rcond=1e-10)
    metrics = collapse_metrics(features, labels)
    assert metrics["nc1"] == pytest.approx(np.trace(np.mean(covariances, axis=0) @ inverse) / 3)
    pooled = np.average(covariances, axis=0, weights=[20, 15, 5])
    assert metrics["nc1_sample_weighted"] == pytest.approx(np.trace(pooled @ inverse) / 3)
    traces = [np.trace(covariance) for covariance in covariances]
    pairs = [(0, 1), (0, 2), (1, 2)]
    cdnv = [(traces[i] + traces[j]) / (2 * np.sum((means[i] - means[j]) ** 2)) for i, j in pairs]
    assert metrics["cdnv"] == pytest.approx(np.mean(cdnv))


def slow_metrics(features, labels, predictions, classifier):
    """By the formulas, with nothing shared, in float64."""
    features, K = features.astype(np.float64), len(classifier)
    means = np.array([features[labels == c].mean(axis=0) for c in range(K)])
    centred = means - means.mean(axis=0)
    within = np.mean([np.cov(features[labels == c].T, bias=True) for c in range(K)], axis=0)
    _, singular, directions = np.linalg.svd(centred)
    axes = directions[: min(K - 1, features.shape[1])] / singular[: min(K - 1, features.shape[1]), None]
    units = centred / np.linalg.norm(centred, axis=1, keepdims=True)
    above = np.triu_indices(K, 1)
    gram, plain = centred @ centred.T, means @ means.T
    nearest = [((means - x) ** 2).sum(axis=1).argmin() for x in features]
    return {
        "nc1": np.trace(axes @ within @ axes.T),
        "nc2_equiangularity": np.abs((units @ units.T)[above] + 1 / (K - 1)).mean(),
        "nc2_simplex": np.linalg.norm(gram / np.linalg.norm(gram) - (np.eye(K) - np.ones((K, K)) / K) / np.sqrt(K - 1)),
        "nc3": np.linalg.norm(classifier / np.linalg.norm(classifier) - centred / np.linalg.norm(centred)) ** 2,
        "nc4": np.mean(np.array(nearest) != predictions),
        "orthogonal_frame": np.linalg.norm(plain / np.linalg.norm(plain) - np.eye(K) / np.sqrt(K)),
    }


@pytest.mark.parametrize("scales", [(1.0, 0.1), (1.0, 1e-6)], ids=["even", "nearly flat"])
@pytest.mark.parametrize(("num_classes", "dim"), [(8, 20), (20, 8), (520, 8)])
def test_metrics_of_float32_match_the_formulas_to_six_digits(rng, num_classes, dim, scales):
    """With fewer classes than dimensions and with more, many blocks of them, and where a direction hardly counts."""
    labels = np.repeat(np.arange(num_classes), 3)
    features = rng.normal(size=(num_classes, dim))[labels] + rng.normal(size=(len(labels), dim))
    features = (features * np.geomspace(*scales, dim) + 1).astype(np.float32)  # a ReLU leaves a common part
    predictions, classifier = rng.integers(0, num_classes, len(labels)), rng.normal(size=(num_classes, dim))
    means = class_means(features, labels, num_classes)
    slow = slow_metrics(features, labels, predictions, classifier)
    for known in (None, means):
        found = collapse_metrics(features, labels, classifier, predictions=predictions, means=known)
        for name, expected in slow.items():
            assert found[name] == pytest.approx(expected, rel=1e-6), name


def test_samples_between_two_means_have_the_nearest_one_of_float64():
    """At these distances float32 rounds a millionth of a difference away."""
    means = np.array([[100.0, 0], [100, 1], [100, 2]])
    shifts = np.linspace(-3e-6, 3e-6, 41)
    features = np.concatenate([np.column_stack([np.full(41, 100.0), 0.5 + shifts]), means])
    labels = np.concatenate([np.zeros(41, int), [0, 1, 2]])
    predictions = np.concatenate([(shifts > 0).astype(int), [0, 1, 2]])
    narrow = features.astype(np.float32)
    exact = np.array([np.argmin(((x - means) ** 2).sum(axis=1)) for x in narrow.astype(np.float64)])
    assert collapse_metrics(narrow, labels, predictions=exact, means=means)["nc4"] == 0
    assert collapse_metrics(features, labels, predictions=predictions, means=means)["nc4"] <= 1 / 44


def test_nc1_weighs_classes_alike_however_many_samples_they_have(rng):
    features, labels = samples_around(simplex_frame(4), 0.1, rng)
    repeated = np.concatenate([features, *[features[labels == 0]] * 4]), np.concatenate([labels, [0] * 80])
    once, more = collapse_metrics(features, labels), collapse_metrics(*repeated)
    assert more["nc1"] == pytest.approx(once["nc1"])
    assert more["nc1_sample_weighted"] != pytest.approx(once["nc1_sample_weighted"], rel=1e-3)
    assert once["nc1_sample_weighted"] == pytest.approx(once["nc1"])


def test_nc2_sees_unequal_lengths_and_unequal_angles_apart():
    square = np.array([[1.0, 0], [0, 1], [-1, 0], [0, -1]])
    stretched = square * [3, 1]
    metrics = collapse_metrics(stretched, np.arange(4))
    assert metrics["nc2_equinorm"] == pytest.approx(1 / 2)
    # four pairs at cosine 0, two at cosine −1, and the simplex has −1/3
    assert metrics["nc2_equiangularity"] == pytest.approx((4 * 1 / 3 + 2 * 2 / 3) / 6)
    assert collapse_metrics(square, np.arange(4))["nc2_equinorm"] == pytest.approx(0)


def test_two_merged_classes_have_no_cdnv_but_a_known_simplex_distance():
    means = np.array([[1.0, 0], [-1, 0], [-1, 0]])
    metrics = collapse_metrics(means, np.arange(3))
    assert metrics["cdnv"] is None
    # G has rank one, and ⟨uuᵀ, I − 11ᵀ/3⟩ = 1 for a unit vector u that sums to zero
    assert metrics["nc2_simplex"] == pytest.approx(np.sqrt(2 - 2 / np.sqrt(2)))


def test_nc3_runs_from_aligned_to_opposed():
    means = simplex_frame(4)
    assert collapse_metrics(means, np.arange(4), 7 * means)["nc3"] == pytest.approx(0, abs=1e-12)
    assert collapse_metrics(means, np.arange(4), -means)["nc3"] == pytest.approx(4)
    # swapping two rows leaves the rest: ⟨W, M⟩ = (2 + 2·(−1/3)) / 4 after normalisation
    assert collapse_metrics(means, np.arange(4), means[[1, 0, 2, 3]])["nc3"] == pytest.approx(2 - 2 * (4 / 3) / 4)


def test_nc4_is_the_share_of_samples_on_which_the_classifier_leaves_the_nearest_mean():
    features = np.array([[2.0, 0.1], [2.0, -0.1], [0.1, 2.0], [-0.1, 2.0]])
    labels = np.array([0, 0, 1, 1])
    assert collapse_metrics(features, labels, np.eye(2))["nc4"] == 0
    assert collapse_metrics(features, labels, np.array([[1.0, 0], [0.95, 2]]))["nc4"] == 0.25


def test_nc4_is_of_the_predictions_where_they_are_known():
    """A bias may decide what no weight tells."""
    features, labels, away = np.eye(4), np.arange(4), np.array([1, 1, 2, 3])
    assert collapse_metrics(features, labels, np.eye(4))["nc4"] == 0
    assert collapse_metrics(features, labels, np.eye(4), predictions=away)["nc4"] == 0.25
    assert collapse_metrics(features, labels, predictions=away)["nc4"] == 0.25


def test_minority_collapse_is_the_cosine_of_the_tails_classifiers():
    classifier = np.eye(10)
    counts = np.arange(10, 0, -1)
    apart = collapse_metrics(np.eye(10), np.arange(10), classifier, counts)
    assert apart["minority_collapse"] == pytest.approx(0)
    classifier[7:] = [2.0 * (column == 9) for column in range(10)]
    merged = collapse_metrics(np.eye(10), np.arange(10), classifier, counts)
    assert merged["minority_collapse"] == pytest.approx(1)
    assert collapse_metrics(np.eye(4), np.arange(4), np.eye(4), [4, 3, 2, 1])["minority_collapse"] is None


def test_metrics_do_not_change_when_space_is_rotated_or_classes_are_relabelled(rng, rotation):
    features, labels = rng.normal(size=(100, 16)), np.arange(100) % 10
    classifier, counts, order = rng.normal(size=(10, 16)), np.arange(10, 0, -1), rng.permutation(10)
    plain = collapse_metrics(features, labels, classifier, counts)
    assert collapse_metrics(features @ rotation, labels, classifier @ rotation, counts) == pytest.approx(plain)
    relabelled = collapse_metrics(features, np.argsort(order)[labels], classifier[order], counts[order])
    assert relabelled == pytest.approx(plain)


def test_classes_without_samples_are_left_out():
    means = simplex_frame(4)
    metrics = collapse_metrics(means[[0, 2, 3]], [0, 2, 3], means)
    three = collapse_metrics(means[[0, 2, 3]], [0, 1, 2], means[[0, 2, 3]])
    for name in ("nc1", "nc2_simplex", "nc3", "nc4"):
        assert metrics[name] == pytest.approx(three[name])


@pytest.mark.parametrize("point", [0.0, 1 / 3])
def test_fully_collapsed_features_give_none_not_nan(point):
    metrics = collapse_metrics(np.full((6, 5), point), np.arange(6) // 2, np.eye(3, 5))
    assert metrics["nc1"] is metrics["cdnv"] is metrics["nc2_equinorm"] is metrics["nc2_simplex"] is None
    assert metrics["nc2_equiangularity"] is metrics["nc3"] is None
    assert json.loads(json.dumps(metrics, allow_nan=False)) == metrics


def test_without_a_classifier_its_metrics_are_none():
    metrics = collapse_metrics(np.eye(3), np.arange(3), class_counts=[3, 2, 1])
    assert metrics["nc3"] is metrics["nc4"] is metrics["minority_collapse"] is None


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: collapse_metrics(np.eye(3), [0, 1, 2], np.eye(2, 3)), "labels run from 0 to 2"),
        (lambda: collapse_metrics(np.eye(3), [0, 1, 2], np.eye(3, 4)), r"classifier has shape \(3, 4\)"),
        (lambda: collapse_metrics(np.eye(3), [1, 1, 1]), "labels name 1 class"),
        (lambda: collapse_metrics(np.eye(3) * np.nan, [0, 1, 2]), "features holds 9 values"),
    ],
)
def test_wrong_input_is_named(call, message):
    with pytest.raises(ValueError, match=message):
        call()
