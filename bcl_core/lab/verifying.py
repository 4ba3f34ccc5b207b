"""Whether everything that a run keeps is still as it was written. Reads each of its files; imports no torch."""

from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from PIL import Image

from bcl_core.lab.files import RunFolder, SnapshotError
from bcl_core.lab.rows import recipe_of
from bcl_core.lab.run import Run
from bcl_core.lab.store import Lab
from bcl_core.recipe import RecipeError, Unreadable

WITH_DIGESTS = (".safetensors", ".pt")


class Verified(NamedTuple):
    """What was read of a run, and what of it is not as it should be, in words."""

    run: Run
    files: int
    size: int  # bytes
    faults: tuple[str, ...]


def verify(lab: Lab) -> Iterator[Verified]:
    """Read every run of the lab, those that were deleted and can be restored too, and every one on the shelf.

    Of those on the shelf, also what the lab has made of them since: images and projections. A folder of the shelf with
    a fault is not among its runs: `Shelf.faults` names it.
    """
    for run in (*lab.runs(), *lab.deleted_runs()):
        folder = lab.own_folder(run.id)
        yield Verified(run, len(folder.files()), folder.size(), tuple(_faults(lab, run, folder)))
    for run in lab.shelf.runs:  # whose files are held against their checksums where it is opened
        folder = lab.folder(run.id)
        later = RunFolder(folder.made_later or folder.path)
        files = {*folder.files(), *later.files()}
        size = sum(file.stat().st_size for file in files)
        yield Verified(run, len(files), size, tuple(_damaged(later)))


def _faults(lab: Lab, run: Run, folder: RunFolder) -> Iterator[str]:
    if not folder.path.is_dir():
        yield f"its folder, {folder.path.name}, is missing"
        return
    if isinstance(run.recipe, Unreadable):
        yield f"its row in the database cannot be read: {run.recipe.reason}"
    else:
        yield from _recipe_fault(run, folder)
    if folder.pack.exists() and not folder.packed():
        yield f"{folder.pack.name} of this run cannot be read"
    yield from _damaged(folder)
    recorded, readable = lab.epochs(run.id), {row["epoch"] for row in lab.metrics(run.id)}
    for epoch in sorted({*recorded} - {*folder.epochs()}):
        yield f"the view of epoch {epoch} is missing"
    for epoch in sorted({*recorded} - readable):
        yield f"the figures of epoch {epoch} cannot be read in the database"


def _damaged(folder: RunFolder) -> Iterator[str]:
    """Read a folder's files, and name those that are not as they were written, of those that tell."""
    packed = {folder.path / name for name in folder.packed()}
    for file in sorted({*packed, *folder.files()}):
        if file.suffix in WITH_DIGESTS:
            try:
                folder.content(file)
            except SnapshotError as error:
                if file in packed or file.exists():  # else who trains has put a newer one in its place meanwhile
                    yield str(error)
        elif file == folder.sprite and not _is_image(file):
            yield f"{file.name} of this run is damaged"


def _recipe_fault(run: Run, folder: RunFolder) -> Iterator[str]:
    """Say where the folder's recipe is not the database's; a recorded run's may have grown beyond its plan."""
    try:
        written = recipe_of(folder.recipe.read_text(encoding="utf-8"))
        grown = getattr(run.recipe, "epochs", None)
        if written != run.recipe and written.model_copy(update={"epochs": grown}) != run.recipe:
            yield f"{folder.recipe.name} of this run is another than the database has"
    except (OSError, UnicodeDecodeError, RecipeError) as error:
        yield f"{folder.recipe.name} of this run cannot be read: {error}"


def _is_image(file: Path) -> bool:
    try:
        with Image.open(file) as image:
            image.verify()
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError):
        return False
    return True
