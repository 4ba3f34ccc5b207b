"""Names tell apart what is shown together, and say no more than that takes."""

import pytest

from app import names
from bcl_core.lab import GroupPlan, Lab
from tests.conftest import small


def enqueue(lab: Lab, group: str, *names: str, **settings) -> None:
    lab.enqueue(GroupPlan(group, [(name, small(**settings)) for name in names]))


@pytest.mark.parametrize("name", ["BCL", "BCL, seed 0", "BCL, τ 0.3, seed 0 (2)", "BCL, digits, imbalance 50"])
def test_one_run_of_a_loss_that_the_app_named_is_called_by_its_loss(lab, name):
    enqueue(lab, "race", name)
    assert names.labels(lab.runs()) == ["BCL"]


@pytest.mark.parametrize("name", ["Tuesday's lecture run", "BCL, Tuesday"])
def test_a_run_that_somebody_renamed_is_called_by_that_name(lab, name):
    enqueue(lab, "race", "BCL, seed 0")
    lab.rename(lab.runs()[0].id, name)
    assert names.labels(lab.runs()) == [name]


def test_a_name_that_is_its_group_s_stands_once(lab):
    for _ in range(2):
        enqueue(lab, "BCL, seed 0", "BCL, seed 0")
    assert names.labels(lab.runs()) == ["BCL, seed 0", "BCL, seed 0 (2)"]


def test_runs_of_one_loss_are_called_by_their_names_then_their_groups_then_numbered(lab):
    enqueue(lab, "seeds", "seed 0", "seed 1")
    assert set(names.labels(lab.runs())) == {"seed 0", "seed 1"}
    enqueue(lab, "again", "seed 0", "seed 2", "seed 2")
    assert set(names.labels(lab.runs())) == {
        "seed 0 · seeds",
        "seed 0 · again",
        "seed 1",
        "seed 2 · again",
        "seed 2 · again (2)",
    }
