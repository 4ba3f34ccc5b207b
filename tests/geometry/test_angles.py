import json
import subprocess
import sys

import numpy as np
import pytest

from bcl_core.geometry import (
    angles_to_means,
    class_means,
    cross_angles,
    pairwise_angles,
    rms_angle_difference,
    simplex_angle,
    simplex_frame,
    simplex_metrics,
)

DIGITS_LT = [130, 84, 54, 35, 22, 14, 9, 6, 4, 2]
PAIR_METRICS = ("angle_mean", "angle_std", "angle_rms_deviation", "angle_min", "centred_angle_mean")


def test_the_geometry_imports_nothing_heavy():
    code = "import sys, bcl_core.geometry; print({'torch', 'scipy', 'sklearn', 'pandas'} & set(sys.modules))"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True).stdout.strip() == "set()"


@pytest.mark.parametrize(("num_classes", "angle"), [(2, 180), (3, 120), (4, 109.47), (10, 96.38), (100, 90.58)])
def test_simplex_angle_has_its_known_values(num_classes, angle):
    assert simplex_angle(num_classes) == pytest.approx(angle, abs=5e-3)


@pytest.mark.parametrize("num_classes", [2, 3, 4, 9, 10, 101])
def test_simplex_frame_is_a_regular_simplex_in_an_orthogonal_basis(num_classes):
    frame = simplex_frame(num_classes)
    cosines = np.full((num_classes, num_classes), -1 / (num_classes - 1))
    np.fill_diagonal(cosines, 1)
    np.testing.assert_allclose(frame @ frame.T, cosines, atol=1e-12)
    np.testing.assert_allclose(frame.T @ frame, np.eye(num_classes - 1) * num_classes / (num_classes - 1), atol=1e-12)


def test_the_first_two_coordinates_of_the_simplex_frame_are_a_regular_polygon():
    polygon = simplex_frame(10, dims=2)
    np.testing.assert_array_equal(polygon, simplex_frame(10)[:, :2])
    steps = np.linalg.norm(polygon - np.roll(polygon, 1, axis=0), axis=1)
    np.testing.assert_allclose(steps, steps[0])


def test_a_regular_simplex_of_any_size_and_orientation_has_no_deviation(rotation):
    metrics = simplex_metrics(3.7 * np.pad(simplex_frame(10), ((0, 0), (0, 7))) @ rotation, DIGITS_LT)
    for name in ("angle_mean", "angle_min", "angle_head_head", "angle_head_tail", "angle_tail_tail"):
        assert metrics[name] == pytest.approx(simplex_angle(10))
    assert metrics["angle_std"] == pytest.approx(0, abs=1e-9)
    assert metrics["angle_rms_deviation"] == pytest.approx(0, abs=1e-9)
    assert metrics["global_mean_norm"] == pytest.approx(0, abs=1e-12)


def test_centring_makes_a_simplex_out_of_an_orthogonal_frame():
    metrics = simplex_metrics(np.eye(10, 16))
    assert metrics["angle_mean"] == pytest.approx(90)
    assert metrics["angle_rms_deviation"] == pytest.approx(simplex_angle(10) - 90)
    assert metrics["centred_angle_mean"] == pytest.approx(simplex_angle(10))
    assert metrics["centred_angle_std"] == pytest.approx(0, abs=1e-9)
    assert metrics["global_mean_norm"] == pytest.approx(1 / np.sqrt(10))
    np.testing.assert_allclose(pairwise_angles(np.eye(10), centred=True)[0, 1:], simplex_angle(10))


def test_a_collapsed_tail_shows_in_the_tail_alone():
    means = np.eye(10)
    means[7:] = means[9]
    metrics = simplex_metrics(means, DIGITS_LT)
    assert metrics["angle_tail_tail"] == metrics["angle_min"] == pytest.approx(0, abs=1e-5)
    assert metrics["angle_head_head"] == metrics["angle_head_tail"] == pytest.approx(90)


def test_the_mean_angle_is_the_mean_of_angles_not_the_angle_of_the_mean_cosine():
    means = np.array([[1, 0, 0], [np.cos(0.1), np.sin(0.1), 0], [0, 0, 1]])
    angles = np.degrees([0.1, np.pi / 2, np.pi / 2])
    assert simplex_metrics(means)["angle_mean"] == pytest.approx(angles.mean())
    assert simplex_metrics(means)["angle_std"] == pytest.approx(angles.std())


def test_metrics_do_not_change_when_space_is_rotated_or_classes_are_relabelled(rng, rotation):
    means, order = rng.normal(size=(10, 16)), rng.permutation(10)
    plain = simplex_metrics(means, DIGITS_LT)
    for changed, counts in ((means @ rotation, DIGITS_LT), (means[order], np.array(DIGITS_LT)[order])):
        assert simplex_metrics(changed, counts) == pytest.approx(plain)


def test_pairwise_angles_match_a_plain_loop(rng):
    means = rng.normal(size=(6, 4))
    angles = pairwise_angles(means)
    for i in range(6):
        for j in range(6):
            cosine = means[i] @ means[j] / np.sqrt((means[i] @ means[i]) * (means[j] @ means[j]))
            assert angles[i, j] == pytest.approx(np.degrees(np.arccos(min(cosine, 1))), abs=1e-5)


def test_group_angles_are_none_without_counts_and_within_a_group_of_one_class():
    assert simplex_metrics(np.eye(4))["angle_head_tail"] is None
    metrics = simplex_metrics(np.eye(4), [9, 5, 3, 1])
    assert metrics["angle_head_head"] is None
    assert metrics["angle_tail_tail"] is None
    assert metrics["angle_head_tail"] == pytest.approx(90)


