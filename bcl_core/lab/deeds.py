"""Deeds that are done once for a key, however often, and by however many processes, they are asked for."""

import sqlite3
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import NamedTuple

from bcl_core.lab.database import Database
from bcl_core.lab.locks import taken

KEYS_KEPT_SECONDS = 7 * 24 * 3600


class Before(NamedTuple):
    """What was asked for under a key before, its answer if it has one, and whether somebody is still at it.

    Without an answer, and nobody at it, it broke off: its process was killed, for example.
    """

    content: str
    answer: str | None
    is_underway: bool = False


class Deeds:
    """The keys of a lab, with what was done under them.

    A process that does something holds its key's lock, which is free again where it dies. The lock's file goes in the
    transaction that says how the deed ended, and locks are taken in transactions, so that nobody takes one without a
    file.
    """

    def __init__(self, database: Database, folder: Path) -> None:
        self._database, self._folder = database, folder

    @contextmanager
    def claimed(self, key: str, content: str, *, again: bool) -> Iterator[Before | None]:
        """Yield None to whoever is to do this in the block; else what was asked for under the key before.

        `again`: what broke off is to be done once more.
        """
        with ExitStack() as claim:
            with self._database.writing() as db:
                self._forget_old(db)
                row = db.execute("SELECT content, answer FROM deeds WHERE key = ?", (key,)).fetchone()
                before = None if row is None else Before(*row)
                if before is None or before == Before(content, None):
                    self._folder.mkdir(exist_ok=True)
                    if (lock := taken(self._lock(key))) is None:
                        before = Before(content, None, is_underway=True)
                    else:
                        claim.callback(lock.release)
                        before = None if again else before
                        db.execute("INSERT OR IGNORE INTO deeds VALUES (?, ?, NULL, ?)", (key, content, time.time()))
            yield before

    def keep_answer(self, key: str, answer: str) -> None:
        """Enter how the deed of a claimed key ended."""
        self._end("UPDATE deeds SET answer = ? WHERE key = ?", answer, key)

    def free(self, key: str) -> None:
        """Give a claimed key back, since nothing was done."""
        self._end("DELETE FROM deeds WHERE key = ?", key)

    def _end(self, statement: str, *values: str) -> None:
        with self._database.writing() as db:
            db.execute(statement, values)
            self._lock(values[-1]).unlink(missing_ok=True)

    def _forget_old(self, db: sqlite3.Connection) -> None:
        old = time.time() - KEYS_KEPT_SECONDS
        for (key,) in db.execute("SELECT key FROM deeds WHERE entered < ? AND answer IS NULL", (old,)):
            self._lock(key).unlink(missing_ok=True)
        db.execute("DELETE FROM deeds WHERE entered < ?", (old,))

    def _lock(self, key: str) -> Path:
        return self._folder / f"{key}.lock"
