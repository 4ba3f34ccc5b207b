"""The sphere lab as a page of its own, and what is predicted of it.

The page needs no server once it is loaded: `predicted.js` holds what is predicted of the settings that it opens with,
and of those that lessons show. `python -m app.routes.sphere` writes that file; a test holds it to the solver.
"""

import json
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, TypedDict
from urllib.parse import urlencode

import numpy as np
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.routing import Route

from app import lessons, runs
from app.components.sphere import VARIANTS, told
from app.routes.answers import as_json, refused
from app.routes.plain import Page, plain_page
from bcl_core import geometry
from bcl_core.registry import LOSSES

PREDICTED = Path(__file__).parents[1] / "components" / "sphere" / "predicted.js"
DIMENSIONS = 3
MOST_IMAGES = 400
TEMPERATURES = (0.02, 5.0)
OPENING: dict[str, Any] = {"counts": [130, 32, 8, 2], "temperature": 0.3, "batch": 64}
KEPT = (OPENING, {**OPENING, "batch": sum(OPENING["counts"])})
"""Settings of which the browser knows what is predicted without asking."""

_BODY = '<main><div class="bcl-sphere"></div></main>'
_WORDS = ("sphere", "formula", "losses", "joining", "batches", "everything", "wrong")


class Prediction(TypedDict):
    """Degrees between the class means, K·K in rows, where a loss leaves them in three dimensions; null if unproved."""

    angles: list[float] | None


def sphere_routes() -> list[Route]:
    """Return the page, and the route that predicts."""
    return [
        Route("/sphere", lambda _: HTMLResponse(sphere_page(plain_page, "."))),
        Route("/sphere/predicted", _predicted),
    ]


def sphere_page(page: Page, prefix: str | None) -> str:
    """Return the page. `prefix` is where predictions can be asked for; None: nowhere.

    It holds all languages: its address says which is shown, also where no server reads it.
    """
    languages = {language: lessons.words(language) for language in lessons.LANGUAGES}
    words = {language: {name: of[name] for name in _WORDS} for language, of in languages.items()}
    shown = {**told(prefix), "languages": words}
    return page("BCL Lab: the sphere", _BODY, shown, sheet="sphere.css", module="alone.js")


def _predicted(request: Request) -> Response:
    """Answer in a thread of the server's: the solver takes a tenth of a second."""
    try:
        asked = _asked(request.query_params)
    except ValueError as error:
        return refused(f"no prediction for that: {error}")
    return as_json(request, Prediction(angles=angles(**asked)))


def _asked(query: Mapping[str, str]) -> dict[str, Any]:
    counts = [int(word) for word in query.get("counts", "").split(".") if re.fullmatch("[0-9]{1,4}", word)]
    try:
        temperature, batch = float(query.get("temperature", "")), int(query.get("batch", ""))
    except ValueError:
        temperature, batch = 0.0, 0
    if not 2 <= len(counts) <= DIMENSIONS + 1 or min(counts) < 1 or sum(counts) > MOST_IMAGES:
        raise ValueError(f"counts are 2 to {DIMENSIONS + 1} whole numbers of at least 1, {MOST_IMAGES} in all at most")
    if query.get("loss") not in VARIANTS:
        raise ValueError(f"loss is one of {', '.join(VARIANTS)}")
    if not TEMPERATURES[0] <= temperature <= TEMPERATURES[1] or batch < 2:
        raise ValueError("temperature is a number from {} to {}, batch a whole one of 2 or more".format(*TEMPERATURES))
    return {"counts": counts, "variant": query["loss"], "temperature": temperature, "batch": batch}


def angles(*, counts: Sequence[int], variant: str, temperature: float, batch: int) -> list[float] | None:
    """Return a prediction's angles in degrees, row by row to a hundredth; None where the solver proves none."""
    name, anchors = VARIANTS[variant]
    weights = LOSSES[name].weights
    assert weights is not None
    found = runs.optimum(
        tuple(counts),
        weights.class_averaging,
        weights.class_complement,
        anchors,
        temperature,
        DIMENSIONS,
        None if batch >= sum(counts) else batch,
    )
    return np.round(geometry.pairwise_angles(found.means), 2).ravel().tolist() if np.isfinite(found.gap) else None


def javascript() -> str:
    """Return what the lab opens with, and what is known of it, as its module: angles by how they would be asked for."""
    rows = "".join(
        f'  "{asked_for(variant=variant, **settings)}": {angles(variant=variant, **settings)},\n'
        for settings in KEPT
        for variant in VARIANTS
    )
    return (
        "// Written by `python -m app.routes.sphere`: what the lab opens with, and what is predicted, in degrees.\n\n"
        f"export const OPENING = {json.dumps(OPENING)};\n\n"
        f"export const PREDICTED = {{\n{rows}}};\n"
    )


def asked_for(*, counts: Sequence[int], variant: str, temperature: float, batch: int) -> str:
    """Return the query that asks for a prediction, as the lab writes it."""
    return urlencode(
        {"counts": ".".join(map(str, counts)), "loss": variant, "temperature": temperature, "batch": batch}
    )


if __name__ == "__main__":
    PREDICTED.write_text(javascript(), encoding="utf-8")
