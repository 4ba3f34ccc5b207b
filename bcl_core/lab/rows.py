"""From a row of the store to a run, whatever the row holds: one that cannot be read is a run that says what is wrong.

What the columns hold is validated by the types of `Run`.
"""

import json
import re
import sqlite3
from collections.abc import Callable, Iterable, Mapping
from typing import Any, get_type_hints

from pydantic import ConfigDict, TypeAdapter, ValidationError

from bcl_core.lab.cache import Cache
from bcl_core.lab.run import STATES, Run
from bcl_core.metrics import that_hold
from bcl_core.recipe import RUN_ID, Execution, Recipe, Recorded, Unreadable
from bcl_core.recipe.fields import explain

AMONG = "(SELECT value FROM json_each(?))"  # for SQL's IN: of any number of values, which ? alone is not

_NAMELESS = re.compile(r"unreadable-([0-9]{1,18})")


class NotText(str):
    """What is not UTF-8, with � where it goes wrong."""


def text_of(raw: bytes) -> str:
    """Decode text of the store; `NotText` where it is none."""
    try:
        return raw.decode()
    except UnicodeDecodeError:
        return NotText(raw.decode(errors="replace"))


def is_made_up(run_id: str) -> bool:
    """Whether this is what a run is called whose own id cannot be read: no run may have it."""
    return _NAMELESS.fullmatch(run_id) is not None


def where(run_ids: Iterable[str]) -> tuple[str, tuple[str, str]]:
    """Return the condition that finds runs' rows, and its values: by their ids, or where those are none, their places.

    A sound run is found by its place, too: compare the ids of what is found.
    """
    ids = [run_id for run_id in run_ids if RUN_ID.fullmatch(run_id)]
    places = [int(nameless[1]) for nameless in map(_NAMELESS.fullmatch, ids) if nameless]
    return f"(id IN {AMONG} OR rowid IN {AMONG})", (json.dumps(ids), json.dumps(places))


def as_run(row: sqlite3.Row) -> Run:
    """Return the run of a row with its `rowid`; where any column cannot be read, one that says so and does nothing."""
    known, faults = {}, {}
    for name in _READERS.keys() & row.keys():
        try:
            known[name] = _read(name, row[name])
        except ValidationError as error:
            faults[name] = explain(error, name)
        except ValueError as error:
            faults[name] = str(error)
    return _unreadable(row, known, faults) if faults else Run(**known)


_AS_THEY_ARE = (
    "id",
    "name",
    "group_id",
    "group_name",
    "state",
    "epoch",
    "progress",
    "seconds",
    "error",
    "created",
    "rev",
)


def row_of(run: Run) -> dict[str, Any]:
    """Return the columns of a run that can be read, but for its place in its group."""
    assert not isinstance(run.recipe, Unreadable)
    return {
        **{name: getattr(run, name) for name in _AS_THEY_ARE},
        "recipe": run.recipe.model_dump_json(),
        "recipe_hash": run.recipe.hash,
        "execution": run.execution.model_dump_json(),
        "provenance": json.dumps(dict(run.provenance)),
    }


def metrics_of(epoch: Any, text: Any) -> dict[str, Any] | None:
    """Return an epoch's metrics with its "epoch"; None where they cannot be read."""
    try:
        metrics = json.loads(text)
    except (ValueError, TypeError):
        return None
    return (
        {"epoch": epoch, **that_hold(metrics)} if isinstance(metrics, dict) and not isinstance(text, NotText) else None
    )


def _read(name: str, value: Any) -> Any:
    if isinstance(value, NotText):
        raise ValueError(f"{name} is {json.dumps(value, ensure_ascii=False)[:80]}: should be UTF-8 text")
    return _READERS[name](value)


def recipe_of(text: str) -> Recipe | Recorded:
    """Return a stored recipe, one object for all who ask for the same text: a lab of a thousand runs is read at once.

    Raises RecipeError where the text is none.
    """

    def parsed() -> tuple[Recipe | Recorded, int]:
        try:
            recorded = "recorded" in json.loads(text)
        except (ValueError, TypeError):
            recorded = False
        return Recorded.parse(text) if recorded else Recipe.parse(text, stored=True), _PARSED * len(text)

    return _recipes.get(text, parsed)


_PARSED = 8  # bytes that a recipe takes in memory for each of its text
_recipes: Cache[str, Recipe | Recorded] = Cache(16 << 20)


def _state(value: Any) -> str:
    if value not in STATES:
        raise ValueError(f"state is {value!r:.80}: should be one of {', '.join(STATES)}")
    return str(value)


def _id(value: Any) -> str:
    if not (isinstance(value, str) and RUN_ID.fullmatch(value)):
        raise ValueError(f"an id is {value!r:.80}: should be 8 to 64 small letters, digits and hyphens")
    return value


def _reader(hint: Any) -> Callable[[Any], Any]:
    return TypeAdapter(hint, config=ConfigDict(strict=True)).validate_python


_text = _reader(str)
_SPECIAL: Mapping[str, Callable[[Any], Any]] = {
    "id": _id,
    "group_id": _id,
    "recipe": lambda value: recipe_of(_text(value)),
    "execution": Execution.model_validate_json,
    "state": _state,
    "stop": TypeAdapter(bool).validate_python,
    "provenance": TypeAdapter(dict[str, str]).validate_json,
}
_HINTS = get_type_hints(Run, include_extras=True)
_READERS = {**{name: _reader(hint) for name, hint in _HINTS.items() if name not in _SPECIAL}, **_SPECIAL}


def _unreadable(row: sqlite3.Row, known: Mapping[str, Any], faults: Mapping[str, str]) -> Run:
    reason = "; ".join(faults[name] for name in sorted(faults))
    run_id = known.get("id", f"unreadable-{row['rowid']}")
    names = {name: str(row[name] or "no name")[:80] for name in ("name", "group_name")}
    found = {"id": run_id, "recipe": Unreadable(str(row["recipe"]), reason), "state": "unreadable", "error": reason}
    return Run(**{"group_id": run_id, **known, **names, **found})
