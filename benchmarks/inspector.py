"""Measure the inspector in a real browser: main thread per epoch change, Plotly's rest, bytes, websocket messages.

    python -m benchmarks.inspector [--runs 2] [--epochs 60] [--classes 10] [--samples 2000] [--minutes 0]

Makes a lab of its own, needs the test requirements and Chromium, and prints milliseconds of this machine; nothing else
should be running. WebGL is drawn in software there, on the same cores: a graphics card takes that part off them.
"""

import argparse
import os
import platform
import tempfile
import time
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from playwright.sync_api import Page, sync_playwright

from bcl_core.data.longtail import long_tail_counts
from bcl_core.lab import Lab
from benchmarks.app import server
from tests.browser.conftest import CHROMIUM_ARGUMENTS
from tests.browser.install import found
from tests.browser.made_runs import make_runs

VARIANTS = ("scl", "bcl", "bcl-class", "bcl-class")
ALL_PANELS = "formation.curves.push.tour.angles"
# Time every frame's drawing, and every timer's work, which is where Plotly draws.
TIMED = """
const timed = (list, work) => (...given) => {
  const start = performance.now();
  work(...given);
  list.push(performance.now() - start);
};
window.frames_ = [];
window.timers_ = [];
const [frame, timer] = [window.requestAnimationFrame.bind(window), window.setTimeout.bind(window)];
window.requestAnimationFrame = (work) => frame(timed(window.frames_, work));
window.setTimeout = (work, wait, ...rest) => timer(timed(window.timers_, work), wait, ...rest);
"""
TAKE = """() => {
  const sum = (list) => list.splice(0).reduce((total, took) => total + took, 0);
  return [sum(window.frames_), Math.max(0, ...window.timers_), sum(window.timers_)];
}"""
BETWEEN = 500  # milliseconds between two steps, in which Plotly settles


def main() -> None:
    """Measure one shape of lab."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    for name, preset in (("runs", 2), ("epochs", 60), ("classes", 10), ("samples", 2000), ("minutes", 0)):
        parser.add_argument(f"--{name}", type=int, default=preset)
    wanted = parser.parse_args()
    print(f"{platform.processor() or platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}")
    with tempfile.TemporaryDirectory() as home:
        lab = Lab(Path(home))
        counts = _counts(wanted.classes)
        per_class = 2 * wanted.samples // wanted.classes  # one half fits the frame, the other is drawn
        runs = make_runs(
            lab, VARIANTS[: wanted.runs], wanted.epochs, counts=counts, per_class=per_class, dim=max(16, wanted.classes)
        )
        size = sum(file.stat().st_size for run in runs for file in (run.folder.path / "view").iterdir())
        print(f"{wanted.runs} runs × {wanted.samples} drawn points × {wanted.classes} classes × {wanted.epochs} epochs")
        print(f"{'all epochs of all runs':52} {size / 1e6:6.1f} MB")
        with sync_playwright() as playwright, server(Path(home), worker="off") as (url, _):
            browser = playwright.chromium.launch(executable_path=found(), args=CHROMIUM_ARGUMENTS)
            page = browser.new_page(viewport={"width": 1400, "height": 1000})
            measure(page, f"{url}inspect?runs={'.'.join(run.id for run in runs)}&panels={ALL_PANELS}", wanted)
            browser.close()


def measure(page: Page, address: str, wanted: argparse.Namespace) -> None:
    """Scrub, play, and print."""
    sent: list[object] = []
    page.on("websocket", lambda socket: socket.on("framesent", lambda frame: sent.append(frame)))
    page.add_init_script(TIMED)
    start = time.perf_counter()
    _open(page, address)
    page.locator(".bcl-inspector .scrubber").wait_for()
    report("first picture after the page's address", 1000 * (time.perf_counter() - start))
    page.wait_for_function("!document.querySelector('.scrubber').textContent.includes('here')", timeout=120_000)
    report("every epoch here", 1000 * (time.perf_counter() - start))
    page.wait_for_timeout(3000)
    sent.clear()
    page.keyboard.press("Home")
    page.wait_for_timeout(1000)
    page.evaluate(TAKE)
    steps = []
    for _ in range(min(wanted.epochs, 60)):
        page.keyboard.press("ArrowRight")
        page.wait_for_timeout(BETWEEN)
        steps.append(page.evaluate(TAKE))
    canvases, longest, plotly = np.array(steps).T
    spread("an epoch's step: all that is drawn in frames", canvases)
    spread("its Plotly: the longest task", longest)
    spread("its Plotly: all tasks", plotly)
    page.keyboard.press("Home")
    page.wait_for_timeout(1000)
    page.evaluate(TAKE)
    page.keyboard.press(" ")
    page.wait_for_timeout(8000)
    frames = np.array(page.evaluate("window.frames_.filter((took) => took > 0.5)"))
    page.keyboard.press(" ")
    spread(f"playing, a frame ({len(frames) / 8:.0f} a second)", frames)
    print(f"{'websocket messages while scrubbing and playing':52} {len(sent):6d}")


def spread(what: str, milliseconds: NDArray[np.float64]) -> None:
    """Print median, 95th percentile and maximum."""
    middle, high, most = np.percentile(milliseconds, [50, 95, 100])
    print(f"{what:52} median {middle:6.1f}   p95 {high:6.1f}   max {most:6.1f} ms", flush=True)


def report(what: str, milliseconds: float) -> None:
    """Print one measurement."""
    print(f"{what:52} {milliseconds:6.0f} ms", flush=True)


def _open(page: Page, address: str) -> None:
    while True:
        try:
            page.goto(address)
            return
        except Exception:
            time.sleep(0.1)


def _counts(num_classes: int) -> NDArray[np.int64]:
    return long_tail_counts(num_classes, 500, imbalance_factor=100)


if __name__ == "__main__":
    main()
