"""What bars over classes claim."""

import numpy as np

from app import palette
from app.figures import per_class_accuracy

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
