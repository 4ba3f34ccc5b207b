"""Who may knock: a request that changes the lab must come from a page of this app, or from no page at all.

A page of another site could make a visitor's browser post here, or, by pointing its own name at this machine ("DNS
rebinding"), pass for a page of the app. So the request must be addressed to a name that is known to be this machine's:
an IP address, localhost, the machine's host name, Streamlit's `server.address` or `browser.serverAddress`, or one that
BCL_LAB_HOSTS names, several with commas between them. And what a browser says of the page it comes from must agree.
"""

import os
from collections.abc import Mapping
from ipaddress import ip_address
from urllib.parse import urlsplit

import streamlit as st
from starlette.datastructures import Headers

from app.roles import own_names
from app.verbs import Refused

DEFAULT_PORTS: Mapping[str, int] = {"http": 80, "https": 443}


def admit(headers: Headers) -> None:
    """Let a request pass that is addressed to this machine by a page of this app or by no page; Refused (403) else."""
    addressed = _only(headers, "host") or ""
    name, _ = _name_and_port(f"http://{addressed}")
    if not _of_this_machine(name):
        raise Refused(
            403,
            f"the app does not answer to the name {name[:100]!r}, which may be another site's trick; if it is this "
            f"machine's, start the app with BCL_LAB_HOSTS={name[:100] or 'NAME'}",
        )
    origin = _only(headers, "origin")
    if origin is not None and not _same(origin, addressed):
        raise Refused(
            403,
            f"a page of {origin[:100]!r} may change nothing here, only a page of {addressed[:100]!r}; a proxy before "
            "the app should pass the Host header on as it came",
        )
    if headers.get("sec-fetch-site", "none") not in ("same-origin", "none"):
        raise Refused(403, "a page of another site may change nothing here")


def _only(headers: Headers, name: str) -> str | None:
    """Return a header that may be there once; what comes twice is as good as nonsense."""
    values = headers.getlist(name)
    return values[0].lower() if len(values) == 1 else "?" if values else None


def _of_this_machine(name: str) -> bool:
    if name == "localhost" or name.endswith(".localhost"):
        return True
    try:
        ip_address(name)
        return True
    except ValueError:
        return name in _names()


def _names() -> set[str]:
    told = (st.get_option("server.address"), st.get_option("browser.serverAddress"))
    listed = os.environ.get("BCL_LAB_HOSTS", "").split(",")
    names = {name.strip().lower() for name in (*told, *listed) if name}
    return (own_names() | names) - {""}


def _same(origin: str, addressed: str) -> bool:
    """Whether a page of this origin ("https://name:port"; "null" is none) is one of the app that was addressed."""
    scheme = origin.partition("://")[0]
    if scheme not in DEFAULT_PORTS:
        return False
    page, app = _name_and_port(origin), _name_and_port(f"{scheme}://{addressed}")
    return page[0] != "" and page == app


def _name_and_port(url: str) -> tuple[str, int | None]:
    """Return the name, "" where the address is none, and the port, the scheme's own where it has none."""
    try:
        parts = urlsplit(url)
        if parts.username is not None or parts.path or parts.query or parts.fragment:
            return "", None
        return parts.hostname or "", parts.port or DEFAULT_PORTS[parts.scheme]
    except ValueError:
        return "", None
