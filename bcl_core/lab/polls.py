"""Questions that a presenter asks a class, and what was answered: anonymous, one answer each, kept in the lab."""

import hashlib
import json
import secrets
import time
from collections.abc import Sequence
from typing import Literal, NamedTuple

from bcl_core.lab.database import Database
from bcl_core.lab.run import LabError

MOST_ANSWERS = 1000  # to a question

_STANDS = "SELECT choice FROM answers WHERE poll = ? AND voter = ?"
_ENTER = """INSERT OR IGNORE INTO answers SELECT ?, ?, ?
    WHERE EXISTS (SELECT 1 FROM polls WHERE id = ? AND state = 'open')"""

State = Literal["open", "revealed", "closed"]


class Poll(NamedTuple):
    """A question. It takes answers while it is open, and is before the class until it is closed."""

    id: str
    question: str
    choices: tuple[str, ...]
    state: State
    asked: float  # seconds since 1970
    counts: tuple[int, ...]  # answers to each choice


class Polls:
    """The questions of a lab. One at a time is before the class."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def all(self) -> list[Poll]:
        """Return every question that was asked, in that order."""
        with self._database.reading() as db:
            rows = db.execute("SELECT id, question, choices, state, asked FROM polls ORDER BY asked").fetchall()
            counted = db.execute("SELECT poll, choice, COUNT(*) FROM answers GROUP BY poll, choice").fetchall()
        counts = {(poll, choice): count for poll, choice, count in counted}
        return [_poll(row, counts) for row in rows]

    def current(self) -> Poll | None:
        """Return the question that is before the class."""
        return next((poll for poll in self.all() if poll.state != "closed"), None)

    def ask(self, question: str, choices: Sequence[str]) -> str:
        """Put a question before the class, in place of the one that was; return its id."""
        poll_id = secrets.token_hex(8)
        with self._database.writing() as db:
            db.execute("UPDATE polls SET state = 'closed'")
            row = (poll_id, question, json.dumps(choices), "open", time.time())
            db.execute("INSERT INTO polls VALUES (?, ?, ?, ?, ?)", row)
        return poll_id

    def answer(self, poll_id: str, who: str, choice: int) -> int:
        """Enter an answer by somebody, unless there is one; return the one that stands.

        Of who answered a digest is kept that is another one for each question, so that nobody can tell which answers
        to two questions are the same person's. LabError: the question takes none, or has no such choice.
        """
        voter = hashlib.sha256(f"{poll_id} {who}".encode()).hexdigest()
        with self._database.reading() as db:
            known = db.execute("SELECT choices FROM polls WHERE id = ? AND state = 'open'", (poll_id,)).fetchone()
            stands = db.execute(_STANDS, (poll_id, voter)).fetchone()
            taken = db.execute("SELECT COUNT(*) FROM answers WHERE poll = ?", (poll_id,)).fetchone()[0]
        if known is None:
            raise LabError("this question takes no answers any more")
        if choice >= len(json.loads(known[0])):
            raise LabError(f"this question has no choice {choice + 1}")
        if stands is None and taken >= MOST_ANSWERS:
            raise LabError(f"this question has its {MOST_ANSWERS:,} answers")
        if stands is None:
            with self._database.writing() as db:
                db.execute(_ENTER, (poll_id, voter, choice, poll_id))
                stands = db.execute(_STANDS, (poll_id, voter)).fetchone()
        if stands is None:
            raise LabError("this question takes no answers any more")
        return int(stands[0])

    def reveal(self, poll_id: str) -> None:
        """Show what was answered, and take no more answers."""
        self._change(poll_id, "revealed")

    def close(self, poll_id: str) -> None:
        """Take the question away; its answers are kept."""
        self._change(poll_id, "closed")

    def _change(self, poll_id: str, state: State) -> None:
        changed = self._database.change("UPDATE polls SET state = ? WHERE id = ? AND state != 'closed'", state, poll_id)
        if not changed:
            raise LabError("this question is not before the class any more")


def _poll(row: tuple[str, str, str, State, float], counts: dict[tuple[str, int], int]) -> Poll:
    poll_id, question, choices, state, asked = row
    texts = tuple(json.loads(choices))
    return Poll(poll_id, question, texts, state, asked, tuple(counts.get((poll_id, i), 0) for i in range(len(texts))))
