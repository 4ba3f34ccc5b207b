"""A race is known again by its recipes and its data, and by nothing else."""

from pathlib import Path

import pytest

from bcl_core.lab import GroupPlan, Lab
from bcl_core.lab.equal import equal_race
from bcl_core.recipe import DataPaths, Execution, apply_settings, preset
from tests.conftest import small

RECIPES = [small("digits-scl"), small("digits-bcl"), small("digits-bcl", seed=1)]
HERE = DataPaths()


def queue(lab: Lab, recipes, path: Path | None = None, name: str = "race") -> list[str]:
    runs = [(f"run {place}", recipe) for place, recipe in enumerate(recipes)]
    return lab.enqueue(GroupPlan(name, runs), Execution(threads=1, data=DataPaths(path=path)))


def found(lab: Lab, recipes, paths: DataPaths = HERE) -> list[str] | None:
    runs = equal_race(lab, recipes, paths)
    return None if runs is None else [run.id for run in runs]


@pytest.mark.parametrize("state", ["queued", "running", "paused", "finished"])
def test_a_race_is_found_whatever_the_order_and_told_in_the_order_asked(lab, state):
    ids = queue(lab, RECIPES)
    for run_id in ids:
        lab.record_state(run_id, state)
    assert found(lab, RECIPES) == ids
    assert found(lab, RECIPES[::-1]) == ids[::-1]
    assert found(lab, RECIPES, DataPaths(path=Path("/photos"))) == ids, "the digits need no path"


def test_of_two_the_newest_is_found(lab):
    queue(lab, RECIPES)
    newest = queue(lab, RECIPES, name="again")
    assert found(lab, RECIPES) == newest


def test_recipes_that_differ_in_anything_seed_or_number_are_another_race(lab):
    queue(lab, RECIPES)
    assert found(lab, RECIPES[:2]) is None
    assert found(lab, [*RECIPES, small(seed=2)]) is None
    assert found(lab, [*RECIPES[:2], small("digits-bcl", seed=2)]) is None
    assert found(lab, [RECIPES[0], RECIPES[0], RECIPES[1]]) is None
    assert found(lab, []) is None


def test_a_recipe_may_be_there_twice(lab):
    ids = queue(lab, [RECIPES[0]] * 2)
    assert sorted(found(lab, [RECIPES[0]] * 2) or []) == sorted(ids)


@pytest.mark.parametrize("state", ["failed", "stopped"])
def test_runs_that_came_to_nothing_do_not_count(lab, state):
    ids = queue(lab, RECIPES)
    lab.record_state(ids[1], state)
    assert found(lab, RECIPES) is None
    assert found(lab, [RECIPES[0], RECIPES[2]]) == [ids[0], ids[2]]


def test_a_run_that_is_being_stopped_or_cannot_be_read_does_not_count(lab):
    stopping, unreadable = queue(lab, RECIPES[:1]), queue(lab, RECIPES[1:2])
    lock = lab.lock(stopping[0])
    lab.stop(stopping[0])
    lab._database.change("UPDATE runs SET recipe = '{' WHERE id = ?", unreadable[0])
    assert found(lab, RECIPES[:1]) is None and found(lab, RECIPES[1:2]) is None
    lock.release()


def test_a_run_that_starts_from_imported_weights_is_not_what_its_recipe_says(lab):
    copy = lab.enqueue_copy("digits-scl", Execution())
    lab.record_state(copy, "finished")
    assert found(lab, [lab.run(copy).training_recipe]) is None


def test_data_that_need_a_path_are_the_same_at_the_same_path(lab):
    recipe, _ = apply_settings(preset("digits-bcl"), Execution(), {"data.source": "list-files"})
    ids = queue(lab, [recipe], Path("/photos"))
    assert found(lab, [recipe], DataPaths(path=Path("/photos"))) == ids
    assert found(lab, [recipe], DataPaths(path=Path("/photos"), lists=Path("/photos"))) == ids
    assert found(lab, [recipe], DataPaths(path=Path("/photos"), lists=Path("/lists"))) is None
    assert found(lab, [recipe], DataPaths(path=Path("/others"))) is None


def test_a_race_of_the_shelf_is_found(lab):
    runs = [run for run in lab.shelf.runs if run.group_id == lab.run("digits-scl").group_id]
    assert found(lab, [run.training_recipe for run in runs]) == [run.id for run in runs]
    mine = queue(lab, [run.training_recipe for run in runs])
    assert found(lab, [run.training_recipe for run in runs]) == mine, "the lab's own come first"
