"""The app's side jobs: what is asked of them, under which key, and what they answer. Nothing here draws."""

import hashlib
import json
import re
from collections.abc import Sequence
from dataclasses import dataclass

from bcl_core.lab import Lab, LabError, jobs
from bcl_core.lab.files import write_once
from bcl_core.provenance import code_version
from bcl_core.recipe import Execution, Recipe

EXPORT, EXPORT_NAME = "runs.zip", "name.txt"


@dataclass(frozen=True)
class Look:
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
        return _key("preview", code_version(), self.text)

    def start(self, lab: Lab, *, again: bool = False) -> jobs.Job:
        """Start the job unless it was started before; where too many run, it stays unknown: to be called again.

        With `again`, one that has ended is forgotten first; one that runs is left alone.
        """
        if again:
            jobs.forget(lab, self.key)
        folder = jobs.folder(lab, self.key)
        write_once(folder / "request.json", self.text.encode())
        return jobs.start(lab, self.key, ["preview", str(folder)])


@dataclass(frozen=True)
class Projection:
    """One epoch of a run alone, made flat by "pca" or "umap"."""

    run_id: str
    epoch: int
    method: str

    @property
    def key(self) -> str:
        """The job's key."""
        return _key("project", self.run_id, str(self.epoch), self.method)

    def start(self, lab: Lab) -> jobs.Job:
        """Start the job unless it runs, or has made what still stands; where too many run, it stays unknown.

        Raises:
            LabError: there is no such run, or no embeddings of this epoch.
        """
        folder = lab.folder(self.run_id)
        kept = folder.epochs("embeddings")
        if self.epoch not in kept:
            which = f"the last one that is kept is {kept[-1]}" if kept else "none is kept of this run"
            raise LabError(f"the embeddings of epoch {self.epoch} are not kept; {which}")
        if not folder.projection(self.method, self.epoch).exists():
            jobs.forget(lab, self.key)
        words = ["project", self.run_id, "--epoch", str(self.epoch), "--method", self.method]
        return jobs.start(lab, self.key, [*words, "--folder", str(jobs.folder(lab, self.key))])


@dataclass(frozen=True)
class Export:
    """Runs as one zip file, `runs.zip` in the job's folder; `name.txt` beside it says what to call it elsewhere."""

    run_ids: Sequence[str]

    def start(self, lab: Lab) -> str:
        """Start the job unless it runs, or has made what still stands; return its key.

        Where too many run it stays unknown: to be called again.

        Raises:
            LabError: there is no such run, or it has no weights here.
        """
        runs = [lab.run(run_id) for run_id in self.run_ids]
        if len(runs) > 1:
            raise LabError("runs are exported one by one; choose a single one")
        for run in runs:
            if not run.training_recipe or run.epoch is None:
                raise LabError(f"{run.name!r} has no epoch yet whose weights could be exported")
        key = _key("export", *(f"{run.id}/{run.epoch}/{run.name}" for run in runs))
        folder = jobs.folder(lab, key)
        if not (folder / EXPORT).exists():
            jobs.forget(lab, key)
        words = " ".join([runs[0].name, runs[0].id])
        write_once(folder / EXPORT_NAME, (re.sub(r"[^\w.+-]+", "-", words).strip("-.") + ".zip").encode())
        jobs.start(lab, key, ["export", *self.run_ids, str(folder / EXPORT)])
        return key


def _key(kind: str, *parts: str) -> str:
    return f"{kind}-{hashlib.sha256(' '.join(parts).encode()).hexdigest()[:32]}"
