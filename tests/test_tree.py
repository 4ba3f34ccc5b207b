"""The README's tree is the tree on disk, and one version stands everywhere."""

import re
from pathlib import Path

import pytest

from bcl_core import __version__

ROOT = Path(__file__).parents[1]
TREE = (ROOT / "README.md").read_text("utf-8").partition("## The house")[2].split("```")[1]
MADE = {"lab", "data", "site", "dist", "lab-pretrained"}  # by who works with it


def named():
    """Each path that begins a line of the tree: at the left, or two spaces below such a folder."""
    house = Path()
    for line in TREE.splitlines():
        found = re.match(r"( {0,2})([\w.]\S*?(?:, [\w./]+)*)[ ;:]", f"{line} ")
        if found:
            house = house if found[1] else Path(found[2])
            yield from (house / name if found[1] else Path(name) for name in found[2].split(", "))


def test_every_path_in_the_tree_is_there():
    paths = list(named())
    assert len(paths) > 45
    assert not [path for path in paths if not list(ROOT.glob(path.as_posix()))]


@pytest.mark.parametrize("house", ["", "app", "bcl_core"])
def test_every_room_is_in_the_tree(house):
    folder = ROOT / house
    rooms = [entry for entry in folder.iterdir() if entry.is_dir() or (house and entry.suffix == ".py")]
    names = {entry.stem for entry in rooms if not entry.name.startswith((".", "_"))} - (set() if house else MADE)
    assert names and not [name for name in names if not re.search(rf"\b{name}\b", TREE)]


def test_one_version_stands_everywhere():
    citation = (ROOT / "CITATION.cff").read_text("utf-8")
    changes = (ROOT / "CHANGELOG.md").read_text("utf-8")
    assert f'version: "{__version__}"' in citation
    assert re.findall(r"^## (\S+)", changes, re.MULTILINE)[0] == __version__
