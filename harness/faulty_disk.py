"""A disk that fails at one kind of write, in this process or in every Python process that is started with `faulty`.

What fails stands in a file, so that it can begin and end while processes run: "checkpoint ENOSPC". A file that is being
written gets half of what is written, as on a disk that fills up; the database says what SQLite says there.
"""

import builtins
import errno
import io
import os
import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
CONTROL = "BCL_FAULTY_DISK"
# What the path of a file of this kind has in it.
FILES: Mapping[str, tuple[str, ...]] = {
    "checkpoint": ("/checkpoint/",),
    "snapshot": ("/view/", "/embeddings/"),
    "export": (".exported.zip.",),
    "import": ("/.brought-",),
}
KINDS = (*FILES, "database")
ERRORS = ("ENOSPC", "EIO", "EROFS")
_SQLITE = {"ENOSPC": sqlite3.SQLITE_FULL, "EIO": sqlite3.SQLITE_IOERR, "EROFS": sqlite3.SQLITE_READONLY}
_WRITES = ("INSERT", "UPDATE", "DELETE")
_open, _connect = io.open, sqlite3.connect


def faulty(control: Path) -> dict[str, str]:
    """Return the environment of processes whose disk fails as the file `control` says, at any moment."""
    places = f"{ROOT / 'harness' / 'at_start'}{os.pathsep}{ROOT}"
    return {**os.environ, "PYTHONPATH": places, CONTROL: str(control)}


@contextmanager
def failing(kind: str, error: str, control: Path) -> Iterator[None]:
    """Let this kind of write fail in the block, for all who look at `control`; they note there what they have hit."""
    _struck(control).unlink(missing_ok=True)
    control.write_text(f"{kind} {error}")
    try:
        yield
    finally:
        control.write_text("")


def has_struck(control: Path) -> bool:
    """Whether somebody has met with what fails since it began."""
    return _struck(control).exists()


@contextmanager
def here(control: Path) -> Iterator[None]:
    """Look at `control` in this process, for the time of the block."""
    before = os.environ.get(CONTROL)
    os.environ[CONTROL] = str(control)
    install()
    try:
        yield
    finally:
        io.open, builtins.open, sqlite3.connect = _open, _open, _connect
        os.environ.pop(CONTROL)
        if before is not None:
            os.environ[CONTROL] = before


def install() -> None:
    """Let this process's writes fail where they are to."""
    io.open = builtins.open = _opened
    sqlite3.connect = _connected  # type: ignore[assignment]


def _opened(file: Any, mode: str = "r", *arguments: Any, **named: Any) -> Any:
    if not isinstance(file, int) and {*mode} & {*"wax+"}:
        kind, error = _failing()
        path = os.fspath(file)
        path = path.decode() if isinstance(path, bytes) else path
        if any(part in path for part in FILES.get(kind, ())):
            _strike()
            if error == "EROFS":
                raise OSError(errno.EROFS, os.strerror(errno.EROFS), path)
            half = _Half(path, mode.replace("b", ""))
            return io.BufferedRandom(half) if "+" in mode else io.BufferedWriter(half)
    return _open(file, mode, *arguments, **named)


class _Half(io.FileIO):
    """A file of which half of the first piece is written."""

    def write(self, data: Any, /) -> int:
        super().write(bytes(data)[: len(data) // 2])
        number = getattr(errno, _failing()[1] or "EIO")
        raise OSError(number, os.strerror(number), self.name)


class _Connection(sqlite3.Connection):
    """A database whose changes fail."""

    def execute(self, sql: str, *values: Any) -> sqlite3.Cursor:
        kind, error = _failing()
        if kind == "database" and sql.lstrip().startswith(_WRITES):
            _strike()
            fault = sqlite3.OperationalError(f"what SQLite says of {error}")
            fault.sqlite_errorcode = _SQLITE[error]
            raise fault
        return super().execute(sql, *values)


def _connected(*arguments: Any, **named: Any) -> sqlite3.Connection:
    connection: sqlite3.Connection = _connect(*arguments, **{"factory": _Connection, **named})
    return connection


def _failing() -> tuple[str, str]:
    """Return what fails at this moment, and how; nothing: two empty words."""
    try:
        with _open(os.environ[CONTROL]) as file:
            kind, _, error = file.read().partition(" ")
    except OSError:
        return "", ""
    return kind, error


def _struck(control: Path) -> Path:
    return control.with_name(f"{control.name}.struck")


def _strike() -> None:
    with _open(_struck(Path(os.environ[CONTROL])), "w"):
        pass
