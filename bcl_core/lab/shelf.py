"""Runs that come with the project, ready to open: a folder each, never changed, every file checked against its hash.

A folder's name is the run's id. Beside the files of any run it holds the row that a lab's database would (`about.json`,
`metrics.json`), the last weights, a card for people (`README.md`) and `SHA256SUMS`, which `sha256sum -c` reads too.
"""

import hashlib
import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Any

from bcl_core.installed import house
from bcl_core.lab.run import Run
from bcl_core.metrics import that_hold
from bcl_core.recipe import FORMAT_VERSION, RUN_ID, Execution, Recipe, RecipeError

ABOUT, METRICS, CARD, SUMS = "about.json", "metrics.json", "README.md", "SHA256SUMS"


class ShelfError(ValueError):
    """A folder on the shelf cannot be opened; the message says why."""


def shelf_home() -> Path:
    """Return the folder that BCL_LAB_PRETRAINED names, else the project's own."""
    return _resolved(Path(os.environ.get("BCL_LAB_PRETRAINED") or house() / "pretrained").absolute())


@lru_cache(maxsize=8)
def _resolved(folder: Path) -> Path:
    return folder.resolve()


@dataclass(frozen=True)
class Shelved:
    """A run on the shelf, with what a lab would keep in its database."""

    run: Run
    place: int  # among the others
    group_about: str  # what a reader should know of the group, in a sentence or two
    metrics: tuple[Mapping[str, Any], ...]  # of each epoch, in order
    digest: str  # of the list of checksums, and so of everything


@dataclass(frozen=True)
class Shelf:
    """What a folder of pretrained runs holds. It is read once: files on a shelf do not change."""

    home: Path

    @cached_property
    def _opened(self) -> tuple[dict[str, Shelved], dict[str, str]]:
        good, faults = {}, {}
        for folder in sorted(self.home.iterdir()) if self.home.is_dir() else ():
            if not folder.is_dir() or folder.name.startswith((".", "_")):
                continue
            try:
                good[folder.name] = _open(folder)
            except ShelfError as error:
                faults[folder.name] = str(error)
        return dict(sorted(good.items(), key=lambda item: item[1].place)), faults

    @property
    def runs(self) -> tuple[Run, ...]:
        """Return the runs whose files are whole, in the shelf's order."""
        return tuple(shelved.run for shelved in self._opened[0].values())

    @property
    def faults(self) -> Mapping[str, str]:
        """Return, by its name, why a folder was not opened."""
        return self._opened[1]

    def get(self, run_id: str) -> Shelved | None:
        """Return what is shelved under this id."""
        return self._opened[0].get(run_id)


@lru_cache(maxsize=8)
def open_shelf(home: Path) -> Shelf:
    """Return the shelf in this folder, one for the whole process."""
    return Shelf(home)


def _open(folder: Path) -> Shelved:
    if not RUN_ID.fullmatch(folder.name):
        raise ShelfError("the folder's name should have 8 to 64 small letters, digits and hyphens")
    _check_sums(folder)
    try:
        about = json.loads((folder / ABOUT).read_bytes())
        if about["format_version"] > FORMAT_VERSION:
            raise ShelfError(f"made by a newer version (format {about['format_version']}); update this app to open it")
        recipe = Recipe.parse((folder / "recipe.json").read_text(encoding="utf-8"), stored=True)
        metrics = tuple(map(that_hold, json.loads((folder / METRICS).read_bytes())))
        run = Run(
            id=folder.name,
            recipe=recipe,
            execution=Execution.model_validate(about["execution"]),
            **{name: about[name] for name in ("group_id", "group_name", "name", "seconds", "provenance", "created")},
            state="finished",
            epoch=metrics[-1]["epoch"],
            progress=1.0,
            shelved=True,
        )
        digest = hashlib.sha256((folder / SUMS).read_bytes()).hexdigest()[:8]
        return Shelved(run, about["place"], about["group_about"], metrics, digest)
    except (OSError, RecipeError, ValueError, LookupError, TypeError) as error:
        raise ShelfError(str(error) if isinstance(error, ShelfError) else f"it cannot be read ({error})") from error


def _check_sums(folder: Path) -> None:
    try:
        lines = (folder / SUMS).read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise ShelfError(f"its list of checksums, {SUMS}, is missing or cannot be read") from error
    sums = {name: digest for digest, _, name in (line.partition("  ") for line in lines)}
    for name in files_of(folder):
        if name not in sums:
            raise ShelfError(f"{name} does not belong there: {SUMS} does not list it")
    for name, digest in sums.items():
        try:
            content = (folder / name).read_bytes()
        except OSError as error:
            raise ShelfError(f"{name} is missing; fetch the folder anew") from error
        if hashlib.sha256(content).hexdigest() != digest:
            raise ShelfError(f"{name} was changed or is damaged: its checksum is another; fetch the folder anew")


def files_of(folder: Path) -> list[str]:
    """Return the names of a shelved folder's files, the list of checksums aside, in order."""
    found = (file.relative_to(folder) for file in folder.rglob("*") if file.is_file())
    visible = (name.as_posix() for name in found if not any(part.startswith(".") for part in name.parts))
    return sorted(name for name in visible if name != SUMS)


def write_sums(folder: Path) -> None:
    """List the checksum of every file, which seals the folder."""
    lines = [f"{hashlib.sha256((folder / name).read_bytes()).hexdigest()}  {name}" for name in files_of(folder)]
    (folder / SUMS).write_text("\n".join(lines) + "\n", encoding="utf-8")
