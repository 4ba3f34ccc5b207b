"""The lessons in a real browser: walked by keyboard alone on their own page, by touch, and within the app."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page, expect

from app.lessons import states
from app.site import made
from harness.serving import new_page
from tests.browser.test_accessibility import serious_violations

pytestmark = pytest.mark.browser

PATIENCE = 30_000  # milliseconds
LESSONS = states()


@pytest.fixture(scope="module")
def page(visitor: BrowserContext, app: str) -> Iterator[Page]:
    """One page for all: it fails at the end where a lesson threw an error, or the policy of its headers was broken."""
    errors: list[str] = []

    def heard(message: ConsoleMessage) -> None:
        if message.type == "error" and not message.text.startswith("Failed to load resource"):
            errors.append(message.text)

    page = new_page(visitor, 1280, 720, reduced_motion="reduce")
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.on("console", heard)
    page.goto(f"{app}bcl/v1/lessons?lesson=A&step=1")
    yield page
    page.close()
    assert not errors


def test_every_lesson_is_walked_by_keyboard_and_each_answer_comes_after_the_guess(page: Page) -> None:
    page.evaluate("localStorage.clear()")
    page.reload()
    for lesson in LESSONS:
        walk(page, lesson)
    expect(page.locator(".card")).to_have_count(len(LESSONS))
    expect(page.locator(".card.core.done")).to_have_count(5)


def walk(page: Page, lesson: dict[str, Any]) -> None:
    """Guess at each step by keyboard, look at what comes, and go on."""
    host, answer = page.locator(".bcl-lessons"), page.locator(".answer")
    for place, step in enumerate(lesson["steps"]):
        expect(host).to_have_attribute("data-step", f"{lesson['key']}.{place + 1}")
        assert f"lesson={lesson['key']}&step={place + 1}" in page.url
        expect(page.locator(".figure .picture > *").first).to_be_visible()
        if "question" in step:
            expect(answer).to_be_hidden()
            page.keyboard.press("1" if step["question"]["kind"] == "choose" else "Enter")
            expect(answer).to_be_visible()
            check_guess(page, step["question"])
        text = page.locator("body").inner_text()
        assert not re.search(r"NaN|undefined|\{[a-z]|null", text), text
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
        page.keyboard.press("PageDown")


def check_guess(page: Page, question: dict[str, object]) -> None:
    """The reader's guess stands beside the answer."""
    if question["kind"] == "choose":
        expect(page.locator(".option.guess .verdict")).to_contain_text("your guess")
        expect(page.locator(".option.right .verdict")).to_contain_text("the answer")
    else:
        expect(page.locator(".guessing .value")).to_contain_text("Your guess: ")
        expect(page.locator(".guessing .value")).to_contain_text("the answer: ")


def test_page_keys_move_a_guess_and_a_presenters_clicker_turns_steps_from_there(page: Page, app: str) -> None:
    page.goto(f"{app}bcl/v1/lessons?lesson=B&step=4&present=1")
    page.get_by_role("button", name="Guess again").click()
    size = "(one) => Number.parseFloat(getComputedStyle(one).fontSize) * one.currentCSSZoom"
    assert page.locator(".words").evaluate(size) >= 20
    guess = page.locator("input[type=range]")
    guess.press("PageDown")
    expect(page.locator(".answer")).to_be_visible()
    page.get_by_role("button", name="Guess again").click()
    page.keyboard.press("Escape")
    guess.press("PageUp")
    expect(guess).to_have_js_property("value", "108")
    expect(page.locator(".answer")).to_be_hidden()


def test_a_guess_is_dragged_by_touch_and_stays_after_a_reload(page: Page, app: str) -> None:
    page.set_viewport_size({"width": 390, "height": 844})
    page.goto(f"{app}bcl/v1/lessons?lesson=B&step=4")
    page.locator("input[type=range]").fill("70")
    page.get_by_role("button", name="That is my guess").click()
    expect(page.locator(".guessing .value")).to_contain_text("Your guess: 70°")
    expect(page.locator(".verdict-line")).to_be_in_viewport(ratio=1)
    expect(page.locator(".why")).to_be_in_viewport(ratio=1)
    page.locator(".figure").scroll_into_view_if_needed()  # plays as soon as it is seen
    expect(page.locator(".figure .said")).to_contain_text("81° under SCL", timeout=PATIENCE)
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    assert not serious_violations(page, "light")
    page.reload()
    expect(page.locator(".guessing .value")).to_contain_text("Your guess: 70°")
    page.set_viewport_size({"width": 1280, "height": 720})


