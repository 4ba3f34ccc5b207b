"""Who may do what: one table of roles, decided from what a request says of itself. It fails closed.

Whoever sits at the machine is its owner: the server listens on a loopback address, and the request comes from one, by a
name of this machine, through no proxy that says so. Everywhere else, and always with BCL_LAB_CLASS=1, there is a class:
who shows the presenter's token is the presenter, and everybody else a viewer, who looks and changes nothing.

The token is made anew with each server and stands in a link that the terminal prints, after "#", which browsers send to
nobody. `app.routes.present` takes it in exchange for a cookie.
"""

import os
import re
import secrets
import socket
from collections.abc import Mapping
from ipaddress import ip_address
from typing import Literal, get_args
from urllib.parse import urlsplit

import streamlit as st
from starlette.requests import HTTPConnection
from streamlit.config import is_manually_set
from streamlit.net_util import get_internal_ip

Role = Literal["viewer", "presenter", "owner"]
ROLES: tuple[Role, ...] = get_args(Role)  # rising: each may do what those before it may

TOKEN = secrets.token_urlsafe(32)
COOKIE = "bcl-lab-presenter"
CLASS = "BCL_LAB_CLASS"

_FORWARDING = ("forwarded", "via", "x-real-ip", "x-client-ip", "x-cluster-client-ip", "true-client-ip")
_PATH = re.compile(r"(?<![\w.:/])~?/(?:[^/\s'\"<>]+/)+")


def has_class_roles() -> bool:
    """Whether this server has viewers and a presenter, rather than an owner."""
    return os.environ.get(CLASS, "") not in ("", "0") or not _is_loopback(st.get_option("server.address") or "")


def role_of(headers: Mapping[str, str], cookies: Mapping[str, str], peer: str | None) -> Role:
    """Say who is asking.

    Args:
        headers: of the request, by their names in small letters.
        cookies: of the request.
        peer: the address that it came from; None: from this machine.
    """
    if secrets.compare_digest(cookies.get(COOKIE, "").encode(), TOKEN.encode()):
        return "presenter"
    is_here = peer is None or _is_loopback(peer)
    names = map(str.lower, headers)
    is_forwarded = any(name in _FORWARDING or name.startswith(("x-forwarded", "cf-")) for name in names)
    if has_class_roles() or not is_here or is_forwarded or not _is_own_name(headers.get("host", "localhost")):
        return "viewer"
    return "owner"


def role_in(asked: HTTPConnection) -> Role:
    """Say who sends a request, or opens a socket. What has no address comes by a proxy's own file."""
    return role_of(asked.headers, asked.cookies, asked.client.host if asked.client else "unknown")


def role_here() -> Role:
    """Say who looks at the page that is being drawn."""
    return role_of(st.context.headers, st.context.cookies, st.context.ip_address)


def may(role: Role, least: Role) -> bool:
    """Whether a role reaches another."""
    return ROLES.index(role) >= ROLES.index(least)


def told_here(text: str) -> str:
    """Return a sentence, such as an error's, as who looks at the page that is being drawn may read it."""
    return text if may(role_here(), "presenter") else without_paths(text)


def without_paths(text: str) -> str:
    """Return a sentence as viewers read it: of each path of this machine the last name alone."""
    return _PATH.sub("…/", text)


def shared_origin() -> str | None:
    """Return the address under which others reach this server, without a path; None where only this machine does."""
    if _is_loopback(st.get_option("server.address") or ""):
        return None
    told = st.get_option("browser.serverAddress") if is_manually_set("browser.serverAddress") else None
    inside = get_internal_ip() or "localhost"  # which is loopback's in a network that leads nowhere else
    name = told or (f"{socket.gethostname()}.local" if _is_loopback(inside) else inside)
    if st.get_option("browser.serverPort") == 443:  # of a proxy before it, which speaks TLS
        return f"https://{name}"
    return f"http://{name}:{st.get_option('server.port')}"


def links() -> tuple[str, str]:
    """Return the viewers' link and the presenter's, for a server with class roles."""
    base = st.get_option("server.baseUrlPath").strip("/")
    origin = shared_origin() or f"http://localhost:{st.get_option('server.port')}"
    home = f"{origin}/{base}/" if base else f"{origin}/"
    return home, f"{home}bcl/v1/present#{TOKEN}"


def _is_loopback(address: str) -> bool:
    if address == "localhost" or address.endswith(".localhost"):
        return True
    try:
        found = ip_address(address.split("%")[0])
    except ValueError:
        return False
    return (getattr(found, "ipv4_mapped", None) or found).is_loopback


def _is_own_name(host: str) -> bool:
    """Whether a Host header names this machine as itself; another name may be a trick, or a proxy's."""
    try:
        name = urlsplit(f"http://{host}").hostname or ""
    except ValueError:
        return False
    return _is_loopback(name) or name in own_names()


def own_names() -> set[str]:
    """Return what this machine calls itself in a network."""
    own = socket.gethostname().lower()
    return {own, f"{own}.local"}
