"""Each lens says what it shows, explains its terms, and asks for no more than it may."""

import json
import re
from typing import Any

import numpy as np
import pytest
from playwright.sync_api import ConsoleMessage, Page, expect
from safetensors.numpy import save

from bcl_core.lab import Lab
from bcl_core.lab.files import read_arrays
from harness.made_runs import MadeRun, make_runs
from tests.browser.conftest import Opener

pytestmark = [pytest.mark.browser, pytest.mark.usefixtures("patience")]

LAST = 3
WITHOUT_WEBGL = """
const real = HTMLCanvasElement.prototype.getContext;
HTMLCanvasElement.prototype.getContext = function (kind, ...rest) {
  return kind.startsWith("webgl") ? null : real.call(this, kind, ...rest);
};"""


@pytest.fixture(scope="module")
def runs(lab: Lab) -> list[MadeRun]:
    return make_runs(lab, ["scl", "bcl"], LAST)


def test_a_loss_that_trains_no_prototypes_says_so_wherever_they_would_stand(show: Opener, runs: list[MadeRun]) -> None:
    page = show(runs, "lens=angles&of=prototypes")
    scl, bcl = (page.locator(".angles .column").nth(place) for place in (0, 1))
    expect(scl.get_by_role("status")).to_have_text("This loss trains no prototypes.")
    expect(bcl.get_by_role("status")).to_be_hidden()
    page.keyboard.press("2")
    page.get_by_role("combobox", name="First chart").select_option(label="Angle of a class mean to its prototype")
    show.wait(page)
    expect(page.locator(".curves .key[role=status]")).to_have_text("SCL: This loss trains no prototypes.")
    lines = "document.querySelector('.curves .metric .plot').data.filter(({ meta }) => meta.role === 'line')"
    drawn = page.evaluate(f"{lines}.map(({{ y }}) => y.filter(Number.isFinite).length)")
    assert drawn == [0, LAST + 1]


def test_one_batch_says_what_pushes_away_from_a_class_that_is_not_in_it(show: Opener, runs: list[MadeRun]) -> None:
    page = show(runs, "lens=batch")
    epoch = runs[1].folder.arrays(runs[1].folder.view(LAST))
    absent = sorted(set(range(10)) - set(epoch["batch_labels"].tolist()))
    assert absent
    scl, bcl = (page.locator(".batch .column").nth(place) for place in (0, 1))
    for column in (scl, bcl):
        expect(column.get_by_role("button", name=re.compile(f"^{absent[0]} absent"))).to_be_disabled()
        expect(column.locator(".summary")).to_contain_text(
            f"Not in this batch: {', '.join(map(str, absent))}. Their share of the denominator: SCL 0 %, averaging 0 %"
        )
    expect(scl.locator(".summary")).to_contain_text("This loss trains no prototypes.")
    shares = dict(re.findall(r"(complement|BCL) ([\d.]+) %", bcl.locator(".summary").inner_text()))
    assert 0 < float(shares["complement"]) < float(shares["BCL"])
    bcl.get_by_role("button", name=re.compile("^1 ×")).click()
    for column in (scl, bcl):  # one anchor for all who are compared
        expect(column.locator(".summary")).to_contain_text("Anchor: 1.")
    expect(page).to_have_url(re.compile("anchor=1-0"))
    page.get_by_role("radio", name="the formula").check()
    for column in (scl, bcl):
        adds_up = re.compile(r"^An image of 1 .* = [\d.]+ − [\d.]+ = [\d.]+$")
        expect(column.locator(".formula .sum")).to_have_text(adds_up)
        expect(column.locator(".plot")).to_be_hidden()
    scl.get_by_role("button", name="class-complement").click()  # what nothing trained has no numbers
    expect(scl.locator(".formula .sum")).to_have_text(re.compile(r"trains no prototypes\.$"))
    expect(page).to_have_url(re.compile("weighs=formula"))


def test_a_run_without_a_batch_says_so(show: Opener, lab: Lab) -> None:
    [run] = make_runs(lab, ["bcl"], 1)
    run.epoch(2, 2, batch={})
    page = show([run], "lens=batch")
    expect(page.locator(".batch").get_by_role("status")).to_contain_text("No batch of this epoch was kept.")


