"""A row that cannot be read is a run that says what is wrong, can be deleted, and harms nothing else."""

import json
import sqlite3

import pytest

from bcl_core.cli import main
from bcl_core.lab import GroupPlan, LabError, QueueFull, RunIsActive, UnknownRun
from bcl_core.lab.store import MAX_QUEUED
from bcl_core.lab.worker import Worker
from bcl_core.recipe import Execution
from tests.conftest import small
from tests.damages import DAMAGES, queue_damaged

ALL = pytest.mark.parametrize("kind", DAMAGES)


@pytest.fixture
def neighbour(lab):
    """A run that nothing is wrong with."""
    [run_id] = lab.enqueue(GroupPlan("sound", [("neighbour", small(epochs=1))]), Execution(device="cpu", threads=1))
    return run_id


def unreadable(lab):
    [run] = [run for run in lab.runs() if not run.readable]
    return run


def cli(capsys, *arguments):
    with pytest.raises(SystemExit) as end:
        main(list(arguments))
    told = capsys.readouterr()
    return end.value.code or 0, told.out, told.err


@ALL
def test_it_says_what_is_wrong_and_does_nothing(lab, neighbour, kind):
    queue_damaged(lab, kind)
    run = unreadable(lab)
    assert run.state == "unreadable" and run.error == run.recipe.reason
    assert DAMAGES[kind][1] in run.error
    assert len(run.error) < 500
    assert not run.active and not run.wants_to_train
    assert lab.run(run.id) == run and run in lab.runs(run.group_id)
    assert [active.id for active in lab.active_runs()] == [neighbour]
    with pytest.raises(LabError, match="cannot be read"):
        _ = run.training_recipe


@ALL
def test_it_cannot_be_steered_and_its_sisters_can(lab, kind):
    sister = queue_damaged(lab, kind, "a broken execution")[0]  # both unreadable: nothing is left to steer
    for action in (lab.pause, lab.step, lab.resume, lab.stop, lab.take_up):
        for run in lab.runs():
            with pytest.raises(LabError, match="cannot be read"):
                action(run.id)
    ids = lab.enqueue(GroupPlan("mixed", [("sound", small()), ("other", small(seed=1))]))
    with sqlite3.connect(lab.home / "lab.sqlite") as db:
        db.execute("UPDATE runs SET execution = '{' WHERE id = ?", (ids[1],))
    lab.pause(lab.run(ids[0]).group_id)
    assert not lab.run(ids[0]).wants_to_train
    assert sister not in (run.id for run in lab.active_runs())


@ALL
def test_it_can_be_renamed_grouped_and_deleted_with_its_files_alone(lab, neighbour, kind):
    [queued_as] = queue_damaged(lab, kind)
    lab.record_epoch(queued_as, 0, {"loss": 1.0})
    elsewhere = lab.home.parent / "elsewhere"
    elsewhere.mkdir()
    lab.move_to_group([unreadable(lab).id], "to be looked at")
    damaged = [run for run in lab.runs() if run.id != neighbour]
    assert [run.group_name for run in damaged] == ["to be looked at"]
    lab.rename(damaged[0].id, "what was this?")
    assert lab.run(damaged[0].id).name == "what was this?"
    if lab.run(damaged[0].id).active:
        return  # the group or the name was all that was wrong
    folder = lab.home / "runs" / damaged[0].id
    lab.delete([damaged[0].id])
    assert [run.id for run in lab.runs()] == [neighbour]
    lab.restore([damaged[0].id])
    assert lab.run(damaged[0].id).error == damaged[0].error
    lab.delete([damaged[0].id])
    lab.purge([damaged[0].id])
    assert (lab.home / "runs" / neighbour / "recipe.json").exists()
    assert elsewhere.exists() and not folder.exists()
    with pytest.raises(UnknownRun):
        lab.run(damaged[0].id)


def test_it_is_not_deleted_while_a_process_that_can_read_it_trains_it(lab):
    [run_id] = queue_damaged(lab, "a newer version")
    lock = lab.lock(run_id)
    with pytest.raises(RunIsActive, match="stop it there"):
        lab.delete([run_id])
    lock.release()
    lab.delete([run_id])
    assert not lab.runs()


