"""What the matrices of classes claim."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from app import palette
from app.figures import angle_heatmap, contribution_heatmap

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


def test_rows_of_contributions_are_anchors_and_the_hover_tells_the_unit() -> None:
    matrix = np.array([[0.0, 0.5], [0.25, 0.0]])
    figure = contribution_heatmap(matrix, ["head", "tail"], [9, 2], title=None, unit="share of the softmax")
    (cells,) = figure.data
    assert cells.z[0, 1] == 0.5
    assert cells.hovertemplate.startswith("anchor %{y}<br>other %{x}")
    assert "share of the softmax" in cells.hovertemplate
    assert figure.layout.yaxis.title.text.startswith("anchor class")
    assert (cells.zmin, cells.zmax) == (0, 0.5)


def test_log_contributions_are_labelled_in_their_own_unit_and_zeros_are_blank() -> None:
    matrix = np.array([[0.0, 0.1], [0.001, 10.0]])
    (cells,) = contribution_heatmap(matrix, ["head", "tail"], [9, 2], title=None, unit="share", log=True).data
    assert np.isnan(cells.z[0, 0])
    assert cells.z[1] == pytest.approx([-3, 1])
    assert cells.customdata[1, 0] == pytest.approx(0.001)
    assert list(cells.colorbar.tickvals) == [-3, -2, -1, 0, 1]
    assert list(cells.colorbar.ticktext) == ["10<sup>−3</sup>", "10<sup>−2</sup>", "10<sup>−1</sup>", "1", "10"]


@pytest.mark.parametrize("log", [False, True])
@pytest.mark.filterwarnings("error")
def test_contributions_that_are_all_zero_or_not_recorded_are_still_a_figure(log: bool) -> None:
    for value in (0.0, np.nan):
        contribution_heatmap(np.full((2, 2), value), ["head", "tail"], [9, 2], title=None, unit="share", log=log)


def test_long_class_names_are_cut_on_the_axes_and_whole_in_the_hover() -> None:
    names = ["Sciurus carolinensis pennsylvanicus", "cat"]
    figure = angle_heatmap(angles(2), names, [120, 7], target_deg=TARGET, title=None)
    assert list(figure.layout.yaxis.ticktext) == ["Sciurus carolin… · n=120", "cat · n=7"]
    assert list(figure.layout.xaxis.ticktext) == ["Sciurus carolin…", "cat"]
    assert figure.data[0].y[0] == "Sciurus carolinensis pennsylvanicus · n=120"
