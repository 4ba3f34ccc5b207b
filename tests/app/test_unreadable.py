"""Pages show a run that cannot be read as what it is, and everything else as ever."""

import sqlite3

import pytest

from app.routes.about import about
from app.routes.library import library
from app.runs import comparable
from app.verbs import do
from bcl_core.lab import GroupPlan, Lab
from harness.made_runs import make_runs
from tests.app.test_lab_page import chosen
from tests.app.test_pages import PAGES, words
from tests.conftest import small
from tests.damages import DAMAGES, queue_damaged

# Of a column of JSON, of text, of a number, and of what other rows refer to: the reasons are tested in tests/lab.
KINDS = ("a newer version", "a name that is not UTF-8", "progress beyond the end", "no id")


def said(app):
    """What a page says, as people read it: without Markdown's backslashes."""
    return words(app).replace("\\", "")


def of_damaged(lab):
    [run] = [run for run in lab.runs() if not run.readable]
    return run


@pytest.fixture
def sound(lab):
    """Two runs of a group with epochs to look at, beside which others are damaged."""
    return make_runs(lab, ["bcl", "scl"], 2, name="sound")


@pytest.mark.parametrize("page", PAGES)
def test_every_page_goes_on_beside_every_damage(lab, sound, open_page, page):
    queue_damaged(lab, *DAMAGES)
    app = open_page(page)
    assert not app.exception
    assert "could not be drawn" not in words(app)


@pytest.mark.parametrize("kind", KINDS)
def test_the_lab_says_what_is_wrong_with_a_race_that_an_address_names(lab, sound, open_page, kind):
    queue_damaged(lab, kind)
    app = open_page("lab", group=of_damaged(lab).group_id)
    assert DAMAGES[kind][1] in said(app) and "cannot be read" in said(app)
    assert set(chosen(app)) == {run.id for run in sound}
    assert not app.exception


@pytest.mark.parametrize("kind", KINDS)
def test_the_library_lists_it_with_what_is_wrong_and_it_is_renamed_and_deleted(lab, sound, kind):
    queue_damaged(lab, kind)
    run_id = of_damaged(lab).id
    [told] = [run for run in library(lab)["runs"] if run["state"] == "unreadable"]
    assert (told["id"], told["title"]) == (run_id, "Unreadable") and DAMAGES[kind][1] in told["error"]
    do(lab, "rename", {"run": run_id, "name": "to be deleted"}, role="owner")
    assert lab.run(run_id).name == "to be deleted"
    if lab.run(run_id).active:  # its name was all that was wrong
        do(lab, "stop", {"target": run_id}, role="owner")
    do(lab, "delete", {"runs": [run_id]}, role="owner")
    assert {left.id for left in lab.runs()} == {other.id for other in sound}


@pytest.mark.parametrize("kind", KINDS)
def test_the_lab_says_what_is_wrong_with_a_run_that_a_link_names(lab, sound, open_page, kind):
    queue_damaged(lab, kind)
    run = of_damaged(lab)
    app = open_page("lab", runs=f"{run.id}.{sound[0].id}")
    assert chosen(app) == [sound[0].id]
    assert not app.exception and not app.warning
    assert DAMAGES[kind][1] in app.error[0].value.replace("\\", "")
    assert not any(run.id in option or "damaged" in option for option in app.multiselect(key="lab/runs").options)


def test_a_run_is_not_compared_with_a_sister_that_cannot_be_read(lab, sound):
    with sqlite3.connect(lab.home / "lab.sqlite") as db:
        db.execute("UPDATE runs SET execution = '{' WHERE id = ?", (sound[1].id,))
    assert [run.id for run in comparable(lab.runs())] == [sound[0].id]
    assert about(lab, lab.run(sound[0].id))["siblings"] == []


@pytest.mark.parametrize("epochs", [(1,), (2,), (0, 1, 2)])
@pytest.mark.parametrize("page", ["lab", "library"])
def test_epochs_whose_metrics_cannot_be_read_leave_the_rest_of_the_picture(lab, open_page, page, epochs):
    first = make_runs(lab, ["bcl", "bcl"], 2)[0].id
    with sqlite3.connect(lab.home / "lab.sqlite") as db:
        for epoch in epochs:
            db.execute("UPDATE metrics SET metrics = '{\"loss' WHERE run = ? AND epoch = ?", (first, epoch))
    app = open_page(page)
    assert not app.exception and not app.error
    assert "could not be drawn" not in words(app)


def test_text_of_a_damaged_row_is_shown_as_it_is(lab, open_page):
    [run_id] = lab.enqueue(GroupPlan("race", [("*run* [a](http://b.example)", small())]))
    with sqlite3.connect(lab.home / "lab.sqlite") as db:
        db.execute("UPDATE runs SET state = '**loud** :red[x]' WHERE id = ?", (run_id,))
    told = " ".join(error.value for error in open_page("lab", runs=run_id).error)
    assert r"\*run\* \[a\]\(" in told and r"\*\*loud\*\* \:red\[x\]" in told


def test_a_lab_of_a_newer_version_is_said_in_words(tmp_path, monkeypatch, open_page):
    monkeypatch.setenv("BCL_LAB_HOME", str(tmp_path / "newer"))
    with sqlite3.connect(Lab(tmp_path / "newer").home / "lab.sqlite") as db:
        db.execute("PRAGMA user_version=999")
    app = open_page("start")  # as every page is drawn by the same entry
    assert "newer version" in app.error[0].value and not app.exception
