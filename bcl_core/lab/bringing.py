"""Runs out of a zip that `bcl_core.lab.export` wrote, here or elsewhere, into a lab. Nothing in the file is executed.

A zip may come from anybody. Its names are those that an export has and no others, it unpacks to no more than it is, and
every file is read before a run is entered: all of its runs are, or none.
"""

import json
import re
import shutil
import tempfile
import zipfile
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any, Literal, NamedTuple

from filelock import FileLock
from pydantic import Field, ValidationError

from bcl_core.lab.export import METRICS, README, RECIPE, ROW
from bcl_core.lab.files import RunFolder, SnapshotError
from bcl_core.lab.names import new_id, proper_name
from bcl_core.lab.rows import is_made_up, recipe_of
from bcl_core.lab.run import LabError, Run, UnknownRun
from bcl_core.lab.samples import read_samples
from bcl_core.lab.store import BROUGHT_ASIDE, Lab
from bcl_core.metrics import that_hold
from bcl_core.recipe import FORMAT_VERSION, RUN_ID, Execution, Recipe, RecipeError, Recorded
from bcl_core.recipe.fields import LAST_EPOCH, Section, explain

MAX_RUNS = 1000
MAX_CLASS_NAME = 200  # characters
_EPOCH_FILE = r"(?:view|embeddings)/[0-9]{4,5}\.safetensors"
_NAME = re.compile(
    rf"([a-z0-9-]{{8,64}})/({ROW}|{RECIPE}|{METRICS}|(?:weights|samples|predicted|history)\.safetensors|epochs\.zip|"
    rf"{_EPOCH_FILE}|checkpoint/[0-9]{{4,5}}\.pt)"
)
HISTORY = "history.safetensors"
_PACKED = re.compile(_EPOCH_FILE)


class Brought(NamedTuple):
    """A run of the zip."""

    run_id: str  # in this lab; another one than in the zip where that was taken
    name: str
    was_here: bool  # the lab has this run already, as it is in the zip
    was_deleted: bool = False  # it was there, but deleted, and is now restored


class _Row(Section):
    """`run.json`: what a lab's database says of a run that has ended."""

    format_version: Annotated[int, Field(ge=1, le=FORMAT_VERSION)]
    name: str
    group_id: str
    group_name: str
    state: Literal["finished", "stopped", "failed"]
    epoch: Annotated[int, Field(ge=0, le=LAST_EPOCH)]
    progress: Annotated[float, Field(ge=0, le=1)]
    seconds: Annotated[float, Field(ge=0, le=1e10)]
    error: Annotated[str, Field(max_length=2000)] | None
    created: Annotated[float, Field(ge=0, le=1e10)]
    rev: Annotated[int, Field(ge=0, le=2**31)] | None = None  # earlier releases have none
    provenance: dict[str, str]
    execution: Execution


def holds_runs(file: Path) -> bool:
    """Whether a file is a zip of runs, as far as its list of contents tells."""
    if not file.is_file():  # a pipe would be waited for
        return False
    try:
        with zipfile.ZipFile(file) as archive:
            return any(name.endswith(f"/{ROW}") for name in archive.namelist())
    except Exception:  # whoever reads it then says what is wrong with it
        return False


def bring(lab: Lab, file: Path) -> list[Brought]:
    """Enter the runs of a zip, all or none; return them in the zip's order.

    A run that the lab has already, as it is, is left alone, and restored where it was deleted. One whose id is taken by
    another run gets a new id.

    Raises:
        LabError: the file is no such zip, damaged, or holds what no export does; the message names it.
        OSError: it cannot be read, or there is no room for its runs.
    """
    with FileLock(lab.home / "bringing.lock"):  # who brings the same in at the same time finds it here
        for left in (lab.home / "runs").glob(f"{BROUGHT_ASIDE}*"):  # by a process that was killed
            shutil.rmtree(left, ignore_errors=True)
        aside = Path(tempfile.mkdtemp(prefix=BROUGHT_ASIDE, dir=lab.home / "runs"))
        try:
            return _enter(lab, _found(file, aside), aside)
        finally:
            shutil.rmtree(aside, ignore_errors=True)


