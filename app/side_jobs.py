"""The app's side jobs: how each is started, under which key. Nothing here draws."""

import hashlib
import json
import re
from collections.abc import Sequence

from bcl_core.lab import Lab, LabError, jobs
from bcl_core.lab.files import write_once
from bcl_core.provenance import code_version
from bcl_core.recipe import Execution, Recipe

EXPORT, EXPORT_NAME = "runs.zip", "name.txt"


def look(lab: Lab, recipe: Recipe, execution: Execution, image: int | None = None, *, again: bool = False) -> str:
    """Look at what a recipe would train on, with an image at the views of that one alone; return the job's key.

    The key is equal for equal requests to equal code. A job that was started before is left as it is; with `again`, one
    that has ended is forgotten first. Where too many run, it stays unknown: to be called again.
    """
    parts = {"recipe": recipe.model_dump(mode="json"), "execution": execution.model_dump(mode="json"), "image": image}
    request = json.dumps(parts, sort_keys=True)
    key = _key("preview", code_version(), request)
    if again:
        jobs.forget(lab, key)
    folder = jobs.folder(lab, key)
    write_once(folder / "request.json", request.encode())
    jobs.start(lab, key, ["preview", str(folder)])
    return key


def project(lab: Lab, run_id: str, epoch: int, method: str) -> str:
    """Make one epoch of a run alone flat by "pca" or "umap", unless that runs or has been done; return the job's key.

    Where too many jobs run, it stays unknown.

    Raises:
        LabError: there is no such run, or no embeddings of this epoch.
    """
    folder, key = lab.folder(run_id), _key("project", run_id, str(epoch), method)
    kept = folder.epochs("embeddings")
    if epoch not in kept:
        which = f"the last one that is kept is {kept[-1]}" if kept else "none is kept of this run"
        raise LabError(f"the embeddings of epoch {epoch} are not kept; {which}")
    if not folder.projection(method, epoch).exists():
        jobs.forget(lab, key)
    words = ["project", run_id, "--epoch", str(epoch), "--method", method]
    jobs.start(lab, key, [*words, "--folder", str(jobs.folder(lab, key))])
    return key


def export(lab: Lab, run_ids: Sequence[str]) -> str:
    """Write runs into `runs.zip` of the job's folder, unless that runs or has been done; return the job's key.

    `name.txt` beside it says what to call it elsewhere. Where too many jobs run, it stays unknown.

    Raises:
        UnknownRun: there is no such run.
    """
    runs = [lab.run(run_id) for run_id in run_ids]
    key = _key("export", *(f"{run.id}/{run.epoch}/{run.state}/{run.name}/{run.group_name}" for run in runs))
    folder = jobs.folder(lab, key)
    if not (folder / EXPORT).exists():
        jobs.forget(lab, key)
    name = f"{runs[0].name} {runs[0].id}" if len(runs) == 1 else f"{len(runs)} runs"
    write_once(folder / EXPORT_NAME, (re.sub(r"[^\w.+-]+", "-", name).strip("-.") + ".zip").encode())
    jobs.start(lab, key, ["export", *run_ids, str(folder / EXPORT)])
    return key


def _key(kind: str, *parts: str) -> str:
    return f"{kind}-{hashlib.sha256(' '.join(parts).encode()).hexdigest()[:32]}"
