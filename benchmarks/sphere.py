"""Measure the sphere lab in Chromium with software rendering: frames a second while it plays, and what loading takes.

    python -m benchmarks.sphere

Needs the test requirements and Chromium, and prints figures of this machine; nothing else should be running.
"""

import os
import platform
import tempfile
from pathlib import Path

from playwright.sync_api import Page, sync_playwright

from benchmarks.app import open_when_up, server
from harness.chromium import ARGUMENTS, found

COUNTS = "150 37 10 3"  # 200 points a sphere
SECONDS = 5
TIMES = 5
FRAMES = """(seconds) => new Promise((done) => {
  let [frames, start] = [0, performance.now()];
  const count = (now) => {
    if (now - start > 1000 * seconds) done((1000 * frames) / (now - start));
    else [frames] = [frames + 1, requestAnimationFrame(count)];
  };
  requestAnimationFrame(count);
})"""
LOADED = "() => performance.now() - performance.getEntriesByType('navigation')[0].responseEnd"


def main() -> None:
    """Load the page a few times with nothing cached, then play, and play with a point's forces drawn."""
    print(f"{platform.processor() or platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}")
    with sync_playwright() as playwright, tempfile.TemporaryDirectory() as home:
        browser = playwright.chromium.launch(executable_path=found(), args=ARGUMENTS)
        with server(Path(home), worker="off") as (url, _):
            open_when_up(browser.new_page(), f"{url}bcl/v1/sphere")
            took = []
            for _ in range(TIMES):
                page = browser.new_context(viewport={"width": 1280, "height": 720}).new_page()
                page.goto(f"{url}bcl/v1/sphere", wait_until="commit")
                page.locator(".bcl-sphere .angle", has_text="°").last.wait_for()
                took.append(page.evaluate(LOADED))
                page.context.close()
            print(f"from the page to both spheres: {sorted(took)[TIMES // 2]:.0f} ms, median of {TIMES}")
            page = browser.new_page(viewport={"width": 1280, "height": 720})
            page.goto(f"{url}bcl/v1/sphere")
            play(page)
            print(f"2 × 200 points play: {page.evaluate(FRAMES, SECONDS):.0f} frames a second")
            play(page)
            page.locator(".ball").first.press("c")
            print(f"with a point's forces: {page.evaluate(FRAMES, SECONDS):.0f} frames a second")
        browser.close()


def play(page: Page) -> None:
    """Begin with 200 points a sphere."""
    page.get_by_role("button", name="More").click()
    counts = page.get_by_label("Images of each class")
    counts.fill("2 2")
    counts.press("Enter")
    counts.fill(COUNTS)
    counts.press("Enter")
    page.keyboard.press("Escape")


if __name__ == "__main__":
    main()
