"""The lab's worker as others know it: who it is, and whether it was asked to leave."""

import time
from typing import NamedTuple

from bcl_core.lab.database import Database


class SignedIn(NamedTuple):
    """The worker that signed in last, which may have died since."""

    pid: int
    code_version: str
    leave: bool  # whether it was asked to


class WorkerRow:
    """One row, which the holder of the lab's worker lock writes and everybody reads."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def read(self) -> SignedIn | None:
        """Return what it says; None before the first worker."""
        with self._database.reading() as db:
            row = db.execute("SELECT pid, code_version, leave FROM worker").fetchone()
        return SignedIn(row[0], row[1], bool(row[2])) if row else None

    def sign_in(self, pid: int, code_version: str) -> None:
        """Enter the worker that holds the lab's worker lock."""
        self._database.change("INSERT OR REPLACE INTO worker VALUES (1, ?, ?, ?, 0)", pid, code_version, time.time())

    def ask_to_leave(self) -> None:
        """Let the worker end, whatever it is at; its runs stay queued."""
        self._database.change("UPDATE worker SET leave = 1")