def test_the_place_of_a_sound_run_is_no_second_name_for_it(lab, neighbour):
    for action in (lab.run, lab.stop, lab.folder, lambda run_id: lab.delete([run_id])):
        with pytest.raises(UnknownRun):
            action("unreadable-1")
    assert lab.run(neighbour).wants_to_train


def test_it_takes_no_place_in_the_queue(lab):
    queue_damaged(lab, "a newer version")
    lab.enqueue(GroupPlan("many", [(f"run {seed}", small(seed=seed)) for seed in range(MAX_QUEUED)]))
    with pytest.raises(QueueFull):
        lab.enqueue(GroupPlan("one more", [("run", small())]))


def test_a_run_deleted_once_is_not_deleted_with_another_of_no_id(lab):
    queue_damaged(lab, "no id", "no id")
    first, second = lab.runs()
    assert first.id != second.id
    lab.delete([first.id])
    assert lab.runs() == [second]


@pytest.mark.parametrize("text", ["{", "[1]", "", "7", None])
def test_an_epoch_whose_metrics_cannot_be_read_is_left_out_and_named(lab, neighbour, text):
    for epoch in range(3):
        lab.record_epoch(neighbour, epoch, {"loss": float(epoch)})
    with sqlite3.connect(lab.home / "lab.sqlite") as db:
        held = (b"\xff",) if text is None else (text.encode(),)
        db.execute("UPDATE metrics SET metrics = CAST(? AS TEXT) WHERE epoch = 1", held)
    assert lab.metrics(neighbour) == [{"epoch": 0, "loss": 0.0}, {"epoch": 2, "loss": 2.0}]
    assert lab.epochs(neighbour) == [0, 1, 2]


@ALL
def test_the_command_line_lists_it_beside_the_others(lab, neighbour, capsys, kind):
    queue_damaged(lab, kind)
    code, out, _ = cli(capsys, "runs")
    assert code == 0 and neighbour in out and DAMAGES[kind][1] in out
    code, out, _ = cli(capsys, "runs", "--json")
    rows = {row["run"]: row for row in map(json.loads, out.splitlines())}
    assert code == 0 and rows[neighbour]["state"] == "queued"
    assert rows[unreadable(lab).id]["state"] == "unreadable"


@ALL
def test_the_command_line_refuses_it_in_a_sentence(lab, capsys, tmp_path, kind):
    queue_damaged(lab, kind)
    run_id = unreadable(lab).id
    for arguments in (
        ("pause", run_id),
        ("step", run_id),
        ("resume", run_id),
        ("stop", run_id),
        ("train", "--run", run_id),
        ("evaluate", run_id),
        ("thumbnails", run_id),
        ("export", run_id, str(tmp_path / "run.zip")),
    ):
        code, _, err = cli(capsys, *arguments)
        assert code == 2 and "cannot be read" in err and len(err.splitlines()) == 1, arguments
    assert cli(capsys, "delete", run_id)[0] == 0
    assert not lab.runs()


def test_a_worker_trains_the_others(lab, neighbour, caplog):
    queue_damaged(lab, *DAMAGES)
    Worker(lab).work(idle_seconds=0.2)
    assert not caplog.records
    assert lab.run(neighbour).state == "finished"
    assert sum(not run.readable for run in lab.runs()) == len(DAMAGES)


@pytest.mark.parametrize("content", [b"this is no database", None])
def test_a_lab_that_cannot_be_opened_is_said_in_words(lab, capsys, content):
    if content is None:
        with sqlite3.connect(lab.home / "lab.sqlite") as db:
            db.execute("PRAGMA user_version=999")
    else:
        (lab.home / "lab.sqlite").write_bytes(content * 100)
    code, _, err = cli(capsys, "runs")
    assert code == 2 and len(err.splitlines()) == 1
    assert ("newer version" if content is None else "lab.sqlite is no database: move it aside") in err
