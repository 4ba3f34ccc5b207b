"""Numbers as people say them, and text from elsewhere as it is."""

import re
from collections.abc import Sequence


def ago(seconds: float) -> str:
    """Say how long ago something was."""
    for size, unit in ((86_400, "d"), (3600, "h"), (60, "min")):
        if seconds >= size:
            return f"{seconds / size:.0f} {unit} ago"
    return "now"


def verbatim(text: str) -> str:
    """Return text such that Markdown shows it as it is, in one line."""
    return re.sub(r"([\\`*_{}\[\]()<>#+\-.!|~$:&^=])", r"\\\1", " ".join(text.split()))


def percent(share: float) -> str:
    """Return a share from 0 to 1 in per cent; a half is rounded as it is written in decimals, not as it is stored."""
    return f"{round(100 * share, 6):.1f} %"


def listed(names: Sequence[str], at_most: int = 10) -> str:
    """Return names with commas, the first ones of many."""
    more = len(names) - at_most
    return ", ".join(names[:at_most]) + (f" and {more:,} more" if more > 0 else "")
