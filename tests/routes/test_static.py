"""HTTP under /bcl/v1/, but for what the lab answers: what is there is immutable, the rest is said in a sentence."""

import asyncio
import gzip
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from importlib.resources import files
from pathlib import Path

import pytest

import app.routes
from app.components import ENTRIES, MODULES, PACKED, PLOTLY_FILE, VERSION
from app.components.bundle import bundled
from bcl_core.lab import Lab
from tests.routes.serving import Get, served


@pytest.fixture(scope="module")
def get(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Get]:
    lab = Lab(tmp_path_factory.mktemp("lab"))
    with served(lambda: lab) as ask:
        yield ask


@pytest.mark.parametrize(
    "path",
    [
        f"component/{VERSION}/__init__.py",
        f"component/{VERSION}/stage/stage.js",
        f"component/{VERSION}/../routes.py",
        "component/0123456789abcdef/stage.js",
        "plotly-0.0.1.min.js",
        "",
    ],
)
def test_what_is_not_there_is_said_in_a_sentence_and_not_remembered(get: Get, path: str) -> None:
    response = get(path)
    assert response.status == 404
    assert len(response.error) > 10
    assert response.headers["cache-control"] == "no-store"


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


def test_health_is_never_cached(get: Get) -> None:
    response = get("health")
    assert response.document == {"status": "ok", "web": "ok", "worker": "idle", "disk": "ok"}
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


def test_neither_routes_nor_components_load_what_trains() -> None:
    program = """
import sys
import app.components.stage, app.routes
heavy = {"torch", "torchvision", "kornia", "sklearn", "umap", "scipy"} & set(sys.modules)
sys.exit(f"loaded: {heavy}" if heavy else 0)
"""
    subprocess.run([sys.executable, "-c", program], check=True, cwd=Path(__file__).parents[2])
