"""What each run of a group is told, whoever trains it or nobody."""

import pytest

from bcl_core.lab import GroupPlan, Lab
from bcl_core.lab.run import Held
from tests.conftest import small


@pytest.fixture
def ids(lab: Lab) -> list[str]:
    """Three runs of a group."""
    return lab.enqueue(GroupPlan("race", [(f"run {seed}", small(seed=seed, epochs=9)) for seed in range(3)]))


@pytest.fixture
def group(lab: Lab, ids: list[str]) -> str:
    return lab.run(ids[0]).group_id


def bring(lab: Lab, run_id: str, epoch: int, state: str = "running") -> None:
    for number in range(epoch + 1):
        lab.record_epoch(run_id, number, {})
    lab.record_state(run_id, state)


def stand(lab: Lab, ids: list[str]) -> list[tuple[str, int | None]]:
    return [(run.state, run.run_until) for run in map(lab.run, ids)]


@pytest.fixture
def worker(lab: Lab):
    """A worker lives: this process."""
    from bcl_core.lab.launch import worker_lock

    with worker_lock(lab, 0) as ours:
        assert ours
        yield


def test_runs_that_nobody_trains_are_held_each_at_its_own_epoch(lab, ids, group):
    bring(lab, ids[0], 2)
    bring(lab, ids[1], 1)
    lab.pause(group)
    assert stand(lab, ids) == [("paused", 2), ("paused", 1), ("paused", -1)]
    lab.resume(group)
    assert stand(lab, ids) == [("queued", None)] * 3
    lab.stop(group)
    assert [state for state, _ in stand(lab, ids)] == ["stopped"] * 3


def test_of_a_race_that_is_trained_those_behind_are_let_come_up_to_the_furthest(lab, ids, group, worker):
    bring(lab, ids[0], 2)
    bring(lab, ids[1], 1)
    locks = [lab.lock(ids[0]), lab.lock(ids[1])]
    lab.pause(group)
    assert stand(lab, ids) == [("running", 2), ("running", 2), ("queued", 2)]
    lab.record_epoch(ids[1], 2, {})
    with pytest.raises(Held, match="before epoch 3"):
        lab.record_epoch(ids[1], 3, {})
    for lock in locks:
        lock.release()


def test_a_lock_in_another_s_hand_means_that_its_holder_obeys_and_not_that_others_wait_for_a_worker(lab, ids, group):
    bring(lab, ids[0], 2)
    lock = lab.lock(ids[0])
    lab.pause(group)
    assert stand(lab, ids) == [("running", 2), ("paused", -1), ("paused", -1)], "no worker would bring the others up"
    lab.resume(group)
    assert stand(lab, ids) == [("running", None), ("queued", None), ("queued", None)]
    lab.stop(group)
    assert [state for state, _ in stand(lab, ids)] == ["running", "stopped", "stopped"]
    lock.release()


def test_a_step_takes_all_to_the_epoch_after_the_furthest_and_leaves_what_has_ended(lab, ids, group):
    bring(lab, ids[0], 3, "paused")
    bring(lab, ids[1], 1)
    bring(lab, ids[2], 7, "finished")
    lab.step(group)
    assert stand(lab, ids) == [("queued", 4), ("queued", 4), ("finished", None)]


def test_a_run_that_is_resumed_is_not_set_to_paused_by_who_has_read_it_before(lab, ids):
    lab.pause(ids[0])
    lab.resume(ids[0])
    lab.settle_hold(ids[0])
    assert lab.run(ids[0]).state == "queued"
