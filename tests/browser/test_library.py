"""The Library in a real browser: runs are found, opened, renamed, put in order, deleted and taken back."""

import itertools
import re
import sqlite3
import zipfile
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, Locator, Page, expect

from app.words import percent
from bcl_core.lab import GroupPlan, Lab
from harness.made_runs import MadeRun, make_runs
from harness.serving import APP, Server, new_page
from tests.browser.conftest import Serve
from tests.conftest import small

pytestmark = [pytest.mark.browser, pytest.mark.usefixtures("patience")]

PICTURES = ".bcl-library .thumbnail canvas"
# Whether the tail's orange is among a canvas's pixels.
IS_ORANGE = """(canvas) => {
  const { data } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
  return data.some((red, i) => i % 4 === 0 && red === 0xd9 && data[i + 1] === 0x73 && data[i + 2] === 0x0d);
}"""
ARE_DRAWN = f"(canvases) => canvases.filter({IS_ORANGE}).length"
ODD_NAMES = {
    "wide": "W" * 80,
    "one word in Chinese": "長尾對比學習平衡" * 10,
    "emoji": "👩‍👩‍👧‍👦🏳️‍🌈 best run 🎉",
    "from right to left": "הרצה ראשונה (BCL) 0",
    "markup": "<img src=x onerror=alert(1)> **bold**",
}


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Lab:
    return Lab(tmp_path_factory.mktemp("library") / "lab")


@pytest.fixture(scope="module")
def server(serve: Serve, lab: Lab) -> Server:
    return serve(APP, {"BCL_LAB_HOME": str(lab.home), "BCL_LAB_WORKER": "off", "OMP_NUM_THREADS": "1"})


Open = Callable[..., Page]


@pytest.fixture
def open_library(visitor: BrowserContext, server: Server) -> Iterator[Open]:
    """Open the Library; with `find`, on what a search for it finds. Fails where the page threw an error."""
    pages, errors = list[Page](), list[str]()

    def start(find: str = "", query: str = "", width: int = 1280, height: int = 720) -> Page:
        page = new_page(visitor, width, height)
        pages.append(page)
        page.on("pageerror", lambda error: errors.append(str(error)))
        page.goto(f"{server.url}library?{query}")
        laid(page)
        if find:
            search(page, find)
        return page

    yield start
    for page in pages:
        page.close()
    assert not errors


@pytest.fixture(scope="module")
def always_open(visitor: BrowserContext, server: Server) -> Iterator[Page]:
    page, errors = new_page(visitor, 1280, 720), list[str]()
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.goto(f"{server.url}library")
    laid(page)
    yield page
    page.close()
    assert not errors


Find = Callable[[str], Page]


@pytest.fixture
def find(always_open: Page) -> Find:
    """Look for runs on a page that was opened before they were there; nothing else is chosen there."""

    def found(text: str) -> Page:
        always_open.bring_to_front()
        always_open.evaluate("dispatchEvent(new Event('focus'))")  # whereupon it asks for the runs
        search(always_open, text)
        expect(entries(always_open)).not_to_have_count(0)
        return always_open

    return found


def laid(page: Page) -> None:
    page.locator(".bcl-library[data-laid=true]").wait_for()


def search(page: Page, text: str) -> None:
    page.get_by_role("searchbox", name="Search").fill(text)
    laid(page)


def entries(page: Page) -> Locator:
    return page.locator(".bcl-library .entry")


def entry(page: Page, run_id: str) -> Locator:
    return page.locator(f".bcl-library .entry[data-id='{run_id}']")


def choose(page: Page, run_id: str, what: str) -> None:
    entry(page, run_id).locator(".more").click()
    page.locator(".bcl-library .menu:popover-open").get_by_text(what, exact=True).click()


def tick(page: Page, runs: Sequence[MadeRun]) -> None:
    for run in runs:
        entry(page, run.id).get_by_role("checkbox").check()


def bar(page: Page) -> Locator:
    return page.locator(".bcl-library .bar")


