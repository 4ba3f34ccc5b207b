"""The pulse reads the disk seldom, forgets who is not asked for, and shares what it makes."""

import json
import sys
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bcl_core.lab import GroupPlan, Lab, ensure_worker, files, launch
from bcl_core.lab import pulse as module
from bcl_core.lab.database import Database
from bcl_core.lab.history import history, whole
from bcl_core.lab.launch import worker_lock
from bcl_core.lab.pulse import Pulse, ranges
from harness.made_runs import make_runs
from tests.conftest import small


@given(st.lists(st.integers(0, 300), max_size=60, unique=True).map(sorted))
def test_ranges_are_the_epochs_again(epochs):
    again = [epoch for first, last, step in ranges(epochs) for epoch in range(first, last + 1, step)]
    assert again == epochs


def test_even_epochs_are_one_range():
    assert ranges(list(range(0, 10_001, 10))) == [[0, 10_000, 10]]
    assert ranges([]) == []


@pytest.fixture
def lab(tmp_path):
    return Lab(tmp_path / "lab")


def test_between_two_looks_everybody_is_answered_from_memory(lab, monkeypatch):
    [made] = make_runs(lab, ["bcl"], 2)
    pulse = Pulse(lab)
    assert pulse.seconds_to_look([made.id]) == 0
    pulse.look([made.id])
    first = pulse.answer([made.id], 0)
    monkeypatch.setattr(Database, "reading", lambda *_: pytest.fail("the disk was read"))
    assert pulse.seconds_to_look([made.id]) is None
    assert pulse.answer([made.id], 0) is first  # the same bytes
    assert pulse.answer([made.id], None).content != first.content


def test_a_newcomer_waits_for_a_look_and_one_who_is_known_for_the_next(lab, monkeypatch):
    [made] = make_runs(lab, ["bcl"], 1)
    pulse = Pulse(lab)
    pulse.look([])
    assert 0 < pulse.seconds_to_look([made.id]) <= module.EAGER_SECONDS
    pulse.look([made.id])
    now = time.monotonic()
    monkeypatch.setattr(module.time, "monotonic", lambda: now + module.LOOK_SECONDS)
    assert pulse.seconds_to_look([made.id]) == 0


def test_the_first_epoch_is_looked_for_oftener_once_its_run_comes_next_and_a_worker_lives(lab, monkeypatch):
    first, later = (lab.enqueue(GroupPlan(name, [("BCL", small("digits-bcl"))]))[0] for name in "ab")
    pulse = Pulse(lab)
    now = 0.0
    monkeypatch.setattr(module.time, "monotonic", lambda: now)

    def waits_for_the_usual_look(run_id):
        nonlocal now
        pulse.look([first, later])
        now += module.EAGER_SECONDS
        return pulse.seconds_to_look([run_id]) is None

    assert waits_for_the_usual_look(first)
    with worker_lock(lab, 1):
        assert not waits_for_the_usual_look(first)
        assert waits_for_the_usual_look(later)


def test_a_look_that_finds_nothing_new_leaves_the_answers_as_they_are(lab):
    [made] = make_runs(lab, ["bcl"], 1)
    pulse = Pulse(lab)
    pulse.look([made.id])
    first = pulse.answer([made.id], -1)
    pulse.look([made.id])
    assert pulse.answer([made.id], -1) is first
    made.epoch(2, of=2)
    pulse.look([made.id])
    again = pulse.answer([made.id], -1)
    assert again.etag != first.etag
    assert [row["epoch"] for row in json.loads(again.content)["runs"][made.id]["rows"]] == [0, 1, 2]


def test_of_the_epochs_of_a_run_that_is_followed_and_drawn_no_array_stays_in_memory(lab):
    [made] = make_runs(lab, ["bcl"], 1)
    pulse, sizes = Pulse(lab), set()
    for epoch in range(2, 6):
        made.epoch(epoch, of=5)
        pulse.look([made.id])
        history(lab, made.id, whole(lab.epochs(made.id)))
        sizes.add(files._read.size)
    assert len(sizes) == 1


