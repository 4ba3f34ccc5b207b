"""The whole app as a person meets it: a real server, a real worker, a real browser, and a real SIGKILL."""

import re
import signal
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect

from bcl_core.lab import Lab, stop_worker, worker_status
from harness.made_runs import make_runs
from harness.serving import APP, Server, new_page

LAST = 20  # epochs of the race that is trained
HEAVY = ("libtorch", "sklearn", "torchvision", "llvmlite", "site-packages/scipy/")


@pytest.fixture
def lab(tmp_path: Path) -> Iterator[Lab]:
    lab = Lab(tmp_path / "lab")
    yield lab
    stop_worker(lab)
    until(lambda: not worker_status(lab).alive)


@pytest.fixture
def open_app(
    lab: Lab, visitor: BrowserContext, serve: Callable[..., Server]
) -> Iterator[Callable[..., tuple[Page, Server]]]:
    pages, servers = [], []

    def start(path: str = "") -> tuple[Page, Server]:
        server = serve(APP, env={"BCL_LAB_HOME": str(lab.home), "OMP_NUM_THREADS": "1"})
        servers.append(server)
        pages.append(new_page(visitor, reduced_motion="reduce"))
        pages[-1].goto(server.url + path)
        return pages[-1], server

    yield start
    for page in pages:
        page.close()
    for server in servers:
        server.process.terminate()


def until(condition: Callable[[], bool], seconds: float = 60) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it did not come about in time"
        time.sleep(0.1)


def epochs(lab: Lab) -> list[int]:
    return [-1 if run.epoch is None else run.epoch for run in lab.runs()]


def no_error_is_shown(page: Page) -> None:
    expect(page.get_by_test_id("stException")).to_have_count(0)
    assert "Traceback" not in page.inner_text("body")


def settled(page: Page) -> None:
    page.locator(".bcl-stage[data-settled=true]").wait_for(timeout=60_000)


def steer(page: Page, verb: str) -> None:
    page.locator(f"button[name=train-{verb}]").click()


def test_a_race_goes_from_new_race_to_its_end_outlives_its_server_and_another_browser_finds_the_same_picture(
    lab: Lab, browser: Browser, open_app
) -> None:
    page, server = open_app("lab")
    page.get_by_role("button", name="New race").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_text("More", exact=True).click()
    dialog.get_by_role("spinbutton", name="Epochs", exact=True).fill(str(LAST))
    dialog.get_by_role("spinbutton", name="Epochs", exact=True).press("Enter")
    dialog.get_by_role("button", name="Train", exact=True).click()
    expect(dialog).to_have_count(0)
    label, sentence = page.locator(".bar .epoch"), page.locator(".bcl-stage .sentence")
    # It is watched while it goes on.
    expect(label).to_have_text(re.compile(rf"epoch [1-9]\d* / {LAST}"), timeout=60_000)
    expect(page.get_by_role("button", name="live")).to_have_attribute("aria-pressed", "true")
    expect(page.locator(".lens.formation .column")).to_have_count(3)

    # After a pause, and after a step, all stand at the same epoch.
    steer(page, "pause")
    until(lambda: all(run.state == "paused" for run in lab.runs()))
    assert [run.recipe.variant for run in lab.runs()] == ["scl", "bcl", "bcl-class"]
    [held] = set(epochs(lab))
    expect(page.locator(".training .progress")).to_have_text(f"paused at epoch {held} of {LAST}")
    steer(page, "step")
    until(lambda: set(epochs(lab)) == {held + 1} and all(run.state == "paused" for run in lab.runs()))

    # It is looked back at while it goes on, and goes on without its server.
    page.keyboard.press("Home")
    expect(label).to_have_text(f"epoch 0 / {LAST}")
    page.wait_for_function(
        "(id) => location.search.includes(id) && location.search.includes('epoch=0')", arg=lab.runs()[0].id
    )
    address = page.evaluate("location.href").removeprefix(server.url)
    steer(page, "resume")
    until(lambda: min(epochs(lab)) > held + 1)
    server.process.send_signal(signal.SIGKILL)
    server.process.wait()
    seen = epochs(lab)
    expect(label).to_have_text(f"epoch 0 / {LAST}")
    expect(sentence).to_contain_text("At epoch 0 the three rarest classes stand")
    until(lambda: min(epochs(lab)) > max(seen))
    page, _ = open_app(address)
    label, sentence = page.locator(".bar .epoch"), page.locator(".bcl-stage .sentence")
    expect(sentence).to_contain_text("At epoch 0 the three rarest classes stand", timeout=60_000)
    until(lambda: all(run.state == "finished" for run in lab.runs()), seconds=300)  # behind all else on a busy machine
    expect(page.locator(".bcl-stage .training")).to_be_hidden()

    page.keyboard.press("End")
    page.keyboard.press("5")
    settled(page)
    page.wait_for_function("location.search.includes('lens=angles') && !location.search.includes('follow')")
    no_error_is_shown(page)
    other = browser.new_context(bypass_csp=True, viewport={"width": 1280, "height": 900}).new_page()
    other.goto(page.evaluate("location.href"))
    settled(other)
    assert other.locator(".bcl-stage .sentence").inner_text() == sentence.inner_text()
    map_of = ".lens.angles .map canvas"
    picture = "(canvas) => canvas.toDataURL()"
    assert [one.evaluate(picture) for one in other.locator(map_of).all()] == [
        one.evaluate(picture) for one in page.locator(map_of).all()
    ]
    other.context.close()


def test_a_link_into_the_app_opens_on_a_fresh_server_and_no_page_maps_a_heavy_library_into_its_process(
    lab: Lab, open_app
) -> None:
    make_runs(lab, ["bcl"], 1)
    page, server = open_app("lab?run=261111-0000000000")
    expect(page.get_by_text("names a run that is not in this lab")).to_be_visible(timeout=30_000)
    for name, there in (("Library", ".bcl-library .entry"), ("Start", "h1"), ("Lab", ".bcl-stage .sentence")):
        page.get_by_test_id("stTopNav").get_by_role("link", name=name).click()
        expect(page.locator(there).first).to_be_visible(timeout=30_000)
        no_error_is_shown(page)
    mapped = Path(f"/proc/{server.process.pid}/maps")
    if not mapped.exists():
        pytest.skip("this system does not say what a process maps")
    libraries = mapped.read_text()
    for name in HEAVY:
        assert name not in libraries, name
