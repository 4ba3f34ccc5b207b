"""The page Inspect chooses runs and tells the inspector what no epoch moves; the rest is tested in a browser."""

import json

import pytest

from app import palette
from app.components import stage
from bcl_core.lab import GroupPlan
from harness.made_runs import make_runs
from tests.app.conftest import train_here
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
    assert [run["id"] for run in stage.told([lab.run(run_id)])["runs"]] == [run_id]


def test_what_is_told_are_names_colours_and_addresses_alone(trained):
    told = stage.told(trained.runs())
    assert len(json.dumps(told, allow_nan=False)) < 5_000
    assert [run["label"] for run in told["runs"]] == ["SCL", "BCL", "BCL, class anchors"]
    for run, row in zip(told["runs"], trained.runs(), strict=True):
        style = palette.loss_style(row.recipe.variant)
        assert run == {"id": row.id, "label": row.recipe.title, "colour": style.colour, "dash": style.dash}


def test_runs_of_groups_of_one_name_are_told_apart_in_the_menu(lab, open_page):
    make_runs(lab, ["bcl"], 1, name="race")
    make_runs(lab, ["bcl"], 1, name="race")
    make_runs(lab, ["bcl", "bcl"], 1, name="twins")
    options = open_page("inspect").multiselect(key="inspect/runs").options
    assert len(options) == len(set(options))
    names = [name for name in options if name.startswith(("race · ", "twins · "))]
    assert len(names) == 4
    assert sum(name.startswith("twins · bcl, seed 0 · ") for name in names) == 2


def test_an_empty_lab_shows_the_runs_that_come_with_the_project(lab, open_page):
    app = open_page("inspect")
    assert chosen(app) == ["digits-scl", "digits-bcl", "digits-bcl-class"]
    assert not app.exception and not app.warning
