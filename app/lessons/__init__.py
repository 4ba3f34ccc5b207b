"""Lessons as one document for the browser: texts by language, the states that they drive, and what was measured.

`states/` holds what no language changes: each lesson's numbers with where they come from, its figures, which answers
are right, and how long it takes. `<language>/` holds the same lessons' texts, `<language>.json` what stands on buttons.
A figure may name a run of the shelf or a measured file; what it draws of them is read here, so that the browser needs
no server afterwards.
"""

import base64
import json
import re
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from app import palette
from app.components.sphere import titles
from app.components.sphere import told as sphere_told
from app.documents import DOCS
from app.glossary import GLOSSARY
from app.seeds import cells, mean_and_std
from bcl_core import geometry
from bcl_core.lab import SnapshotError
from bcl_core.lab.files import RunFolder
from bcl_core.lab.shelf import open_shelf, shelf_home

FOLDER = Path(__file__).parent
LANGUAGES = tuple(sorted(file.stem for file in FOLDER.glob("*.json")))
DEFAULT = "en"
MEASURED = {"docs/geometry_study.json": "long-tail", "docs/live.json": "warm"}
"""Measured courses over epochs, and the condition that is meant where a figure names none."""


def document() -> dict[str, Any]:
    """Return all lessons, ready for JSON. It is read once for each shelf: neither changes while the app runs."""
    return _document(shelf_home())


@lru_cache(maxsize=2)
def _document(shelf: Path) -> dict[str, Any]:
    lessons = states()
    return {
        "lessons": [{**lesson, "steps": [_resolved(step) for step in lesson["steps"]]} for lesson in lessons],
        "languages": {language: _language(language) for language in LANGUAGES},
        "runs": {
            run_id: _run(shelf, run_id, with_scans=kinds >= {"counts"}) for run_id, kinds in _named(lessons).items()
        },
        "sphere": sphere_told("."),
        "groups": palette.GROUPS,
        "neutral": palette.NEUTRAL,
    }


def states() -> list[dict[str, Any]]:
    """Return what no language changes of each lesson, in their order: A, B … and then the demonstration."""
    found = [_read(file) for file in (FOLDER / "states").glob("*.json")]
    return sorted(found, key=lambda lesson: (len(lesson["key"]), lesson["key"]))


def texts(language: str) -> dict[str, Any]:
    """Return each lesson's texts by its key."""
    files = {_read(file)["key"]: file.name for file in (FOLDER / "states").glob("*.json")}
    return {key: _read(FOLDER / language / name) for key, name in files.items() if (FOLDER / language / name).exists()}


def words(language: str) -> dict[str, Any]:
    """Return what stands on buttons and beside figures, of lessons, sphere and formula, by name."""
    found: dict[str, Any] = _read(FOLDER / f"{language}.json")
    return {"losses": titles(), **found}


def _language(language: str) -> dict[str, Any]:
    return {"glossary": dict(GLOSSARY), **words(language), "texts": texts(language)}


def _read(file: Path) -> Any:
    return json.loads(file.read_text(encoding="utf-8"))


def figures_of(step: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """Return the figure of a step, and the one that takes its place with the answer."""
    return [step[name] for name in ("figure", "then") if name in step]


def _named(lessons: list[dict[str, Any]]) -> dict[str, set[str]]:
    """Return which runs are named, each with the kinds of figures that it is in."""
    found: dict[str, set[str]] = {}
    for lesson in lessons:
        for step in lesson["steps"]:
            for figure in figures_of(step):
                for run_id in figure.get("runs", []):
                    found.setdefault(run_id, set()).add(figure["kind"])
    return dict(sorted(found.items()))


def _resolved(step: Mapping[str, Any]) -> dict[str, Any]:
    """Put what was measured into the figures that name where it lies."""
    return {**step, **{name: _figure(step[name]) for name in ("figure", "then") if name in step}}


def _figure(figure: Mapping[str, Any]) -> dict[str, Any]:
    if figure.get("source") in MEASURED:
        return {**figure, "series": [_course(figure, loss) for loss in figure["losses"]]}
    if figure["kind"] == "strips":
        return {**figure, "cells": [_cell(cell, figure["fields"]) for cell in figure["cells"]]}
    return dict(figure)


def _cell(cell: Mapping[str, str], fields: list[str]) -> dict[str, Any]:
    """Put in what the seeds of a cell of the ablations came to: each, and their mean with its standard deviation."""
    rows = cells().get(cell["cell"], [])
    values = {field: [row[field] for row in rows] for field in fields}
    units = {field: "°" if field == "tail_tail" else " %" for field in fields}
    said = {field: mean_and_std(of) + units[field] if of else "–" for field, of in values.items()}
    return {**cell, "values": values, "said": said}


def course(source: str, condition: str, loss: str) -> list[list[float]]:
    """Return the mean angle within the tail in degrees, a list over the epochs for each seed."""
    runs = _read(DOCS.parent / source)["runs"]
    if source == "docs/live.json":
        return [run["tail_tail_by_epoch"] for run in runs if (run["start"], run["loss"]) == (condition, loss)]
    return [run["tail_tail"] for run in runs if (run["condition"], run["variant"]) == (condition, loss)]


def _course(figure: Mapping[str, Any], loss: str) -> dict[str, Any]:
    values = np.array(course(figure["source"], figure.get("condition", MEASURED[figure["source"]]), loss))
    rows = zip(range(values.shape[1]), values.mean(axis=0), values.min(axis=0), values.max(axis=0), strict=True)
    return {"loss": loss, "points": [[epoch, *(round(float(degrees), 1) for degrees in of)] for epoch, *of in rows]}


def _run(shelf: Path, run_id: str, *, with_scans: bool) -> dict[str, Any]:
    """Return a run of the shelf: its classes, all angles over its epochs, and scans of its rarest classes.

    `angles` has a list for each epoch, the pairs (1, 0), (2, 0), (2, 1) … in tenths of a degree; -1 for none.
    """
    shelved = open_shelf(shelf).get(run_id)
    if shelved is None:
        return {"lack": True, "others": [run.id for run in open_shelf(shelf).runs]}
    folder = RunFolder(shelf / run_id)
    try:
        history, samples = folder.arrays(folder.history), folder.arrays(folder.samples)
        names = json.loads(folder.metadata(folder.samples)["class_names"])
    except SnapshotError:
        return {"lack": True, "others": [run.id for run in open_shelf(shelf).runs if run.id != run_id]}
    counts = samples["class_counts"]
    low = np.tril_indices(len(counts), -1)
    angles = [np.nan_to_num(10 * geometry.pairwise_angles(means)[low], nan=-1) for means in history["class_means"]]
    return {
        "title": shelved.run.recipe.title,
        "variant": shelved.run.recipe.variant,
        "names": names,
        "counts": counts.tolist(),
        "tail": geometry.head_and_tail(counts)[1].tolist(),
        "epochs": history["mean_epochs"].tolist(),
        "angles": [np.rint(of).astype(int).tolist() for of in angles],
        **(_scans(folder, samples) if with_scans else {}),
    }


def _scans(folder: RunFolder, samples: Mapping[str, NDArray[Any]]) -> dict[str, Any]:
    """Return all images that are kept, as one picture, with which of what class are training images."""
    return {
        "labels": samples["labels"].tolist(),
        "train": np.flatnonzero(samples["split"] == 1).tolist(),
        "sprite": "data:image/png;base64," + base64.b64encode(folder.sprite.read_bytes()).decode(),
    }


PLACE = re.compile(r"\{([a-z][a-z0-9_]*)\}")
"""Where a text has one of its lesson's numbers, by its name."""
