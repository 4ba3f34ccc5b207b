"""The worker, as real processes: it trains what is queued, obeys, and can be killed at any moment without loss."""

import json
import os
import re
import signal
import sqlite3
import subprocess
import sys
import time
from contextlib import contextmanager
from itertools import islice
from pathlib import Path

import numpy as np
import pytest

from bcl_core.lab import GroupPlan, Lab, ensure_worker, stop_worker, worker_status
from bcl_core.lab.files import encoded
from bcl_core.lab.locks import is_locked
from bcl_core.lab.recording import OpenRun
from bcl_core.lab.worker.hands import Hands, Report
from bcl_core.lab.worker.worker import Worker
from bcl_core.recipe import Execution
from bcl_core.training import Epoch, train
from benchmarks.kills import campaign
from harness.processes import children, hands
from tests.conftest import small

pytestmark = pytest.mark.slow

ONE_THREAD = Execution(device="cpu", threads=1)


def until(condition, seconds=60, message="it did not come about in time"):
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if condition():
            return
        time.sleep(0.05)
    pytest.fail(message)


@contextmanager
def workers(lab):
    """Start workers of a lab as processes of this test's own, and end them by their ids."""
    started = []

    def start(*arguments, **environment):
        command = [sys.executable, "-m", "bcl_core", "--home", str(lab.home), "worker", *arguments]
        env = {**os.environ, **environment}
        started.append(subprocess.Popen(command, env=env, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL))
        return started[-1]

    yield start
    for process in started:
        process.kill()
        process.wait()


@pytest.fixture
def start_worker(lab):
    with workers(lab) as start:
        yield start


@pytest.fixture(scope="module")
def one_worker(tmp_path_factory):
    """A lab and its worker, which has imported torch once for several tests."""
    lab = Lab(tmp_path_factory.mktemp("served") / "lab")
    with workers(lab) as start:
        yield lab, start()


@pytest.fixture
def served(one_worker):
    """That lab, where nothing is left to train by another test."""
    lab, worker = one_worker
    yield lab, worker
    for run in lab.active_runs():
        lab.stop(run.id)
    until(lambda: not lab.active_runs())
    assert worker.poll() is None


def queue(lab, *recipes):
    return lab.enqueue(GroupPlan("race", [(recipe.title, recipe) for recipe in recipes]), ONE_THREAD)


def finished(lab, run_ids):
    return all(lab.run(run_id).state == "finished" for run_id in run_ids)


def undisturbed(recipe, epochs=None):
    """Return the epochs, or the first few, of a recipe trained here."""
    return list(islice((event for event in train(recipe, ONE_THREAD) if isinstance(event, Epoch)), epochs))


def assert_run_equals(lab, run_id, epochs):
    recorded = lab.metrics(run_id)
    assert [row["epoch"] for row in recorded] == [epoch.epoch for epoch in epochs]
    for row, epoch in zip(recorded, epochs, strict=True):
        assert row.pop("distance_to_prediction") is not None  # of what only the run's folder knows
        assert row == {"epoch": epoch.epoch, **json.loads(json.dumps(dict(epoch.metrics)))}
        arrays = lab.folder(run_id).arrays(lab.folder(run_id).view(epoch.epoch))
        for name, array in epoch.view.items():
            np.testing.assert_array_equal(arrays[name], array)


def test_a_checkpoint_that_the_database_does_not_know_is_made_again(lab):
    """As after a death between the checkpoint and the database: the epoch is repeated, its snapshot stands."""
    recipe = small(epochs=4)
    [run_id] = queue(lab, recipe)
    first = OpenRun(lab, run_id, lab.lock(run_id))
    for _ in range(2):
        first.advance(lambda: True)
    first.close()
    with sqlite3.connect(lab.home / "lab.sqlite") as db:
        db.execute("DELETE FROM metrics WHERE epoch = 1")
        db.execute("UPDATE runs SET epoch = 0")
    folder = lab.folder(run_id)
    file = folder.view(1)
    marked = encoded(folder.arrays(file), **folder.metadata(file), mark="not written again")
    file.write_bytes(marked)
    second = OpenRun(lab, run_id, lab.lock(run_id))
    while second.advance(lambda: True):
        pass
    assert folder.content(file) == marked
    assert_run_equals(lab, run_id, undisturbed(recipe))


