"""The pulse of a lab: how far its runs are, read from the disk and answered from memory.

The disk is read twice a second at most, and oftener only for a run that nobody has asked for lately, or whose first
epoch is awaited.

Whoever follows runs asks once a second; the answer's bytes are made once and shared by all who ask the same.
"""

import base64
import gzip
import hashlib
import json
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple, TypedDict

import numpy as np

from bcl_core.lab.cache import Cache
from bcl_core.lab.files import SnapshotError
from bcl_core.lab.history import scalars_of
from bcl_core.lab.launch import worker_status
from bcl_core.lab.run import Run, UnknownRun
from bcl_core.lab.store import Lab

LOOK_SECONDS = 0.5
EAGER_SECONDS = 0.1  # between two looks, where a run is new to this reader, or about to have its first epoch
FORGOTTEN_SECONDS = 60.0
MOST_RUNS = 64
MOST_ROWS = 32
MOST_FOLLOWED = 512  # runs, by all who ask
MEANS_BYTES = 16 << 10  # class means of an epoch that are larger are fetched with its view
ROWS_BYTES = 1 << 20  # of an answer; runs whose rows have no room there are left to their history
ANSWER_BYTES = 8 << 20


class ClassMeans(TypedDict):
    """Rows of an array, (K, d): little-endian float32 in base64."""

    shape: list[int]
    data: str


class Row(TypedDict):
    """One epoch: what its curves gain. Without class means where they are too large or not recorded."""

    epoch: int
    scalars: dict[str, float | None]
    class_means: ClassMeans | None


class Queue(TypedDict):
    """What is before a run that waits: how many groups, and for how long, where that can be said."""

    races: int
    seconds: float | None


class RunPulse(TypedDict):
    """How far a run is.

    `group` is its group's id; `rev` is part of the addresses of its data; `epochs` are the kept ones as ranges [first,
    last, step]; `progress` is 0 to 1; `holds_at` is the epoch after which it waits, -1 before all, null where it goes
    on to its end; `rows` are the epochs after the one that the question names, none where there are more than 32.
    """

    state: str
    group: str
    rev: str
    epochs: list[list[int]]
    planned: int
    progress: float
    note: str | None
    error: str | None
    seconds_left: float | None
    queue: Queue | None
    holds_at: int | None
    rows: list[Row]


class Unknown(TypedDict):
    """In place of a run that is not in this lab."""

    error: str


class WorkerPulse(TypedDict):
    """Whether a worker lives, and if not, why the one that the app started is not there, where that is known."""

    alive: bool
    failure: str | None


class LabPulse(TypedDict):
    """The answer to `pulse`: runs by their ids, and who trains them."""

    runs: dict[str, RunPulse | Unknown]
    worker: WorkerPulse


class Answer(NamedTuple):
    """JSON, the same compressed, and its ETag: made once, whoever asks."""

    content: bytes
    packed: bytes
    etag: str

    @classmethod
    def of(cls, content: bytes) -> "Answer":
        """Make it of its JSON."""
        return cls(content, gzip.compress(content, 1, mtime=0), f'"{hashlib.sha256(content).hexdigest()[:20]}"')


@dataclass
class _Followed:
    """A run that somebody asks for."""

    asked: float
    rev: str = ""
    last: int | None = None
    kept: list[int] = field(default_factory=list)
    rows: dict[int, str] = field(default_factory=dict)  # of the last epochs, as JSON
    awaited: bool = False  # its first epoch comes next
    head: str | None = None  # all but the rows, as JSON without its closing brace; "" where there is no such run


