"""Races that were trained before: the same recipes, seeds included, on the same data."""

from collections.abc import Iterable, Sequence

from bcl_core.lab.run import Run
from bcl_core.lab.store import Lab
from bcl_core.recipe import DataPaths, Recipe
from bcl_core.registry import dataset_of

COUNTED = ("queued", "running", "paused", "finished")


def equal_race(lab: Lab, recipes: Sequence[Recipe], paths: DataPaths) -> list[Run] | None:
    """Return the runs of a group that has exactly these recipes, in their order; None where there is no such group.

    Of several, one of the lab's own before those that come with the project, and the newest. A recipe may be there
    twice. Where the data lie counts for data sets that need a path alone; of those, nobody can say whether data on the
    shelf's machine were the same.
    """
    wanted = sorted(recipe.hash for recipe in recipes)
    for runs in _groups([*lab.runs(), *lab.shelf.runs]):
        same = [run for run in runs if _counts(lab, run) and _on_same_data(run, paths)]
        if wanted and sorted(run.recipe.hash for run in same) == wanted:
            left = {run.id: run for run in same}
            found = (next(key for key, run in left.items() if run.recipe.hash == recipe.hash) for recipe in recipes)
            return [left.pop(run_id) for run_id in found]
    return None


def _groups(runs: Iterable[Run]) -> Iterable[list[Run]]:
    groups: dict[str, list[Run]] = {}
    for run in runs:
        groups.setdefault(run.group_id, []).append(run)
    return groups.values()


def _counts(lab: Lab, run: Run) -> bool:
    """Whether the run is, or will be, what its recipe says: one from imported weights is not."""
    if run.state not in COUNTED or run.stop or not isinstance(run.recipe, Recipe):
        return False
    return run.shelved or not lab.folder(run.id).initial.exists()


def _on_same_data(run: Run, paths: DataPaths) -> bool:
    source = run.training_recipe.data.source
    if not dataset_of(source).needs_path:
        return True
    theirs = run.execution.data
    return not run.shelved and (theirs.path, theirs.lists or theirs.path) == (paths.path, paths.lists or paths.path)
