"""A race before it is trained: its runs as switches, and the recipes that they make. Nothing here draws."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Literal, Self

from app.names import DIFFERENCES, numbered
from bcl_core.recipe import PRESETS, RACES, RANDOM, Execution, Recipe, RecipeError, apply_settings, parameter_names
from bcl_core.registry import DATASETS, LOSSES, PairWeights

MOST_RUNS = 5
"""That the stage shows side by side; as `MOST_RUNS` of its state.js."""

LONGEST_NAME = 80

ADJUSTMENT = "loss.prior_strength"
START = "model.start"
SWITCHED = ("loss.name", "loss.anchors", "loss.prototypes", "loss.temperature", "data.imbalance_factor", "seed")
"""The fields of a recipe that each run has of its own; of ADJUSTMENT, whether it is 0; of START, whether it is used."""

BY_SWITCHES = ""
"""In place of a loss's name: the corner of the square that the switches say."""

_GENERAL_RACE = "own-images"  # for data sets that have no race of their own
_BALANCED = {
    "data.imbalance_kind": "exp",
    "data.imbalance_factor": 100.0,
    "data.image_size": None,
    "data.test_per_class": None,
}


@dataclass(frozen=True)
class Switches:
    """What one run of a race is, beside what all of its runs share."""

    contrastive: bool  # else cross-entropy alone, for which averaging, complement, anchors and τ mean nothing
    averaging: bool
    complement: bool
    adjusted: bool  # whether logits are adjusted
    anchors: Literal["instance", "class"]
    temperature: float
    imbalance_factor: float
    seed: int
    prototypes: str = "learned"  # a key of PROTOTYPES, where the loss contrasts with any
    other: str = BY_SWITCHES  # or a loss that is no corner: averaging and complement mean nothing then
    warm: bool = False  # whether it starts from the weights that the race starts from, if that has any

    @classmethod
    def of(cls, recipe: Recipe) -> Self:
        """Return how the switches of a recipe stand."""
        loss, entry = recipe.loss, LOSSES[recipe.loss.name]
        weights = entry.weights or PairWeights(class_averaging=False, class_complement=False)
        return cls(
            entry.contrastive,
            weights.class_averaging,
            weights.class_complement,
            loss.prior_strength > 0,
            loss.anchors,
            loss.temperature,
            recipe.data.imbalance_factor,
            recipe.seed,
            loss.prototypes,
            loss.name if loss.name in other_losses() else BY_SWITCHES,
            recipe.model.warm,
        )

    @property
    def loss(self) -> str:
        """The name of the loss that they make."""
        if self.contrastive and self.other != BY_SWITCHES:
            return self.other
        wanted = PairWeights(self.averaging, self.complement) if self.contrastive else None
        return next(
            name for name, entry in LOSSES.items() if (entry.contrastive, entry.weights) == (self.contrastive, wanted)
        )

    def settings(self, base: Recipe) -> dict[str, Any]:
        """Return the settings that make `base` this run; what means nothing in it stays as it is in `base`."""
        settings: dict[str, Any] = {"loss.name": self.loss, "seed": self.seed}
        if self.contrastive:
            prototypes = self.prototypes if LOSSES[self.loss].prototypes else "learned"
            settings |= {"loss.anchors": self.anchors, "loss.temperature": self.temperature}
            settings |= {"loss.prototypes": prototypes}
        if base.data.imbalance_kind != "natural":
            settings["data.imbalance_factor"] = self.imbalance_factor
        return settings if self.adjusted else {**settings, ADJUSTMENT: 0.0}


