"""New race in a real browser: its switches fit and can be used by keyboard, its drawer shows what a real look finds."""

import re

import pytest
from playwright.sync_api import Page, expect

from bcl_core.lab import Lab, stop_worker, worker_status
from harness.serving import new_page
from tests.browser.conftest import PATIENCE
from tests.browser.test_app import until

pytestmark = pytest.mark.browser

LOOK_PATIENCE = 120_000  # milliseconds: a process that imports torch
SWITCHES = ("Contrastive loss", "Class-averaging", "Class-complement", "Anchors", "Imbalance factor", "Temperature τ")


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    home = tmp_path_factory.mktemp("new_race") / "lab"
    yield home
    stop_worker(Lab(home))
    until(lambda: not worker_status(Lab(home)).alive)


@pytest.fixture(scope="module")
def url(serve, home, request):
    app = request.path.parent / "apps" / "new_race_app.py"
    return serve(app, {"BCL_LAB_HOME": str(home), "BCL_LAB_WORKER": "off", "OMP_NUM_THREADS": "1"}).url


@pytest.fixture
def opened(visitor, url):
    """Open the dialog on a race; fails where the page threw an error."""
    pages, errors = [], []

    def start(race="digits", **how) -> Page:
        page = new_page(visitor, **how)
        pages.append(page)
        page.on("pageerror", lambda error: errors.append(str(error)))
        page.goto(f"{url}?new={race}")
        expect(page.get_by_role("button", name="Train", exact=True)).to_be_visible(timeout=PATIENCE)
        expect(page.get_by_test_id("stApp")).to_have_attribute("data-test-script-state", "notRunning", timeout=PATIENCE)
        unfolded(page)
        return page

    yield start
    for page in pages:
        page.close()
    assert not errors


def unfolded(page):
    """Wait until nothing in the dialog moves below the pointer."""
    page.get_by_role("dialog").evaluate(
        "dialog => Promise.allSettled(dialog.getAnimations({ subtree: true }).map((it) => it.finished))"
    )


def open_drawer(page):
    page.get_by_role("dialog").get_by_text("Data", exact=True).click()
    unfolded(page)
    button = page.get_by_role("button", name="Look at these data")
    expect(button).to_be_visible(timeout=PATIENCE)
    return button


def loaded(image):
    return image.evaluate("image => image.decode().then(() => image.naturalWidth)") > 0


def test_a_look_at_the_digits_counts_shows_and_measures(opened):
    page = opened()
    open_drawer(page).click()
    drawer = page.locator(".bcl-drawer")
    expect(drawer.get_by_text("Measured here with BCL")).to_be_visible(timeout=LOOK_PATIENCE)
    expect(drawer.get_by_text("360 training and 400 test images in 10 classes, 8×8 pixels, grey")).to_be_visible()
    expect(drawer.get_by_text("65 times as many, where 50 was asked for")).to_be_visible()
    for label in ("One training step", "One run of 60 epochs", "Memory at the most", "Images held in memory"):
        expect(drawer.get_by_text(label)).to_be_visible()
    samples = drawer.get_by_role("img", name=re.compile("training images of each of 10 classes"))
    assert loaded(samples)
    counts = drawer.locator(".sheet:not(.views) b").all_inner_texts()
    assert counts == ["130", "84", "54", "35", "22", "14", "9", "6", "4", "2"]

    assert loaded(drawer.get_by_role("img", name="Training image 0"))
    field = drawer.get_by_role("spinbutton", name="Training image")
    field.fill("99999")
    field.press("Enter")
    other = drawer.get_by_role("img", name="Training image 359")
    expect(other).to_be_visible(timeout=LOOK_PATIENCE)
    assert loaded(other)

    # What was found belongs to these settings alone, and is there again with them.
    temperature = page.get_by_role("spinbutton", name="Temperature τ").last
    for value, shown in (("0.5", False), ("0.3", True)):
        temperature.fill(value)
        temperature.press("Enter")
        expect(drawer.get_by_text("360 training")).to_be_visible(visible=shown, timeout=PATIENCE)


