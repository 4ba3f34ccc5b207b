"""The page Inspect chooses runs and tells the inspector what no epoch moves; the rest is tested in a browser."""

import json

import numpy as np
import pytest

from app import inspecting, palette, reading
from bcl_core import geometry
from bcl_core.lab import GroupPlan
from tests.app.conftest import train_here
from tests.browser.made_runs import make_runs
from tests.conftest import small


def chosen(app):
    return app.multiselect(key="inspect/runs").value


def test_the_newest_group_is_shown_and_at_most_three_of_it(lab, open_page):
    train_here(lab, "older", epochs=1)
    ids = train_here(lab, "newer", epochs=1)
    lab.move_to_group([*ids, lab.runs()[-1].id], "four runs")
    app = open_page("inspect")
    assert len(chosen(app)) == 3
    assert {lab.run(run_id).group_name for run_id in chosen(app)} == {"four runs"}
    assert not app.exception and not app.warning


def test_the_address_chooses_the_runs_in_its_order(trained, open_page):
    ids = [run.id for run in trained.runs()]
    assert chosen(open_page("inspect", runs=f"{ids[2]}.{ids[0]}")) == [ids[2], ids[0]]


def test_older_links_still_open_their_runs(trained, open_page):
    ids = [run.id for run in trained.runs()]
    assert chosen(open_page("inspect", run=ids[1], other=ids[0])) == [ids[1], ids[0]]
    assert chosen(open_page("inspect", run=ids[1], other="none", epoch="1")) == [ids[1]]


@pytest.mark.parametrize("parameter", ["run", "runs"])
@pytest.mark.parametrize("wanted", ["261111-0000000000", "<b>", "ids with spaces"])
def test_a_run_that_is_not_there_is_named_and_others_are_shown(trained, open_page, parameter, wanted):
    app = open_page("inspect", **{parameter: wanted})
    assert wanted in app.warning[0].value
    assert len(chosen(app)) == 3
    assert not app.exception and not app.error


def test_a_run_that_has_not_begun_can_be_chosen(lab, open_page):
    [run_id] = lab.enqueue(GroupPlan("waiting", [("run", small())]))
    app = open_page("inspect", runs=run_id)
    assert chosen(app) == [run_id]
    assert not app.exception and not app.error
    assert inspecting.told([lab.run(run_id)])["runs"][0]["classes"] is None


def test_what_is_told_is_plain_json_without_an_epoch_in_it(trained):
    told = inspecting.told(trained.runs())
    assert len(json.dumps(told, allow_nan=False)) < 60_000
    assert [run["label"] for run in told["runs"]] == ["SCL", "BCL", "BCL, class anchors"]
    for run, row in zip(told["runs"], trained.runs(), strict=True):
        assert (run["colour"], run["dash"]) == (
            palette.loss_style(row.recipe.variant).colour,
            palette.loss_style(row.recipe.variant).dash,
        )
        assert f"seed {row.recipe.seed}" in run["recipe"]
        figures = [*run["classes"]["figures"].values(), told["curve"]]
        roles = {trace["meta"]["role"] for figure in figures for trace in figure["data"]}
        assert {"tail–tail", "measured", "pull", "line"} <= roles


def test_the_predicted_optimum_is_turned_onto_the_simplex_and_keeps_its_angles(trained):
    for run in inspecting.told(trained.runs())["runs"]:
        simplex, predicted = (np.array(run["classes"][name]) for name in ("simplex", "predicted"))
        means = reading.predicted_means(run["id"])
        np.testing.assert_allclose(geometry.pairwise_angles(predicted), geometry.pairwise_angles(means), atol=0.1)
        assert (np.linalg.norm(predicted - simplex, axis=1) < 0.8).all()


