"""A class as browsers ask for it: from memory, with a cookie by which a visitor is known again."""

import re
from collections import namedtuple
from collections.abc import Iterator

import pytest

from app import classroom, roles
from app.classroom import VISITOR, Room
from app.roles import COOKIE, TOKEN
from app.routes import health
from app.routes.contract import classrooms
from bcl_core.lab import GroupPlan, Lab, LabError
from harness.made_runs import make_runs
from tests.conftest import small
from tests.routes.serving import Get, served
from tests.routes.test_contract import check

PRESENTER = f"{COOKIE}={TOKEN}"


@pytest.fixture
def get(lab: Lab, monkeypatch: pytest.MonkeyPatch) -> Iterator[Get]:
    monkeypatch.setenv(roles.CLASS, "1")
    monkeypatch.setattr(classroom, "ROOM", Room())
    with served(lambda: lab) as ask:
        yield ask


def test_a_visitor_gets_a_cookie_and_is_counted_by_it(get: Get) -> None:
    first = get("class")
    check(first.document, classroom.ClassState)
    [visitor] = re.findall(rf"{VISITOR}=([0-9a-f]{{32}});", first.headers["set-cookie"])
    assert "HttpOnly" in first.headers["set-cookie"] and "SameSite=strict" in first.headers["set-cookie"]
    assert classroom.ROOM.here() == (0, 0)  # a browser that keeps no cookies is nobody
    again = get("class?alone", cookie=f"{VISITOR}={visitor}", if_none_match=first.headers["etag"])
    assert again.status == 304 and "set-cookie" not in again.headers
    assert classroom.ROOM.here() == (0, 1)
    get("class", cookie=PRESENTER)
    assert classroom.ROOM.here() == (0, 1)


def test_the_disk_is_asked_for_the_question_once(get: Get, lab: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    lab.polls.ask("Which?", ["this", "that"])
    assert get("class").document["poll"]["question"] == "Which?"
    monkeypatch.setattr(lab, "polls", None)
    assert get("class").status == 200


def test_the_desk_and_the_answers_are_the_presenter_s(get: Get, lab: Lab) -> None:
    for path in ("class/desk", "class/answers.csv"):
        assert get(path).status == 403
    lab.enqueue(GroupPlan("race", [("run", small())]))
    desk = get("class/desk", cookie=PRESENTER)
    check(desk.document, classrooms.Desk)
    assert [run["name"] for run in desk.document["queue"]] == ["run"]
    assert get("class/answers.csv", cookie=PRESENTER).headers["content-type"].startswith("text/csv")


def test_a_viewer_reads_nothing_of_what_a_run_was_made_on_and_no_export_of_it(get: Get, lab: Lab) -> None:
    [run] = lab.enqueue(GroupPlan("race", [("run", small())]))
    lab.record_start(run, {"platform": "Linux", "left out": "me.png"}, threads=1)
    assert get(f"runs/{run}/about", cookie=PRESENTER).document["provenance"]["platform"] == "Linux"
    assert get(f"runs/{run}/about").document["provenance"] == {}
    for job in ("export", "preview"):  # an export holds it, too
        assert get(f"jobs/{job}-{'0' * 32}/runs.zip").status == 403


def test_what_was_deleted_is_the_presenter_s_alone(get: Get, lab: Lab) -> None:
    gone, kept = make_runs(lab, ["bcl", "scl"], 1, name="A name")
    lab.rename(gone.id, "Not for you")
    lab.delete([gone.id])
    theirs, ours = get("runs", cookie=PRESENTER), get("runs")
    assert [run["id"] for run in ours.document["runs"]] == [run["id"] for run in theirs.document["runs"]][:-1]
    assert ours.document["runs"][0]["id"] == kept.id and theirs.document["runs"][-1]["name"] == "Not for you"
    assert "can be restored" in get(f"runs/{gone.id}/about", cookie=PRESENTER).error
    never = get(f"pulse?runs={gone.id}").document["runs"][gone.id]["error"]
    assert never == f"there is no run '{gone.id}'; it may have been deleted"
    assert {get(f"runs/{gone.id}/{path}").error for path in ("about", "view/1/0")} == {never}


def test_without_a_class_there_is_none(get: Get, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(roles.CLASS, "0")
    monkeypatch.setattr("app.routes.classroom.has_class_roles", lambda: False)
    assert "make classroom" in get("class").error


def test_health_covers_the_worker_and_the_disk(get: Get, lab: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    def told() -> tuple[str, str, str]:
        found = health._look(lambda: lab)
        check(found, health.Health)
        return found["status"], found["worker"], found["disk"]

    assert told() == ("ok", "idle", "ok")
    lab.enqueue(GroupPlan("race", [("run", small())]))
    assert told() == ("impaired", "missing", "ok")
    assert get("health").status == 503
    usage = namedtuple("usage", "free")(1000)
    monkeypatch.setattr(health.shutil, "disk_usage", lambda _: usage)
    assert told()[2] == "low"

    def unopened() -> Lab:
        raise LabError("no folder")

    assert health._look(unopened) == {"status": "impaired", "web": "ok", "worker": "missing", "disk": "unusable"}
