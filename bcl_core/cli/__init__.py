"""The command line.

Commands take --json, and then print objects, one a line. Exit codes: 0, done; 2, it could not be, and one sentence on
stderr says why and what would be right; 130, a training that Ctrl-C stopped; 1, a fault of this program.
"""

import argparse
import os
import sys
from collections.abc import Sequence
from functools import cache, partial
from pathlib import Path

from bcl_core import __version__
from bcl_core.cli import app, bench, export, models, read, record, runs, site, steer, train
from bcl_core.data.source import DataError
from bcl_core.installed import told
from bcl_core.lab import Lab, LabError, SnapshotError
from bcl_core.lab.faults import in_words
from bcl_core.recipe import RecipeError
from bcl_core.registry import FAULTS


def main(argv: Sequence[str] | None = None) -> None:
    """Parse, run, and leave with the exit code."""
    arguments = _parser().parse_args(argv)
    try:
        if FAULTS:
            raise RecipeError("; ".join(FAULTS))
        if arguments.check is not None:
            arguments.check(arguments)  # before a lab is begun for what is refused
        if arguments.lab is None:
            arguments.command(arguments)
        elif arguments.reads_first:
            arguments.command(cache(partial(_begun, arguments)), arguments)
        else:
            lab = _begun(arguments)
            with in_words(lab.home):
                arguments.command(lab, arguments)
    except (DataError, RecipeError, LabError, SnapshotError) as error:
        print(f"bcl_core: {error}", file=sys.stderr)
        sys.exit(2)
    except BrokenPipeError:  # who reads has enough, as `head` has
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # or Python would complain once more at its end
    except ModuleNotFoundError as error:
        if (what_to_install := told(error)) is None:
            raise
        print(f"bcl_core: {what_to_install}", file=sys.stderr)
        sys.exit(2)
    sys.exit(0)


def _begun(arguments: argparse.Namespace) -> Lab:
    lab: Lab = arguments.lab(arguments.home)
    if lab.is_new:
        print(f"bcl_core: this makes a new lab in {lab.home}", file=sys.stderr)
    return lab


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="bcl-lab", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--version", action="version", version=f"%(prog)s {__version__}")
    parser.add_argument("--home", type=Path, help="the lab's folder; else BCL_LAB_HOME, else ./lab")
    # Commands that begin a lab have Lab.open, those that need none None; `check` raises where arguments are wrong. What
    # `reads_first` is given what opens the lab in its place, so that none is begun for a file that is refused.
    parser.set_defaults(lab=Lab.open_existing, check=None, reads_first=False)
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    for family in (app, train, runs, steer, read, models, record, export, site, bench):
        family.add_commands(commands)
    return parser
