"""Numbers as people say them, and text from elsewhere as it is."""

import re
from collections.abc import Sequence


def duration(seconds: float) -> str:
    """Return a length of time, to two digits or so."""
    for size, unit in ((172_800, "days"), (5400, "h"), (90, "min")):
        if seconds >= size:
            amount = seconds / {"days": 86_400, "h": 3600, "min": 60}[unit]
            return f"{amount:.1f} {unit}" if amount < 10 and unit != "min" else f"{amount:.0f} {unit}"
    return f"{seconds:.0f} s" if seconds >= 1 else f"{1000 * seconds:.0f} ms"


def memory(size: float) -> str:
    """Return an amount of memory given in bytes."""
    for unit in ("kB", "MB"):
        size /= 1000
        if size < 1000:
            return f"{size:.0f} {unit}"
    return f"{size / 1000:.1f} GB"


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


def plural(count: int, thing: str, things: str | None = None) -> str:
    """Return "1 class", "2 classes" …"""
    return f"{count:,} {thing if count == 1 else things or thing + 's'}"
