"""What leaves the stage, as a page, a picture or numbers, says what the stage and geometry say."""

import csv
import re
import xml.etree.ElementTree as ElementTree
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import Browser, BrowserContext, Page, expect

from bcl_core import geometry
from bcl_core.lab import GroupPlan, Lab
from bcl_core.lab.files import read_arrays
from bcl_core.recipe import Execution
from harness.made_runs import MadeRun, recipe_of
from tests.browser.conftest import PATIENCE, Opener
from tests.browser.test_stage import drawn, epoch

pytestmark = pytest.mark.browser

LAST = 4
NASTY = "</script><b>"


@pytest.fixture(scope="module")
def runs(lab: Lab) -> list[MadeRun]:
    """Two runs, of which one class has a name that would end a script element."""
    plan = [(f"{recipe.title}, seed 0", recipe) for recipe in (recipe_of("scl", LAST), recipe_of("bcl", LAST))]
    made = [MadeRun(lab, run_id) for run_id in lab.enqueue(GroupPlan("made", plan), Execution())]
    for run in made:
        run.samples = replace(run.samples, class_names=(*run.samples.class_names[:-1], NASTY))
        run.begin()
        for number in range(LAST + 1):
            run.epoch(number, LAST)
        run.finish()
    return made


def saved_by(page: Page, menu: str, item: str, into: Path) -> Path:
    page.get_by_role("button", name=menu, exact=True).click()
    with page.expect_download(timeout=PATIENCE) as download:
        page.get_by_role("button", name=item).locator("visible=true").click()
    file = into / download.value.suggested_filename
    download.value.save_as(file)
    return file


def test_a_saved_page_opens_from_disk_without_a_network_and_says_the_same(
    browser: Browser, show: Opener, runs: list[MadeRun], tmp_path: Path
) -> None:
    page = show(runs, "lens=all")
    file = saved_by(page, "Save", "Save as web page", tmp_path)
    said = {}
    for key, number in (("ArrowLeft", LAST - 1), ("Home", 0)):
        page.keyboard.press(key)
        expect(page.locator(".sentence")).to_contain_text(f"At epoch {number} ")
        said[number] = page.locator(".sentence").inner_text()
    options = page.get_by_role("combobox", name="Class", exact=True).inner_text()
    assert NASTY in options

    context = browser.new_context(offline=True, viewport={"width": 1280, "height": 900})
    saved = context.new_page()
    errors: list[str] = []
    asked: list[str] = []
    saved.on("pageerror", lambda error: errors.append(str(error)))
    saved.on("console", lambda message: errors.append(message.text) if message.type == "error" else None)
    saved.on("request", lambda request: asked.append(request.url))
    saved.goto(file.as_uri())
    expect(epoch(saved)).to_have_text(f"epoch {LAST} / {LAST}", timeout=PATIENCE)
    saved.locator(".bcl-stage[data-settled=true]").wait_for(timeout=PATIENCE)
    saved.keyboard.press("ArrowLeft")
    expect(saved.locator(".sentence")).to_have_text(said[LAST - 1])
    saved.keyboard.press("Home")
    expect(saved.locator(".sentence")).to_have_text(said[0])
    expect(saved.locator(".formation .main-svg").first).to_be_visible(timeout=PATIENCE)
    assert saved.get_by_role("combobox", name="Class", exact=True).inner_text() == options
    assert saved.locator("b", has_text=re.compile("^$")).count() == 0
    saved.get_by_role("combobox", name="Class", exact=True).select_option(index=9)
    saved.get_by_role("button", name="Select its images").click()
    expect(saved.locator(".selection")).to_contain_text(NASTY)
    assert saved.locator(".thumb").first.evaluate("e => getComputedStyle(e).backgroundImage").startswith('url("blob:')
    footer = saved.locator("footer")
    for run in runs:
        expect(footer).to_contain_text(f"{run.recipe.title}, seed 0")
    expect(footer).to_contain_text("class means, projection space, uncentred")
    expect(footer).to_contain_text("last epoch only")
    # It draws pictures as the app does, and does not offer to save itself again.
    for item in ("(SVG)", "(PNG)"):
        assert saved_by(saved, "Save Embedding", item, tmp_path).stat().st_size > 10_000
    expect(saved.get_by_role("button", name="Save", exact=True)).to_have_count(0)
    expect(saved.get_by_role("combobox", name="picture")).to_have_count(0)
    assert not errors
    assert all(url == file.as_uri() or url.startswith(("data:", "blob:")) for url in asked)
    # The page's own address brings an epoch back, as the app's does.
    saved.goto(f"{file.as_uri()}?epoch=2")
    expect(epoch(saved)).to_have_text(f"epoch 2 / {LAST}", timeout=PATIENCE)
    context.close()


