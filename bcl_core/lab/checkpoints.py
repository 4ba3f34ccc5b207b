"""Reading and writing a run's checkpoints. Imports torch."""

import hashlib
import io
from collections.abc import Mapping
from typing import Any, NamedTuple

import torch
from safetensors.torch import load, save
from torch import Tensor

from bcl_core.lab.files import RunFolder, SnapshotError, write_aside
from bcl_core.lab.run import LabError
from bcl_core.lab.seals import seal_zip
from bcl_core.lab.starts import check_start
from bcl_core.lab.store import Lab
from bcl_core.models.two_branch import STARTS_FROM
from bcl_core.recipe import Recipe


def written(state: Mapping[str, Any]) -> bytes:
    """Return a checkpoint as it is written: torch's file, sealed."""
    buffer = io.BytesIO()
    torch.save(dict(state), buffer)
    return seal_zip(buffer.getvalue())


def write(folder: RunFolder, epoch: int, content: bytes) -> None:
    """Write a checkpoint in place of none, or of one that was damaged."""
    file = folder.checkpoint(epoch)
    file.parent.mkdir(parents=True, exist_ok=True)
    write_aside(file, lambda aside: aside.write_bytes(content))


def read(folder: RunFolder, epoch: int) -> dict[str, Any]:
    """Return a checkpoint; SnapshotError where it is missing, or not as it was written."""
    file = folder.checkpoint(epoch)
    content = folder.content(file)
    try:
        state: dict[str, Any] = torch.load(io.BytesIO(content), weights_only=True, map_location="cpu")
    except Exception as error:  # what was made to be no checkpoint can fail in any way
        reason = str(error).partition("\n")[0] or type(error).__name__
        raise SnapshotError(f"{file.name} of this run is no checkpoint: {reason}") from error
    return state


class Standing(NamedTuple):
    """Where a run goes on."""

    state: dict[str, Any] | None  # None: at its beginning
    remark: str | None = None  # why that is not after the last epoch that is recorded; None where it is


def standing(folder: RunFolder, recorded: int | None) -> Standing:
    """Return the newest whole checkpoint whose epoch is recorded; a newer one lacks its metrics and is made again.

    Raises:
        LabError: there are such checkpoints, and none of them is whole.
    """
    found = folder.checkpoints()
    usable = [epoch for epoch in found if recorded is not None and epoch <= recorded]
    for unrecorded in set(found) - set(usable):
        folder.checkpoint(unrecorded).unlink()
    faults = []
    for epoch in reversed(usable):
        try:
            state = read(folder, epoch)
        except SnapshotError as error:
            faults.append(f"the checkpoint of epoch {epoch} {str(error).partition(' of this run ')[2]}")
            continue
        if epoch != recorded and not faults:
            faults.append(f"the checkpoint of epoch {recorded} is missing")
        return Standing(state, f"{'; '.join(faults)}; it went on after epoch {epoch}" if faults else None)
    if faults:
        raise LabError(f"no checkpoint is whole ({'; '.join(faults)}): this run cannot go on; train its recipe anew")
    return Standing(None, None if recorded is None else "no checkpoint is left; it began anew")


class State(NamedTuple):
    """The model after an epoch; of an imported one before training, without what was drawn since its file lacked it."""

    epoch: int
    model: Mapping[str, Tensor]


def read_state(lab: Lab, run_id: str, epoch: int | None = None) -> State:
    """Return the model after an epoch, or after the newest that is recorded where None.

    Raises:
        LabError: there is no such run, or no checkpoint of it.
        SnapshotError: the checkpoint is damaged.
    """
    run, folder = lab.run(run_id), lab.folder(run_id)
    standing = [e for e in folder.checkpoints() if run.epoch is not None and e <= run.epoch]
    if not standing and run.epoch is not None and epoch in (None, run.epoch) and folder.weights.exists():
        return State(run.epoch, load(folder.content(folder.weights)))
    if not standing:
        raise LabError(f"{run.name!r} has no checkpoint yet: let it reach an epoch first")
    wanted = standing[-1] if epoch is None else epoch
    if wanted not in standing:
        kept = " and ".join(map(str, standing))
        raise LabError(f"{run.name!r} has no checkpoint of epoch {wanted}; kept are those of epoch {kept}")
    return State(wanted, _without_drawn(folder, wanted, read(folder, wanted)["model"]))


def _without_drawn(folder: RunFolder, epoch: int, model: Mapping[str, Tensor]) -> Mapping[str, Tensor]:
    for source in (folder.initial, folder.weights):
        if epoch == 0 and source.exists():
            return {name: model[name] for name in load(folder.content(source)) if name in model}
    return model


class Start(NamedTuple):
    """What a run takes from the one that it starts from."""

    weights: Mapping[str, Tensor]  # of backbone and classifier
    digest: str  # of these weights: equal for equal ones


def read_start(lab: Lab, recipe: Recipe) -> Start | None:
    """Return the weights of the run that `recipe.model.start` names; None where all weights are drawn.

    Raises:
        LabError: that run is missing, has not finished, or does not fit; as `starts.check_start`.
    """
    if not recipe.model.warm:
        return None
    check_start(lab, recipe)
    model = read_state(lab, recipe.model.start).model
    weights = {name: model[name].contiguous() for name in sorted(model) if name.partition(".")[0] in STARTS_FROM}
    return Start(weights, hashlib.sha256(save(weights)).hexdigest()[:16])