def test_who_is_not_asked_for_is_forgotten_and_many_are_not_followed(lab, monkeypatch):
    pulse = Pulse(lab)
    pulse.look([f"nobody-{i:04d}" for i in range(2 * module.MOST_FOLLOWED)])
    assert len(pulse._followed) == module.MOST_FOLLOWED
    now = time.monotonic()
    monkeypatch.setattr(module.time, "monotonic", lambda: now + module.FORGOTTEN_SECONDS + 1)
    pulse.look(["somebody"])
    assert list(pulse._followed) == ["somebody"]


def test_a_deleted_run_is_said_to_be_gone_at_the_next_look(lab):
    one, other = make_runs(lab, ["bcl", "scl"], 1)
    pulse = Pulse(lab)
    pulse.look([one.id, other.id])
    lab.delete([one.id])
    pulse.look()
    told = json.loads(pulse.answer([one.id, other.id], None).content)["runs"]
    assert "there is no run" in told[one.id]["error"] and told[other.id]["state"] == "finished"


def test_a_look_that_failed_leaves_nothing_half_known(lab, monkeypatch):
    import sqlite3

    [made] = make_runs(lab, ["bcl"], 1)
    pulse = Pulse(lab)
    with monkeypatch.context() as broken:
        broken.setattr(Lab, "metrics", lambda *_: (_ for _ in ()).throw(sqlite3.OperationalError("locked")))
        with pytest.raises(sqlite3.OperationalError):
            pulse.look([made.id])
    pulse.look([made.id])
    rows = json.loads(pulse.answer([made.id], -1).content)["runs"][made.id]["rows"]
    assert [row["epoch"] for row in rows] == [0, 1]


def test_an_answer_is_bounded_and_what_has_no_room_is_left_to_the_history(lab, monkeypatch):
    runs = make_runs(lab, ["bcl", "scl"], 2)
    pulse = Pulse(lab)
    ids = [run.id for run in runs]
    pulse.look(ids)
    size = len(pulse._rows(ids[0], -1))
    monkeypatch.setattr(module, "ROWS_BYTES", size)
    told = json.loads(pulse.answer(ids, -1).content)["runs"]
    assert [len(told[run_id]["rows"]) for run_id in ids] == [3, 0]
    assert told[ids[1]]["epochs"] == [[0, 2, 1]]


def test_an_epoch_whose_figures_cannot_be_read_is_a_row_without_them(lab):
    import sqlite3

    [made] = make_runs(lab, ["bcl"], 2)
    with sqlite3.connect(lab.home / "lab.sqlite") as database:
        database.execute("UPDATE metrics SET metrics = '{' WHERE epoch = 1")
    pulse = Pulse(lab)
    pulse.look([made.id])
    rows = json.loads(pulse.answer([made.id], 0).content)["runs"][made.id]["rows"]
    assert [row["epoch"] for row in rows] == [1, 2] and rows[0]["scalars"] == {}


def test_a_run_says_to_which_group_it_belongs_and_where_it_holds(lab):
    [run_id] = lab.enqueue(GroupPlan("race", [("run", small())]))
    pulse = Pulse(lab)
    for steer, holds_at in ((lab.pause, -1), (lab.step, 1), (lab.resume, None)):
        steer(run_id)
        pulse.look([run_id])
        told = json.loads(pulse.answer([run_id], None).content)["runs"][run_id]
        assert (told["group"], told["holds_at"]) == (lab.run(run_id).group_id, holds_at)


def test_a_worker_that_comes_or_goes_is_said_at_the_next_look_also_to_who_asks_for_no_run(lab):
    pulse = Pulse(lab)
    pulse.look()
    assert json.loads(pulse.answer([], None).content) == {"runs": {}, "worker": {"alive": False, "failure": None}}
    with worker_lock(lab, 0):
        pulse.look()
        assert json.loads(pulse.answer([], None).content)["worker"]["alive"]
    pulse.look()
    assert not json.loads(pulse.answer([], None).content)["worker"]["alive"]


def test_a_worker_that_could_not_be_started_says_why(lab, monkeypatch):
    monkeypatch.setattr(sys, "executable", "/bin/false")
    ensure_worker(lab)
    launch._started[str(lab.home)].wait()
    pulse = Pulse(lab)
    pulse.look()
    assert "exit code 1" in json.loads(pulse.answer([], None).content)["worker"]["failure"]