def test_every_run_has_a_picture_with_its_rare_pairs_in_orange_but_where_no_class_is_rare(
    open_library: Open, lab: Lab
) -> None:
    page = open_library("digits", "kind=shelf", height=4000)
    shelved = [run for run in lab.shelf.runs if run.training_recipe.data.source == "digits"]
    expect(page.locator(PICTURES)).to_have_count(len(shelved))
    uneven = [run for run in shelved if "balanced" not in run.id]
    page.wait_for_function(
        f"(wanted) => ({ARE_DRAWN})([...document.querySelectorAll('{PICTURES}')]) === wanted", arg=len(uneven)
    )
    angle = lab.metrics("digits-scl")[-1]["angle_tail_tail"]
    words = f"Angles between classes: .* {angle:.0f}° within the tail"
    expect(entry(page, "digits-scl").get_by_role("img", name=re.compile(words))).to_be_visible()
    expect(entry(page, "digits-scl").locator("dl")).to_have_text(
        re.compile(r"many.*1 class.*few.*5 classes", re.DOTALL)
    )
    assert not any(page.locator(".bcl-library .thumbnail p").all_inner_texts()), "nothing is missing"


def test_runs_that_are_found_filtered_and_ticked_open_in_the_lab_together(open_library: Open, lab: Lab) -> None:
    runs = make_runs(lab, ["scl", "bcl", "bcl-class"], 2, name="Found race")
    page = open_library()
    page.get_by_role("button", name=re.compile("^Yours")).click()
    search(page, "found SCL")
    expect(entries(page)).to_have_count(1)
    search(page, "digits found RACE")
    expect(entries(page)).to_have_count(3)
    tick(page, [runs[2], runs[0]])
    expect(bar(page)).to_contain_text("2 chosen")
    bar(page).get_by_role("link", name="Open in the Lab").click()
    page.locator(".bcl-stage[data-settled=true]").wait_for()
    assert f"runs={runs[2].id}.{runs[0].id}" in page.url
    expect(page.locator(".lens.formation .column")).to_have_count(2)


def test_more_than_the_lab_shows_are_not_offered_to_it(find: Find, lab: Lab) -> None:
    make_runs(lab, ["scl"] * 6, 1, name="Six of them")
    page = find("six of them")
    for box in entries(page).get_by_role("checkbox").all():
        box.check()
    link = bar(page).get_by_role("link")
    expect(link).to_have_text("The Lab shows 5 at most")
    expect(link).to_be_disabled()
    expect(link).not_to_have_attribute("href", re.compile("."))
    bar(page).get_by_role("button", name="Clear").click()
    expect(bar(page)).to_be_hidden()
    expect(entries(page).get_by_role("checkbox", checked=True)).to_have_count(0)


def test_a_name_that_is_pressed_at_once_is_the_one_that_was_typed(find: Find, lab: Lab) -> None:
    [run] = make_runs(lab, ["bcl"], 1, name="Hasty race")
    page = find("hasty race")
    for press in (
        lambda form: form.get_by_role("button", name="Rename").click(),
        lambda form: page.keyboard.press("Enter"),
    ):
        for name in ("my best", "my very best"):
            choose(page, run.id, "Rename")
            form = entry(page, run.id).locator("form")
            page.keyboard.insert_text(name)  # over what was there: it is selected
            press(form)
            expect(form).to_have_count(0)
            expect(entry(page, run.id).get_by_role("heading")).to_have_text(name)
            assert lab.run(run.id).name == name


def test_a_name_that_cannot_be_is_refused_where_it_was_typed(find: Find, lab: Lab) -> None:
    [run] = make_runs(lab, ["bcl"], 1, name="Nameless race")
    page = find("nameless race")
    choose(page, run.id, "Rename")
    form = entry(page, run.id).locator("form")
    form.get_by_role("textbox").fill("   ")
    form.get_by_role("button", name="Rename").click()
    expect(form.get_by_role("alert")).to_contain_text("a name has 1 to 80 characters", ignore_case=True)
    page.keyboard.press("Escape")
    expect(form).to_have_count(0)
    assert lab.run(run.id).name == "BCL, seed 0"


def test_ticked_runs_come_into_a_group(find: Find, lab: Lab) -> None:
    runs = make_runs(lab, ["scl", "bcl"], 1, name="Ungrouped")
    page = find("ungrouped")
    tick(page, runs)
    bar(page).get_by_role("button", name="Group").click()
    bar(page).get_by_role("combobox").fill("Together now")
    bar(page).get_by_role("button", name="Put into this group").click()
    expect(bar(page)).to_be_hidden()
    assert {lab.run(run.id).group_name for run in runs} == {"Together now"}
    search(page, "together now")
    expect(entries(page)).to_have_count(2)
    expect(page.get_by_role("heading", name="Together now")).to_be_visible()


