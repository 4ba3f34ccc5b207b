"""A class as it is now: what its presenter shows, who is here, the question before it. In this process's memory.

Not in the lab: when the server is started again, its presenter needs another link and shows anew. What must outlive
it, the questions and what was answered, lies in the lab (`bcl_core.lab.polls`).

What the presenter shows is the state that the Lab's address holds, or that of the lessons, as text and nothing else; a
viewer's browser reads it as it reads any address.
"""

import json
import os
import re
import time
from collections.abc import Callable
from contextlib import suppress
from threading import RLock
from typing import Any, Literal, TypedDict

from bcl_core.lab import Lab, LabError
from bcl_core.lab.polls import Poll
from bcl_core.lab.pulse import Answer

VISITOR = "bcl-lab-visitor"
"""The cookie by which a browser is known again: at random, and of nobody's name."""
VISITOR_ID = re.compile("[0-9a-f]{32}")
RACES = "BCL_LAB_CLASS_RACES"
MOST_VISITORS = 1000
GONE_SECONDS = 5.0  # after the last question of a browser that asks once a second
SEARCH = re.compile(r"[\w*.+%&=-]{0,8000}", re.ASCII)  # what URLSearchParams writes

How = Literal["off", "live", "frozen"]
Place = Literal["lab", "learn"]


class Question(TypedDict):
    """A question before the class; `counts` are the answers to each choice once they are revealed."""

    id: str
    question: str
    choices: list[str]
    counts: list[int] | None


class ClassState(TypedDict):
    """What the whole class is told.

    `how`: nothing is presented ("off"), the presenter is followed ("live"), or the last picture is held ("frozen");
    `place` is where the presenter is, `search` the address there as a query without "?", "" before there is one.
    """

    how: How
    place: Place
    search: str
    poll: Question | None


class Room:
    """What a class shares. Whoever asks gets the same bytes, made when something changes."""

    def __init__(self) -> None:
        self._lock = RLock()
        self._here: dict[str, tuple[float, bool]] = {}  # by visitor: when heard of last, whether following
        self.knows_poll = False  # whether the lab's question has been read
        self.races = _races_at_first()  # whether viewers may start some
        self._state: ClassState = {"how": "off", "place": "lab", "search": "", "poll": None}
        self._answer = _made(self._state)

    @property
    def answer(self) -> Answer:
        """Return the state as all are told it."""
        return self._answer

    def present(self, how: How) -> None:
        """Begin to present, hold the picture, or end."""
        with self._lock:
            self._change(how=how, search="" if how == "off" else self._state["search"])

    def show(self, place: Place, search: str) -> bool:
        """Show the class what an address says; returns whether it is shown: not while nothing is, or it is held."""
        with self._lock:
            is_live = self._state["how"] == "live"
            if is_live:
                self._change(place=place, search=search)
            return is_live

    def read_poll(self, lab_of: Callable[[], Lab]) -> None:
        """Put the lab's question before the class."""
        poll = None
        with suppress(LabError):  # of a lab that cannot be read there is none, and what is shown is shown all the same
            poll = lab_of().polls.current()
        self._change(poll=None if poll is None else question(poll))
        self.knows_poll = True

    def meet(self, visitor: str, *, following: bool) -> None:
        """Note that a browser has asked."""
        with self._lock:
            self._here.pop(visitor, None)
            self._here[visitor] = (time.monotonic(), following)
            if len(self._here) > MOST_VISITORS:
                del self._here[next(iter(self._here))]

    def here(self) -> tuple[int, int]:
        """Return how many follow and how many look around themselves."""
        oldest = time.monotonic() - GONE_SECONDS
        with self._lock:
            self._here = {visitor: seen for visitor, seen in self._here.items() if seen[0] >= oldest}
            following = sum(follows for _, follows in self._here.values())
            return following, len(self._here) - following

    def open_races(self, is_open: bool) -> None:
        """Let viewers start races, or no more."""
        self.races = is_open

    def reset(self) -> None:
        """Begin with another class: nothing is presented, nobody is here, races are as at first."""
        with self._lock:
            self._here = {}
            self.races = _races_at_first()
        self.present("off")

    def _change(self, **parts: Any) -> None:
        with self._lock:
            state: ClassState = {**self._state, **parts}  # type: ignore[typeddict-item]
            if state != self._state:
                self._state, self._answer = state, _made(state)


def _races_at_first() -> bool:
    return os.environ.get(RACES, "") not in ("", "0")


def question(poll: Poll) -> Question:
    """Return a question as the class may know it."""
    counts = list(poll.counts) if poll.state == "revealed" else None
    return {"id": poll.id, "question": poll.question, "choices": list(poll.choices), "counts": counts}


def _made(state: ClassState) -> Answer:
    return Answer.of(json.dumps(state).encode())


ROOM = Room()
