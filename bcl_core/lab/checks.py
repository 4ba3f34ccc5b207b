"""Whether what recipes name could be read and imported at all, before a run is entered. Imports no torch of its own.

`python -m bcl_core.lab.checks KEY=NAME …` imports what these settings name, for a process that is to stay without it.
"""

import subprocess
import sys
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any

from bcl_core.data.source import DataError
from bcl_core.lab.launch import environment
from bcl_core.lab.run import LabError
from bcl_core.metrics import MEASURES
from bcl_core.recipe import DataPaths, Recipe
from bcl_core.recipe.settings import MENUS
from bcl_core.registry import Entry, dataset_of, in_a_line

SECONDS = 60  # that imports may take
_FAULT = 2  # exit code
_METRIC = "BCL_LAB_METRICS"
_TABLES: Mapping[str, Mapping[str, Entry]] = {**MENUS, _METRIC: MEASURES}
_NAMING = ("loss.name", "data.source", "views", "model.backbone")


def check_before_training(recipes: Collection[Recipe], paths: DataPaths, *, elsewhere: bool) -> None:
    """Raise LabError where a recipe names data that are not there, or code of one's own that cannot be imported.

    `elsewhere` imports it in a process of its own, as the worker would, so that this one stays as it is.
    """
    check_data(recipes, paths)
    own = _own(recipes)
    if not own:
        return
    if not elsewhere:
        import_own(own)
        return
    command = [sys.executable, "-m", __name__, *own]
    try:
        done = subprocess.run(command, env=environment(), capture_output=True, text=True, timeout=SECONDS, check=False)
    except subprocess.TimeoutExpired as error:
        raise LabError(f"{', '.join(own)}: not imported within {SECONDS} seconds") from error
    if done.returncode:
        said = done.stderr.strip().rpartition("\n")[2] if done.returncode == _FAULT else ""
        raise LabError(said or f"{', '.join(own)}: importing it ended the process (exit code {done.returncode})")


def check_data(recipes: Iterable[Recipe], paths: DataPaths) -> None:
    """Raise LabError, with the path and what would be right, where a recipe's data set could read nothing there."""
    for source in dict.fromkeys(recipe.data.source for recipe in recipes):
        dataset = dataset_of(source)
        if dataset.needs_path and paths.path is None:
            raise LabError(f"{dataset.title} needs the folder of the images (data.path)")
        try:
            dataset.check_places(paths)
        except DataError as error:
            raise LabError(f"{dataset.title}: {error}") from error
        except OSError as error:
            raise LabError(f"{dataset.title}: {paths.path} cannot be read ({error})") from error


def import_own(named: Sequence[str]) -> None:
    """Import what such settings name; LabError with the first line of what was wrong where that cannot be."""
    for text in named:
        key, _, name = text.partition("=")
        target = _TABLES[key][name].target
        try:
            found = _TABLES[key][name].load()
        except (Exception, SystemExit) as error:
            raise LabError(f'{key} is "{name}": {target} cannot be imported: {in_a_line(error)}') from error
        if key != "views" and not callable(found):
            raise LabError(f'{key} is "{name}": {target} is a {type(found).__name__}; it should be a class or function')


def _own(recipes: Iterable[Recipe]) -> list[str]:
    """Return KEY=NAME of all that is one's own: what recipes name, and metrics, which every run measures."""
    named: list[tuple[str, Any]] = [(_METRIC, name) for name in MEASURES]
    for recipe in recipes:
        of_recipe = (recipe.loss.name, recipe.data.source, recipe.views, recipe.model.backbone)
        named += zip(_NAMING, of_recipe, strict=True)
    unique = dict.fromkeys(named)
    known = ((key, name, _TABLES[key].get(name)) for key, name in unique)
    return [f"{key}={name}" for key, name, entry in known if entry and entry.is_own]


if __name__ == "__main__":
    try:
        import_own(sys.argv[1:])
    except LabError as error:
        print(error, file=sys.stderr)
        sys.exit(_FAULT)
