"""The Start page's picture in a real browser: it plays, stands still, and its figures are those of the snapshots."""

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
PICTURE = ".bcl-angle-columns"
NUMBERS = f"{PICTURE} .number"


@pytest.fixture(scope="module")
def url(serve, tmp_path_factory) -> str:
    home = tmp_path_factory.mktemp("start") / "lab"
    return serve(APP, {"BCL_LAB_HOME": str(home), "BCL_LAB_WORKER": "off"}).url


@pytest.fixture
def still(visitor: BrowserContext, url: str) -> Iterator[Page]:
    """The page as someone sees it who asked for less motion."""
    page = new_page(visitor, reduced_motion="reduce")
    page.goto(url)
    page.wait_for_selector(NUMBERS, timeout=30_000)
    yield page
    page.close()


def tail_angle(run_id: str) -> float:
    means = read_arrays(shelf_home() / run_id / "view" / "0060.safetensors")["class_means"]
    return float(pairwise_angles(means)[np.ix_([7, 8, 9], [7, 8, 9])][np.triu_indices(3, 1)].mean())


@pytest.mark.parametrize("balanced", [False, True])
def test_still_the_numbers_are_the_last_epochs(still: Page, balanced: bool) -> None:
    if balanced:
        still.get_by_role("switch", name="Balanced data").check()
    expect(still.locator(f"{PICTURE} .epoch")).to_have_text("epoch 60 of 60")
    group = "digits-balanced" if balanced else "digits"
    wanted = [f"{tail_angle(f'{group}-{loss}'):.0f}°" for loss in LOSSES]
    assert still.locator(NUMBERS).all_text_contents() == wanted


def test_every_pair_has_a_dot_and_every_rare_image_is_there(still: Page) -> None:
    assert still.locator(f"{PICTURE} svg[role=img] circle").count() == 3 * 45
    assert still.locator(f"{PICTURE} svg[role=img] circle.tail").count() == 3 * 3
    scans = still.locator(f"{PICTURE} .scan")
    assert scans.count() == 6 + 4 + 2
    assert still.get_by_label("a scan of digit 9").count() == 2


def test_it_plays_from_the_first_epoch_to_the_last_and_again_on_demand(visitor: BrowserContext, url: str) -> None:
    page = new_page(visitor, reduced_motion="no-preference")
    page.goto(url)
    epoch = page.locator(f"{PICTURE} .epoch")
    expect(epoch).to_have_text("epoch 60 of 60", timeout=60_000)
    page.get_by_role("button", name="Play again").click()
    expect(epoch).not_to_have_text("epoch 60 of 60")
    expect(epoch).to_have_text("epoch 60 of 60", timeout=60_000)
    page.close()


def test_from_the_picture_to_the_same_runs_in_the_inspector(still: Page) -> None:
    still.get_by_role("button", name="Inspect these runs").click()
    expect(still.locator(".bcl-stage .sentence")).to_contain_text("apart", timeout=30_000)
    assert "digits-scl.digits-bcl.digits-bcl-class" in still.url
