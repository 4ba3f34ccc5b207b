"""What the matrices of classes claim."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from app import palette
from app.figures import angle_heatmap

TARGET = 96.38


def classes(num_classes: int) -> tuple[list[str], list[int]]:
    return [f"class {k}" for k in range(num_classes)], list(range(2 * num_classes, num_classes, -1))


def angles(num_classes: int) -> np.ndarray:
    half = np.random.default_rng(0).uniform(20, 140, (num_classes, num_classes))
    return (half + half.T) / 2


@given(arrays.arrays(np.float64, (4, 4), elements=st.floats(0, 180)), st.floats(90, 180))
def test_a_colour_means_the_same_deviation_whatever_the_angles(matrix: np.ndarray, target: float) -> None:
    between = angle_heatmap(matrix, *classes(4), target_deg=target, title=None).data[0]
    assert (between.zmin, between.zmax) == (-45, 45)
    assert tuple(map(tuple, between.colorscale)) == palette.DEVIATION
    off_diagonal = ~np.eye(4, dtype=bool)
    assert between.z[off_diagonal] == pytest.approx((matrix - target)[off_diagonal], abs=1e-4)


def test_the_hover_and_the_cells_tell_the_true_angle() -> None:
    matrix = angles(3)
    between = angle_heatmap(matrix, *classes(3), target_deg=TARGET, title=None).data[0]
    assert between.customdata[0, 2] == pytest.approx(matrix[0, 2], abs=1e-4)
    assert between.text[0][2] == f"{matrix[0, 2]:.0f}"
    assert "%{customdata:.1f}°" in between.hovertemplate


def test_the_diagonal_is_the_within_class_angle_and_never_a_deviation() -> None:
    within = np.array([11.0, 22.0, 33.0])
    between, inside = angle_heatmap(angles(3), *classes(3), target_deg=TARGET, within_deg=within, title=None).data
    assert np.isnan(np.diag(between.z)).all()
    assert np.diag(inside.z) == pytest.approx(within)
    assert np.isnan(inside.z[~np.eye(3, dtype=bool)]).all()
    assert "within-class angle" in inside.hovertemplate
    assert len({colour for _, colour in inside.colorscale}) == 1


def test_classes_stay_in_the_order_given_with_their_training_counts() -> None:
    figure = angle_heatmap(angles(3), ["frog", "ape", "bee"], [9, 5, 2], target_deg=TARGET, title=None)
    assert list(figure.data[0].y) == ["frog · n=9", "ape · n=5", "bee · n=2"]
    assert figure.layout.yaxis.autorange == "reversed"
    assert list(figure.layout.xaxis.ticktext) == ["frog", "ape", "bee"]


@pytest.mark.parametrize(("num_classes", "printed"), [(10, True), (11, False)])
def test_angles_are_printed_for_up_to_ten_classes(num_classes: int, printed: bool) -> None:
    between = angle_heatmap(angles(num_classes), *classes(num_classes), target_deg=TARGET, title=None).data[0]
    assert (between.texttemplate is not None) == printed


def test_a_hundred_classes_have_few_enough_ticks_to_read() -> None:
    figure = angle_heatmap(angles(100), *classes(100), target_deg=TARGET, title=None)
    assert len(figure.layout.yaxis.tickvals) <= 12
    assert set(figure.layout.yaxis.tickvals) <= set(figure.data[0].y)


def test_long_class_names_are_cut_on_the_axes_and_whole_in_the_hover() -> None:
    names = ["Sciurus carolinensis pennsylvanicus", "cat"]
    figure = angle_heatmap(angles(2), names, [120, 7], target_deg=TARGET, title=None)
    assert list(figure.layout.yaxis.ticktext) == ["Sciurus carolin… · n=120", "cat · n=7"]
    assert list(figure.layout.xaxis.ticktext) == ["Sciurus carolin…", "cat"]
    assert figure.data[0].y[0] == "Sciurus carolinensis pennsylvanicus · n=120"
