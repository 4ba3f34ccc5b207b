"""Training as an iterator of events. Pause: stop pulling. Step: pull until the next Epoch. Stop: close.

Nothing here knows files or a screen. A recipe becomes views, views go through the two-branch model into the two losses,
and after each epoch the model is measured.
"""

import itertools
import math
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

import torch
from numpy.typing import NDArray
from torch import Tensor

from bcl_core.data.dataset import Dataset, prepare
from bcl_core.distributed import ALONE, World
from bcl_core.epoch_record import EpochRecord
from bcl_core.evaluation import WHAT_HELPS, Evaluator, TrainingDiverged
from bcl_core.hardware import Hardware, resolve
from bcl_core.measuring import Samples
from bcl_core.models import start_from
from bcl_core.provenance import provenance
from bcl_core.recipe import Execution, LossRecipe, Recipe, RecipeError
from bcl_core.registry import loss_of
from bcl_core.trainer import Trainer


@dataclass(frozen=True)
class Started:
    """The data are read and the model is built; comes once, first."""

    samples: Samples
    provenance: Mapping[str, str]
    threads: int


@dataclass(frozen=True)
class Step:
    """One optimiser step is done. `loss` stays on the device: reading it is the reader's choice."""

    epoch: int
    step: int
    steps: int
    loss: Tensor


@dataclass(frozen=True)
class Epoch:
    """An epoch is done and measured; epoch 0 is before training.

    `state` refers to live tensors: save it before pulling the next event.
    """

    epoch: int
    metrics: Mapping[str, Any]
    view: Mapping[str, NDArray[Any]]
    embeddings: Mapping[str, NDArray[Any]]
    state: Mapping[str, Any]


Event = Started | Step | Epoch


def train(
    recipe: Recipe,
    execution: Execution | None = None,
    *,
    dataset: Dataset | None = None,
    state: Mapping[str, Any] | None = None,
    weights: Mapping[str, Tensor] | None = None,
    start: Mapping[str, Tensor] | None = None,
    world: World = ALONE,
) -> Iterator[Event]:
    """Train a recipe.

    Args:
        recipe: what to train.
        execution: where; the defaults where None.
        dataset: the recipe's data, already prepared; read here where None.
        state: an Epoch's `state`, to go on after that epoch, bit for bit on one thread.
        weights: a state dict of the model to start from, instead of drawing one; what `TwoBranchModel.take` lets it
            lack is drawn, and not measured at epoch 0.
        start: a state dict of the run that `recipe.model.start` names, for its backbone and classifier; needed where
            it names one and neither `state` nor `weights` is given. `bcl_core.lab.checkpoints.read_start` reads it.
        world: the processes that train this run together; every one of them iterates, rank 0 alone measures, and its
            epochs alone carry anything but their number.

    Yields:
        Started, Epoch 0 (unless going on), then for each epoch its Steps and its Epoch.

    Raises:
        DataError, RecipeError: before the first event.
        TrainingDiverged: at the end of an epoch whose loss or embeddings are not finite.
    """
    execution = execution or Execution()
    dataset = dataset or prepare(recipe, execution.data)
    hardware = settle(recipe, dataset, execution)
    run = Trainer(recipe, dataset, hardware, world, execution.data.workers)
    untrained: frozenset[str] = frozenset()
    if weights is not None:
        untrained = run.model.take(weights)
    elif state is None and recipe.model.warm:
        if start is None:
            raise RecipeError(f"model.start is {recipe.model.start}: its weights are needed to train from them")
        start_from(run.model, start, recipe.model.start)
    first = 0 if state is None else run.restore(state) + 1
    evaluator = Evaluator(recipe, dataset, hardware, execution.data.workers)
    try:
        yield from _events(run, evaluator, dataset, first, untrained)
    finally:
        run.close()
        evaluator.close()


def _events(
    run: Trainer, evaluator: Evaluator, dataset: Dataset, first: int, untrained: Collection[str]
) -> Iterator[Event]:
    recipe, hardware, world = run.recipe, run.hardware, run.world
    said = run.prepare()
    made_with = {**provenance(), **hardware.description, **said, "processes": str(world.size)}
    made_with["data"] = dataset.fingerprint
    if dataset.left_out:
        made_with["left out"] = ", ".join(dataset.left_out)
    yield Started(evaluator.samples, made_with, hardware.threads)

    def measured(epoch: int, record: EpochRecord) -> Epoch:
        losses = record.means(world)
        if not math.isfinite(losses["loss"]):
            raise TrainingDiverged(f"{record.culprit(recipe)} became NaN or infinite in epoch {epoch}: {WHAT_HELPS}")
        if not world.leads:
            return Epoch(epoch, {}, {}, {}, {})
        run.sum_up(record)
        unknown = untrained if epoch == 0 else frozenset()
        meaningless = _losses_of(unknown, recipe.loss)
        measurement = evaluator.measure(
            run.model,
            None if "loss_contrastive" in meaningless else record.statistics,
            record.sampled,
            None if "prototypes" in unknown else record.batch,
            unknown,
        )
        metrics = {**losses, **dict.fromkeys(meaningless), **measurement.metrics}
        return Epoch(epoch, metrics, measurement.view, measurement.embeddings, run.state(epoch))

    if first == 0:
        yield measured(0, run.look_before_training())
    for epoch in range(max(1, first), recipe.epochs + 1):
        record = run.record()
        for step, batch in run.batches(epoch):
            # Runs may be pulled in turn in one process, so each claims its threads anew.
            torch.set_num_threads(hardware.threads)
            loss = run.step(epoch, step, batch, record)
            yield Step(epoch, step + 1, run.steps_per_epoch, loss)
        torch.set_num_threads(hardware.threads)
        yield measured(epoch, record)


def _losses_of(untrained: Collection[str], loss: LossRecipe) -> list[str]:
    """Return the losses that weights decide which were drawn beside others that were not."""
    found = ["loss_classifier"] * ("classifier" in untrained)
    if "prototypes" in untrained and loss_of(loss.name).prototypes:
        found.append("loss_contrastive")
    return found and ["loss", *found]


def settle(recipe: Recipe, dataset: Dataset, execution: Execution, cores: int | None = None) -> Hardware:
    """Choose what the execution leaves open, by measuring this recipe's own steps; see `hardware.resolve`."""
    shape = dataset.train.images.shape[1:]
    work = (recipe.model, recipe.loss.contrastive, recipe.batch_size, shape)
    trial = partial(trial_steps, recipe, dataset)
    return resolve(execution, work, trial, image_size=min(shape[1:]), cores=cores)


def trial_steps(recipe: Recipe, dataset: Dataset, device: torch.device, precision: str) -> Iterator[None]:
    """Train a throw-away model, a step at each pull, for a step's duration and memory to be measured."""
    trial = Trainer(recipe, dataset, Hardware(device, precision, torch.get_num_threads()), workers=0)
    for epoch in itertools.count(1):
        record = trial.record()
        for step, batch in trial.batches(epoch):
            trial.step(epoch, step, batch, record)
            yield
