"""New race: a race is put together by its switches, and nothing is queued that cannot be trained."""

import pytest
from streamlit.testing.v1 import AppTest

from app.opened import OPEN
from app.races import MOST_RUNS, Draft
from bcl_core.lab import GroupPlan
from bcl_core.lab.shelf import open_shelf, shelf_home
from bcl_core.lab.store import MAX_QUEUED
from bcl_core.recipe import PRESETS, RACES, apply_settings
from bcl_core.registry import DATASETS, LOSSES, LossEntry, Parameter
from benchmarks import ablations
from tests.app.test_pages import click, words
from tests.conftest import small


def page():
    import streamlit as st

    from app.opened import OPEN
    from app.screens.new_race import new_race

    if OPEN not in st.session_state:
        new_race(st.query_params.get("new"))


@pytest.fixture
def dialog(lab, no_worker):
    """Open the dialog on a race of RACES."""

    def start(race=None):
        app = AppTest.from_function(page, default_timeout=60)
        if race:
            app.query_params["new"] = race
        return app.run()

    return start


def names(app):
    """What the rows are called."""
    return [html.proto.body.partition("<b>")[2].partition("</b>")[0] for html in app.get("html")]


def fault(app):
    """What is said to be wrong."""
    [error] = app.error
    return error.value.replace("\\", "")


def rows(app):
    """The numbers of the runs."""
    return list(app.session_state["race/draft"].runs)


def switch(app, number, settings):
    """Set the switches of a run as a recipe's settings have them."""
    entry = LOSSES[settings.get("loss.name", "bcl")]
    app.toggle(key=f"race/{number}/contrastive").set_value(entry.contrastive)
    if entry.contrastive:
        if entry.weights:
            app.toggle(key=f"race/{number}/averaging").set_value(entry.weights.class_averaging)
            app.toggle(key=f"race/{number}/complement").set_value(entry.weights.class_complement)
        else:
            app.selectbox(key=f"race/{number}/other").set_value(settings["loss.name"])
        if entry.prototypes:
            app.run()
            app.selectbox(key=f"race/{number}/prototypes").set_value(settings.get("loss.prototypes", "learned"))
        app.button_group(key=f"race/{number}/anchors").set_value(settings.get("loss.anchors", "instance"))
        app.number_input(key=f"race/{number}/temperature").set_value(settings.get("loss.temperature", 0.3))
    app.toggle(key=f"race/{number}/adjusted").set_value(settings.get("loss.prior_strength", 1) > 0)
    app.number_input(key=f"race/{number}/imbalance_factor").set_value(settings.get("data.imbalance_factor", 50))


@pytest.mark.parametrize("cell", ablations.cells())
def test_every_cell_of_the_ablations_is_made_by_clicking(lab, dialog, cell):
    app = dialog()
    first, *others = rows(app)
    for number in others:
        app.button(key=f"race/{number}/remove").click().run()
    settings = ablations.cells()[cell]
    switch(app, first, settings)
    if settings.get("data.imbalance_factor") == 1:
        app.text_input(key="race/digits/digits/data.max_per_class").set_value("36")
    if "data.imbalance_kind" in settings:
        app.selectbox(key="race/digits/digits/data.imbalance_kind").set_value(settings["data.imbalance_kind"])
    if "epochs" in settings:
        app.number_input(key="race/digits/epochs").set_value(settings["epochs"])
    click(app.run(), "Train")
    assert [run.recipe for run in lab.runs()] == [ablations.cell_recipe(cell, seed=0)]


@pytest.mark.parametrize("race", RACES)
def test_a_race_is_queued_as_it_is_defined(lab, dialog, race, tmp_path):
    app = dialog(race)
    assert RACES[race].description in words(app)
    assert not app.exception and not app.error
    assert app.session_state["race/draft"].recipes() == [PRESETS[name].recipe for name in RACES[race].presets]


def test_a_race_is_trained_and_left_to_be_shown(lab, dialog):
    app = click(dialog("digits"), "Train")
    runs = lab.runs()
    assert [run.name for run in runs] == ["SCL, seed 0", "BCL, seed 0", "BCL, class anchors, seed 0"]
    assert {run.group_name for run in runs} == {"SCL vs BCL, digits, seed 0"}
    assert app.session_state[OPEN] == [run.id for run in runs]
    assert not app.button, "the dialog is closed"


