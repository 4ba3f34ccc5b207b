"""`worker`, and what steers runs: `pause`, `step`, `resume`, `stop`, `delete`, `restore`, `purge`."""

import argparse
import logging
import os
import signal
from typing import Any

from bcl_core.cli.settings import AS_JSON, say
from bcl_core.lab import Lab, ensure_worker, stop_worker, worker_status
from bcl_core.lab.launch import IDLE_SECONDS, worker_lock
from bcl_core.lab.logs import log_in_lines
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
    worker.set_defaults(command=_worker, lab=Lab.open)

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
    log_in_lines()
    with worker_lock(lab, arguments.wait) as ours:
        if not ours:
            logging.info("another worker serves %s", lab.home)
            return
        logging.getLogger("bcl_core.worker").info("this worker serves %s", lab.home)
        worker = Worker(lab)
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: worker.leave())
        os.nice(max(0, NICENESS - os.nice(0)))
        worker.work(arguments.idle)


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
