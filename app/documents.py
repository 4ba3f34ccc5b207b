"""Documents of the repository, shown as they stand."""

import re
from pathlib import Path

import streamlit as st

from app.script import reach_what_scrolls

DOCS = Path(__file__).parents[1] / "docs"
CLASSROOM = "teaching/classroom.md"


def show(name: str) -> None:
    """Show a Markdown file of `docs/` with its pictures."""
    with st.container(key="document"):
        _show(name)
    st.html(f"<script>{reach_what_scrolls(name)}</script>", unsafe_allow_javascript=True)


def _show(name: str) -> None:
    text = re.sub(r"<!--.*?-->\n?", "", (DOCS / name).read_text(encoding="utf-8"))
    # Markdown's own images would be looked for on the web server; each is drawn from its file instead.
    for part in re.split(r"(!\[[^\]]*\]\([^)]+\))", text):
        image = re.fullmatch(r"!\[([^\]]*)\]\(([^)]+)\)", part)
        if image:
            picture(image[2], image[1])
            st.caption(image[1])
        else:
            st.markdown(part)


def picture(name: str, alt: str) -> None:
    """Show a picture of `docs/`, or the one that `benchmarks.figures` drew beside it for the dark theme.

    Both are sent, since Python does not know the reader's theme in time; the style sheet leaves one.
    """
    light = DOCS / name
    for theme, file in (("light", light), ("dark", light.with_stem(f"{light.stem}-dark"))):
        with st.container(key=f"bcl-on-{theme}-{light.stem}"):
            st.image(str(file), alt=alt)
