"""The reproduction report says what the committed results say, and nothing else."""

import json
import re

import numpy as np
import pytest

from bcl_core.geometry import simplex_angle
from bcl_core.recipe import Recipe
from benchmarks import normalised, reproduction
from benchmarks.ablations import SEEDS, cell_recipe, cells
from benchmarks.pretrained import COLLECTIONS, CONTRASTIVE, seeds_file
from tests.lab.test_shelf import SHIPPED

RUNS = json.loads((SHIPPED / "ablations.json").read_text(encoding="utf-8"))["runs"]
TEXT = (SHIPPED.parent / "docs" / "reproduction.md").read_text(encoding="utf-8")


@pytest.mark.slow
def test_every_table_is_what_the_script_makes_of_the_results():
    assert reproduction.filled(TEXT, RUNS) == TEXT
    assert len(re.findall("<!-- table ", TEXT)) == 10


@pytest.mark.slow
@pytest.mark.parametrize("loss", normalised.LOSSES)
def test_what_ntce_and_nonl_are_predicted_to_come_to_is_lowest_wherever_it_starts_and_in_any_dimension(
    loss, monkeypatch
):
    monkeypatch.setattr(normalised, "COMPOSITIONS", 20)  # over fewer batches the loss is as convex
    optimum = normalised.optimum.__wrapped__  # not those that are remembered over more
    for setting in normalised.settings().values():
        value, means = optimum(loss, setting)
        elsewhere, others = optimum(loss, setting, dim=20, start=1)
        assert value == pytest.approx(elsewhere, abs=1e-8)
        assert means @ means.T == pytest.approx(others @ others.T, abs=2e-3)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("loss", "words"),
    [("ntce", "NTCE's in four of five seeds, by {} to {}°"), ("nonl", "NONL's in five of five, by {} to {}°")],
)
def test_tails_are_narrower_than_predicted_in_as_many_seeds_as_it_says_and_not_for_the_batch(loss, words):
    whole, batched = (
        normalised.predicted(loss, normalised.settings()[f"digits{b}"])
        for b in (", one batch of everything", ", batches of 64")
    )
    trained = [run["last"]["tail_tail"] for run in RUNS if run["cell"] == loss]
    by = [batched["angle_tail_tail"] - tail for tail in trained if tail < batched["angle_tail_tail"]]
    assert len(by) == {"four": 4, "five": 5}[words.split()[2]]
    assert words.format(round(min(by)), round(max(by))) in TEXT
    means = [f"angle_{pairs}" for pairs in ("head_head", "head_tail", "tail_tail")]
    assert max(abs(whole[name] - batched[name]) for name in means) < 2


@pytest.mark.parametrize("loss", normalised.LOSSES)
def test_ntce_and_nonl_have_the_simplex_with_equal_counts_alone_and_see_nothing_but_their_ratios(loss):
    for temperature in (0.1, 0.3, 1.0):
        alike, tailed = (normalised.Setting(counts, temperature) for counts in ((6,) * 5, (30, 12, 6, 2, 1)))
        angles = np.array([normalised.predicted(loss, alike)[f"angle_{key}"] for key in ("mean", "tail_tail", "std")])
        assert angles == pytest.approx([simplex_angle(5), simplex_angle(5), 0], abs=0.1)
        assert normalised.predicted(loss, tailed)["angle_rms_deviation"] > 1
        twice = tailed._replace(counts=tuple(2 * count for count in tailed.counts))
        assert normalised.optimum(loss, twice)[0] == pytest.approx(normalised.optimum(loss, tailed)[0] + np.log(2))


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
        best, kept = runs[0]["best"], {row["epoch"]: row["accuracy"] for row in metrics}
        assert best["accuracy"] == pytest.approx(kept.get(best["epoch"], best["accuracy"]), abs=1e-4)
        assert best["accuracy"] >= max(kept.values()) - 1e-4


def test_every_collection_is_on_the_shelf():
    wanted = {f"{group.prefix}-{loss}" for groups in COLLECTIONS.values() for group in groups for loss in group.losses}
    assert wanted == {folder.name for folder in SHIPPED.iterdir() if folder.is_dir()}
