"""`import`, `evaluate`, `pack`, `project`, `thumbnails`, `preview`: models and data. What they call imports torch."""

import argparse
import json
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

from bcl_core.cli.settings import (
    A_RUN,
    AS_JSON,
    SETTINGS,
    add_recipe_arguments,
    changed,
    say,
    settings_of,
    what_to_train,
)
from bcl_core.lab import Lab, ensure_worker
from bcl_core.lab.checks import check_before_training
from bcl_core.lab.faults import in_words
from bcl_core.recipe import Execution, RecipeError, apply_settings


def add_commands(commands: Any) -> None:
    """Add them."""
    take = commands.add_parser(
        "import", help="bring in exported runs, or make a run of a checkpoint of other code", parents=[AS_JSON]
    )
    take.add_argument("file", type=Path, metavar="FILE", help=".zip of runs; or .pth.tar, .pth, .pt, .safetensors")
    take.add_argument("--model", action="store_true", help="of an exported run make a new one, of its last weights")
    take.add_argument("--arch", metavar="NAME", help="its backbone; found out from the file where left out")
    add_recipe_arguments(take, required=False)
    take.set_defaults(command=_import, lab=Lab.open, reads_first=True)

    evaluate = commands.add_parser(
        "evaluate", help="measure a run's last checkpoint again", parents=[A_RUN, SETTINGS, AS_JSON]
    )
    evaluate.set_defaults(command=_evaluate)

    pack = commands.add_parser(
        "pack",
        help="lay the epochs of finished runs, or of runs on the shelf, into one file each",
        parents=[AS_JSON],
    )
    pack.add_argument("runs", nargs="+", metavar="RUN")
    pack.set_defaults(command=_pack)

    project = commands.add_parser("project", help="fit a flat picture to one epoch alone; for the app", parents=[A_RUN])
    project.add_argument("--epoch", type=int, required=True, metavar="N")
    project.add_argument("--method", default="umap", help="pca or umap")
    project.add_argument("--folder", type=Path, help=argparse.SUPPRESS)  # of the job whose progress it is
    project.set_defaults(command=_project)

    thumbnails = commands.add_parser(
        "thumbnails",
        help="make the thumbnails of a run that came without its images",
        parents=[A_RUN, SETTINGS, AS_JSON],
    )
    thumbnails.set_defaults(command=_thumbnails)

    preview = commands.add_parser("preview", help="say what a recipe would train on; for the app")
    preview.add_argument("folder", type=Path, metavar="FOLDER", help="holds request.json, gets the answer")
    preview.set_defaults(command=_preview, lab=Lab.open)


def _import(begin: Callable[[], Lab], arguments: argparse.Namespace) -> None:
    from bcl_core.lab.bringing import holds_runs

    (_bring if holds_runs(arguments.file) and not arguments.model else _import_model)(begin, arguments)


def _bring(begin: Callable[[], Lab], arguments: argparse.Namespace) -> None:
    from bcl_core.lab.bringing import bring

    lab = begin()
    with in_words(lab.home):
        brought = bring(lab, arguments.file)
    if arguments.json:
        print(json.dumps({"runs": [one._asdict() for one in brought]}))
        return
    for one in brought:
        known = ", which was deleted and is restored" if one.was_deleted else ", which was here already"
        print(f"run {one.run_id}: {one.name}{known if one.was_here else ''}")


def _import_model(begin: Callable[[], Lab], arguments: argparse.Namespace) -> None:
    from bcl_core.lab.foreign import exported_recipe
    from bcl_core.lab.importing import import_model

    own = None if arguments.preset or arguments.recipe else exported_recipe(arguments.file)
    if not (own or arguments.preset or arguments.recipe):
        raise RecipeError("say with --preset or --recipe on which data the model is to be measured, and how trained on")
    plan = what_to_train(arguments) if own is None else changed(own, arguments.file.name, arguments)
    check_before_training([plan.recipe], plan.execution.data, elsewhere=False)
    name = arguments.name or arguments.file.name[:80]
    run_id, found = import_model(
        begin,
        arguments.file,
        arch=arguments.arch,
        base=plan.recipe,
        execution=plan.execution,
        name=name,
        given=settings_of(arguments),
    )
    ensure_worker(begin())
    if arguments.json:
        about = ("layout", "drawn_anew", "assumed", "ignored")
        print(json.dumps({"run": run_id, **{name: getattr(found, name) for name in about}}))
        return
    print(f"run {run_id}: {found.layout}, {found.recipe.model.backbone}, {found.num_classes} classes")
    for what, names in (
        ("assumed, since neither the file nor a setting says so", found.assumed),
        ("drawn anew, since the file has none that fits, and not measured before it is trained", found.drawn_anew),
        ("not used", found.ignored),
    ):
        if names:
            print(f"{what}: {'; '.join(names)}")
    print(f"It is measured as it is, and then held; `resume {run_id}` trains on.")


def _evaluate(lab: Lab, arguments: argparse.Namespace) -> None:
    from bcl_core.lab.evaluating import evaluate_run

    found = evaluate_run(lab, arguments.run, _where(lab, arguments))
    if arguments.json:
        print(json.dumps({"run": arguments.run, "epoch": found.epoch, **found.fresh}))
        return
    accuracy = found.fresh["accuracy"]
    said = "no classifier to take the accuracy of" if accuracy is None else f"accuracy {100 * accuracy:.2f} %"
    print(
        f"epoch {found.epoch}: {said}; the largest difference to what was recorded is "
        f"{found.accuracy_difference:.2f} points and {found.angle_difference:.2f}°"
        + ("" if found.same_data else "; the data are not those that the run was trained on")
    )


def _where(lab: Lab, arguments: argparse.Namespace) -> Execution:
    """Return the run's execution with what --set says; its recipe is not to be changed."""
    run = lab.run(arguments.run)
    recipe, execution = apply_settings(run.training_recipe, run.execution, settings_of(arguments))
    if recipe != run.recipe:
        raise RecipeError("a run keeps its own recipe: only where the data lie, and the device, can be set")
    return execution


def _thumbnails(lab: Lab, arguments: argparse.Namespace) -> None:
    from bcl_core.lab.thumbnails import fetch_thumbnails

    fetch_thumbnails(lab, arguments.run, _where(lab, arguments))
    written = lab.folder(arguments.run).sprite
    say(arguments, f"written: {written}", run=arguments.run, written=str(written))


def _pack(lab: Lab, arguments: argparse.Namespace) -> None:
    from bcl_core.lab.pack import pack

    for run_id in arguments.runs:
        pack(lab, run_id)
        written = lab.folder(run_id).pack
        say(arguments, f"packed: {written}", run=run_id, written=str(written))


def _project(lab: Lab, arguments: argparse.Namespace) -> None:
    from bcl_core.lab import jobs
    from bcl_core.lab.projecting import project

    folder = arguments.folder
    project(lab, arguments.run, arguments.epoch, arguments.method, partial(jobs.report, folder) if folder else print)


def _preview(_: Lab, arguments: argparse.Namespace) -> None:
    from bcl_core.lab.preview import make

    make(arguments.folder)
