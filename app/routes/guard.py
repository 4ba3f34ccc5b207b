"""What every answer carries, and what of Streamlit's own a viewer does not get.

Streamlit offers every session more than pages show: an upload of any size into memory, a cleared cache, metrics of the
process; and it tells every session where the app lies. A viewer's socket passes what looking takes and nothing else, at
the pace of a hand.
"""

import asyncio
import base64
import hashlib
import re
import time
from collections.abc import Mapping, MutableMapping
from functools import cache
from importlib.resources import files
from pathlib import PurePath
from typing import Any

from starlette.requests import HTTPConnection
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg

from app.roles import role_in
from app.routes.answers import sentence
from app.routes.visitors import met
from app.script import SCRIPTS

PRESENTERS = ("_stcore/upload_file", "_stcore/metrics", "_stcore/agent")
LOOKING = ("rerun_script", "app_heartbeat", "stop_script")  # of Streamlit's messages from a browser
LARGEST = 256 << 10  # bytes of a viewer's message
RERUNS, RERUNS_A_SECOND = 20, 4


class Guard:
    """Middleware that knows who is asking."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer, with the headers of `headers`; or refuse."""
        if scope["type"] == "websocket" and role_in(HTTPConnection(scope)) == "viewer":
            receive, send = _Looking(receive), _without_machine(send)
        elif scope["type"] == "http":
            send = met(HTTPConnection(scope), _with_headers(send))
            if not scope["query_string"].isascii():  # some servers pass on what no browser sends
                await sentence(400, "an address is ASCII: write other characters as %XX")(scope, receive, send)
                return
            path = scope["path"].removeprefix(scope.get("root_path", "")).lstrip("/")
            if any(f"{part}/" in f"{path}/" for part in PRESENTERS) and role_in(HTTPConnection(scope)) == "viewer":
                await sentence(403, "a viewer may not do this here; the presenter may")(scope, receive, send)
                return
        await self._app(scope, receive, send)


class _Looking:
    """What a viewer's browser sends, but for what is not looking; who reruns pages without end waits."""

    def __init__(self, receive: Receive) -> None:
        self._receive = receive
        self._left, self._since = float(RERUNS), time.monotonic()

    async def __call__(self) -> Message:
        while True:
            message = await self._receive()
            if message["type"] != "websocket.receive":
                return message
            kind = _kind(message)
            if kind == "rerun_script":
                await self._wait()
            if kind in LOOKING:
                return message

    async def _wait(self) -> None:
        now = time.monotonic()
        self._left = min(RERUNS, self._left + (now - self._since) * RERUNS_A_SECOND) - 1
        self._since = now
        if self._left < 0:
            await asyncio.sleep(-self._left / RERUNS_A_SECOND)


def _kind(message: Mapping[str, Any]) -> str | None:
    """Return which of Streamlit's messages this is; None where it is none, or too large for one that looks."""
    content = message.get("bytes")
    if content is None or len(content) > LARGEST:
        return None
    try:
        kind: str | None = BackMsg.FromString(content).WhichOneof("type")
    except Exception:  # protobuf's own, which has no types
        return None
    return kind


def _without_machine(send: Send) -> Send:
    """Leave out of what begins each of Streamlit's sessions where the app lies, and on what machine it runs."""

    async def sending(message: MutableMapping[str, Any]) -> None:
        content = message.get("bytes")
        if content is not None and (told := ForwardMsg.FromString(content)).HasField("new_session"):
            begun = told.new_session
            begun.main_script_path = PurePath(begun.main_script_path).name
            for part in (begun.initialize.user_info, begun.initialize.environment_info):  # browsers expect both
                part.Clear()
            message = {**message, "bytes": told.SerializeToString()}
        await send(message)

    return sending


def _with_headers(send: Send) -> Send:
    async def sending(message: MutableMapping[str, Any]) -> None:
        if message["type"] == "http.response.start":
            message = {**message, "headers": [*message.get("headers", ()), *headers()]}
        await send(message)

    return sending


@cache
def headers() -> tuple[tuple[bytes, bytes], ...]:
    """Return the headers of every answer: scripts and all else come from this server, and it is framed by itself."""
    scripts = " ".join(f"'sha256-{_digest(script)}'" for script in (*_inline_scripts(), *SCRIPTS))
    policy = {
        "default-src": "'self'",
        "script-src": f"'self' blob: {scripts}",
        "worker-src": "'self' blob:",
        "style-src": "'self' 'unsafe-inline'",
        "connect-src": "'self'",
        "img-src": "'self' data: blob:",
        "font-src": "'self' data:",
        "object-src": "'none'",
        "base-uri": "'self'",
        "frame-ancestors": "'self'",
    }
    told = {
        "Content-Security-Policy": "; ".join(f"{name} {value}" for name, value in policy.items()),
        "X-Content-Type-Options": "nosniff",
        "X-Frame-Options": "SAMEORIGIN",
        "Referrer-Policy": "same-origin",
    }
    return tuple((name.lower().encode(), value.encode()) for name, value in told.items())


def _inline_scripts() -> list[str]:
    """Return the scripts that stand in Streamlit's page itself."""
    page = (files("streamlit") / "static" / "index.html").read_text(encoding="utf-8")
    return re.findall(r"<script>(.*?)</script>", page, re.DOTALL)


def _digest(script: str) -> str:
    return base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
