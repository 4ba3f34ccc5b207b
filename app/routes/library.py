"""`GET runs`: every run there is, as the Library lists them. Looked up once for all who ask, once a second at most."""

import asyncio
import json
import time
from collections.abc import Callable, Mapping
from typing import Any, Literal, TypedDict

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from app.routes.answers import FAULTS, told, unless_known
from bcl_core.lab import Lab, Run, RunFolder
from bcl_core.lab.cache import Cache
from bcl_core.lab.pulse import Answer
from bcl_core.recipe import Recipe, Recorded
from bcl_core.registry import DATASETS

LOOK_SECONDS = 1.0
AFTER_A_DEED_SECONDS = 0.1  # between two looks, for who has just changed something

Kind = Literal["own", "shelf", "imported", "recorded"]


class Figures(TypedDict):
    """What its last epoch measured, null where that was not recorded.

    Accuracies are from 0 to 1, angles in degrees; `nearest_mean` is of the nearest class mean, where there is no
    classifier; `tail` is the mean angle within the tail, null where none is
    rare.
    """

    accuracy: float | None
    nearest_mean: float | None
    many: float | None
    medium: float | None
    few: float | None
    angle: float | None
    tail: float | None


class LibraryRun(TypedDict):
    """A run as the Library lists it.

    `group` is its group's id; `data` the data set, `imbalance` the factor that was asked for, null where classes are
    as they are; `space` is where its angles are measured, and `widest` what none there exceeds, in degrees; `epoch` the
    last one recorded; `missing` what lacks here to train it on, in words; `created` and `deleted` are in seconds since
    1970; `bytes` is what its files take on the disk; `lacks_images`: it came without its images, which can be fetched.
    """

    id: str
    kind: Kind
    name: str
    group: str
    group_name: str
    title: str
    recipe: str
    data: str
    imbalance: float | None
    space: str
    widest: float
    seed: int | None
    state: str
    error: str | None
    missing: str | None
    epoch: int | None
    planned: int
    progress: float
    created: float
    deleted: float | None
    rev: str
    bytes: int
    figures: Figures
    lacks_images: bool


class Library(TypedDict):
    """All runs: the lab's own, the newest group first, those on the shelf, and, but for viewers, deleted ones at last.

    `about` says of groups on the shelf, by their ids, what a reader should know; `faults` why a folder of the shelf,
    by its name, was not opened.
    """

    runs: list[LibraryRun]
    about: dict[str, str]
    shelf: str
    faults: dict[str, str]


def library(lab: Lab) -> Library:
    """Return all runs of the lab and its shelf."""
    shelf = lab.shelf
    for run in lab.active_runs():
        lab.settle_dead(run)
    last = lab.last_metrics()
    runs = [_listed(lab, run, last.get(run.id, {})) for run in (*lab.runs(), *shelf.runs, *lab.deleted_runs())]
    return {
        "runs": runs,
        "about": {run.group_id: known.group_about for run in shelf.runs if (known := shelf.get(run.id))},
        "shelf": str(shelf.home),
        "faults": dict(shelf.faults),
    }


def _listed(lab: Lab, run: Run, metrics: Mapping[str, Any]) -> LibraryRun:
    recipe = run.recipe
    data = recipe.data if isinstance(recipe, Recipe) else None
    imbalance = data.imbalance_factor if data and data.imbalance_kind != "natural" else None
    return {
        "id": run.id,
        "kind": _kind(run),
        "name": f"{run.name}, seed {recipe.seed}" if run.shelved else run.name,
        "group": run.group_id,
        "group_name": run.group_name,
        "title": recipe.title,
        "recipe": recipe.in_words,
        "data": DATASETS[data.source].title if data else "",
        "imbalance": imbalance,
        "space": recipe.space,
        "widest": recipe.widest_angle,
        "seed": recipe.seed,
        "state": run.state,
        "error": run.error,
        "missing": run.missing,
        "epoch": run.epoch,
        "planned": recipe.epochs,
        "progress": run.progress,
        "created": run.created,
        "deleted": run.deleted,
        "rev": lab.rev(run),
        "bytes": _bytes(lab, run),
        "figures": {
            "accuracy": metrics.get("accuracy"),
            "nearest_mean": metrics.get("accuracy_nearest_mean"),
            "many": metrics.get("accuracy_many"),
            "medium": metrics.get("accuracy_medium"),
            "few": metrics.get("accuracy_few"),
            "angle": metrics.get("angle_mean"),
            "tail": None if imbalance == 1 else metrics.get("angle_tail_tail"),
        },
        "lacks_images": run.shelved and not lab.folder(run.id).sprite.exists(),
    }


def _bytes(lab: Lab, run: Run) -> int:
    """Return the size of a run's files, which is looked up anew where it has another epoch, or another state."""
    folder = RunFolder((lab.shelf.home if run.shelved else lab.home / "runs") / run.id)
    return _sizes.get((str(folder.path), run.epoch, run.state, run.rev), lambda: (folder.size(), SIZE_MEMORY // 10_000))


SIZE_MEMORY = 4 << 20  # bytes of sizes that are known: of 10,000 runs
_sizes: Cache[tuple[str, int | None, str, int | None], int] = Cache(SIZE_MEMORY)


def _kind(run: Run) -> Kind:
    if run.shelved:
        return "shelf"
    if isinstance(run.recipe, Recorded):
        return "recorded"
    return "imported" if "imported" in run.provenance else "own"


def library_route(lab_of: Callable[[], Lab]) -> Route:
    """Return the route; `lab_of` opens the lab, or raises LabError."""
    return Route("/runs", _Reader(lab_of).serve)


class _Reader:
    """Lets one request at a time look at the disk; the others wait for what it finds."""

    def __init__(self, lab_of: Callable[[], Lab]) -> None:
        self._lab_of = lab_of
        self._looking = asyncio.Lock()
        self._answer: Answer | None = None
        self._looked = 0.0

    async def serve(self, request: Request) -> Response:
        try:
            answer = await self._fresh(now="now" in request.query_params)
        except FAULTS as error:
            return told(request, error)
        return unless_known(request, answer)

    async def _fresh(self, *, now: bool) -> Answer:
        asked = time.monotonic()
        async with self._looking:
            age = time.monotonic() - self._looked
            known = self._answer
            if known is not None and (self._looked > asked or (not now and age < LOOK_SECONDS)):
                return known
            if now and known is not None:
                await asyncio.sleep(max(0.0, AFTER_A_DEED_SECONDS - age))
            self._looked = time.monotonic()
            self._answer = await run_in_threadpool(self._look)
            return self._answer

    def _look(self) -> Answer:
        return Answer.of(json.dumps(library(self._lab_of()), allow_nan=False).encode())
