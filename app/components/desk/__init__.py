"""The presenter's desk: where the class comes in, who is here, the question to it, and how the machine is."""

from typing import NamedTuple

import segno

from app.components import PREFIX, register
from app.roles import links, shared_origin

_mount = register("desk", html='<div class="bcl-desk"></div>')


class Door(NamedTuple):
    """Where the class comes in: its link, the same as short as can be typed, and as a QR code (an image's address)."""

    link: str
    short: str
    code: str


def door() -> Door:
    """Return where the class comes in."""
    link, _ = links()
    code = segno.make(link, error="m", micro=False)
    return Door(
        link, link.removeprefix("http://").removesuffix("/"), code.svg_data_uri(scale=8, border=4, light="#fff")
    )


def desk(*, key: str) -> None:
    """Show the desk. It asks the routes for what changes."""
    told = {"prefix": PREFIX, "door": door()._asdict(), "shared": shared_origin() is not None}
    _mount(key=key, data=told)
