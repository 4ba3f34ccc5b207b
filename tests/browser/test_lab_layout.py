"""The Lab fits its window: sentence, one picture and the bar at once, on a projector and on a phone."""

from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect

from bcl_core.lab import GroupPlan, Lab
from harness.made_runs import MadeRun, make_runs
from harness.serving import new_page
from tests.browser.conftest import Opener
from tests.conftest import small

pytestmark = [pytest.mark.browser, pytest.mark.usefixtures("patience")]

LENSES = ("formation", "curves", "push", "embedding", "angles", "batch")
# Width and height of the window, and how high the picture is at least: pixels.
SIZES = {"projector": (1280, 720, 300), "phone": (390, 844, 230)}


@pytest.fixture(scope="module")
def runs(lab: Lab) -> list[MadeRun]:
    return make_runs(lab, ["scl", "bcl", "bcl-class"], 4)


@pytest.fixture(scope="module")
def sized(visitor: BrowserContext, app: str, runs: list[MadeRun]) -> Iterator[Callable[[str], Page]]:
    """Opens all lenses in a window of each size, once; who asks for one chooses a lens by its digit."""
    opener, pages = Opener(visitor, f"{app}lab"), dict[str, Page]()

    def page_of(size: str) -> Page:
        if size not in pages:
            width, height, _ = SIZES[size]
            pages[size] = opener(runs, "lens=all", width=width, height=height)
        return pages[size]

    yield page_of
    opener.close()


def box(page: Page, selector: str) -> dict[str, float]:
    found = page.locator(selector).first.bounding_box()
    assert found is not None, selector
    return {**found, "right": found["x"] + found["width"], "bottom": found["y"] + found["height"]}


# What of a lens's controls, link and button of files is not seen whole, at the side's right or lower end.
HIDDEN_IN = """(side) => {
  const { right, bottom } = side.getBoundingClientRect();
  const end = side.querySelector('.foot').getBoundingClientRect();
  const parts = [...side.querySelectorAll('.controls :is(button, select, .choice span, .toggle), .foot > *')];
  return parts.filter((part) => {
    const box = part.getBoundingClientRect();
    const lowest = part.closest('.foot') ? bottom : end.top;
    return box.width && (box.right > right + 1 || box.bottom > lowest + 1);
  }).map((part) => part.textContent);
}"""


@pytest.mark.parametrize("size", SIZES)
def test_the_digits_choose_a_lens_that_is_seen_at_once_with_sentence_and_bar(
    show: Opener, sized: Callable[[str], Page], size: str
) -> None:
    width, height, least = SIZES[size]
    page = sized(size)
    for key, lens in enumerate(LENSES, start=1):
        page.keyboard.press(str(key))
        expect(page.locator(".lens:visible")).to_have_count(1)
        expect(page.locator(f".lens.{lens}")).to_be_visible()
        show.wait(page)
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
        drawn = drawn_in(page, lens)
        assert drawn
        if size == "projector":
            assert page.locator(f".lens.{lens} .side").evaluate(HIDDEN_IN) == []
        else:  # every lens can be chosen without moving the row
            assert page.locator(".rail").evaluate("(rail) => rail.scrollWidth <= rail.clientWidth")
        for inside in drawn:
            assert inside["width"] > 100 and inside["height"] > 100
            assert inside["y"] + inside["height"] <= picture["bottom"] + 1
            assert inside["x"] + inside["width"] <= picture["right"] + 1


def drawn_in(page: Page, lens: str) -> list[dict[str, float]]:
    """The boxes of what a lens draws."""
    boxes = [
        part.bounding_box() for part in page.locator(f".lens.{lens} .picture :is(.plot, .cloud, .map):visible").all()
    ]
    return [found for found in boxes if found is not None]


PANELS = "({ _fullLayout: { yaxis, yaxis2 } }) => [yaxis, yaxis2].flatMap((axis) => axis?._length ?? [])"


def test_panels_of_one_batch_are_high_enough_to_be_read_beside_other_runs(
    show: Opener, sized: Callable[[str], Page]
) -> None:
    page = sized("projector")
    page.keyboard.press("6")
    show.wait(page)
    plots = page.locator(".batch .plot").all()
    heights = [plot.evaluate(PANELS) for plot in plots]
    assert [len(panels) for panels in heights] == [1, 2, 2], "the others two by two"
    assert min(height for panels in heights for height in panels) > 80


