"""Components: ES modules that Streamlit mounts without a frame.

`app.routes` serves each as one module under a hash of their content, so a browser keeps it for good and never mixes
two versions. Addresses carry no leading slash and are resolved against the page's own, so the app works under a prefix.
"""

import gzip
from hashlib import sha256
from importlib.metadata import version
from pathlib import Path

import streamlit as st
from streamlit.components.v2.types import ComponentRenderer

from app.components.bundle import bundled

PREFIX = "bcl/v1"
PLOTLY_FILE = f"plotly-{version('plotly')}.min.js"

_FOLDER = Path(__file__).parent
MODULES = {
    file.relative_to(_FOLDER).as_posix(): file.read_text(encoding="utf-8") for file in sorted(_FOLDER.rglob("*.js"))
}
"""Source of each ES module, by "component/module.js"."""
_WITHIN = {"sphere": ("formula",), "stage": ("formula",), "lessons": ("formula", "sphere", "start")}
"""Components whose pictures stand within another, by that one's name."""
_OWN = {file.stem: file.read_text(encoding="utf-8") for file in sorted(_FOLDER.glob("*/*.css"))}
_BASE = (_FOLDER / "base.css").read_text(encoding="utf-8")
_SHEETS = {name: "".join([_BASE, *map(_OWN.__getitem__, _WITHIN.get(name, ())), own]) for name, own in _OWN.items()}
"""Each component's style sheet, after what all of them share."""
_ALONE = ["stage/export/saved.js", "sphere/alone.js", "lessons/page.js"]
ENTRIES = [*(f"{name}/{name}.js" for name in _SHEETS if name not in ("formula", "sphere")), *_ALONE]
"""The module that mounts each component, beside its style sheet; and those of pages without Streamlit."""

_SERVED = {Path(entry).name: bundled(MODULES, entry).encode() for entry in ENTRIES}
_SERVED |= {f"{name}.css": sheet.encode() for name, sheet in _SHEETS.items()}
VERSION = sha256(repr(_SERVED).encode()).hexdigest()[:16]
COMPONENTS = f"{PREFIX}/component/{VERSION}"
"""The address beneath which `PACKED` lies."""
PACKED = {name: gzip.compress(content, mtime=0) for name, content in _SERVED.items()}
"""What a browser asks for, by its name and compressed: each entry with all that it imports, and the style sheets."""


def text_of(name: str) -> str:
    """Return one of `PACKED` as text."""
    return gzip.decompress(PACKED[name]).decode()


def register(name: str, *, html: str) -> ComponentRenderer:
    """Register the component whose modules, and `<name>.css`, lie in the folder `name`; return its mounting command.

    Its entry is `<name>.js`, whose default export Streamlit calls on mounting and on every change of data or theme. It
    mounts into the page itself, not into a shadow root: Plotly keeps its styles in the document's head.
    """
    # Streamlit runs this text from a blob, which has no address of its own to import from.
    entry = f"""
        const module = import(new URL("{COMPONENTS}/{name}.js", document.baseURI).href);
        export default async (component) => (await module).default(component);
    """
    return st.components.v2.component(f"bcl_{name}", html=html, css=_SHEETS[name], js=entry, isolate_styles=False)