def _found(file: Path, aside: Path) -> list[tuple[Run, list[dict[str, Any]]]]:
    """Unpack and read the runs of a zip."""
    try:
        with zipfile.ZipFile(file) as archive:
            return [_read(aside / run_id) for run_id in _unpack(archive, file, aside)]
    except (LabError, OSError, MemoryError):
        raise
    except Exception as error:  # what is damaged, or made to be, can fail in any way
        said = error or type(error).__name__
        raise LabError(f"{file.name} is not a whole export of runs ({said}): export or copy it again") from error


def _unpack(archive: zipfile.ZipFile, file: Path, aside: Path) -> list[str]:
    """Write the files of each run into a folder of its id; return the ids."""
    entries = [entry for entry in archive.infolist() if entry.filename != README]
    names = [entry.filename for entry in entries]
    if odd := next((name for name in names if not _NAME.fullmatch(name)), None):
        raise LabError(f"{file.name} holds {odd[:80]!r}, which no export of runs does: nothing was brought in")
    if len(set(names)) < len(names):
        raise LabError(f"{file.name} holds a file twice: nothing was brought in")
    if any(entry.compress_type != zipfile.ZIP_STORED for entry in entries) or (
        sum(entry.file_size for entry in entries) > file.stat().st_size
    ):
        raise LabError(f"{file.name} would unpack to more than it is; exports are not compressed")
    runs = list(dict.fromkeys(name.partition("/")[0] for name in names))
    if not 1 <= len(runs) <= MAX_RUNS:
        raise LabError(f"{file.name} holds {len(runs):,} runs; an export holds 1 to {MAX_RUNS:,}")
    for entry in entries:
        if entry.filename.endswith(f"/{HISTORY}"):
            continue  # it follows from the rest
        place = aside / entry.filename
        place.parent.mkdir(parents=True, exist_ok=True)
        with archive.open(entry) as source, place.open("wb") as copy:
            shutil.copyfileobj(source, copy, 1 << 20)
    return runs


def _read(folder: Path) -> tuple[Run, list[dict[str, Any]]]:
    """Return the run of an unpacked folder and its metrics; LabError where a file of it is missing or damaged."""
    try:
        row = _Row.model_validate_json((folder / ROW).read_bytes())
        recipe = recipe_of((folder / RECIPE).read_text(encoding="utf-8"))
        metrics = _metrics(json.loads((folder / METRICS).read_bytes()), row.epoch)
        _check_files(RunFolder(folder))
        _check_classes(RunFolder(folder))
        return _run(folder.name, row, recipe), metrics
    except ValidationError as error:
        raise LabError(f"{ROW} of {folder.name} cannot be used: {explain(error)}") from error
    except (RecipeError, SnapshotError, ValueError, zipfile.BadZipFile) as error:
        raise LabError(f"{folder.name} cannot be brought in: {error}") from error
    except FileNotFoundError as error:
        raise LabError(f"{Path(error.filename).name} of {folder.name} is missing in the zip") from error


def _run(run_id: str, row: _Row, recipe: Recipe | Recorded) -> Run:
    known = row.model_dump(exclude={"format_version", "name", "group_name", "group_id", "execution"})
    return Run(
        id=run_id,
        name=proper_name(row.name),
        group_id=row.group_id,
        group_name=proper_name(row.group_name),
        recipe=recipe,
        execution=row.execution,
        run_until=None,
        stop=False,
        note=None,
        **known,
    )


