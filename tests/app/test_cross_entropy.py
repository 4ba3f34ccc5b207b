"""Cross-entropy has no projection head, no prototypes and no prediction: pictures and words know it."""

import numpy as np
import pytest

from app import panels, reading
from tests.app.conftest import train_here
from tests.app.test_pages import words

PRESETS = ("digits-ce", "digits-ce-la", "digits-scl", "digits-bcl")


@pytest.fixture(scope="module")
def four(tmp_path_factory):
    from bcl_core.lab import Lab

    home = tmp_path_factory.mktemp("four") / "lab"
    train_here(Lab(home), epochs=1, presets=PRESETS)
    return home


@pytest.fixture
def runs(four, monkeypatch):
    monkeypatch.setenv("BCL_LAB_HOME", str(four))
    return panels.shown(reading.the_lab().runs())


def test_the_page_train_shows_them_beside_contrastive_runs(runs, open_page):
    app = open_page("train")
    assert not app.exception and not app.error and not app.warning
    assert "Cross-entropy (backbone features)" in words(app)
    assert "never negative" in words(app)


def test_prototypes_are_drawn_where_the_loss_trains_them(runs):
    for run in runs:
        drawn = {trace.name for trace in panels.embedding(run, dims=2).data}
        assert ("prototypes" in drawn) == (run.variant == "bcl")


def test_the_note_on_angles_is_true_of_the_recorded_angles(runs):
    assert "Of Cross-entropy they are of backbone features" in panels.space_note(runs)
    assert "backbone" not in panels.space_note(runs[2:])
    for run in runs[:2]:
        means = reading.view(run.run_id, run.epoch)["class_means"]
        assert means.min() >= 0
        assert np.nanmax(panels.angle_map(run).data[0].customdata) <= 90 + 1e-4


def test_only_contrastive_runs_have_a_predicted_line(runs):
    dotted = [trace.hovertemplate for trace in panels.formation(runs).data if trace.line.dash == "dot"]
    assert sum("predicted" in str(template) for template in dotted) == 2
