"""The sphere lab in a real browser, on its own page and without a server once it is loaded."""

import math
import re
from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import BrowserContext, ConsoleMessage, Locator, Page, expect

from harness.serving import new_page

pytestmark = pytest.mark.browser

MARGIN, TURNED = 22, 0.2  # pixels around a sphere, and radians that the pair is turned out of the picture's plane
# Formulas that reach out of what holds them; one that is written anew at this moment is in nothing.
CUT = """(all) => {
  const end = (one) => one.getBoundingClientRect().right;
  const cut = (one) => one.isConnected && end(one) > end(one.closest(".formula")) + 1;
  return all.filter(cut).map((one) => one.textContent);
}"""
# All that is read or heard of an element, but for formulas.
SAID = """(host) => [...host.querySelectorAll("*")].filter((one) => !one.closest("math")).flatMap((one) => [
  ...[...one.childNodes].filter(({ nodeType }) => nodeType === 3).map(({ data }) => data),
  ...["aria-label", "aria-description", "title"].map((name) => one.getAttribute(name) ?? ""),
])"""
PATIENCE = 60_000  # milliseconds: 900 steps take a few seconds on a machine that is not busy


@pytest.fixture
def open_sphere(visitor: BrowserContext, app: str) -> Iterator[Callable[..., Page]]:
    """Open the page, and fail where it threw an error or broke the policy of its headers."""
    pages, errors = list[Page](), list[str]()

    def heard(message: ConsoleMessage) -> None:
        if message.type == "error" and not message.text.startswith("Failed to load resource"):
            errors.append(message.text)

    def opened(path: str = "bcl/v1/sphere", **how: object) -> Page:
        page = new_page(visitor, **how)
        pages.append(page)
        page.on("pageerror", lambda error: errors.append(str(error)))
        page.on("console", heard)
        page.goto(f"{app}{path}")
        return page

    yield opened
    for page in pages:
        page.close()
    assert not errors


def degrees(place: Locator) -> float:
    found = re.match(r"\d+", place.inner_text())
    assert found, place.inner_text()
    return float(found[0])


def test_it_plays_and_a_switch_moves_its_dial_without_a_server(open_sphere: Callable[..., Page]) -> None:
    page = open_sphere(reduced_motion="reduce")
    page.route("**", lambda route: route.abort())
    said, angles = page.locator(".said"), page.locator(".angle")
    expect(said).to_contain_text(
        "108° under BCL, class anchors; predicted for batches of 64: 80.8° and 107.9°", timeout=PATIENCE
    )
    assert degrees(angles.first) == pytest.approx(81, abs=2)
    page.get_by_role("button", name="take away class anchors").click()
    expect(said).to_contain_text("under BCL; predicted for batches of 64: 80.8° and 85.8°", timeout=PATIENCE)
    assert degrees(angles.last) == pytest.approx(86, abs=3)
    page.get_by_text("The formula", exact=True).click()
    formula = page.get_by_role("group", name="The loss as a formula").last  # its terms are reached by keys, in order
    switch, first = (formula.get_by_role("button", name=name) for name in ("class anchors", "Average over the anchors"))
    expect(first).to_be_visible()
    switch.focus()
    expect(switch).to_be_focused()
    page.keyboard.press("Tab")
    expect(first).to_be_focused()
    for title in ("Average over the anchors", "Logarithm of the denominator", "Pull of the positives"):
        expect(formula.get_by_role("button", name=title)).to_be_focused()
        expect(formula.locator(".told")).to_contain_text(re.compile(rf"^{title}\. .*\d\.$"))
        page.keyboard.press("Tab")
    complement = formula.get_by_role("button", name="Class-complement", exact=True).last
    complement.click()
    expect(formula.locator(".told")).to_contain_text(re.compile(r"A:\s\d.*D:\s\d.* together [\d.]+ % of D\."))
    for width in (1280, 390):
        page.set_viewport_size({"width": width, "height": 844})
        assert page.locator(".formula math").evaluate_all(CUT) == [], width
    page.set_viewport_size({"width": 1280, "height": 900})
    page.get_by_role("button", name="More").click()
    counts = page.get_by_label("Images of each class")
    counts.fill("130 0 8")
    counts.press("Tab")
    expect(page.get_by_role("alert").filter(has_text="A class of 0 images")).to_be_visible()
    expect(page.locator("h1")).to_have_text("Two spheres, one start")
    page.get_by_role("button", name="30 30 30 30 30 30").click()
    expect(counts).to_have_value("30 30 30 30 30 30")
    expect(page.locator("h1")).to_have_text("The sphere")  # the introduction speaks of A that has many, and D
    expect(page.locator("h1 + p")).to_be_hidden()
    expect(page.locator(".notes")).to_contain_text("no room")
    expect(said).to_contain_text("12 pairs at 90°, 3 pairs at 1", timeout=PATIENCE)
    assert "NaN" not in page.locator("body").inner_text()


def test_a_point_that_is_dragged_away_comes_back(open_sphere: Callable[..., Page]) -> None:
    page = open_sphere(reduced_motion="reduce")
    said, ball, angle = page.locator(".said"), page.locator(".ball").first, page.locator(".angle").first
    expect(said).to_contain_text("under SCL", timeout=PATIENCE)
    settled = degrees(angle)
    ball.press("c")  # chooses a point of the rarest class, and says what pushes it
    expect(page.locator(".pushes").first).to_contain_text("An image of D: pushed by A")
    room = ball.bounding_box()
    assert room is not None
    middle_x, middle_y = room["x"] + room["width"] / 2, room["y"] + room["height"] / 2
    half, radius = math.radians(settled) / 2, min(room["width"], room["height"]) / 2 - MARGIN
    page.mouse.move(middle_x + radius * math.sin(half) * math.cos(TURNED), middle_y - radius * math.cos(half))
    expect(ball).to_have_css("cursor", "pointer")
    page.mouse.down()
    page.mouse.move(middle_x - 20, middle_y + 20, steps=4)
    expect(angle).not_to_have_text(f"{settled:.0f}°", timeout=PATIENCE)
    page.mouse.up()
    expect(page.locator(".play")).to_have_text("Play", timeout=PATIENCE)
    assert degrees(angle) == pytest.approx(settled, abs=3)


def test_in_the_app_it_waits_for_play_and_says_all_in_the_lessons_language(open_sphere: Callable[..., Page]) -> None:
    page = open_sphere("learn?lang=zh")
    page.locator(".bcl-sphere").scroll_into_view_if_needed(timeout=PATIENCE)
    expect(page.locator(".bcl-sphere .time")).to_have_text(re.compile(r"第 0 步"))
    expect(page.locator(".bcl-sphere .legend")).not_to_contain_text("109.5°")  # which a lesson asks for
    page.locator(".play").click()
    expect(page.locator(".bcl-sphere .legend")).to_contain_text("109.5°")
    expect(page.locator(".bcl-sphere .time")).to_have_text(re.compile(r"第 \d{2,} 步"), timeout=PATIENCE)
    page.locator(".play").click()
    expect(page.locator(".said")).to_contain_text("预测值（批大小 64）：80.8°，107.9°")
    page.locator(".bcl-sphere summary").click()
    sphere = page.locator(".bcl-sphere")
    expect(sphere.locator(".formula .sum").last).to_contain_text("的一张图像，所在的批有")
    loose = set(re.findall("[A-Za-z]{2,}", "\n".join(sphere.evaluate(SAID))))
    assert loose <= {"SCL", "BCL", "CVPR", "arXiv", "LaTeX", "Tab", "Esc", "Theory", "Zhu"}, loose
