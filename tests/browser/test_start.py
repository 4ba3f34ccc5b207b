"""The Start page's play in a real browser: it waits to be seen, stands still, and its figures are the snapshots'."""

from collections.abc import Iterator

import numpy as np
import pytest
from playwright.sync_api import BrowserContext, Page, expect

from bcl_core.geometry import pairwise_angles
from bcl_core.lab.files import read_arrays
from bcl_core.lab.shelf import shelf_home
from harness.serving import APP, new_page

pytestmark = pytest.mark.browser

LOSSES = ("scl", "bcl", "bcl-class")
PLAY = ".bcl-start"
NUMBERS = f"{PLAY} .number"
EPOCH = f"{PLAY} .epoch"
ENDED = "epoch 60 of 60"
PATIENCE = 60_000  # milliseconds: the play takes six seconds on a machine that is not busy


@pytest.fixture(scope="module")
def url(serve, tmp_path_factory) -> str:
    home = tmp_path_factory.mktemp("start") / "lab"
    return serve(APP, {"BCL_LAB_HOME": str(home), "BCL_LAB_WORKER": "off"}).url


@pytest.fixture
def still(visitor: BrowserContext, url: str) -> Iterator[Page]:
    """The page as someone sees it who asked for less motion."""
    page = new_page(visitor, reduced_motion="reduce")
    page.goto(url)
    expect(page.locator(EPOCH)).to_have_text(ENDED, timeout=PATIENCE)
    yield page
    page.close()


@pytest.fixture
def moving(visitor: BrowserContext, url: str) -> Iterator[Page]:
    """The page in a window so low that the play is below its edge."""
    page = new_page(visitor, height=300, reduced_motion="no-preference")
    page.goto(url)
    expect(page.locator(EPOCH)).to_have_text("epoch 0 of 60", timeout=PATIENCE)
    yield page
    page.close()


def tail_angle(run_id: str) -> float:
    means = read_arrays(shelf_home() / run_id / "view" / "0060.safetensors")["class_means"]
    return float(pairwise_angles(means)[np.ix_([7, 8, 9], [7, 8, 9])][np.triu_indices(3, 1)].mean())


@pytest.mark.parametrize("balanced", [False, True])
def test_still_the_numbers_are_the_last_epochs(still: Page, balanced: bool) -> None:
    if balanced:
        still.get_by_role("switch", name="Balanced data").check()
    group = "digits-balanced" if balanced else "digits"
    wanted = [f"{tail_angle(f'{group}-{loss}'):.0f}°" for loss in LOSSES]
    expect(still.locator(NUMBERS)).to_have_text(wanted)
    expect(still.locator(EPOCH)).to_have_text(ENDED)


def test_the_switch_moves_nothing_and_says_what_differs(still: Page) -> None:
    leads = still.locator(f"{PLAY} .leads p")
    expect(leads.first).to_be_visible()
    expect(leads.last).to_be_hidden()
    room = still.locator(PLAY).bounding_box()
    still.get_by_role("switch", name="Balanced data").check()
    expect(leads.last).to_be_visible()
    expect(leads.first).to_be_hidden()
    expect(still.locator(EPOCH)).to_have_text(ENDED)
    assert still.locator(PLAY).bounding_box() == room


def test_every_rare_image_is_there(still: Page) -> None:
    expect(still.locator(f"{PLAY} .thumb")).to_have_count(6 + 4 + 2)
    assert still.get_by_label("a scan of digit 9").count() == 2


def test_a_picture_says_itself_in_words(still: Page) -> None:
    angle = tail_angle("digits-bcl")
    picture = still.get_by_role("img", name=f"BCL, as published: at the last epoch digits 7, 8, 9 stand {angle:.0f}°")
    expect(picture).to_be_visible()


def test_pointing_at_a_dot_names_its_pair(still: Page) -> None:
    plot = still.locator(f"{PLAY} .plot").first
    box = plot.bounding_box()
    assert box is not None
    for down in range(0, int(box["height"]), 6):
        for right in range(50, int(box["width"]), 9):
            plot.hover(position={"x": right, "y": down})
            if tip := plot.get_attribute("title"):
                assert tip.startswith("digits ") and tip.endswith("°")
                return
    pytest.fail("no dot was found")


def test_it_plays_only_once_it_is_seen_and_gives_nothing_away_before_its_end(moving: Page) -> None:
    lead = moving.locator(f"{PLAY} .leads p").first
    moving.wait_for_timeout(500)  # it might begin by itself
    expect(moving.locator(EPOCH)).to_have_text("epoch 0 of 60")
    expect(lead).to_be_hidden()
    room = moving.locator(PLAY).bounding_box()
    moving.locator(f"{PLAY} .columns").scroll_into_view_if_needed()
    expect(moving.locator(EPOCH)).to_have_text(ENDED, timeout=PATIENCE)
    expect(lead).to_be_visible()
    expect(lead).to_contain_text("apart")
    after = moving.locator(PLAY).bounding_box()
    assert room is not None and after is not None
    assert room["height"] == after["height"]  # nothing jumps


def test_it_plays_again_on_demand(moving: Page) -> None:
    moving.locator(f"{PLAY} .columns").scroll_into_view_if_needed()
    epoch = moving.locator(EPOCH)
    expect(epoch).to_have_text(ENDED, timeout=PATIENCE)
    moving.get_by_role("button", name="Play again").click()
    expect(epoch).not_to_have_text(ENDED)
    expect(moving.locator(f"{PLAY} .leads p").first).to_be_hidden()
    expect(epoch).to_have_text(ENDED, timeout=PATIENCE)


def test_at_1280_by_720_title_picture_and_controls_are_seen_at_once(visitor: BrowserContext, url: str) -> None:
    page = new_page(visitor, height=720, reduced_motion="reduce")
    page.goto(url)
    expect(page.locator(EPOCH)).to_have_text(ENDED, timeout=PATIENCE)
    box = page.locator(PLAY).bounding_box()
    assert box is not None and box["y"] + box["height"] <= 720
    page.close()


@pytest.mark.parametrize("width", [390, 1280])
def test_nothing_is_wider_than_the_window(visitor: BrowserContext, url: str, width: int) -> None:
    page = new_page(visitor, width=width, height=844, reduced_motion="reduce")
    page.goto(url)
    expect(page.locator(EPOCH)).to_have_text(ENDED, timeout=PATIENCE)
    box = page.locator(PLAY).bounding_box()
    inside = page.locator(PLAY).evaluate("(play) => play.scrollWidth")
    assert box is not None and box["x"] + max(box["width"], inside) <= width
    page.close()


def test_from_the_play_to_the_same_runs_in_the_lab(still: Page) -> None:
    still.get_by_role("button", name="Look into these runs").click()
    expect(still.locator(".bcl-stage .sentence")).to_contain_text("apart", timeout=PATIENCE)
    assert "digits-scl.digits-bcl.digits-bcl-class" in still.url
