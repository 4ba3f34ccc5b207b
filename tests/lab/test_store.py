"""The store keeps what it is told, refuses what it cannot do in words, and never half-does anything."""

import sqlite3

import pytest

from bcl_core.lab import GroupPlan, Lab, LabError, QueueFull, UnknownRun
from bcl_core.lab.store import MAX_QUEUED
from tests.conftest import small


def race(count=3, name="race"):
    return GroupPlan(name, [(f"run {i}", small(seed=i)) for i in range(count)])


def test_a_group_is_queued_in_order_under_one_id(lab):
    ids = lab.enqueue(race())
    runs = lab.runs()
    assert [run.id for run in runs] == ids
    assert len({run.group_id for run in runs}) == 1
    assert {run.state for run in runs} == {"queued"}
    assert (lab.folder(ids[0]).path / "recipe.json").exists()


def test_newer_groups_are_listed_first(lab):
    lab.enqueue(race(1, "old"))
    lab.enqueue(race(1, "new"))
    assert [run.group_name for run in lab.runs()] == ["new", "old"]


def test_another_process_sees_the_same_runs(lab):
    ids = lab.enqueue(race())
    assert [run.id for run in Lab(lab.home).runs()] == ids


def test_a_full_queue_takes_nothing_and_leaves_nothing_behind(lab):
    lab.enqueue(race(MAX_QUEUED - 1))
    with pytest.raises(QueueFull, match=f"limit of {MAX_QUEUED}"):
        lab.enqueue(race(2))
    assert len(lab.runs()) == MAX_QUEUED - 1
    assert len(list((lab.home / "runs").iterdir())) == MAX_QUEUED - 1


@pytest.mark.parametrize(
    "run_id", ["", "short", "../../etc/passwd", "a" * 65, "no-such-run-1", "NOT-LOWER-1", "x\0yyyyyyyy"]
)
def test_an_id_that_is_unknown_or_ill_formed_is_an_unknown_run(lab, run_id):
    with pytest.raises(UnknownRun):
        lab.run(run_id)
    with pytest.raises(UnknownRun):
        lab.folder(run_id)


def test_pause_step_and_resume_say_how_far_a_run_may_go(lab):
    [run_id] = lab.enqueue(race(1))
    assert lab.run(run_id).wants_to_train
    lab.pause(run_id)
    assert not lab.run(run_id).wants_to_train
    lab.step(run_id)
    assert lab.run(run_id).wants_to_train
    lab.record_epoch(run_id, 0, {})
    assert lab.run(run_id).wants_to_train
    lab.record_epoch(run_id, 1, {})
    assert not lab.run(run_id).wants_to_train
    lab.resume(run_id)
    assert lab.run(run_id).wants_to_train


def test_controls_act_on_a_run_or_on_its_whole_group(lab):
    ids = lab.enqueue(race())
    lab.pause(ids[0])
    assert [lab.run(i).wants_to_train for i in ids] == [False, True, True]
    lab.pause(lab.run(ids[0]).group_id)
    assert [lab.run(i).wants_to_train for i in ids] == [False, False, False]


def test_controls_of_something_unknown_are_refused(lab):
    for action in (lab.pause, lab.step, lab.resume, lab.stop):
        with pytest.raises(UnknownRun):
            action("no-such-group")


def test_a_stopped_run_can_be_taken_up_again(lab):
    [run_id] = lab.enqueue(race(1))
    lab.stop(run_id)
    lab.record_state(run_id, "stopped")
    assert not lab.run(run_id).active
    lab.resume(run_id)
    assert lab.run(run_id).wants_to_train


def test_a_finished_run_stays_finished_whatever_is_pressed(lab):
    [run_id] = lab.enqueue(race(1))
    lab.record_state(run_id, "finished")
    for action in (lab.pause, lab.step, lab.resume, lab.stop):
        action(run_id)
        assert lab.run(run_id).state == "finished"


def test_runs_can_be_renamed_and_regrouped(lab):
    first, second = lab.enqueue(race(1))[0], lab.enqueue(race(1))[0]
    for run_id in (first, second):
        lab.record_state(run_id, "finished")
    lab.rename(first, "  my   best run ")
    lab.move_to_group([first], "seeds")
    lab.move_to_group([second], "seeds")
    assert lab.run(first).name == "my best run"
    assert lab.run(first).group_id == lab.run(second).group_id


@pytest.mark.parametrize("name", ["", "   ", "x" * 81])
def test_a_name_has_one_to_eighty_characters(lab, name):
    [run_id] = lab.enqueue(race(1))
    with pytest.raises(LabError, match="1 to 80"):
        lab.rename(run_id, name)


def test_only_one_process_may_train_a_run(lab):
    [run_id] = lab.enqueue(race(1))
    ours = lab.lock(run_id)
    assert ours is not None
    assert lab.lock(run_id) is None
    ours.release()
    assert lab.lock(run_id) is not None


def test_metrics_come_back_in_order_and_never_hold_nan(lab):
    [run_id] = lab.enqueue(race(1))
    lab.record_epoch(run_id, 0, {"loss": 2.0})
    lab.record_epoch(run_id, 1, {"loss": None})
    assert lab.metrics(run_id) == [{"epoch": 0, "loss": 2.0}, {"epoch": 1, "loss": None}]
    with pytest.raises(ValueError):
        lab.record_epoch(run_id, 2, {"loss": float("nan")})
    assert len(lab.metrics(run_id)) == 2


def test_a_lab_of_a_newer_version_is_left_alone(lab):
    with sqlite3.connect(lab.home / "lab.sqlite") as db:
        db.execute("PRAGMA user_version=999")
    with pytest.raises(LabError, match="newer version"):
        Lab(lab.home)


def test_a_lab_that_cannot_be_written_names_the_variable_to_set(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(LabError, match="BCL_LAB_HOME"):
        Lab(tmp_path / "file" / "lab")


def test_a_stop_that_was_taken_back_is_no_stop(lab):
    [run_id] = lab.enqueue(GroupPlan("race", [("run", small())]))
    lab.stop(run_id)
    lab.resume(run_id)
    lab.settle_stop(run_id)  # by a worker that had seen the stop
    run = lab.run(run_id)
    assert (run.state, run.stop, run.wants_to_train) == ("queued", False, True)


def test_a_run_of_more_epochs_than_sqlite_takes_values_is_read_and_thinned(lab, monkeypatch):
    [run_id] = lab.enqueue(GroupPlan("long", [("run", small())]))
    for epoch in range(30):
        lab.record_epoch(run_id, epoch, {"loss": 1.0})
    lab.record_state(run_id, "finished")
    connect = sqlite3.connect

    def narrow(*arguments, **options):
        db = connect(*arguments, **options)
        db.setlimit(sqlite3.SQLITE_LIMIT_VARIABLE_NUMBER, 20)
        return db

    monkeypatch.setattr(sqlite3, "connect", narrow)
    assert len(lab.metrics(run_id, range(30))) == 30
    assert list(lab.watched_runs([run_id, *(f"261111-{number:010}" for number in range(30))])) == [run_id]
    lab.drop_epochs(run_id, range(1, 30))
    assert lab.epochs(run_id) == [0]


def test_whatever_interrupts_the_entering_of_a_run_leaves_no_folder(lab, monkeypatch):
    monkeypatch.setattr(lab, "_insert", interrupt)
    with pytest.raises(KeyboardInterrupt):
        lab.enqueue(GroupPlan("race", [("run", small())]))
    assert not lab.strange_folders()


def interrupt(*_, **__):
    raise KeyboardInterrupt
