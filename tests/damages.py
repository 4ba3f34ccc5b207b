"""What can be wrong with a row of the store, one thing at a time, while the row says that the run is queued."""

import json
import sqlite3
from collections.abc import Callable, Mapping

from bcl_core.lab import GroupPlan, Lab
from bcl_core.recipe import Execution
from tests.conftest import small

Damage = Callable[[bytes], tuple[str, object]]  # from a recipe's bytes to a column and what it then holds


def _later(recipe: bytes) -> bytes:
    return json.dumps({**json.loads(recipe), "format_version": 2, "curriculum": "hard first"}).encode()


# The reason's words beside each damage.
DAMAGES: Mapping[str, tuple[Damage, str]] = {
    "a loss that none can be called": (
        lambda recipe: ("recipe", recipe.replace(b'"bcl"', b'"b c l"')),
        "BCL_LAB_LOSSES",
    ),
    "a newer version": (lambda recipe: ("recipe", _later(recipe)), "newer version (format 2)"),
    "a flipped bit that breaks JSON": (lambda recipe: ("recipe", recipe.replace(b":", b"z", 1)), "JSON"),
    "a flipped bit that breaks UTF-8": (lambda recipe: ("recipe", recipe.replace(b"e", b"\xe5", 1)), "UTF-8"),
    "a flipped bit in a name": (lambda recipe: ("recipe", recipe.replace(b"epochs", b"epochw")), "epochw"),
    "no object": (lambda _: ("recipe", b"7"), "recipe"),
    "a broken execution": (lambda _: ("execution", b"{nonsense"), "execution"),
    "a broken provenance": (lambda _: ("provenance", b'{"code": 1'), "provenance"),
    "a name that is not UTF-8": (lambda _: ("name", b"dama\xffged"), "UTF-8"),
    "a time that is none": (lambda _: ("created", "yesterday"), "created"),
    "progress beyond the end": (lambda _: ("progress", 1e300), "progress"),
    "a state not known": (lambda _: ("state", "dreaming"), "queued"),
    "a group without an id": (lambda _: ("group_id", ""), "id"),
    "an id that leads elsewhere": (lambda _: ("id", "../../elsewhere"), "id"),
    "no id": (lambda _: ("id", None), "id"),
}


def damage(lab: Lab, run_id: str, kind: str) -> None:
    """Do to the row what the kind says."""
    with sqlite3.connect(lab.home / "lab.sqlite") as db:
        [[recipe]] = db.execute("SELECT CAST(recipe AS BLOB) FROM runs WHERE id = ?", (run_id,))
        column, value = DAMAGES[kind][0](recipe)
        held = "CAST(? AS TEXT)" if isinstance(value, bytes) else "?"
        db.execute(f"UPDATE runs SET {column} = {held} WHERE id = ?", (value, run_id))
    db.close()


def queue_damaged(lab: Lab, *kinds: str) -> list[str]:
    """Queue a run for each kind and damage it; return the ids that they were queued under."""
    runs = [("damaged", small(seed=place)) for place, _ in enumerate(kinds)]
    ids = lab.enqueue(GroupPlan("damaged", runs), Execution(device="cpu", threads=1))
    for run_id, kind in zip(ids, kinds, strict=True):
        damage(lab, run_id, kind)
    return ids
