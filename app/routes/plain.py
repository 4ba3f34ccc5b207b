"""Pages of plain HTML that need no server once they are loaded, in the app's colours, light and dark."""

import base64
import json
import re
from collections.abc import Mapping
from hashlib import sha256
from typing import Any, Protocol

import streamlit as st
from PIL import ImageColor

from app.components import VERSION, text_of

_PAGE = """\
<!doctype html>
<html lang="en">
<meta charset="utf-8">
{policy}<meta name="viewport" content="width=device-width">
<title>{title}</title>
<style>
{style}
</style>
{sheet}
<body class="bcl-alone">
{body}
<noscript>This page draws with JavaScript, which this browser does not run.</noscript>
<script type="application/json" id="told">{told}</script>
{script}
</html>
"""
# From a blob comes Plotly.js, which the Lab's page holds compressed.
_POLICY = (
    "default-src 'none'; script-src 'sha256-{digest}' blob:; style-src 'unsafe-inline'; img-src data: blob:; "
    "base-uri 'none'; form-action 'none'"
)
_COLOURS = {
    "background-color": "backgroundColor",
    "secondary-background-color": "secondaryBackgroundColor",
    "text-color": "textColor",
    "link-color": "linkColor",
    "border-color": "borderColor",
    "primary-color": "primaryColor",
}
# As Streamlit derives them: from what, with what it is mixed, and how much of the first.
_DERIVED = {
    "gray-text-color": ("textColor", "backgroundColor", 0.75),
    "border-color-light": ("borderColor", "backgroundColor", 0.5),
}


class Page(Protocol):
    """A page: `module` finds `told` as JSON in the element "told"; sheet and module are of `app.components`."""

    def __call__(self, title: str, body: str, told: Mapping[str, Any], *, sheet: str, module: str) -> str:
        """Return the page's HTML."""


def plain_page(title: str, body: str, told: Mapping[str, Any], *, sheet: str, module: str) -> str:
    """Return a page of the server's, which has the sheet and the module."""
    link = f'<link rel="stylesheet" href="component/{VERSION}/{sheet}">'
    script = f'<script type="module" src="component/{VERSION}/{module}"></script>'
    return _page(title, body, told, policy="", sheet=link, script=script)


def whole_page(title: str, body: str, told: Mapping[str, Any], *, sheet: str, module: str) -> str:
    """Return a page that has everything within itself, opens from the disk, and may ask nobody for anything."""
    # What would end the element stands in strings and comments only.
    source = "\n" + re.sub(r"<(?=/script|!--)", r"\\x3c", f'"use strict";\n{text_of(module)}', flags=re.IGNORECASE)
    policy = _POLICY.format(digest=base64.b64encode(sha256(source.encode()).digest()).decode())
    meta = f'<meta http-equiv="Content-Security-Policy" content="{policy}">\n'
    style, script = f"<style>\n{text_of(sheet)}</style>", f"<script>{source}</script>"
    return _page(title, body, told, policy=meta, sheet=style, script=script)


def _page(title: str, body: str, told: Mapping[str, Any], **parts: str) -> str:
    return _PAGE.format(title=title, style=theme_style(), body=body, told=as_script(told), **parts)


def as_script(told: Mapping[str, Any]) -> str:
    """Return JSON that may stand in a script element."""
    return json.dumps(told).replace("<", "\\u003c")


def theme_style() -> str:
    """Return the app's colours, light and dark, under the names that Streamlit gives them."""
    light, dark = (_theme(name) for name in ("light", "dark"))
    font, radius = st.get_option("theme.font"), st.get_option("theme.baseRadius")
    return (
        f":root {{ color-scheme: light dark; {light}--st-font: {font}; --st-base-radius: {radius}; }}\n"
        f"@media (prefers-color-scheme: dark) {{ :root {{ {dark}}} }}"
    )


def _theme(theme: str) -> str:
    told = {option: st.get_option(f"theme.{theme}.{option}") for option in _COLOURS.values()}
    colours = {name: told[option] for name, option in _COLOURS.items()}
    colours |= {name: _mixed(told[own], told[other], share) for name, (own, other, share) in _DERIVED.items()}
    return "".join(f"--st-{name}: {colour}; " for name, colour in colours.items())


def _mixed(own: str, other: str, share: float) -> str:
    """Mix two colours as CSS would, which Plotly.js does not."""
    pairs = zip(ImageColor.getrgb(own), ImageColor.getrgb(other), strict=True)
    return "#" + "".join(f"{round(share * a + (1 - share) * b):02X}" for a, b in pairs)
