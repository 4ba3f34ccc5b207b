"""What lines over epochs claim."""

import numpy as np
import plotly.graph_objects as go
import pytest

from app import palette
from app.figures import Formation, Series, curves, formation, frame

EPOCHS = np.arange(5)


def series(label: str, loss: str = "bcl", level: float = 1.0) -> Series:
    return Series(label, loss, EPOCHS, level + 0.1 * EPOCHS)


def trace(figure: go.Figure, uid: str) -> go.Scatter:
    return next(each for each in figure.data if each.uid == frame.uid(uid))


def test_epochs_are_whole_numbers_from_0_to_the_planned_end() -> None:
    axis = curves([series("A")], y_title="loss", epochs=60).layout.xaxis
    assert (axis.autorangeoptions.minallowed, axis.autorangeoptions.maxallowed) == (0, 60)
    assert axis.tickformat == "d"
    assert curves([series("A")], y_title="loss").layout.xaxis.dtick == 1


def test_ranges_are_left_to_plotly_so_that_a_zoom_outlives_the_next_epoch() -> None:
    for figure in (curves([series("A")], y_title="loss"), formation([], regular_deg=96.4)):
        assert figure.layout.xaxis.range is None
        assert figure.layout.yaxis.range is None


def test_a_loss_has_one_colour_and_dash_in_every_figure() -> None:
    run = Formation("A", "scl", EPOCHS, 50 + EPOCHS, 90 + EPOCHS, predicted=79.3)
    colours = {
        each.line.color
        for figure in (curves([series("A", "scl")], y_title="loss"), formation([run], regular_deg=96.4))
        for each in figure.data
        if each.mode != "text"
    }
    assert colours == {palette.loss_style("scl").colour}
    assert trace(curves([series("A", "scl")], y_title="loss"), "A-2.5").line.dash == palette.loss_style("scl").dash


@pytest.mark.parametrize("log_y", [False, True])
def test_labels_at_the_ends_do_not_overlap_and_keep_their_lines_order(log_y: bool) -> None:
    lines = [
        series(label, level=level) for label, level in (("low", 1.0), ("high", 3.0), ("mid", 1.001), ("up", 1.002))
    ]
    figure = curves(lines, y_title="loss", log_y=log_y)
    written = {each.text[0].strip(): each.y[0] for each in figure.data if each.mode == "text"}
    scale = np.log10 if log_y else np.asarray
    ends = np.sort(scale(list(written.values())))
    shown = scale(np.concatenate([line.y for line in lines]))
    assert sorted(written, key=written.get) == ["low", "mid", "up", "high"]
    assert np.diff(ends).min() >= 0.069 * (shown.max() - shown.min())


def test_a_label_stands_at_its_line_s_end_where_there_is_room() -> None:
    figure = curves([series("A", level=1), series("B", level=9)], y_title="loss")
    assert trace(figure, "A-name").y[0] == pytest.approx(series("A", level=1).y[-1])
    assert trace(figure, "A-name").x[0] == EPOCHS[-1]


def test_tail_is_bold_and_head_is_thin() -> None:
    run = Formation("A", "bcl", EPOCHS, np.full(5, 60.0), np.full(5, 95.0))
    widths = {
        float(each.y[0]): each.line.width for each in formation([run], regular_deg=96.4).data if each.mode != "text"
    }
    assert widths[60.0] > 2 * widths[95.0]


def test_the_regular_simplex_and_the_predicted_optimum_are_drawn_where_they_are() -> None:
    run = Formation("A", "bcl", EPOCHS, 60 + EPOCHS, 90 + EPOCHS, predicted=73.5)
    figure = formation([run], regular_deg=96.38, epochs=60)
    (simplex,) = figure.layout.shapes
    assert (simplex.y0, simplex.y1) == (96.38, 96.38)
    assert trace(figure, "regular simplex 96.4°-name").y[0] == 96.38
    predicted = trace(figure, "A-predicted")
    assert set(predicted.y) == {np.float32(73.5)}
    assert (predicted.x[0], predicted.x[-1]) == (0, 60)
    assert "°" in figure.layout.yaxis.title.text


def test_targets_are_named_lines() -> None:
    figure = curves([series("A")], y_title="loss", targets={"lower bound": 0.2})
    assert [shape.y0 for shape in figure.layout.shapes] == [0.2]
    assert trace(figure, "lower bound-name").text[0].strip() == "lower bound"


def test_a_band_encloses_its_line() -> None:
    line = Series("A", "bcl", EPOCHS, np.ones(5), (np.zeros(5), np.full(5, 2.0)))
    band = trace(curves([line], y_title="loss"), "A-band")
    assert (band.y.min(), band.y.max()) == (0, 2)
    assert band.fill == "toself"


def test_an_epoch_without_a_value_is_a_gap_and_the_label_stands_at_the_last_value() -> None:
    y = np.array([0.1, 0.2, np.nan, 0.4, np.nan])
    figure = curves([Series("A", "bcl", EPOCHS, y)], y_title="test accuracy", percent=True)
    assert trace(figure, "A-name").x[0] == 3
    assert np.isnan(trace(figure, "A-2.5").y[2])
    assert "A 40.0%" in figure.layout.meta["description"]


def test_a_run_without_epochs_yet_is_an_empty_figure_with_axes() -> None:
    empty = np.array([])
    for figure in (
        curves([Series("A", "bcl", empty, empty)], y_title="loss", epochs=60),
        curves([], y_title="loss", log_y=True),
        formation([Formation("A", "bcl", empty, empty, empty)], regular_deg=96.4, epochs=60),
    ):
        assert figure.layout.xaxis.title.text == "epoch"
        assert "nothing recorded yet" in figure.layout.meta["description"]


def test_log_axes_are_labelled_with_whole_numbers() -> None:
    wide = Series("A", "bcl", EPOCHS, np.array([1e4, 1e2, 1.0, 1e-1, 1e-2]))
    narrow = Series("A", "bcl", EPOCHS, np.array([8.0, 4, 2, 1, 0.5]))
    assert list(curves([wide], y_title="loss", log_y=True).layout.yaxis.tickvals) == pytest.approx(
        [0.01, 0.1, 1, 10, 100, 1000, 10_000]
    )
    assert list(curves([narrow], y_title="loss", log_y=True).layout.yaxis.tickvals) == pytest.approx([0.5, 1, 2, 5, 10])