LENSES = ("Formation", "Curves", "Who pushes whom", "Embedding", "Angles", "One batch")
EVERY_LENS = "lens=all"
SVG = "{http://www.w3.org/2000/svg}"


@pytest.fixture(scope="module")
def page_of_all(visitor: BrowserContext, app: str, runs: list[MadeRun]) -> Iterator[Page]:
    opener = Opener(visitor, f"{app}lab")
    page = opener(runs, EVERY_LENS)
    expect(page.locator(".curves .main-svg").first).to_be_visible(timeout=PATIENCE)
    expect(page.locator(".push .bars .main-svg").first).to_be_visible(timeout=PATIENCE)
    yield page
    opener.close()


@pytest.fixture
def open_panels(page_of_all: Page) -> Page:
    page_of_all.keyboard.press("End")
    expect(epoch(page_of_all)).to_have_text(f"epoch {LAST} / {LAST}")
    page_of_all.locator(".bcl-stage[data-settled=true]").wait_for(timeout=PATIENCE)
    return page_of_all


def test_every_picture_is_drawn_as_svg_and_png_with_a_caption_that_says_how_to_make_it_again(
    open_panels: Page, runs: list[MadeRun], tmp_path: Path
) -> None:
    for lens in LENSES:
        drawing = ElementTree.parse(saved_by(open_panels, f"Save {lens}", "(SVG)", tmp_path)).getroot()
        texts = " ".join(" ".join(text.itertext()) for text in drawing.iter(f"{SVG}text"))
        assert f"{lens}, epoch {LAST}" in texts
        for run in runs:
            assert f"{run.recipe.title}, seed 0 · τ" in texts
        assert "projection space" in texts
        if lens != "Curves":
            assert "uncentred" in texts
        picture = Image.open(saved_by(open_panels, f"Save {lens}", "(PNG)", tmp_path)).convert("L")
        size = [float(drawing.attrib[side]) for side in ("width", "height")]
        assert picture.size == pytest.approx([2 * side for side in size], abs=2)
        shades = np.asarray(picture)
        assert (shades[-120:-50] < 128).any(axis=1).mean() > 0.3  # the caption's last lines
        assert (shades[100:-250] < 200).mean() > 0.01


def test_the_svg_of_the_embedding_has_a_circle_for_each_sample_drawn(
    open_panels: Page, runs: list[MadeRun], tmp_path: Path
) -> None:
    drawing = ElementTree.parse(saved_by(open_panels, "Save Embedding", "(SVG)", tmp_path)).getroot()
    circles = [circle.attrib["fill"] for circle in drawing.iter(f"{SVG}circle")]
    samples = [fill for fill in circles if fill.startswith("rgb(")]  # marks and rims are written as "#rrggbb"
    assert len(samples) == sum(len(drawn(run)) for run in runs)


def test_the_svg_of_the_angles_has_a_rectangle_for_each_pair(
    open_panels: Page, runs: list[MadeRun], tmp_path: Path
) -> None:
    drawing = ElementTree.parse(saved_by(open_panels, "Save Angles", "(SVG)", tmp_path)).getroot()
    maps = [svg for svg in drawing.iter(f"{SVG}svg") if svg.find(f"{SVG}title") is not None][1:]
    assert [len(list(map_.iter(f"{SVG}rect"))) for map_ in maps] == [1 + 100 + 2] * len(runs)  # and paper, two scales
    assert NASTY in " ".join(" ".join(text.itertext()) for text in drawing.iter(f"{SVG}text"))


def rows_of(file: Path) -> list[dict[str, str]]:
    return list(csv.DictReader(file.open(encoding="utf-8", newline="")))


