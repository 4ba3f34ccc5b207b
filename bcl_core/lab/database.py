"""The lab's SQLite file, in WAL mode: its tables, its versions, a connection for each deed."""

import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from bcl_core.lab.faults import DATABASE, in_words
from bcl_core.lab.rows import text_of
from bcl_core.lab.run import DiskError, LabError

# 2: runs have notes; 3: some runs are recorded from other code; 4: runs are deleted for a while; 5: runs have a rev
STORE_VERSION = 5

_LATER = {"note": "TEXT", "deleted": "REAL", "rev": "INTEGER"}  # columns of runs that its first version had not

PATIENCE_SECONDS = 30  # with whoever else writes
# What SQLite says where it can write neither the file nor what belongs beside it.
_UNWRITABLE = (
    *(sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_READONLY, sqlite3.SQLITE_PERM),
    *(sqlite3.SQLITE_IOERR, sqlite3.SQLITE_FULL),
)

_SCHEMA = """
CREATE TABLE IF NOT EXISTS runs (
    id TEXT PRIMARY KEY, name TEXT NOT NULL, group_id TEXT NOT NULL, group_name TEXT NOT NULL,
    position INTEGER NOT NULL,
    recipe TEXT NOT NULL, recipe_hash TEXT NOT NULL, execution TEXT NOT NULL,
    state TEXT NOT NULL, run_until INTEGER, stop INTEGER NOT NULL DEFAULT 0,
    epoch INTEGER, progress REAL NOT NULL DEFAULT 0, seconds REAL NOT NULL DEFAULT 0,
    error TEXT, provenance TEXT NOT NULL DEFAULT '{}', created REAL NOT NULL, note TEXT,
    deleted REAL, rev INTEGER);
CREATE TABLE IF NOT EXISTS metrics (
    run TEXT NOT NULL, epoch INTEGER NOT NULL, metrics TEXT NOT NULL, PRIMARY KEY (run, epoch)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS worker (
    only INTEGER PRIMARY KEY CHECK (only = 1), pid INTEGER, code_version TEXT, heartbeat REAL, leave INTEGER);
CREATE TABLE IF NOT EXISTS deeds (
    key TEXT PRIMARY KEY, content TEXT NOT NULL, answer TEXT, entered REAL NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS polls (
    id TEXT PRIMARY KEY, question TEXT NOT NULL, choices TEXT NOT NULL, state TEXT NOT NULL,
    asked REAL NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS answers (
    poll TEXT NOT NULL, voter TEXT NOT NULL, choice INTEGER NOT NULL, PRIMARY KEY (poll, voter)) WITHOUT ROWID;
"""


class Database:
    """`lab.sqlite` in a folder. Opening it makes it; any number of processes and threads may have it open.

    Whatever the disk or SQLite raises is a DiskError here. Where nothing can be written, since the folder is read-only
    or the disk is full, it can be read all the same.
    """

    def __init__(self, home: Path) -> None:
        self._home, self._file = home, home / DATABASE
        try:
            with in_words(home):
                self._prepare()
        except DiskError:
            with self.reading():
                pass  # it can be looked at

    @contextmanager
    def reading(self) -> Iterator[sqlite3.Connection]:
        """Connect for the time of the block, to read; LabError where a newer version has been here."""
        with in_words(self._home), closing(self._readable()) as db:
            yield db

    @contextmanager
    def writing(self) -> Iterator[sqlite3.Connection]:
        """Connect for the time of the block, which is one transaction, and the only one that writes meanwhile."""
        with in_words(self._home), closing(self._connect()) as db:
            if _version(db) < STORE_VERSION:
                self._prepare()
            with db:
                db.execute("BEGIN IMMEDIATE")
                yield db

    def change(self, statement: str, *values: Any) -> int:
        """Execute one statement; return how many rows it concerned."""
        with self.writing() as db:
            return db.execute(statement, values).rowcount

    def _prepare(self) -> None:
        with closing(self._connect()) as db, db:
            db.execute("PRAGMA journal_mode=WAL")
            if _version(db) < STORE_VERSION:
                _migrate(db)
            db.executescript(_SCHEMA)

    def _connect(self, how: str = "") -> sqlite3.Connection:
        db = sqlite3.connect(self._file.as_uri() + how, uri=True, timeout=PATIENCE_SECONDS)
        try:
            db.text_factory = text_of
            if (version := _version(db)) > STORE_VERSION:
                newer = f"was made by a newer version (format {version}); this one reads {STORE_VERSION}"
                raise LabError(f"{self._home} {newer}")
        except BaseException:
            db.close()
            raise
        return db

    def _readable(self) -> sqlite3.Connection:
        try:
            db = self._connect()
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode & 0xFF not in _UNWRITABLE or not self._file.is_file():
                raise
            db = self._untouched()
        if _version(db) < STORE_VERSION:
            try:  # it was made by an older version, or taken away since it was opened
                with in_words(self._home):
                    self._prepare()
            except DiskError:
                _make_up(db)
        db.execute("PRAGMA query_only=1")
        return db

    def _untouched(self) -> sqlite3.Connection:
        """Connect where SQLite may write no file beside the database, which its journal (WAL) needs to be read."""
        journal = self._file.with_name(f"{self._file.name}-wal")
        if not journal.exists() or not journal.stat().st_size:
            return self._connect("?mode=ro&immutable=1")
        memory = sqlite3.connect(":memory:")
        memory.text_factory = text_of
        with TemporaryDirectory() as folder:
            for file in (self._file, journal):
                shutil.copyfile(file, Path(folder) / file.name)
            with closing(sqlite3.connect(Path(folder) / self._file.name)) as copy:
                copy.backup(memory)
        return memory


def _version(db: sqlite3.Connection) -> int:
    return int(db.execute("PRAGMA user_version").fetchone()[0])


def _make_up(db: sqlite3.Connection) -> None:
    """Let a database of an older version, which cannot be written, be read as one of this version."""
    if lacking := _lacking(db):
        made_up = "".join(f", NULL AS {column}" for column in lacking)
        db.execute(f"CREATE TEMP VIEW runs AS SELECT rowid AS rowid, *{made_up} FROM main.runs")
    elif _version(db) == 0:
        db.executescript(_SCHEMA.replace("CREATE TABLE", "CREATE TEMP TABLE"))


def _migrate(db: sqlite3.Connection) -> None:
    db.execute("BEGIN IMMEDIATE")  # whoever opens the same lab at the same moment waits, and finds it done
    for column in _lacking(db):
        db.execute(f"ALTER TABLE runs ADD COLUMN {column} {_LATER[column]}")
    db.execute(f"PRAGMA user_version={STORE_VERSION}")


def _lacking(db: sqlite3.Connection) -> list[str]:
    """Return the columns that an older version's table of runs has not; none where there is no table."""
    there = {row[1] for row in db.execute("PRAGMA table_info(runs)")}
    return [column for column in _LATER if there and column not in there]
