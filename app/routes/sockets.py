"""The sockets that this process listens on."""

import logging
import socket
from pathlib import Path

logger = logging.getLogger(__name__)


def send_at_once() -> None:
    """Set TCP_NODELAY on every TCP socket that listens, which the connections it accepts inherit.

    Streamlit makes its socket without it, and without the protocol number by which asyncio would set it on each
    connection. An answer's body, sent after its head, then waits for the browser's delayed acknowledgement: 40 ms.
    Nobody hands us that socket, so it is looked for among the open files; where that cannot be done, this is logged.
    """
    try:
        numbers = [int(entry.name) for entry in Path("/dev/fd").iterdir()]
    except OSError:
        numbers = []
    if not sum(map(_send_at_once, numbers)):
        logger.info("no listening TCP socket was found: small answers may take 40 ms longer than they need")


def _send_at_once(number: int) -> bool:
    """Whether the file of this number is a TCP socket that listens; if so, it is set."""
    try:
        found = socket.socket(fileno=number)
    except OSError:  # another kind of file, or closed since
        return False
    try:
        if found.family not in (socket.AF_INET, socket.AF_INET6) or found.type != socket.SOCK_STREAM:
            return False
        if not found.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN):
            return False
        found.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return True
    finally:
        found.detach()  # it is not ours to close
