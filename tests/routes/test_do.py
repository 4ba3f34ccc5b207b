"""`POST do`: from a page of this app, or from no page, in JSON, one verb; all else is refused in a sentence."""

import json
import socket
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from http.client import HTTPConnection
from typing import Any

import pytest
import streamlit as st
import uvicorn
from starlette.applications import Starlette

from app.roles import COOKIE, TOKEN
from app.routes import routes
from app.routes.do import MAX_BODY
from bcl_core.lab import GroupPlan, Lab, LabError
from tests.conftest import small

KEY = "a-key-of-mine"
RACE = {"verb": "train", "name": "race", "runs": [{"name": "run", "recipe": {}}], "key": KEY}

Answer = tuple[int, dict[str, Any]]
Ask = Callable[..., Answer]


@pytest.fixture
def ask(lab: Lab, no_worker: None) -> Iterator[Ask]:
    """Ask a server of this lab; headers that are None are left out."""
    server = uvicorn.Server(uvicorn.Config(Starlette(routes=routes(lambda: Lab(lab.home))), port=0, log_level="error"))
    threading.Thread(target=server.run, daemon=True).start()
    while not server.started:
        time.sleep(0.01)
    port = server.servers[0].sockets[0].getsockname()[1]

    def send(asked: object, method: str = "POST", path: str = "do", **changed: str | None) -> Answer:
        headers = {"Content-Type": "application/json", "Host": f"localhost:{port}"}
        headers |= {name.replace("_", "-"): value for name, value in changed.items()}
        body = asked if isinstance(asked, bytes) else json.dumps(asked).encode()
        connection = HTTPConnection("127.0.0.1", port, timeout=30)
        connection.putrequest(method, f"/bcl/v1/{path}", skip_host=True)
        for name, value in headers.items():
            if value is not None:
                connection.putheader(name, value.replace("PORT", str(port)))
        connection.putheader("Content-Length", str(len(body)))
        connection.endheaders(body)
        answer = connection.getresponse()
        content = json.loads(answer.read())
        connection.close()
        assert answer.headers["Cache-Control"] == "no-store"
        assert answer.status == 200 or len(content["error"]) > 10
        return answer.status, content

    yield send
    server.should_exit = True  # it takes a fifth of a second to notice and to end, which nobody waits for


@pytest.fixture
def run_id(lab: Lab) -> str:
    return lab.enqueue(GroupPlan("race", [("run", small())]))[0]


def test_a_verb_is_done_and_answered_once_for_its_key(ask: Ask, lab: Lab) -> None:
    first = ask(RACE)
    assert first == (200, {"answer": {"group": lab.runs()[0].group_id, "runs": [lab.runs()[0].id]}})
    assert ask(RACE) == first
    assert len(lab.runs()) == 1
    assert ask({**RACE, "name": "another"})[0] == 422
    assert len(lab.runs()) == 1


def test_what_answers_nothing_answers_null(ask: Ask, lab: Lab, run_id: str) -> None:
    assert ask({"verb": "pause", "target": run_id, "key": KEY}) == (200, {"answer": None})
    assert not lab.run(run_id).wants_to_train


def test_of_many_requests_at_once_one_is_done(ask: Ask, lab: Lab) -> None:
    with ThreadPoolExecutor(8) as many:
        statuses = {status for status, _ in many.map(ask, [RACE] * 24)}
    assert len(lab.runs()) == 1
    assert 200 in statuses and statuses <= {200, 409}
    assert ask(RACE)[1]["answer"]["runs"] == [lab.runs()[0].id]


@pytest.mark.parametrize(
    "host",
    [
        "localhost:PORT",
        "LOCALHOST:PORT",
        "lab.localhost:PORT",
        "127.0.0.1:PORT",
        "192.168.1.7",
        "[::1]:PORT",
        socket.gethostname(),
        "lab.example.org:8501",  # in BCL_LAB_HOSTS
        "served.example.org",  # browser.serverAddress
    ],
)
def test_this_machine_s_names_are_answered_to(ask: Ask, monkeypatch: pytest.MonkeyPatch, host: str) -> None:
    monkeypatch.setenv("BCL_LAB_HOSTS", "other.example.org, Lab.Example.org")
    get_option = st.get_option
    told = {"browser.serverAddress": "served.example.org"}
    monkeypatch.setattr(st, "get_option", lambda name: told.get(name) or get_option(name))
    assert ask(RACE, Host=host, Cookie=f"{COOKIE}={TOKEN}")[0] == 200  # elsewhere nobody is the owner
    assert ask(RACE, Host=host, Origin=f"http://{host}", Cookie=f"{COOKIE}={TOKEN}")[0] == 200


@pytest.mark.parametrize(
    "host",
    [
        "evil.example.com:PORT",
        "localhost.evil.example.com",
        "evillocalhost",
        "127.0.0.1.evil.example.com",
        "2130706433",
        "localhost@evil.example.com",
        "localhost:PORT/evil",
        "localhost:evil",
        "[::1",
        "",
    ],
)
def test_a_name_that_is_not_this_machine_s_is_refused_with_what_to_set(ask: Ask, lab: Lab, host: str) -> None:
    status, content = ask(RACE, Host=host)
    assert status == 403 and "BCL_LAB_HOSTS" in content["error"]
    assert not lab.runs()