def test_saved_numbers_are_those_of_geometry(open_panels: Page, runs: list[MadeRun], tmp_path: Path) -> None:
    half_a_digit = 6e-5  # of four, and of a 32-bit number
    names = list(runs[0].samples.class_names)
    rows = rows_of(saved_by(open_panels, "Save Angles", "(CSV)", tmp_path))
    for run in runs:
        means = read_arrays(run.folder.view(LAST))["class_means"]
        angles, ideal = geometry.pairwise_angles(means), geometry.simplex_angle(len(names))
        pairs = [row for row in rows if row["run"] == run.recipe.title and row["what"] == "class_means"]
        assert len(pairs) == 45
        for row in pairs:
            angle = angles[names.index(row["class"]), names.index(row["other class"])]
            assert float(row["angle (degrees)"]) == pytest.approx(angle, abs=half_a_digit)
            assert float(row["deviation (degrees)"]) == pytest.approx(angle - ideal, abs=2 * half_a_digit)

    rows = rows_of(saved_by(open_panels, "Save Formation", "(CSV)", tmp_path))
    ahead = [row for row in rows if not row["epoch"]]  # what is predicted is of no epoch
    assert [row["what"].partition(" batch")[0] for row in ahead] == ["predicted for"] * len(runs)
    assert len(rows) == len(runs) * ((LAST + 1) * 46 + 1)
    for run in runs:
        for number in range(LAST + 1):
            means = read_arrays(run.folder.view(number))["class_means"]
            tail = geometry.simplex_metrics(means, run.samples.class_counts)["angle_tail_tail"]
            of = [row for row in rows if row["run"] == run.recipe.title and row["epoch"] == str(number)]
            assert float(of[0]["angle (degrees)"]) == pytest.approx(tail, abs=half_a_digit)
            rms = np.sqrt(np.mean([(float(row["angle (degrees)"]) - ideal) ** 2 for row in of[1:]]))
            wanted = geometry.simplex_metrics(means, run.samples.class_counts)["angle_rms_deviation"]
            assert rms == pytest.approx(wanted, abs=half_a_digit)

    rows = rows_of(saved_by(open_panels, "Save Who pushes whom", "(CSV)", tmp_path))
    push = read_arrays(runs[0].folder.view(LAST))["pair_push"].astype(float)
    shares = push / push[np.triu_indices(len(push), 1)].sum()
    for row in (row for row in rows if row["run"] == runs[0].recipe.title):
        place = names.index(row["class pushed"]), names.index(row["class pushing"])
        assert float(row["pair push (share of all push)"]) == pytest.approx(shares[place], rel=6e-6)  # of six digits
        assert int(row["training images of the one pushing"]) == runs[0].samples.class_counts[place[1]]

    rows = rows_of(saved_by(open_panels, "Save Embedding", "(CSV)", tmp_path))
    assert [int(row["sample"]) for row in rows if row["run"] == runs[1].recipe.title] == drawn(runs[1]).tolist()


def test_a_runs_arrays_open_in_numpy_as_they_were_recorded(
    open_panels: Page, runs: list[MadeRun], tmp_path: Path
) -> None:
    open_panels.keyboard.press("Home")
    expect(epoch(open_panels)).to_have_text(f"epoch 0 / {LAST}")
    file = saved_by(open_panels, "Save", f"Arrays of {runs[0].recipe.title} (NPZ)", tmp_path)
    saved, view = np.load(file), read_arrays(runs[0].folder.view(0))
    for name, array in view.items():
        np.testing.assert_array_equal(saved[name], array)
    np.testing.assert_array_equal(saved["labels"], runs[0].samples.labels)
    embeddings = read_arrays(runs[0].folder.embeddings(0))["projection"]
    np.testing.assert_array_equal(saved["embeddings"], embeddings)


def test_a_menu_is_opened_used_and_closed_by_keyboard(open_panels: Page) -> None:
    page = open_panels
    button = page.get_by_role("button", name="Save Angles")
    button.focus()
    page.keyboard.press(" ")
    menu = page.locator(".angles .saving")
    expect(menu).to_be_visible()
    page.keyboard.press("Escape")
    expect(menu).to_be_hidden()
    expect(button).to_be_focused()
    page.keyboard.press("Enter")
    for _ in range(3):
        page.keyboard.press("Tab")
    with page.expect_download() as download:
        page.keyboard.press("Enter")
    assert download.value.suggested_filename == f"angles-scl-bcl-epoch-{LAST}.csv"
    expect(menu).to_be_hidden()
