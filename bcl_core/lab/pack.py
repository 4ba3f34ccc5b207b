"""The epochs of a run that has ended, in one file: `history.safetensors` for the curves, `epochs.zip` for the rest.

The pack is a plain zip, stored without compression, whose entries are the files as they were written: who reads an
epoch gets the same bytes before and after. It stands complete before the files that it holds are removed.
"""

import logging
import zipfile
from collections.abc import Collection, Mapping
from pathlib import Path

from bcl_core.lab.files import OF_AN_EPOCH, RunFolder, SnapshotError, write_aside, write_once
from bcl_core.lab.history import chosen, make, whole
from bcl_core.lab.run import LabError
from bcl_core.lab.shelf import write_sums
from bcl_core.lab.store import Lab

log = logging.getLogger("bcl_core.pack")


def pack(lab: Lab, run_id: str) -> None:
    """Pack a finished run of the lab, or one on the shelf, whose list of checksums is written anew.

    Nothing happens to what is packed already.

    Raises:
        LabError: the run is not finished, so that more epochs may come; or there is no such run.
        SnapshotError: the pack that stands cannot be read as a whole. Nothing is removed then.
        OSError: the disk is full, say; the run is then as it was.
    """
    run = lab.run(run_id)
    if run.state != "finished":
        raise LabError(f"{run.name!r} is {run.state}: only a finished run is packed")
    lock = None if run.shelved else lab.lock(run_id)
    if lock is None and not run.shelved:
        raise LabError(f"{run.name!r} is held by another process: ask again when that has ended")
    try:
        _pack(lab, run_id)
    finally:
        if lock is not None:
            lock.release()
    if run.shelved:
        write_sums(lab.folder(run_id).path)


def pack_or_leave(lab: Lab, run_id: str) -> None:
    """Pack a run that has no more epochs to come and is about to be finished, by who holds its lock.

    Where that fails it stays as it is, readable as it was; the log says why.
    """
    try:
        _pack(lab, run_id)
    except (OSError, SnapshotError):
        log.exception("run %s could not be packed", run_id, extra={"run": run_id})


def _pack(lab: Lab, run_id: str) -> None:
    folder, kept = lab.folder(run_id), lab.epochs(run_id)
    if not kept:
        return
    for left in folder.path.glob(f".{folder.pack.name}.*"):  # by a process that was killed
        left.unlink()
    made = make(lab, run_id, chosen(kept, whole(kept)))
    if made.whole:
        write_once(folder.history, made.content)
    files = sorted(file for kind in OF_AN_EPOCH for file in (folder.path / kind).glob("*.safetensors"))
    loose = {file.relative_to(folder.path).as_posix(): file for file in files}
    if not all(_is_packed(folder, name, file) for name, file in loose.items()):
        before = {name: folder.packed_content(name) for name in folder.packed() if name not in loose}
        write_aside(folder.pack, lambda aside: _write_zip(aside, before, loose))
    for name, file in loose.items():
        if _is_packed(folder, name, file):
            file.unlink()
    for kind in OF_AN_EPOCH:
        if (folder.path / kind).is_dir() and not any((folder.path / kind).iterdir()):
            (folder.path / kind).rmdir()


def forget(folder: RunFolder, epochs: Collection[int]) -> None:
    """Remove the files of epochs that the database does not know any more, those in the pack too."""
    going = {f"{kind}/{epoch:04d}.safetensors" for kind in OF_AN_EPOCH for epoch in epochs}
    for name in going:
        (folder.path / name).unlink(missing_ok=True)
    for epoch in epochs:
        for file in (folder.path / "projection").glob(f"*-{epoch:04d}.safetensors"):
            file.unlink()
    packed = [*folder.packed()]
    if going & {*packed}:
        staying = {name: folder.packed_content(name) for name in packed if name not in going}
        write_aside(folder.pack, lambda aside: _write_zip(aside, staying, {}))


def packed_twice(folder: RunFolder) -> list[Path]:
    """Return the files that the pack holds as they are: who packed was killed before it had removed them."""
    files = (folder.path / name for name in folder.packed())
    return [
        file for file in files if file.exists() and _is_packed(folder, file.relative_to(folder.path).as_posix(), file)
    ]


def _is_packed(folder: RunFolder, name: str, file: Path) -> bool:
    """Whether the pack holds this file as it is: only then is the file removed."""
    try:
        return folder.packed_content(name) == file.read_bytes()
    except SnapshotError:
        return False


def _write_zip(target: Path, before: Mapping[str, bytes], loose: Mapping[str, Path]) -> None:
    with zipfile.ZipFile(target, "w", zipfile.ZIP_STORED) as archive:
        for name in sorted([*before, *loose]):
            content = before[name] if name in before else loose[name].read_bytes()
            archive.writestr(zipfile.ZipInfo(name), content)  # of 1980: equal files, equal bytes
