"""The pages' buttons change the lab by its verbs, and say what was refused."""

import pytest

from bcl_core.lab import GroupPlan
from tests.app.test_models_from_elsewhere import table_key
from tests.app.test_pages import click
from tests.conftest import small


@pytest.fixture
def chosen(lab, open_page):
    """The page Runs of a lab of two runs, both ticked."""
    ids = lab.enqueue(GroupPlan("race", [("first", small()), ("second", small(seed=1))]))
    return tick(lab, open_page("runs"), 0, 1), ids


def tick(lab, app, *rows):
    app.session_state[table_key(lab)] = {"selection": {"rows": list(rows), "columns": [], "cells": []}}
    return app.run()


def test_ticked_runs_are_stopped_and_then_grouped_and_deleted(lab, chosen):
    app, ids = chosen
    app = click(app, "Stop")
    assert all(run.stop for run in lab.runs())
    for run_id in ids:
        lab.record_state(run_id, "stopped")
    app.text_input(key=f"group/{'/'.join(ids)}").set_value("seeds")
    app = click(app.run(), "Put into this group")
    assert [run.group_name for run in lab.runs()] == ["seeds", "seeds"]
    click(tick(lab, app, 0, 1), "Delete")
    assert not lab.runs()


def test_a_ticked_run_is_renamed(lab, open_page):
    [run_id] = lab.enqueue(GroupPlan("race", [("first", small())]))
    app = tick(lab, open_page("runs"), 0)
    app.text_input(key=f"name/{run_id}").set_value("my  best")
    click(app.run(), "Rename")
    assert lab.run(run_id).name == "my best"


def test_what_is_refused_is_told_in_passing_and_nothing_is_done(lab, chosen):
    app, (first, second) = chosen
    lab.record_state(first, "finished")
    app = click(app.run(), "Delete")
    assert [run.id for run in lab.runs()] == [first, second]
    assert "stop it first" in app.toast[0].value
    assert not app.exception


def test_who_only_looks_is_refused_on_pages_too(lab, chosen, monkeypatch):
    monkeypatch.setattr("app.deeds.role_of", lambda cookies: "viewer")
    app = click(chosen[0], "Stop")
    assert not any(run.stop for run in lab.runs())
    assert "a viewer may not stop here" in app.toast[0].value


def test_a_worker_is_started_by_its_button(lab, open_page, monkeypatch):
    lab.enqueue(GroupPlan("race", [("first", small())]))
    started = []
    monkeypatch.setattr("app.verbs.ensure_worker", started.append)
    click(open_page("runs"), "Start worker")
    assert [each.home for each in started] == [lab.home]


def test_a_worker_is_stopped_by_its_button(lab, open_page):
    from bcl_core.lab.launch import worker_lock

    with worker_lock(lab, 1):
        click(open_page("runs"), "Stop worker")
        assert lab.worker.read().leave  # it was asked to leave
