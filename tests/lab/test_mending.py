"""Where the database was lost, the runs come back from their folders with what those hold, and nothing made up."""

import os
import shutil
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import load_file

from bcl_core.cli import main
from bcl_core.lab import Lab, Recorder
from bcl_core.lab.files import write_arrays
from bcl_core.lab.history import history, whole
from bcl_core.lab.mending import mend, sweep
from bcl_core.lab.pack import pack
from bcl_core.recipe import Recorded
from tests.conftest import small
from tests.lab.test_pulse import make_runs

FIRST_LAB = Path(__file__).parents[1] / "fixtures" / "first_lab"


def lose(lab):
    """Leave a lab without a database, as somebody does who removes lab.sqlite."""
    for file in lab.home.glob("lab.sqlite*"):
        file.unlink()
    return Lab(lab.home)


def cli(capsys, *arguments):
    with pytest.raises(SystemExit) as end:
        main(list(arguments))
    assert not end.value.code
    return capsys.readouterr()


@pytest.fixture
def first(tmp_path, monkeypatch):
    """The first release's lab."""
    shutil.copytree(FIRST_LAB, tmp_path / "first")
    monkeypatch.setenv("BCL_LAB_HOME", str(tmp_path / "first"))
    return Lab(tmp_path / "first")


def test_the_runs_of_the_first_release_come_back_with_the_figures_that_were_recorded(first):
    before = {run.id: (run.state, run.epoch, run.recipe, first.metrics(run.id)) for run in first.runs()}
    lab = lose(first)
    assert not lab.runs() and set(lab.unknown_folders()) == before.keys()
    assert set(mend(lab)) == before.keys()
    assert {run.id: (run.state, run.epoch, run.recipe, lab.metrics(run.id)) for run in lab.runs()} == before
    assert not lab.unknown_folders() and not mend(lab)
    for run in lab.runs():
        assert "not known" in run.provenance["entered again"] and run.progress == 1.0
        assert history(lab, run.id, whole(lab.epochs(run.id))).whole


@pytest.mark.parametrize("emptied", [False, True])
def test_a_database_that_is_lost_under_an_open_lab_is_noticed_and_mended(lab, capsys, emptied):
    [made] = make_runs(lab, ["bcl"], 2)
    figures = lab.metrics(made.id)
    if emptied:
        for file in lab.home.glob("lab.sqlite-*"):
            file.unlink()
        (lab.home / "lab.sqlite").write_bytes(b"")
    else:
        lose(lab)
    told = cli(capsys, "runs")
    assert told.out == "" and "1 run folder in" in told.err and "`runs --mend`" in told.err
    told = cli(capsys, "runs", "--mend")
    assert made.id in told.out and told.err == "entered again: 1\n"
    assert lab.metrics(made.id) == figures
    assert cli(capsys, "runs").err == ""


def test_a_run_that_was_packed_comes_back_finished_and_one_that_was_not_at_its_end_stopped(lab):
    done, broken_off = make_runs(lab, ["bcl", "scl"], 2)
    pack(lab, done.id)
    with lab._database.writing() as db:
        db.execute("UPDATE runs SET state = 'stopped'")
    last = lab.folder(broken_off.id).view(2)
    last.unlink()
    lab = lose(lab)
    mend(lab)
    stands = {run.id: (run.state, run.epoch) for run in lab.runs()}
    assert stands == {done.id: ("finished", 2), broken_off.id: ("stopped", 1)}
    assert {run.group_name for run in lab.runs()} == {"Entered again"}


def test_a_recorded_run_that_grew_beyond_its_plan_comes_back_whole(lab):
    with Recorder("mine", [0, 0, 1, 1], lab=lab) as recorder:
        for epoch in range(3):
            recorder.epoch(np.eye(4) + epoch)
    lab = lose(lab)
    mend(lab)
    [run] = lab.runs()
    assert isinstance(run.recipe, Recorded)
    assert (run.name, run.state, run.epoch, run.recipe.epochs) == ("mine", "finished", 3, 3)


def test_what_a_view_does_not_say_is_measured_from_it_or_left_out(lab):
    [made] = make_runs(lab, ["bcl"], 2)
    before = lab.metrics(made.id)
    folder = lab.folder(made.id)
    view = load_file(folder.view(1))
    folder.view(1).unlink()
    write_arrays(folder.view(1), view)
    folder.view(2).write_bytes(b"damaged")
    lab = lose(lab)
    mend(lab)
    whole, measured, damaged = lab.metrics(made.id)
    assert whole == before[0]
    assert measured["angle_mean"] == pytest.approx(before[1]["angle_mean"], abs=1e-3)
    assert "loss" not in measured
    assert damaged == {"epoch": 2}


