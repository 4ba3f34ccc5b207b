"""A deleted run is nowhere to be seen, and is back as it was when it is restored, also after a restart."""

import json
import sqlite3
import threading

import pytest

from bcl_core.lab import GroupPlan, Lab, RunIsActive, UnknownRun
from bcl_core.lab.equal import equal_race
from bcl_core.lab.pulse import Pulse
from bcl_core.lab.store import DELETED_KEPT_SECONDS
from bcl_core.lab.worker import Worker
from bcl_core.recipe import DataPaths
from tests.conftest import small


@pytest.fixture
def ids(lab):
    """Three runs of a group that have ended, each with an epoch."""
    ids = lab.enqueue(GroupPlan("race", [(f"run {i}", small(seed=i)) for i in range(3)]))
    for run_id in ids:
        lab.record_epoch(run_id, 0, {"loss": 1.0})
        lab.record_state(run_id, "finished")
    return ids


def files(lab, run_id):
    return sorted((lab.home / "runs" / run_id).rglob("*"))


def test_it_is_nowhere_to_be_seen_and_its_files_stay(lab, ids):
    gone, *others = ids
    before = files(lab, gone)
    lab.delete([gone])
    assert [run.id for run in lab.runs()] == [run.id for run in lab.runs(lab.run(others[0]).group_id)] == others
    assert gone not in lab.watched_runs(ids)
    for read in (lab.run, lab.folder, lab.pause, lab.resume, lab.take_up, lambda run_id: lab.rename(run_id, "x")):
        with pytest.raises(UnknownRun, match=f"'{gone}' was deleted and can be restored"):
            read(gone)
    assert equal_race(lab, [small(seed=i) for i in range(3)], DataPaths()) is None
    pulse = Pulse(lab)
    pulse.look([gone])
    assert "error" in json.loads(pulse.answer([gone], None).content)["runs"][gone]
    assert files(lab, gone) == before


def test_it_is_back_as_it_was_also_for_who_opens_the_lab_later(lab, ids):
    before = lab.runs()
    lab.delete(ids[:2])
    later = Lab(lab.home)
    assert {run.id for run in later.deleted_runs()} == {*ids[:2]}
    later.restore(ids[:2])
    assert later.runs() == before and not later.deleted_runs()
    assert later.metrics(ids[0]) == [{"epoch": 0, "loss": 1.0}]


def test_what_was_deleted_last_is_listed_first(lab, ids):
    for run_id in (ids[1], ids[0], ids[2]):
        lab.delete([run_id])
    assert [run.id for run in lab.deleted_runs()] == [ids[2], ids[0], ids[1]]


@pytest.mark.parametrize("verb", ["delete", "restore", "purge"])
def test_of_several_all_or_none(lab, ids, verb):
    if verb != "delete":
        lab.delete(ids)
    for other in ("261111-0000000000", "no id", "unreadable-1"):
        with pytest.raises(UnknownRun):
            getattr(lab, verb)([*ids, other])
    assert len(lab.runs()) == (3 if verb == "delete" else 0)
    assert len(lab.deleted_runs()) == (0 if verb == "delete" else 3)


def test_active_runs_are_not_deleted_and_are_named(lab, ids):
    lab.record_state(ids[0], "running")
    lock = lab.lock(ids[0])
    lab.record_state(ids[2], "queued")
    with pytest.raises(RunIsActive, match="'run 0' is running, 'run 2' is queued: stop them first"):
        lab.delete(ids)
    lock.release()
    assert len(lab.runs()) == 3


def test_who_comes_second_is_told(lab, ids):
    other = Lab(lab.home)
    lab.delete(ids[:1])
    with pytest.raises(UnknownRun, match="can be restored"):
        other.delete(ids[:1])
    lab.restore(ids[:1])
    with pytest.raises(UnknownRun, match=f"the run '{ids[0]}' is not deleted"):
        other.restore(ids[:1])
    lab.delete(ids)
    with pytest.raises(UnknownRun, match="was deleted and can be restored"):
        other.stop(lab.deleted_runs()[0].group_id)
    lab.purge(ids)
    with pytest.raises(UnknownRun, match="there is no run"):
        other.restore(ids[:1])


def test_a_run_that_is_renamed_and_deleted_at_once_is_one_or_both_and_never_half(lab, ids):
    """Twenty times over: the rename holds, or it is refused in words; the run is deleted in any case."""
    said = []

    def rename(name):
        try:
            Lab(lab.home).rename(ids[0], name)
        except UnknownRun as error:
            said.append((name, str(error)))

    for turn in range(20):
        before = lab.run(ids[0]).name
        thread = threading.Thread(target=rename, args=(f"turn {turn}",))
        thread.start()
        lab.delete(ids[:1])
        thread.join()
        refused = [sentence for name, sentence in said if name == f"turn {turn}"]
        assert all("can be restored" in sentence for sentence in refused)
        assert lab.deleted_runs()[0].name == (before if refused else f"turn {turn}")
        lab.restore(ids[:1])


def test_purging_removes_row_metrics_and_files_of_deleted_runs_alone(lab, ids):
    with pytest.raises(UnknownRun, match="is not deleted"):
        lab.purge(ids[:1])
    lab.delete(ids[:1])
    lab.purge(ids[:1])
    assert not (lab.home / "runs" / ids[0]).exists() and files(lab, ids[1])
    assert not lab.deleted_runs()
    with sqlite3.connect(lab.home / "lab.sqlite") as db:
        assert db.execute("SELECT count(*) FROM metrics").fetchone()[0] == 2


def test_a_worker_that_starts_purges_what_was_deleted_long_ago(lab, ids):
    lab.delete(ids[:2])
    lab._database.change("UPDATE runs SET deleted = deleted - ? WHERE id = ?", DELETED_KEPT_SECONDS + 60, ids[0])
    Worker(lab).work(idle_seconds=0)
    assert [run.id for run in lab.deleted_runs()] == ids[1:2]
    assert not (lab.home / "runs" / ids[0]).exists() and files(lab, ids[1])


def test_the_last_metrics_are_those_of_the_last_epoch_of_every_run_of_the_shelf_and_of_what_can_be_restored_too(
    lab, ids
):
    lab.record_epoch(ids[1], 1, {"loss": 0.5})
    lab.delete(ids[:1])
    with sqlite3.connect(lab.home / "lab.sqlite") as db:
        db.execute("UPDATE metrics SET metrics = '{' WHERE run = ?", ids[2:])
    found = lab.last_metrics()
    assert found[ids[1]] == {"epoch": 1, "loss": 0.5}
    assert found.keys() == {*ids[:2], *(run.id for run in lab.shelf.runs)}
    shelved = lab.shelf.runs[0]
    assert lab.last_metrics([ids[1], shelved.id, "nobody-0"]) == {
        ids[1]: found[ids[1]],
        shelved.id: lab.metrics(shelved.id)[-1],
    }