def test_the_curves_show_two_numbers_and_the_accuracy_of_each_class_at_once_and_a_loss_has_its_floor(
    show: Opener, runs: list[MadeRun]
) -> None:
    page = show(runs, "lens=curves&epoch=2")
    titles = "[...document.querySelectorAll('.curves .plot')].map((plot) => plot.layout.yaxis.title?.text)"
    assert page.evaluate(titles)[:2] == ["Training loss", "Test accuracy"]
    dots = "document.querySelector('.curves .classes .plot').data.map(({ x, y }) => [x, y])"
    for run, (values, labels) in zip(runs, page.evaluate(dots), strict=True):
        expected = read_arrays(run.folder.view(2))["accuracy_per_class"]
        order = np.argsort(-run.samples.class_counts, kind="stable")
        assert values == pytest.approx(expected[order].tolist())
        assert labels[0] == f"{run.samples.class_names[order[0]]}, n = {run.samples.class_counts[order[0]]}"
    marks = page.locator(".curves .epoch-line")
    before = [mark.bounding_box() for mark in marks.all()]
    page.keyboard.press("ArrowRight")
    show.wait(page)
    for old, mark in zip(before, marks.all(), strict=True):
        new = mark.bounding_box()
        assert old is not None and new is not None and new["x"] > old["x"] + 20 and new["height"] > 50

    floors = "document.querySelector('.curves .metric .plot').data.filter(({ meta }) => meta.role === 'floor')"
    drawn = f"{floors}.map(({{ y, visible }}) => visible === false ? null : y)"
    first = page.get_by_role("combobox", name="First chart")
    first.select_option(label="Training loss, its contrastive part before its weight")
    show.wait(page)
    assert page.evaluate(drawn) == [[0.2, 0.2]] * 2
    expect(page.locator(".curves .key[role=status]")).to_contain_text(
        "Dotted: the least that is predicted for batches of 64"
    )
    first.select_option(label="Test accuracy")
    show.wait(page)
    assert page.evaluate(drawn) == [None] * 2


def test_an_older_links_metric_is_still_shown(show: Opener, runs: list[MadeRun]) -> None:
    page = show(runs, "panels=curves&metric=angle_rms_deviation")
    title = page.evaluate("document.querySelector('.curves .metric .plot').layout.yaxis.title.text")
    assert title.replace("<br>", " ") == "RMS deviation from the regular simplex (degrees)"


def test_who_pushes_whom_shows_one_of_its_pictures_alone_and_all_of_them_among_the_others(
    show: Opener, runs: list[MadeRun]
) -> None:
    page = show(runs, "lens=push")
    column = page.locator(".push .column").first
    parts = {"against counts": ".plot.dots", "between classes": ".map", "received": ".plot.bars"}
    for name, part in parts.items():
        page.locator(".push").get_by_role("radio", name=name).check()
        for other in parts.values():
            expect(column.locator(other)).to_be_visible(visible=other == part)
    page.get_by_role("button", name="All", exact=True).click()
    for part in parts.values():
        expect(column.locator(part)).to_be_visible()


def test_a_term_is_explained_on_hover_by_keyboard_and_by_a_tap_and_escape_closes_it(
    show: Opener, runs: list[MadeRun]
) -> None:
    page = show(runs, "lens=formation")
    term = page.locator(".formation .term", has_text=re.compile("^tail$"))
    meaning = page.locator(f"[id='{term.get_attribute('aria-describedby')}']")
    expect(meaning).to_be_hidden()
    term.hover()
    expect(meaning).to_have_text("The three tenths of the classes that have the fewest training images.")
    expect(meaning).to_be_visible()
    page.mouse.move(5, 5)
    expect(meaning).to_be_hidden()
    page.get_by_role("checkbox", name="log epochs").focus()
    for _ in range(2):
        page.keyboard.press("Tab")
    expect(term).to_be_focused()
    expect(meaning).to_be_visible()
    before = page.locator(".bar .epoch").inner_text()
    page.keyboard.press(" ")
    page.keyboard.press("Escape")
    expect(meaning).to_be_hidden()
    expect(page.get_by_role("button", name="Play")).to_be_visible()
    assert page.locator(".bar .epoch").inner_text() == before
    term.click()
    page.mouse.move(5, 5)
    expect(meaning).to_be_visible()  # a tap stays until the next
    page.mouse.click(5, 5)
    expect(meaning).to_be_hidden()


