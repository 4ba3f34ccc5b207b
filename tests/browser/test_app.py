"""The whole app as a person meets it: a real server, a real worker, a real browser, and a real SIGKILL."""

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from bcl_core.lab import Lab, stop_worker, worker_status
from harness.serving import APP, Server

DRAWN = ".bcl-live-plot .main-svg"
HEAVY = ("libtorch", "sklearn", "torchvision", "llvmlite", "site-packages/scipy/")


@pytest.fixture
def lab(tmp_path: Path) -> Iterator[Lab]:
    lab = Lab(tmp_path / "lab")
    yield lab
    stop_worker(lab)
    until(lambda: not worker_status(lab).alive)


@pytest.fixture
def open_app(lab: Lab, browser: Browser, serve: Callable[..., Server]) -> Iterator[Callable[..., tuple[Page, Server]]]:
    pages, servers = [], []

    def start(path: str = "") -> tuple[Page, Server]:
        server = serve(APP, env={"BCL_LAB_HOME": str(lab.home), "OMP_NUM_THREADS": "1"})
        servers.append(server)
        pages.append(browser.new_page(viewport={"width": 1400, "height": 1600}))
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


def test_a_newcomer_trains_three_losses_reloads_and_steers_them(lab: Lab, open_app) -> None:
    page, _ = open_app()
    expect(page.locator(".bcl-start .number").first).to_be_visible(timeout=30_000)
    page.get_by_role("button", name="Train it now").click()
    page.get_by_role("button", name="Train", exact=True).click()
    expect(page.get_by_text("rarest classes stand")).to_be_visible(timeout=60_000)
    assert [run.recipe.variant for run in lab.runs()] == ["scl", "bcl", "bcl-class"]

    expect(page.locator(DRAWN).first).to_be_visible(timeout=60_000)
    # Until every run has begun, pictures are added.
    expect(page.get_by_text(re.compile("BCL, class anchors, epoch [1-9]")).first).to_be_visible(timeout=60_000)
    page.locator(DRAWN).first.evaluate("element => { element.marked = true }")
    seen = epochs(lab)
    until(lambda: min(epochs(lab)) >= max(seen) + 3)
    assert max(epochs(lab)) - min(epochs(lab)) <= 1
    assert page.locator(DRAWN).first.evaluate("element => element.marked"), "an update must not remount the figure"
    no_error_is_shown(page)

    address = page.url
    assert "group=" in address
    page.reload()
    expect(page.get_by_text("rarest classes stand")).to_be_visible(timeout=30_000)
    assert page.url == address

    page.get_by_role("button", name="Pause").first.click()
    until(lambda: all(run.state == "paused" for run in lab.runs()))
    held = epochs(lab)
    page.get_by_role("button", name="Step one epoch").first.click()
    until(lambda: epochs(lab) == [epoch + 1 for epoch in held] or epochs(lab) == [max(held) + 1] * 3)
    page.get_by_role("button", name="Resume").first.click()
    until(lambda: min(epochs(lab)) >= max(held) + 2)
    page.get_by_role("button", name="Stop").first.click()
    until(lambda: all(run.state == "stopped" for run in lab.runs()))
    no_error_is_shown(page)


def test_training_outlives_the_server_and_the_next_one_shows_it(lab: Lab, open_app) -> None:
    page, server = open_app("train")
    page.get_by_role("button", name="Train", exact=True).click()
    expect(page.get_by_text("rarest classes stand")).to_be_visible(timeout=60_000)
    address = page.url.removeprefix(server.url)
    server.process.send_signal(signal.SIGKILL)
    server.process.wait()
    seen = epochs(lab)
    until(lambda: min(epochs(lab)) >= max(seen) + 2)
    page, _ = open_app(address)
    expect(page.get_by_text("rarest classes stand")).to_be_visible(timeout=60_000)
    expect(page.get_by_text(re.compile("running ·|finished ·")).first).to_be_visible()


def test_no_page_maps_a_heavy_library_into_the_web_process(lab: Lab, open_app) -> None:
    command = [sys.executable, "-m", "bcl_core", "--home", str(lab.home), "train", "--preset", "digits-bcl"]
    settings = ["--set", "epochs=1", "--set", "data.test_per_class=10", "--set", "threads=1"]
    subprocess.run([*command, *settings], check=True, stdout=subprocess.DEVNULL, env={**os.environ})
    page, server = open_app()
    for name in ("Train", "Inspect", "Runs"):
        page.get_by_test_id("stTopNav").get_by_role("link", name=name).click()
        expect(page.get_by_role("heading", name=name, exact=True)).to_be_visible(timeout=30_000)
        if name != "Runs":
            expect(page.get_by_text("rarest classes stand").first).to_be_visible(timeout=30_000)
        no_error_is_shown(page)
    mapped = Path(f"/proc/{server.process.pid}/maps")
    if not mapped.exists():
        pytest.skip("this system does not say what a process maps")
    libraries = mapped.read_text()
    for name in HEAVY:
        assert name not in libraries, name


def test_a_link_into_the_app_opens_on_a_fresh_server(lab: Lab, open_app) -> None:
    page, _ = open_app("lab?run=261111-0000000000")
    expect(page.get_by_text("names a run that is not in this lab")).to_be_visible(timeout=30_000)
    expect(page.get_by_role("link", name="Train", exact=True)).to_be_visible()


def test_a_shelved_run_is_trained_on_as_a_copy(lab: Lab, open_app) -> None:
    page, _ = open_app("gallery")
    page.locator(".st-key-Train-on-digits-scl button").click(timeout=30_000)
    page.get_by_role("button", name="Train a copy").click()
    expect(page.get_by_role("heading", name="Train", exact=True)).to_be_visible(timeout=30_000)
    until(lambda: epochs(lab)[:1] > [-1])
    [copy] = lab.runs()
    shelved = lab.run("digits-scl")
    assert copy.recipe == shelved.recipe
    assert lab.metrics(copy.id)[0]["accuracy"] == pytest.approx(lab.metrics(shelved.id)[-1]["accuracy"], abs=0.001)
    no_error_is_shown(page)