def test_what_is_deleted_goes_at_once_comes_back_by_undo_and_another_tab_sees_both(
    open_library: Open, find: Find, lab: Lab
) -> None:
    runs = make_runs(lab, ["scl", "bcl"], 1, name="Doomed race")
    other, page = open_library("doomed race"), find("doomed race")
    tick(page, runs)
    bar(page).get_by_role("button", name="Delete").click()
    expect(page.locator(".bcl-library .notice")).to_contain_text("Deleted 2 runs.")
    expect(entries(page)).to_have_count(0)
    expect(page.get_by_text("No run matches “doomed race”.")).to_be_visible()
    assert not {run.id for run in runs} & {run.id for run in lab.runs()}
    other.bring_to_front()
    expect(entries(other)).to_have_count(0)
    page.bring_to_front()
    page.locator(".bcl-library .notice").get_by_role("button", name="Undo").click()
    expect(entries(page)).to_have_count(2)
    expect(bar(page)).to_be_hidden()
    assert {run.id for run in runs} <= {run.id for run in lab.runs()}
    other.bring_to_front()
    expect(entries(other)).to_have_count(2)


def test_what_was_deleted_is_restored_after_the_server_has_been_started_anew(
    serve: Serve, browser: Browser, tmp_path: Path
) -> None:
    lab = Lab(tmp_path / "lab")
    first, second = make_runs(lab, ["scl", "bcl"], 1, name="Lost race")
    env = {"BCL_LAB_HOME": str(lab.home), "BCL_LAB_WORKER": "off"}
    server, page = serve(APP, env), browser.new_page(bypass_csp=True)
    page.goto(f"{server.url}library")
    laid(page)
    for run in (first, second):
        choose(page, run.id, "Delete")
        expect(entry(page, run.id)).to_have_count(0)
    server.process.terminate()
    server.process.wait()
    expect(page.get_by_role("alert").filter(has_text="The app does not answer")).to_be_visible()
    page.goto(f"{serve(APP, env).url}library")
    laid(page)
    page.get_by_role("button", name="Deleted 2").click()
    expect(entries(page)).to_have_count(2)
    choose(page, first.id, "Restore")
    expect(entries(page)).to_have_count(1)
    choose(page, second.id, "Delete for good")
    expect(entry(page, second.id)).to_contain_text("This cannot be undone.")
    assert lab.deleted_runs()
    entry(page, second.id).get_by_role("button", name="Delete for good").click()
    expect(entries(page)).to_have_count(0)
    assert [run.id for run in lab.runs()] == [first.id] and not lab.deleted_runs()
    assert not (lab.home / "runs" / second.id).exists()
    page.close()


def test_a_run_that_is_trained_is_not_deleted_before_it_is_stopped(find: Find, lab: Lab) -> None:
    [run_id] = lab.enqueue(GroupPlan("Busy race", [("busy", small())]))
    page = find("busy race")
    expect(entry(page, run_id)).to_contain_text("waits in the queue")
    choose(page, run_id, "Delete")
    expect(entry(page, run_id).locator(".said")).to_contain_text("stop")
    entry(page, run_id).get_by_role("button", name="Stop it").click()
    expect(entry(page, run_id)).to_contain_text("stopped, no epoch yet")
    assert lab.run(run_id).state == "stopped"
    choose(page, run_id, "Delete")
    expect(entries(page)).to_have_count(0)


def test_a_run_that_cannot_be_read_says_why_and_can_be_renamed_and_deleted(find: Find, lab: Lab) -> None:
    [run] = make_runs(lab, ["bcl"], 1, name="Damaged race")
    with sqlite3.connect(lab.home / "lab.sqlite") as db:
        db.execute("UPDATE runs SET state = '**loud**' WHERE id = ?", (run.id,))
    page = find("damaged race")
    expect(entry(page, run.id)).to_contain_text("cannot be read: state is '**loud**'")
    expect(entry(page, run.id).get_by_role("heading").get_by_role("link")).to_have_count(0)
    choose(page, run.id, "Rename")
    page.keyboard.insert_text("damaged, to be deleted")
    page.keyboard.press("Enter")
    expect(entry(page, run.id).get_by_role("heading")).to_have_text("damaged, to be deleted")
    choose(page, run.id, "Delete")
    expect(entries(page)).to_have_count(0)
    assert run.id not in {run.id for run in lab.runs()}