def _metrics(rows: Any, last: int) -> list[dict[str, Any]]:
    is_list = isinstance(rows, list) and all(isinstance(row, dict) for row in rows)
    epochs = [row.get("epoch") for row in rows] if is_list else []
    rises = all(isinstance(epoch, int) for epoch in epochs) and epochs == sorted({*epochs})
    if not epochs or not rises or epochs[0] < 0 or epochs[-1] != last:
        raise ValueError(f"{METRICS} should be a list of rising epochs, an object each, that ends with epoch {last}")
    if not all(map(_is_figure, (value for row in rows for value in row.values()))):
        raise ValueError(f"{METRICS} should hold finite numbers, lists of them, and null")
    return [that_hold(row) for row in rows]


def _is_figure(value: Any) -> bool:
    if isinstance(value, list):
        return all(map(_is_figure, value))
    return value is None or (isinstance(value, int | float) and abs(value) < 1e300)  # which NaN is not


def _check_files(folder: RunFolder) -> None:
    """Read every file that can be damaged, and see that the pack holds epochs alone."""
    if folder.pack.exists():
        with zipfile.ZipFile(folder.pack) as pack:
            entries = pack.infolist()
            size = sum(entry.file_size for entry in entries)
            if not all(_PACKED.fullmatch(entry.filename) for entry in entries) or size > folder.pack.stat().st_size:
                raise ValueError(f"{folder.pack.name} holds what no run's does")
            for entry in entries:
                folder.content(folder.path / entry.filename)
    for file in (*folder.path.rglob("*.safetensors"), *folder.path.rglob("*.pt")):
        folder.content(file)


def _check_classes(folder: RunFolder) -> None:
    """See that what pages compute of the classes can be computed."""
    names, counts = read_samples(folder)
    if not len(counts) or not (counts >= 1).all():
        raise ValueError("samples.safetensors should have a name and a training count of 1 or more for each class")
    if max(map(len, names)) > MAX_CLASS_NAME:
        raise ValueError(f"a class name has at most {MAX_CLASS_NAME} characters")
    labels = folder.arrays(folder.samples)["labels"]
    if not ((labels >= 0) & (labels < len(counts))).all():
        raise ValueError("samples.safetensors should have labels from 0 to the number of classes less one")
    if folder.predicted.exists() and len(folder.arrays(folder.predicted)["class_means"]) != len(counts):
        raise ValueError("predicted.safetensors should have a row for each class")


def _enter(lab: Lab, found: Sequence[tuple[Run, list[dict[str, Any]]]], aside: Path) -> list[Brought]:
    brought, entered, groups = [], [], _groups(lab, [run for run, _ in found])
    deleted = {run.id: run for run in lab.deleted_runs()}
    for run, metrics in found:
        was_deleted = run.id in deleted and _is_same(lab, deleted[run.id], run, metrics)
        if was_deleted:
            lab.restore([run.id])
        here = _known(lab, run.id)
        if here is not None and _is_same(lab, here, run, metrics):
            brought.append(Brought(run.id, here.name, was_here=True, was_deleted=was_deleted))
            continue
        free = here is None and not is_made_up(run.id) and not (lab.home / "runs" / run.id).exists()
        mine = replace(run, id=run.id if free else new_id(), group_id=groups[run.group_id])
        entered.append((mine, metrics, aside / run.id))
        brought.append(Brought(mine.id, mine.name, was_here=False))
    lab.enter(entered)
    return brought


def _known(lab: Lab, run_id: str) -> Run | None:
    try:
        return lab.run(run_id)
    except UnknownRun:
        return None


def _is_same(lab: Lab, here: Run, run: Run, metrics: Sequence[Mapping[str, Any]]) -> bool:
    return (here.recipe, here.epoch) == (run.recipe, run.epoch) and lab.metrics(here.id) == list(metrics)


def _groups(lab: Lab, runs: Sequence[Run]) -> dict[str, str]:
    """Return which group here each group of the zip becomes: its own where that is free or of the same name."""
    taken = {run.group_id: run.group_name for run in (*lab.runs(), *lab.shelf.runs)}
    wanted = {run.group_id: run.group_name for run in runs}
    return {
        group_id: group_id if RUN_ID.fullmatch(group_id) and taken.get(group_id, name) == name else new_id()
        for group_id, name in wanted.items()
    }
