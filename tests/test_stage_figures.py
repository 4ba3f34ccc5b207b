"""The inspector's figures are made in the browser: what Plotly would ignore without a word, Python's half refuses."""

import json
import subprocess
from pathlib import Path

import plotly.graph_objects as go
import pytest
from playwright._impl._driver import compute_driver_executable

from app import palette

MODULE = Path(__file__).parents[1] / "app/components/stage/plots/figures.js"
RUNS = [
    {"label": variant, "colour": style.colour, "dash": style.dash}
    for variant in ("scl", "bcl", "bcl-class")
    for style in [palette.loss_style(variant)]
]
COLOURS = {"groups": palette.GROUPS, "neutral": palette.NEUTRAL}
SCRIPT = """
const { batchFigure, formationFigure, curveFigure, pushFigure, receivedFigure } = await import(process.argv[1]);
const [[run, ...others], colours] = process.argv.slice(2).map(JSON.parse);
const targets = { regular: 96.4, predicted: { tail: 79.3, batch: 64 }, planned: 60 };
console.log(JSON.stringify({
  batch: batchFigure(run, ["SCL", "averaging", "complement", "BCL"]),
  formation: formationFigure(run, others, targets, colours),
  curve: curveFigure([run, ...others], 60),
  push: pushFigure(run, colours),
  received: receivedFigure(run, colours),
}));
"""


@pytest.fixture(scope="module")
def figures() -> dict[str, dict[str, object]]:
    command = [compute_driver_executable()[0], "--input-type=module", "-e", SCRIPT, MODULE.as_uri()]
    made = subprocess.run([*command, json.dumps(RUNS), json.dumps(COLOURS)], capture_output=True, check=True)
    found: dict[str, dict[str, object]] = json.loads(made.stdout)
    return found


@pytest.mark.parametrize("name", ["batch", "formation", "curve", "push", "received"])
def test_a_figure_of_the_browser_s_is_one_that_plotly_knows_every_word_of(
    figures: dict[str, dict[str, object]], name: str
) -> None:
    figure = go.Figure(figures[name])
    assert len(figure.data) == len(figures[name]["data"]) > 0  # type: ignore[arg-type]
    assert all("role" in trace.meta for trace in figure.data)