def test_what_an_address_names_wrongly_is_said_with_what_there_is(page: Page, app: str) -> None:
    page.goto(f"{app}bcl/v1/lessons?lesson=Q")
    expect(page.get_by_role("alert")).to_contain_text("no lesson “Q”; the lessons are A, B")
    page.goto(f"{app}bcl/v1/lessons?lesson=B&step=77")
    expect(page.get_by_role("alert")).to_contain_text("no step “77”; this lesson has 1–4")
    expect(page.locator(".step h1")).to_be_visible()


def test_on_paper_questions_come_first_and_answers_last(page: Page, app: str) -> None:
    page.goto(f"{app}bcl/v1/lessons?lesson=C&step=2")
    page.evaluate("dispatchEvent(new Event('beforeprint'))")
    page.emulate_media(media="print", reduced_motion="reduce")
    expect(page.locator(".step")).to_be_hidden()
    text = page.locator(".handout").inner_text()
    questions, answers = text.split("Answers")
    assert "Averaging alone: where does it leave 8 and 9?" in questions and "closer together than SCL" not in questions
    assert "closer together than SCL" in answers
    page.emulate_media(media="screen", reduced_motion="reduce")


def test_in_the_app_the_address_follows_and_back_leads_to_the_list(page: Page, app: str) -> None:
    page.evaluate("localStorage.clear()")
    page.goto(f"{app}learn")
    page.locator(".card", has_text="The problem").click(timeout=PATIENCE)
    expect(page.locator(".step h1")).to_be_focused()
    page.keyboard.press("ArrowRight")  # shows the answer, without a guess
    expect(page.locator(".answer")).to_be_focused()
    page.keyboard.press("ArrowRight")
    expect(page).to_have_url(re.compile(r"learn\?lesson=B&step=2"))
    page.get_by_role("button", name="Present").click()
    page.keyboard.press("n")
    expect(page.locator(".presenter .notes")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.locator(".presenter")).to_have_count(0)
    page.go_back()
    expect(page.locator(".card").first).to_be_visible()
    expect(page.locator(".bcl-sphere .time")).to_have_text("step 0")


def test_as_files_they_open_from_the_disk_without_a_network(browser: Browser, tmp_path: Path) -> None:
    """In a context whose policy holds, as in a reader's browser."""
    for name, text in made()["pages"].items():
        (tmp_path / name).write_text(text, encoding="utf-8")
    context = browser.new_context(offline=True, reduced_motion="reduce", viewport={"width": 1280, "height": 720})
    errors, asked = list[str](), set[str]()
    context.on("weberror", lambda error: errors.append(str(error.error)))
    context.on("console", lambda message: errors.append(message.text) if message.type == "error" else None)
    context.on("request", lambda request: asked.add(request.url.partition("?")[0]))
    page, index = context.new_page(), (tmp_path / "index.html").as_uri()
    page.goto(f"{index}?lesson=D&step=1")
    walk(page, next(lesson for lesson in LESSONS if lesson["key"] == "D"))
    page.get_by_role("button", name="All lessons").click()
    expect(page.get_by_text("This copy needs no network.")).to_be_visible()

    page.goto(f"{index}?lesson=D&step=2")
    with page.expect_popup() as opened:
        page.get_by_role("link", name="Play with this sphere").click()
    sphere = opened.value
    expect(sphere.locator(".said")).to_contain_text("predicted for one batch of everything", timeout=PATIENCE)
    sphere.get_by_role("button", name="More").click()
    sphere.get_by_label("Images in a batch").fill("50")
    sphere.get_by_label("Images in a batch").press("Tab")
    expect(sphere.locator(".notes")).to_contain_text("No prediction is drawn for these settings")
    expect(sphere.locator(".foretold").first).to_have_text("no prediction")

    page.goto(f"{index}?lesson=D&step=5")
    with page.expect_popup() as opened:
        page.get_by_role("link", name="These runs in the Lab").click()
    lab = opened.value
    lab.locator(".bcl-stage[data-settled=true]").wait_for(timeout=PATIENCE)
    lab.keyboard.press("ArrowLeft")
    expect(lab.locator(".sentence")).to_contain_text("At epoch 57 ")
    assert "runs=digits-balanced-scl.digits-balanced-bcl." in lab.url
    context.close()
    assert not errors
    own = {(tmp_path / name).as_uri() for name in ("index.html", "sphere.html", "lab.html")}
    assert own == {url for url in asked if not url.startswith(("data:", "blob:"))}
