"""Run folders that the database does not know, since it was lost: they are entered again with what their files hold.

A view carries the metrics of its epoch, which come back as they were recorded. What stood in the database alone is not
made up: a run is named after its recipe, and where, and how long, it was trained is not known.
"""

import json
import time
from typing import Any

from bcl_core.lab.files import RunFolder, SnapshotError
from bcl_core.lab.history import predicted_means, summary
from bcl_core.lab.locks import taken
from bcl_core.lab.rows import recipe_of
from bcl_core.lab.store import Lab, new_id
from bcl_core.recipe import Execution, Recipe, RecipeError, Recorded

GROUP = "Entered again"
PROVENANCE = {"entered again": "from the files of the run; where and how long it was trained is not known"}


def mend(lab: Lab) -> list[str]:
    """Enter the runs whose folders the database does not know; return their ids.

    They are "stopped", or "finished" where their last epoch is the last of the recipe. One whose recipe cannot be read
    is a run that says so. A folder whose lock another process holds is left alone.
    """
    group, entered = {"group_id": new_id(), "group_name": GROUP}, []
    for position, run_id in enumerate(lab.unknown_folders()):
        folder = RunFolder(lab.home / "runs" / run_id)
        if (lock := taken(folder.lock)) is None:
            continue
        try:
            metrics = {epoch: _metrics(folder, epoch) for epoch in folder.epochs()}
            lab.enter_found(_row(folder, max(metrics, default=None)) | group | {"position": position}, metrics)
        finally:
            lock.release()
        entered.append(run_id)
    return entered


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