@pytest.mark.parametrize(
    ("host", "origin"),
    [
        ("localhost:PORT", "http://localhost:PORT"),
        ("localhost:PORT", "HTTP://Localhost:PORT"),
        ("localhost", "http://localhost"),
        ("localhost:80", "http://localhost"),
        ("localhost", "https://localhost"),  # what ends TLS stands before the app
        ("localhost", "https://localhost:443"),
        ("[::1]:PORT", "http://[::1]:PORT"),
    ],
)
def test_a_page_of_the_app_may_ask(ask: Ask, host: str, origin: str) -> None:
    assert ask(RACE, Host=host, Origin=origin, Sec_Fetch_Site="same-origin")[0] == 200


@pytest.mark.parametrize(
    "origin",
    [
        "null",
        "",
        "http://evil.example.com",
        "http://localhost",
        "http://localhost:1",
        "http://127.0.0.1:PORT",
        "http://localhost:PORT.evil.example.com",
        "http://localhost:PORT@evil.example.com",
        "http://evil@localhost:PORT",
        "http://localhost:PORT/path",
        "file://localhost:PORT",
        "localhost:PORT",
        "http://[::1",
    ],
)
def test_a_page_of_another_origin_changes_nothing(ask: Ask, lab: Lab, origin: str) -> None:
    assert ask(RACE, Origin=origin)[0] == 403
    assert not lab.runs()


def test_headers_that_come_twice_are_refused(ask: Ask, lab: Lab) -> None:
    assert ask(RACE, Origin="http://localhost:PORT", origin="http://evil.example.com")[0] == 403
    assert not lab.runs()


@pytest.mark.parametrize(
    ("site", "status"), [("none", 200), ("same-origin", 200), ("same-site", 403), ("cross-site", 403)]
)
def test_what_a_browser_says_of_the_site_counts_without_an_origin(ask: Ask, site: str, status: int) -> None:
    assert ask(RACE, Sec_Fetch_Site=site)[0] == status


@pytest.mark.parametrize(
    "kind", [None, "", "text/plain", "application/x-www-form-urlencoded", "multipart/form-data", "application/jsonp"]
)
def test_a_form_is_no_verb(ask: Ask, lab: Lab, kind: str | None) -> None:
    status, content = ask(RACE, Content_Type=kind)
    assert status == 415 and "application/json" in content["error"]
    assert not lab.runs()


def test_json_may_say_its_charset(ask: Ask) -> None:
    assert ask(RACE, Content_Type="Application/JSON; charset=utf-8")[0] == 200


@pytest.mark.parametrize("size", [MAX_BODY + 1, 20 * MAX_BODY])
def test_a_body_that_is_too_large_is_refused(ask: Ask, lab: Lab, size: int) -> None:
    status, content = ask(json.dumps(RACE).encode().ljust(size))
    assert status == 413 and "1,000,000" in content["error"]
    assert not lab.runs()


def test_a_body_of_just_the_limit_is_read(ask: Ask) -> None:
    assert ask(json.dumps(RACE).encode().ljust(MAX_BODY))[0] == 200


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE", "PATCH", "OPTIONS"])
def test_other_methods_are_refused_in_words(ask: Ask, lab: Lab, method: str) -> None:
    status, content = ask(RACE, method=method)
    assert status == 405 and "POST" in content["error"]
    assert not lab.runs()


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"verb=stop",
        b"[]",
        b"null",
        b'"train"',
        b"\xff\xfe",
        b"[" * 100_000,
        b'{"verb": "train"}',
        b'{"key": "a-key-of-mine"}',
        b'{"verb": ["train"], "key": "a-key-of-mine"}',
        b'{"verb": "train", "key": 12345678}',
        b'{"verb": "explode", "key": "a-key-of-mine"}',
        b'{"verb": "train", "key": "short"}',
        b'{"verb": "pause", "target": NaN, "key": "a-key-of-mine"}',
        b'{"verb": "\\ud800", "key": "a-key-of-mine"}',
        b'{"verb": "pause", "\\ud800": 1, "key": "a-key-of-mine"}',
        b'{"verb": "pause", "target": "261111-0000000000", "key": "a-key-of-mine"}',
        b'{"verb": "pause", "target": 1' + b"0" * 10_000 + b', "key": "a-key-of-mine"}',
    ],
)
def test_a_body_that_asks_for_nothing_that_can_be_done_is_said(ask: Ask, lab: Lab, body: bytes) -> None:
    assert ask(body)[0] == 422
    assert not lab.runs()


def test_who_only_looks_is_told_so(ask: Ask, lab: Lab, run_id: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("app.roles.role_of", lambda *_: "viewer")
    status, content = ask({"verb": "stop", "target": run_id, "key": KEY})
    assert (status, content) == (403, {"error": "a viewer may not stop here; the presenter may"})
    assert not lab.run(run_id).stop


def test_a_lab_that_cannot_be_opened_is_said(ask: Ask, lab: Lab) -> None:
    lab._database.change("PRAGMA user_version=999")
    with pytest.raises(LabError):
        Lab(lab.home)
    status, content = ask(RACE)
    assert status == 503 and "newer version" in content["error"]


def test_what_nobody_thought_of_is_logged_and_no_traceback_is_sent(
    ask: Ask, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def fail(*_: object, **__: object) -> None:
        raise ZeroDivisionError("of a secret number")

    monkeypatch.setattr("app.routes.do.do", fail)
    status, content = ask(RACE)
    assert status == 500 and "secret" not in content["error"]
    assert "secret number" in caplog.text
