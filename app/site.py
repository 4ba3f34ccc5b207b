"""Lessons, the sphere lab and saved runs as files that need no server: `bcl-lab site` runs this, and writes them.

Browsers refuse modules and requests where a page comes from the disk. So each page has its style, its script and all
that it shows within itself, and its policy lets it ask nobody for anything.
"""

import json
import sys
from collections.abc import Collection, Mapping
from typing import Any

from app import lessons
from app.routes.lessons import lessons_page
from app.routes.plain import whole_page
from app.routes.sphere import sphere_page
from app.saved_lab import lab_page
from bcl_core.lab.shelf import open_shelf, shelf_home


def made() -> dict[str, Any]:
    """Return `pages`, each by the name of its file, the one that leads to the others last; and what is `lacking`.

    Those are the runs that lessons draw or lead to and that are not on the shelf, each with these lessons' keys.
    """
    document, shelf = lessons.document(), open_shelf(shelf_home())
    needed: dict[str, list[str]] = {}
    for lesson in document["lessons"]:
        for run_id in sorted({run_id for step in lesson["steps"] for run_id in _runs_of(step)}):
            needed.setdefault(run_id, []).append(lesson["key"])
    lacking = {run_id: keys for run_id, keys in needed.items() if shelf.get(run_id) is None}
    led_to = [_linked(lesson, lacking) for lesson in document["lessons"]]
    sets = list(dict.fromkeys(tuple(step["lab"]) for lesson in led_to for step in lesson["steps"] if "lab" in step))
    pages = {
        **({"lab.html": lab_page(sets)} if sets else {}),
        "sphere.html": sphere_page(whole_page, None),
        "index.html": lessons_page(whole_page, {**document, "lessons": led_to}, None, None),
    }
    return {"pages": pages, "lacking": lacking}


def _runs_of(step: Mapping[str, Any]) -> set[str]:
    return {*step.get("lab", ()), *(run_id for of in lessons.figures_of(step) for run_id in of.get("runs", ()))}


def _linked(lesson: Mapping[str, Any], lacking: Collection[str]) -> dict[str, Any]:
    """Return the lesson without links to the Lab that would not find all their runs."""

    def leads(part: str, of: Any) -> bool:
        return part != "lab" or not set(of) & set(lacking)

    return {**lesson, "steps": [{part: of for part, of in step.items() if leads(part, of)} for step in lesson["steps"]]}


if __name__ == "__main__":
    json.dump(made(), sys.stdout)
