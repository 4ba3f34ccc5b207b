"""Theory: docs/theory.md, as it stands in the repository."""

import re
from pathlib import Path

import streamlit as st

DOCS = Path(__file__).parents[2] / "docs"

text = (DOCS / "theory.md").read_text(encoding="utf-8")
# Markdown's own images would be looked for on the web server; each is drawn from its file instead.
for part in re.split(r"(!\[[^\]]*\]\([^)]+\))", text):
    image = re.fullmatch(r"!\[([^\]]*)\]\(([^)]+)\)", part)
    if image:
        st.image(str(DOCS / image[2]), caption=image[1], alt=image[1])
    else:
        st.markdown(part)
