"""What the lab answers a browser: the pulse, and of each run what its pictures need. `contract` has the table."""

import asyncio
import io
import re
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

from PIL import Image
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from app.routes.about import about, controls
from app.routes.answers import FAULTS, IMMUTABLE, as_json, in_words, refused, told, unless_known
from app.routes.arrays import npz
from bcl_core.lab import Lab, Run, RunFolder, SnapshotError
from bcl_core.lab.history import Span, WrongSpan, history
from bcl_core.lab.projecting import METHODS
from bcl_core.lab.pulse import MOST_RUNS, Pulse

_EPOCH = re.compile("[0-9]{1,5}")
_WHOLE = re.compile("-?[0-9]{1,6}")


def run_routes(lab_of: Callable[[], Lab]) -> list[Route]:
    """Return the routes; `lab_of` opens the lab, or raises LabError."""
    reader = _Reader(lab_of)

    def route(path: str, answer: Callable[[Lab, Request], Response]) -> Route:
        async def serve(request: Request) -> Response:
            return await run_in_threadpool(in_words, request, lambda: answer(lab_of(), request))

        return Route(f"/runs/{{run_id}}/{path}", serve)

    return [
        Route("/pulse", reader.serve),
        route("about", lambda lab, request: as_json(request, about(lab, _run(lab, request)))),
        route("controls", _controls),
        route("history/{rev}", _history),
        route("samples/{rev}", _file(lambda folder, _: folder.samples)),
        route("predicted/{rev}", _file(lambda folder, _: folder.predicted)),
        route("sprite.png/{rev}", _file(lambda folder, _: folder.sprite)),
        route("view/{rev}/{epoch}", _file(RunFolder.view)),
        route("embeddings/{rev}/{epoch}", _file(RunFolder.embeddings)),
        route("arrays/{rev}/{epoch}.npz", _arrays),
        *(
            route(f"projection/{{rev}}/{method}/{{epoch}}", _file(partial(_projection, method=method)))
            for method in METHODS
        ),
    ]


class _Reader:
    """Lets one request at a time look at the disk; the others wait for what it finds."""

    def __init__(self, lab_of: Callable[[], Lab]) -> None:
        self._lab_of = lab_of
        self._looking = asyncio.Lock()
        self._pulse: Pulse | None = None

    async def serve(self, request: Request) -> Response:
        run_ids = tuple(dict.fromkeys(filter(None, request.query_params.get("runs", "").split(","))))
        since = request.query_params.get("since")
        if len(run_ids) > MOST_RUNS:
            return refused(f"{len(run_ids)} runs are asked for: at most {MOST_RUNS} at once")
        if since is not None and not _WHOLE.fullmatch(since):
            return refused(f"since is {since[:20]!r}; expected the number of an epoch")
        try:
            pulse = await self._fresh(run_ids)
        except FAULTS as error:
            return told(request, error)
        return unless_known(request, pulse.answer(run_ids, None if since is None else int(since)))

    async def _fresh(self, run_ids: tuple[str, ...]) -> Pulse:
        pulse = self._pulse
        if pulse is not None:
            pulse.follow(run_ids)  # whoever looks next looks for all who wait
            if pulse.seconds_to_look(run_ids) is None:
                return pulse
        async with self._looking:
            pulse = self._pulse = self._pulse or Pulse(await run_in_threadpool(self._lab_of))
            if (wait := pulse.seconds_to_look(run_ids)) is not None:  # nobody has looked while this waited
                await asyncio.sleep(wait)
                await run_in_threadpool(pulse.look, run_ids)
            return pulse


def _run(lab: Lab, request: Request) -> Run:
    return lab.run(request.path_params["run_id"])


def _epoch(request: Request) -> int:
    epoch: str = request.path_params.get("epoch", "0")
    if not _EPOCH.fullmatch(epoch):
        raise WrongSpan("an epoch is a whole number from 0 to 99999")
    return int(epoch)


def _controls(lab: Lab, request: Request) -> Response:
    without = request.query_params.get("without", "").split(",")
    return as_json(request, controls(lab, _run(lab, request), without))


def _history(lab: Lab, request: Request) -> Response:
    run_id = request.path_params["run_id"]
    asked = [request.query_params.get(name, "") for name in ("from", "to", "step")]
    if not all(map(_EPOCH.fullmatch, asked)) or int(asked[2]) < 1:
        return refused("from and to should be numbers of epochs, and step one of 1 or more")
    _check_rev(lab, request)
    found = history(lab, run_id, Span(*map(int, asked)))
    headers = IMMUTABLE if found.whole else {**IMMUTABLE, "Cache-Control": "no-store"}  # what is damaged may be mended
    return Response(found.content, media_type="application/octet-stream", headers=headers)


def _file(file_of: Callable[[RunFolder, int], Any]) -> Callable[[Lab, Request], Response]:
    def answer(lab: Lab, request: Request) -> Response:
        epoch, folder = _epoch(request), lab.folder(request.path_params["run_id"])
        _check_rev(lab, request)
        file = file_of(folder, epoch)
        content = folder.content(file)
        if file.suffix != ".png":
            return Response(content, media_type="application/octet-stream", headers=IMMUTABLE)
        _check_image(file.name, content)
        return Response(content, media_type="image/png", headers=IMMUTABLE)

    return answer


def _arrays(lab: Lab, request: Request) -> Response:
    epoch, run = _epoch(request), _run(lab, request)
    _check_rev(lab, request)
    return npz(run, lab.folder(run.id), epoch)


def _projection(folder: RunFolder, epoch: int, method: str) -> Path:
    file = folder.projection(method, epoch)
    if not file.exists():
        raise SnapshotError(f"epoch {epoch} of this run has not been fitted by {method.upper()}")
    return file


def _check_rev(lab: Lab, request: Request) -> None:
    if lab.rev(request.path_params["run_id"]) != request.path_params["rev"]:
        raise SnapshotError("the data of this run were made anew since this page was opened: reload it")


def _check_image(name: str, content: bytes) -> None:
    try:
        Image.open(io.BytesIO(content)).verify()
    except (OSError, SyntaxError, ValueError) as error:
        raise SnapshotError(f"{name} of this run is damaged") from error
