"""`export`: runs for another lab, or for other tools."""

import argparse
from pathlib import Path
from typing import Any

from bcl_core.cli.settings import AS_JSON, say
from bcl_core.lab import Lab, LabError, read


def add_commands(commands: Any) -> None:
    """Add `export`."""
    export = commands.add_parser(
        "export",
        help="write runs, with all but their images, into one zip file; or for TensorBoard and its Projector",
        usage="%(prog)s [--json] RUN [RUN ...] FILE.zip\n"
        "       %(prog)s [--json] RUN [RUN ...] [--projector FOLDER [--epoch N]] [--tensorboard FOLDER]",
        parents=[AS_JSON],
    )
    export.add_argument("what", nargs="+", metavar="RUN", help="ids; for a zip the last is its name")
    export.add_argument("--projector", type=Path, metavar="FOLDER", help="embeddings as TSV, a folder a run in FOLDER")
    export.add_argument("--epoch", type=int, metavar="N", help="of the embeddings; the last kept one where left out")
    export.add_argument("--tensorboard", type=Path, metavar="FOLDER", help="curves as events, a folder a run in FOLDER")
    export.set_defaults(command=_export)


def _export(lab: Lab, arguments: argparse.Namespace) -> None:
    if arguments.projector is None and arguments.tensorboard is None:
        _as_zip(lab, arguments)
        return
    from bcl_core.lab.projector import write_projector

    for run in [read(run_id, lab) for run_id in arguments.what]:
        if arguments.projector is not None:
            folder = arguments.projector / run.run.id
            write_projector(run, folder, arguments.epoch)
            say(arguments, f"written: {folder}", run=run.run.id, written=str(folder))
        if arguments.tensorboard is not None:
            from bcl_core.lab.tensorboard import write_events

            folder = arguments.tensorboard / run.run.id
            write_events(run, folder)
            say(arguments, f"written: {folder}", run=run.run.id, written=str(folder))


def _as_zip(lab: Lab, arguments: argparse.Namespace) -> None:
    from bcl_core.lab.export import export_runs

    *runs, file = arguments.what
    if not runs:
        raise LabError(
            "name the runs and then the file to write, FILE.zip; or a folder by --projector or --tensorboard"
        )
    export_runs(lab, runs, Path(file))
    say(arguments, f"written: {file}", runs=runs, written=file)
