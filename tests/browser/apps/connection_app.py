"""Served by test_serving: says of the connection that asks whether the server sends on it at once."""

import os
import socket
from pathlib import Path

import streamlit as st
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from app.routes import lifespan


def nodelay(request: Request) -> JSONResponse:
    """Find the asking connection among the server's open files, and read its option there."""
    assert request.client is not None
    for entry in Path("/dev/fd").iterdir():
        try:
            copy = socket.socket(fileno=os.dup(int(entry.name)))
            peer = copy.getpeername()
        except OSError:  # not a socket, or not connected
            continue
        with copy:
            if copy.family in (socket.AF_INET, socket.AF_INET6) and peer[:2] == tuple(request.client):
                return JSONResponse(bool(copy.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)))
    return JSONResponse(None)


app = st.App("empty_page.py", routes=[Route("/nodelay", nodelay)], lifespan=lifespan)
