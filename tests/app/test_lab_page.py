"""The page Inspect chooses runs and tells the stage what no epoch moves; the rest is tested in a browser."""

import json

import numpy as np
import pytest

from app import palette
from app.components import stage
from bcl_core.lab import GroupPlan, Recorder
from harness.made_runs import make_runs
from tests.conftest import small

RACE = ("scl", "bcl", "bcl-class")


def chosen(app):
    return app.multiselect(key="lab/runs").value


def test_the_newest_race_opens_with_all_its_runs_and_with_five_of_many(lab, open_page):
    make_runs(lab, RACE, 1, name="older")
    ids = [run.id for run in make_runs(lab, RACE, 1, name="newer")]
    assert chosen(open_page("lab")) == ids
    others = [run.id for run in make_runs(lab, ["bcl", "scl", "bcl"], 1)]
    lab.move_to_group([*ids, *others], "six runs")
    app = open_page("lab")
    assert len(chosen(app)) == 5
    assert {lab.run(run_id).group_name for run_id in chosen(app)} == {"six runs"}
    assert not app.exception and not app.warning


def test_a_race_that_waits_or_trains_is_shown_before_what_is_finished(lab, open_page):
    make_runs(lab, RACE, 1, name="older")
    waiting = lab.enqueue(GroupPlan("waiting", [("run", small())]))
    assert chosen(open_page("lab")) == waiting


def test_a_group_in_the_address_opens_with_its_runs(trained, open_page):
    ids = [run.id for run in trained.runs()]
    assert chosen(open_page("lab", group=trained.runs()[0].group_id)) == ids


def test_of_six_runs_in_a_link_five_are_shown_and_that_is_said(lab, open_page):
    ids = [run.id for run in make_runs(lab, ["scl", "bcl"] * 3, 1)]
    app = open_page("lab", runs=".".join(ids))
    assert chosen(app) == ids[:5]
    assert "six" in app.warning[0].value or "6" in app.warning[0].value


def test_the_address_chooses_the_runs_in_its_order(trained, open_page):
    ids = [run.id for run in trained.runs()]
    assert chosen(open_page("lab", runs=f"{ids[2]}.{ids[0]}")) == [ids[2], ids[0]]


def test_older_links_still_open_their_runs(trained, open_page):
    ids = [run.id for run in trained.runs()]
    assert chosen(open_page("lab", run=ids[1], other=ids[0])) == [ids[1], ids[0]]
    assert chosen(open_page("lab", run=ids[1], other="none", epoch="1")) == [ids[1]]


@pytest.mark.parametrize("parameter", ["run", "runs"])
@pytest.mark.parametrize("wanted", ["261111-0000000000", "<b>", "ids with spaces"])
def test_a_run_that_is_not_there_is_named_and_others_are_shown(trained, open_page, parameter, wanted):
    app = open_page("lab", **{parameter: wanted})
    assert wanted in app.warning[0].value.replace("\\", "")
    assert len(chosen(app)) == 3
    assert not app.exception and not app.error


def test_what_a_loop_recorded_itself_can_be_chosen_in_curves(lab, monkeypatch):
    with Recorder("mine", [0, 1], lab=lab) as recorder:
        recorder.epoch(np.eye(2), metrics={"bleu": 0.5, "Not for addresses": 1.0})
    mounted = []
    monkeypatch.setattr(stage, "_mount", lambda **told: mounted.append(told["data"]))
    monkeypatch.setattr(stage, "role_here", lambda: "owner")
    monkeypatch.setattr(stage, "shared_origin", lambda: None)
    stage.stage([lab.run(recorder.run_id)], key="stage")
    [told] = mounted
    assert told["metrics"]["bleu"] == {"title": "bleu", "unit": "number", "spread": None, "short": "bleu"}
    assert not {"Not for addresses", "epoch", "picture_variance_kept", "angle_std"} & told["metrics"].keys()


def test_a_run_that_has_not_begun_can_be_chosen(lab, open_page):
    [run_id] = lab.enqueue(GroupPlan("waiting", [("run", small())]))
    app = open_page("lab", runs=run_id)
    assert chosen(app) == [run_id]
    assert not app.exception and not app.error
    assert [run["id"] for run in stage.told([lab.run(run_id)])["runs"]] == [run_id]


def test_what_is_told_are_names_colours_addresses_and_words_alone(trained):
    told = stage.told(trained.runs())
    assert len(json.dumps(told, allow_nan=False)) < 12_700
    assert [run["label"] for run in told["runs"]] == ["SCL", "BCL", "BCL, class anchors"]
    for run, row in zip(told["runs"], trained.runs(), strict=True):
        style = palette.loss_style(row.recipe.variant)
        assert run == {"id": row.id, "label": row.recipe.title, "colour": style.colour, "dash": style.dash}


def test_runs_of_groups_of_one_name_are_told_apart_in_the_menu(lab, open_page):
    make_runs(lab, ["bcl"], 1, name="race")
    make_runs(lab, ["bcl"], 1, name="race")
    make_runs(lab, ["bcl", "bcl"], 1, name="twins")
    options = open_page("lab").multiselect(key="lab/runs").options
    assert len(options) == len(set(options))
    names = [name for name in options if name.startswith(("race · ", "twins · "))]
    assert len(names) == 4
    assert sum(name.startswith("twins · BCL, seed 0 · ") for name in names) == 2


def test_an_empty_lab_shows_the_runs_that_come_with_the_project(lab, open_page):
    app = open_page("lab")
    assert chosen(app) == ["digits-scl", "digits-bcl", "digits-bcl-class", "digits-ce-la"]
    assert not app.exception and not app.warning


def test_who_chose_runs_and_comes_back_to_a_presenter_sees_the_presenter_s(trained, open_page):
    ids = [run.id for run in trained.runs()]
    app = open_page("lab", runs=".".join(ids))
    app.multiselect(key="lab/runs").unselect(ids[0]).run()
    assert chosen(app) == chosen(app.run()) == ids[1:]  # the stage writes the address, and no rerun has seen it
    app.query_params["led"] = "1"
    assert chosen(app.run()) == ids
    del app.query_params["led"]
    assert chosen(app.run()) == ids
    app.multiselect(key="lab/runs").unselect(ids[2]).run()
    assert chosen(app) == ids[:2]


def test_viewers_who_may_start_no_race_are_told_so(trained, open_page, monkeypatch):
    monkeypatch.setattr("app.roles.role_of", lambda *_: "viewer")
    assert "Viewers start no races now." in [caption.value for caption in open_page("lab").caption]
