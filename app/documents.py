"""Documents of the repository, shown as they stand."""

import re
from pathlib import Path

import streamlit as st

DOCS = Path(__file__).parents[1] / "docs"


def show(name: str) -> None:
    """Show a Markdown file of `docs/` with its pictures."""
    text = re.sub(r"<!--.*?-->\n?", "", (DOCS / name).read_text(encoding="utf-8"))
    # Markdown's own images would be looked for on the web server; each is drawn from its file instead.
    for part in re.split(r"(!\[[^\]]*\]\([^)]+\))", text):
        image = re.fullmatch(r"!\[([^\]]*)\]\(([^)]+)\)", part)
        if image:
            st.image(str(DOCS / image[2]), caption=image[1], alt=image[1])
        else:
            st.markdown(part)
