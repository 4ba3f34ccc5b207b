"""A lab and a shelf that the first release has left: see tests/fixtures. Whatever comes later opens them."""

import shutil
from pathlib import Path

import numpy as np
import pytest

from bcl_core.cli import main
from bcl_core.lab import Lab
from bcl_core.lab.evaluating import evaluate_run
from bcl_core.lab.files import read_arrays
from bcl_core.lab.history import history, whole
from bcl_core.lab.samples import read_samples
from tests.app.test_lab_page import chosen
from tests.app.test_pages import PAGES, words

FIXTURES = Path(__file__).parents[1] / "fixtures"
TRAINED, RECORDED, SHELVED = "261126-98b7d25e22", "261126-61ca8811de", "first-digits-bcl"
EPOCHS = {TRAINED: [0, 1, 2], RECORDED: [1, 2, 3], SHELVED: [0, 1, 2]}


@pytest.fixture
def lab(tmp_path, monkeypatch):
    """Copies of both."""
    for name, variable in (("first_lab", "BCL_LAB_HOME"), ("first_shelf", "BCL_LAB_PRETRAINED")):
        shutil.copytree(FIXTURES / name, tmp_path / name)
        monkeypatch.setenv(variable, str(tmp_path / name))
    return Lab(tmp_path / "first_lab")


def test_its_runs_are_listed_and_whole(lab, capsys):
    assert {run.id: run.state for run in lab.runs()} == {TRAINED: "finished", RECORDED: "finished"}
    assert [run.id for run in lab.shelf.runs] == [SHELVED] and not lab.shelf.faults
    with pytest.raises(SystemExit) as end:
        main(["runs"])
    assert not end.value.code
    assert "unreadable" not in capsys.readouterr().out


@pytest.mark.parametrize("run_id", EPOCHS)
def test_its_figures_and_arrays_are_read(lab, run_id):
    epochs = EPOCHS[run_id]
    assert [row["epoch"] for row in lab.metrics(run_id)] == lab.folder(run_id).epochs() == epochs
    arrays = history(lab, run_id, whole(epochs)).content
    assert arrays
    for row in lab.metrics(run_id):
        assert np.isfinite([row["angle_mean"], row["accuracy"]]).all()
    folder = lab.folder(run_id)
    about = read_samples(folder)
    means = folder.arrays(folder.view(epochs[-1]))["class_means"]
    assert len(means) == len(about.class_names) == len(about.class_counts)


@pytest.mark.parametrize("page", PAGES)
def test_every_page_opens_on_it(lab, open_page, page):
    app = open_page(page)
    assert not app.exception and not app.error
    assert "could not be drawn" not in words(app)


def test_its_runs_are_inspected_side_by_side(lab, open_page):
    app = open_page("lab", runs=".".join(EPOCHS))
    assert chosen(app) == list(EPOCHS)
    assert not app.exception and not app.error and not app.warning


def test_measured_again_its_weights_give_its_figures(lab):
    evaluation = evaluate_run(lab, SHELVED)
    assert evaluation.same_data
    assert evaluation.accuracy_difference == pytest.approx(0, abs=1e-6)
    assert evaluation.angle_difference < 0.01


@pytest.mark.parametrize("run_id", [TRAINED, RECORDED])
def test_its_runs_are_renamed_and_deleted(lab, run_id):
    lab.rename(run_id, "an old one")
    assert lab.run(run_id).name == "an old one"
    folder = lab.folder(run_id).path
    lab.delete([run_id])
    assert folder.exists() and len(lab.runs()) == 1
    lab.restore([run_id])
    assert lab.run(run_id).name == "an old one"
    lab.delete([run_id])
    lab.purge([run_id])
    assert not folder.exists() and len(lab.runs()) == 1


def test_a_copy_of_its_shelved_run_can_be_queued(lab):
    run_id = lab.enqueue_copy(SHELVED, lab.run(SHELVED).execution)
    assert lab.run(run_id).readable
    assert set(read_arrays(lab.folder(run_id).initial)) == set(read_arrays(lab.folder(SHELVED).weights))
