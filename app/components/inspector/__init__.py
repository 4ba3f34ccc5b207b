"""The inspector: runs side by side over all their epochs, every picture hung on one scrubber."""

from collections.abc import Mapping
from typing import Any

from app.components import register

_mount = register(
    "inspector",
    html='<div class="bcl-inspector" role="region" aria-label="Inspector"><p>Opening the runs …</p></div>',
)


def inspector(told: Mapping[str, Any], *, key: str) -> None:
    """Show the runs that `app.inspecting.told` tells of.

    It asks for all else itself and tells nothing back: scrubbing and playing stay in the browser, and what a run in
    training brings. The component keeps the page's query parameters, but for those that it does not know.
    """
    _mount(key=key, data=dict(told))
