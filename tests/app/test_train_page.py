"""The page Train: races of two to five losses on any data, controls by section, what a run is busy with."""

import pytest

from bcl_core.lab import GroupPlan
from bcl_core.recipe import RACES
from bcl_core.registry import DATASETS
from tests.app.conftest import train_here
from tests.app.test_pages import click, words
from tests.conftest import small


@pytest.mark.parametrize("race", RACES)
def test_every_race_can_be_chosen_and_shows_where_its_data_may_lie(lab, open_page, race):
    app = open_page("train", race=RACES[race].title)
    assert RACES[race].description in words(app)
    assert not app.exception and not app.error and not app.warning


def test_a_paper_race_queues_five_losses(lab, open_page, no_worker):
    click(open_page("train", race=RACES["cifar100-paper"].title), "Train")
    assert [run.recipe.variant for run in lab.runs()] == ["ce", "ce-la", "scl", "bcl", "bcl-class"]
    assert {run.recipe.optimiser.milestones for run in lab.runs()} == {(160, 180)}


def test_own_images_are_not_queued_without_their_folder(lab, open_page, no_worker):
    app = open_page("train", race=RACES["own-images"].title)
    app = click(app, "Train")
    assert "needs the folder of the images" in app.error[0].value
    assert not lab.runs()
    app.text_input(key="train/folder/data.path").set_value("/photos")
    click(app.run(), "Train")
    assert {str(run.execution.data.path) for run in lab.runs()} == {"/photos"}


def test_the_folder_is_asked_for_when_another_source_needs_one(lab, open_page, no_worker):
    app = open_page("train")
    assert not [field for field in app.text_input if field.key.startswith("train/")]
    app.selectbox(key="digits/data.source").set_value("list-files").run()
    assert [field.key for field in app.text_input if field.key.startswith("train/")] == [
        "train/list-files/data.path",
        "train/list-files/data.lists",
    ]


def test_milestones_and_optional_numbers_are_text(lab, open_page, no_worker):
    app = open_page("train")
    app.text_input(key="digits/optimiser.milestones").set_value("20, 40")
    app.text_input(key="digits/data.test_per_class").set_value("7")
    app.text_input(key="digits/data.max_per_class").set_value("none")
    click(app.run(), "Train")
    [recipe] = {run.recipe.model_copy(update={"loss": small().loss}) for run in lab.runs()}
    assert recipe.optimiser.milestones == (20, 40)
    assert (recipe.data.test_per_class, recipe.data.max_per_class) == (7, None)


@pytest.mark.parametrize(("field", "text"), [("optimiser.milestones", "soon"), ("data.test_per_class", "a few")])
def test_text_that_is_no_number_queues_nothing_and_is_named(lab, open_page, no_worker, field, text):
    app = open_page("train")
    app.text_input(key=f"digits/{field}").set_value(text)
    app = click(app.run(), "Train")
    assert field in app.error[0].value
    assert not lab.runs()


def test_what_the_runs_of_a_race_differ_in_cannot_be_set_for_all(lab, open_page):
    keys = {field.key for field in open_page("train", race=RACES["cifar10-paper"].title).number_input}
    assert "cifar10-paper/loss.temperature" in keys
    assert not keys & {"cifar10-paper/loss.prior_strength", "cifar10-paper/loss.classifier_weight"}
    assert "digits/loss.classifier_weight" in {field.key for field in open_page("train").number_input}


def test_groups_of_one_name_stay_apart_in_the_menu(lab, open_page):
    for seed in (0, 1):
        lab.enqueue(GroupPlan("race", [("run", small(seed=seed))]))
        lab._database.change("UPDATE runs SET created = created - 60")
    newer, older = (run.group_id for run in lab.runs())
    app = open_page("train", group=older)
    assert len(set(app.selectbox(key="group").options)) == 2
    assert app.run().selectbox(key="group").value == older
    assert app.selectbox(key="group").set_value(newer).run().selectbox(key="group").value == newer


def test_a_run_says_what_it_is_busy_with_before_its_first_epoch(lab, open_page):
    [run_id] = lab.enqueue(GroupPlan("race", [("run", small())]))
    lab.record_state(run_id, "running")
    lab.record_note(run_id, "Downloading CIFAR-10: 45 % of 170 MB")
    assert "Downloading CIFAR-10: 45 % of 170 MB" in words(open_page("train"))


def test_files_that_were_left_out_are_named_once_for_the_group(lab, open_page):
    ids = lab.enqueue(GroupPlan("race", [("a", small()), ("b", small(seed=1))]))
    for run_id in ids:
        lab.record_start(run_id, {"left out": "dogs/letter.png, cats/note.png"}, threads=1)
    [warning] = [element.value for element in open_page("train").warning]
    assert "dogs/letter.png, cats/note.png" in warning


def test_thousands_of_left_out_files_do_not_fill_the_page(lab, open_page):
    [run_id] = lab.enqueue(GroupPlan("race", [("a", small())]))
    lab.record_start(run_id, {"left out": ", ".join(f"dogs/{place}.png" for place in range(5000))}, threads=1)
    [warning] = [element.value for element in open_page("train").warning]
    assert len(warning) < 1000
    assert warning.endswith("and more.")


def test_few_classes_have_a_headline_and_a_picture_though_no_tail_of_several(lab, open_page):
    folder_of_three(lab)
    app = open_page("train")
    assert "the 3 classes stand on average" in words(app)
    assert not app.exception and not app.error


def folder_of_three(lab):
    from tests.data.small_images import save

    photos = lab.home.parent / "photos"
    for place in range(18):
        save(photos / "abc"[place % 3] / f"{place}.png", place)
    train_here(lab, epochs=1, presets=["own-images-bcl"], data__test_per_class=2, path=photos)


def test_every_data_set_s_guide_is_the_help_of_its_folder(lab, open_page):
    app = open_page("train", race=RACES["imagenet-lt"].title)
    assert app.text_input(key="train/imagenet-lt/data.path").help == DATASETS["imagenet-lt"].guide


def test_balanced_classes_are_not_called_rare(lab, open_page):
    train_here(lab, epochs=1, presets=("digits-scl",), data__imbalance_factor=1, data__max_per_class=10)
    assert "the 10 classes stand on average" in words(open_page("train"))


def test_the_link_to_inspect_takes_every_run_of_the_race_along(trained, open_page):
    app = open_page("train")
    [link] = [link for link in app.get("page_link") if link.proto.label == "Inspect"]
    assert link.proto.query_string == "runs=" + ".".join(run.id for run in trained.runs())