def trained(lab, app):
    """Train the race of a dialog; the runs' ids."""
    click(app, "Train")
    ids = [run.id for run in lab.runs()]
    for run_id in ids:
        lab.record_state(run_id, "finished")
    return ids


def test_a_race_that_is_there_is_offered_instead(lab, dialog):
    ids = trained(lab, dialog())
    app = click(dialog(), "Train")
    assert "This race is there already: SCL vs BCL, digits, seed 0, finished." in words(app).replace("\\", "")
    assert [run.id for run in lab.runs()] == ids
    app = click(app, "Open it")
    assert app.session_state[OPEN] == ids
    assert [run.id for run in lab.runs()] == ids


def test_a_race_that_is_there_can_be_trained_again(lab, dialog):
    ids = trained(lab, dialog())
    app = click(click(dialog(), "Train"), "Train it again")
    assert len(lab.runs()) == 2 * len(ids)
    assert not set(app.session_state[OPEN]) & set(ids)


def test_an_offer_goes_when_the_race_changes(lab, dialog):
    trained(lab, dialog())
    app = click(dialog(), "Train")
    app.number_input(key=f"race/{rows(app)[0]}/seed").set_value(4)
    app.run()
    assert not [button for button in app.button if button.label == "Open it"]
    click(app, "Train")
    assert len(lab.runs()) == 6


def test_of_runs_that_came_with_the_project_it_is_said_on_what_they_were_trained(dialog):
    app = dialog("digits")
    made = open_shelf(shelf_home()).get("digits-scl").run.provenance
    said = f"3 of these came with the project (torch {made['torch']}, CPU, threads 1)"
    assert said in words(app)
    app.number_input(key=f"race/{rows(app)[0]}/seed").set_value(4)
    assert "2 of these came with the project" in words(app.run())


def test_an_unknown_race_of_a_link_opens_the_first_one(dialog):
    assert names(dialog("no-such-race")) == ["SCL", "BCL", "BCL, class anchors"]


def test_runs_are_added_up_to_the_stage_s_limit_edited_and_removed(lab, dialog):
    app = click(click(dialog(), "Add a run"), "Add a run")
    assert len(rows(app)) == MOST_RUNS
    assert app.button(key="race/add").disabled
    assert f"up to {MOST_RUNS} runs" in words(app)
    *_, fourth, fifth = rows(app)
    app.number_input(key=f"race/{fourth}/temperature").set_value(0.1)
    app.number_input(key=f"race/{fifth}/seed").set_value(1)
    app.run()
    assert names(app)[2:] == [
        "BCL, class anchors, τ 0.3, seed 0",
        "BCL, class anchors, τ 0.1, seed 0",
        "BCL, class anchors, τ 0.3, seed 1",
    ]
    app = app.button(key=f"race/{rows(app)[0]}/remove").click().run()
    app = app.button(key=f"race/{fifth}/remove").click().run()
    assert names(app) == ["BCL", "BCL, class anchors, τ 0.3", "BCL, class anchors, τ 0.1"]
    click(app, "Train")
    assert [run.recipe.loss.temperature for run in lab.runs()] == [0.3, 0.3, 0.1]


def test_the_last_run_cannot_be_removed(dialog):
    app = dialog()
    first, *others = rows(app)
    for number in others:
        app = app.button(key=f"race/{number}/remove").click().run()
    assert app.button(key=f"race/{first}/remove").disabled


def test_a_copy_is_one_of_what_is_typed_but_not_yet_taken(dialog):
    app = dialog()
    app.number_input(key=f"race/{rows(app)[-1]}/temperature").set_value(0.7)
    app = click(app, "Add a run")
    assert [run.temperature for run in app.session_state["race/draft"].runs.values()] == [0.3, 0.3, 0.7, 0.7]


def test_two_equal_runs_are_named_and_not_trained(dialog):
    app = click(dialog(), "Add a run")
    assert "Runs 3 and 4 are the same" in words(app)
    assert app.button(key="race/train").disabled


def test_switches_that_mean_nothing_are_disabled_and_change_nothing(lab, dialog):
    app = dialog()
    number = rows(app)[0]
    app.number_input(key=f"race/{number}/temperature").set_value(0.9)
    app.toggle(key=f"race/{number}/contrastive").set_value(False)
    app.run()
    assert app.toggle(key=f"race/{number}/averaging").disabled
    assert app.toggle(key=f"race/{number}/complement").disabled
    assert app.button_group(key=f"race/{number}/anchors").disabled
    assert app.number_input(key=f"race/{number}/temperature").disabled
    assert not app.number_input(key=f"race/{number}/imbalance_factor").disabled
    assert app.session_state["race/draft"].recipes()[0] == PRESETS["digits-ce-la"].recipe


