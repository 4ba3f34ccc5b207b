"""`worker`, `runs`, and what steers them: `pause`, `step`, `resume`, `stop`, `delete`, `restore`, `purge`."""

import argparse
import json
import logging
import os
import signal
import sys
from typing import Any

from bcl_core.cli.settings import AS_JSON, say
from bcl_core.lab import Lab, ensure_worker, stop_worker, worker_status
from bcl_core.lab.launch import IDLE_SECONDS, worker_lock
from bcl_core.lab.worker import Worker

NO_WORKER = "no worker is alive"
NICENESS = 5  # who looks at a page does not wait for who trains


def add_commands(commands: Any) -> None:
    """Add them."""
    worker = commands.add_parser("worker", help="train what the app queues, until idle for long", parents=[AS_JSON])
    worker.add_argument("--idle", type=float, default=IDLE_SECONDS, metavar="SECONDS")
    worker.add_argument("--wait", type=float, default=2.0, metavar="SECONDS", help="for another worker to leave")
    worker.add_argument("--status", action="store_true", help="only say whether one is alive")
    worker.add_argument("--stop", action="store_true", help="ask the one that is alive to leave; its runs stay queued")
    worker.set_defaults(command=_worker)

    runs = commands.add_parser("runs", help="list the runs", parents=[AS_JSON])
    runs.add_argument("--deleted", action="store_true", help="those that can be restored, instead")
    runs.add_argument("--mend", action="store_true", help="first enter the folders that the database does not know")
    runs.set_defaults(command=_runs)

    for verb, text in (
        ("pause", "hold a run or a group"),
        ("step", "let it do one more epoch"),
        ("resume", "let it go on, or take a stopped one up again"),
        ("stop", "end it, keeping what it has"),
    ):
        control = commands.add_parser(verb, help=text, parents=[AS_JSON])
        control.add_argument("target", metavar="RUN_OR_GROUP")
        control.set_defaults(command=_control, verb=verb)
    for verb, text in (
        ("delete", "put runs away; they can be restored for 30 days"),
        ("restore", "take back that runs were deleted"),
        ("purge", "remove deleted runs for good, with their files"),
    ):
        put = commands.add_parser(verb, help=text, parents=[AS_JSON])
        put.add_argument("runs", nargs="+", metavar="RUN")
        put.set_defaults(command=_put, verb=verb)


def _worker(lab: Lab, arguments: argparse.Namespace) -> None:
    if arguments.status:
        status = worker_status(lab)
        pid, code = (status.pid, status.code_version) if status.alive else (None, None)
        words = f"worker {pid} is alive, code {code}" if status.alive else NO_WORKER
        say(arguments, words, alive=status.alive, pid=pid, code=code)
        return
    if arguments.stop:
        leaves = stop_worker(lab)
        say(arguments, "the worker leaves; its runs stay queued" if leaves else NO_WORKER, leaves=leaves)
        return
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s")
    with worker_lock(lab, arguments.wait) as ours:
        if not ours:
            logging.info("another worker serves %s", lab.home)
            return
        worker = Worker(lab)
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: worker.leave())
        os.nice(max(0, NICENESS - os.nice(0)))
        worker.work(arguments.idle)


def _runs(lab: Lab, arguments: argparse.Namespace) -> None:
    if arguments.mend:
        from bcl_core.lab.mending import mend

        print(f"entered again: {len(mend(lab))}", file=sys.stderr)
    if left := len(lab.unknown_folders()):
        print(
            f"{left} run folder{'s' if left > 1 else ''} in {lab.home / 'runs'} the database does not know: "
            "`runs --mend` enters what they hold again",
            file=sys.stderr,
        )
    for run in lab.deleted_runs() if arguments.deleted else lab.runs():
        if arguments.json:
            fields = {"run": run.id, "group": run.group_id, "group_name": run.group_name, "name": run.name}
            stands = {"state": run.state, "epoch": run.epoch, "epochs": run.recipe.epochs, "error": run.error}
            print(json.dumps({**fields, **stands}))
        elif not run.readable:
            print(f"{run.id}  {run.state}: {run.error}  {run.group_name} · {run.name}")
        else:
            at = f"{run.id}  {run.state:8}  {run.epoch or 0:4d}/{run.recipe.epochs:<4d}"
            print(f"{at}  {run.group_name} · {run.name}{f': {run.missing}' if run.missing else ''}")


def _control(lab: Lab, arguments: argparse.Namespace) -> None:
    getattr(lab, arguments.verb)(arguments.target)
    if arguments.verb in ("step", "resume"):
        ensure_worker(lab)
    if arguments.json:
        for run in lab.runs():
            if arguments.target in (run.id, run.group_id):
                # What is asked for happens between two epochs: `stopping` until then.
                say(arguments, "", run=run.id, state=run.state, stopping=run.stop)


def _put(lab: Lab, arguments: argparse.Namespace) -> None:
    getattr(lab, arguments.verb)(arguments.runs)
    if arguments.json:
        say(arguments, "", done=arguments.verb, runs=arguments.runs)
