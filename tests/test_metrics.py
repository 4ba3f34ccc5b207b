"""One table of what is recorded: nothing that an epoch is recorded with lacks a name, and no entry names nothing."""

import json
import shutil
import sqlite3
from pathlib import Path

import pytest

from bcl_core.geometry import QUANTILES
from bcl_core.lab import Lab
from bcl_core.lab.history import scalars_of
from bcl_core.metrics import METRICS, short, shown, that_hold
from harness.serving import ROOT
from tests.app.conftest import train_here

FIRST_LAB = Path(__file__).parent / "fixtures" / "first_lab"


@pytest.fixture(scope="module")
def recorded(tmp_path_factory: pytest.TempPathFactory) -> set[str]:
    """The scalars of a real short run."""
    lab = Lab(tmp_path_factory.mktemp("lab"))
    [run_id] = train_here(lab, epochs=1, presets=["digits-bcl"])
    return {name for row in lab.metrics(run_id) for name in scalars_of(row)} - {"epoch"}


def of_a_picture(name: str) -> bool:
    """Whether a scalar says only how a picture is drawn, so that it has no entry: its fit, or its scale."""
    return name.startswith("picture_") or name.endswith(("_least", "_most"))


def test_every_recorded_scalar_has_an_entry_or_only_scales_a_picture(recorded: set[str]) -> None:
    only_without_a_classifier = {"accuracy_nearest_mean"}
    assert {name for name in recorded if not of_a_picture(name)} == METRICS.keys() - only_without_a_classifier
    assert not any(of_a_picture(name) for name in METRICS)


def test_bands_and_quantiles_are_metrics_of_the_same_unit_that_are_no_curves_of_their_own() -> None:
    bands = {name: metric for name, metric in METRICS.items() if metric.band is not None}
    assert bands
    for name in (*(metric.band for metric in bands.values()), *QUANTILES):
        assert METRICS[name].unit == "degrees" and not METRICS[name].curve


def test_figures_that_an_earlier_version_measured_wrongly_are_not_recorded(tmp_path: Path) -> None:
    """NC3 and NC4 of the first release's runs, wherever they are read; a run of today keeps its own."""
    lab = Lab(shutil.copytree(FIRST_LAB, tmp_path / "lab"))
    first = next(run for run in lab.runs() if run.epoch is not None)
    with sqlite3.connect(lab.home / "lab.sqlite") as database:
        [(text,)] = database.execute("SELECT metrics FROM metrics WHERE run = ? AND epoch = ?", (first.id, first.epoch))
    assert {"nc3", "nc4"} <= json.loads(text).keys()
    for rows in (lab.metrics(first.id), [lab.last_metrics()[first.id]]):
        assert not any({"nc3", "nc4"} & row.keys() for row in rows) and all("nc1" in row for row in rows)
    assert that_hold({"nc3": 1.0, "prototype_angle_tail_tail": None})["nc3"] == 1.0


def test_no_two_metrics_are_called_the_same() -> None:
    for words in ([metric.title for metric in METRICS.values()], [short(name) for name in METRICS]):
        assert len(set(words)) == len(words)


def test_values_are_shown_with_their_units() -> None:
    assert [shown("angle_mean", 90.04), shown("accuracy", 0.5), shown("loss", 1), shown("margin", None)] == [
        *("90.0°", "50.0%", "1.0000", "none")
    ]


RETIRED = {
    "to simplex": "off the simplex",
    "to the simplex, degrees": "off the simplex",
    "RMS over pairs": "RMS deviation from the regular simplex",
    "oot mean square deviation from": "RMS deviation from the regular simplex",
    "RMS deviation from the simplex": "RMS deviation from the regular simplex",
    "among the rarest": "within the tail",
    "mean over tail": "Mean angle within the tail",
    "BCL, as published": "BCL",
}
"""Names that things have had besides their own, and what they are called everywhere."""


@pytest.mark.parametrize("folder", ["app", "bcl_core", "benchmarks", "docs", "pretrained", "README.md"])
def test_a_thing_has_one_name(folder: str) -> None:
    place = ROOT / folder
    files = [place] if place.is_file() else [file for end in ("py", "js", "md") for file in place.rglob(f"*.{end}")]
    assert files
    for file in files:
        text = file.read_text(encoding="utf-8")
        assert not [name for name in RETIRED if name in text], file
