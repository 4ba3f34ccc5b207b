"""Measure the stage in a real browser: main thread per epoch change, Plotly's rest, bytes, websocket messages.

    python -m benchmarks.stage
    python -m benchmarks.stage --minutes 10                 # and the heap while it plays for so long
    python -m benchmarks.stage --classes 100
    python -m benchmarks.stage --runs 4 --samples 10000

Two runs of 60 epochs, 2,000 points and 10 classes unless said otherwise, all lenses at once. Makes a lab of its own,
needs the test requirements and Chromium, and prints figures of this machine; nothing else should be running. WebGL
is drawn in software there, on the same cores: a graphics card takes that part off them.
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
from harness.chromium import ARGUMENTS, found
from harness.made_runs import make_runs

VARIANTS = ("scl", "bcl", "bcl-class", "bcl-class")
# Time what every frame draws, and what Plotly draws between frames.
TIMED = """
window.frames_ = [];
window.charts_ = [];
const frame = window.requestAnimationFrame.bind(window);
window.requestAnimationFrame = (work) => frame((time) => {
  const start = performance.now();
  work(time);
  window.frames_.push(performance.now() - start);
});
"""
TIMED_PLOTLY = """() => {
  const react = window.Plotly.react;
  window.Plotly.react = (...given) => {
    const start = performance.now();
    react(...given);
    window.chartsDone_ = performance.now();
    window.charts_.push(window.chartsDone_ - start);
  };
}"""
TAKE = """(pressed) => {
  const sum = (list) => list.reduce((total, took) => total + took, 0);
  const charts = window.charts_.splice(0);
  return [sum(window.frames_.splice(0)), Math.max(0, ...charts), sum(charts), (window.chartsDone_ ?? 0) - pressed];
}"""
BETWEEN = 600  # milliseconds between two steps, in which Plotly settles


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
            browser = playwright.chromium.launch(executable_path=found(), args=ARGUMENTS)
            page = browser.new_page(bypass_csp=True, viewport={"width": 1400, "height": 1000})
            measure(page, f"{url}lab?runs={'.'.join(run.id for run in runs)}&lens=all", wanted)
            browser.close()


def measure(page: Page, address: str, wanted: argparse.Namespace) -> None:
    """Scrub, play, and print."""
    sent: list[object] = []
    page.on("websocket", lambda socket: socket.on("framesent", lambda frame: sent.append(frame)))
    page.add_init_script(TIMED)
    start = time.perf_counter()
    _open(page, address)
    page.locator(".bcl-stage .bar").wait_for()
    page.locator(".bcl-stage[data-settled=true]").wait_for(timeout=120_000)
    report("all of an epoch here", 1000 * (time.perf_counter() - start))
    page.wait_for_timeout(3000)
    sent.clear()
    page.keyboard.press("Home")
    page.evaluate(TIMED_PLOTLY)
    page.wait_for_timeout(1000)
    page.evaluate(TAKE, 0)
    steps = []
    for _ in range(min(wanted.epochs, 60)):
        pressed = page.evaluate("performance.now()")
        page.keyboard.press("ArrowRight")
        page.wait_for_timeout(BETWEEN)
        steps.append(page.evaluate(TAKE, pressed))
    canvases, longest, plotly, settled = np.array(steps).T
    spread("an epoch's step: all that is drawn in frames", canvases)
    spread("its Plotly: the longest chart", longest)
    spread("its Plotly: all charts", plotly)
    spread("its Plotly: from the key to the last chart", settled)
    page.keyboard.press("Home")
    page.wait_for_timeout(1000)
    page.evaluate(TAKE, 0)
    page.keyboard.press(" ")
    page.wait_for_timeout(8000)
    frames = np.array(page.evaluate("window.frames_.filter((took) => took > 0.5)"))
    page.keyboard.press(" ")
    spread(f"playing, a frame ({len(frames) / 8:.0f} a second)", frames)
    if wanted.minutes:
        play_on(page, wanted.minutes)
    print(f"{'websocket messages while scrubbing and playing':52} {len(sent):6d}")


def play_on(page: Page, minutes: int) -> None:
    """Play over and over, and print the heap at each minute, garbage aside."""
    chrome = page.context.new_cdp_session(page)
    for minute in range(minutes + 1):
        ends = time.monotonic() + (60 if minute else 0)
        while time.monotonic() < ends:
            if page.get_by_role("button", name="Play", exact=True).count():
                page.keyboard.press(" ")  # from the last epoch it begins again
            page.wait_for_timeout(500)
            page.evaluate(TAKE, 0)  # else the benchmark's own lists would grow
        chrome.send("HeapProfiler.collectGarbage")
        used = chrome.send("Runtime.getHeapUsage")["usedSize"]
        print(f"{f'heap after {minute} min of playing':52} {used / 1e6:6.1f} MB", flush=True)


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