def test_odd_names_are_shown_as_they_are_and_within_their_place(open_library: Open, lab: Lab) -> None:
    ids = lab.enqueue(GroupPlan("Odd race", [(name, small(seed=i)) for i, name in enumerate(ODD_NAMES.values())]))
    page = open_library("odd race")
    for look, width in itertools.product(("Cards", "Rows"), (1280, 390)):
        page.set_viewport_size({"width": width, "height": 844})
        page.get_by_role("button", name=look).click()
        laid(page)
        for run_id, name in zip(ids, ODD_NAMES.values(), strict=True):
            heading = entry(page, run_id).get_by_role("heading")
            assert heading.inner_text() == name
            inner, outer = heading.bounding_box(), entry(page, run_id).bounding_box()
            assert inner and outer and inner["x"] >= outer["x"]
            assert inner["x"] + inner["width"] <= outer["x"] + outer["width"] <= width
        assert page.evaluate("document.documentElement.scrollWidth") <= width
    lab.stop(lab.run(ids[0]).group_id)
    lab.delete(ids)


def test_what_finds_nothing_says_so_and_is_cleared(open_library: Open) -> None:
    page = open_library("nobody is called this", "kind=shelf")
    expect(page.get_by_text("No run matches “nobody is called this”.")).to_be_visible()
    page.locator(".bcl-library .empty").get_by_role("button", name="Show all").click()
    expect(page.get_by_role("searchbox", name="Search")).to_have_value("")
    expect(entry(page, "digits-scl")).to_be_visible()


def test_how_runs_are_shown_is_remembered_in_the_address(open_library: Open) -> None:
    page = open_library()
    page.get_by_role("button", name="Rows").click()
    page.wait_for_url("**/library?look=rows")
    expect(page.locator(PICTURES).first).to_be_hidden()
    page.reload()
    laid(page)
    expect(page.get_by_role("button", name="Rows")).to_have_attribute("aria-pressed", "true")
    page.get_by_role("button", name="Cards").click()
    page.wait_for_url("**/library")
    expect(page.locator(PICTURES).first).to_be_visible()


def test_rows_of_one_name_say_what_tells_them_apart_and_a_renamed_one_its_loss(open_library: Open, lab: Lab) -> None:
    first, second, named = make_runs(lab, ["bcl"] * 3, 1, name="Alike race")
    lab.rename(named.id, "Tuesday's lecture run")
    page = open_library("alike race", "look=rows")
    expect(entry(page, named.id).locator(".data")).to_have_text("BCL", use_inner_text=True)
    told = [entry(page, run.id).locator(".data").inner_text() for run in (first, second)]
    assert first.id in told[0] and second.id in told[1]


def test_rows_are_sorted_by_a_press_on_a_heading_and_the_address_remembers(open_library: Open, lab: Lab) -> None:
    page = open_library(query="look=rows&kind=shelf")
    heading = page.get_by_role("columnheader", name="Accuracy")
    accuracies = [lab.metrics(run.id)[-1]["accuracy"] for run in lab.shelf.runs]
    first = page.locator(".bcl-library .entry .accuracy dd")
    for sort, order, wanted in (
        ("-accuracy", "descending", max(accuracies)),
        ("accuracy", "ascending", min(accuracies)),
    ):
        heading.get_by_role("button").click()
        page.wait_for_url(f"**/library?look=rows&kind=shelf&sort={sort}")
        expect(heading).to_have_attribute("aria-sort", order)
        expect(first.first).to_have_text(percent(wanted).replace(" ", "\u00a0"))
        expect(page.locator(".bcl-library section")).to_have_count(1)
    page.reload()
    laid(page)
    expect(heading).to_have_attribute("aria-sort", "ascending")
    expect(entries(page)).to_have_count(len(accuracies))
    expect(entries(page).first.locator(".group")).to_be_visible()
    heading.get_by_role("button").click()
    expect(heading).to_have_attribute("aria-sort", "none")
    expect(page.get_by_role("heading", name="Digits, long tail")).to_be_visible()


