"""A real browser and a real server: what JavaScript does, no other test sees."""

import subprocess
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page, expect, sync_playwright

from bcl_core.lab import Lab
from harness import serving
from harness.chromium import ARGUMENTS, found
from harness.made_runs import MadeRun
from harness.serving import APP, Server, new_page

# A page opens for two thirds of the CPU in the process of one before it, which knows the app's scripts.
FEW_PROCESSES = ["--renderer-process-limit=1", "--in-process-gpu"]
PATIENCE = 30_000  # milliseconds: charts that are still being drawn hold up everything on a busy machine

Serve = Callable[..., Server]


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=found(), args=[*ARGUMENTS, *FEW_PROCESSES])
        yield browser
        browser.close()


@pytest.fixture
def patience() -> Iterator[None]:
    """Charts that are still being drawn hold up everything on a busy machine."""
    expect.set_options(timeout=PATIENCE)
    yield
    expect.set_options(timeout=5000)


@pytest.fixture(scope="session")
def visitor(browser: Browser) -> BrowserContext:
    """One visitor, whose pages find in the cache what an earlier one has loaded."""
    # Waiting for an expression to hold takes eval, which the pages' policy forbids; `test_class` holds them to it.
    context = browser.new_context(bypass_csp=True)
    context.new_page()  # its window stays for the next: around a new one Chromium draws for longer than some pages take
    return context


@contextmanager
def running(folder: Path) -> Iterator[Serve]:
    """Start `streamlit run` on a script or app of ours, with extra environment variables."""
    servers: list[subprocess.Popen[bytes]] = []

    def start(script: Path, env: Mapping[str, str] | None = None) -> Server:
        server = serving.start(script, folder / f"{len(servers)}.txt", env)
        servers.append(server.process)
        return server

    yield start
    for server in servers:
        server.kill()  # asked to leave, it would wait for as long as a browser holds a connection
        server.wait()


@pytest.fixture(scope="module")
def serve(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Serve]:
    with running(tmp_path_factory.mktemp("servers")) as start:
        yield start


@pytest.fixture(scope="session")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Lab:
    """A lab for all who only look: who needs runs makes them there, and names them."""
    return Lab(tmp_path_factory.mktemp("looked_at") / "lab")


@pytest.fixture(scope="session")
def app_server(lab: Lab, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """An app on that lab, where nothing trains."""
    with running(tmp_path_factory.mktemp("app")) as start:
        yield start(APP, {"BCL_LAB_HOME": str(lab.home), "BCL_LAB_WORKER": "off", "OMP_NUM_THREADS": "1"})


@pytest.fixture(scope="session")
def app(app_server: Server) -> str:
    """Its address."""
    return app_server.url


class Opener:
    """Opens the stage on runs, waits until all that is shown is drawn, and fails where the page threw an error."""

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
        parts = [f"runs={'.'.join(run.id for run in made)}"] if made else []
        parts += [query] if "lens=" in query else [query, "lens=all"]  # as much as there is to be seen
        page.goto(f"{self.url}?{'&'.join(parts)}")
        if wait:
            self.wait(page)
        return page

    def wait(self, page: Page) -> None:
        page.locator(".bcl-stage[data-settled=true]").wait_for(timeout=PATIENCE)

    def close(self) -> None:
        for page in self.pages:
            page.close()
        assert not self.errors

    def _heard(self, message: ConsoleMessage) -> None:
        """Panels that could not be drawn say so on the console; what the server does not have is no error."""
        if message.type == "error" and not message.text.startswith("Failed to load resource"):
            self.errors.append(message.text)


@pytest.fixture
def show(visitor: BrowserContext, app: str) -> Iterator[Opener]:
    opener = Opener(visitor, f"{app}lab")
    yield opener
    opener.close()