def test_what_is_told_last_of_a_race_moves_nothing_below_a_pointer(opened):
    page = opened()
    expect(page.get_by_text("came with the project")).to_be_visible(timeout=PATIENCE)
    with_it, without_it = page.get_by_role("dialog").evaluate(
        """dialog => {
            const told = [...dialog.querySelectorAll("p")].find((p) => p.textContent.includes("came with the project"));
            const below = [...dialog.querySelectorAll("summary")];
            const places = () => below.map((summary) => summary.getBoundingClientRect().top);
            const before = places();
            told.textContent = "";
            return [before, places()];
        }"""
    )
    assert with_it == without_it


def test_the_switches_of_three_runs_and_train_are_seen_at_once_and_nothing_is_cut_off_on_a_telephone(opened):
    page = opened(width=1280, height=720)
    dialog = page.get_by_role("dialog")
    shown = [page.get_by_role("button", name="Train", exact=True)]
    for label in SWITCHES:
        texts = dialog.get_by_text(label, exact=True)
        expect(texts).to_have_count(3)
        shown += texts.all()
    for element in shown:
        box = element.bounding_box()
        assert box["y"] + box["height"] <= 720

    page.set_viewport_size({"width": 390, "height": 844})
    dialog.get_by_text("Data", exact=True).click()
    dialog.get_by_text("More", exact=True).click()
    expect(page.get_by_role("spinbutton", name="Seed of every run")).to_be_visible(timeout=PATIENCE)
    right = dialog.bounding_box()["x"] + dialog.bounding_box()["width"]
    widest = dialog.evaluate(
        "dialog => Math.max(...[...dialog.querySelectorAll('input, button, label, p')]"
        ".filter((element) => !element.closest('[class*=-remove] p'))"
        ".map((element) => element.getBoundingClientRect().right))"
    )
    assert widest <= right <= 390


def test_an_equal_race_is_offered_instead_of_trained_again_and_another_is_made_by_keyboard(opened, home):
    page = opened(width=1280, height=720)
    dialog, train = page.get_by_role("dialog"), page.get_by_role("button", name="Train", exact=True)
    train.click()
    expect(page.get_by_text("3 runs to show")).to_be_visible(timeout=PATIENCE)
    expect(dialog).to_have_count(0)
    before = len(Lab(home).runs())
    page.get_by_role("button", name="New race").click()
    train.click(timeout=PATIENCE)
    answer = dialog.get_by_role("button", name="Open it")
    expect(answer).to_be_in_viewport(ratio=1, timeout=PATIENCE)
    answer.click()
    expect(dialog).to_have_count(0)
    assert len(Lab(home).runs()) == before

    page.get_by_role("button", name="New race").click()
    page.get_by_role("switch", name="Class-averaging").first.focus()
    page.keyboard.press("Space")
    expect(page.locator(".bcl-run-name").first).to_have_text("SCL + class-averaging", timeout=PATIENCE)
    page.get_by_role("button", name="Remove BCL", exact=True).focus()
    page.keyboard.press("Enter")
    expect(page.locator(".bcl-run-name")).to_have_count(2, timeout=PATIENCE)
    train.focus()
    page.keyboard.press("Enter")
    expect(page.get_by_text("2 runs to show")).to_be_visible(timeout=PATIENCE)
    expect(dialog).to_have_count(0)
    runs = Lab(home).runs()
    assert [run.recipe.variant for run in runs if run.group_id == runs[0].group_id] == ["class-averaging", "bcl-class"]


def test_a_race_of_one_s_own_images_opens_where_their_folder_is_typed_and_says_in_sight_that_it_lacks(opened):
    page = opened(width=1280, height=720)
    dialog = page.get_by_role("dialog")
    dialog.get_by_role("combobox").first.click()
    page.get_by_role("option", name="SCL vs BCL, your own images").click()
    expect(page.get_by_role("textbox", name="Folder of the images")).to_be_visible(timeout=PATIENCE)
    page.get_by_role("button", name="Train", exact=True).click()
    expect(dialog.get_by_text("Nothing was queued")).to_be_in_viewport(ratio=1, timeout=PATIENCE)
