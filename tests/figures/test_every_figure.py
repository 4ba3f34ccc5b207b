"""What holds for all figures: named axes, the reader's view kept, the reader's theme, small messages."""

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import plotly.graph_objects as go
import pytest

from app import figures

NAMES, COUNTS = ["head", "body", "tail"], [90, 30, 3]
EPOCHS = np.arange(4)
MATRIX = np.full((3, 3), 90.0)
POINTS = np.random.default_rng(0).uniform(-1, 1, (6, 3))
LABELS = np.repeat([0, 1, 2], 2)

FIGURES = {
    "curves": figures.curves([figures.Series("A", "bcl", EPOCHS, EPOCHS + 1.0)], y_title="loss", title="T"),
    "log curves": figures.curves(
        [figures.Series("A", "bcl", EPOCHS, EPOCHS + 1.0)], y_title="loss", title="T", log_y=True
    ),
    "formation": figures.formation(
        [figures.Formation("A", "bcl", EPOCHS, EPOCHS + 1.0, EPOCHS + 2.0, 70.0)], regular_deg=96.4, title="T"
    ),
    "angles": figures.angle_heatmap(MATRIX, NAMES, COUNTS, target_deg=96.4, within_deg=np.ones(3), title="T"),
    "flat embedding": figures.embedding(POINTS, LABELS, LABELS, NAMES, COUNTS, dims=2, title="T", means=np.eye(3)),
    "solid embedding": figures.embedding(POINTS, LABELS, LABELS, NAMES, COUNTS, dims=3, title="T", means=np.eye(3)),
    "accuracy": figures.per_class_accuracy([("A", "bcl", np.ones(3))], NAMES, COUNTS, title="T"),
}


@pytest.fixture(params=FIGURES)
def figure(request: pytest.FixtureRequest) -> go.Figure:
    return FIGURES[request.param]


def test_every_axis_has_a_name(figure: go.Figure) -> None:
    layout = figure.layout
    solid = any(trace.type == "scatter3d" for trace in figure.data)
    axes = [layout.scene.xaxis, layout.scene.yaxis, layout.scene.zaxis] if solid else [layout.xaxis, layout.yaxis]
    assert all(axis.title.text for axis in axes)


def test_the_reader_s_view_outlives_an_update(figure: go.Figure) -> None:
    assert figure.layout.uirevision
    uids = [trace.uid for trace in figure.data]
    assert len(figure.data) == 1 or len(set(uids)) == len(uids) or uids == [None] * len(uids)


def test_a_sentence_describes_the_figure(figure: go.Figure) -> None:
    description = figure.layout.meta["description"]
    assert description.startswith("T")
    assert description.endswith(".")
    assert "nan" not in description


def test_text_and_background_are_left_to_the_theme(figure: go.Figure) -> None:
    layout = figure.layout
    assert layout.template.layout.to_plotly_json() == {}
    assert (layout.font.color, layout.title.font.color) == (None, None)
    assert (layout.paper_bgcolor, layout.plot_bgcolor, layout.scene.bgcolor) == (None, None, None)
    assert (layout.xaxis.gridcolor, layout.yaxis.gridcolor) == (None, None)


def test_text_can_be_read_from_the_back_of_the_room(figure: go.Figure) -> None:
    fonts = [value for key, value in walk(json.loads(figure.to_json())) if key.endswith("font")]
    assert min(font["size"] for font in fonts if "size" in font) >= 11


def test_numbers_travel_as_single_precision_bytes(figure: go.Figure) -> None:
    for trace in json.loads(figure.to_json())["data"]:
        for name in ("x", "y", "z", "customdata"):
            if isinstance(trace.get(name), dict):
                assert trace[name]["dtype"] in ("f4", "i1", "i2"), name
            elif trace.get(name) and trace.get("mode") != "text":
                assert isinstance(trace[name][0], str), name


def test_figures_know_no_streamlit() -> None:
    program = "import sys, app.figures; sys.exit('streamlit' in sys.modules)"
    subprocess.run([sys.executable, "-c", program], check=True, cwd=Path(__file__).parents[2])


def walk(node: object) -> list[tuple[str, object]]:
    """Return all (key, value) pairs of nested dictionaries and lists."""
    if isinstance(node, list):
        return [pair for each in node for pair in walk(each)]
    if not isinstance(node, dict):
        return []
    return [pair for key, value in node.items() for pair in [(key, value), *walk(value)]]
