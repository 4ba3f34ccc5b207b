"""The epochs of a run that has ended, in one file: `history.safetensors` for the curves, `epochs.zip` for the rest.

The pack is a plain zip, stored without compression, whose entries are the files as they were written: who reads an
epoch gets the same bytes before and after. It stands complete before the files that it holds are removed.
"""

import logging
import zipfile
from pathlib import Path

from bcl_core.lab.files import RunFolder, SnapshotError, write_aside, write_once
from bcl_core.lab.history import chosen, make, whole
from bcl_core.lab.run import LabError
from bcl_core.lab.shelf import write_sums
from bcl_core.lab.store import Lab

log = logging.getLogger("bcl_core.pack")
KINDS = ("view", "embeddings")


def pack(lab: Lab, run_id: str) -> None:
    """Pack a finished run of the lab, or one on the shelf, whose list of checksums is written anew.

    Nothing happens to what is packed already.

    Raises:
        LabError: the run is not finished, so that more epochs may come; or there is no such run.
        OSError: the disk is full, say; the run is then as it was.
    """
    run = lab.run(run_id)
    if run.state != "finished":
        raise LabError(f"{run.name!r} is {run.state}: only a finished run is packed")
    _pack(lab, run_id)
    if run.shelved:
        write_sums(lab.folder(run_id).path)


def pack_or_leave(lab: Lab, run_id: str) -> None:
    """Pack a run that has no more epochs to come and is about to be finished, by who holds its lock.

    Where that fails it stays as it is, whole and readable; the log says why.
    """
    try:
        _pack(lab, run_id)
    except (OSError, SnapshotError):
        log.exception("run %s could not be packed", run_id)


def _pack(lab: Lab, run_id: str) -> None:
    folder, kept = lab.folder(run_id), lab.epochs(run_id)
    if not kept:
        return
    made = make(lab, run_id, chosen(kept, whole(kept)))
    if made.whole:
        write_once(folder.history, made.content)
    loose = sorted(file for kind in KINDS for file in (folder.path / kind).glob("*.safetensors"))
    if loose and not folder.pack.exists():
        write_aside(folder.pack, lambda aside: _write_zip(aside, folder, loose))
    _remove_packed(folder, loose)


def _write_zip(target: Path, folder: RunFolder, files: list[Path]) -> None:
    with zipfile.ZipFile(target, "w", zipfile.ZIP_STORED) as archive:
        for file in files:
            entry = zipfile.ZipInfo(file.relative_to(folder.path).as_posix())  # of 1980: equal files, equal bytes
            archive.writestr(entry, file.read_bytes())


def _remove_packed(folder: RunFolder, files: list[Path]) -> None:
    """Remove the files that the pack holds: all of them, unless it was made by a process that died since."""
    packed = set(folder.packed())
    for file in files:
        if file.relative_to(folder.path).as_posix() in packed:
            file.unlink()
    for kind in KINDS:
        if (folder.path / kind).is_dir() and not any((folder.path / kind).iterdir()):
            (folder.path / kind).rmdir()
