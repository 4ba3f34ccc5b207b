"""The reproduction report says what the committed results say, and nothing else."""

import json
import re

import pytest

from bcl_core.recipe import Recipe
from benchmarks import reproduction
from benchmarks.ablations import SEEDS, cell_recipe, cells
from benchmarks.pretrained import COLLECTIONS, CONTRASTIVE, seeds_file
from tests.lab.test_shelf import SHIPPED

RUNS = json.loads((SHIPPED / "ablations.json").read_text(encoding="utf-8"))["runs"]
TEXT = (SHIPPED.parent / "docs" / "reproduction.md").read_text(encoding="utf-8")


def test_every_table_is_what_the_script_makes_of_the_results():
    assert reproduction.filled(TEXT, RUNS) == TEXT
    assert len(re.findall("<!-- table ", TEXT)) == 9


def test_every_cell_has_five_seeds():
    assert {(run["cell"], run["seed"]) for run in RUNS} == {(cell, seed) for cell in cells() for seed in SEEDS}


@pytest.mark.parametrize("cell", cells())
def test_a_cell_changes_what_its_name_says_and_nothing_else(cell):
    base, changed = cell_recipe("bcl", 0).model_dump(), cell_recipe(cell, 0).model_dump()
    for section in (base, changed):
        section["loss"] = {**section["loss"], "name": "", "anchors": "", "prototypes": "", "prior_strength": 0}
    differing = {
        f"{section}.{field}"
        for section, value in base.items()
        if isinstance(value, dict)
        for field in value
        if value[field] != changed[section][field]
    }
    named = {
        "temperature": {"loss.temperature"},
        "imbalance factor": {"data.imbalance_factor"},
        "imbalance kind": {"data.imbalance_kind"},
    }
    wanted = next((fields for words, fields in named.items() if words in cell), set())
    assert differing - {"data.max_per_class"} == wanted
    others = {key for key, value in base.items() if not isinstance(value, dict) and value != changed[key]}
    assert others == ({"epochs"} if "epochs" in cell else set())


@pytest.mark.parametrize("loss", ["ce-la", *CONTRASTIVE])
def test_the_shipped_digits_run_is_a_run_of_the_ablations(loss):
    """The same recipe, trained twice, at different times."""
    [run] = [run for run in RUNS if run["cell"] == loss and run["seed"] == 0]
    recipe = Recipe.parse((SHIPPED / f"digits-{loss}" / "recipe.json").read_text(encoding="utf-8"))
    assert recipe == cell_recipe(loss, 0)
    last = json.loads((SHIPPED / f"digits-{loss}" / "metrics.json").read_text(encoding="utf-8"))[-1]
    assert run["last"]["tail_tail"] == pytest.approx(last["angle_tail_tail"], abs=0.01)
    assert run["last"]["accuracy"] == pytest.approx(100 * last["accuracy"], abs=0.01)


@pytest.mark.parametrize("group", [group for groups in COLLECTIONS.values() for group in groups if group.seeds[1:]])
def test_the_shelved_run_is_the_first_of_the_seeds_that_are_summed_up(group):
    summary = json.loads((SHIPPED / seeds_file(group).name).read_text(encoding="utf-8"))
    assert list(summary) == list(group.losses)
    for loss, runs in summary.items():
        assert [run["seed"] for run in runs] == list(group.seeds)
        metrics = json.loads((SHIPPED / f"{group.prefix}-{loss}" / "metrics.json").read_text(encoding="utf-8"))
        for name, value in runs[0]["last"].items():
            assert value == pytest.approx(metrics[-1][name], abs=1e-4)
        assert runs[0]["best"]["accuracy"] == pytest.approx(max(row["accuracy"] for row in metrics), abs=1e-4)


def test_every_collection_is_on_the_shelf():
    wanted = {f"{group.prefix}-{loss}" for groups in COLLECTIONS.values() for group in groups for loss in group.losses}
    assert wanted == {folder.name for folder in SHIPPED.iterdir() if folder.is_dir()}
