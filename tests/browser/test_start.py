"""The Start page's play in a real browser: it waits to be seen, stands still, and its figures are the snapshots'."""

import io
import re
from collections.abc import Iterator

import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import BrowserContext, Page, expect

from bcl_core.geometry import pairwise_angles
from bcl_core.lab.files import RunFolder
from bcl_core.lab.shelf import shelf_home
from harness.serving import new_page

pytestmark = pytest.mark.browser

LOSSES = ("scl", "bcl", "bcl-class")
PLAY = ".bcl-start"
NUMBERS = f"{PLAY} .number"
EPOCH = f"{PLAY} .epoch"
ENDED = "epoch 60 of 60"
LEFT, RIGHT = 48, 66  # pixels beside the dots, where degrees and their mean are written
LENGTH = 6_000  # milliseconds of the play
PATIENCE = 60_000


@pytest.fixture(scope="module")
def page(visitor: BrowserContext) -> Iterator[Page]:
    page = new_page(visitor, reduced_motion="reduce")
    yield page
    page.close()


@pytest.fixture
def still(page: Page, app: str) -> Page:
    """The page as someone sees it who asked for less motion."""
    if page.url != app:
        page.goto(app)
    expect(page.locator(EPOCH)).to_have_text(ENDED, timeout=PATIENCE)
    page.get_by_role("switch", name="Balanced data").uncheck()
    return page


def tail_angle(run_id: str) -> float:
    folder = RunFolder(shelf_home() / run_id)
    means = folder.arrays(folder.view(60))["class_means"]
    return float(pairwise_angles(means)[np.ix_([7, 8, 9], [7, 8, 9])][np.triu_indices(3, 1)].mean())


def test_still_the_numbers_are_the_last_epochs_and_the_switch_moves_nothing_and_says_what_differs(still: Page) -> None:
    leads, room = still.locator(f"{PLAY} .leads p"), still.locator(PLAY).bounding_box()
    for group, said, other in (("digits", leads.first, leads.last), ("digits-balanced", leads.last, leads.first)):
        still.get_by_role("switch", name="Balanced data").set_checked(group == "digits-balanced")
        expect(still.locator(NUMBERS)).to_have_text([f"{tail_angle(f'{group}-{loss}'):.0f}°" for loss in LOSSES])
        expect(still.locator(EPOCH)).to_have_text(ENDED)
        expect(said).to_be_visible()
        expect(other).to_be_hidden()
        assert still.locator(PLAY).bounding_box() == room


def test_every_rare_image_is_there(still: Page) -> None:
    expect(still.locator(f"{PLAY} .thumb")).to_have_count(6 + 4 + 2)
    assert still.get_by_label("a scan of digit 9").count() == 2


def test_a_picture_says_itself_in_words(still: Page) -> None:
    angle = tail_angle("digits-bcl")
    picture = still.get_by_role("img", name=f"BCL: at the last epoch digits 7, 8, 9 stand {angle:.0f}°")
    expect(picture).to_be_visible()


def test_pointing_at_a_dot_names_its_pair(still: Page) -> None:
    plot = still.locator(f"{PLAY} .plot").first
    pixels = np.array(Image.open(io.BytesIO(plot.screenshot())).convert("RGB")).astype(int)
    down, right = np.nonzero(np.ptp(pixels[:, LEFT:-RIGHT], axis=2) > 100)  # dots are coloured, all else is grey
    middle = len(down) // 2
    plot.hover(position={"x": float(LEFT + right[middle]), "y": float(down[middle])})
    expect(plot).to_have_attribute("title", re.compile(r"^digits \d and \d: [\d.]+°$"))
    plot.hover(position={"x": 2, "y": 2})
    expect(plot).to_have_attribute("title", "")


def test_it_plays_only_once_it_is_seen_gives_nothing_away_before_its_end_and_plays_again_on_demand(
    visitor: BrowserContext, app: str
) -> None:
    moving = new_page(visitor, height=300, reduced_motion="no-preference")  # so low that the play is below its edge
    moving.clock.install()  # it goes on as ever, but can be put forward
    moving.goto(app)
    epoch, lead = moving.locator(EPOCH), moving.locator(f"{PLAY} .leads p").first
    expect(epoch).to_have_text("epoch 0 of 60", timeout=PATIENCE)
    moving.clock.fast_forward(LENGTH)  # in which it might begin by itself
    expect(epoch).to_have_text("epoch 0 of 60")
    expect(lead).to_be_hidden()
    room = moving.locator(PLAY).bounding_box()
    moving.locator(f"{PLAY} .columns").scroll_into_view_if_needed()
    expect(epoch).to_have_text(re.compile("epoch [1-9][0-9]? of 60"))
    expect(lead).to_be_hidden()
    moving.clock.fast_forward(LENGTH)
    expect(epoch).to_have_text(ENDED)
    expect(lead).to_be_visible()
    expect(lead).to_contain_text("apart")
    for sure in ("11.3 ± 10.9° (p 0.08", "4.5 ± 1.7° (p 0.004)"):
        expect(lead).to_contain_text(sure)
    after = moving.locator(PLAY).bounding_box()
    assert room is not None and after is not None
    assert room["height"] == after["height"]  # nothing jumps
    moving.get_by_role("button", name="Play again").click()
    expect(epoch).not_to_have_text(ENDED)
    expect(lead).to_be_hidden()
    moving.clock.fast_forward(LENGTH)
    expect(epoch).to_have_text(ENDED)
    moving.close()


@pytest.mark.parametrize(("width", "height"), [(390, None), (1280, 720)])
def test_nothing_is_wider_than_the_window_nor_on_a_projector_higher(
    still: Page, width: int, height: int | None
) -> None:
    still.set_viewport_size({"width": width, "height": height or 844})
    still.wait_for_function(
        """([selector, height]) => {
          const play = document.querySelector(selector), box = play.getBoundingClientRect();
          return box.left + Math.max(box.width, play.scrollWidth) <= innerWidth && (!height || box.bottom <= height);
        }""",
        arg=[PLAY, height],
    )


def test_training_now_trains_what_is_shown(still: Page) -> None:
    for group, is_balanced in (("digits", False), ("digits-balanced", True)):
        if "/lab" in still.url:
            still.go_back()
            expect(still.locator(EPOCH)).to_have_text(ENDED, timeout=PATIENCE)
        still.get_by_label("Balanced data").set_checked(is_balanced)
        still.wait_for_timeout(500)  # Python is told
        still.get_by_role("button", name="Train it now").click()
        still.wait_for_url("**/lab?*")
        expect(still.get_by_role("dialog")).to_contain_text("36 of every digit" if is_balanced else "rarest 6, 4 and 2")
        assert f"new={group}" in still.url


def test_from_the_play_to_the_same_runs_in_the_lab(still: Page) -> None:
    link = still.get_by_role("link", name="Look into these runs")
    still.get_by_label("Balanced data").check(force=True)
    expect(link).to_have_attribute("href", "lab?runs=digits-balanced-scl.digits-balanced-bcl.digits-balanced-bcl-class")
    still.get_by_label("Balanced data").uncheck(force=True)
    link.click()
    expect(still.locator(".bcl-stage .sentence")).to_contain_text("apart", timeout=PATIENCE)
    assert "digits-scl.digits-bcl.digits-bcl-class" in still.url
