"""What commands share: from arguments to a recipe and an execution, and what they print."""

import argparse
import json
from pathlib import Path
from typing import Any, NamedTuple

from bcl_core.recipe import (
    RACES,
    Execution,
    Recipe,
    RecipeError,
    apply_settings,
    field_names,
    parameter_names,
    preset,
)

MAX_CALLED = 63  # characters of a name: the longest ", seed N" leaves as many


def _shared(*names: str, **options: Any) -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(add_help=False)
    parser.add_argument(*names, **options)
    return parser


# What several commands take, as argparse's `parents`.
A_RUN = _shared("run", metavar="RUN")
AS_JSON = _shared("--json", action="store_true", help="print objects, one a line, instead of sentences")
SETTINGS = _shared("--set", action="append", default=[], metavar="KEY=VALUE", help="data.path=FOLDER, say")


def add_recipe_arguments(parser: argparse.ArgumentParser, *, required: bool = True) -> Any:
    """Add what names a recipe: --preset or --recipe, --set, --seed; and --name, of the run.

    Returns the group of the first two, of which at most one may be given.
    """
    what = parser.add_mutually_exclusive_group(required=required)
    what.add_argument("--preset", metavar="NAME", help=f"FAMILY-LOSS, of the families {', '.join(RACES)}")
    what.add_argument("--recipe", type=Path, metavar="FILE", help="a recipe.json, of another run for example")
    parser.add_argument(
        "--set", action="append", default=[], metavar="KEY=VALUE", help="change a setting; may be repeated"
    )
    parser.add_argument("--seed", metavar="N", help="short for --set seed=N")
    parser.add_argument("--name", help="the run's name")
    return what


class Plan(NamedTuple):
    """A run's name, what to train, and where."""

    name: str
    recipe: Recipe
    execution: Execution


def what_to_train(arguments: argparse.Namespace) -> Plan:
    """Read what `add_recipe_arguments` added."""
    return changed(*_chosen_recipe(arguments), arguments)


def changed(recipe: Recipe, name: str, arguments: argparse.Namespace) -> Plan:
    """Apply --set and --seed to a recipe; where --name gives none, the run is called `name`, and by what was set."""
    settings = settings_of(arguments)
    decisive = [*field_names(Recipe), *parameter_names()]
    own = [f"{key}={value}" for key, value in settings.items() if key in decisive and key != "seed"]
    if arguments.seed is not None:
        settings["seed"] = arguments.seed
    recipe, execution = apply_settings(recipe, Execution(), settings)
    own.sort(key=lambda text: not text.startswith("loss."))
    called = ", ".join([name[:60], *own])
    called = called if len(called) <= MAX_CALLED else f"{called[: MAX_CALLED - 1]}…"
    return Plan(arguments.name or f"{called}, seed {recipe.seed}", recipe, execution)


def _chosen_recipe(arguments: argparse.Namespace) -> tuple[Recipe, str]:
    if arguments.preset is not None:
        return preset(arguments.preset), arguments.preset
    try:
        return Recipe.parse(arguments.recipe.read_text(encoding="utf-8")), arguments.recipe.stem
    except OSError as error:
        raise RecipeError(f"the recipe {arguments.recipe} cannot be read: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise RecipeError(f"{arguments.recipe} is no recipe: expected JSON, which is text") from error


def settings_of(arguments: argparse.Namespace) -> dict[str, str]:
    """Return what --set asked for."""
    for text in arguments.set:
        if "=" not in text:
            raise RecipeError(f"--set {text!r} has no value; write --set KEY=VALUE, for example --set epochs=20")
    return dict(text.split("=", 1) for text in arguments.set)


def say(arguments: argparse.Namespace, sentence: str, **fields: Any) -> None:
    """Print a sentence, or with --json the fields, as one object."""
    print(json.dumps(fields) if arguments.json else sentence, flush=True)