def test_lenses_and_rebuilding_give_the_graphics_cards_contexts_back(show: Opener, runs: list[MadeRun]) -> None:
    said: list[str] = []

    def listen(page: Page) -> None:
        page.on("console", lambda message: said.append(message.text))

    page = show(runs, "lens=embedding", before=listen)
    for turn in range(12):  # two pictures, built anew by every second one twice: more than a browser allows
        page.keyboard.press("14"[turn % 2])
        page.get_by_role("button", name=re.compile("Present|Leave presenter")).click()
        page.locator(".bar").wait_for()
    page.keyboard.press("4")
    show.wait(page)
    assert [text for text in said if "WebGL contexts" in text] == []
    assert (
        page.evaluate(
            "document.querySelectorAll('.cloud canvas:nth-of-type(2)')[0].getContext('webgl2').isContextLost()"
        )
        is False
    )


def test_a_browser_without_webgl_draws_the_embedding_on_a_plain_canvas(show: Opener, runs: list[MadeRun]) -> None:
    page = show(runs, "lens=embedding", before=lambda page: page.add_init_script(WITHOUT_WEBGL))
    inked = """[...document.querySelectorAll('.cloud canvas:nth-of-type(2)')].map((canvas) =>
      canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height).data.some((value) => value > 0))"""
    assert page.evaluate(inked) == [True, True]


def test_a_picture_of_one_epoch_alone_is_asked_for_waited_for_and_shown(show: Opener, runs: list[MadeRun]) -> None:
    states = iter([*[("running", "Fitting PCA")] * 2, *[("done", "")] * 2])
    asked: list[dict[str, Any]] = []
    count = len(runs[0].samples.labels)
    places = np.stack([np.arange(count), np.zeros(count)], axis=1).astype(np.float32)

    def begin(route: Any) -> None:
        asked.append(json.loads(route.request.post_data))
        route.fulfill(json={"answer": {"job": f"project-{asked[-1]['run']}"}})

    def state(route: Any) -> None:
        now, progress = next(states)
        route.fulfill(json={"state": now, "progress": progress, "error": ""})

    def listen(page: Page) -> None:
        page.route("**/bcl/v1/do", begin)
        page.route("**/bcl/v1/jobs/*", state)
        file = save({"coordinates": places}, {"variance_kept": "0.5"})
        page.route("**/projection/*/pca/*", lambda route: route.fulfill(body=file))

    page = show(runs, "lens=embedding", before=listen)
    page.get_by_role("combobox", name="picture").select_option("pca")
    column = page.locator(".embedding .column").first
    expect(column.get_by_role("status")).to_have_text(f"The PCA of epoch {LAST} is being fitted. Fitting PCA")
    expect(column.locator(".summary")).to_contain_text("Two dimensions keep 50 % of the variance.")
    expect(column.get_by_role("status")).to_be_hidden()
    expect(page.locator(".embedding .key")).to_contain_text("cannot be compared with another epoch or run")
    expect(page.get_by_role("button", name="Tour")).to_be_hidden()
    wanted = [{"verb": "project", "run": run.id, "epoch": LAST, "method": "pca"} for run in runs]
    assert [{name: said for name, said in one.items() if name != "key"} for one in asked] == wanted


def test_a_picture_of_one_epoch_alone_that_cannot_be_had_says_why(show: Opener, runs: list[MadeRun]) -> None:
    why = {"error": "the embeddings of this epoch are not kept"}
    refuse = lambda page: page.route("**/bcl/v1/do", lambda route: route.fulfill(status=422, json=why))  # noqa: E731
    page = show(runs, "lens=embedding&fit=umap", before=refuse)
    said = page.locator(".embedding .column").first.get_by_role("status")
    expect(said).to_have_text("The embeddings of this epoch are not kept.")


def test_nothing_is_written_to_the_console_while_the_lenses_are_gone_through(show: Opener, runs: list[MadeRun]) -> None:
    wrong: list[str] = []

    def hear(message: ConsoleMessage) -> None:
        if message.type == "error" and not message.text.startswith("Failed to load resource"):
            wrong.append(message.text)

    page = show(runs, "lens=formation&epoch=0", before=lambda page: page.on("console", hear), width=390, height=600)
    for key in "1234501":
        page.keyboard.press(key)
        page.keyboard.press("ArrowRight")
        show.wait(page)
    assert wrong == []


def test_angles_are_not_compared_with_what_is_not_theirs(show: Opener, runs: list[MadeRun]) -> None:
    page = show(runs, "lens=angles&of=prototypes&target=predicted")
    says = page.locator(".lens.angles .message:visible")
    expect(says.last).to_contain_text("says nothing of prototypes")
    page = show(runs, "lens=angles&difference=1")
    expect(page.locator(".lens.angles .key")).to_contain_text("what it is in the first run")