def test_classes_as_they_are_have_no_imbalance_factor(dialog):
    app = dialog("own-images")
    assert app.number_input(key=f"race/{rows(app)[0]}/imbalance_factor").disabled
    app.selectbox(key="race/own-images/folder/data.imbalance_kind").set_value("exp")
    assert not app.run().run().number_input(key=f"race/{rows(app)[0]}/imbalance_factor").disabled


def test_cross_entropy_in_a_paper_s_race_keeps_the_weight_of_its_own_preset(dialog):
    app = dialog("cifar10-paper")
    number = rows(app)[2]
    app.toggle(key=f"race/{number}/contrastive").set_value(False)
    app.number_input(key=f"race/{number}/seed").set_value(5)
    recipe = app.run().session_state["race/draft"].recipes()[2]
    assert recipe == PRESETS["cifar10-paper-ce-la"].recipe.model_copy(update={"seed": 5})


def test_a_race_from_a_warm_encoder_has_a_switch_that_draws_all_weights(dialog):
    app = dialog("cifar10-live")
    app.button(key="race/add").click().run()
    *_, warm, cold = rows(app)
    app.toggle(key=f"race/{cold}/warm").set_value(False)
    recipes = app.run().session_state["race/draft"].recipes()
    assert [recipe.model.start for recipe in recipes] == ["cifar10-lt-ce-la"] * 3 + ["random"]
    assert names(app)[-2:] == ["BCL, class anchors, warm start", "BCL, class anchors, cold start"]
    assert app.toggle(key=f"race/{warm}/warm").value
    assert not [toggle for toggle in dialog().toggle if "warm" in toggle.key]
    assert {recipe.model.start for recipe in Draft.of("cifar10-live").on("digits").recipes()} == {"random"}


def test_of_several_long_tails_one_is_chosen_to_be_looked_at(dialog):
    app = dialog()
    assert not [menu for menu in app.selectbox if menu.key == "race/look"]
    app.number_input(key=f"race/{rows(app)[1]}/imbalance_factor").set_value(10)
    [menu] = [menu for menu in app.run().selectbox if menu.key == "race/look"]
    assert menu.options == ["BCL", "BCL, class anchors"]


def test_what_is_changed_under_more_holds_for_every_run(lab, dialog):
    app = dialog()
    app.number_input(key="race/digits/epochs").set_value(7)
    app.text_input(key="race/digits/optimiser.milestones").set_value("2, 4")
    app.number_input(key="race/seed").set_value(3)
    app = click(app.run(), "Train")
    assert {(run.recipe.epochs, run.recipe.optimiser.milestones, run.recipe.seed) for run in lab.runs()} == {
        (7, (2, 4), 3)
    }


def test_the_strength_of_the_adjustment_holds_where_it_is_on(dialog):
    app = dialog()
    app.toggle(key=f"race/{rows(app)[0]}/adjusted").set_value(False)
    app.number_input(key="race/digits/loss.prior_strength").set_value(0.5)
    recipes = app.run().session_state["race/draft"].recipes()
    assert [recipe.loss.prior_strength for recipe in recipes] == [0, 0.5, 0.5]


def test_what_is_put_together_outlives_a_dialog_that_was_closed(dialog):
    app = dialog()
    first = rows(app)[0]
    app.number_input(key=f"race/{first}/temperature").set_value(0.9)
    app.number_input(key="race/digits/epochs").set_value(7)
    app.run()
    app.session_state[OPEN] = ["something else"]
    app.run()
    app.run()
    del app.session_state[OPEN]
    app.run()
    assert app.number_input(key=f"race/{first}/temperature").value == 0.9
    assert app.number_input(key="race/digits/epochs").value == 7


@pytest.mark.parametrize(("field", "text"), [("optimiser.milestones", "soon"), ("digits/data.test_per_class", "few")])
def test_text_that_is_no_number_is_named_and_nothing_can_be_trained(dialog, field, text):
    app = dialog()
    app.text_input(key=f"race/digits/{field}").set_value(text)
    app.run()
    assert field.removeprefix("digits/") in fault(app)
    assert app.button(key="race/train").disabled


