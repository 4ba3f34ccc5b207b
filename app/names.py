"""Names that can be told apart: a menu knows its options by name alone, a reader the runs of a figure."""

import re
from collections import Counter
from collections.abc import Callable, Mapping, Sequence

from bcl_core.lab import Run
from bcl_core.recipe import PRESETS, Recipe

DIFFERENCES: Mapping[str, Callable[[Recipe], str]] = {
    "temperature": lambda recipe: f"τ {recipe.loss.temperature:g}",
    "imbalance": lambda recipe: f"imbalance {recipe.data.imbalance_factor:g}",
    "adjustment": lambda recipe: "logit-adjusted" if recipe.loss.prior_strength else "not logit-adjusted",
    "start": lambda recipe: "warm start" if recipe.model.warm else "cold start",
    "seed": lambda recipe: f"seed {recipe.seed}",
}
"""What the app adds to a loss's title to name a run, by what it tells apart."""


def labels(runs: Sequence[Run]) -> list[str]:
    """Label runs that are shown together, briefly: by their recipe's title, or by the name that somebody gave them.

    Those of one title have the run's name, those of one name their group's beside it, and what is still alike a number.
    """
    found = [run.name if _is_given(run) else run.recipe.title for run in runs]
    for longer in ([run.name for run in runs], [_with_group(run) for run in runs]):
        alike = Counter(found)
        found = [other if alike[label] > 1 else label for label, other in zip(found, longer, strict=True)]
    return numbered(found)


def _with_group(run: Run) -> str:
    return run.name if run.name == run.group_name else f"{run.name} · {run.group_name}"


def _is_given(run: Run) -> bool:
    """Whether somebody named the run: the app's own names are its loss's title and what tells it from others."""
    recipe = run.recipe
    name = re.sub(r" \([0-9]+\)$", "", run.name)
    if not isinstance(recipe, Recipe):
        return name != recipe.title
    if name in {recipe.title, *(preset.title for preset in PRESETS.values())}:
        return False
    own = {say(recipe) for say in DIFFERENCES.values()}
    return not (
        name.startswith(f"{recipe.title}, ") and own.issuperset(name.removeprefix(f"{recipe.title}, ").split(", "))
    )


def numbered(names: Sequence[str]) -> list[str]:
    """Tell those that are alike apart: "a", "a (2)", "a (3)" …"""
    again = [names[:place].count(name) for place, name in enumerate(names)]
    return [f"{name} ({times + 1})" if times else name for name, times in zip(names, again, strict=True)]
