"""Imports run one way: the core knows no screen, the product no harness, and nothing knows the tests."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
HOUSES = {"bcl_core", "app", "harness", "benchmarks", "tests"}
MAY_USE = {
    "bcl_core": set(),
    "app": {"bcl_core"},
    "harness": {"bcl_core"},
    "benchmarks": {"bcl_core", "app", "harness"},
}
# What the screens may use of the core: rooms that need no torch.
ROOMS = ("recipe", "registry", "lab", "geometry", "machine", "metrics", "provenance")
ROOMS += ("data.long_tail_counts", "data.places", "data.cifar10.at_hand")


def imported(house: str) -> Iterator[tuple[Path, str]]:
    """Each file below a folder with each module or name that it imports."""
    files = sorted((ROOT / house).rglob("*.py"))
    assert files, house
    for file in files:
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Import):
                yield from ((file.relative_to(ROOT), alias.name) for alias in node.names)
            elif isinstance(node, ast.ImportFrom):
                yield from ((file.relative_to(ROOT), f"{node.module}.{alias.name}") for alias in node.names)


@pytest.mark.parametrize("house", MAY_USE)
def test_imports_run_one_way(house: str) -> None:
    forbidden = HOUSES - MAY_USE[house] - {house}
    assert not [(str(file), name) for file, name in imported(house) if name.partition(".")[0] in forbidden]


def test_the_app_uses_only_rooms_of_the_core_that_need_no_torch() -> None:
    known = tuple(f"bcl_core.{room}." for room in ROOMS)
    used = {(str(file), name) for file, name in imported("app") if name.startswith("bcl_core.")}
    assert used and not {(file, name) for file, name in used if not f"{name}.".startswith(known)}