def test_a_loss_of_ones_own_is_in_the_menu_with_its_parameters(lab, dialog, monkeypatch):
    entry = LossEntry(
        "Mine", "Of a test.", "tests.losses.own_losses:Pull", parameters=(Parameter("pull", 1.0, "how hard"),)
    )
    monkeypatch.setitem(LOSSES, "mine", entry)
    monkeypatch.setenv("BCL_LAB_LOSSES", f"mine={entry.target}")  # for the process that tries it before it is queued
    app = dialog()
    first, second, _ = rows(app)
    app.selectbox(key=f"race/{first}/other").set_value("mine").run()
    assert (
        app.toggle(key=f"race/{first}/averaging").disabled and not app.toggle(key=f"race/{second}/averaging").disabled
    )
    app.number_input(key="race/digits/loss.pull").set_value(2.0)
    app.run()
    assert names(app) == ["Mine", "BCL", "BCL, class anchors"]
    click(app, "Train")
    assert [(run.recipe.title, run.recipe.loss.parameters) for run in lab.runs()] == [
        ("Mine, pull 2", {"pull": 2.0}),
        ("BCL", {}),
        ("BCL, class anchors", {}),
    ]


def test_a_folder_that_is_not_there_queues_nothing(lab, dialog, tmp_path):
    app = click(dialog("own-images"), "Train")
    assert "needs the folder of the images" in fault(app)
    app.text_input(key="race/folder/data.path").set_value(str(tmp_path / "nowhere"))
    app = click(app.run(), "Train")
    assert "Nothing was queued" in fault(app)
    assert str(tmp_path / "nowhere") in fault(app)
    assert not lab.runs()


@pytest.mark.parametrize(("name", "value"), [("temperature", -1.0), ("imbalance_factor", 1e99), ("seed", -1)])
def test_a_switch_out_of_range_queues_nothing_and_is_named(lab, dialog, name, value):
    app = dialog()
    app.number_input(key=f"race/{rows(app)[0]}/{name}").set_value(value)
    assert name in fault(app.run()).replace("\\", "")
    assert not [button for button in app.button if button.label == "Train" and not button.disabled]
    assert not lab.runs()


def test_a_full_queue_is_explained_and_nothing_is_lost(lab, dialog):
    lab.enqueue(GroupPlan("many", [(f"run {i}", small(seed=i)) for i in range(MAX_QUEUED)]))
    app = click(dialog(), "Train")
    assert f"limit of {MAX_QUEUED}" in fault(app)
    assert len(lab.runs()) == MAX_QUEUED


@pytest.mark.parametrize("source", DATASETS)
def test_any_race_can_be_had_on_any_data(dialog, source):
    app = dialog()
    app.selectbox(key="race/source").set_value(source).run()
    assert DATASETS[source].help in words(app)
    assert DATASETS[source].guide in words(app)
    assert not app.exception and not app.error
    recipes = app.session_state["race/draft"].recipes()
    assert {recipe.data.source for recipe in recipes} == {source}
    assert [recipe.variant for recipe in recipes] == ["scl", "bcl", "bcl-class"]


def test_another_data_set_comes_with_the_long_tail_and_views_of_its_own_race():
    draft = Draft.of("digits").on("cifar100")
    there = PRESETS["cifar100-paper-bcl"].recipe
    assert {(recipe.data, recipe.views) for recipe in draft.recipes()} == {(there.data, there.views)}
    assert draft.recipes()[0].model == PRESETS["digits-bcl"].recipe.model
    assert draft.on("digits").recipes() == Draft.of("digits").recipes()


def test_names_say_what_differs_and_nothing_else():
    from app.races import group_name, names
    from bcl_core.recipe import Execution, preset

    def of(name="digits-bcl", **settings):
        dotted = {key.replace("__", "."): value for key, value in settings.items()}
        return apply_settings(preset(name), Execution(), dotted)[0]

    assert names([of(loss__temperature=0.1), of(), of("digits-scl")]) == ["BCL, τ 0.1", "BCL, τ 0.3", "SCL"]
    assert names([of(), of(seed=1)]) == ["BCL, seed 0", "BCL, seed 1"]
    assert names([of(), of(seed=1)], "seed") == ["BCL, seed 0", "BCL, seed 1"]
    assert names([of(data__imbalance_factor=1), of()]) == ["BCL, imbalance 1", "BCL, imbalance 50"]
    assert names([of(), of()]) == ["BCL", "BCL (2)"]
    assert group_name(Draft.of("cifar10-paper").on("svhn")) == "Cross-entropy vs SCL vs BCL, SVHN, seed 0"
