"""Cross-entropy has no projection head, no prototypes and no push: every panel says so in its place."""

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


@pytest.mark.parametrize("quantity", panels.GRADIENTS)
def test_there_is_no_push_to_show(runs, quantity):
    ce, _, scl, _ = (panels.gradient_map(run, quantity=quantity) for run in runs)
    assert ce == "Cross-entropy has no contrastive loss, so there is no push to show."
    assert not isinstance(scl, str)


def test_there_are_no_prototypes_and_none_are_drawn(runs):
    assert "no prototypes" in panels.angle_map(runs[0], of="prototypes")
    for run in runs:
        drawn = {trace.name for trace in panels.embedding(run, dims=2).data}
        assert ("prototypes" in drawn) == (run.variant == "bcl")


def test_a_curve_that_no_run_has_is_a_sentence(runs):
    title = "The tail's share of all push"
    of_ce = panels.metric_curves(runs[:2], "tail_push_share", title=title, y_title="share")
    assert of_ce == f"{title}: there is none for these runs."
    assert not isinstance(panels.metric_curves(runs, "tail_push_share", title=title, y_title="share"), str)


def test_the_note_on_angles_is_true_of_the_recorded_angles(runs):
    assert "Cross-entropy and Cross-entropy, logit-adjusted have no contrastive loss" in panels.space_note(runs)
    assert "backbone" not in panels.space_note(runs[2:])
    for run in runs[:2]:
        means = reading.view(run.run_id, run.epoch)["class_means"]
        assert means.min() >= 0
        assert np.nanmax(panels.angle_map(run).data[0].customdata) <= 90 + 1e-4


def test_only_contrastive_runs_have_a_predicted_line(runs):
    dotted = [trace.hovertemplate for trace in panels.formation(runs).data if trace.line.dash == "dot"]
    assert sum("predicted" in str(template) for template in dotted) == 2