def test_undo_that_finds_no_server_stays_and_says_why(find: Find, lab: Lab) -> None:
    [run] = make_runs(lab, ["bcl"], 1, name="Twice undone")
    page = find("twice undone")
    page.route("**/do", lambda route: route.abort() if '"restore"' in route.request.post_data else route.continue_())
    try:
        choose(page, run.id, "Delete")
        notice = page.locator(".bcl-library .notice")
        undo = notice.get_by_role("button", name="Undo")
        expect(entries(page)).to_have_count(0)
        undo.click()
        expect(notice).to_contain_text("Deleted 1 run. The server does not answer.")
    finally:
        page.unroute("**/do")
    undo.click()
    expect(entries(page)).to_have_count(1)
    assert run.id in {one.id for one in lab.runs()}


def test_on_a_phone_the_runs_begin_soon_and_nothing_of_the_head_is_out_of_reach(open_library: Open) -> None:
    page = open_library(width=390, height=844)
    head = page.get_by_role("heading", name="Library", exact=True).bounding_box()
    first = page.locator(".bcl-library section").first.bounding_box()
    assert head and first and first["y"] - head["y"] <= 220
    page.get_by_role("button", name="Open your own embeddings").click()  # scrolls to it
    expect(page.get_by_text("From any model")).to_be_visible()
    page.get_by_role("button", name="Rows").click()
    expect(page.locator(".bcl-library.rows")).to_be_visible()
    assert page.evaluate("document.documentElement.scrollWidth") <= 390


def test_runs_are_exported_into_a_whole_file(find: Find) -> None:
    page = find("digits, long tail")
    export = lambda: choose(page, "digits-scl", "Export")  # noqa: E731
    assert ids_in(page, export, "SCL-digits-scl.zip") == {"digits-scl"}
    again = entry(page, "digits-scl").get_by_role("link", name="Download it again")
    assert ids_in(page, again.click, "SCL-digits-scl.zip") == {"digits-scl"}
    for run_id in ("digits-scl", "digits-bcl"):
        entry(page, run_id).get_by_role("checkbox").check()
    export = bar(page).get_by_role("button", name="Export").click
    assert ids_in(page, export, "2-runs.zip") == {"digits-scl", "digits-bcl"}
    bar(page).get_by_role("button", name="Clear").click()


def ids_in(page: Page, press: Callable[[], object], name: str) -> set[str]:
    """Press once, and return the ids of the runs that are in the file that comes of it."""
    with page.expect_download(timeout=120_000) as waiting:
        press()
    assert waiting.value.suggested_filename == name
    archive = zipfile.ZipFile(waiting.value.path())
    assert archive.testzip() is None
    return {folder for file in archive.namelist() if (folder := file.partition("/")[0]) != "README.txt"}


def test_a_shelved_run_is_trained_on_as_a_copy(open_library: Open, lab: Lab) -> None:
    before = {run.id for run in lab.runs()}
    page = open_library("digits-scl")
    choose(page, "digits-scl", "Train on")
    page.get_by_role("button", name="Train a copy").click()
    expect(page.locator(".bcl-stage")).to_be_visible()
    [copy] = [run for run in lab.runs() if run.id not in before]
    assert copy.recipe == lab.run("digits-scl").recipe and copy.wants_to_train
    lab.stop(copy.id)
    lab.delete([copy.id])


def test_a_model_card_opens_over_the_library_which_stays_as_it_is(find: Find) -> None:
    page = find("digits-scl")
    tick(page, [type("Shelved", (), {"id": "digits-scl"})])
    choose(page, "digits-scl", "Model card")
    expect(page.get_by_role("dialog")).to_contain_text("Digits")
    page.get_by_role("dialog").get_by_role("button", name="Close").click()
    expect(page.get_by_role("dialog")).to_have_count(0)
    expect(page.get_by_role("searchbox", name="Search")).to_have_value("digits-scl")
    expect(bar(page)).to_contain_text("1 chosen")
    choose(page, "digits-scl", "Model card")
    page.get_by_role("dialog").get_by_role("button", name="Close").click()
    bar(page).get_by_role("button", name="Clear").click()


def test_on_a_phone_the_bar_is_within_reach_of_a_thumb(open_library: Open) -> None:
    page = open_library(width=390, height=844)
    page.get_by_role("checkbox", name="Choose SCL, seed 0").first.check()
    found = bar(page).bounding_box()
    assert found and found["y"] > 422 and found["y"] + found["height"] <= 844
    boxes = [one.bounding_box() for one in entries(page).all()[:3]]
    assert len({box["x"] for box in boxes if box}) == 1, "one a row"
