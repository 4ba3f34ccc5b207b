"""Measure what a user waits for: server to Start page, click to first point (cold and warm worker), the race, memory.

    python -m benchmarks.app

Needs the test requirements and Chromium. Prints seconds and megabytes of this machine; nothing else should be running.
"""

import os
import platform
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from playwright.sync_api import Page, sync_playwright

from bcl_core.lab import Lab, stop_worker, worker_status
from harness.chromium import ARGUMENTS, found
from harness.serving import free_port

PLAY = ".bcl-start .number"
# Noted by the page itself: what asks from outside waits while Plotly.js starts.
FIRST_SEEN = """
  window.firstSeen = {};
  const look = () => {
    for (const [picture, selector] of [["first picture", ".sentence strong"], ["curves", ".main-svg"]]) {
      if (document.querySelector(`.bcl-stage ${selector}`)) firstSeen[picture] ??= performance.now();
    }
    requestAnimationFrame(look);
  };
  look();
"""
COMPARED = {
    "three digits runs": "digits-scl.digits-bcl.digits-bcl-class",
    "largest comparison": "cifar10-lt-ce-la.cifar10-lt-scl.cifar10-lt-bcl.cifar10-lt-bcl-class",
}
# A picture of this run stands: nothing is said in its place.
STANDS = "(id) => document.querySelector(`.lens.formation [data-run='${id}'] .message[hidden]`)"


def main() -> None:
    """Run every measurement in one lab of its own."""
    print(f"{platform.processor() or platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}")
    home = Path(tempfile.mkdtemp())
    lab = Lab(home)
    try:
        with sync_playwright() as playwright:
            browser = playwright.chromium.launch(executable_path=found(), args=ARGUMENTS)
            page = browser.new_page(bypass_csp=True, viewport={"width": 1400, "height": 1000})
            start = time.perf_counter()
            with server(home, worker="off") as (url, process):
                open_when_up(page, url)
                page.locator(PLAY).first.wait_for()
                report("`streamlit run` to the Start page's play", time.perf_counter() - start)
                opened = page.evaluate("performance.now()") / 1000
                report("of that, from the page opening", opened)
                for what in COMPARED:
                    with browser.new_page(bypass_csp=True, viewport={"width": 1400, "height": 1000}) as fresh:
                        compare(fresh, url, what, "nothing cached")
                    compare(page, url, what, "after Start")
                report("click on Train to first point, cold worker", click_to_first_point(page, url, lab))
                stop_all(lab)
                report("click on Train to first point, warm worker", click_to_first_point(page, url, lab))
                start = time.perf_counter()
                while any(run.active for run in lab.runs()):
                    time.sleep(0.1)
                report("from then to the end of the three runs", time.perf_counter() - start)
                print(f"{'web process, resident':52} {resident_mb(process.pid):6.0f} MB")
            browser.close()
    finally:
        stop_worker(lab)
        while worker_status(lab).alive:
            time.sleep(0.1)
        shutil.rmtree(home)


@contextmanager
def server(home: Path, worker: str, app: str = "streamlit_app.py") -> Iterator[tuple[str, "subprocess.Popen[bytes]"]]:
    """Serve the app on a free port for the time of the block."""
    port = free_port()
    command = [sys.executable, "-m", "streamlit", "run", app, "--server.headless", "true"]
    environment = {**os.environ, "BCL_LAB_HOME": str(home), "BCL_LAB_WORKER": worker}
    process = subprocess.Popen(
        [*command, "--server.port", str(port)], env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    yield f"http://localhost:{port}/", process
    process.terminate()
    process.wait()


def open_when_up(page: Page, url: str) -> None:
    """Load the page as soon as the server answers."""
    while True:
        try:
            page.goto(url)
            return
        except Exception:
            time.sleep(0.05)


def compare(page: Page, url: str, what: str, when: str) -> None:
    """Open pretrained runs in the Lab: dots come with the sentence, the curves with Plotly.js."""
    page.add_init_script(FIRST_SEEN)
    page.goto(f"{url}lab?runs={COMPARED[what]}")
    page.wait_for_function("firstSeen.curves")
    for picture, seen in page.evaluate("firstSeen").items():
        report(f"{what}, {when}: {picture}", seen / 1000)
    page.goto("about:blank")  # its other charts would take the next one's time


def click_to_first_point(page: Page, url: str, lab: Lab) -> float:
    """Queue the digits race from the page; return the seconds until an epoch of it is drawn."""
    before = {run.id for run in lab.runs()}
    page.goto(f"{url}lab?new=digits")
    button = page.get_by_role("dialog").get_by_role("button", name="Train", exact=True)
    button.wait_for()
    page.wait_for_timeout(2000)
    start = time.perf_counter()
    button.click()
    while not (new := [run.id for run in lab.runs() if run.id not in before]):
        time.sleep(0.01)
    page.wait_for_function(STANDS, arg=new[0], timeout=120_000)
    return time.perf_counter() - start


def stop_all(lab: Lab) -> None:
    """Stop every run and wait until the worker has let go."""
    for run in lab.runs():
        lab.stop(run.id)
    while any(run.active for run in lab.runs()):
        time.sleep(0.1)


def resident_mb(pid: int) -> float:
    """Return a process's resident memory in megabytes (Linux)."""
    pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 1e6


def report(what: str, seconds: float) -> None:
    """Print one measurement."""
    print(f"{what:52} {seconds:6.1f} s", flush=True)


if __name__ == "__main__":
    main()
