"""A server of the app in a process of its own, and pages that look at it. For tests and benchmarks."""

import os
import re
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from playwright.sync_api import BrowserContext, Page

ROOT = Path(__file__).parents[1]
APP = ROOT / "streamlit_app.py"


@dataclass(frozen=True)
class Server:
    """A running server: its address, ending in a slash, and its process."""

    url: str
    process: "subprocess.Popen[bytes]"


def start(script: Path, log: Path, env: Mapping[str, str] | None = None) -> Server:
    """Start `streamlit run` on a script or app of ours, with extra environment variables, and wait until it is up."""
    port = free_port()
    environment = {**os.environ, "PYTHONPATH": str(ROOT), **(env or {})}
    command = [sys.executable, "-m", "streamlit", "run", str(script)]
    command += ["--server.port", str(port), "--server.headless", "true"]
    with log.open("wb") as output:
        process = subprocess.Popen(command, cwd=ROOT, env=environment, stdout=output, stderr=output)
    prefix = environment.get("STREAMLIT_SERVER_BASE_URL_PATH", "")
    url = f"http://localhost:{port}/{prefix + '/' if prefix else ''}"
    try:
        wait_until_up(process, url, log)
    except BaseException:
        process.kill()
        raise
    return Server(url, process)


def start_class(home: Path, log: Path) -> tuple[Server, str, str]:
    """Start the app with class roles on a lab that nobody trains; return the class's link and its presenter's, too."""
    env = {"BCL_LAB_CLASS": "1", "BCL_LAB_HOME": str(home), "BCL_LAB_WORKER": "off", "OMP_NUM_THREADS": "1"}
    env |= {"STREAMLIT_SERVER_ADDRESS": "0.0.0.0", "STREAMLIT_BROWSER_SERVER_ADDRESS": "127.0.0.1"}
    server = start(APP, log, env)
    told = re.search(r"The class opens\s+(\S+)\s+You, to present\s+(\S+)", log.read_text())
    assert told is not None, log.read_text()
    return server, *told.groups()  # type: ignore[return-value]


def new_page(visitor: BrowserContext, width: int = 1280, height: int = 900, **media: Any) -> Page:
    """Open an empty page of this size in pixels; `media` is what the visitor prefers, for `Page.emulate_media`."""
    page = visitor.new_page()
    page.set_viewport_size({"width": width, "height": height})
    page.emulate_media(**media)
    return page


def free_port() -> int:
    """Return a port that nobody listens on at this moment."""
    with socket.socket() as probe:
        probe.bind(("localhost", 0))
        return int(probe.getsockname()[1])


def wait_until_up(process: "subprocess.Popen[bytes]", url: str, log: Path) -> None:
    """Wait until a server answers; raise RuntimeError with its log where it ends, or a minute passes."""
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline and process.poll() is None:
        try:
            urllib.request.urlopen(f"{url}_stcore/health", timeout=2).close()
            return
        except OSError:
            time.sleep(0.2)
    raise RuntimeError(f"the server did not come up:\n{log.read_text()}")
