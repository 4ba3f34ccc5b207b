"""A class in a real browser: who has the presenter's link does everything, everybody else looks."""

import http.client
import io
import json
import re

import pytest
import zxingcpp
from PIL import Image
from playwright.sync_api import Browser, expect

from app.roles import COOKIE
from bcl_core.lab import Lab
from benchmarks import hostile
from harness import serving
from harness.serving import new_page

pytestmark = pytest.mark.browser
PAGES = ("", "learn", "lab", "library", "theory", "predict", "report")


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    """The class's lab."""
    return tmp_path_factory.mktemp("class") / "lab"


@pytest.fixture(scope="module")
def classroom(home):
    """A server with class roles, as the network sees it: the class's link and its presenter's."""
    server, url, link = serving.start_class(home, home.with_name("log"))
    yield url, link
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
    page = new_page(browser.new_context(), reduced_motion="reduce")
    violations = []
    page.on("console", lambda said: violations.append(said.text) if "Content Security Policy" in said.text else None)
    for name in PAGES:
        page.goto(f"{url}{name}")
        expect(page.locator("h1, .bcl-stage canvas").first).to_be_attached(timeout=20_000)
        expect(page.get_by_role("button", name="New race")).to_have_count(0)
        if name in ("theory", "report"):  # scripts come last there, after all tables
            expect(page.locator(".st-key-document table[tabindex]").first).to_be_attached(timeout=20_000)
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


