"""A class in a real browser: who has the presenter's link does everything, everybody else looks."""

import http.client
import json
import re

import pytest
from playwright.sync_api import Browser, expect

from app.roles import COOKIE
from harness import serving
from harness.serving import new_page

pytestmark = pytest.mark.browser
PAGES = ("", "learn", "lab", "library", "theory", "predict", "report")


@pytest.fixture(scope="module")
def classroom(tmp_path_factory):
    """A server with class roles, and its presenter's link."""
    folder = tmp_path_factory.mktemp("class")
    log = folder / "log"
    env = {"BCL_LAB_CLASS": "1", "BCL_LAB_HOME": str(folder / "lab"), "BCL_LAB_WORKER": "off"}
    server = serving.start(serving.APP, log, env)
    link = re.search(r"You, to present\s+(\S+)", log.read_text())[1]
    yield server.url, link
    server.process.kill()
    server.process.wait()


def asked(url, method, path, body=b"", **headers):
    connection = http.client.HTTPConnection(url.split("/")[2], timeout=10)
    connection.request(method, path, body, headers)
    answer = connection.getresponse()
    return answer.status, answer.read().decode(), answer.headers


def test_the_presenter_s_link_opens_the_lab_and_leaves_no_token_behind(browser: Browser, classroom):
    url, link = classroom
    visitor = browser.new_context()
    page = new_page(visitor)
    requested = []
    page.on("request", lambda request: requested.append(request.url + json.dumps(request.headers)))
    page.goto(link)
    page.wait_for_url(url)
    assert "#" not in page.url
    token = link.partition("#")[2]
    assert not any(token in each for each in requested[:3])  # but in the cookie afterwards
    [cookie] = [each for each in visitor.cookies() if each["name"] == COOKIE]
    assert cookie["httpOnly"] and cookie["sameSite"] == "Strict"
    page.goto(f"{url}lab")
    expect(page.get_by_role("button", name="New race")).to_be_visible(timeout=20_000)
    visitor.close()


def test_a_link_of_an_earlier_server_is_said(browser: Browser, classroom):
    page = browser.new_page()
    page.goto(f"{classroom[1]}x")
    expect(page.get_by_role("status")).to_contain_text("take the one that its terminal shows now")
    page.close()


def test_a_viewer_sees_every_page_and_nothing_that_changes_the_lab_and_the_policy_holds(browser: Browser, classroom):
    url, _ = classroom
    page = new_page(browser.new_context())
    violations = []
    page.on("console", lambda said: violations.append(said.text) if "Content Security Policy" in said.text else None)
    for name in PAGES:
        page.goto(f"{url}{name}")
        expect(page.locator("h1, .bcl-stage canvas").first).to_be_attached(timeout=20_000)
        expect(page.get_by_role("button", name="New race")).to_have_count(0)
    page.goto(f"{url}lab?runs=digits-scl.digits-bcl&lenses=formation")
    expect(page.locator(".bcl-stage .bar").first).to_be_visible(timeout=20_000)
    page.goto(f"{url}library")
    expect(page.locator(".bcl-library a").first).to_be_visible(timeout=20_000)
    for name in ("Import models or runs", "Open your own embeddings", "Worker log", "Stop worker"):
        expect(page.get_by_role("button", name=name)).to_have_count(0)
    assert violations == []
    page.context.close()


def test_what_streamlit_offers_everybody_is_refused_to_viewers(classroom):
    url, link = classroom
    presenter = {"Cookie": f"{COOKIE}={link.partition('#')[2]}"}
    for path in ("/_stcore/upload_file/x/y", "/_stcore/metrics"):
        status, text, _ = asked(url, "PUT", path, b"x" * 1000)
        assert (status, json.loads(text)["error"]) == (403, "a viewer may not do this here; the presenter may")
    assert asked(url, "GET", "/_stcore/metrics", **presenter)[0] == 200
    key = "preview-" + "0" * 32
    assert asked(url, "GET", f"/bcl/v1/jobs/{key}")[0] == 403
    assert asked(url, "GET", f"/bcl/v1/jobs/{key}", **presenter)[0] == 200


def test_streamlit_s_interface_for_agents_is_off(classroom):
    url, link = classroom
    presenter = {"Cookie": f"{COOKIE}={link.partition('#')[2]}", "Content-Type": "application/json"}
    for path in ("interact", "mcp"):
        assert asked(url, "POST", f"/_stcore/agent/{path}", b"{}")[0] == 403
        assert asked(url, "POST", f"/_stcore/agent/{path}", b"{}", **presenter)[0] >= 400


def test_every_answer_says_where_scripts_come_from_and_that_types_are_not_guessed(classroom):
    url, _ = classroom
    for path in ("/", "/bcl/v1/health", "/bcl/v1/present", "/nowhere.js", "/static/index.html"):
        headers = asked(url, "GET", path)[2]
        assert headers["X-Content-Type-Options"] == "nosniff" and headers["Referrer-Policy"] == "same-origin"
        assert "frame-ancestors 'self'" in headers["Content-Security-Policy"]
