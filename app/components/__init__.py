"""Components: ES modules that Streamlit mounts without a frame.

`app.routes` serves the modules under a hash of their content, so a browser keeps them for good and never mixes two
versions. Addresses carry no leading slash and are resolved against the page's own, so the app works under a prefix.
"""

from hashlib import sha256
from importlib.metadata import version
from pathlib import Path

import streamlit as st
from streamlit.components.v2.types import ComponentRenderer

PREFIX = "bcl/v1"
PLOTLY_FILE = f"plotly-{version('plotly')}.min.js"

_FOLDER = Path(__file__).parent
_FILES = sorted([*_FOLDER.glob("*/*.js"), *_FOLDER.glob("*/*.css")])
MODULES = {file.relative_to(_FOLDER).as_posix(): file.read_bytes() for file in _FILES}
"""Source of each ES module, and of the style sheets, which saved pages take with them: by "component/module.js"."""

VERSION = sha256(repr(MODULES).encode()).hexdigest()[:16]


def register(name: str, *, html: str) -> ComponentRenderer:
    """Register the component whose modules, and `<name>.css`, lie in the folder `name`; return its mounting command.

    Its entry is `<name>.js`, whose default export Streamlit calls on mounting and on every change of data or theme. It
    mounts into the page itself, not into a shadow root: Plotly keeps its styles in the document's head.
    """
    module = f"{PREFIX}/component/{VERSION}/{name}/{name}.js"
    # Streamlit runs this text from a blob, which has no address of its own to import from.
    entry = f"""
        const module = import(new URL("{module}", document.baseURI).href);
        export default async (component) => (await module).default(component);
    """
    css = (_FOLDER / name / f"{name}.css").read_text(encoding="utf-8")
    return st.components.v2.component(f"bcl_{name}", html=html, css=css, js=entry, isolate_styles=False)
