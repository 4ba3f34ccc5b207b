"""How the app reaches a browser: in few requests, and without waiting."""

import json
import urllib.request
from collections import Counter
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext

from harness.serving import ROOT, Server
from tests.browser.conftest import PATIENCE, Serve

CONNECTION_APP = Path(__file__).parent / "apps" / "connection_app.py"
COMPARED = "digits-scl.digits-bcl"


def test_a_component_comes_in_one_script_and_at_most_one_style_sheet(browser: Browser, app: str) -> None:
    page = browser.new_page()
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.goto(app)
    page.locator(".bcl-start .number").first.wait_for(timeout=PATIENCE)
    page.goto(f"{app}lab?runs={COMPARED}")
    page.locator(".bcl-stage .main-svg").first.wait_for(timeout=PATIENCE)
    page.close()
    ours = Counter(Path(url).name for url in asked if "/component/" in url)
    assert {"start.js", "stage.js"} <= set(ours)
    components = {folder.name for folder in (ROOT / "app/components").iterdir() if folder.is_dir()}
    assert set(ours) <= {f"{name}.{kind}" for name in components for kind in ("js", "css")}
    assert set(ours.values()) == {1}


@pytest.mark.skipif(not Path("/proc/self/fd").is_dir(), reason="asks Linux what a process holds")
def test_a_server_with_a_page_open_watches_no_files(visitor: BrowserContext, app_server: Server) -> None:
    page = visitor.new_page()
    page.goto(app_server.url)
    page.locator("h1").first.wait_for(timeout=PATIENCE)
    held = [str(link.readlink()) for link in Path(f"/proc/{app_server.process.pid}/fd").iterdir()]
    page.close()
    assert any(name.startswith("socket:") for name in held)
    assert not any("inotify" in name for name in held)


@pytest.mark.parametrize(("listens", "hosts"), [("localhost", ["127.0.0.1"]), ("::", ["[::1]", "127.0.0.1"])])
def test_the_server_sends_on_a_connection_at_once(serve: Serve, listens: str, hosts: list[str]) -> None:
    url = serve(CONNECTION_APP, env={"BCL_LAB_WORKER": "off", "STREAMLIT_SERVER_ADDRESS": listens}).url
    for host in hosts:
        with urllib.request.urlopen(url.replace("localhost", host) + "nodelay", timeout=20) as answer:
            assert json.load(answer) is True