class Pulse:
    """One reader of a lab's changes. `look` is for one thread at a time; the others may be called at any moment."""

    def __init__(self, lab: Lab) -> None:
        self.lab = lab
        self._followed: dict[str, _Followed] = {}
        self._worker: WorkerPulse = {"alive": False, "failure": None}
        self._looked = -LOOK_SECONDS
        self._answers: Cache[tuple[tuple[str, ...], int | None], Answer] = Cache(ANSWER_BYTES)

    def seconds_to_look(self, run_ids: Iterable[str]) -> float | None:
        """Return how long to wait before a look that who asks for these runs needs; None: memory has what they need."""
        age = time.monotonic() - self._looked
        asked = [self._followed.get(run_id) for run_id in run_ids]
        if any(one is None or one.head is None for one in asked):
            return max(0.0, EAGER_SECONDS - age)
        due = EAGER_SECONDS if any(one and one.awaited for one in asked) else LOOK_SECONDS
        return 0.0 if age >= due else None

    def look(self, run_ids: Iterable[str] = ()) -> None:
        """Read what has changed of the runs that are followed; follow these, too."""
        now = time.monotonic()
        self.follow(run_ids)
        followed = {run_id: one for run_id, one in self._latest() if now - one.asked < FORGOTTEN_SECONDS}
        runs = self.lab.watched_runs(followed)
        for run in runs.values():
            self.lab.settle_dead(run)
        ahead = _queue([run for run in runs.values() if run.wants_to_train])
        status = worker_status(self.lab)
        worker: WorkerPulse = {"alive": status.alive, "failure": status.failure}
        before = {run_id: (one.head, one.last) for run_id, one in followed.items()}
        for run_id, one in followed.items():
            self._update(one, run_id, runs.get(run_id), ahead)
            one.awaited = status.alive and _is_awaited(runs.get(run_id), ahead)
        self._followed = followed
        known, self._worker = self._worker, worker
        if known != worker or before != {run_id: (one.head, one.last) for run_id, one in followed.items()}:
            self._answers = Cache(ANSWER_BYTES)
        self._looked = now

    def follow(self, run_ids: Iterable[str]) -> None:
        """Note that somebody asks for these runs, so that the next look concerns them."""
        now = time.monotonic()
        for run_id in run_ids:
            self._followed.setdefault(run_id, _Followed(now)).asked = now
        if len(self._followed) > 2 * MOST_FOLLOWED:
            self._followed = dict(self._latest())

    def _latest(self) -> list[tuple[str, _Followed]]:
        return sorted(self._followed.items(), key=lambda item: item[1].asked)[-MOST_FOLLOWED:]

    def answer(self, run_ids: Sequence[str], since: int | None) -> Answer:
        """Return what is known of these runs, with the epochs after `since`; none of those where it is None."""
        return self._answers.get((tuple(run_ids), since), lambda: self._made(run_ids, since))

    def _made(self, run_ids: Sequence[str], since: int | None) -> tuple[Answer, int]:
        room = ROWS_BYTES
        parts: list[str] = []
        for run_id in run_ids:
            rows = self._rows(run_id, since)
            rows = rows if len(rows) <= room else ""
            room -= len(rows)
            parts.append(f"{json.dumps(run_id)}:{self._of(run_id, rows)}")
        answer = Answer.of(f'{{"runs":{{{",".join(parts)}}},"worker":{json.dumps(self._worker)}}}'.encode())
        return answer, len(answer.content) + len(answer.packed)

    def _of(self, run_id: str, rows: str) -> str:
        one = self._followed.get(run_id)
        if one is None or not one.head:
            return json.dumps({"error": str(UnknownRun("run", run_id))})
        return f'{one.head},"rows":[{rows}]}}'

    def _rows(self, run_id: str, since: int | None) -> str:
        one = self._followed.get(run_id)
        news = [] if since is None or one is None else [epoch for epoch in one.kept if epoch > since]
        return ",".join(one.rows[epoch] for epoch in news) if one and len(news) <= MOST_ROWS else ""

    def _update(self, one: _Followed, run_id: str, run: Run | None, ahead: Mapping[str, Queue]) -> None:
        if run is None:
            one.rev, one.last, one.head = "", None, ""
            return
        rev = self.lab.rev(run)
        if (rev, run.epoch) != (one.rev, one.last):
            kept, known = self.lab.epochs(run_id), one.rows if rev == one.rev else {}
            latest = kept[-MOST_ROWS:]
            lacking = [epoch for epoch in latest if epoch not in known]
            recorded = {row["epoch"]: row for row in self.lab.metrics(run_id, lacking)}
            new = {epoch: self._row(run_id, recorded.get(epoch, {"epoch": epoch})) for epoch in lacking}
            # Together and last: where the disk could not be read, the next look finds all as it was.
            one.rows = {epoch: new[epoch] if epoch in new else known[epoch] for epoch in latest}
            one.rev, one.last, one.kept = rev, run.epoch, kept
        one.head = json.dumps(_head(run, rev, one.kept, ahead.get(run_id)))[:-1]

    def _row(self, run_id: str, metrics: Mapping[str, Any]) -> str:
        epoch = metrics["epoch"]
        scalars = {name: value for name, value in scalars_of(metrics).items() if name != "epoch"}
        return json.dumps({"epoch": epoch, "scalars": scalars, "class_means": self._means(run_id, epoch)})

    def _means(self, run_id: str, epoch: int) -> ClassMeans | None:
        folder = self.lab.folder(run_id)
        try:
            means = folder.arrays(folder.view(epoch)).get("class_means")
        except SnapshotError:  # told by name to who asks for the view
            return None
        if means is None or means.nbytes > MEANS_BYTES:
            return None
        return {"shape": list(means.shape), "data": base64.b64encode(means.astype("<f4").tobytes()).decode()}


def _is_awaited(run: Run | None, ahead: Mapping[str, Queue]) -> bool:
    waits = run is not None and run.id in ahead and ahead[run.id]["races"] > 0
    return run is not None and run.epoch is None and run.wants_to_train and not waits


def _head(run: Run, rev: str, kept: Sequence[int], queue: Queue | None) -> dict[str, Any]:
    return {
        "state": run.state,
        "group": run.group_id,
        "rev": rev,
        "epochs": ranges(kept),
        "planned": run.recipe.epochs,
        "progress": round(run.progress, 4),
        "note": run.note,
        "error": run.error,
        "seconds_left": None if run.seconds_left is None else round(run.seconds_left, 1),
        "queue": queue,
        "holds_at": run.run_until,
    }


def _queue(willing: Sequence[Run]) -> dict[str, Queue]:
    """Say, of each queued run, what will be trained before its group."""
    groups: dict[tuple[bool, float, str], list[Run]] = {}
    for run in willing:
        groups.setdefault(run.turn, []).append(run)
    before: list[float | None] = []
    found: dict[str, Queue] = {}
    for _, runs in sorted(groups.items()):
        known = [seconds for seconds in before if seconds is not None]
        seconds = round(sum(known), 1) if len(known) == len(before) else None
        found |= {run.id: {"races": len(before), "seconds": seconds} for run in runs if run.state == "queued"}
        left = [run.seconds_left for run in runs]
        before.append(None if None in left else sum(value for value in left if value is not None))
    return found


def ranges(epochs: Sequence[int]) -> list[list[int]]:
    """Return rising epochs as [first, last, step] each, the longest runs from the front."""
    found: list[list[int]] = []
    values = np.asarray(epochs)
    start = 0
    while start < len(values):
        steps = np.diff(values[start:])
        same = len(steps) if not len(steps) else int(np.argmax(steps != steps[0])) or len(steps)
        found.append([int(values[start]), int(values[start + same]), int(steps[0]) if len(steps) else 1])
        start += same + 1
    return found
