"""HTTP under /bcl/v1/: run data, component modules and Plotly.js, immutable; health and a run's state, which are not.

What is written once and never changed, browsers may keep for good. The addresses are relative to the app's own,
`server.baseUrlPath` included.
"""

import asyncio
import gzip
import logging
import os
import re
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from functools import lru_cache
from importlib.resources import files
from pathlib import Path

import streamlit as st
from starlette.requests import Request
from starlette.responses import FileResponse, JSONResponse, Response
from starlette.routing import Mount, Route

from app.components import MODULES, PLOTLY_FILE, PREFIX, VERSION
from app.do_route import do_route
from bcl_core.lab import Lab, Run, RunFolder, UnknownRun, ensure_worker

_IMMUTABLE = {"Cache-Control": "public, max-age=31536000, immutable"}
_EPOCH = re.compile("[0-9]{1,5}")

logger = logging.getLogger(__name__)


@lru_cache(maxsize=1)
def _lab() -> Lab:
    return Lab.open()


@asynccontextmanager
async def lifespan(_: st.App) -> AsyncIterator[None]:
    """See that a training worker is alive while the server runs, unless BCL_LAB_WORKER is "off"."""
    starting = None
    if os.environ.get("BCL_LAB_WORKER") != "off":
        starting = asyncio.create_task(asyncio.to_thread(_start_worker))
    yield
    if starting is not None:
        await starting


def _start_worker() -> None:
    try:
        ensure_worker(_lab())
    except Exception:
        logger.exception("the training worker could not be started; runs wait in the queue")


def routes(
    folder_of: Callable[[str], RunFolder] | None = None, run_of: Callable[[str], Run] | None = None
) -> list[Mount]:
    """Return all routes. `folder_of` and `run_of` find a run by its id and raise UnknownRun where there is none."""
    base = st.get_option("server.baseUrlPath").strip("/")
    prefix = f"/{base}/{PREFIX}" if base else f"/{PREFIX}"
    return [
        Mount(
            prefix,
            routes=[
                Route("/health", _health),
                Route(f"/{PLOTLY_FILE}", _plotly),
                Route("/component/{version}/{module:path}", _component),
                *_run_routes(folder_of or _folder),
                _state_route(run_of or _run, folder_of or _folder),
                do_route(_lab),
                Route("/{path:path}", _nothing),
            ],
        )
    ]


def _folder(run_id: str) -> RunFolder:
    return _lab().folder(run_id)


def _run(run_id: str) -> Run:
    return _lab().run(run_id)


def _state_route(run_of: Callable[[str], Run], folder_of: Callable[[str], RunFolder]) -> Route:
    """Say how far a run is: its state, its last recorded epoch, and the epochs whose view stands."""

    def serve(request: Request) -> Response:
        run_id = request.path_params["run_id"]
        try:
            run, epochs = run_of(run_id), folder_of(run_id).epochs()
        except UnknownRun as error:
            return _not_found(str(error))
        told = {"state": run.state, "epoch": run.epoch, "epochs": epochs}
        return JSONResponse(told, headers={"Cache-Control": "no-store"})

    return Route("/runs/{run_id}/state", serve)


def _run_routes(folder_of: Callable[[str], RunFolder]) -> list[Route]:
    def route(path: str, file_of: Callable[[RunFolder, int], Path]) -> Route:
        def serve(request: Request) -> Response:
            epoch = request.path_params.get("epoch", "0")
            if not _EPOCH.fullmatch(epoch):
                return _not_found("an epoch is a whole number from 0 to 99999")
            try:
                file = file_of(folder_of(request.path_params["run_id"]), int(epoch))
            except UnknownRun as error:
                return _not_found(str(error))
            if not file.is_file():
                return _not_found(f"this run has no {path.format(epoch=int(epoch))}")
            return FileResponse(
                file,
                media_type="image/png" if file.suffix == ".png" else "application/octet-stream",
                # Streamlit would compress each answer anew; "identity" tells its middleware that the choice is made.
                headers={**_IMMUTABLE, "Content-Encoding": "identity"},
            )

        return Route("/runs/{run_id}/" + path, serve)

    return [
        route("samples", lambda folder, _: folder.samples),
        route("predicted", lambda folder, _: folder.predicted),
        route("sprite.png", lambda folder, _: folder.sprite),
        route("view/{epoch}", RunFolder.view),
        route("embeddings/{epoch}", RunFolder.embeddings),
    ]


def _health(_: Request) -> Response:
    return JSONResponse({"status": "ok"}, headers={"Cache-Control": "no-store"})


def _component(request: Request) -> Response:
    source = MODULES.get(request.path_params["module"])
    if source is None or request.path_params["version"] != VERSION:
        return _not_found("this version of the app has no such module; reload the page")
    media_type = "text/css" if request.path_params["module"].endswith(".css") else "text/javascript"
    return Response(source, media_type=media_type, headers=_IMMUTABLE)


def _plotly(request: Request) -> Response:
    compressed = "gzip" in request.headers.get("Accept-Encoding", "")
    return Response(
        _compressed_plotly() if compressed else _plotly_source(),
        media_type="text/javascript",
        headers={**_IMMUTABLE, "Content-Encoding": "gzip" if compressed else "identity", "Vary": "Accept-Encoding"},
    )


@lru_cache(maxsize=1)
def _compressed_plotly() -> bytes:
    return gzip.compress(_plotly_source())


def _plotly_source() -> bytes:
    return (files("plotly") / "package_data" / "plotly.min.js").read_bytes()


def _nothing(request: Request) -> Response:
    return _not_found(f"there is nothing at {request.url.path}")


def _not_found(error: str) -> Response:
    return JSONResponse({"error": error}, status_code=404, headers={"Cache-Control": "no-store"})
