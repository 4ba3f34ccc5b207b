"""Measure what Inspect costs to open: requests and bytes, and runs of many classes and of many epochs.

    python -m benchmarks.opening
    python -m benchmarks.opening --shapes digits

Makes labs of its own, needs the test requirements and Chromium, and prints figures of this machine; nothing else should
be running. An epoch of the large runs is measured once and stands for all of them; files and database are those of
real runs.
"""

import argparse
import json
import os
import platform
import sqlite3
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from playwright.sync_api import Browser, Page, sync_playwright
from streamlit.testing.v1 import AppTest

from bcl_core.data.longtail import long_tail_counts
from bcl_core.lab import Lab
from bcl_core.lab.files import encoded
from benchmarks.app import open_when_up, server
from harness.chromium import ARGUMENTS, found
from harness.made_runs import MadeRun, make_runs
from harness.serving import ROOT

DIGITS = ("digits-scl", "digits-bcl", "digits-bcl-class")
DATA = ("pulse", "about", "history", "samples", "view", "predicted", "sprite", "embeddings")
STANDS = """() => ["sentence strong", "formation .main-svg", "curves .main-svg"].every(
  (selector) => document.querySelector(`.bcl-stage .${selector}`))"""
SETTLED = ".bcl-stage[data-settled=true]"
PATIENCE = 120_000  # milliseconds


