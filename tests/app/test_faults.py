"""What is wrong with the lab's disk is a sentence on every page and at every route; a read-only lab is looked at."""

import json
import os

import pytest

from app.routes.library import library
from app.verbs import Refused, do
from bcl_core.lab import GroupPlan, Lab
from tests.app.test_pages import PAGES, words
from tests.conftest import small
from tests.disks import read_only, small_disk
from tests.lab.test_faults import damaged_database, fill, folder_in_place_of_it, no_database
from tests.lab.test_mending import lose
from tests.lab.test_pulse import make_runs
from tests.routes.serving import served

SENTENCES = {
    no_database: "lab.sqlite is no database: move it aside",
    damaged_database: "lab.sqlite is damaged",
    folder_in_place_of_it: "lab.sqlite is a folder",
}


@pytest.mark.parametrize("harm", SENTENCES)
def test_a_database_that_breaks_under_the_app_is_said_by_the_page_by_routes_and_by_verbs(lab, open_page, harm):
    [made] = make_runs(lab, ["bcl"], 1)
    assert not open_page("library").error
    for beside in ("lab.sqlite-wal", "lab.sqlite-shm"):
        (lab.home / beside).unlink(missing_ok=True)
    harm(lab.home / "lab.sqlite")
    app = open_page("library")
    assert not app.exception and [SENTENCES[harm] in error.value.replace("\\", "") for error in app.error] == [True]
    with served(lambda: lab) as get:
        for path in ("runs?now", f"pulse?runs={made.id}", f"runs/{made.id}/about", f"runs/{made.id}/view/1/1"):
            answer = get(path)
            assert answer.status == 503 and SENTENCES[harm] in answer.error
    with pytest.raises(Refused, match=SENTENCES[harm]) as refused:
        do(lab, "rename", {"run": made.id, "name": "name"}, role="owner", key="a-key-of-mine")
    assert refused.value.status == 503


@pytest.mark.parametrize("page", PAGES)
def test_every_page_opens_on_a_read_only_lab_and_says_so(lab, open_page, page):
    make_runs(lab, ["bcl"], 1)
    with read_only(lab.home):
        app = open_page(page)
        assert not app.exception and not app.error
        assert "can be looked at, and nothing can be changed" in words(app)


def test_pictures_of_a_read_only_lab_are_answered_and_changes_refused(lab):
    [made] = make_runs(lab, ["bcl"], 1)
    before = lab.run(made.id)
    with read_only(lab.home), served(lambda: Lab(lab.home)) as get:
        pulse = get(f"pulse?runs={made.id}&since=-1").document["runs"][made.id]
        assert pulse["state"] == "finished" and len(pulse["rows"]) == 2
        rev = pulse["rev"]
        for path in ("about", f"history/{rev}?from=0&to=1&step=1", f"view/{rev}/1", f"samples/{rev}"):
            assert get(f"runs/{made.id}/{path}").status == 200
        for verb, arguments in (
            ("rename", {"run": made.id, "name": "name"}),
            ("delete", {"runs": [made.id]}),
            ("train", {"name": "race", "runs": [{"name": "run", "recipe": {}}]}),
            ("project", {"run": made.id, "epoch": 1, "method": "pca"}),
            ("start-worker", {}),
        ):
            for key in (None, f"key-of-{verb}"):
                with pytest.raises(Refused) as refused:
                    do(lab, verb, arguments, role="owner", key=key)
                assert refused.value.status == 503 and "BCL_LAB_HOME" in str(refused.value), verb
    assert (lab.run(made.id).name, len(lab.runs())) == (before.name, 1)


def test_on_a_full_disk_the_page_opens_and_a_verb_says_why_it_is_not_done(tmp_path, monkeypatch, open_page):
    monkeypatch.setenv("BCL_LAB_HOME", str(tmp_path / "lab"))
    with small_disk(tmp_path / "lab", 1 << 20):
        lab = Lab(tmp_path / "lab")
        [run_id] = lab.enqueue(GroupPlan("race", [("run", small())]))
        fill(lab.home)
        app = open_page("library")
        assert not app.exception and library(lab)["runs"][0]["id"] == run_id
        with pytest.raises(Refused, match="is full: free some space") as refused:
            do(lab, "stop", {"target": run_id}, role="owner", key="a-key-of-mine")
        assert refused.value.status == 503


def test_the_verb_answers_with_the_runs_and_the_page_offers_it(lab, open_page):
    [run_id] = lab.enqueue(GroupPlan("race", [("run", small())]))
    os.utime(lab.home / "runs" / run_id / "recipe.json", (0, 0))
    lab = lose(lab)
    app = open_page("library")
    assert "1 folder of a run is here that the database does not know" in app.warning[0].value
    [button] = [button for button in app.button if button.label == "Enter them again"]
    app = button.click().run()
    assert not app.warning and not app.exception
    assert (lab.run(run_id).state, lab.run(run_id).epoch, lab.run(run_id).name) == ("stopped", None, "BCL, seed 0")
    lab = lose(lab)
    assert json.loads(json.dumps(do(lab, "mend", {}, role="owner", key="a-key-of-mine"))) == {"runs": [run_id]}
