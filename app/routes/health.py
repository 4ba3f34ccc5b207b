"""`GET health`: whether this server, the worker and the disk do their work, for who watches over them."""

import shutil
import time
from collections.abc import Callable
from functools import lru_cache
from typing import Literal, TypedDict

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from bcl_core.lab import Lab, LabError, worker_status

LOW_BYTES = 1 << 30  # of free disk: a few runs' checkpoints


class Health(TypedDict):
    """How the parts are.

    `status` is "ok" unless one of them needs somebody: the worker where runs wait and none is alive ("missing"; without
    runs it leaves, and is "idle"), the disk where the lab cannot be opened or written, or has not a gigabyte left.
    """

    status: Literal["ok", "impaired"]
    web: Literal["ok"]
    worker: Literal["alive", "idle", "missing"]
    disk: Literal["ok", "low", "read-only", "unusable"]


def health_route(lab_of: Callable[[], Lab]) -> Route:
    """Return the route; it answers 503 where something is impaired. The disk is looked at once a second at most."""

    @lru_cache(maxsize=1)
    def looked(_: int) -> Health:
        return _look(lab_of)

    async def serve(request: Request) -> Response:
        health = await run_in_threadpool(looked, int(time.monotonic()))
        status = 200 if health["status"] == "ok" else 503
        return JSONResponse(health, status_code=status, headers={"Cache-Control": "no-store"})

    return Route("/health", serve)


def _look(lab_of: Callable[[], Lab]) -> Health:
    try:
        lab = lab_of()
        is_awaited = any(run.wants_to_train for run in lab.active_runs())
        is_alive = worker_status(lab).alive
        is_low = shutil.disk_usage(lab.home).free < LOW_BYTES
    except (LabError, OSError):
        return {"status": "impaired", "web": "ok", "worker": "missing", "disk": "unusable"}
    worker: Literal["alive", "idle", "missing"] = "alive" if is_alive else "missing" if is_awaited else "idle"
    disk: Literal["ok", "low", "read-only"] = "low" if is_low else "ok" if lab.writable else "read-only"
    is_well = worker != "missing" and disk == "ok"
    return {"status": "ok" if is_well else "impaired", "web": "ok", "worker": worker, "disk": disk}