def main() -> None:
    """Measure each shape in turn."""
    shapes = {"digits": digits, "classes": many_classes, "epochs": many_epochs, "library": library}
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--shapes", nargs="+", choices=shapes, default=list(shapes))
    wanted = parser.parse_args().shapes
    print(f"{platform.processor() or platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=found(), args=ARGUMENTS)
        for shape in wanted:
            with tempfile.TemporaryDirectory() as home:
                shapes[shape](browser, Lab(Path(home)))
        browser.close()


def digits(browser: Browser, lab: Lab) -> None:
    """Three runs of the shelf, with nothing cached."""
    os.environ["BCL_LAB_HOME"] = str(lab.home)
    script = AppTest.from_file(str(ROOT / "app" / "main.py"), default_timeout=60).run()
    script.switch_page("screens/lab.py")
    script.query_params["runs"] = ".".join(DIGITS)
    script.run()
    took = sorted(cpu_seconds(script.run) for _ in range(9))[4]
    print(f"{'three digits runs: a rerun of the whole page in Python':58} {1000 * took:7.1f} ms of CPU, median of 9")
    with server(lab.home, worker="off") as (url, _):
        page = browser.new_page(bypass_csp=True, viewport={"width": 1400, "height": 1000})
        asked: list[tuple[str, int]] = []
        page.on("response", lambda answer: asked.append((answer.url, length(answer.all_headers()))))
        open_when_up(page, f"{url}lab?runs={'.'.join(DIGITS)}&lens=all")
        page.wait_for_function(STANDS, timeout=PATIENCE)
        page.wait_for_timeout(200)  # sizes are told a moment after the answers
        tell("until formation, curves and sentence", asked)
        page.locator(SETTLED).wait_for(timeout=PATIENCE)
        page.wait_for_timeout(3000)
        tell("in all, three seconds later", asked)
        page.close()


def tell(when: str, asked: list[tuple[str, int]]) -> None:
    """Print how much was asked for under /bcl, and how much of it was run data."""
    ours = [(address.partition("/bcl/v1/")[2], size) for address, size in asked if "/bcl/v1/" in address]
    data = [(path, size) for path, size in ours if path.startswith(("runs/", "pulse"))]
    kinds = {kind: sum(f"/{kind}" in path or path.startswith(kind) for path, _ in data) for kind in DATA}
    print(
        f"{f'three digits runs, {when}':58} {sum(size for _, size in data) / 1e6:7.2f} MB in {len(data)} requests "
        f"({', '.join(f'{kind} {count}' for kind, count in kinds.items() if count)}); under /bcl {len(ours)} requests"
    )


def many_classes(browser: Browser, lab: Lab) -> None:
    """One run of 1,000 classes, 1,024 dimensions and 90 epochs."""
    counts = long_tail_counts(1000, 500, imbalance_factor=100)
    [made] = make_runs(lab, ["bcl"], 1, counts=counts, per_class=8, dim=1024, images=False)
    repeat(made, range(2, 91))
    usable(browser, lab, made, "1,000 classes × 90 epochs")


def many_epochs(browser: Browser, lab: Lab) -> None:
    """One run of 10,000 epochs."""
    [made] = make_runs(lab, ["bcl"], 1, per_class=8)
    repeat(made, range(2, 10_001))
    usable(browser, lab, made, "10,000 epochs")


def library(browser: Browser, lab: Lab) -> None:
    """Open the Library on 1,000 runs in a hundred races, with nothing cached, three times."""
    for race in range(100):
        make_runs(lab, ("scl", "bcl") * 5, 1, name=f"race {race}", per_class=2)
    with server(lab.home, worker="off") as (url, _):
        for opened in ("first", "second", "third"):
            with browser.new_context(bypass_csp=True, viewport={"width": 1400, "height": 1000}) as context:
                page = context.new_page()
                open_when_up(page, f"{url}library")
                for what, state in (("runs on the screen", ""), ("all 1,000 laid out", "[data-laid=true]")):
                    page.wait_for_selector(f"{state} .entry .angles", timeout=PATIENCE)
                    report(f"the Library, opened the {opened} time: {what}", page.evaluate("performance.now()") / 1000)


def repeat(made: MadeRun, epochs: range) -> None:
    """Let the last measured epoch stand for these, too."""
    last = made.lab.metrics(made.id)[-1]
    view = made.folder.arrays(made.folder.view(last["epoch"]))
    metrics = json.dumps({name: value for name, value in last.items() if name != "epoch"})
    content = encoded(view, metrics=metrics)
    for epoch in epochs:
        made.folder.view(epoch).write_bytes(content)
    with sqlite3.connect(made.lab.home / "lab.sqlite") as database:
        database.executemany("INSERT INTO metrics VALUES (?, ?, ?)", [(made.id, epoch, metrics) for epoch in epochs])
        database.execute("UPDATE runs SET epoch = ? WHERE id = ?", (epochs[-1], made.id))


def usable(browser: Browser, lab: Lab, made: MadeRun, what: str) -> None:
    """Open a run; print when its curves and all pictures stand, what scripts took, and the page's memory."""
    with server(lab.home, worker="off") as (url, _):
        with browser.new_page(bypass_csp=True, viewport={"width": 1400, "height": 1000}) as warm:
            open_when_up(warm, url)  # the server's first page imports
            warm.wait_for_timeout(3000)
        context = browser.new_context(bypass_csp=True, viewport={"width": 1400, "height": 1000})
        page = context.new_page()
        chrome = context.new_cdp_session(page)
        chrome.send("Performance.enable")
        start = time.perf_counter()
        page.goto(f"{url}lab?runs={made.id}&lens=all")
        page.wait_for_function(STANDS, timeout=PATIENCE)
        report(f"{what}: formation, curves and sentence", time.perf_counter() - start)
        page.locator(SETTLED).wait_for(timeout=PATIENCE)
        report(f"{what}: every picture of the last epoch", time.perf_counter() - start)
        figures = {item["name"]: item["value"] for item in chrome.send("Performance.getMetrics")["metrics"]}
        report(f"{what}: of that, scripts", figures["ScriptDuration"])
        for _ in range(30):
            page.keyboard.press("ArrowLeft")
            page.wait_for_timeout(100)
        page.locator(SETTLED).wait_for(timeout=PATIENCE)
        chrome.send("HeapProfiler.collectGarbage")
        page.wait_for_timeout(1000)
        print(f"{f'{what}: page after 30 epochs back, garbage aside':58} {renderer_mb(page):7.0f} MB")
        context.close()


def renderer_mb(page: Page) -> float:
    """Return the private memory of the process that draws the page, in megabytes (Linux)."""
    browser = page.context.browser
    assert browser is not None
    processes = browser.new_browser_cdp_session().send("SystemInfo.getProcessInfo")["processInfo"]
    sizes = [private_mb(process["id"]) for process in processes if process["type"] == "renderer"]
    return max(sizes)


def private_mb(pid: int) -> float:
    """Return a process's private memory in megabytes (Linux)."""
    lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    return sum(int(line.split()[1]) for line in lines if line.startswith("Private")) / 1000


def length(headers: dict[str, str]) -> int:
    """Return the length of an answer as it was sent."""
    return int(headers.get("content-length", 0))


def cpu_seconds(work: Callable[[], object]) -> float:
    """Return the processor time that some work takes."""
    start = time.process_time()
    work()
    return time.process_time() - start


def report(what: str, seconds: float) -> None:
    """Print one measurement."""
    print(f"{what:58} {seconds:7.2f} s", flush=True)


if __name__ == "__main__":
    main()
