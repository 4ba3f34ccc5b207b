"""Every page says something true in every state of the lab, and never a traceback."""

import numpy as np
import pytest

from bcl_core.lab import GroupPlan
from bcl_core.lab.store import MAX_QUEUED
from tests.app.conftest import train_here
from tests.conftest import small

PAGES = ["start", "lab", "gallery", "predict", "theory", "report", "runs"]


def words(app):
    """All text of a page."""
    kinds = (app.markdown, app.caption, app.info, app.warning, app.error, app.title, app.subheader)
    return " ".join(element.value for kind in kinds for element in kind)


def click(app, label):
    [button] = [button for button in app.button if button.label == label]
    return button.click().run()


@pytest.mark.parametrize("page", PAGES)
def test_an_empty_lab_leads_to_training(lab, open_page, page):
    app = open_page(page)
    assert not app.exception and not app.error
    if page == "runs":
        assert "no run" in words(app)


@pytest.mark.smoke
@pytest.mark.parametrize("page", PAGES)
def test_a_trained_lab_is_shown_without_complaint(trained, open_page, page):
    app = open_page(page)
    assert not app.exception and not app.error and not app.warning


def test_one_click_queues_three_runs_that_differ_in_the_loss(lab, open_page, no_worker):
    click(open_page("train"), "Train")
    assert [run.recipe.variant for run in lab.runs()] == ["scl", "bcl", "bcl-class"]
    assert len({run.group_id for run in lab.runs()}) == 1
    assert {run.recipe.epochs for run in lab.runs()} == {60}


def test_a_changed_recipe_holds_for_every_run_of_the_race(lab, open_page, no_worker):
    app = open_page("train")
    app.number_input(key="digits/epochs").set_value(7)
    app.number_input(key="digits/loss.temperature").set_value(0.5)
    app.number_input(key="seed").set_value(3)
    click(app.run(), "Train")
    assert {(run.recipe.epochs, run.recipe.loss.temperature, run.recipe.seed) for run in lab.runs()} == {(7, 0.5, 3)}


def test_a_setting_out_of_range_queues_nothing_and_is_named(lab, open_page, no_worker):
    app = open_page("train")
    app.number_input(key="digits/loss.temperature").set_value(-1.0)
    app = click(app.run(), "Train")
    assert "loss.temperature" in app.error[0].value
    assert not lab.runs()


def test_a_full_queue_is_explained_and_nothing_is_lost(lab, open_page, no_worker):
    lab.enqueue(GroupPlan("many", [(f"run {i}", small(seed=i)) for i in range(MAX_QUEUED)]))
    app = click(open_page("train"), "Train")
    assert f"limit of {MAX_QUEUED}" in app.error[0].value
    assert len(lab.runs()) == MAX_QUEUED


def test_pause_step_resume_and_stop_reach_the_group(lab, open_page, no_worker):
    app = click(open_page("train"), "Train")
    click(app, "Pause")
    assert not any(run.wants_to_train for run in lab.runs())
    click(app, "Step one epoch")
    assert {run.run_until for run in lab.runs()} == {1}
    click(app, "Resume")
    assert all(run.wants_to_train for run in lab.runs())
    click(app, "Stop")
    assert all(run.stop for run in lab.runs())


def test_a_group_that_is_not_there_is_named_and_the_newest_is_shown(trained, open_page):
    app = open_page("train", group="261111-0000000000")
    assert "261111-0000000000" in app.warning[0].value
    assert app.selectbox(key="group").value == trained.runs()[0].group_id


def test_a_failed_run_shows_why(lab, open_page):
    [run_id] = lab.enqueue(GroupPlan("race", [("run", small())]))
    lab.record_state(run_id, "failed", "the folder is gone")
    assert "the folder is gone" in words(open_page("train"))


def test_a_lab_that_cannot_be_kept_is_explained_on_the_page(tmp_path, monkeypatch, open_page):
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("BCL_LAB_HOME", str(tmp_path / "file" / "lab"))
    app = open_page("start")
    assert "BCL_LAB_HOME" in app.error[0].value
    assert not app.exception


def test_predict_shows_the_optimum_of_pasted_counts(lab, open_page):
    app = open_page("predict")
    app.segmented_control(key="counts_from").set_value("Paste them").run()
    app.text_area(key="counts").set_value("100, 30, 10, 3").run()
    [table] = app.dataframe
    assert table.value.loc[table.value["Loss"] == "BCL, class anchors", "tail–tail °"].isna().all(), (
        "a tail of one class"
    )
    np.testing.assert_allclose(table.value["spread over pairs °"].iloc[-1], 0, atol=1e-3)
    assert "109.47°" in words(app)


@pytest.mark.parametrize("text", ["130 84 many", "130 -4", "0 5", "7", "1 " * 500, "", "1.5 2"])
def test_predict_says_what_is_wrong_with_pasted_counts(lab, open_page, text):
    app = open_page("predict")
    app.segmented_control(key="counts_from").set_value("Paste them").run()
    app.text_area(key="counts").set_value(text).run()
    assert app.error and not app.exception


def test_predict_says_when_a_simplex_does_not_fit(lab, open_page):
    app = open_page("predict")
    app.number_input(key="dim10").set_value(3).run()
    assert "needs 9 dimensions" in app.warning[0].value


def test_runs_of_different_classes_are_not_passed_off_as_comparable(lab, open_page):
    ids = [
        train_here(lab, name, epochs=1, **settings)[0]
        for name, settings in (("a", {}), ("b", {"data__max_per_class": 100}))
    ]
    lab.move_to_group(ids, "mixed")
    app = open_page("train")
    app.selectbox(key="group").set_value(lab.run(ids[0]).group_id).run()
    assert "not drawn together" in words(app)
    assert not app.exception and not app.error