@pytest.mark.parametrize("missing", [0.0, np.nan])
def test_a_class_without_a_direction_is_left_out_and_counted(missing):
    means = np.eye(10)
    means[9] = missing
    metrics = simplex_metrics(means, DIGITS_LT)
    assert metrics["classes_measured"] == 9
    assert metrics["angle_mean"] == metrics["angle_tail_tail"] == pytest.approx(90)
    assert np.isnan(pairwise_angles(means)[9]).all()


def test_a_collapsed_run_is_measured_without_nan():
    same = simplex_metrics(np.ones((10, 3)) / 3, DIGITS_LT)
    assert same["angle_mean"] == pytest.approx(0, abs=1e-5)
    assert same["centred_angle_mean"] is same["centred_angle_std"] is None
    nothing = simplex_metrics(np.zeros((10, 3)), DIGITS_LT)
    assert all(nothing[name] is None for name in PAIR_METRICS)
    assert json.loads(json.dumps([same, nothing], allow_nan=False)) == [same, nothing]


def test_class_means_are_nan_for_a_class_without_samples():
    means = class_means([[1.0, 3.0], [3.0, 5.0], [7.0, 7.0]], [0, 0, 2], 3)
    np.testing.assert_array_equal(means, [[2, 4], [np.nan, np.nan], [7, 7]])


def test_within_class_angles_and_margins_have_their_values_on_paper():
    spread = np.radians(20)
    around = [[np.cos(spread), np.sin(spread)], [np.cos(spread), -np.sin(spread)]]
    features = [*around, [0.0, 1.0], [0.0, 2.0]]
    found = angles_to_means(features, [0, 0, 1, 1], 3)
    np.testing.assert_allclose(found.within_class, [20, 0, np.nan], atol=1e-6)
    # class 0: the samples are 20° from their mean, and 70° and 110° from the other
    np.testing.assert_allclose(found.margin, [(50 + 90) / 2, 90, np.nan], atol=1e-6)


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_angles_to_means_match_a_plain_loop_over_many_blocks(rng, dtype):
    """Of float32 too, to six digits: near collapse, where a cosine of float32 would tell 0.01° from nothing."""
    labels = rng.integers(0, 4, size=1100)
    features = (np.eye(4, 5)[labels] + 1e-3 * rng.normal(size=(1100, 5))).astype(dtype)
    units = features.astype(np.float64) / np.linalg.norm(features.astype(np.float64), axis=1, keepdims=True)
    means = np.array([features[labels == c].astype(np.float64).mean(axis=0) for c in range(4)])
    directions = means / np.linalg.norm(means, axis=1, keepdims=True)
    own, margin = [[], [], [], []], [[], [], [], []]
    for unit, label in zip(units, labels, strict=True):
        angles = [np.degrees(np.arccos(unit @ direction)) for direction in directions]
        own[label].append(angles[label])
        margin[label].append(min(angles[:label] + angles[label + 1 :]) - angles[label])
    for known in (None, means):
        found = angles_to_means(features, labels, 4, known)
        np.testing.assert_allclose(found.within_class, [np.mean(values) for values in own], rtol=1e-6)
        np.testing.assert_allclose(found.margin, [np.mean(values) for values in margin], rtol=1e-6)


def test_a_margin_does_not_exist_without_another_class():
    assert np.isnan(angles_to_means([[1.0, 0.0]], [0], 2).margin).all()


def test_cross_angles_compare_matching_rows():
    angles = cross_angles([[1.0, 0.0], [0.0, 2.0], [1.0, 1.0]], [[3.0, 0.0], [1.0, 1.0], [0.0, 0.0]])
    np.testing.assert_allclose(angles, [0, 45, np.nan], atol=1e-6)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: simplex_angle(1), "num_classes is 1"),
        (lambda: simplex_frame(4, dims=4), "dims is 4"),
        (lambda: pairwise_angles(np.zeros(3)), r"means has shape \(3,\)"),
        (lambda: simplex_metrics(np.eye(1)), r"means has shape \(1, 1\)"),
        (lambda: simplex_metrics(np.eye(3), [1, 2]), "class_counts has 2 entries; expected 3"),
        (lambda: simplex_metrics(np.eye(3), [1, 2, 0]), "class_counts is"),
        (lambda: cross_angles(np.eye(3), np.eye(2)), r"b has shape \(2, 2\)"),
        (lambda: class_means(np.eye(3), [0, 1], 2), r"labels has shape \(2,\)"),
        (lambda: class_means(np.eye(3), [0, 1, 2], 2), "labels run from 0 to 2; expected 0 to 1"),
        (lambda: class_means(np.eye(3), [0.0, 1.0, 1.0], 2), "labels has dtype float64"),
        (lambda: angles_to_means(np.full((2, 2), np.inf), [0, 1], 2), "features holds 4 values that are not finite"),
        (lambda: angles_to_means(np.eye(2), [0, 1], 2, np.eye(3)), r"means has shape \(3, 3\); expected \(2, 2\)"),
    ],
)
def test_wrong_input_is_named(call, message):
    with pytest.raises(ValueError, match=message):
        call()


def test_the_difference_of_angles_is_zero_for_a_rotated_copy_and_known_for_two_shapes():
    simplex = simplex_frame(4)
    rotation = np.linalg.qr(np.random.default_rng(0).normal(size=(3, 3)))[0]
    assert rms_angle_difference(simplex, simplex @ rotation) == pytest.approx(0, abs=1e-5)
    assert rms_angle_difference(np.eye(4), simplex) == pytest.approx(simplex_angle(4) - 90)
    with pytest.raises(ValueError, match="target_means has 3 rows; expected 4"):
        rms_angle_difference(np.eye(4), np.eye(3))
