"""`POST do`: a verb with its arguments and its key in JSON; {"answer": …}, or {"error": a sentence}."""

import logging
from collections.abc import Callable
from typing import Any

from pydantic_core import from_json
from starlette.concurrency import run_in_threadpool
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from app.classroom import VISITOR
from app.roles import role_in
from app.routes.gate import admit
from app.verbs import Refused, do
from bcl_core.lab import Lab, LabError

MAX_BODY = 1_000_000  # bytes
METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")
EXAMPLE = '{"verb": "pause", "target": "the id of a run", "key": "new-for-each-deed"}'

logger = logging.getLogger(__name__)


def do_route(lab_of: Callable[[], Lab]) -> Route:
    """Return the route. `lab_of` opens the lab, and raises LabError where it cannot be opened."""

    async def serve(request: Request) -> Response:
        try:
            if request.method != "POST":
                raise Refused(405, f"{request.method} does nothing here; a verb is sent by POST")
            admit(request.headers)
            verb, arguments, key = _asked(await _body(request))
            # SQLite may have to wait for others to write, and the event loop must not.
            answer = await run_in_threadpool(_do, request, verb, arguments, key)
        except ClientDisconnect:
            return _told({"error": "the request broke off"}, 400)
        except Refused as refused:
            return _told({"error": str(refused)}, refused.status)
        except Exception:
            logger.exception("a verb failed")
            return _told({"error": "this failed; the terminal that started the app has the details"}, 500)
        return _told({"answer": answer}, 200)

    def _do(request: Request, verb: str, arguments: dict[str, Any], key: str) -> Any:
        try:
            lab = lab_of()
        except LabError as error:
            raise Refused(503, str(error)) from error
        return do(lab, verb, arguments, role=role_in(request), key=key, visitor=request.cookies.get(VISITOR, ""))

    return Route("/do", serve, methods=METHODS)


async def _body(request: Request) -> bytes:
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind != "application/json":
        raise Refused(415, f"the body should be application/json; this one is {kind[:40] or 'not said to be anything'}")
    body = b""
    async for chunk in request.stream():
        body += chunk
        if len(body) > MAX_BODY:
            raise Refused(413, f"the body has more than {MAX_BODY:,} bytes")
    return body


def _asked(body: bytes) -> tuple[str, dict[str, Any], str]:
    """Return the verb, its arguments and the key."""
    try:
        asked = from_json(body, allow_inf_nan=False)
    except ValueError as error:
        raise Refused(422, f"the body is not JSON: {error}") from error
    if not isinstance(asked, dict):
        raise Refused(422, f"the body should be an object such as {EXAMPLE}")
    verb, key = asked.pop("verb", None), asked.pop("key", None)
    if not isinstance(verb, str) or not isinstance(key, str):
        raise Refused(422, f"verb and key should be there and be text, such as {EXAMPLE}")
    return verb, asked, key


def _told(content: dict[str, Any], status: int) -> Response:
    headers = {"Cache-Control": "no-store"} | ({"Allow": "POST"} if status == 405 else {})
    return JSONResponse(content, status_code=status, headers=headers)
