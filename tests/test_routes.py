"""HTTP under /bcl/v1/: what is there is immutable, what is not is said in a sentence."""

import asyncio
import gzip
import json
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from http.client import HTTPConnection
from importlib.resources import files
from pathlib import Path

import pytest
import uvicorn
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.middleware.gzip import GZipMiddleware

import app.routes
from app.components import ENTRIES, MODULES, PACKED, PLOTLY_FILE, VERSION
from app.components.bundle import bundled
from app.routes import routes
from bcl_core.lab import RunFolder, UnknownRun

RUN = "scl-20260101-abc"


@dataclass
class Told:
    """What the state route reads of a run."""

    state: str = "running"
    epoch: int | None = 3


@dataclass
class Answer:
    status: int
    headers: dict[str, str]
    content: bytes

    @property
    def error(self) -> str:
        return json.loads(self.content)["error"]


Get = Callable[..., Answer]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> RunFolder:
    return RunFolder(tmp_path_factory.mktemp("run"))


@pytest.fixture(scope="module")
def get(folder: RunFolder) -> Iterator[Get]:
    """Ask a server that, as Streamlit's does, compresses what is not marked as done."""

    def folder_of(run_id: str) -> RunFolder:
        if run_id != RUN:
            raise UnknownRun(f"there is no run {run_id}")
        return folder

    def run_of(run_id: str) -> Told:
        folder_of(run_id)
        return Told()

    starlette = Starlette(routes=routes(folder_of, run_of), middleware=[Middleware(GZipMiddleware)])
    server = uvicorn.Server(uvicorn.Config(starlette, port=0, log_level="error"))
    thread = threading.Thread(target=server.run)
    thread.start()
    while not server.started:
        time.sleep(0.01)
    port = server.servers[0].sockets[0].getsockname()[1]

    def ask(path: str, accept: str = "gzip") -> Answer:
        connection = HTTPConnection("127.0.0.1", port, timeout=20)
        connection.request("GET", f"/bcl/v1/{path}", headers={"Accept-Encoding": accept})
        answer = connection.getresponse()
        content = answer.read()
        connection.close()
        return Answer(answer.status, {name.lower(): value for name, value in answer.getheaders()}, content)

    yield ask
    server.should_exit = True
    thread.join()


def test_a_run_s_files_are_served_byte_for_byte_for_good_and_uncompressed(get: Get, folder: RunFolder) -> None:
    content = bytes(range(256))
    served = {
        "samples": folder.samples,
        "predicted": folder.predicted,
        "sprite.png": folder.sprite,
        "view/0": folder.view(0),
        "view/12345": folder.view(12345),
        "embeddings/7": folder.embeddings(7),
    }
    for path, file in served.items():
        file.parent.mkdir(exist_ok=True)
        file.write_bytes(path.encode() + content)
        response = get(f"runs/{RUN}/{path}")
        assert response.status == 200, path
        assert response.content == path.encode() + content
        assert response.headers["cache-control"] == "public, max-age=31536000, immutable"
        assert response.headers["content-encoding"] == "identity"


def test_the_sprite_is_an_image_and_the_rest_is_data(get: Get, folder: RunFolder) -> None:
    folder.sprite.write_bytes(b"png")
    folder.samples.write_bytes(b"safetensors")
    assert get(f"runs/{RUN}/sprite.png").headers["content-type"] == "image/png"
    assert get(f"runs/{RUN}/samples").headers["content-type"] == "application/octet-stream"


@pytest.mark.parametrize(
    "path",
    [
        f"runs/{RUN}/view/99",  # not written yet
        f"runs/{RUN}/view/-1",
        f"runs/{RUN}/view/100000",
        f"runs/{RUN}/view/1e3",
        f"runs/{RUN}/view/%D9%A3",
        f"runs/{RUN}/view/",
        f"runs/{RUN}/recipe.json",
        f"runs/{RUN}/..%2f..%2flab.sqlite",
        "runs/another-run/samples",
        "runs/..%2f/samples",
        f"component/{VERSION}/__init__.py",
        f"component/{VERSION}/live_plot/theme.js",
        f"component/{VERSION}/../routes.py",
        "component/0123456789abcdef/live_plot.js",
        "plotly-0.0.1.min.js",
        "",
    ],
)
def test_what_is_not_there_is_said_in_a_sentence_and_not_remembered(get: Get, path: str) -> None:
    response = get(path)
    assert response.status == 404
    assert len(response.error) > 10
    assert response.headers["cache-control"] == "no-store"


