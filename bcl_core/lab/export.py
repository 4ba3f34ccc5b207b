"""Runs as one zip, to be kept or handed on, and read again by `bcl_core.lab.bringing`. It holds no images.

Of each run there is a folder by its id, with the files of the run's own folder as they are, its row of the database,
and its last weights for whoever reads safetensors. Nothing is compressed, so that the size tells what it unpacks to.
"""

import json
import shutil
import zipfile
from collections.abc import Sequence
from pathlib import Path

from safetensors.torch import save

from bcl_core.lab.checkpoints import read_state
from bcl_core.lab.files import OF_AN_EPOCH, RunFolder, write_aside
from bcl_core.lab.run import LabError, Run
from bcl_core.lab.seals import seal_arrays
from bcl_core.lab.store import Lab
from bcl_core.recipe import FORMAT_VERSION, Execution, Recipe, Unreadable

README, ROW, RECIPE, METRICS, WEIGHTS = "README.txt", "run.json", "recipe.json", "metrics.json", "weights.safetensors"

_README = f"""\
Runs of BCL Lab, a folder each. `python -m bcl_core import` reads this file again.

{RECIPE:20} every setting; `python -m bcl_core train --recipe {RECIPE}` trains it again
{ROW:20} name, group, state, and what it was made with: versions, device, a hash of the data
{METRICS:20} every recorded epoch: accuracies from 0 to 1, angles in degrees
{WEIGHTS:20} the model after the last epoch; safetensors opens it: what lies under "backbone." makes the
{"":20} features, "classifier" and "bias" the classes, "projection." and "prototype_mlp." the rest
samples.safetensors  labels and indices of the embedded images; the images themselves are not here
epochs.zip           class means, prototypes, predictions, statistics and embeddings of each epoch; of a run
{"":20} that has not finished, the folders view and embeddings
checkpoint           of a run that has not finished: what it goes on from
"""


def export_runs(lab: Lab, run_ids: Sequence[str], target: Path) -> None:
    """Write runs into one zip: all that `bring` needs to show them again, and to train on what has not finished.

    The same runs give the same bytes. The file appears whole or not at all.

    Args:
        lab: where the runs are.
        run_ids: which, in the order in which they will stand.
        target: a file that is not there yet.

    Raises:
        LabError: there is no such run, it has no epoch yet or cannot be read, or the file stands already.
        OSError: it cannot be written.
    """
    if target.exists():
        raise LabError(f"{target} stands already; choose another name")
    runs = [_exportable(lab.run(run_id)) for run_id in dict.fromkeys(run_ids)]

    def write(aside: Path) -> None:
        with zipfile.ZipFile(aside, "w", zipfile.ZIP_STORED) as archive:
            _add(archive, README, _README.encode())
            for run in runs:
                _add_run(archive, lab, run)

    write_aside(target, write)


def _exportable(run: Run) -> Run:
    if isinstance(run.recipe, Unreadable):
        raise LabError(f"{run.name!r} cannot be read: {run.recipe.reason}")
    if run.epoch is None:
        raise LabError(f"{run.name!r} has no epoch yet: let it reach one first")
    return run


def _add_run(archive: zipfile.ZipFile, lab: Lab, run: Run) -> None:
    assert not isinstance(run.recipe, Unreadable)
    folder = lab.folder(run.id)
    metrics = [row for row in lab.metrics(run.id) if row["epoch"] <= (run.epoch or 0)]
    _add(archive, f"{run.id}/{ROW}", _json(_row(run)))
    _add(archive, f"{run.id}/{RECIPE}", run.recipe.model_dump_json(indent=2).encode())
    _add(archive, f"{run.id}/{METRICS}", _json(metrics))
    if isinstance(run.recipe, Recipe):
        model = read_state(lab, run.id).model
        weights = save({name: tensor.contiguous() for name, tensor in model.items()})
        _add(archive, f"{run.id}/{WEIGHTS}", seal_arrays(weights))
    for file in _files(folder, run):
        with file.open("rb") as source, archive.open(_entry(f"{run.id}/{_name(file, folder)}"), "w") as copy:
            shutil.copyfileobj(source, copy, 1 << 20)


def _files(folder: RunFolder, run: Run) -> list[Path]:
    """Return the files that are copied as they are: of epochs that are recorded, all; of checkpoints the last one."""
    once = (folder.samples, folder.predicted, folder.history, folder.pack)
    epochs = [file for kind in OF_AN_EPOCH for file in sorted((folder.path / kind).glob("*.safetensors"))]
    recorded = [file for file in epochs if int(file.stem) <= (run.epoch or 0)]
    goes_on = run.state != "finished" and isinstance(run.recipe, Recipe)
    usable = [epoch for epoch in folder.checkpoints() if epoch <= (run.epoch or 0)] if goes_on else []
    return [*filter(Path.exists, once), *recorded, *map(folder.checkpoint, usable[-1:])]


def _row(run: Run) -> dict[str, object]:
    return {
        "format_version": FORMAT_VERSION,
        "name": run.name,
        "group_id": run.group_id,
        "group_name": run.group_name,
        "state": "stopped" if run.active else run.state,
        "epoch": run.epoch,
        "progress": run.progress,
        "seconds": run.seconds,
        "error": run.error,
        "rev": run.rev,
        "created": run.created,
        "provenance": dict(run.provenance),
        # Where the data lay concerns nobody else.
        "execution": run.execution.model_copy(update={"data": Execution().data}).model_dump(mode="json"),
    }


def _json(value: object) -> bytes:
    return json.dumps(value, indent=1, ensure_ascii=False, allow_nan=False).encode()


def _name(file: Path, folder: RunFolder) -> str:
    return file.relative_to(folder.path).as_posix()


def _add(archive: zipfile.ZipFile, name: str, content: bytes) -> None:
    archive.writestr(_entry(name), content)


def _entry(name: str) -> zipfile.ZipInfo:
    entry = zipfile.ZipInfo(name)  # of 1980, so that equal contents give equal bytes
    entry.create_system, entry.external_attr = 3, 0o644 << 16  # Unix, wherever this runs
    return entry
