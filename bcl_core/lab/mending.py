"""Putting a lab in order that lost its database, or whose processes were killed at what they did.

Run folders that the database does not know are entered again with what their files hold. A view carries the metrics of
its epoch, which come back as they were recorded. What stood in the database alone is not made up: a run is named after
its recipe, and where, and how long, it was trained is not known.
"""

import json
import shutil
import time
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from filelock import FileLock

from bcl_core.lab.files import CHECKPOINTS_KEPT, RunFolder, SnapshotError
from bcl_core.lab.history import predicted_means, summary
from bcl_core.lab.locks import taken
from bcl_core.lab.names import new_id
from bcl_core.lab.pack import forget, packed_twice
from bcl_core.lab.rows import recipe_of
from bcl_core.lab.run import Run
from bcl_core.lab.store import BROUGHT_ASIDE, ENTERED_SECONDS, Lab
from bcl_core.recipe import RUN_ID, Execution, Recipe, RecipeError, Recorded

GROUP = "Entered again"
PROVENANCE = {"entered again": "from the files of the run; where and how long it was trained is not known"}


def mend(lab: Lab) -> list[str]:
    """Enter the runs whose folders the database does not know; return their ids.

    They are "stopped", or "finished" where their last epoch is the last of the recipe. One whose recipe cannot be read
    is a run that says so. A folder whose lock another process holds is left alone.
    """
    group, entered = {"group_id": new_id(), "group_name": GROUP}, []
    for position, run_id in enumerate(lab.unknown_folders()):
        folder = lab.own_folder(run_id)
        if (lock := taken(folder.lock)) is None:
            continue
        try:
            metrics = {epoch: _metrics(folder, epoch) for epoch in folder.epochs()}
            lab.enter_found(_row(folder, max(metrics, default=None)) | group | {"position": position}, metrics)
        finally:
            lock.release()
        entered.append(run_id)
    return entered


def sweep(lab: Lab) -> list[str]:
    """Remove what killed processes left behind, of runs that nobody trains; return what was done, a sentence each.

    That is: files that were not written to their end, checkpoints that no run goes on from, epochs that were thinned
    out, or stand both alone and in the pack, folders that never became a run's, and figures of runs that are gone.
    """
    done = []
    for run in (*lab.runs(), *lab.deleted_runs()):
        folder = lab.own_folder(run.id)
        # Of a run whose row cannot be read nobody knows to which epoch it came, and so which files are of use.
        if not run.readable or not folder.path.is_dir() or run.active or (lock := taken(folder.lock)) is None:
            continue
        try:
            if left := [*_left_in(lab, run, folder)]:
                done.append(f"{run.id}: {_removed(left)}")
            kept = {*lab.epochs(run.id)}
            if gone := [epoch for epoch in folder.epochs() if epoch < (run.epoch or 0) and epoch not in kept]:
                forget(folder, gone)
                done.append(f"{run.id}: removed {len(gone)} epochs that are not kept")
        finally:
            lock.release()
    done += [f"removed {folder.name}, which never became a run" for folder in _never_runs(lab)]
    if orphans := lab.drop_orphans():
        done.append(f"removed the figures of {orphans} epochs of runs that are gone")
    return done


def _left_in(lab: Lab, run: Run, folder: RunFolder) -> Iterator[Path]:
    """Yield the files of a run at rest that nothing will read."""
    yield from (file for file in folder.path.rglob(".*.*") if file.is_file())
    usable = [epoch for epoch in folder.checkpoints() if epoch <= (run.epoch or 0)][-CHECKPOINTS_KEPT:]
    yield from (folder.checkpoint(epoch) for epoch in folder.checkpoints() if epoch not in usable)
    yield from packed_twice(folder)


def _removed(files: Iterable[Path]) -> str:
    """Remove files; say what went."""
    sizes = []
    for file in files:
        sizes.append(file.stat().st_size)
        file.unlink()
    return f"removed {len(sizes)} file{'s' * (len(sizes) > 1)} that nothing reads, {sum(sizes) / 1e6:.1f} MB"


def _never_runs(lab: Lab) -> Iterator[Path]:
    """Remove the folders among the runs' that never became one, and yield them."""
    for name in lab.strange_folders():
        folder = lab.home / "runs" / name
        if name.startswith(BROUGHT_ASIDE):
            with FileLock(lab.home / "bringing.lock"):  # whoever brings runs in has such a folder
                shutil.rmtree(folder, ignore_errors=True)
            yield folder
        elif RUN_ID.fullmatch(name) and _is_empty(RunFolder(folder)):
            shutil.rmtree(folder, ignore_errors=True)
            yield folder


def _is_empty(folder: RunFolder) -> bool:
    """Whether a folder holds nothing of a run, and is not just being made."""
    is_old = time.time() - folder.path.stat().st_mtime > ENTERED_SECONDS
    return is_old and not folder.recipe.exists() and not folder.epochs()


def _row(folder: RunFolder, last: int | None) -> dict[str, Any]:
    """Return the columns of a run whose last epoch is known."""
    try:
        text = folder.recipe.read_text(encoding="utf-8", errors="replace")
        written = folder.recipe.stat().st_mtime
    except OSError:
        text, written = "", time.time()
    row = {
        "id": folder.path.name,
        "name": folder.path.name,
        "recipe": text,
        "recipe_hash": "",
        "execution": Execution().model_dump_json(),
        "state": "stopped",
        "epoch": last,
        "created": written,
        "provenance": json.dumps(PROVENANCE),
    }
    try:
        recipe = recipe_of(text)
    except RecipeError:
        return row
    if isinstance(recipe, Recorded):  # it may have grown beyond its plan
        recipe = recipe.model_copy(update={"epochs": max(recipe.epochs, last or 0)})
    done = last or 0
    return row | {
        "name": f"{recipe.title}, seed {recipe.seed}" if isinstance(recipe, Recipe) else recipe.title,
        "recipe": recipe.model_dump_json(),
        "recipe_hash": recipe.hash,
        "state": "finished" if done == recipe.epochs else "stopped",
        "progress": min(1.0, done / recipe.epochs),
    }


def _metrics(folder: RunFolder, epoch: int) -> dict[str, Any]:
    """Return what is recorded of an epoch, else what follows from its view; nothing where that cannot be read."""
    try:
        view, text = folder.arrays(folder.view(epoch)), folder.metadata(folder.view(epoch)).get("metrics")
        if text is not None:
            return dict(json.loads(text))
        counts = folder.arrays(folder.samples)["class_counts"]
    except (SnapshotError, ValueError, KeyError):
        return {}
    accuracies = view.get("accuracy_per_class")
    known = (
        {} if accuracies is None else {"accuracy": float(accuracies.mean()), "accuracy_per_class": accuracies.tolist()}
    )
    return {**summary(view, counts, predicted_means(folder)), **known}
