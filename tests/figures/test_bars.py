"""What bars over classes claim."""

import numpy as np
import plotly.graph_objects as go

from app import palette
from app.figures import class_counts_bars, per_class_accuracy
from bcl_core.geometry import shot_groups

NAMES, COUNTS = ["head", "body", "tail"], [5000, 300, 1]


def test_each_run_has_a_bar_for_each_class_in_its_loss_s_colour() -> None:
    values = [("SCL", "scl", np.array([0.9, 0.6, 0.1])), ("BCL", "bcl", np.array([0.9, 0.7, np.nan]))]
    figure = per_class_accuracy(values, NAMES, COUNTS)
    for bars, (label, loss, accuracy) in zip(figure.data, values, strict=True):
        assert bars.name == label
        assert bars.marker.color == palette.loss_style(loss).colour
        assert np.array_equal(bars.y, accuracy.astype(np.float32), equal_nan=True)
        assert list(bars.x) == ["head · n=5000", "body · n=300", "tail · n=1"]
    assert figure.layout.yaxis.range == (0, 1)


def long_tail(counts: list[int]) -> go.Figure:
    return class_counts_bars(counts, [f"class {k}" for k in range(len(counts))], shot_groups(counts))


def test_counts_stand_by_frequency_in_the_colours_of_their_groups_and_in_words() -> None:
    figure = long_tail([30, 300, 5, 101])
    many, medium, few = figure.data
    assert list(figure.layout.xaxis.categoryarray) == ["class 1", "class 3", "class 0", "class 2"]
    assert (list(many.x), list(many.y), list(many.text)) == (["class 1", "class 3"], [300, 101], ["300", "101"])
    assert (list(medium.x), list(few.x)) == (["class 0"], ["class 2"])
    for bars, group in ((many, "many"), (medium, "medium"), (few, "few")):
        assert bars.marker.color == palette.GROUPS[group]
        assert bars.name.startswith(f"{group}: ")
    assert many.name.endswith("2 classes")
    assert few.name.endswith("1 class")


def test_a_group_without_a_class_is_not_drawn() -> None:
    assert [bars.name.partition(":")[0] for bars in long_tail([5000, 50]).data] == ["many", "medium"]


def test_many_classes_are_a_line_over_the_ranks_whatever_their_order() -> None:
    counts = np.random.default_rng(0).permutation(np.arange(1, 1001))
    lines = long_tail(counts.tolist()).data
    assert all(line.type == "scatter" for line in lines)
    assert np.array_equal(np.concatenate([line.x for line in lines]), np.arange(1, 1001))
    assert np.array_equal(np.concatenate([line.y for line in lines]), np.arange(1000, 0, -1))
    assert lines[0].text[0] == f"class {np.argmax(counts)}"


def test_a_class_with_one_image_still_has_a_bar_on_the_log_axis() -> None:
    axis = long_tail(COUNTS).layout.yaxis
    assert axis.type == "log"
    assert axis.range[0] < np.log10(1)
    assert set(axis.tickvals) <= {1, 10, 100, 1000, 10_000}