def test_a_folder_whose_recipe_cannot_be_read_is_a_run_that_says_so_and_can_be_deleted(lab):
    good, bad, none = make_runs(lab, ["bcl", "scl", "scl"], 1)
    (lab.folder(bad.id).path / "recipe.json").write_bytes(b'{"seed": \xff')
    (lab.folder(none.id).path / "recipe.json").unlink()
    lab = lose(lab)
    assert len(mend(lab)) == 3
    assert lab.run(good.id).readable
    for run_id in (bad.id, none.id):
        assert not lab.run(run_id).readable and lab.epochs(run_id) == [0, 1]
    lab.delete([bad.id, none.id])
    lab.purge([bad.id, none.id])
    assert not lab.unknown_folders()


def test_a_run_that_is_being_entered_or_trained_or_was_deleted_is_not_lost(lab):
    [made, deleted] = make_runs(lab, ["bcl", "scl"], 1)
    lab.delete([deleted.id])
    (lab.home / "runs" / "not a run").mkdir()
    with lab._new_folders() as make_folder:
        entering = make_folder(small())
        assert not lab.unknown_folders()
    os.utime(lab.home / "runs" / entering / "recipe.json", (0, 0))
    assert lab.unknown_folders() == [entering]
    lock = lab.lock(made.id)
    lab = lose(lab)
    assert made.id not in mend(lab)
    lock.release()
    assert mend(lab) == [made.id]


def test_what_killed_processes_left_is_swept_and_nothing_else(lab):
    done, stopped, active = make_runs(lab, ["bcl", "scl", "scl"], 2)
    twice = {file: file.read_bytes() for file in lab.folder(done.id).path.glob("[ve]*/0001.safetensors")}
    pack(lab, done.id)
    lab._database.change("UPDATE runs SET state = 'stopped' WHERE id = ?", stopped.id)
    lab._database.change("UPDATE runs SET state = 'paused' WHERE id = ?", active.id)
    files = {run.id: {*lab.folder(run.id).path.rglob("*")} for run in (done, stopped, active)}
    half = [lab.folder(run.id).path / ".recipe.json.4711" for run in (stopped, active)]
    checkpoints = [lab.folder(stopped.id).checkpoint(epoch) for epoch in range(4)]  # 3 is not recorded
    never, aside = lab.home / "runs" / "261127-0123456789", lab.home / "runs" / ".brought-x"
    checkpoints[0].parent.mkdir()
    for file in (*half, *checkpoints):
        file.write_bytes(b"left")
    for file, content in twice.items():
        file.parent.mkdir()
        file.write_bytes(content)
    for folder in (never, aside):
        folder.mkdir()
        os.utime(folder, (0, 0))
    lab._database.change("INSERT INTO metrics VALUES ('gone-gone', 1, '{}')")

    told = sweep(lab)
    assert [line.partition(",")[0] for line in told] == [
        f"{done.id}: removed 2 files that nothing reads",
        f"{stopped.id}: removed 3 files that nothing reads",
        "removed .brought-x",
        "removed 261127-0123456789",
        "removed the figures of 1 epochs of runs that are gone",
    ]
    assert not never.exists() and not aside.exists() and half[1].exists()  # that run may be trained on at any time
    assert [file.exists() for file in checkpoints] == [False, True, True, False]
    for run in (done, stopped, active):
        there = {*lab.folder(run.id).path.rglob("*")} - {*checkpoints, checkpoints[0].parent, half[1]}
        assert {file for file in there if file.is_file()} - {lab.folder(run.id).lock} == {
            file for file in files[run.id] if file.is_file()
        } - {lab.folder(run.id).lock}
    assert sweep(lab) == []


def test_of_a_run_whose_row_cannot_be_read_no_checkpoint_is_swept(lab):
    [made] = make_runs(lab, ["bcl"], 1)
    checkpoint = lab.folder(made.id).checkpoint(1)
    checkpoint.parent.mkdir()
    checkpoint.write_bytes(b"its weights")
    lab._database.change("UPDATE runs SET epoch = 'x' WHERE id = ?", made.id)
    assert sweep(lab) == [] and checkpoint.exists()
