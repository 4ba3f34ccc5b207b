"""The list of settings, put into its page while the site is built: it is written down in the recipe's fields alone."""

from typing import Any

from bcl_core.recipe import all_settings

_PLACE = "<!-- all settings -->"


def on_page_markdown(markdown: str, **_: Any) -> str:
    """Replace the place of the list by the list."""
    return markdown.replace(_PLACE, _table()) if _PLACE in markdown else markdown


def _table() -> str:
    rows = [f"| `{one.name}` | {one.takes} | {one.default} | {one.meaning} |" for one in all_settings()]
    return "\n".join(["| setting | takes | default | says |", "|---|---|---|---|", *rows])
