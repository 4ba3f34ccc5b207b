"""`site`: the lessons and the sphere lab as files, for any web host or a USB stick."""

import argparse
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from functools import partial
from pathlib import Path
from typing import Any

from bcl_core.cli.settings import AS_JSON, say
from bcl_core.installed import house, lacking
from bcl_core.lab import LabError
from bcl_core.lab.files import write_aside
from bcl_core.lab.shelf import shelf_home


def add_commands(commands: Any) -> None:
    """Add `site`."""
    site = commands.add_parser(
        "site",
        help="write the lessons as pages that need no server",
        description="Writes the lessons and the sphere lab as pages that hold all they show: for any web host, or a "
        "USB stick, from which they open without a network.",
        parents=[AS_JSON],
    )
    site.add_argument("folder", type=Path, metavar="DIR", help="a new or an empty folder")
    site.set_defaults(command=_site, lab=None)


def _site(arguments: argparse.Namespace) -> None:
    if (what_to_install := lacking("app")) is not None:
        raise LabError(what_to_install)
    folder: Path = arguments.folder
    _prepare(folder)
    made = _made()
    for run_id, lessons in made["lacking"].items():
        those = f"lesson {lessons[0]}" if len(lessons) == 1 else f"lessons {', '.join(lessons)}"
        lacks = f"the run {run_id} is not on the shelf, or is damaged: {those} say so, and do not lead to it"
        say(arguments, lacks, lacking=run_id, lessons=lessons)
    sizes = _write(folder, {name: text.encode() for name, text in made["pages"].items()})
    for name, size in sizes.items():
        say(arguments, f"written: {folder / name}, {size / 1e6:.1f} MB", written=str(folder / name), bytes=size)


def _prepare(folder: Path) -> None:
    """See that there is an empty folder, before anything is made for it."""
    with _in_words(folder):
        if folder.exists() and not folder.is_dir():
            raise LabError(f"{folder} is a file: name a new or an empty folder")
        folder.mkdir(parents=True, exist_ok=True)
        if any(folder.iterdir()):
            raise LabError(f"{folder} is not empty, and nothing is overwritten: name a new or an empty folder")


@contextmanager
def _in_words(folder: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        words = f"{folder} cannot be written ({error.strerror}): name a folder of your own, on a disk with room"
        raise LabError(words) from error


def _made() -> Any:
    """Have the app make the pages, in a process of its own: it finds its settings in the folder that it runs in."""
    path = os.pathsep.join(filter(None, (str(house()), os.environ.get("PYTHONPATH"))))
    environment = {**os.environ, "PYTHONPATH": path, "BCL_LAB_PRETRAINED": str(shelf_home())}
    # -P: a package of the folder that this was called in, called app, say, is not ours
    command = [sys.executable, "-P", "-m", "app.site"]
    done = subprocess.run(command, cwd=house(), env=environment, stdout=subprocess.PIPE, check=False)
    if done.returncode:
        raise LabError("the pages could not be made: what is above says why")
    return json.loads(done.stdout)


def _write(folder: Path, pages: dict[str, bytes]) -> dict[str, int]:
    """Write the pages, all or none; return their sizes in bytes."""
    with _in_words(folder), ExitStack() as undo:
        for name, content in pages.items():
            undo.callback((folder / name).unlink, missing_ok=True)
            write_aside(folder / name, partial(Path.write_bytes, data=content))
        undo.pop_all()
    return {name: len(content) for name, content in pages.items()}
