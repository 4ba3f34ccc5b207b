"""The contract between lab and browser: every route under /bcl/v1/, and the shape of what it answers, in one place.

| route | answer |
| --- | --- |
| `GET health` | `Health` |
| `GET pulse?runs=a,b,c&since=E` | `LabPulse`; ETag |
| `GET runs` | `Library`; ETag; with `?now`, as it is after what the asker has just done |
| `GET runs/{id}/about` | `About`; ETag |
| `GET runs/{id}/controls?without=a,b` | `Controls` |
| `GET runs/{id}/history/{rev}?from&to&step` | the file that `bcl_core.lab.history` describes |
| `GET runs/{id}/view/{rev}/{epoch}` | an epoch's arrays; `embeddings/…` its full embeddings |
| `GET runs/{id}/samples/{rev}`, `predicted/{rev}`, `sprite.png/{rev}` | what the images are, where the loss would end |
| `GET runs/{id}/arrays/{rev}/{epoch}.npz` | all of the epoch for elsewhere, as numpy's own file to save |
| `GET runs/{id}/projection/{rev}/{method}/{epoch}` | an epoch alone, made flat by pca or umap: `coordinates` (N, 2) |
| `GET jobs/{key}` | `JobState`; ETag |
| `GET jobs/{key}/{name}` | a file that the job has made, made anew at times: `app.routes.jobs.FILES`; ETag |
| `GET class?alone` | `ClassState`, where there is a class; ETag; `alone`: whoever asks looks around |
| `GET class/desk` | `Desk`, for the presenter; `class/answers.csv`: what was answered |
| `GET sphere` | the sphere lab as a page of its own |
| `GET sphere/predicted?counts=130.32.8.2&loss&temperature&batch` | `Prediction`; ETag |
| `POST do` | `app.verbs`: everything that changes the lab |

What carries a `rev` is immutable. `Failure` is the answer where there is something wrong, with a status of 400 or more.
`python -m app.routes.contract` writes the same shapes for JavaScript, `contract.js`; a test holds them together.
"""

import re
import types
import typing
from pathlib import Path
from typing import Any, TypedDict

from app import classroom
from app.routes import about, health, jobs, library, sphere
from app.routes import classroom as classrooms
from bcl_core.lab import pulse

JAVASCRIPT = Path(__file__).with_suffix(".js")


class Failure(TypedDict):
    """What was wrong, and what would be right, in a sentence."""

    error: str


SHAPES: tuple[Any, ...] = (
    *(pulse.LabPulse, pulse.WorkerPulse, pulse.RunPulse, pulse.Queue, pulse.Row, pulse.ClassMeans, pulse.Unknown),
    *(about.About, about.Switches, about.Classes, about.Groups, about.Shots, about.Predicted),
    *(about.Controls, about.Control),
    *(library.Library, library.LibraryRun, library.Figures),
    jobs.JobState,
    *(classroom.ClassState, classroom.Question, classrooms.Desk, classrooms.Waiting),
    health.Health,
    sphere.Prediction,
    Failure,
)

_PLAIN = {str: "string", int: "number", float: "number", bool: "boolean", type(None): "null", Any: "any"}


def javascript() -> str:
    """Return the shapes as JSDoc."""
    parts = ["// Written by `python -m app.routes.contract` from the types in Python: what the routes answer.\n"]
    for shape in SHAPES:
        words = re.sub(r"\s+", " ", (shape.__doc__ or "").strip())
        fields = typing.get_type_hints(shape)
        lines = [f" * @property {{{_named(kind)}}} {name}" for name, kind in fields.items()]
        parts.append(
            "\n".join(["/**", f" * {words}", f" * @typedef {{Object}} {shape.__name__}", *lines, " */"]) + "\n"
        )
    return "\n".join([*parts, "export {};\n"])


def _named(kind: Any) -> str:
    """Return a type as JSDoc writes it."""
    if kind in _PLAIN:
        return _PLAIN[kind]
    if kind in SHAPES:
        return str(kind.__name__)
    origin, inner = typing.get_origin(kind), typing.get_args(kind)
    if origin is typing.Literal:
        return "|".join(f'"{value}"' for value in inner)
    if origin is list:
        return f"Array<{_named(inner[0])}>"
    if origin is dict:
        return f"Object<string, {_named(inner[1])}>"
    if origin is types.UnionType:
        return "|".join(map(_named, inner))
    raise TypeError(f"{kind} has no name in JavaScript: use one of the shapes, or a plain type")


if __name__ == "__main__":
    JAVASCRIPT.write_text(javascript(), encoding="utf-8")
