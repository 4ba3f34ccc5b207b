"""The app's side jobs: what is asked of them, and what they answer. Nothing here draws."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from app.reading import the_lab
from bcl_core.lab import jobs
from bcl_core.lab.files import write_once
from bcl_core.provenance import code_version
from bcl_core.recipe import Execution, Recipe


@dataclass(frozen=True)
class Request:
    """A look at what a recipe would train on; with an image, at the views of that one alone."""

    recipe: Recipe
    execution: Execution
    image: int | None = None

    @property
    def text(self) -> str:
        """The request as the job reads it."""
        parts = {"recipe": self.recipe.model_dump(mode="json"), "execution": self.execution.model_dump(mode="json")}
        return json.dumps(parts | {"image": self.image}, sort_keys=True)

    @property
    def key(self) -> str:
        """The job's key: equal for equal requests to equal code."""
        return "preview-" + hashlib.sha256((code_version() + self.text).encode()).hexdigest()[:32]

    def look(self) -> jobs.Job:
        """Say how the job stands."""
        return jobs.look(the_lab(), self.key)

    def start(self) -> jobs.Job:
        """Start the job; where too many run already, it stays unknown, and this is to be called again."""
        folder = jobs.folder(the_lab(), self.key)
        write_once(folder / "request.json", self.text.encode())
        return jobs.start(the_lab(), self.key, ["preview", str(folder)])

    def forget(self) -> None:
        """Let the next start look anew."""
        jobs.forget(the_lab(), self.key)


def document(folder: Path, name: str) -> Mapping[str, Any] | None:
    """Return a JSON file that a job has written, None while it has not."""
    path = folder / name
    return _parsed(path, path.stat().st_mtime_ns) if path.exists() else None


@lru_cache(maxsize=16)
def _parsed(path: Path, _: int) -> dict[str, Any]:
    parsed: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return parsed
