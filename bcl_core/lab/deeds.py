"""Deeds that are done once for a key, however often, and by however many processes, they are asked for."""

import time

from bcl_core.lab.database import Database

KEYS_KEPT_SECONDS = 7 * 24 * 3600


class Deeds:
    """The keys of a lab, with what was done under them."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def claim(self, key: str, content: str) -> tuple[str, str | None] | None:
        """Enter that this content is about to be done under the key, and return None: whoever gets None does it.

        Where the key was entered before, return its content and its answer, None while there is no answer.
        """
        with self._database.writing() as db:
            db.execute("DELETE FROM deeds WHERE entered < ?", (time.time() - KEYS_KEPT_SECONDS,))
            before: tuple[str, str | None] | None = db.execute(
                "SELECT content, answer FROM deeds WHERE key = ?", (key,)
            ).fetchone()
            if before is None:
                db.execute("INSERT INTO deeds VALUES (?, ?, NULL, ?)", (key, content, time.time()))
            return before

    def keep_answer(self, key: str, answer: str) -> None:
        """Enter how the deed of a claimed key ended."""
        self._database.change("UPDATE deeds SET answer = ? WHERE key = ?", answer, key)

    def free(self, key: str) -> None:
        """Give a claimed key back, since nothing was done."""
        self._database.change("DELETE FROM deeds WHERE key = ?", key)
