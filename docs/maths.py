"""Formulas of the documents as MathML, made while the site is built: browsers need nothing more for them."""

import html
import re
from typing import Any

from latex2mathml.converter import convert

# What pymdownx.arithmatex leaves of $…$ and $$…$$.
_FORMULA = re.compile(r'<(span|div) class="arithmatex">\\([(\[])(.*?)\\[)\]]</\1>', re.DOTALL)


def on_page_content(content: str, **_: Any) -> str:
    """Replace each formula of a page."""
    return _FORMULA.sub(lambda found: _mathml(found[3], is_block=found[2] == "["), content)


def _mathml(text: str, *, is_block: bool) -> str:
    return convert(html.unescape(text).strip(), display="block" if is_block else "inline")
