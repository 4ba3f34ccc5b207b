"""`runs`: which there are, what they take on the disk, whether they are whole; and putting them in order."""

import argparse
import json
import sys
from typing import Any

from bcl_core.cli.read import add_show
from bcl_core.cli.settings import AS_JSON
from bcl_core.lab import Lab, LabError, Run
from bcl_core.lab.names import run_names


def add_commands(commands: Any) -> None:
    """Add it."""
    runs = commands.add_parser("runs", help="list the runs, and put them in order", parents=[AS_JSON])
    what = runs.add_mutually_exclusive_group()
    what.add_argument("--deleted", action="store_true", help="those that can be restored, instead")
    what.add_argument("--shelf", action="store_true", help="those that came with the project, instead")
    what.add_argument(
        "--verify", action="store_true", help="read every file of every run, and say which is not as it was written"
    )
    what.add_argument(
        "--mend",
        action="store_true",
        help="first enter the folders that the database does not know, and remove what killed processes left",
    )
    what.add_argument(
        "--keep-every",
        nargs=2,
        metavar=("N", "RUN"),
        help="first remove all epochs of a run but every N-th, the first and the last, for good",
    )
    runs.set_defaults(command=_runs)
    add_show(runs)


def _runs(lab: Lab, arguments: argparse.Namespace) -> None:
    if arguments.verify:
        _verify(lab, as_json=arguments.json)
        return
    if arguments.mend:
        _mend(lab)
    if arguments.keep_every:
        _keep_every(lab, *arguments.keep_every)
    if left := len(lab.unknown_folders()):
        _say(
            f"{left} run folder{'s' if left > 1 else ''} in {lab.home / 'runs'} the database does not know: "
            "`runs --mend` enters what they hold again"
        )
    for run in lab.active_runs():
        lab.settle_dead(run)
    runs = lab.deleted_runs() if arguments.deleted else lab.shelf.runs if arguments.shelf else lab.runs()
    if not runs:
        _say(f"no runs in {lab.home}")
    names = run_names(runs)
    for run in runs:
        _list(lab, run, names[run.id], as_json=arguments.json)


def _list(lab: Lab, run: Run, name: str, *, as_json: bool) -> None:
    used = (lab.folder(run.id) if run.shelved else lab.own_folder(run.id)).size()
    if as_json:
        fields = {"run": run.id, "group": run.group_id, "group_name": run.group_name, "name": run.name}
        stands = {"state": run.state, "epoch": run.epoch, "epochs": run.recipe.epochs, "error": run.error}
        print(json.dumps({**fields, **stands, "bytes": used}))
    elif not run.readable:
        print(f"{run.id}  {run.state}: {run.error}  {name}")
    else:
        state = "imported" if run.is_measured else run.state
        at = f"{run.id}  {state:8}  {run.epoch or 0:4d}/{run.recipe.epochs:<4d}  {_megabytes(used)}"
        wrong = run.missing or (run.error if run.state == "failed" else None)
        print(f"{at}  {name}{f': {wrong}' if wrong else ''}")


def _verify(lab: Lab, *, as_json: bool) -> None:
    from bcl_core.lab.verifying import verify

    damaged = {**lab.shelf.faults}
    for found in verify(lab):
        if found.faults:
            damaged[found.run.id] = found.faults[0]
        if as_json:
            print(json.dumps({"run": found.run.id, "files": found.files, "bytes": found.size, "faults": found.faults}))
        else:
            stands = "damaged" if found.faults else "whole"
            print(f"{found.run.id}  {stands:8}  {found.files:5d} files  {_megabytes(found.size)}  {found.run.name}")
            for fault in found.faults:
                print(f"    {fault}")
    for name, fault in lab.shelf.faults.items():
        print(json.dumps({"run": name, "faults": [fault]}) if as_json else f"{name}  on the shelf: {fault}")
    if damaged:
        raise LabError(f"not as written: {', '.join(damaged)}")


def _mend(lab: Lab) -> None:
    from bcl_core.lab.mending import mend, sweep

    _say(f"entered again: {len(mend(lab))}")
    for done in sweep(lab):
        _say(done)


def _keep_every(lab: Lab, step: str, run_id: str) -> None:
    from bcl_core.lab.thinning import keep_every

    if not step.isdecimal():
        raise LabError(f"every {step}-th epoch is to be kept; expected a whole number")
    _say(f"{run_id}: removed {keep_every(lab, run_id, int(step))} epochs")


def _megabytes(size: int) -> str:
    return f"{size / 1e6:7.1f} MB"


def _say(words: str) -> None:
    print(words, file=sys.stderr)
