"""Measure what a small answer takes from request to text in a browser, with TCP_NODELAY as the app sets it and without.

    python -m benchmarks.http
    python -m benchmarks.http --fetches 1000

Two servers of the app, alike but for that, asked in turns. Needs the test requirements and Chromium; nothing else
should be running. Prints milliseconds of this machine.
"""

import argparse
import tempfile
from contextlib import ExitStack
from pathlib import Path

import numpy as np
from playwright.sync_api import Page, sync_playwright

from benchmarks.app import open_when_up, server
from harness.chromium import ARGUMENTS, found
from harness.serving import ROOT

WITHOUT = f"""
import sys
import streamlit as st
sys.path.insert(0, {str(ROOT)!r})
from app.routes import routes
app = st.App({str(ROOT / "app/main.py")!r}, routes=routes())
"""
FETCH = """async () => {
  const start = performance.now();
  await (await fetch("/bcl/v1/health")).text();
  return performance.now() - start;
}"""


def main() -> None:
    """Print the median and the 90th percentile of both, and the medians' ratio."""
    parser = argparse.ArgumentParser(description="Small answers with TCP_NODELAY and without.")
    parser.add_argument("--fetches", type=int, default=200, help="of each server")
    fetches = parser.parse_args().fetches
    with tempfile.TemporaryDirectory() as folder, ExitStack() as open_, sync_playwright() as playwright:
        home, script = Path(folder), Path(folder) / "without.py"
        script.write_text(WITHOUT, encoding="utf-8")
        browser = playwright.chromium.launch(executable_path=found(), args=ARGUMENTS)
        pages: dict[str, Page] = {}
        for name, app in (("with TCP_NODELAY", "streamlit_app.py"), ("without", str(script))):
            url, _ = open_.enter_context(server(home, worker="off", app=app))
            pages[name] = browser.new_page(bypass_csp=True)
            open_when_up(pages[name], f"{url}bcl/v1/health")  # a page that asks for nothing by itself
        turns = [{name: page.evaluate(FETCH) for name, page in pages.items()} for _ in range(fetches)]
        browser.close()
    took = {name: [turn[name] for turn in turns] for name in pages}
    for name, times in took.items():
        p50, p90 = np.percentile(times, [50, 90])
        print(f"{f'health, {name}':52} p50 {p50:6.1f} ms   p90 {p90:6.1f} ms")
    ratio = np.median(took["without"]) / np.median(took["with TCP_NODELAY"])
    print(f"{'ratio of the medians':52} {ratio:6.1f}")


if __name__ == "__main__":
    main()
