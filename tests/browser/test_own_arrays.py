"""A person's own embeddings: uploaded, opened, and inspected epoch by epoch; a broken file is explained."""

import io
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import BrowserContext, Page, expect

from bcl_core import geometry
from bcl_core.lab import Lab
from harness.serving import APP, new_page
from tests.browser.conftest import Serve
from tests.browser.test_app import no_error_is_shown, until

EPOCHS = [0, 10, 25]
NAMES = ["ash", "birch", "cedar", "elm", "fir"]
LABELS = np.arange(150) % 5
PATIENCE = 60_000


def embeddings() -> np.ndarray:
    """(E, n, d): five classes that drift apart."""
    rng = np.random.default_rng(0)
    noise = 0.4 * rng.normal(size=(len(LABELS), 8))
    return np.stack([noise + np.ones(8) + apart * 3 * np.eye(5, 8)[LABELS] for apart in (0.2, 0.6, 1.5)])


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Lab:
    return Lab(tmp_path_factory.mktemp("arrays") / "lab")


@pytest.fixture(scope="module")
def url(serve: Serve, lab: Lab) -> str:
    return serve(APP, env={"BCL_LAB_HOME": str(lab.home), "BCL_LAB_WORKER": "off", "OMP_NUM_THREADS": "1"}).url


@pytest.fixture
def open_file(visitor: BrowserContext, url: str) -> Iterator[Callable[[Path], Page]]:
    """Upload a file on the page Library and press the button; the same page from the second time on."""
    page = new_page(visitor)
    errors: list[str] = []
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.goto(f"{url}library")
    page.get_by_role("button", name="Open your own embeddings").click()

    def upload(file: Path) -> Page:
        form = page.locator(".st-key-library-form")
        # The name is shown before the file has arrived; a press until then would be for the file before it.
        with page.expect_response(lambda answer: "upload_file" in answer.url and answer.request.method == "PUT"):
            form.locator("input[type=file]").first.set_input_files(file)
        expect(form.get_by_text(file.name)).to_be_visible(timeout=PATIENCE)
        page.wait_for_selector("[data-testid=stApp][data-test-script-state=notRunning]")
        form.get_by_role("button", name="Open", exact=True).click()
        return page

    yield upload
    page.close()
    assert not errors


def test_an_own_npz_is_uploaded_and_inspected_over_its_epochs(
    open_file: Callable[[Path], Page], lab: Lab, tmp_path: Path
) -> None:
    np.savez(
        tmp_path / "trees.npz", embeddings=embeddings(), labels=LABELS, epochs=EPOCHS, class_names=NAMES, notes=[1, 2]
    )
    page = open_file(tmp_path / "trees.npz")
    expect(page.get_by_text("Opened as trees: epochs 0 to 25, 3 in all.")).to_be_visible(timeout=PATIENCE)
    expect(page.get_by_text("In the file, but not used: notes")).to_be_visible()
    no_error_is_shown(page)

    form = page.locator(".st-key-library-form")
    form.get_by_role("link", name="Open in the Lab").click()
    here = page.locator(".bar .epoch")
    expect(here).to_have_text("epoch 25 / 25", timeout=PATIENCE)
    for key, epoch in (("Home", 0), ("ArrowRight", 10), ("ArrowRight", 25), ("ArrowLeft", 10)):
        page.keyboard.press(key)
        expect(here).to_have_text(f"epoch {epoch} / 25", timeout=PATIENCE)
        expect(page.locator(".sentence")).to_contain_text(f"At epoch {epoch}", timeout=PATIENCE)
    tail = geometry.simplex_metrics(unit_means(embeddings()[1]), np.bincount(LABELS))["angle_tail_tail"]
    expect(page.locator(".sentence")).to_contain_text(f"{tail:.0f}° apart with")
    page.keyboard.press("4")
    until(lambda: painted(page) > 500)
    no_error_is_shown(page)
    assert f"runs={lab.runs()[0].id}" in page.url


def test_a_broken_npz_is_explained_and_the_page_goes_on_working(
    open_file: Callable[[Path], Page], lab: Lab, tmp_path: Path
) -> None:
    before = len(lab.runs())
    np.savez(tmp_path / "ragged.npz", embeddings=np.array([[1.0], [1.0, 2.0]], object), labels=[0, 1])
    page = open_file(tmp_path / "ragged.npz")
    alert = page.get_by_test_id("stAlert").filter(has_text="Nothing was opened")
    expect(alert).to_contain_text("embeddings holds Python objects", timeout=PATIENCE)
    no_error_is_shown(page)
    assert len(lab.runs()) == before

    np.savez(tmp_path / "mended.npz", embeddings=embeddings()[0], labels=LABELS)
    open_file(tmp_path / "mended.npz")
    expect(page.get_by_text("Opened as mended: epoch 1.")).to_be_visible(timeout=PATIENCE)
    expect(alert).to_have_count(0)
    assert len(lab.runs()) == before + 1


def unit_means(z: np.ndarray) -> np.ndarray:
    """Class means of the embeddings scaled to unit length."""
    z = z / np.linalg.norm(z, axis=1, keepdims=True)
    return np.stack([z[k == LABELS].mean(axis=0) for k in range(5)])


def painted(page: Page) -> int:
    """How many pixels of the embedding tour are clearly coloured."""
    page.locator(".cloud").first.scroll_into_view_if_needed()
    page.mouse.move(2, 2)
    picture = Image.open(io.BytesIO(page.locator(".cloud").first.screenshot())).convert("RGB")
    pixels = np.array(picture, int)
    return int((pixels.max(axis=2) - pixels.min(axis=2) > 60).sum())
