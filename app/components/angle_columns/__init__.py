"""The Start page's picture: class counts, and a column of degrees for each loss with a dot for each pair of classes."""

from collections.abc import Mapping
from typing import Any

from app.components import register

_mount = register("angle_columns", html='<div class="bcl-angle-columns"></div>')


def angle_columns(told: Mapping[str, Any], *, key: str) -> None:
    """Show what `app.starting.told` tells of. It plays once over the epochs, then stands still at the last."""
    _mount(key=key, data=dict(told))
