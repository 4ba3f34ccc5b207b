"""Predict's heat maps in a real browser: every angle stays with its classes, whatever their order."""

import numpy as np
import pytest
from playwright.sync_api import expect

from bcl_core.geometry import optimal_configuration, pairwise_angles
from harness.serving import new_page

pytestmark = pytest.mark.browser

COUNTS = [3, 100, 10, 30]
TEMPERATURE = 0.3  # the page's own, as is the batch of 64


@pytest.fixture(scope="module")
def maps(visitor, app):
    page = new_page(visitor, height=1600)
    page.goto(f"{app}predict?counts_from=Paste+them&counts={'+'.join(map(str, COUNTS))}")
    expect(page.locator(".bcl-predicted .map canvas").first).to_be_visible(timeout=30_000)
    yield page.locator(".bcl-predicted section")
    page.close()


def test_there_is_a_map_a_loss(maps):
    titles = ["SCL", "SCL + class-averaging", "SCL + class-complement", "BCL"]
    both = [title + anchors for title in titles for anchors in ("", ", class anchors")]
    assert maps.locator("h3").all_text_contents() == both


def test_the_most_frequent_class_is_first_and_angles_stay_with_their_classes(maps):
    for place, balanced in ((0, False), (6, True)):
        switches = {"class_averaging": balanced, "class_complement": balanced}
        found = optimal_configuration(COUNTS, **switches, temperature=TEMPERATURE, batch_size=64, compositions=4_000)
        angles = pairwise_angles(found.means)
        order = np.argsort(COUNTS)[::-1]
        chosen = maps.nth(place)
        chosen.locator(".map").press("Escape")  # all maps point at one pair; from none, keys begin in the corner
        chosen.locator(".map").press("ArrowDown")
        for a, b in ((order[0], order[1]), (order[0], order[2])):
            chosen.locator(".map").press("ArrowRight")
            readout = chosen.locator(".readout")
            expect(readout).to_contain_text(f"classes {a} and {b}: ")
            said = readout.inner_text().rpartition(": ")[2].removesuffix("°")
            assert float(said) == pytest.approx(angles[a, b], abs=0.06)


def test_the_pair_that_is_pointed_at_is_read_in_every_map(maps):
    maps.first.locator(".map").press("Escape")
    maps.first.locator(".map").press("ArrowRight")
    maps.first.locator(".map").press("ArrowRight")
    for place in range(8):
        expect(maps.nth(place).locator(".readout")).to_contain_text("classes 1 and 3: ")


def test_on_a_phone_no_number_of_the_table_is_cut(visitor, app):
    page = new_page(visitor, width=390, height=844)
    page.goto(f"{app}predict")
    row = page.get_by_test_id("stTable").locator("tbody tr").first.locator("td")
    expect(row.first).to_be_visible(timeout=30_000)
    for cell in row.all()[:3]:  # the loss, what is predicted, what was measured
        box = cell.bounding_box()
        assert box["x"] + box["width"] <= 390 and cell.evaluate("cell => cell.scrollWidth <= cell.clientWidth")
    page.close()
