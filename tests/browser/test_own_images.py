"""A person's own folder of images, in every format and with two broken files: from its path to an inspected run."""

import io
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import BrowserContext, Page, expect

from bcl_core.lab import Lab, stop_worker, worker_status
from harness.serving import new_page
from tests.browser.conftest import PATIENCE, Serve
from tests.browser.test_app import APP, no_error_is_shown, until

CLASSES = {"apples": 24, "pears": 12, "quinces": 5}
BROKEN = ("half a photograph.jpg", "a letter.png")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Three classes that differ in brightness and in number, each in all formats by turns."""
    rng = np.random.default_rng(0)
    for shade, (name, count) in enumerate(CLASSES.items()):
        (tmp_path / "fruit" / name).mkdir(parents=True)
        for place in range(count):
            level = 60 + 70 * shade + rng.integers(-20, 20, (40, 48, 3))
            _save(level.astype(np.uint8), tmp_path / "fruit" / name, place)
    whole = next((tmp_path / "fruit" / "apples").glob("*-grey.jpg")).read_bytes()
    (tmp_path / "fruit" / "apples" / BROKEN[0]).write_bytes(whole[: len(whole) // 2])
    (tmp_path / "fruit" / "pears" / BROKEN[1]).write_text("Dear reader, this is no picture.")
    return tmp_path / "fruit"


def _save(pixels: np.ndarray, folder: Path, place: int) -> None:
    image = Image.fromarray(pixels)
    formats = {
        "rgb.png": image,
        "grey.jpg": image.convert("L"),
        "alpha.png": image.convert("RGBA"),
        "press.jpg": image.convert("CMYK"),
        "deep.png": Image.fromarray(pixels[..., 0].astype(np.uint16) * 257),
        "palette.gif": image.convert("P"),
        "web.webp": image,
    }
    name = list(formats)[place % len(formats)]
    formats[name].save(folder / f"{place:02d}-{name}")


@pytest.fixture
def page(tmp_path: Path, visitor: BrowserContext, serve: Serve) -> Iterator[Page]:
    lab = Lab(tmp_path / "lab")
    server = serve(APP, env={"BCL_LAB_HOME": str(lab.home), "OMP_NUM_THREADS": "1"})
    page = new_page(visitor)
    page.goto(f"{server.url}lab?new=own-images")
    yield page
    page.close()
    stop_worker(lab)
    until(lambda: not worker_status(lab).alive)


def test_own_images_go_from_their_path_by_a_look_at_them_to_a_run_on_the_stage(
    page: Page, folder: Path, tmp_path: Path
) -> None:
    lab = Lab(tmp_path / "lab")
    dialog, drawer = page.get_by_role("dialog"), page.locator(".bcl-drawer")
    look, place = drawer.get_by_role("button"), dialog.get_by_role("textbox", name="Folder of the images")
    expect(look).to_be_disabled(timeout=PATIENCE)
    place.fill(str(tmp_path / "nowhere"))
    place.press("Enter")
    expect(look).to_be_enabled(timeout=PATIENCE)
    look.click()
    expect(drawer.get_by_text("These data cannot be looked at")).to_contain_text("nowhere", timeout=PATIENCE)
    place.fill(str(folder))
    place.press("Enter")
    expect(drawer.get_by_text("cannot be looked at")).to_be_hidden(timeout=PATIENCE)
    look.click()
    expect(drawer.get_by_text("Measured here")).to_be_visible(timeout=4 * PATIENCE)  # a process imports torch
    for name in BROKEN:
        expect(drawer.get_by_text("are left out")).to_contain_text(name)
    assert drawer.locator(".sheet:not(.views) .name").all_inner_texts() == list(CLASSES)

    dialog.get_by_text("More", exact=True).click()
    dialog.get_by_role("spinbutton", name="Epochs", exact=True).fill("2")
    dialog.get_by_role("spinbutton", name="Epochs", exact=True).press("Enter")
    dialog.get_by_role("button", name="Train", exact=True).click()
    until(lambda: [run.state for run in lab.runs()] == ["finished"] * 3, seconds=120)
    assert {run.recipe.epochs for run in lab.runs()} == {2}

    expect(page.locator(".bcl-stage .sentence")).to_contain_text("the two rarest classes stand", timeout=30_000)
    for name in BROKEN:
        expect(page.locator(".bcl-stage .warning")).to_contain_text(name)
    page.keyboard.press("4")
    expect(page.locator(".lens.embedding canvas").first).to_be_visible(timeout=60_000)
    no_error_is_shown(page)
    run_id = lab.runs()[0].id
    address = f"{page.url.partition('lab?')[0]}bcl/v1/runs/{run_id}/sprite.png/{lab.rev(run_id)}"
    sprite = page.request.get(address)
    assert Image.open(io.BytesIO(sprite.body())).mode == "RGB"
