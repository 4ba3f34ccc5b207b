"""Side jobs as a browser sees them: how one stands, and the files that it has made. `POST do` starts them."""

import hashlib
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Literal, TypedDict

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import FileResponse, Response
from starlette.routing import Route

from app.roles import role_in
from app.routes.answers import as_json, in_words, sentence
from app.side_jobs import EXPORT, EXPORT_NAME
from bcl_core.lab import Lab, jobs

FILES: Mapping[str, str] = {
    "preview.json": "application/json",
    "cost.json": "application/json",
    "samples.png": "image/png",
    "views.png": "image/png",
    EXPORT: "application/zip",
}
"""What of a job's folder can be fetched, and of which type it is."""
EVERYBODYS = "project-"
"""How the keys of jobs begin that anybody may know of. Others read the presenter's data, or write runs down with what
they were made on."""


class JobState(TypedDict):
    """How a side job stands; what it is busy with while it runs, and a sentence where it failed, else "".

    "unknown": never started, or forgotten; where others run, it starts when it is asked for again.
    """

    state: Literal["unknown", "running", "done", "failed"]
    progress: str
    error: str


def job_routes(lab_of: Callable[[], Lab]) -> list[Route]:
    """Return the routes; `lab_of` opens the lab, or raises LabError."""

    def route(path: str, answer: Callable[[Lab, str, Request], Response]) -> Route:
        async def serve(request: Request) -> Response:
            key = request.path_params["key"]
            if not jobs.KEY.fullmatch(key):
                return sentence(404, "there is no such job; a verb's answer names the key of one")
            if not key.startswith(EVERYBODYS) and role_in(request) == "viewer":
                return sentence(403, "what this job has read is the presenter's")
            return await run_in_threadpool(in_words, request, lambda: answer(lab_of(), key, request))

        return Route(path, serve)

    return [route("/jobs/{key}", _state), route("/jobs/{key}/{name}", _file)]


def _state(lab: Lab, key: str, request: Request) -> Response:
    job = jobs.look(lab, key)
    state: JobState = {"state": job.state, "progress": job.progress, "error": job.error}
    return as_json(request, state)


def _file(lab: Lab, key: str, request: Request) -> Response:
    name = request.path_params["name"]
    if name not in FILES:
        return sentence(404, f"a job has no file {name[:40]!r} to fetch, only {', '.join(FILES)}")
    if name == EXPORT:
        return _export(jobs.folder(lab, key))
    try:
        content = (jobs.folder(lab, key) / name).read_bytes()
    except FileNotFoundError:
        return sentence(404, f"this job has made no {name} yet")
    except OSError as error:
        return sentence(404, f"{name} of this job cannot be read: {error.strerror}")
    # It can be made anew under the same key, so that a browser asks each time; these are too small to compress.
    etag = f'"{hashlib.sha256(content).hexdigest()[:20]}"'
    headers = {"Cache-Control": "no-cache", "ETag": etag, "Content-Encoding": "identity"}
    if etag in request.headers.get("If-None-Match", ""):
        return Response(status_code=304, headers=headers)
    return Response(content, media_type=FILES[name], headers=headers)


def _export(folder: Path) -> Response:
    """Hand an export over as it is read; there is none before it is whole."""
    if not (folder / EXPORT).exists():
        return sentence(404, f"this job has made no {EXPORT} yet")
    headers = {"Cache-Control": "no-cache", "Content-Encoding": "identity"}
    name = (folder / EXPORT_NAME).read_text(encoding="utf-8")
    return FileResponse(folder / EXPORT, media_type=FILES[EXPORT], filename=name, headers=headers)
