"""What viewers of a class may train, where its presenter lets them: races as they are offered, small ones alone.

A race that the lab has already is shared and not trained again. Viewers' races are trained one at a time, in the order
in which they were started, and only while nothing of the presenter's waits. Of a visitor there is one at a time: whose
it is, this process remembers.
"""

from threading import Lock

from app import races
from app.races import Draft
from bcl_core.data.cifar10 import at_hand as cifar10_at_hand
from bcl_core.lab import GroupPlan, Lab, LabError
from bcl_core.lab.checks import check_before_training
from bcl_core.lab.equal import equal_race
from bcl_core.recipe import PRESETS, RACES, Recipe
from bcl_core.registry import DATASETS

MOST_EPOCHS, MOST_PER_CLASS = 60, 500  # training images in the largest class

_starting = Lock()  # two who start the same race at once share it
_started: dict[str, list[str]] = {}  # by visitor: the runs of the race that is waiting or trained


def offered() -> dict[str, str]:
    """Return the races that viewers may start, by their keys in RACES, with their titles."""
    return {
        key: race.title for key, race in RACES.items() if all(_is_small(PRESETS[name].recipe) for name in race.presets)
    }


def start_race(lab: Lab, race: str, visitor: str) -> tuple[list[str], bool]:
    """Return the ids of a race's runs, and whether the lab had them; else they are queued, behind all others.

    Raises QueueFull, or LabError where one cannot be trained here, or another one of this visitor's has not ended.
    """
    draft = Draft.of(race)
    recipes, execution = draft.recipes(), draft.execution()
    with _starting:
        known = [run for run in equal_race(lab, recipes, execution.data) or [] if not run.shelved]
        if known:
            return [run.id for run in known], True
        active = {run.id: run for run in lab.active_runs()}
        for theirs in [*_started]:
            if not (runs := [active[run_id] for run_id in _started[theirs] if run_id in active]):
                del _started[theirs]
            elif theirs == visitor:
                raise LabError(f"{runs[0].group_name!r}, which you have started, has not ended: one race at a time")
        check_before_training(recipes, execution.data, elsewhere=True)
        plan = GroupPlan(races.group_name(draft), list(zip(races.run_names(recipes), recipes, strict=True)))
        _started[visitor] = lab.enqueue(plan, execution.model_copy(update={"behind": True}))
        return _started[visitor], False


def _is_small(recipe: Recipe) -> bool:
    data = recipe.data
    is_here = not DATASETS[data.source].needs_path and (data.source != "cifar10" or cifar10_at_hand() is not None)
    return is_here and recipe.epochs <= MOST_EPOCHS and (data.max_per_class or MOST_PER_CLASS + 1) <= MOST_PER_CLASS
