"""Reading a run's checkpoints. Imports torch."""

import hashlib
from collections.abc import Mapping
from typing import NamedTuple

import torch
from safetensors.torch import load_file, save
from torch import Tensor

from bcl_core.lab.run import LabError
from bcl_core.lab.starts import check_start
from bcl_core.lab.store import Lab
from bcl_core.models.two_branch import STARTS_FROM
from bcl_core.recipe import Recipe


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
