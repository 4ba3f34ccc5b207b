"""The Lab fits its window: sentence, one picture and the bar at once, on a projector and on a phone."""

from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect

from bcl_core.lab import Lab
from harness.made_runs import MadeRun, make_runs
from harness.serving import APP
from tests.browser.conftest import Opener

pytestmark = [pytest.mark.browser, pytest.mark.usefixtures("patience")]

LENSES = ("formation", "curves", "push", "embedding", "angles")
# Width and height of the window, and how high the picture is at least: pixels.
SIZES = {"projector": (1280, 720, 300), "phone": (390, 844, 230)}


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> list[MadeRun]:
    return make_runs(Lab(tmp_path_factory.mktemp("layout") / "lab"), ["scl", "bcl", "bcl-class"], 4)


@pytest.fixture(scope="module")
def url(serve: Any, runs: list[MadeRun]) -> str:
    server = serve(APP, env={"BCL_LAB_HOME": str(runs[0].lab.home), "BCL_LAB_WORKER": "off", "OMP_NUM_THREADS": "1"})
    return f"{server.url}lab"


def box(page: Page, selector: str) -> dict[str, float]:
    found = page.locator(selector).first.bounding_box()
    assert found is not None, selector
    return {**found, "right": found["x"] + found["width"], "bottom": found["y"] + found["height"]}


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("lens", LENSES)
def test_sentence_picture_and_bar_are_seen_at_once(show: Opener, runs: list[MadeRun], lens: str, size: str) -> None:
    width, height, least = SIZES[size]
    page = show(runs, f"lens={lens}", width=width, height=height)
    sentence, rail, bar = (box(page, f".bcl-stage {part}") for part in (".sentence", ".rail", ".bar"))
    picture = box(page, f".lens.{lens} .picture")
    assert 0 <= sentence["y"] < sentence["bottom"] <= rail["y"] < rail["bottom"] <= picture["y"]
    assert picture["bottom"] <= bar["y"] + 1
    assert bar["bottom"] <= height
    assert picture["height"] >= least
    for part in (sentence, rail, picture, bar):
        assert part["x"] >= 0 and part["right"] <= width
    scrolled = page.evaluate(
        "() => { const main = document.querySelector('[data-testid=stMain]');"
        " return [main.scrollHeight - main.clientHeight, document.documentElement.scrollWidth - innerWidth]; }"
    )
    assert max(scrolled) <= 1


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("lens", LENSES)
def test_what_a_lens_draws_is_within_its_picture(show: Opener, runs: list[MadeRun], lens: str, size: str) -> None:
    width, height, _ = SIZES[size]
    page = show(runs, f"lens={lens}", width=width, height=height)
    picture = box(page, f".lens.{lens} .picture")
    drawn = page.locator(f".lens.{lens} .picture :is(.plot, .cloud, .map):visible").all()
    assert drawn
    for part in drawn:
        inside = part.bounding_box()
        assert inside is not None and inside["width"] > 100 and inside["height"] > 100
        assert inside["y"] + inside["height"] <= picture["bottom"] + 1
        assert inside["x"] + inside["width"] <= picture["right"] + 1


def test_a_phone_shows_one_run_at_a_time_and_switches(show: Opener, runs: list[MadeRun]) -> None:
    page = show(runs, "lens=formation", width=390, height=844)
    columns = page.locator(".lens.formation .column:visible")
    expect(columns).to_have_count(1)
    expect(columns).to_contain_text("SCL")
    page.get_by_role("group", name="Run").get_by_role("button", name="BCL, class anchors").click()
    expect(columns).to_have_count(1)
    expect(columns).to_contain_text("BCL, class anchors")


@pytest.mark.parametrize("size", SIZES)
def test_nothing_moves_while_epochs_load(show: Opener, runs: list[MadeRun], size: str) -> None:
    width, height, _ = SIZES[size]
    page = show(runs, "lens=angles&epoch=0", width=width, height=height)
    parts = (".sentence", ".rail", ".lens.angles .picture", ".lens.angles .map", ".bar")

    def places() -> list[dict[str, float]]:
        return [box(page, f".bcl-stage {part}") for part in parts]

    before = places()
    page.keyboard.press("ArrowRight")
    assert places() == before
    page.locator(".bcl-stage[data-settled=true]").wait_for()
    assert places() == before


def test_the_keys_from_1_to_5_choose_a_lens_and_a_clicker_goes_forward(show: Opener, runs: list[MadeRun]) -> None:
    page = show(runs, "epoch=0&lens=all", width=1280, height=720)
    for key, lens in enumerate(LENSES, start=1):
        page.keyboard.press(str(key))
        expect(page.locator(".lens:visible")).to_have_count(1)
        expect(page.locator(f".lens.{lens}")).to_be_visible()
    page.keyboard.press("PageDown")
    expect(page.locator(".bar .epoch")).to_have_text("epoch 4 / 4")
    page.keyboard.press("PageUp")
    expect(page.locator(".bar .epoch")).to_have_text("epoch 0 / 4")


@pytest.mark.parametrize("lens", LENSES)
def test_every_lens_can_be_presented_with_its_legend(show: Opener, runs: list[MadeRun], lens: str) -> None:
    page = show(runs, f"lens={lens}&presenter=1", width=1280, height=720)
    expect(page.locator(f".lens.{lens} .legend")).to_be_visible()
    picture, bar = box(page, f".lens.{lens} .picture"), box(page, ".bcl-stage .bar")
    assert picture["bottom"] <= bar["y"] and bar["bottom"] <= 720
    for part in page.locator(f".lens.{lens} .picture :is(.plot, .cloud, .map):visible").all():
        inside = part.bounding_box()
        assert inside is not None and inside["height"] > 100


def test_on_a_phone_no_drawer_is_left_open_over_the_chosen_page(browser: Browser, url: str) -> None:
    context = browser.new_context(viewport={"width": 390, "height": 844}, has_touch=True, is_mobile=True)
    page = context.new_page()
    page.goto(url)
    for name, heading in (("Library", "Library"), ("Predict", "Predict"), ("Lab", "Lab")):
        page.get_by_test_id("stExpandSidebarButton").tap()
        page.get_by_test_id("stSidebar").get_by_role("link", name=name, exact=True).tap()
        expect(page.get_by_role("heading", name=heading, exact=True)).to_be_attached()
        expect(page.get_by_test_id("stSidebar")).not_to_be_in_viewport()
    context.close()