def test_seeds_of_one_variant_in_a_group_make_a_band(lab):
    from bcl_core.lab.recording import OpenRun

    ids = lab.enqueue(GroupPlan("seeds", [(f"seed {seed}", small(seed=seed, epochs=1)) for seed in (0, 1)]))
    for run_id in ids:
        opened = OpenRun(lab, run_id, lab.lock(run_id))
        while opened.advance(lambda: True):
            pass
    first, second = inspecting.told(lab.runs())["runs"]
    assert first["seeds"] == second["seeds"]
    assert first["seeds"]["runs"] == 2 and first["seeds"]["epochs"] == [0, 1]
    ends = [[row["angle_tail_tail"] for row in lab.metrics(run_id)] for run_id in ids]
    np.testing.assert_allclose(first["seeds"]["low"]["angle_tail_tail"], np.min(ends, axis=0), atol=1e-5)
    np.testing.assert_allclose(first["seeds"]["high"]["angle_tail_tail"], np.max(ends, axis=0), atol=1e-5)


def test_a_run_without_sisters_has_no_band(trained):
    assert [run["seeds"] for run in inspecting.told(trained.runs())["runs"]] == [None] * 3


def test_controls_are_the_runs_that_differ_in_their_training_counts_alone(lab):
    rare_last = np.array([40, 20, 10, 4])
    [usual, other] = make_runs(lab, ["bcl", "scl"], 1, name="usual", counts=rare_last)
    [even] = make_runs(lab, ["bcl"], 1, name="even", settings={"data.imbalance_factor": 1}, counts=np.full(4, 40))
    [nearer] = make_runs(lab, ["bcl"], 1, name="as many", settings={"data.max_per_class": 18}, counts=np.full(4, 18))
    first = {"data.rare_classes": "first"}
    [swapped] = make_runs(lab, ["bcl"], 1, name="swapped", settings=first, counts=rare_last[::-1])
    make_runs(lab, ["bcl"], 1, name="other seed", settings={"seed": 1}, counts=np.full(4, 19))
    make_runs(lab, ["bcl"], 1, name="in no order", counts=rare_last[[1, 0, 2, 3]])
    rows = {run.id: run for run in lab.runs()}

    def controls(*chosen):
        told = inspecting.told([rows[run.id] for run in chosen])["runs"]
        return [{kind: made["run"] and made["run"]["id"] for kind, made in run["controls"].items()} for run in told]

    assert controls(usual, other) == [
        {"balanced": nearer.id, "swapped": swapped.id},  # of two balanced ones, that with as many images in all
        {"balanced": None, "swapped": None},
    ]
    assert controls(swapped) == [{"balanced": nearer.id, "swapped": usual.id}]
    assert controls(even) == [{"balanced": None, "swapped": None}]
    assert controls(usual, nearer)[0]["balanced"] == even.id  # nobody stands in for a run that is shown itself
    told = inspecting.told([rows[usual.id], rows[other.id]])["runs"]
    assert told[0]["controls"]["balanced"]["run"]["label"] == f"{usual.recipe.title}, balanced"
    assert "images in the largest class to 18" in told[1]["controls"]["balanced"]["how"]
    assert "rare classes to first" in told[1]["controls"]["swapped"]["how"]


def test_runs_of_groups_of_one_name_are_told_apart_in_the_menu(lab, open_page):
    make_runs(lab, ["bcl"], 1, name="race")
    make_runs(lab, ["bcl"], 1, name="race")
    make_runs(lab, ["bcl", "bcl"], 1, name="twins")
    options = open_page("inspect").multiselect(key="inspect/runs").options
    assert len(options) == len(set(options))
    names = [name for name in options if name.startswith(("race · ", "twins · "))]
    assert len(names) == 4
    assert sum(name.startswith("twins · bcl, seed 0 · ") for name in names) == 2


def test_an_empty_lab_shows_the_runs_that_come_with_the_project_and_their_controls(lab, open_page):
    app = open_page("inspect")
    assert chosen(app) == ["digits-scl", "digits-bcl", "digits-bcl-class"]
    assert not app.exception and not app.warning
    for run in inspecting.told([lab.run(run_id) for run_id in chosen(app)])["runs"]:
        made = {kind: control["run"]["id"] for kind, control in run["controls"].items()}
        assert made == {kind: run["id"].replace("digits-", f"digits-{kind}-") for kind in ("balanced", "swapped")}