def test_words_of_the_formation_stand_above_its_lines(show: Opener, sized: Callable[[str], Page]) -> None:
    page = sized("projector")
    page.keyboard.press("1")
    show.wait(page)
    top = "(plot) => plot.getBoundingClientRect().y + plot._fullLayout.yaxis._offset"
    for plot in page.locator(".formation .plot").all():
        boxes = [label.bounding_box() for label in plot.locator(".annotation").all()]
        assert boxes and all(found and found["y"] + found["height"] <= plot.evaluate(top) for found in boxes)


def test_a_phone_shows_one_run_at_a_time_and_switches(sized: Callable[[str], Page]) -> None:
    page = sized("phone")
    page.keyboard.press("1")
    columns = page.locator(".lens.formation .column:visible")
    expect(columns).to_have_count(1)
    expect(columns).to_contain_text("SCL")
    page.get_by_role("group", name="Run").get_by_role("button", name="BCL, class anchors").click()
    expect(columns).to_have_count(1)
    expect(columns).to_contain_text("BCL, class anchors")


CUT = """(names) => names.filter(
  (name) => name.scrollWidth > name.clientWidth || name.scrollHeight > name.clientHeight + 1).length"""


def test_with_four_runs_names_are_whole_and_labels_stay_within_their_columns(show: Opener) -> None:
    runs = ".".join(f"digits-{loss}" for loss in ("scl", "bcl", "bcl-class", "ce-la"))
    page = show(query=f"runs={runs}&lens=formation", width=1280, height=720)
    names = page.locator(".formation .name")
    expect(names).to_have_text(["SCL", "BCL", "BCL, class anchors", "Cross-entropy, logit-adjusted"])
    assert names.locator("span").evaluate_all(CUT) == 0
    for plot in page.locator(".formation .plot").all():
        boxes = [label.bounding_box() for label in plot.locator(".annotation").all()]
        column = plot.bounding_box()
        assert column and boxes
        end = column["x"] + column["width"] + 1
        assert all(found and column["x"] <= found["x"] and found["x"] + found["width"] <= end for found in boxes)


def test_cross_entropy_is_not_held_to_an_angle_that_its_features_cannot_have(show: Opener) -> None:
    page = show(query="runs=digits-bcl.digits-ce-la&lens=all&metric=angle_rms_deviation")
    expect(page.locator(".sentence")).to_contain_text("backbone features, which are not negative: none exceeds 90°.")
    said = "backbone features are not negative, so no angle exceeds 90° and this cannot fall below 6.4°"
    first, second = page.locator(".angles .summary").all()
    expect(first).not_to_contain_text("negative")
    expect(second).to_contain_text(said)
    expect(page.locator(".curves .side")).to_contain_text(f"Cross-entropy, logit-adjusted: {said}.")


NEXT_FRAME = "new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))"


def test_nothing_moves_while_epochs_load(show: Opener, runs: list[MadeRun]) -> None:
    page = show(runs, "lens=angles&epoch=0")
    parts = (".sentence", ".rail", ".lens.angles .picture", ".lens.angles .map", ".bar")

    def places() -> list[dict[str, float]]:
        return [box(page, f".bcl-stage {part}") for part in parts]

    for width, height, _ in SIZES.values():
        page.set_viewport_size({"width": width, "height": height})
        page.evaluate(NEXT_FRAME)  # in which it is built anew where the window became narrow
        show.wait(page)
        before = places()
        page.keyboard.press("ArrowRight")
        assert places() == before
        show.wait(page)
        assert places() == before


def test_every_lens_can_be_presented_with_its_legend_and_a_clicker_goes_forward(
    show: Opener, sized: Callable[[str], Page]
) -> None:
    page = sized("projector")
    page.get_by_role("button", name="Present").click()
    page.keyboard.press("Home")
    for key, lens in enumerate(LENSES, start=1):
        page.keyboard.press(str(key))
        expect(page.locator(f".lens.{lens} .legend")).to_be_visible()
        show.wait(page)
        picture, bar = box(page, f".lens.{lens} .picture"), box(page, ".bcl-stage .bar")
        assert picture["bottom"] <= bar["y"] and bar["bottom"] <= 720
        drawn = drawn_in(page, lens)
        assert drawn and all(inside["height"] > 100 for inside in drawn)
    page.keyboard.press("PageDown")
    expect(page.locator(".bar .epoch")).to_have_text("epoch 4 / 4")
    page.keyboard.press("PageUp")
    expect(page.locator(".bar .epoch")).to_have_text("epoch 0 / 4")
    page.keyboard.press("Escape")


