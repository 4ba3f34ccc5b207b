"""A class as browsers ask for it, once a second: what is shown, from memory; and the presenter's desk."""

import csv
import io
import shutil
import subprocess
import time
from collections.abc import Awaitable, Callable
from datetime import datetime
from functools import lru_cache
from typing import TypedDict

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from app import classroom
from app.classroom import VISITOR, VISITOR_ID
from app.roles import has_class_roles, role_in
from app.routes.answers import as_json, in_words, sentence, unless_known
from app.routes.visitors import new_visitor
from bcl_core.lab import Lab, worker_status
from bcl_core.lab.locks import is_locked
from bcl_core.lab.pulse import WorkerPulse
from bcl_core.machine import free_memory

GPU_SECONDS = 5  # between two looks at it
NO_CLASS = "there is no class here: `make classroom` opens one"


class Waiting(TypedDict):
    """A run that trains or waits: its name, its state, and how far it is, 0 to 1; whether viewers have started it."""

    name: str
    viewers: bool
    state: str
    progress: float


class Desk(TypedDict):
    """What the presenter sees of the class and of the machine.

    `races`: viewers may start some; `hands` are the processes that train at this moment; what is free is in bytes.
    """

    following: int
    exploring: int
    answers: list[int]
    races: bool
    queue: list[Waiting]
    worker: WorkerPulse
    hands: int
    disk_free: int
    memory_free: int
    gpu: str | None


def class_routes(lab_of: Callable[[], Lab]) -> list[Route]:
    """Return the routes; `lab_of` opens the lab, or raises LabError."""

    async def follow(request: Request) -> Response:
        if not has_class_roles():
            return sentence(404, NO_CLASS)
        room = classroom.ROOM
        if not room.knows_poll:
            await run_in_threadpool(room.read_poll, lab_of)
        response = unless_known(request, room.answer)
        visitor = request.cookies.get(VISITOR, "")
        if role_in(request) != "viewer":
            return response
        if VISITOR_ID.fullmatch(visitor):
            room.meet(visitor, following="alone" not in request.query_params)
        else:
            response.raw_headers.append(new_visitor())
        return response

    async def desk(request: Request) -> Response:
        return await run_in_threadpool(in_words, request, lambda: as_json(request, _desk(lab_of())))

    async def answers(request: Request) -> Response:
        return await run_in_threadpool(in_words, request, lambda: _csv(lab_of()))

    def of_presenter(answer: Callable[[Request], Awaitable[Response]]) -> Callable[[Request], Awaitable[Response]]:
        async def serve(request: Request) -> Response:
            if role_in(request) == "viewer":
                return sentence(403, "this is the presenter's")
            return await answer(request) if has_class_roles() else sentence(404, NO_CLASS)

        return serve

    return [
        Route("/class", follow),
        Route("/class/desk", of_presenter(desk)),
        Route("/class/answers.csv", of_presenter(answers)),
    ]


def _desk(lab: Lab) -> Desk:
    following, exploring = classroom.ROOM.here()
    poll = lab.polls.current()
    queue = sorted(lab.active_runs(), key=lambda run: (run.state == "queued", run.turn))
    hands = sum(is_locked(lab.folder(run.id).lock) for run in queue if run.state == "running")
    status = worker_status(lab)
    return {
        "following": following,
        "exploring": exploring,
        "answers": list(poll.counts) if poll else [],
        "races": classroom.ROOM.races,
        "queue": [
            {"name": run.name, "viewers": run.execution.behind, "state": run.state, "progress": run.progress}
            for run in queue
        ],
        "worker": {"alive": status.alive, "failure": status.failure},
        "hands": hands,
        "disk_free": shutil.disk_usage(lab.home).free,
        "memory_free": free_memory(),
        "gpu": _gpu(int(time.monotonic() / GPU_SECONDS)),
    }


@lru_cache(maxsize=1)
def _gpu(_: int) -> str | None:
    """Return the first GPU's name and load, where NVIDIA's own program tells; asked again for another number."""
    command = ["nvidia-smi", "--query-gpu=name,utilization.gpu,memory.used,memory.total", "--format=csv,noheader"]
    try:
        told = subprocess.run(command, capture_output=True, text=True, timeout=GPU_SECONDS, check=True).stdout
        name, load, used, total = told.splitlines()[0].split(", ")
    except (OSError, subprocess.SubprocessError, ValueError, IndexError):
        return None
    return f"{name}, {load} busy, {used} of {total}"


def _csv(lab: Lab) -> Response:
    """Hand over every question with how often each choice was taken; who took it is not known."""
    text = io.StringIO()
    table = csv.writer(text)
    table.writerow(["asked", "question", "choice", "answers"])
    for poll in lab.polls.all():
        asked = datetime.fromtimestamp(poll.asked).isoformat(" ", "seconds")
        table.writerows([asked, poll.question, *row] for row in zip(poll.choices, poll.counts, strict=True))
    headers = {"Content-Disposition": 'attachment; filename="answers.csv"', "Cache-Control": "no-store"}
    return Response(text.getvalue(), media_type="text/csv", headers=headers)