def test_step_does_one_epoch_pause_holds_one_core_has_one_hand_and_who_is_asked_to_leave_keeps_its_runs_queued(
    lab, start_worker
):
    recipes = [small(preset, epochs=50) for preset in ("digits-scl", "digits-bcl")]
    ids = queue(lab, *recipes)
    group = lab.run(ids[0]).group_id
    lab.pause(group)
    worker = start_worker(LOKY_MAX_CPU_COUNT="1")
    until(lambda: all(lab.run(i).state == "paused" for i in ids))
    lab.step(group)
    until(lambda: [lab.run(i).epoch for i in ids] == [1, 1])
    assert len(hands(lab.home)) == 1
    for run_id, recipe in zip(ids, recipes, strict=True):
        assert_run_equals(lab, run_id, undisturbed(recipe, 2))
    lab.step(ids[0])
    until(lambda: lab.run(ids[0]).epoch == 2 and lab.run(ids[0]).state == "paused")
    time.sleep(0.5)
    assert [lab.run(i).epoch for i in ids] == [2, 1]
    lab.resume(group)
    until(lambda: "running" in states_of(lab, ids))
    assert stop_worker(lab)
    assert worker.wait(timeout=30) == 0
    assert states_of(lab, ids) == ["queued"] * 2


def epochs_of(lab, ids):
    return [lab.run(run_id).epoch for run_id in ids]


def states_of(lab, ids):
    return [lab.run(run_id).state for run_id in ids]


def test_a_race_of_three_advances_and_stands_together_and_every_run_equals_one_trained_alone(served):
    lab, worker = served
    recipes = [small(preset, epochs=9) for preset in ("digits-scl", "digits-bcl", "digits-bcl-class")]
    ids = queue(lab, *recipes)
    group = lab.run(ids[0]).group_id

    def together():
        epochs = [-1 if epoch is None else epoch for epoch in epochs_of(lab, ids)]
        assert max(epochs) - min(epochs) <= 1
        return min(epochs)

    for stood in (0, 3):
        until(lambda least=stood: together() > least)
        lab.pause(group)
        until(lambda: states_of(lab, ids) == ["paused"] * 3)
        [held] = set(epochs_of(lab, ids))
        lab.step(group)
        until(lambda: states_of(lab, ids) == ["paused"] * 3)
        assert epochs_of(lab, ids) == [held + 1] * 3
        lab.resume(group)
    [nursery] = children(worker.pid)
    threads = [task.read_text().strip() for task in Path(f"/proc/{nursery}/task").glob("*/comm")]
    assert len([name for name in threads if name != "jemalloc_bg_thd"]) == 1, "a fork would lose the others"
    os.kill(hands(lab.home)[1], signal.SIGKILL)
    until(lambda: together() == 9)
    until(lambda: finished(lab, ids))
    for run_id, recipe in zip(ids, recipes, strict=True):
        assert_run_equals(lab, run_id, undisturbed(recipe))


def test_one_that_is_held_stays_where_it_is_when_its_race_is_paused_and_comes_along_with_a_step(served):
    lab, _ = served
    ids = queue(lab, *(small(preset, epochs=500) for preset in ("digits-scl", "digits-bcl", "digits-bcl-class")))
    group = lab.run(ids[0]).group_id
    until(lambda: (lab.run(ids[0]).epoch or 0) >= 1)
    lab.pause(ids[0])
    until(lambda: lab.run(ids[0]).state == "paused")
    held = lab.run(ids[0]).epoch
    until(lambda: min(epochs_of(lab, ids[1:])) >= held + 2)
    lab.pause(group)
    until(lambda: states_of(lab, ids) == ["paused"] * 3)
    first, *others = epochs_of(lab, ids)
    assert first == held and len(set(others)) == 1
    lab.step(group)
    until(lambda: epochs_of(lab, ids) == [others[0] + 1] * 3)


