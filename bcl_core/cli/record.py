"""`record`: arrays that other code wrote, as a run."""

import argparse
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from bcl_core.cli.settings import AS_JSON
from bcl_core.lab import Lab


def add_commands(commands: Any) -> None:
    """Add `record`."""
    record = commands.add_parser("record", help="make a run of embeddings and labels in a file", parents=[AS_JSON])
    record.add_argument(
        "file",
        type=Path,
        metavar="FILE",
        help=".npz, or tensors that torch saved, with embeddings (n, d) or (E, n, d) and labels (n,); Parquet or .tsv "
        "with columns embedding and label; or .npy or .tsv of numbers alone, with the labels in a file beside it",
    )
    record.add_argument("--labels", type=Path, metavar="FILE", help="labels, where no file beside it is named so")
    record.add_argument("--name", help="the run's name; else the file's")
    record.set_defaults(command=_record, lab=Lab.open, reads_first=True)


def _record(begin: Callable[[], Lab], arguments: argparse.Namespace) -> None:
    from bcl_core.lab.record_files import record_file

    run_id, ignored = record_file(begin, arguments.file, arguments.name, arguments.labels)
    epochs = [row["epoch"] for row in begin().metrics(run_id)]
    if arguments.json:
        print(json.dumps({"run": run_id, "epochs": epochs, "ignored": ignored}))
        return
    print(f"run {run_id}: epoch {epochs[0]}" + (f" to {epochs[-1]}, {len(epochs)} in all" if epochs[1:] else ""))
    if ignored:
        print(f"not used: {', '.join(ignored)}")
