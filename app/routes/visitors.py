"""The cookie by which a browser of a class is known again: it comes with the first page, or with the first question."""

import secrets
from collections.abc import MutableMapping
from typing import Any

from starlette.requests import HTTPConnection
from starlette.responses import Response
from starlette.types import Send

from app.classroom import VISITOR, VISITOR_ID
from app.roles import has_class_roles, role_in

VISITOR_SECONDS = 12 * 3600


def new_visitor() -> tuple[bytes, bytes]:
    """Return the header that makes a browser a visitor whom nobody knows."""
    response, drawn = Response(), secrets.token_hex(16)
    response.set_cookie(VISITOR, drawn, max_age=VISITOR_SECONDS, httponly=True, samesite="strict", path="/")
    return response.raw_headers[-1]


def met(asked: HTTPConnection, send: Send) -> Send:
    """Give a viewer's browser the cookie with a page, so that Streamlit's socket, which comes next, has it."""
    if not has_class_roles() or VISITOR_ID.fullmatch(asked.cookies.get(VISITOR, "")) or role_in(asked) != "viewer":
        return send

    async def sending(message: MutableMapping[str, Any]) -> None:
        if message["type"] == "http.response.start":
            headers = [*message.get("headers", ())]
            if any(name == b"content-type" and value.startswith(b"text/html") for name, value in headers):
                message = {**message, "headers": [*headers, new_visitor()]}
        await send(message)

    return sending