@dataclass(frozen=True)
class Draft:
    """A race that is being put together."""

    race: str  # the key in RACES that it started from
    source: str  # of its images
    runs: Mapping[int, Switches]  # by numbers that are not used again
    changed: Mapping[str, Any] = field(default_factory=dict)  # by which all runs differ from `base`
    paths: Mapping[str, str] = field(default_factory=dict)  # settings of the execution: where the images lie

    @classmethod
    def of(cls, race: str, first: int = 0) -> Self:
        """Return a race as it is in RACES; its runs are counted from `first`."""
        recipes = [PRESETS[name].recipe for name in RACES[race].presets]
        return cls(race, recipes[0].data.source, dict(enumerate(map(Switches.of, recipes), first)))

    @property
    def base(self) -> Recipe:
        """What all runs share before anything is changed, but for what differs with the loss."""
        family = _family(self.race)
        return family if self.source == family.data.source else _on(self.source, family)

    @property
    def next_run(self) -> int:
        """The number of the next run."""
        return max(self.runs, default=-1) + 1

    def plain(self) -> list[Recipe]:
        """Return the runs' recipes without what is changed for all of them: these are always recipes.

        A run with a number that no recipe takes has those of `base`.
        """
        return [self._plain(run) for run in self.runs.values()]

    def recipes(self) -> list[Recipe]:
        """Return the runs' recipes; RecipeError where a setting does not fit."""
        return [self._recipe(run, self.changed) for run in self.runs.values()]

    def execution(self) -> Execution:
        """Return where the images lie; RecipeError where a path is none."""
        return apply_settings(self.base, Execution(), self.paths)[1]

    def with_run(self) -> Self:
        """Return the race with a copy of its last run."""
        return replace(self, runs={**self.runs, self.next_run: list(self.runs.values())[-1]})

    def without(self, number: int) -> Self:
        """Return the race without one of its runs."""
        return replace(self, runs={other: run for other, run in self.runs.items() if other != number})

    def on(self, source: str) -> Self:
        """Return the race on another data set, with the long tail, image size and views that go with that."""
        changed = {name: value for name, value in self.changed.items() if not of_data(name)}
        other = replace(self, source=source, changed=changed, paths={})
        factor, warm = other.base.data.imbalance_factor, other.base.model.warm
        runs = {number: replace(run, imbalance_factor=factor, warm=warm) for number, run in self.runs.items()}
        return replace(other, runs=runs)

    def seeded(self, seed: int) -> Self:
        """Return the race with one seed for all of its runs."""
        return replace(self, runs={number: replace(run, seed=seed) for number, run in self.runs.items()})

    def _plain(self, run: Switches) -> Recipe:
        try:
            return self._recipe(run, {})
        except RecipeError:
            usual = Switches.of(self.base)
            numbers = {name: getattr(usual, name) for name in ("temperature", "imbalance_factor", "seed")}
            return self._recipe(replace(run, **numbers), {})

    def _recipe(self, run: Switches, changed: Mapping[str, Any]) -> Recipe:
        base, foreign = self.base, set(parameter_names()) - set(parameters_of(run.loss))
        changed = {name: value for name, value in changed.items() if name not in foreign}
        if base.model.warm and not run.warm:
            changed = {**changed, START: RANDOM}
        kind = apply_settings(base, Execution(), {**changed, **run.settings(base)})[0]
        alike = PRESETS.get(f"{self.race}-{kind.variant}")  # weighs its terms as this loss does
        if alike is not None:
            base = base.model_copy(update={"loss": alike.recipe.loss})
        return apply_settings(base, Execution(), {**changed, **run.settings(kind)})[0]


def other_losses() -> dict[str, str]:
    """Return the titles of the contrastive losses that are no corner of the square, with one for those that are."""
    others = {name: entry.title for name, entry in LOSSES.items() if entry.contrastive and entry.weights is None}
    return {BY_SWITCHES: "SCL … BCL", **others}


def parameters_of(loss: str) -> list[str]:
    """Return the names of the settings that a loss has of its own."""
    return [f"loss.{parameter.name}" for parameter in LOSSES[loss].parameters]


def of_data(name: str) -> bool:
    """Whether a field says what is trained on."""
    return name.startswith("data.") or name == "views"


def _family(race: str) -> Recipe:
    recipes = [PRESETS[name].recipe for name in RACES[race].presets]
    return next(recipe for recipe in recipes if recipe.loss.contrastive)


def _on(source: str, recipe: Recipe) -> Recipe:
    """Return the recipe on another data set, as that one's own race has it; else as one's own images are had."""
    families = {_family(race).data.source: _family(race) for race in reversed(list(RACES))}
    there = families.get(source, _family(_GENERAL_RACE))
    other = recipe.model_copy(update={"data": there.data, "views": there.views})
    start = there.model.start if there.model.backbone == recipe.model.backbone else RANDOM
    balanced = source not in families and not DATASETS[source].needs_path
    settings = {"data.source": source, START: start, **(_BALANCED if balanced else {})}
    return apply_settings(other, Execution(), settings)[0]


def names(recipes: Sequence[Recipe], *always: str) -> list[str]:
    """Name runs by their titles; those of one title also by what of DIFFERENCES they differ in, or is `always` said.

    What is alike in all of that gets a number.
    """
    found = []
    for recipe in recipes:
        alike = [other for other in recipes if other.title == recipe.title]
        words = [
            say(recipe)
            for what, say in DIFFERENCES.items()
            if what in always or len({say(other) for other in alike}) > 1
        ]
        found.append(", ".join([recipe.title, *words]))
    return numbered(found)


def run_names(recipes: Sequence[Recipe]) -> list[str]:
    """Name runs as a lab is to keep them, with their seeds, no longer than it takes."""
    return [name[:LONGEST_NAME] for name in names(recipes, "seed")]


def group_name(draft: Draft) -> str:
    """Name the race by its losses, its data and its seeds: "SCL vs BCL, digits, seed 0"."""
    recipes = draft.plain()
    losses = list(dict.fromkeys(LOSSES[recipe.loss.name].title for recipe in recipes))
    who = " vs ".join(losses) if len(losses) <= 3 else f"{len(losses)} losses"
    own = draft.source == _family(draft.race).data.source
    where = RACES[draft.race].title.split(", ")[1] if own else DATASETS[draft.source].title
    seeds = sorted({recipe.seed for recipe in recipes})
    return f"{who}, {where}, {'seed' if len(seeds) == 1 else 'seeds'} {', '.join(map(str, seeds))}"[:LONGEST_NAME]


def twins(recipes: Sequence[Recipe]) -> tuple[int, int] | None:
    """Return the places of the first two recipes that are equal."""
    hashes = [recipe.hash for recipe in recipes]
    return next(((hashes.index(it), place) for place, it in enumerate(hashes) if it in hashes[:place]), None)
