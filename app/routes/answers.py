"""What all routes answer alike: what may be kept for good, and what went wrong, in a sentence."""

import json
from collections.abc import Callable
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from app.roles import role_in, without_paths
from bcl_core.lab import LabError, SnapshotError, UnknownRun
from bcl_core.lab.cache import Cache
from bcl_core.lab.history import NotKept, WrongSpan
from bcl_core.lab.pulse import Answer

# Streamlit would compress each answer anew; "identity" tells its middleware that the choice is made.
IMMUTABLE = {"Cache-Control": "public, max-age=31536000, immutable", "Content-Encoding": "identity"}
FAULTS = (LabError, SnapshotError)
NAMES_PATHS = ("error", "note", "failure", "missing", "shelf", "faults")
"""Fields of documents in which sentences stand that may name a path of this machine."""
OF_THE_MACHINE = "provenance"
"""The field that says what a run was made on, and of which files: viewers find it empty."""
GONE = "deleted"
"""The field that says when something was deleted: viewers do not find it among what is listed."""
VIEWERS_MEMORY = 4 << 20  # bytes of answers as viewers read them; each pulse makes those before it old
_viewers: Cache[str, Answer] = Cache(VIEWERS_MEMORY)


def sentence(status: int, error: str) -> JSONResponse:
    """Say what was wrong, and what would be right; never kept."""
    return JSONResponse({"error": error}, status_code=status, headers={"Cache-Control": "no-store"})


def refused(error: str) -> JSONResponse:
    """Say that a question cannot be answered as it was asked."""
    return sentence(422, error)


def told(request: Request, error: Exception) -> Response:
    """Say in a sentence what of the lab was not there or could not be read: one of FAULTS."""
    missing = isinstance(error, UnknownRun | NotKept | SnapshotError)
    text = str(error)
    if role_in(request) == "viewer":
        text = error.to_viewers if isinstance(error, UnknownRun) else without_paths(text)
    return sentence(422 if isinstance(error, WrongSpan) else 404 if missing else 503, text)


def in_words(request: Request, answer: Callable[[], Response]) -> Response:
    """Answer, or say what was wrong."""
    try:
        return answer()
    except FAULTS as error:
        return told(request, error)


def as_json(request: Request, document: Any) -> Response:
    """Answer with a document that may change, unless the browser has it."""
    return unless_known(request, Answer.of(json.dumps(document, allow_nan=False).encode()))


def unless_known(request: Request, answer: Answer) -> Response:
    """Return the answer, as who asks may read it, or that nothing has changed since the browser asked."""
    if role_in(request) == "viewer":
        answer = _viewers.get(answer.etag, lambda: _for_viewers(answer))
    taken = "gzip" in request.headers.get("Accept-Encoding", "")
    headers = {
        "Cache-Control": "no-cache",
        "ETag": answer.etag,
        "Content-Encoding": "gzip" if taken else "identity",
        "Vary": "Accept-Encoding",
    }
    if answer.etag in request.headers.get("If-None-Match", ""):
        return Response(status_code=304, headers=headers)
    return Response(answer.packed if taken else answer.content, media_type="application/json", headers=headers)


def _for_viewers(answer: Answer) -> tuple[Answer, int]:
    """Return an answer without what is told of this machine, and what keeping it takes in bytes."""
    made = Answer.of(json.dumps(_for_all(json.loads(answer.content)), allow_nan=False).encode())
    return made, len(made.content) + len(made.packed)


def _for_all(part: Any, named: str = "") -> Any:
    match part:
        case dict() if named == OF_THE_MACHINE:
            return {}
        case dict():
            return {key: _for_all(value, named if named in NAMES_PATHS else key) for key, value in part.items()}
        case list():
            return [_for_all(value, named) for value in part if not (isinstance(value, dict) and value.get(GONE))]
        case str() if named in NAMES_PATHS:
            return without_paths(part)
    return part
