"""`train`: a recipe to a run, in this process, or in several that torchrun started. `settings`: what it can be told."""

import argparse
import json
import os
import sys
import threading
import time
from collections.abc import Mapping
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from filelock import FileLock

from bcl_core.cli.settings import AS_JSON, Plan, add_recipe_arguments, say, what_to_train
from bcl_core.lab import DiskError, Lab, LabError, Run
from bcl_core.lab.checks import check_before_training
from bcl_core.lab.worker import GRACE_SECONDS, LOOK_SECONDS
from bcl_core.metrics import METRICS, short, shown
from bcl_core.recipe import all_settings

if TYPE_CHECKING:
    from bcl_core.distributed import World
    from bcl_core.lab.recording import OpenRun


IN_A_LINE = ("loss", "accuracy", "angle_mean", "angle_tail_tail", "angle_rms_deviation")


def add_commands(commands: Any) -> None:
    """Add `train`."""
    train = commands.add_parser(
        "train",
        help="train a preset here and leave a run that the app opens",
        parents=[AS_JSON],
        epilog=_keys(),
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    what = add_recipe_arguments(train)
    what.add_argument("--run", metavar="RUN", help="go on with a run that is not finished, from its last epoch")
    train.set_defaults(command=_train, lab=Lab.open, check=_check, plan=None)
    listed = commands.add_parser(
        "settings", help="list what --set takes: every key, its values, its default and its meaning", parents=[AS_JSON]
    )
    listed.set_defaults(command=_settings, lab=None)


def _settings(arguments: argparse.Namespace) -> None:
    for one in all_settings():
        default = f"; {one.default} where nothing is said"
        say(arguments, f"{one.name}\n    {one.takes}{default}\n    {one.meaning}", **one._asdict())


def _check(arguments: argparse.Namespace) -> None:
    """Read what is to be trained; where that is a run that there is, its lab is one, too."""
    if arguments.run:
        Lab.open_existing(arguments.home)
    else:
        arguments.plan = what_to_train(arguments)


def _train(lab: Lab, arguments: argparse.Namespace) -> None:
    """Train; where torchrun started several processes, the first records and the others train along."""
    plan: Plan | None = arguments.plan

    from bcl_core.distributed import joined  # imports torch: not before the arguments are known to be right
    from bcl_core.lab.recording import train_along

    with joined() as world:
        if not world.leads:
            train_along(world)
            return
        if plan:
            check_before_training([plan.recipe], plan.execution.data, elsewhere=False)
        run_id, lock = lab.take_up(arguments.run) if plan is None else lab.enqueue_here(*plan)
        _record(lab, run_id, lock, world, as_json=arguments.json)


def _record(lab: Lab, run_id: str, lock: FileLock, world: "World", *, as_json: bool) -> None:
    from bcl_core.evaluation import TrainingDiverged
    from bcl_core.lab.recording import OpenRun

    if not as_json:
        print(f"run {run_id} in {lab.home}", flush=True)
        if (recipe := lab.run(run_id).recipe).widest_angle < 180:
            print(f"angles are of {recipe.space} features, which are not negative: none exceeds 90°", flush=True)
    ended = threading.Event()
    try:
        opened = OpenRun(lab, run_id, lock, world)
        threading.Thread(target=_end_where_reading_does_not, args=(opened, world, ended), daemon=True).start()
        while (run := lab.run(run_id)).active and not run.stop:
            if not run.wants_to_train:
                lab.settle_hold(run_id)
                time.sleep(0.5)
                continue
            epoch = opened.advance(lambda: not (now := lab.run(run_id)).stop and now.wants_to_train)
            if epoch is not None:
                about = {"run": run.id, "epoch": epoch.epoch, **epoch.metrics}
                print(json.dumps(about) if as_json else _line(run, epoch.epoch, epoch.metrics), flush=True)
        opened.close()
    except KeyboardInterrupt:
        lab.record_state(run_id, "stopped")
        print(f"bcl_core: stopped; `resume {run_id}` lets a worker go on from the last epoch", file=sys.stderr)
        os._exit(130)  # threads that read from a dead drive would be waited for
    except Exception as error:
        with suppress(DiskError):  # who looks at the run next finds that nobody trains it
            lab.record_state(run_id, "failed", str(error))
        if isinstance(error, TrainingDiverged):
            raise LabError(str(error)) from error
        raise
    finally:
        ended.set()
    if lab.run(run_id).stop:
        lab.record_state(run_id, "stopped")


def _end_where_reading_does_not(opened: "OpenRun", world: "World", ended: threading.Event) -> None:
    """While the data are read, end this process where it is asked to stop and does not get to it."""
    while opened.reading and not ended.wait(LOOK_SECONDS):
        if opened.lab.run(opened.id).stop:
            time.sleep(GRACE_SECONDS)
            if opened.reading:
                opened.lab.settle(opened.id, "stopped")
                os._exit(0 if world.size == 1 else 1)  # torchrun ends the other processes only where one has failed


def _line(run: Run, epoch: int, metrics: Mapping[str, Any]) -> str:
    figures = "  ".join(f"{short(name)} {shown(name, metrics[name]):>6}" for name in IN_A_LINE)
    return f"epoch {epoch:3d}/{run.recipe.epochs}  {figures}"


def _keys() -> str:
    """Say what the objects of --json hold."""
    named = "\n".join(f"  {name:26}{metric.title} ({metric.unit})" for name, metric in METRICS.items())
    return f"with --json, a line an epoch: run, epoch, accuracy_per_class (a list), pictures' scales, and\n{named}"
