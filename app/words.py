"""Numbers as people say them, and text from elsewhere as it is."""

import re
import unicodedata
from collections.abc import Mapping, Sequence
from decimal import ROUND_HALF_UP, Decimal

from bcl_core.geometry.groups import FEW_BELOW, MANY_ABOVE

SHOTS: Mapping[str, str] = {
    "many": f"more than {MANY_ABOVE} training images",
    "medium": f"{FEW_BELOW} to {MANY_ABOVE} training images",
    "few": f"fewer than {FEW_BELOW} training images",
}
"""The groups of `geometry.shot_groups`, as people say them."""

_MARKDOWN = re.compile(r"([\\`*_{}\[\]()<>#+\-.!|~$:&^=])")
_MARKS_THAT_TURN = re.compile("[\u202a-\u202e\u2066-\u2069]")
_RIGHT_TO_LEFT = ("R", "AL", "AN")


def plain(text: str, at_most: int = 60) -> str:
    """Return a class's name, or another word from outside, in one line of at most so many characters."""
    line = " ".join(_MARKS_THAT_TURN.sub("", text).split())
    return line if len(line) <= at_most else f"{line[: at_most - 1]}…"


def verbatim(text: str) -> str:
    """Return text from people, or of an error, such that Markdown shows it as it is, in one line.

    What is written from right to left turns nothing of the sentence around it; marks that turn text are left out.
    """
    line = _MARKDOWN.sub(r"\\\1", " ".join(_MARKS_THAT_TURN.sub("", text).split()))
    turned = any(unicodedata.bidirectional(sign) in _RIGHT_TO_LEFT for sign in line)
    return f"\N{FIRST STRONG ISOLATE}{line}\N{POP DIRECTIONAL ISOLATE}" if turned else line


def percent(share: float) -> str:
    """Return a share from 0 to 1 in per cent; a half is rounded up, as in the Library, and not as it is stored."""
    return f"{Decimal(str(round(100 * share, 6))).quantize(Decimal('0.1'), ROUND_HALF_UP)} %"


def drawn(class_counts: Sequence[int]) -> str:
    """Say how imbalanced the training images came out, which need not be the factor that was asked for."""
    most, least = max(class_counts), min(class_counts)
    span = f"{most:,} to {least:,}" if most > least else f"{most:,}"
    return f"drawn: {span} training images a class, factor {most / least:.3g}"


def listed(names: Sequence[str], at_most: int = 10) -> str:
    """Return names with commas, the first ones of many."""
    more = len(names) - at_most
    return ", ".join(names[:at_most]) + (f" and {more:,} more" if more > 0 else "")
