"""The routes on a real server, and questions to it."""

import gzip
import json
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.client import HTTPConnection
from typing import Any

import uvicorn
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.middleware.gzip import GZipMiddleware

from app.routes import routes
from bcl_core.lab import Lab


@dataclass
class Answer:
    status: int
    headers: dict[str, str]
    content: bytes

    @property
    def document(self) -> Any:
        packed = self.headers.get("content-encoding") == "gzip"
        return json.loads(gzip.decompress(self.content) if packed else self.content)

    @property
    def error(self) -> str:
        return str(self.document["error"])


Get = Callable[..., Answer]


@contextmanager
def served(lab_of: Callable[[], Lab]) -> Iterator[Get]:
    """Ask a server that, as Streamlit's does, compresses what is not marked as done."""
    starlette = Starlette(routes=routes(lab_of), middleware=[Middleware(GZipMiddleware)])
    server = uvicorn.Server(uvicorn.Config(starlette, port=0, log_level="error"))
    threading.Thread(target=server.run, daemon=True).start()
    while not server.started:
        time.sleep(0.01)
    port = server.servers[0].sockets[0].getsockname()[1]

    def ask(path: str, accept: str = "gzip", **headers: str) -> Answer:
        connection = HTTPConnection("127.0.0.1", port, timeout=20)
        given = {name.replace("_", "-"): value for name, value in headers.items()}
        connection.request("GET", f"/bcl/v1/{path}", headers={"Accept-Encoding": accept, **given})
        answer = connection.getresponse()
        content = answer.read()
        connection.close()
        return Answer(answer.status, {name.lower(): value for name, value in answer.getheaders()}, content)

    try:
        yield ask
    finally:
        server.should_exit = True  # it takes a fifth of a second to notice and to end, which nobody waits for