def test_a_missing_snapshot_can_be_fetched_once_it_is_written(get: Get, folder: RunFolder) -> None:
    assert get(f"runs/{RUN}/view/2").status == 404
    folder.view(2).parent.mkdir(exist_ok=True)
    folder.view(2).write_bytes(b"complete")
    assert get(f"runs/{RUN}/view/2").content == b"complete"


def test_plotly_is_sent_compressed_and_arrives_whole(get: Get) -> None:
    source = (files("plotly") / "package_data" / "plotly.min.js").read_bytes()
    response = get(PLOTLY_FILE)
    assert response.headers["content-encoding"] == "gzip"
    assert gzip.decompress(response.content) == source
    assert len(response.content) < len(source) / 2
    plain = get(PLOTLY_FILE, accept="identity")
    assert plain.content == source
    assert plain.headers["vary"] == "Accept-Encoding"


@pytest.mark.parametrize("name", PACKED)
def test_components_are_served_compressed_under_the_hash_of_their_content(get: Get, name: str) -> None:
    response = get(f"component/{VERSION}/{name}")
    assert response.headers["content-encoding"] == "gzip"
    assert response.headers["vary"] == "Accept-Encoding"
    assert response.headers["content-type"].startswith("text/css" if name.endswith(".css") else "text/javascript")
    assert "immutable" in response.headers["cache-control"]
    plain = get(f"component/{VERSION}/{name}", accept="identity")
    assert plain.headers["content-encoding"] == "identity"
    assert plain.content == gzip.decompress(response.content)


@pytest.mark.parametrize("entry", ENTRIES)
def test_a_component_is_served_as_one_module(get: Get, entry: str) -> None:
    answer = get(f"component/{VERSION}/{Path(entry).name}", accept="identity")
    assert answer.content.decode() == bundled(MODULES, entry)


def test_a_run_s_state_names_the_epochs_that_stand_and_is_never_cached(get: Get, folder: RunFolder) -> None:
    for epoch in (12, 3, 0):
        folder.view(epoch).parent.mkdir(exist_ok=True)
        folder.view(epoch).write_bytes(b"")
    answer = get(f"runs/{RUN}/state")
    told = json.loads(answer.content)
    assert answer.headers["cache-control"] == "no-store"
    assert (told["state"], told["epoch"]) == ("running", 3)
    assert told["epochs"] == folder.epochs()
    assert {0, 3, 12} <= set(told["epochs"])


def test_the_state_of_a_run_that_is_not_there_is_said_in_a_sentence(get: Get) -> None:
    answer = get("runs/some-other-run/state")
    assert answer.status == 404
    assert "there is no run" in answer.error


def test_health_is_never_cached(get: Get) -> None:
    response = get("health")
    assert json.loads(response.content) == {"status": "ok"}
    assert response.headers["cache-control"] == "no-store"


def live_through_a_lifespan(monkeypatch: pytest.MonkeyPatch, ensure_worker: Callable[[object], None]) -> list[str]:
    """Start and end the server's life with this `ensure_worker`; return what happened, in order."""
    happened: list[str] = []

    def noted(lab: object) -> None:
        happened.append("worker")
        ensure_worker(lab)

    async def live() -> None:
        async with app.routes.lifespan(None):
            happened.append("serving")

    monkeypatch.setattr(app.routes, "_lab", lambda: None)
    monkeypatch.setattr(app.routes, "ensure_worker", noted)
    # In a thread of its own: a browser test before this one leaves its event loop in the main thread.
    life = threading.Thread(target=lambda: asyncio.run(live()))
    life.start()
    life.join()
    return happened


def test_the_worker_is_started_beside_the_server_and_does_not_hold_it_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("BCL_LAB_WORKER", raising=False)
    assert live_through_a_lifespan(monkeypatch, lambda lab: None) == ["serving", "worker"]


def test_a_worker_that_cannot_start_is_logged_and_the_app_is_served(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def fail(lab: object) -> None:
        raise OSError("no more processes")

    monkeypatch.delenv("BCL_LAB_WORKER", raising=False)
    assert "serving" in live_through_a_lifespan(monkeypatch, fail)
    assert "no more processes" in caplog.text


def test_no_worker_is_started_where_it_is_switched_off(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BCL_LAB_WORKER", "off")
    assert live_through_a_lifespan(monkeypatch, lambda lab: None) == ["serving"]


def test_neither_routes_nor_components_nor_figures_load_what_trains() -> None:
    program = """
import sys
import app.components.live_plot, app.figures, app.routes
heavy = {"torch", "torchvision", "kornia", "sklearn", "umap", "scipy"} & set(sys.modules)
sys.exit(f"loaded: {heavy}" if heavy else 0)
"""
    subprocess.run([sys.executable, "-c", program], check=True, cwd=Path(__file__).parents[1])
