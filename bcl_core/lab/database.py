"""The lab's SQLite file, in WAL mode: its tables, its versions, a connection for each deed."""

import sqlite3
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from bcl_core.lab.rows import text_of
from bcl_core.lab.run import LabError

STORE_VERSION = 4  # 2: runs have notes; 3: some runs are recorded from other code; 4: runs are deleted for a while

_ADDED = {"note": ("TEXT", 2), "deleted": ("REAL", 4)}  # columns of runs, by the version that brought them

_SCHEMA = """
CREATE TABLE IF NOT EXISTS runs (
    id TEXT PRIMARY KEY, name TEXT NOT NULL, group_id TEXT NOT NULL, group_name TEXT NOT NULL,
    position INTEGER NOT NULL,
    recipe TEXT NOT NULL, recipe_hash TEXT NOT NULL, execution TEXT NOT NULL,
    state TEXT NOT NULL, run_until INTEGER, stop INTEGER NOT NULL DEFAULT 0,
    epoch INTEGER, progress REAL NOT NULL DEFAULT 0, seconds REAL NOT NULL DEFAULT 0,
    error TEXT, provenance TEXT NOT NULL DEFAULT '{}', created REAL NOT NULL, note TEXT,
    deleted REAL);
CREATE TABLE IF NOT EXISTS metrics (
    run TEXT NOT NULL, epoch INTEGER NOT NULL, metrics TEXT NOT NULL, PRIMARY KEY (run, epoch)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS worker (
    only INTEGER PRIMARY KEY CHECK (only = 1), pid INTEGER, code_version TEXT, heartbeat REAL, leave INTEGER);
CREATE TABLE IF NOT EXISTS deeds (
    key TEXT PRIMARY KEY, content TEXT NOT NULL, answer TEXT, entered REAL NOT NULL) WITHOUT ROWID;
"""


class Database:
    """`lab.sqlite` in a folder. Opening it makes it; any number of processes and threads may have it open."""

    def __init__(self, home: Path) -> None:
        self._file = home / "lab.sqlite"
        try:
            with self.connected() as db:
                db.execute("PRAGMA journal_mode=WAL")
                if db.execute("PRAGMA user_version").fetchone()[0] < STORE_VERSION:
                    _migrate(db)
                db.executescript(_SCHEMA)
        except sqlite3.DatabaseError as error:
            raise LabError(f"{self._file} cannot be opened: {error}") from error

    @contextmanager
    def connected(self) -> Iterator[sqlite3.Connection]:
        """Connect for the time of the block, which is one transaction; LabError where a newer version has been here."""
        db = sqlite3.connect(self._file, timeout=30)
        db.text_factory = text_of
        try:
            version = db.execute("PRAGMA user_version").fetchone()[0]
            if version > STORE_VERSION:
                newer = f"was made by a newer version (format {version}); this one reads {STORE_VERSION}"
                raise LabError(f"{self._file.parent} {newer}")
            with db:
                yield db
        finally:
            db.close()

    @contextmanager
    def writing(self) -> Iterator[sqlite3.Connection]:
        """Connect as `connected`, and be the only one that writes from the start of the block to its end."""
        with self.connected() as db:
            db.execute("BEGIN IMMEDIATE")
            yield db

    def change(self, statement: str, *values: Any) -> int:
        """Execute one statement; return how many rows it concerned."""
        with self.connected() as db:
            return db.execute(statement, values).rowcount


def _migrate(db: sqlite3.Connection) -> None:
    db.execute("BEGIN IMMEDIATE")  # whoever opens the same lab at the same moment waits, and finds it done
    version = db.execute("PRAGMA user_version").fetchone()[0]
    for column, (kind, since) in _ADDED.items():
        if 0 < version < since:
            db.execute(f"ALTER TABLE runs ADD COLUMN {column} {kind}")
    db.execute(f"PRAGMA user_version={STORE_VERSION}")


def marks(values: Collection[Any]) -> str:
    """Return a question mark for each value, for SQL's IN."""
    return ", ".join("?" * len(values))