def test_a_race_whose_worker_was_killed_is_paused_and_stopped_at_once_and_nobody_trains_it_any_more(lab, start_worker):
    ids = queue(lab, *(small(preset, epochs=500) for preset in ("digits-scl", "digits-bcl", "digits-bcl-class")))
    group = lab.run(ids[0]).group_id
    worker = start_worker()
    until(lambda: (lab.run(ids[0]).epoch or 0) >= 1)
    assert len(hands(lab.home)) == 3
    worker.send_signal(signal.SIGKILL)
    worker.wait()
    until(lambda: not any(is_locked(lab.folder(run_id).lock) for run_id in ids))
    stood = epochs_of(lab, ids)
    assert "running" in states_of(lab, ids) and not worker_status(lab).alive
    lab.pause(group)
    assert states_of(lab, ids) == ["paused"] * 3 and epochs_of(lab, ids) == stood
    assert not any(lab.run(run_id).wants_to_train for run_id in ids), "each is held where it is"
    lab.stop(ids[2])
    assert states_of(lab, ids) == ["paused", "paused", "stopped"]
    lab.resume(group)
    assert states_of(lab, ids) == ["queued"] * 3


def test_a_race_among_kills_and_on_a_disk_that_fails_loses_nothing_and_ends_with_undisturbed_numbers(lab, tmp_path):
    recipes = [small(preset, epochs=8) for preset in ("digits-scl", "digits-bcl")]
    faults = [("checkpoint", "ENOSPC"), ("snapshot", "EIO"), ("database", "EROFS")]
    found = campaign(lab, recipes, kills=4, seed=0, faults=faults, control=tmp_path / "fault")
    assert (found.counted["hand"], found.counted["worker"]) == (3, 1)
    assert set(found.faults.values()) == {1} and len(found.faults) == 3
    reasons = " ".join(found.resumed)
    assert "is full: free some space" in reasons and "did not do its work" in reasons and "Traceback" not in reasons
    assert not found.lost and len(found.known) == 9 * len(found.ids) and {*found.states} == {"finished"}
    calm = [undisturbed(recipe) for recipe in recipes]
    for place, run_id in enumerate(found.ids):
        assert_run_equals(lab, run_id, calm[place % len(calm)])


def test_what_waits_obeys_at_once_while_the_worker_is_busy_and_holds_up_nothing_behind_it(served):
    lab, _ = served
    [first] = queue(lab, small(epochs=500))
    until(lambda: (lab.run(first).epoch or 0) >= 1)
    [waiting] = queue(lab, small(epochs=1))
    for act, state in ((lab.pause, "paused"), (lab.resume, "queued"), (lab.stop, "stopped"), (lab.resume, "queued")):
        act(waiting)
        assert lab.run(waiting).state == state
    [held] = queue(lab, small(epochs=1))
    lab.pause(held)
    stopped, beside = queue(lab, small("digits-scl", epochs=1), small("digits-bcl", epochs=1))
    lab.stop(stopped)
    broken, last = queue(lab, small("own-images-bcl", epochs=1), small(epochs=1))
    lab.stop(first)
    until(lambda: finished(lab, [waiting, beside, last]))
    assert states_of(lab, [held, stopped, broken]) == ["paused", "stopped", "failed"]
    assert "data.path" in (lab.run(broken).error or "")


def test_only_one_worker_serves_a_lab(served):
    lab, first = served
    with workers(lab) as start:
        assert start("--wait", "0.2").wait(timeout=30) == 0
    assert first.poll() is None


def test_an_idle_worker_leaves(lab, start_worker):
    assert start_worker("--idle", "0.5").wait(timeout=60) == 0


