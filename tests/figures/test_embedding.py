"""What pictures of the embedding claim."""

import numpy as np
import plotly.graph_objects as go
import pytest

from app import palette
from app.figures import embedding, frame

NAMES, COUNTS = ["head", "body", "tail"], [90, 30, 3]
RNG = np.random.default_rng(0)
LABELS = np.repeat([0, 1, 2], 4)
PREDICTIONS = np.array([0, 0, 0, 1, 1, 1, 1, 1, 0, 0, 0, 2])
COORDINATES = RNG.uniform(-0.7, 0.7, (12, 5)).astype(np.float32)
CENTRES = np.eye(3, 5, dtype=np.float32)


def picture(dims: int = 2, **settings: object) -> go.Figure:
    return embedding(COORDINATES, LABELS, PREDICTIONS, NAMES, COUNTS, dims=dims, title=None, **settings)


def trace(figure: go.Figure, uid: str) -> go.Scatter | go.Scatter3d:
    return next(each for each in figure.data if each.uid == frame.uid(uid))


@pytest.mark.parametrize("dims", [2, 3])
def test_each_class_is_one_trace_in_its_own_colour(dims: int) -> None:
    figure = picture(dims)
    for index, colour in enumerate(palette.class_colours(3)):
        members = trace(figure, f"class {index}")
        assert members.marker.color == colour
        assert sorted(members.x) == sorted(COORDINATES[index == LABELS, 0])
        assert members.name == f"{NAMES[index]} · n={COUNTS[index]}"


@pytest.mark.parametrize("dims", [2, 3])
def test_wrong_predictions_have_a_mark_of_their_own_and_the_hover_names_them(dims: int) -> None:
    tail = trace(picture(dims), "class 2")
    wrong = {"true tail, predicted head": 0, "true tail, predicted tail": 0}
    for x, symbol, predicted in zip(tail.x, tail.marker.symbol, tail.text, strict=True):
        original = np.flatnonzero(COORDINATES[:, 0] == x)[0]
        assert NAMES[PREDICTIONS[original]] == predicted
        assert (symbol == "circle") == (predicted == "tail")
        wrong[f"true tail, predicted {predicted}"] += 1
    assert wrong == {"true tail, predicted head": 3, "true tail, predicted tail": 1}
    assert "true tail" in tail.hovertemplate
    assert "predicted %{text}" in tail.hovertemplate


def test_the_legend_shows_a_class_with_the_mark_of_a_right_prediction() -> None:
    assert trace(picture(), "class 2").marker.symbol[0] == "circle"


def test_epochs_can_be_compared_because_ranges_and_scale_never_change() -> None:
    flat, solid = picture(2).layout, picture(3).layout
    ranges = [flat.xaxis, flat.yaxis, solid.scene.xaxis, solid.scene.yaxis, solid.scene.zaxis]
    assert {axis.range for axis in ranges} == {(-1.05, 1.05)}
    assert flat.yaxis.scaleanchor == "x"
    assert solid.scene.aspectmode == "cube"


def test_the_axes_chosen_are_the_axes_shown_and_named() -> None:
    figure = picture(3, axes=(4, 1, 2))
    assert sorted(np.concatenate([trace(figure, f"class {k}").x for k in range(3)])) == sorted(COORDINATES[:, 4])
    scene = figure.layout.scene
    assert [axis.title.text for axis in (scene.xaxis, scene.yaxis, scene.zaxis)] == [
        "component 5",
        "component 2",
        "component 3",
    ]


def test_the_view_starts_afresh_with_other_axes_only() -> None:
    assert picture(2).layout.uirevision == picture(2, means=CENTRES).layout.uirevision
    assert (
        len({picture(2).layout.uirevision, picture(3).layout.uirevision, picture(2, axes=(1, 2)).layout.uirevision})
        == 3
    )


def test_rays_run_from_the_origin_to_the_class_means() -> None:
    rays = trace(picture(3, means=CENTRES), "rays")
    path = np.stack([rays.x, rays.y, rays.z], axis=1).reshape(3, 3, 3)
    assert (path[:, 0] == 0).all()
    assert np.array_equal(path[:, 1], CENTRES[:, :3])
    assert np.isnan(path[:, 2]).all()


def test_means_prototypes_and_targets_are_drawn_where_they_are() -> None:
    figure = picture(2, means=CENTRES, prototypes=0.9 * CENTRES, targets=0.8 * CENTRES)
    for uid, length, symbol in (
        ("class means", 1, "circle"),
        ("prototypes", 0.9, "diamond"),
        ("regular simplex", 0.8, "circle-open"),
    ):
        marks = trace(figure, uid)
        assert np.allclose(np.stack([marks.x, marks.y], axis=1), length * CENTRES[:, :2])
        assert marks.marker.symbol == symbol
        assert list(marks.text) == [f"{uid}: {name}" for name in NAMES]


@pytest.mark.parametrize("dims", [2, 3])
def test_the_figure_says_that_its_angles_are_not_the_true_ones(dims: int) -> None:
    figure = picture(dims)
    assert "angles in this view are not the true ones" in figure.layout.title.text
    assert "3 classes, 4 of them wrongly classified" in figure.layout.meta["description"]


def test_a_page_s_webgl_contexts_are_spent_only_where_svg_is_too_slow() -> None:
    many = np.tile(COORDINATES, (300, 1))
    flat = embedding(many, np.tile(LABELS, 300), np.tile(LABELS, 300), NAMES, COUNTS, dims=2, title=None)
    assert trace(flat, "class 0").type == "scattergl"
    assert trace(picture(2), "class 0").type == "scatter"


def test_dimensions_other_than_two_and_three_are_refused() -> None:
    with pytest.raises(ValueError, match="dims should be 2 or 3, not 4"):
        picture(4)


def test_a_thousand_classes_are_one_trace_in_which_every_image_still_has_its_class() -> None:
    labels, counts = np.arange(1000), np.arange(1000, 0, -1)
    names = [f"class {k}" for k in labels]
    coordinates = RNG.uniform(-0.7, 0.7, (1000, 3))
    figure = embedding(coordinates, labels, labels[::-1], names, counts.tolist(), dims=3, title=None)
    images = trace(figure, "images")
    assert len(figure.data) == 2
    assert list(images.marker.color) == palette.colours_of(counts.tolist())
    assert (images.customdata[7], images.text[7]) == ("class 7 · n=993", "class 992")
