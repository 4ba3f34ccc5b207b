"""The presenter's link: a token for a cookie.

The token stands after "#" in the link, which a browser sends nowhere: into no log and no referrer. The page that the
link opens posts it, clears the address, and goes on to Start.
"""

import json
import secrets
from pathlib import Path

from starlette.requests import ClientDisconnect, Request
from starlette.responses import HTMLResponse, JSONResponse, Response
from starlette.routing import Route

from app.roles import COOKIE, TOKEN
from app.routes.answers import sentence
from app.routes.gate import admit
from app.verbs import Refused

MAX_BODY = 1000  # bytes
_PAGE = """\
<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>BCL Lab: presenter</title>
<style>body { font: 1.1rem system-ui, sans-serif; margin: 15vh auto; max-width: 34rem; padding: 0 1rem; }
:root { color-scheme: light dark; }</style>
<p role="status">Opening the lab for its presenter …</p>
<script type="module" src="present.js"></script>
</html>
"""
_SCRIPT = Path(__file__).with_suffix(".js").read_text(encoding="utf-8")
_FRESH = {"Cache-Control": "no-store"}


def present_routes() -> list[Route]:
    """Return the page that the link opens, its script, and what takes the token."""
    return [
        Route("/present", lambda _: HTMLResponse(_PAGE, headers=_FRESH), methods=["GET"]),
        Route("/present.js", lambda _: Response(_SCRIPT, media_type="text/javascript", headers=_FRESH)),
        Route("/present", _take, methods=["POST"]),
    ]


async def _take(request: Request) -> Response:
    try:
        admit(request.headers)
        given = json.loads(await _body(request))["token"].encode()
    except Refused as refused:
        return sentence(refused.status, str(refused))
    except (ClientDisconnect, ValueError, KeyError, TypeError, AttributeError):
        return sentence(422, 'the body should be {"token": the part of the presenter\'s link after "#"}')
    if not secrets.compare_digest(given, TOKEN.encode()):
        return sentence(403, "this link is of an earlier start of the server: take the one that its terminal shows now")
    answer = JSONResponse({"role": "presenter"}, headers=_FRESH)
    is_secure = "https" in (request.url.scheme, request.headers.get("x-forwarded-proto"))
    answer.set_cookie(COOKIE, TOKEN, httponly=True, samesite="strict", secure=is_secure, path="/")
    return answer


async def _body(request: Request) -> bytes:
    body = b""
    async for chunk in request.stream():
        body += chunk
        if len(body) > MAX_BODY:
            raise ValueError("too long")
    return body