def test_on_a_phone_no_drawer_is_left_open_over_the_chosen_page(browser: Browser, app: str) -> None:
    context = browser.new_context(
        bypass_csp=True, viewport={"width": 390, "height": 844}, has_touch=True, is_mobile=True
    )
    page = context.new_page()
    page.goto(f"{app}lab")
    for name, heading in (("Library", "Library"), ("Predict", "Predict"), ("Lab", "Lab")):
        page.get_by_test_id("stExpandSidebarButton").tap()
        page.get_by_test_id("stSidebar").get_by_role("link", name=name, exact=True).tap()
        expect(page.get_by_role("heading", name=heading, exact=True)).to_be_attached()
        expect(page.get_by_test_id("stSidebar")).not_to_be_in_viewport()
    context.close()


def test_space_plays_right_after_present_was_pressed(sized: Callable[[str], Page]) -> None:
    page = sized("projector")
    page.keyboard.press("1")
    page.keyboard.press("Home")
    page.get_by_role("button", name="Present").click()
    page.keyboard.press(" ")
    expect(page.locator(".bar .epoch")).to_have_text("epoch 4 / 4")
    expect(page.locator(".bcl-stage.presenter")).to_be_visible()
    page.keyboard.press("Escape")


def test_selected_images_leave_the_picture_its_size(show: Opener, runs: list[MadeRun]) -> None:
    page = show(runs, "lens=embedding&selection=" + "_" * 12)
    assert page.locator(".selection tr").count() > 20

    def sizes() -> list[dict[str, float]]:
        found = []
        for width, height, _ in reversed(SIZES.values()):  # a telephone, where none are listed, before the projector
            page.set_viewport_size({"width": width, "height": height})
            page.evaluate(NEXT_FRAME)  # in which it is built anew where the window became narrow
            show.wait(page)
            found.append(box(page, ".cloud"))
        return found

    chosen = sizes()
    page.get_by_role("button", name="Clear").click()
    expect(page.locator(".selection")).to_be_hidden()
    assert sizes() == chosen


def test_on_a_phone_an_error_s_longest_word_wraps_in_its_box_and_try_again_stays_whole(
    visitor: BrowserContext, app: str, lab: Lab
) -> None:
    [run] = lab.enqueue(GroupPlan("no network", [("run", small())]))
    lab.record_state(run, "failed", f"could not be downloaded: fetch https://somewhere/{'c58f3010' * 8}.tar.gz by hand")
    page = new_page(visitor, 390, 844)
    page.goto(f"{app}lab?runs={run}")
    message, again = page.locator(".message", has_text="by hand"), page.locator(".said button")
    expect(again).to_be_visible()
    for element in (message, again):
        assert element.evaluate("(element) => element.scrollWidth <= element.clientWidth")
    assert page.locator(".said").evaluate("(said) => said.scrollWidth <= said.clientWidth")
    page.close()


HINT = "(element) => getComputedStyle(element).getPropertyValue('--bcl-fade')"
SHADOW = "(element) => getComputedStyle(element, '::after').opacity"


def test_what_scrolls_fades_at_its_edge_until_there_is_no_more(visitor: BrowserContext, app: str) -> None:
    page = new_page(visitor, 390, 844)
    page.goto(f"{app}theory")
    page.locator("table").last.wait_for()
    table = page.locator("table", has=page.get_by_text("head–head", exact=True)).first  # one of many columns
    assert table.evaluate("(table) => table.scrollWidth > table.clientWidth")
    assert table.evaluate(HINT) == "2.5rem"
    table.evaluate("(table) => table.scrollTo(table.scrollWidth, 0)")
    page.evaluate(NEXT_FRAME)
    assert table.evaluate(HINT) == "0px"
    page.goto(f"{app}lab?new=digits")
    dialog = page.get_by_test_id("stDialog")
    expect(dialog.get_by_role("button", name="Train")).to_be_attached()
    assert dialog.evaluate(SHADOW) == "1"
    down = "dialog.scrollTo(0, dialog.scrollHeight)"  # again, until what comes late is there
    page.wait_for_function(f"(dialog) => ({down}, ({SHADOW})(dialog) === '0')", arg=dialog.element_handle())
    page.close()
