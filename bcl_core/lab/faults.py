"""What is wrong with the disk, or with the database on it, in a sentence that says what would be right."""

import errno
import os
import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from bcl_core.lab.run import DiskError

DATABASE = "lab.sqlite"
_NO_ROOM = 1 << 16  # bytes; SQLite says "disk I/O error" where it finds no room for its index of the journal
_LOCKED = (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED, sqlite3.SQLITE_PROTOCOL)
_BUGS = (sqlite3.SQLITE_CONSTRAINT, sqlite3.SQLITE_MISUSE, sqlite3.SQLITE_RANGE, sqlite3.SQLITE_MISMATCH)


@contextmanager
def in_words(home: Path) -> Iterator[None]:
    """Raise DiskError with a sentence in place of what the disk or SQLite raises in the block; bugs are left alone."""
    try:
        yield
    except (OSError, sqlite3.Error) as error:
        words = sentence(error, home)
        if words is None:
            raise
        raise DiskError(words) from error


def sentence(error: OSError | sqlite3.Error, home: Path) -> str | None:
    """Say what was wrong and what would be right; None where the disk is not what is wrong.

    Args:
        error: by the system or by SQLite.
        home: the lab's folder.
    """
    return _of_the_system(error, home) if isinstance(error, OSError) else _of_sqlite(error, home)


def read_only(home: Path) -> str:
    """Say that a lab can be looked at and not be changed."""
    return (
        f"{home} cannot be written: its runs can be looked at, and nothing can be changed; allow this user to write "
        "there, or set BCL_LAB_HOME to a folder you own"
    )


def is_writable(home: Path) -> bool:
    """Whether this user may write the lab and its database, as far as the system tells before it is tried."""
    file = home / DATABASE
    return os.access(home, os.W_OK | os.X_OK) and (not file.exists() or os.access(file, os.W_OK))


def _of_the_system(error: OSError, home: Path) -> str | None:
    place = error.filename or home
    match error.errno:
        case None | errno.EPIPE | errno.EINTR:
            return None
        case errno.ENOSPC | errno.EDQUOT:
            return _full(place)
        case errno.EFBIG:
            return f"{place} may not become as large as it would have to: raise the limit (ulimit -f)"
        case errno.EROFS:
            return (
                f"{place} cannot be written, since its disk is mounted read-only: mount it otherwise{_or(place, home)}"
            )
        case errno.EACCES | errno.EPERM:
            return f"{place} may not be read or written by this user: change its permissions{_or(place, home)}"
        case errno.ENOTDIR | errno.EEXIST if not _is_folder(home):
            return f"the lab cannot be kept in {home}, which is, or lies in, a file: set BCL_LAB_HOME to a folder"
        case errno.EIO:
            return f"the disk that holds {place} did not do its work ({error.strerror}): look whether it is failing"
    return f"{place} cannot be used: {error.strerror}"


def _of_sqlite(error: sqlite3.Error, home: Path) -> str | None:
    code = getattr(error, "sqlite_errorcode", None)  # sqlite3 has errors of its own, which have none
    file, kind = home / DATABASE, -1 if code is None else code & 0xFF
    if code is None or kind in _BUGS:
        return None
    if kind == sqlite3.SQLITE_FULL or (kind == sqlite3.SQLITE_IOERR and _has_no_room(home)):
        return _full(home)
    if kind in _LOCKED:
        return f"{file} is locked by another process: try again, and if that does not help, end the one that holds it"
    again = f"move it aside, with {DATABASE}-wal and {DATABASE}-shm; `runs --mend` enters the folders of the runs anew"
    if kind == sqlite3.SQLITE_NOTADB:
        return f"{file} is no database: {again}"
    if kind == sqlite3.SQLITE_CORRUPT:
        return f"{file} is damaged ({error}): put a copy in its place that is whole, or {again}"
    if not home.is_dir():
        return f"there is no folder {home} any more: put it back, or set BCL_LAB_HOME to another"
    if file.is_dir():
        return f"{file} is a folder, and should be the lab's database: move it aside"
    if file.exists() and not os.access(file, os.R_OK):
        return f"{file} may not be read by this user: change its permissions"
    if not is_writable(home):
        return read_only(home)
    return f"{file} cannot be used: {error}"


def _or(place: object, home: Path) -> str:
    """Name the other way out where it is the lab that lies wrong."""
    own = Path(str(place)).is_relative_to(home) or home.is_relative_to(str(place))
    return ", or set BCL_LAB_HOME to a folder you own" if own else ""


def _full(place: object) -> str:
    return f"the disk that holds {place} is full: free some space; nothing that was recorded is lost"


def _has_no_room(home: Path) -> bool:
    try:
        return shutil.disk_usage(home).free < _NO_ROOM
    except OSError:
        return False


def _is_folder(path: Path) -> bool:
    try:
        return path.is_dir()
    except OSError:
        return False
