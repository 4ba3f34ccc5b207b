"""The Gallery's small pictures in a real browser: drawn from what the lab answers, and said in words."""

import re

import pytest
from playwright.sync_api import expect

from harness.serving import new_page

pytestmark = pytest.mark.browser

PICTURES = ".bcl-thumbnail canvas"
# Whether the tail's orange is among a canvas's pixels.
IS_ORANGE = """(canvas) => {
  const { data } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
  return data.some((red, i) => i % 4 === 0 && red === 0xd9 && data[i + 1] === 0x73 && data[i + 2] === 0x0d);
}"""
ARE_DRAWN = f"(canvases) => canvases.filter({IS_ORANGE}).length"


@pytest.fixture
def page(visitor, app):
    page = new_page(visitor)
    page.goto(f"{app}gallery")
    yield page
    page.close()


def test_every_run_has_a_picture_with_its_rare_pairs_in_orange_but_where_no_class_is_rare(page, lab):
    runs = lab.shelf.runs
    expect(page.locator(PICTURES)).to_have_count(len(runs), timeout=30_000)
    uneven = [run for run in runs if "balanced" not in run.id]
    page.wait_for_function(
        f"(wanted) => ({ARE_DRAWN})([...document.querySelectorAll('{PICTURES}')]) === wanted", arg=len(uneven)
    )
    angle = lab.metrics("digits-scl")[-1]["angle_tail_tail"]
    words = f"Angles between classes: .* {angle:.0f}° among the rarest"
    assert page.get_by_role("img", name=re.compile(words)).count() >= 1
    expect(page.locator(".bcl-thumbnail p")).to_have_count(0)  # nothing is missing
