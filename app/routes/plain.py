"""Pages of plain HTML that need no server once they are loaded, in the app's colours, light and dark."""

import json
from collections.abc import Mapping
from typing import Any

import streamlit as st

from app.components import VERSION

_PAGE = """\
<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>{title}</title>
<style>
{style}
</style>
<link rel="stylesheet" href="component/{version}/{sheet}">
<body class="bcl-alone">
{body}
<noscript>This page draws with JavaScript, which this browser does not run.</noscript>
<script type="application/json" id="told">{told}</script>
<script type="module" src="component/{version}/{module}"></script>
</html>
"""
_COLOURS = {
    "background-color": "backgroundColor",
    "secondary-background-color": "secondaryBackgroundColor",
    "text-color": "textColor",
    "link-color": "linkColor",
    "border-color": "borderColor",
    "primary-color": "primaryColor",
}
# As Streamlit derives them from the others.
_DERIVED = (
    "--st-gray-text-color: color-mix(in srgb, var(--st-text-color) 75%, var(--st-background-color)); "
    "--st-border-color-light: color-mix(in srgb, var(--st-border-color) 50%, var(--st-background-color));"
)


def plain_page(title: str, body: str, told: Mapping[str, Any], *, sheet: str, module: str) -> str:
    """Return a page: `module` finds `told` as JSON in the element "told"; sheet and module are of `app.components`."""
    return _PAGE.format(
        title=title,
        style=theme_style(),
        version=VERSION,
        sheet=sheet,
        body=body,
        told=as_script(told),
        module=module,
    )


def as_script(told: Mapping[str, Any]) -> str:
    """Return JSON that may stand in a script element."""
    return json.dumps(told).replace("<", "\\u003c")


def theme_style() -> str:
    """Return the app's colours, light and dark, under the names that Streamlit gives them."""
    themes = {
        theme: "".join(
            f"--st-{name}: {st.get_option(f'theme.{theme}.{option}')}; " for name, option in _COLOURS.items()
        )
        for theme in ("light", "dark")
    }
    font, radius = st.get_option("theme.font"), st.get_option("theme.baseRadius")
    shared = f"--st-font: {font}; --st-base-radius: {radius}; {_DERIVED}"
    return (
        f":root {{ color-scheme: light dark; {themes['light']}{shared} }}\n"
        f"@media (prefers-color-scheme: dark) {{ :root {{ {themes['dark']} }} }}"
    )
