import numpy as np
import pytest

from bcl_core.geometry import (
    aligned_coordinates,
    class_means,
    neighbours_preserved,
    quantise,
    simplex_frame,
    split_halves,
    variance_kept,
)
from bcl_core.geometry.alignment import QUANTISATION_SCALE


def unit(values):
    return values / np.linalg.norm(values, axis=-1, keepdims=True)


def blobs(rng, num_classes=10, dim=16, per_class=20, spread=0.1):
    centres = unit(rng.normal(size=(num_classes, dim)))
    labels = np.repeat(np.arange(num_classes), per_class)
    return unit(centres[labels] + spread * rng.normal(size=(len(labels), dim))), labels


def nearest_mean_accuracy(points, labels, means):
    distances = ((points[:, None] - means) ** 2).sum(axis=2)
    return np.mean(distances.argmin(axis=1) == labels)


def test_a_turned_simplex_is_turned_back_onto_the_fixed_one(rotation):
    means = np.pad(simplex_frame(10), ((0, 0), (0, 7))) @ rotation
    aligned = aligned_coordinates(means, means)
    np.testing.assert_allclose(aligned.coordinates[:, :9], simplex_frame(10), atol=1e-12)
    np.testing.assert_allclose(aligned.coordinates, means @ aligned.frame)


def test_the_picture_does_not_depend_on_how_space_is_turned(rng, rotation):
    features, labels = blobs(rng)
    means = class_means(features, labels, 10)
    plain = aligned_coordinates(features, means)
    turned = aligned_coordinates(features @ rotation, means @ rotation)
    np.testing.assert_allclose(turned.coordinates, plain.coordinates, atol=1e-10)


def test_the_frame_is_orthonormal_and_its_simplex_part_is_the_best_rotation(rng):
    features, labels = blobs(rng)
    means = class_means(features, labels, 10)
    frame = aligned_coordinates(features, means).frame
    np.testing.assert_allclose(frame.T @ frame, np.eye(10), atol=1e-12)
    target = simplex_frame(10)
    best = np.sum(means @ frame[:, :9] * target)
    for _ in range(50):
        other = np.linalg.qr(frame[:, :9] + 0.1 * rng.normal(size=(16, 9)))[0]
        assert np.sum(means @ other * target) < best


def test_a_small_change_of_the_means_moves_the_picture_a_little(rng):
    features, labels = blobs(rng)
    means = class_means(features, labels, 10)
    before = aligned_coordinates(features, means).coordinates
    nudge = rng.normal(size=means.shape)
    for size in (1e-3, 1e-5):
        after = aligned_coordinates(features, means + size * nudge).coordinates
        assert np.abs(after - before).max() < 100 * size


@pytest.mark.parametrize("offset", [-1, 1])
def test_the_last_coordinate_points_to_the_side_of_the_global_mean(rng, offset):
    features, labels = blobs(rng)
    features += offset
    aligned = aligned_coordinates(features, class_means(features, labels, 10))
    assert aligned.coordinates[:, -1].mean() > 0
    residual = features - features @ aligned.frame[:, :9] @ aligned.frame[:, :9].T
    largest = np.linalg.svd(residual, compute_uv=False)[0]
    assert np.linalg.norm(aligned.coordinates[:, -1]) == pytest.approx(largest)


def test_a_space_with_fewer_dimensions_than_the_simplex_is_drawn_whole(rng):
    features, labels = blobs(rng, dim=4)
    aligned = aligned_coordinates(features, class_means(features, labels, 10))
    np.testing.assert_allclose(np.linalg.norm(aligned.coordinates, axis=1), 1)
    np.testing.assert_array_equal(aligned.frame[:, -1], 0)
    assert variance_kept(features, aligned.coordinates) == pytest.approx(1)


@pytest.mark.parametrize("merged", [2, 6, 10])
def test_merged_class_means_are_drawn_merged_without_nan(rng, merged):
    features, labels = blobs(rng)
    means = class_means(features, labels, 10)
    means[:merged] = means[0]
    aligned = aligned_coordinates(features, means)
    drawn = means @ aligned.frame
    assert np.isfinite(aligned.coordinates).all()
    np.testing.assert_allclose(drawn[:merged], np.tile(drawn[0], (merged, 1)), atol=1e-12)
    np.testing.assert_array_equal(aligned.frame, aligned_coordinates(features, means).frame)
    assert np.linalg.norm(aligned.coordinates, axis=1).max() <= 1 + 1e-12


def test_features_in_one_point_are_drawn_without_nan():
    aligned = aligned_coordinates(np.ones((20, 8)) / np.sqrt(8), np.ones((5, 8)) / np.sqrt(8))
    np.testing.assert_allclose(aligned.coordinates, np.tile([0, 0, 0, 0, 1], (20, 1)), atol=1e-12)


