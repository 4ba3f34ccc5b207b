"""A real browser and a real server: what JavaScript does, no other test sees."""

import os
import socket
import subprocess
import sys
import time
import urllib.request
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page, sync_playwright

from tests.browser.install import found
from tests.browser.made_runs import MadeRun

ROOT = Path(__file__).parents[2]
APP = ROOT / "streamlit_app.py"
PATIENCE = 30_000  # milliseconds: charts that are still being drawn hold up everything on a busy machine
# WebGL in software where there is no graphics card, and nothing that calls home.
CHROMIUM_ARGUMENTS = [
    "--no-sandbox",
    "--enable-unsafe-swiftshader",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
]


@dataclass(frozen=True)
class Server:
    """A running server: its address, ending in a slash, and its process."""

    url: str
    process: "subprocess.Popen[bytes]"


Serve = Callable[..., Server]


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=found(), args=CHROMIUM_ARGUMENTS)
        yield browser
        browser.close()


@pytest.fixture(scope="module")
def visitor(browser: Browser, serve: Serve) -> Iterator[BrowserContext]:
    """One visitor of a server, whose pages find in the cache what an earlier one has loaded; gone before it ends."""
    context = browser.new_context()
    yield context
    context.close()


def new_page(visitor: BrowserContext, width: int = 1280, height: int = 900, **media: Any) -> Page:
    """Open an empty page of this size in pixels; `media` is what the visitor prefers, for `Page.emulate_media`."""
    page = visitor.new_page()
    page.set_viewport_size({"width": width, "height": height})
    page.emulate_media(**media)
    return page


@pytest.fixture(scope="module")
def serve(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Serve]:
    """Start `streamlit run` on a script or app of ours, with extra environment variables."""
    servers: list[subprocess.Popen[bytes]] = []

    def start(script: Path, env: Mapping[str, str] | None = None) -> Server:
        port = free_port()
        log = tmp_path_factory.mktemp("server") / "log.txt"
        environment = {**os.environ, "PYTHONPATH": str(ROOT), **(env or {})}
        command = [sys.executable, "-m", "streamlit", "run", str(script)]
        command += ["--server.port", str(port), "--server.headless", "true"]
        with log.open("wb") as output:
            servers.append(subprocess.Popen(command, cwd=ROOT, env=environment, stdout=output, stderr=output))
        prefix = environment.get("STREAMLIT_SERVER_BASE_URL_PATH", "")
        url = f"http://localhost:{port}/{prefix + '/' if prefix else ''}"
        _wait_until_up(servers[-1], url, log)
        return Server(url, servers[-1])

    yield start
    for server in servers:
        server.terminate()
    for server in servers:
        try:
            server.wait(timeout=20)
        except subprocess.TimeoutExpired:  # seldom, and why is not known: said, and no test's fault
            warnings.warn(f"{server.args} did not end within 20 s of SIGTERM", stacklevel=1)
            server.kill()
            server.wait()


class Opener:
    """Opens the inspector on runs, waits until all that is shown is drawn, and fails where the page threw an error."""

    def __init__(self, visitor: BrowserContext, url: str) -> None:
        self.visitor, self.url, self.pages, self.errors = visitor, url, list[Page](), list[str]()

    def __call__(
        self,
        made: Sequence[MadeRun] | None = None,
        query: str = "",
        wait: bool = True,
        before: Callable[[Page], object] = lambda page: None,
        **how: Any,
    ) -> Page:
        page = new_page(self.visitor, **how)
        self.pages.append(page)
        page.on("pageerror", lambda error: self.errors.append(str(error)))
        page.on("console", self._heard)
        before(page)
        page.goto(f"{self.url}?runs={'.'.join(run.id for run in made)}&{query}" if made else f"{self.url}?{query}")
        if wait:
            self.wait(page)
        return page

    def wait(self, page: Page) -> None:
        page.locator(".bcl-inspector[data-settled=true]").wait_for(timeout=PATIENCE)

    def close(self) -> None:
        for page in self.pages:
            page.close()
        assert not self.errors

    def _heard(self, message: ConsoleMessage) -> None:
        """Panels that could not be drawn say so on the console; what the server does not have is no error."""
        if message.type == "error" and not message.text.startswith("Failed to load resource"):
            self.errors.append(message.text)


@pytest.fixture
def show(visitor: BrowserContext, url: str) -> Iterator[Opener]:
    opener = Opener(visitor, url)
    yield opener
    opener.close()


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("localhost", 0))
        return int(probe.getsockname()[1])


def _wait_until_up(server: "subprocess.Popen[bytes]", url: str, log: Path) -> None:
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline and server.poll() is None:
        try:
            urllib.request.urlopen(f"{url}_stcore/health", timeout=2).close()
            return
        except OSError:
            time.sleep(0.2)
    raise RuntimeError(f"the server did not come up:\n{log.read_text()}")