def test_a_run_on_a_dead_drive_is_steered_fails_when_its_hand_is_killed_twice_and_others_go_on_and_the_worker_leaves(
    lab, start_worker, on_a_dead_drive
):
    [dropped] = queue(lab, small(epochs=1))
    worker = start_worker()

    def hand_but(known=()):
        until(lambda: lab.run(on_a_dead_drive).state == "running" and {*hands(lab.home)} - {*known})
        return hands(lab.home)

    first = hand_but()
    lab.stop(dropped)  # before anything else may be trained: there is one hand
    lab.pause(on_a_dead_drive)
    until(lambda: states_of(lab, [on_a_dead_drive, dropped]) == ["paused", "stopped"])
    lab.resume(on_a_dead_drive)
    assert hand_but() == first, "what it reads, it has"
    os.kill(first[0], signal.SIGKILL)
    until(lambda: lab.run(on_a_dead_drive).note is not None)
    assert "trained 'photos' was killed, perhaps for want of memory; it begins anew" in lab.run(on_a_dead_drive).note
    second = hand_but(first)
    os.kill(second[0], signal.SIGKILL)
    until(lambda: lab.run(on_a_dead_drive).state == "failed")
    told = r"twice before its first epoch, the process that (trained|was to train) 'photos' "
    assert re.search(told, lab.run(on_a_dead_drive).error), "it may be killed before it has said that it lives"
    lab.resume(on_a_dead_drive)
    hand_but(second)
    [following] = queue(lab, small(epochs=1))
    lab.stop(on_a_dead_drive)
    until(lambda: finished(lab, [following]))
    assert lab.run(on_a_dead_drive).state == "stopped"
    assert worker.poll() is None and worker_status(lab).pid == worker.pid
    lab.resume(on_a_dead_drive)
    until(lambda: lab.run(on_a_dead_drive).state == "running")
    assert stop_worker(lab)
    assert worker.wait(timeout=30) == 0
    assert lab.run(on_a_dead_drive).state == "queued" and not worker_status(lab).alive


def test_a_run_that_is_held_before_its_hand_has_taken_it_up_goes_on_in_that_hand(lab, monkeypatch):
    monkeypatch.setattr(Hands, "warm_up", lambda _: None)  # what the hand says, this test does
    [run_id] = queue(lab, small(epochs=1))
    worker = Worker(lab)
    worker.look()
    [hand] = worker._hands
    lab.pause(run_id)
    worker._heard(hand, Report(run_id, keeps=False))
    worker.look()
    assert lab.run(run_id).state == "paused" and [*worker._hands] == [hand]
    lab.resume(run_id)
    worker.look()
    assert [*worker._hands] == [hand] and hand.tasks[run_id].busy


ASKED = {
    "flag": lambda lab, _: stop_worker(lab),
    "SIGTERM": lambda _, process: process.terminate(),
    "SIGINT": lambda _, process: process.send_signal(signal.SIGINT),
}


@pytest.mark.parametrize("how", ASKED)
def test_a_worker_whose_import_of_torch_hangs_stops_runs_and_leaves(lab, start_worker, tmp_path, monkeypatch, how):
    os.mkfifo(tmp_path / "never")
    (tmp_path / "torch.py").write_text(f"open({str(tmp_path / 'never')!r}).read()")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    [kept, dropped] = queue(lab, small("digits-scl"), small("digits-bcl"))
    process = start_worker()
    until(lambda: worker_status(lab).pid == process.pid)
    lab.stop(dropped)
    until(lambda: lab.run(dropped).state == "stopped")
    ASKED[how](lab, process)
    assert process.wait(timeout=30) == 0
    assert lab.run(kept).state == "queued"


def test_a_started_worker_outlives_its_starter_and_is_replaced_when_its_code_is_old(lab):
    start = "import sys; from bcl_core.lab import *; ensure_worker(Lab.open())"
    subprocess.run([sys.executable, "-c", start], check=True, env={**os.environ, "BCL_LAB_HOME": str(lab.home)})
    try:
        until(lambda: worker_status(lab).alive)
        old = worker_status(lab).pid
        lab.worker.sign_in(old, "another version")
        ensure_worker(lab)
        until(lambda: worker_status(lab).alive and worker_status(lab).pid != old)
        assert worker_status(lab).up_to_date
    finally:
        stop_worker(lab)
        until(lambda: not worker_status(lab).alive)


def test_a_worker_that_cannot_start_says_why(lab, monkeypatch):
    monkeypatch.setattr(sys, "executable", "/bin/false")
    ensure_worker(lab)
    until(lambda: worker_status(lab).failure is not None)
    assert "exit code 1" in (worker_status(lab).failure or "")
