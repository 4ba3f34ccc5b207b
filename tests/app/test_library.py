"""The page of the Library: its forms, its dialogs about runs of the shelf, and the worker; not what it lists."""

import shutil
from pathlib import Path

import pytest

from app import shelf_dialogs
from app.components.library import Asked
from app.deeds import demand
from app.verbs import Refused
from bcl_core.lab import GroupPlan
from bcl_core.lab.shelf import shelf_home
from tests.app.test_pages import click, words
from tests.conftest import small


@pytest.fixture
def ask(monkeypatch):
    """Have the component ask for something of a run, as a press in its menu does."""

    def asking(what, run_id):
        monkeypatch.setattr("app.components.library.library", lambda *, key: Asked(what, run_id))

    return asking


def test_a_form_is_opened_and_closed_by_its_button(lab, open_page):
    app = open_page("library")
    assert not app.get("file_uploader")
    app = click(app, "Import models or runs")
    assert app.text_input(key="import/path")
    app = click(app, "Open your own embeddings")
    assert [uploader.key for uploader in app.get("file_uploader")] == ["record/file", "record/labels"]
    app = click(app, "Open your own embeddings")
    assert not app.get("file_uploader") and not app.exception


def test_new_race_leads_to_the_dialog_of_the_lab(lab, open_page):
    [link] = [link for link in open_page("library").get("page_link") if link.proto.label == "New race"]
    assert (link.proto.page, link.proto.query_string) == ("lab", "new=digits")


@pytest.mark.parametrize(("what", "said"), [("train-on", "A copy starts from these weights"), ("card", "digits")])
def test_the_dialogs_about_a_shelved_run_say_what_they_are_about(lab, open_page, ask, what, said):
    ask(what, "digits-scl")
    app = open_page("library")
    assert said in words(app) and not app.exception


@pytest.mark.parametrize(("what", "run_id"), [("card", "../../etc"), ("card", "digits"), ("format", "digits-scl")])
def test_what_is_asked_of_no_shelved_run_or_is_no_dialog_opens_nothing(lab, open_page, ask, what, run_id):
    ask(what, run_id)
    app = open_page("library")
    assert not app.exception and not app.error


def test_images_that_do_not_come_are_said_on_the_page(lab, open_page, ask, jobs_at_once, tmp_path):
    ask("images", "cifar10-lt-scl")
    app = open_page("library")
    app.text_input(key="library/parquet/data.path").set_value(str(tmp_path))
    app = click(app.run(), "Make thumbnails")
    assert "No thumbnails of" in app.error[0].value and not app.exception


def test_start_says_that_its_runs_are_missing_and_goes_on(lab, tmp_path, monkeypatch, open_page):
    shutil.copytree(shelf_home() / "digits-bcl", tmp_path / "shelf" / "digits-bcl")
    monkeypatch.setenv("BCL_LAB_PRETRAINED", str(tmp_path / "shelf"))
    app = open_page("start")
    assert "missing or damaged" in words(app)
    assert not app.exception


def test_a_worker_is_started_by_its_button(lab, open_page, monkeypatch):
    lab.enqueue(GroupPlan("race", [("first", small())]))
    started = []
    monkeypatch.setattr("app.verbs.ensure_worker", started.append)
    click(open_page("library"), "Start worker")
    assert [each.home for each in started] == [lab.home]


def test_a_worker_is_stopped_by_its_button(lab, open_page):
    from bcl_core.lab.launch import worker_lock

    with worker_lock(lab, 1):
        click(open_page("library"), "Stop worker")
        assert lab.worker.read().leave  # it was asked to leave


def test_who_only_looks_is_offered_nothing_that_changes_the_lab(lab, open_page, monkeypatch):
    monkeypatch.setattr("app.roles.role_of", lambda *_: "viewer")
    for page in ("library", "lab"):
        app = open_page(page)
        assert not app.exception and not app.error
        assert {button.label for button in app.button} == set()
    app.session_state["library"] = {"asked": {"what": "train-on", "run": "digits-scl"}}
    assert not app.switch_page("screens/library.py").run().button


def test_who_only_looks_is_refused_what_no_page_offers(lab, open_page, monkeypatch):
    monkeypatch.setattr("app.roles.role_of", lambda *_: "viewer")
    with pytest.raises(Refused, match="a viewer may not stop-worker here; the presenter may"):
        demand("stop-worker")


def test_every_shelved_run_has_a_card_to_be_read():
    assert all((Path(shelf_home()) / run / shelf_dialogs.CARD).exists() for run in ("digits-scl", "cifar10-lt-scl"))
