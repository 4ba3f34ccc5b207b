"""All that HTTP answers beside Streamlit's own, put together.

Under /bcl/v1/: what `app.routes.contract` says, the components, and Plotly.js; beside it, addresses of pages of old.
What is written once and never changed, browsers may keep for good. The addresses are relative to the app's own,
`server.baseUrlPath` included.
"""

import asyncio
import gzip
import logging
import os
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from functools import lru_cache
from importlib.resources import files

import streamlit as st
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Mount, Route

from app.components import PACKED, PLOTLY_FILE, PREFIX, VERSION
from app.roles import has_class_roles, links
from app.routes.answers import IMMUTABLE, sentence
from app.routes.classroom import class_routes
from app.routes.do import do_route
from app.routes.health import health_route
from app.routes.jobs import job_routes
from app.routes.lessons import lesson_routes
from app.routes.library import library_route
from app.routes.moved import moved_routes
from app.routes.present import present_routes
from app.routes.runs import run_routes
from app.routes.sockets import send_at_once
from app.routes.sphere import sphere_routes
from bcl_core.lab import Lab, LabError, ensure_worker

logger = logging.getLogger(__name__)


@lru_cache(maxsize=1)
def _lab() -> Lab:
    return Lab.open()


@asynccontextmanager
async def lifespan(_: st.App) -> AsyncIterator[None]:
    """See that answers leave at once, and that a training worker is alive, unless BCL_LAB_WORKER is "off"."""
    send_at_once()
    if has_class_roles():
        _tell_the_links()
    starting = None
    if os.environ.get("BCL_LAB_WORKER") != "off":
        starting = asyncio.create_task(asyncio.to_thread(_start_worker))
    yield
    if starting is not None:
        await starting


def _tell_the_links() -> None:
    """Print the links to the terminal alone: whoever has the second one may do everything."""
    viewers, presenters = links()
    print(f"\n  The class opens   {viewers}\n  You, to present   {presenters}\n", flush=True)


def _start_worker() -> None:
    try:
        ensure_worker(_lab())
    except LabError as error:
        logger.warning("the training worker could not be started, so that runs wait in the queue: %s", error)
    except Exception:
        logger.exception("the training worker could not be started; runs wait in the queue")


def routes(lab_of: Callable[[], Lab] = _lab) -> list[Mount | Route]:
    """Return all routes. `lab_of` opens the lab, and raises LabError where it cannot be opened."""
    base = st.get_option("server.baseUrlPath").strip("/")
    root = f"/{base}/" if base else "/"
    return [
        *moved_routes(root),
        Mount(
            f"{root}{PREFIX}",
            routes=[
                health_route(lab_of),
                Route(f"/{PLOTLY_FILE}", lambda request: _packed(request, plotly(), "text/javascript")),
                Route("/component/{version}/{name}", _component),
                library_route(lab_of),
                *run_routes(lab_of),
                *job_routes(lab_of),
                *class_routes(lab_of),
                do_route(lab_of),
                *present_routes(),
                *sphere_routes(),
                *lesson_routes(),
                Route("/{path:path}", lambda request: sentence(404, f"there is nothing at {request.url.path}")),
            ],
        ),
    ]


def _component(request: Request) -> Response:
    name = request.path_params["name"]
    if name not in PACKED or request.path_params["version"] != VERSION:
        return sentence(404, "this version of the app has no such file; reload the page")
    return _packed(request, PACKED[name], "text/css" if name.endswith(".css") else "text/javascript")


@lru_cache(maxsize=1)
def plotly() -> bytes:
    """Return Plotly.js, compressed."""
    return gzip.compress((files("plotly") / "package_data" / "plotly.min.js").read_bytes())


def _packed(request: Request, content: bytes, media_type: str) -> Response:
    """Answer with what was compressed once, unpacked for the rare one who asks without gzip."""
    taken = "gzip" in request.headers.get("Accept-Encoding", "")
    return Response(
        content if taken else gzip.decompress(content),
        media_type=media_type,
        headers={**IMMUTABLE, "Content-Encoding": "gzip" if taken else "identity", "Vary": "Accept-Encoding"},
    )
