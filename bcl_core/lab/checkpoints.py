"""Reading a run's checkpoints. Imports torch."""

from collections.abc import Mapping
from typing import NamedTuple

import torch
from safetensors.torch import load_file
from torch import Tensor

from bcl_core.lab.run import LabError
from bcl_core.lab.store import Lab


class State(NamedTuple):
    """The model after an epoch."""

    epoch: int
    model: Mapping[str, Tensor]


def read_state(lab: Lab, run_id: str, epoch: int | None = None) -> State:
    """Return the model after an epoch, or after the newest that is recorded where None.

    Raises:
        LabError: there is no such run, or no checkpoint of it.
    """
    run, folder = lab.run(run_id), lab.folder(run_id)
    standing = [e for e in folder.checkpoints() if run.epoch is not None and e <= run.epoch]
    if not standing and run.epoch is not None and epoch in (None, run.epoch) and folder.weights.exists():
        return State(run.epoch, load_file(folder.weights))
    if not standing:
        raise LabError(f"{run.name!r} has no checkpoint yet: let it reach an epoch first")
    wanted = standing[-1] if epoch is None else epoch
    if wanted not in standing:
        kept = " and ".join(map(str, standing))
        raise LabError(f"{run.name!r} has no checkpoint of epoch {wanted}; kept are those of epoch {kept}")
    state = torch.load(folder.checkpoint(wanted), weights_only=True, map_location="cpu")
    return State(wanted, state["model"])
