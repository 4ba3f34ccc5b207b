"""Measuring a run's newest checkpoint once more, on data read anew, beside what was recorded of that epoch."""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch

from bcl_core.data.dataset import prepare
from bcl_core.evaluation import Evaluator, TrainingDiverged
from bcl_core.hardware import Hardware, has_bf16, resolve
from bcl_core.lab.checkpoints import read_state
from bcl_core.lab.run import LabError, Run
from bcl_core.lab.store import Lab
from bcl_core.models import build_model
from bcl_core.recipe import Execution


@dataclass(frozen=True)
class Evaluation:
    """A checkpoint's metrics, fresh and as recorded. Losses and gradients are training's, and not measured again."""

    epoch: int
    fresh: Mapping[str, Any]
    recorded: Mapping[str, Any]
    same_data: bool  # as when the run started, by the hash in its provenance

    @property
    def accuracy_difference(self) -> float:
        """The largest, in points, over the mean accuracy, the groups' and each class's."""
        return 100 * self._largest_difference(lambda name: name.startswith("accuracy"))

    @property
    def angle_difference(self) -> float:
        """The largest, in degrees, over everything that is an angle."""
        return self._largest_difference(lambda name: "angle" in name)

    def _largest_difference(self, concerns: Callable[[str], bool]) -> float:
        both = [name for name in self.fresh if name in self.recorded and concerns(name)]  # older runs recorded less
        return max(_difference(self.fresh[name], self.recorded[name]) for name in both)


def _difference(fresh: Any, recorded: Any) -> float:
    """Return the largest absolute difference; infinite where only one of them is there."""
    if fresh is None or recorded is None:
        return 0.0 if fresh is recorded else math.inf
    return float(np.abs(np.subtract(fresh, recorded)).max())


def _as_trained(run: Run, execution: Execution) -> Hardware:
    """Where to measure: in the run's own precision, unless another is asked for or the device does not have it."""
    own = run.execution_as_begun.precision
    here = resolve(execution, None, lambda *_: iter(()))  # with the threads known there is nothing to measure
    if execution.precision == "auto" and own != "auto" and (own == "fp32" or has_bf16(here.device)):
        return replace(here, precision=own)
    return here


def evaluate_run(
    lab: Lab, run_id: str, execution: Execution | None = None, report: Callable[[str], None] = lambda _: None
) -> Evaluation:
    """Measure a run's newest checkpoint once more, as `execution` says where and on which data, else as it was trained.

    `report` is told in words how a long wait for the data goes on.

    Raises:
        LabError: there is no such run, or no checkpoint of it, or its embeddings are not finite.
        DataError: the data cannot be read.
    """
    run = lab.run(run_id)
    recipe, state = run.training_recipe, read_state(lab, run_id)
    execution = execution or run.execution.model_copy(update={"precision": "auto"})
    dataset = prepare(recipe, execution.data, report)
    hardware = _as_trained(run, execution.model_copy(update={"threads": execution.threads or 1}))
    model = build_model(recipe, dataset.train.images.shape[1], len(dataset.class_names))
    untrained = model.take(state.model)
    model.to(hardware.device).to(memory_format=torch.channels_last)  # as in training, for the last digits too
    evaluator = Evaluator(recipe, dataset, hardware, execution.data.workers)
    try:
        measured = evaluator.measure(model, None, 0, untrained=untrained)
    except TrainingDiverged as error:
        raise LabError(str(error)) from error
    recorded = next((row for row in lab.metrics(run_id) if row["epoch"] == state.epoch), None)
    if recorded is None:
        raise LabError(f"what was measured at epoch {state.epoch} of {run.name!r} cannot be read")
    same_data = dataset.fingerprint == run.provenance.get("data")
    return Evaluation(state.epoch, measured.metrics, recorded, same_data)