def test_a_class_that_the_fitting_half_lacks_is_left_out_of_the_fit(rng):
    features, labels = blobs(rng, num_classes=5)
    means = class_means(features, labels, 5)
    means[2] = np.nan
    frame = aligned_coordinates(features, means).frame
    assert np.isfinite(frame).all()
    moved = aligned_coordinates(features, means + rng.normal(size=16)).frame
    np.testing.assert_allclose(moved[:, :4], frame[:, :4], atol=1e-10)


def test_a_hundred_classes_are_drawn_in_ten_dimensions(rng):
    features, labels = blobs(rng, num_classes=100, dim=128, per_class=5)
    aligned = aligned_coordinates(features, class_means(features, labels, 100))
    assert aligned.coordinates.shape == (500, 10)
    np.testing.assert_allclose(aligned.frame.T @ aligned.frame, np.eye(10), atol=1e-12)


def test_noise_looks_like_clusters_on_the_half_that_fits_the_frame_and_not_on_the_other(rng):
    labels = np.repeat(np.arange(10), 10)
    noise = unit(rng.normal(size=(100, 128)))
    fits = split_halves(labels, seed=0)
    fit_means = class_means(noise[fits], labels[fits], 10)
    frame = aligned_coordinates(noise[fits], fit_means).frame
    drawn_means = fit_means @ frame
    assert nearest_mean_accuracy(noise[fits] @ frame, labels[fits], drawn_means) > 0.9
    assert nearest_mean_accuracy(noise[~fits] @ frame, labels[~fits], drawn_means) < 0.3


def test_halves_are_stratified_and_fit_every_class():
    labels = np.repeat([0, 1, 2, 3], [10, 7, 2, 1])
    fits = split_halves(labels, seed=3)
    assert np.bincount(labels[fits]).tolist() == [5, 4, 1, 1]
    np.testing.assert_array_equal(fits, split_halves(labels, seed=3))
    assert (fits != split_halves(labels, seed=4)).any()


def test_quantised_coordinates_come_back_within_half_a_step(rng):
    points = unit(rng.normal(size=(50, 4)))
    stored = quantise(points)
    assert stored.dtype == np.int16
    assert np.abs(stored / QUANTISATION_SCALE - points).max() <= 0.5 / 32767 + 1e-12
    assert (quantise([-1.0, 0.0, 1.0]) / QUANTISATION_SCALE).tolist() == [-1, 0, 1]
    assert (quantise([1.004]) / QUANTISATION_SCALE).tolist() == [1]


def test_variance_kept_is_a_share(rng):
    features = rng.normal(size=(5000, 4)) * [4, 2, 1, 1]
    assert variance_kept(features, features[:, :2]) == pytest.approx(20 / 22, abs=0.01)
    assert variance_kept(features, features + 5) == pytest.approx(1)
    assert variance_kept(np.ones((5, 3)), np.ones((5, 2))) is None


def test_neighbours_preserved_matches_a_plain_loop_over_many_blocks(rng):
    features = rng.normal(size=(600, 5))
    coordinates = features[:, ::-1]

    def nearest(points, i):
        distances = np.linalg.norm(points - points[i], axis=1)
        distances[i] = np.inf
        return set(np.argsort(distances)[:5])

    shares = [len(nearest(features, i) & nearest(coordinates[:, :2], i)) / 5 for i in range(600)]
    assert neighbours_preserved(features, coordinates, [2, 5]) == pytest.approx((np.mean(shares), 1))
    assert neighbours_preserved(features, coordinates, [5], k=3) == (1,)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: aligned_coordinates(np.eye(3), np.eye(3, 4)), r"fit_means has shape \(3, 4\)"),
        (lambda: aligned_coordinates(np.eye(3), np.full((3, 3), np.nan)), "fit_means holds no row"),
        (lambda: split_halves([[0, 1]], 0), r"labels has shape \(1, 2\)"),
        (lambda: quantise([1.5]), "coordinates reach 1.5"),
        (lambda: quantise([np.nan]), "coordinates reach nan"),
        (lambda: variance_kept(np.eye(3), np.eye(2)), "coordinates has 2 rows; expected 3"),
        (lambda: neighbours_preserved(np.eye(3), np.eye(3), dims=[2, 4], k=1), "dims is 4"),
        (lambda: neighbours_preserved(np.eye(3), np.eye(3), dims=[1], k=3), "k is 3"),
    ],
)
def test_wrong_input_is_named(call, message):
    with pytest.raises(ValueError, match=message):
        call()