def test_a_class_comes_in_by_the_code_follows_looks_around_and_is_asked(browser: Browser, classroom, patience):
    url, link = classroom
    visitors = [
        browser.new_context(),
        browser.new_context(permissions=["clipboard-read", "clipboard-write"]),
        browser.new_context(has_touch=True, is_mobile=True),
    ]
    teacher, laptop, phone = (
        new_page(visitor, *size, reduced_motion="reduce")
        for visitor, size in zip(visitors, ((1280, 720), (1280, 900), (390, 844)), strict=True)
    )
    errors = []
    for page in (teacher, laptop, phone):
        page.on("pageerror", lambda error: errors.append(str(error)))

    def press(page, name, **how):
        page.get_by_role("button", name=name, exact=True, **how).click()

    def shows(page, epoch):
        expect(page.locator(".bcl-stage output.epoch")).to_have_text(re.compile(rf"^epoch {epoch} /"))

    teacher.goto(link)
    press(teacher, "Class")
    code = teacher.get_by_role("img", name="QR code of")
    expect(code).to_be_visible()
    told = zxingcpp.read_barcode(Image.open(io.BytesIO(code.screenshot()))).text
    assert told == url and code.bounding_box()["width"] > 500
    for page in (laptop, phone):
        page.goto(told)
    expect(teacher.get_by_text("2 here")).to_be_visible()

    teacher.goto(f"{url}lab?runs=digits-scl.digits-bcl&epoch=20&presenter=1")
    shows(teacher, 20)
    press(teacher, "Present to the class")
    for page in (laptop, phone):
        shows(page, 20)
    teacher.keyboard.press("Shift+Digit2")  # not revealed
    teacher.keyboard.press("ArrowRight")
    for page in (laptop, phone):
        shows(page, 21)
        expect(page.locator(".bcl-stage.led:not(.presenter) .formation .column")).to_have_count(1)

    phone.get_by_role("button", name="Look around myself").tap()
    teacher.keyboard.press("2")
    pressed = "[aria-pressed=true]"
    expect(laptop.locator(f"button[name=lens-curves]{pressed}")).to_be_visible()
    expect(phone.locator(f"button[name=lens-formation]{pressed}")).to_be_visible()
    phone.get_by_role("button", name="Angles").tap()
    expect(phone.locator(f"button[name=lens-angles]{pressed}")).to_be_visible()
    phone.get_by_role("button", name="Back to the teacher").tap()
    expect(phone.locator(f"button[name=lens-curves]{pressed}")).to_be_attached()

    for page in (laptop, phone):  # choosing runs, too, is looking around, and whoever comes back sees the teacher's
        before = page.evaluate("history.length")
        for _ in range(2):
            press(page, "Runs")
            page.get_by_role("button", name=re.compile("^Remove .*BCL")).click()
            expect(page).to_have_url(re.compile(r"runs=digits-scl(&|$)"))
            expect(page.locator(".bcl-stage:not(.led)")).to_be_attached()
            page.keyboard.press("Escape")
            press(page, "Back to the teacher")
            expect(page).to_have_url(re.compile(r"runs=digits-scl\.digits-bcl(?!.*led=)"))
            expect(page.locator(".bcl-stage.led")).to_be_attached()
            expect(page.get_by_role("button", name="Look around myself")).to_be_visible()
        assert page.evaluate("history.length") <= before + 2
    expect(phone.get_by_text("Teacher", exact=True)).to_be_visible()

    press(teacher, "Freeze")
    expect(phone.get_by_text("Held", exact=True)).to_be_visible()
    expect(phone.get_by_role("status").filter(has_text="The teacher holds this picture")).to_be_attached()
    expect(laptop.get_by_text("The teacher holds this picture")).to_be_visible()
    teacher.keyboard.press("ArrowRight")
    shows(teacher, 22)
    shows(laptop, 21)
    assert "epoch=21" in asked(url, "GET", "/bcl/v1/class")[1]
    hostile = {"verb": "show", "search": "runs=digits-ce", "key": "hostile-0001"}
    assert asked(url, "POST", "/bcl/v1/do", json.dumps(hostile), **{"Content-Type": "application/json"})[0] == 403
    press(teacher, "Freeze")
    shows(laptop, 22)

    press(teacher, "Class")
    teacher.get_by_role("textbox", name="Question").fill("Which one spreads the tail?")
    teacher.get_by_role("textbox", name="Choices").fill("SCL\nBCL\n")
    press(teacher, "Ask")
    phone.get_by_role("button", name="BCL", exact=True).last.tap()
    laptop.get_by_label("Question").get_by_role("button", name="SCL").click()
    expect(teacher.get_by_text("2 answers")).to_be_visible()
    for page in (teacher, laptop, phone):
        expect(page.get_by_text("50 %")).to_have_count(0)
    press(teacher, "Reveal")
    for page in (teacher, laptop, phone):
        expect(page.get_by_text("1 · 50 %")).to_have_count(2)
    press(phone, "Hide")
    phone.reload()
    expect(phone.get_by_role("button", name="Look around myself")).to_be_visible()
    expect(phone.get_by_label("Question")).to_be_hidden()
    press(teacher, "Reset for the next class")
    expect(phone.get_by_role("button", name="Look around myself")).to_be_hidden()
    expect(phone.get_by_label("Question")).to_be_hidden()

    teacher.goto(f"{url}learn?lesson=B&step=2&present=1")
    press(teacher, "Present to the class")
    expect(phone.get_by_role("heading", name="Who pushes?")).to_be_visible()
    press(teacher, "Ask the class (a)")
    phone.get_by_label("Question").get_by_role("button", name="65 times", exact=True).tap()
    expect(phone.get_by_text("You answered: 65 times")).to_be_visible()
    press(teacher, "Show what was answered")
    expect(teacher.locator(".presenter .histogram")).to_contain_text("1 · 100 %")
    expect(phone.get_by_text("each image pushes alike")).to_be_hidden()
    press(teacher, "Show the answer")
    expect(phone.get_by_text("each image pushes alike")).to_be_visible()
    press(teacher, "Present to the class")

    laptop.goto(f"{url.replace('127.0.0.1', 'localhost')}lab?runs=digits-scl&epoch=3")
    press(laptop, "Copy link")
    expect(laptop.get_by_role("button", name="Copied")).to_be_visible()
    assert laptop.evaluate("() => navigator.clipboard.readText()") == f"{url}lab?runs=digits-scl&epoch=3"
    assert errors == []
    for visitor in visitors:
        visitor.close()


def test_a_hostile_viewer_changes_nothing_and_reads_nothing_that_is_the_presenter_s(classroom, home):
    lab = Lab(home)
    tried, came = hostile.attack(*classroom, lab, hostile.plant(lab), short=True)
    assert came == []
    assert tried.total() > 1000 and len(tried) == 8
