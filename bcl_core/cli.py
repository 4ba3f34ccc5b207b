"""The command line: train, worker, runs and their control. Exit code 2 and one sentence where the input was wrong."""

import argparse
import json
import logging
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from bcl_core.data.source import DataError
from bcl_core.lab import Lab, LabError, Run, ensure_worker, stop_worker, worker_status
from bcl_core.lab.launch import IDLE_SECONDS, worker_lock
from bcl_core.recipe import PRESETS, Execution, Recipe, RecipeError, apply_settings, preset


def main(argv: Sequence[str] | None = None) -> None:
    """Parse, run, and leave with the exit code."""
    arguments = _parser().parse_args(argv)
    try:
        lab = Lab.open(arguments.home)
        code: int = arguments.command(lab, arguments)
    except (DataError, RecipeError, LabError) as error:
        print(f"bcl_core: {error}", file=sys.stderr)
        code = 2
    sys.exit(code)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m bcl_core", description=__doc__)
    parser.add_argument("--home", type=Path, help="the lab's folder; else BCL_LAB_HOME, else ./lab")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    train = commands.add_parser("train", help="train a preset here and leave a run that the app opens")
    what = train.add_mutually_exclusive_group(required=True)
    what.add_argument("--preset", metavar="NAME", help=f"one of {', '.join(PRESETS)}")
    what.add_argument("--recipe", type=Path, metavar="FILE", help="a recipe.json, of another run for example")
    train.add_argument(
        "--set", action="append", default=[], metavar="KEY=VALUE", help="change a setting; may be repeated"
    )
    train.add_argument("--seed", metavar="N", help="short for --set seed=N")
    train.add_argument("--name", help="the run's name")
    train.add_argument("--json", action="store_true", help="print one object a line instead of a sentence")
    train.set_defaults(command=_train)

    worker = commands.add_parser("worker", help="train what the app queues, until idle for long")
    worker.add_argument("--idle", type=float, default=IDLE_SECONDS, metavar="SECONDS")
    worker.add_argument("--wait", type=float, default=2.0, metavar="SECONDS", help="for another worker to leave")
    worker.add_argument("--status", action="store_true", help="only say whether one is alive")
    worker.add_argument("--stop", action="store_true", help="ask the one that is alive to leave; its runs stay queued")
    worker.set_defaults(command=_worker)

    runs = commands.add_parser("runs", help="list the runs")
    runs.add_argument("--json", action="store_true", help="one object a line")
    runs.set_defaults(command=_runs)

    for verb, text in (
        ("pause", "hold a run or a group"),
        ("step", "let it do one more epoch"),
        ("resume", "let it go on, or take a stopped one up again"),
        ("stop", "end it, keeping what it has"),
    ):
        control = commands.add_parser(verb, help=text)
        control.add_argument("target", metavar="RUN_OR_GROUP")
        control.set_defaults(command=_control, verb=verb)
    delete = commands.add_parser("delete", help="remove a run and its files")
    delete.add_argument("run", metavar="RUN")
    delete.set_defaults(command=_delete)
    return parser


def _train(lab: Lab, arguments: argparse.Namespace) -> int:
    recipe, name = _chosen_recipe(arguments)
    settings = dict(_setting(text) for text in arguments.set)
    if arguments.seed is not None:
        settings["seed"] = arguments.seed
    recipe, execution = apply_settings(recipe, Execution(), settings)

    from bcl_core.lab.recording import OpenRun  # imports torch: not before the arguments are known to be right

    name = arguments.name or f"{name}, seed {recipe.seed}"
    run_id, lock = lab.enqueue_here(name, recipe, execution)
    if not arguments.json:
        print(f"run {run_id} in {lab.home}", flush=True)
    try:
        opened = OpenRun(lab, run_id, lock)
        while (run := lab.run(run_id)).active and not run.stop:
            if not run.wants_to_train:
                lab.record_state(run_id, "paused")
                time.sleep(0.5)
                continue
            epoch = opened.advance(lambda: not (now := lab.run(run_id)).stop and now.wants_to_train)
            if epoch is not None:
                line = (
                    _json_line(run_id, epoch.epoch, epoch.metrics)
                    if arguments.json
                    else _line(run, epoch.epoch, epoch.metrics)
                )
                print(line, flush=True)
    except KeyboardInterrupt:
        lab.record_state(run_id, "stopped")
        print(f"bcl_core: stopped; `resume {run_id}` lets a worker go on from the last epoch", file=sys.stderr)
        return 130
    except Exception as error:
        lab.record_state(run_id, "failed", str(error))
        raise
    if lab.run(run_id).stop:
        lab.record_state(run_id, "stopped")
    return 0


def _chosen_recipe(arguments: argparse.Namespace) -> tuple[Recipe, str]:
    if arguments.preset is not None:
        return preset(arguments.preset), arguments.preset
    try:
        return Recipe.parse(arguments.recipe.read_text()), arguments.recipe.stem
    except OSError as error:
        raise RecipeError(f"the recipe {arguments.recipe} cannot be read: {error.strerror}") from error


def _setting(text: str) -> tuple[str, str]:
    key, equals, value = text.partition("=")
    if not equals:
        raise RecipeError(f"--set {text!r} has no value; write --set KEY=VALUE, for example --set epochs=20")
    return key, value


def _json_line(run_id: str, epoch: int, metrics: Mapping[str, Any]) -> str:
    return json.dumps({"run": run_id, "epoch": epoch, **metrics})


def _line(run: Run, epoch: int, metrics: Mapping[str, Any]) -> str:
    return (
        f"epoch {epoch:3d}/{run.recipe.epochs}  loss {metrics['loss']:7.4f}  "
        f"accuracy {100 * metrics['accuracy']:5.1f} %  mean angle {_degrees(metrics['angle_mean'])}  "
        f"tail–tail {_degrees(metrics['angle_tail_tail'])}  off the simplex {_degrees(metrics['angle_rms_deviation'])}"
    )


def _degrees(angle: float | None) -> str:
    return "  none" if angle is None else f"{angle:5.1f}°"


def _worker(lab: Lab, arguments: argparse.Namespace) -> int:
    if arguments.status:
        status = worker_status(lab)
        print(f"worker {status.pid} is alive, code {status.code_version}" if status.alive else "no worker is alive")
        return 0
    if arguments.stop:
        print("the worker will leave after its step" if stop_worker(lab) else "no worker is alive")
        return 0
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s")
    with worker_lock(lab, arguments.wait) as ours:
        if ours:
            from bcl_core.lab.worker import serve  # imports torch: not before this is the worker

            serve(lab, idle_seconds=arguments.idle)
        else:
            logging.info("another worker serves %s", lab.home)
    return 0


def _runs(lab: Lab, arguments: argparse.Namespace) -> int:
    for run in lab.runs():
        if arguments.json:
            fields = {"run": run.id, "group": run.group_id, "group_name": run.group_name, "name": run.name}
            print(json.dumps({**fields, "state": run.state, "epoch": run.epoch, "epochs": run.recipe.epochs}))
        else:
            print(
                f"{run.id}  {run.state:8}  {run.epoch or 0:4d}/{run.recipe.epochs:<4d}  {run.group_name} · {run.name}"
            )
    return 0


def _control(lab: Lab, arguments: argparse.Namespace) -> int:
    getattr(lab, arguments.verb)(arguments.target)
    if arguments.verb in ("step", "resume"):
        ensure_worker(lab)
    return 0


def _delete(lab: Lab, arguments: argparse.Namespace) -> int:
    lab.delete(arguments.run)
    return 0
