"""A browser's part without a browser: questions by HTTP, and Streamlit's socket. For tests and benchmarks."""

import gzip
import http.client
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.ClientState_pb2 import ClientState
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from websockets.sync.client import ClientConnection, connect

PATIENCE = 30.0  # seconds


@dataclass(frozen=True)
class Answer:
    """What came back: `content` is unpacked, `text` all of it with its headers."""

    status: int
    headers: Mapping[str, str]
    content: bytes

    @property
    def whole(self) -> bytes:
        """Return all that was told."""
        return repr(sorted(self.headers.items())).encode() + self.content


def ask(url: str, method: str, path: str, body: bytes = b"", headers: Mapping[str, str] | None = None) -> Answer:
    """Send a request to a server, whatever its path is made of."""
    connection = http.client.HTTPConnection(urlsplit(url).netloc, timeout=PATIENCE)
    try:
        connection.putrequest(method, path, skip_host=True, skip_accept_encoding=True)
        given = {"Host": urlsplit(url).netloc, "Content-Length": str(len(body)), **(headers or {})}
        for name, value in given.items():
            connection.putheader(name, value)
        connection.endheaders(body)
        answer = connection.getresponse()
        content = answer.read()
        if answer.headers.get("content-encoding") == "gzip":
            content = gzip.decompress(content)
        return Answer(answer.status, {name.lower(): value for name, value in answer.getheaders()}, content)
    finally:
        connection.close()


@dataclass
class Session:
    """A socket to pages of the app; `told` is every message that came, in order."""

    socket: ClientConnection
    told: list[ForwardMsg] = field(default_factory=list)

    def send(self, message: BackMsg | bytes) -> None:
        """Send a message, or bytes that are none."""
        self.socket.send(message if isinstance(message, bytes) else message.SerializeToString())

    def rerun(self, page: str = "", query: str = "", **state: Any) -> list[ForwardMsg]:
        """Have a page drawn; return what came until it was."""
        self.send(BackMsg(rerun_script=ClientState(page_name=page, query_string=query, **state)))
        return self.hear("script_finished")

    def hear(self, last: str | None = None, seconds: float = PATIENCE) -> list[ForwardMsg]:
        """Return what comes until a message of this kind, or for so long."""
        first, end = len(self.told), time.monotonic() + seconds
        while (left := end - time.monotonic()) > 0:
            try:
                content = self.socket.recv(timeout=left)
            except TimeoutError:
                break
            assert isinstance(content, bytes)
            self.told.append(ForwardMsg.FromString(content))
            if self.told[-1].WhichOneof("type") == last:
                break
        return self.told[first:]


@contextmanager
def session(url: str, headers: Mapping[str, str] | None = None) -> Iterator[Session]:
    """Open a socket for the time of the block."""
    address = f"{url.replace('http', 'ws', 1)}_stcore/stream"
    with connect(address, subprotocols=["streamlit"], additional_headers=headers, max_size=None) as socket:  # type: ignore[list-item]
        yield Session(socket)


def elements(messages: list[ForwardMsg]) -> Iterator[tuple[str, Any]]:
    """Yield the kind and the message of every element that was drawn."""
    for message in messages:
        if message.WhichOneof("type") == "delta" and message.delta.WhichOneof("type") == "new_element":
            kind = message.delta.new_element.WhichOneof("type")
            if kind is not None:
                yield kind, getattr(message.delta.new_element, kind)
