"""`bench`: what training costs on this machine."""

import argparse
import json
import os
import sys
from pathlib import Path
from typing import Any

from bcl_core.cli.settings import SETTINGS, settings_of
from bcl_core.recipe import Execution, RecipeError, apply_settings, preset

PRESET = "cifar10-paper-bcl"
BATCH = 128  # images: half of the published recipe's, so that two cores are done in minutes
SMALL = {"model.backbone": "resnet8", "batch_size": "16"}
TEST_IMAGES, QUICK_TEST_IMAGES = 2000, 100


def add_commands(commands: Any) -> None:
    """Add `bench`."""
    bench = commands.add_parser(
        "bench",
        help="what training costs here: views a second, stages, memory, growth with classes, images and dimensions",
        description=f"Measures the preset {PRESET} at batch {BATCH} on random images; --set changes it.",
        parents=[SETTINGS],
    )
    bench.add_argument("--json", action="store_true", help="print one object instead of tables")
    bench.add_argument("--profile", type=Path, metavar="FILE", help="also write a trace of a few steps, as JSON")
    bench.add_argument("--quick", action="store_true", help="each once, on a small network: whether it works at all")
    bench.set_defaults(command=_bench, lab=None)


def _bench(arguments: argparse.Namespace) -> None:
    settings = {"batch_size": str(BATCH), **(SMALL if arguments.quick else {}), **settings_of(arguments)}
    if other := [key for key in settings if key.startswith("data.")]:
        raise RecipeError(f"bench makes its images itself; {other[0]} says nothing here")
    recipe, execution = apply_settings(preset(PRESET), Execution(), settings)
    if not recipe.loss.contrastive:
        raise RecipeError(f'bench compares contrastive losses; loss.name is "{recipe.loss.name}"')
    if arguments.profile is not None:
        _check_writable(arguments.profile)

    from bcl_core import bench  # takes seconds to import
    from bcl_core.training import settle

    dataset = bench.random_dataset(recipe, batches=4, test=QUICK_TEST_IMAGES if arguments.quick else TEST_IMAGES)
    _say("threads and precision")
    hardware = settle(recipe, dataset, execution)
    report = bench.bench(recipe, dataset, hardware, quick=arguments.quick, say=_say)
    if arguments.profile is not None:
        bench.write_profile(recipe, dataset, hardware, arguments.profile)
    print(json.dumps(report) if arguments.json else bench.as_text(report))


def _say(what: str) -> None:
    print(f"bench: {what} …", file=sys.stderr, flush=True)


def _check_writable(file: Path) -> None:
    """Refuse what could not be written after all has been measured."""
    if file.is_dir():
        raise RecipeError(f"--profile {file} is a folder; name a file in it")
    if not file.parent.is_dir() or not os.access(file.parent, os.W_OK):
        raise RecipeError(
            f"--profile {file} cannot be written: {file.parent} is no folder, or nothing may be put there"
        )
