"""Training as an iterator of events. Pause: stop pulling. Step: pull until the next Epoch. Stop: close.

Nothing here knows files or a screen. A recipe becomes views, views go through the two-branch model into the two losses,
and after each epoch the model is measured.
"""

import copy
import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from bcl_core import geometry
from bcl_core.data.dataset import Dataset, prepare
from bcl_core.evaluation import Evaluator, Samples, TrainingDiverged
from bcl_core.hardware import Hardware, resolve
from bcl_core.losses import LogitAdjustedCrossEntropy, contrastive_loss, contrastive_statistics
from bcl_core.models import TwoBranchModel, build_model
from bcl_core.provenance import provenance
from bcl_core.randomness import array_generator, keyed
from bcl_core.recipe import Execution, Recipe
from bcl_core.registry import VIEWS

# Gradient statistics are taken from this many evenly spaced steps of an epoch, so that they cost less than a fiftieth
# of it; before training, where the counts alone speak, from more.
SAMPLED_STEPS = 2
SAMPLED_STEPS_BEFORE = 8


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
) -> Iterator[Event]:
    """Train a recipe.

    Args:
        recipe: what to train.
        execution: where; the defaults where None.
        dataset: the recipe's data, already prepared; read here where None.
        state: an Epoch's `state`, to go on after that epoch, bit for bit on one thread.

    Yields:
        Started, Epoch 0 (unless going on), then for each epoch its Steps and its Epoch.

    Raises:
        DataError, RecipeError: before the first event.
        TrainingDiverged: at the end of an epoch whose loss or embeddings are not finite.
    """
    execution = execution or Execution()
    dataset = dataset or prepare(recipe, execution.data.path)
    work = (recipe.model, recipe.batch_size, dataset.train.images.shape[1:])
    hardware = resolve(execution, work, lambda device, precision: _trial_step(recipe, dataset, device, precision))
    run = _Run(recipe, dataset, hardware)
    evaluator = Evaluator(recipe, dataset, hardware)
    made_with = {**provenance(), **hardware.description, "data": dataset.fingerprint}
    yield Started(evaluator.samples, made_with, hardware.threads)

    def measured(epoch: int, record: _EpochRecord) -> Epoch:
        losses = record.means()
        if not math.isfinite(losses["loss"]):
            raise TrainingDiverged(f"the loss left the finite numbers in epoch {epoch}; try a lower optimiser.lr")
        measurement = evaluator.measure(run.model, record.statistics, record.sampled)
        metrics = {**losses, **measurement.metrics}
        return Epoch(epoch, metrics, measurement.view, measurement.embeddings, run.state(epoch))

    if state is None:
        first = 1
        yield measured(0, run.look_before_training())
    else:
        first = run.restore(state) + 1
    for epoch in range(first, recipe.epochs + 1):
        record = _EpochRecord()
        for step, indices in enumerate(run.batches(epoch)):
            # Runs may be pulled in turn in one process, so each claims its threads anew.
            torch.set_num_threads(hardware.threads)
            loss = run.step(epoch, step, indices, record)
            yield Step(epoch, step + 1, run.steps_per_epoch, loss)
        torch.set_num_threads(hardware.threads)
        yield measured(epoch, record)


@dataclass
class _EpochRecord:
    """What an epoch's steps leave behind, on the device until the epoch ends."""

    losses: list[Tensor] = field(default_factory=list)  # each (3,): total, contrastive, cross-entropy
    statistics: Any = None  # contrastive_statistics, summed over the sampled steps
    sampled: int = 0

    def add_statistics(self, batch: Any) -> None:
        self.sampled += 1
        if self.statistics is None:
            self.statistics = batch
        else:
            self.statistics = type(batch)(*(a + b for a, b in zip(self.statistics, batch, strict=True)))

    def means(self) -> dict[str, float]:
        total, contrastive, classifier = torch.stack(self.losses).double().mean(dim=0).tolist()
        return {"loss": total, "loss_contrastive": contrastive, "loss_classifier": classifier}


class _Run:
    """One run's tensors and the step that changes them."""

    def __init__(self, recipe: Recipe, dataset: Dataset, hardware: Hardware) -> None:
        self.recipe, self.hardware = recipe, hardware
        device = hardware.device
        torch.set_num_threads(hardware.threads)
        self.images = torch.from_numpy(dataset.train.images).to(device)  # uint8: a quarter of the memory of floats
        self.labels = torch.from_numpy(dataset.train.labels).to(device)
        self.pixel_max, self.num_classes = dataset.pixel_max, len(dataset.class_names)
        self.mean, self.std = (torch.from_numpy(a).to(device)[:, None, None] for a in (dataset.mean, dataset.std))
        pooled = self.num_classes > geometry.MAX_BINS  # K × K is too much to keep, so classes share bins by frequency
        self.bins = torch.from_numpy(geometry.frequency_bins(dataset.class_counts)).to(device) if pooled else None
        self.views = VIEWS[recipe.views].load()
        model = build_model(recipe, dataset.train.images.shape[1], self.num_classes)
        self.model = model.to(device).to(memory_format=torch.channels_last)
        self.cross_entropy = LogitAdjustedCrossEntropy(
            dataset.class_counts.tolist(), tau=recipe.loss.prior_strength, validate=False
        ).to(device)
        options = recipe.optimiser
        self.optimiser = torch.optim.SGD(
            self.model.parameters(),
            lr=options.lr,
            momentum=options.momentum,
            nesterov=options.nesterov,
            weight_decay=options.weight_decay,
        )
        self.batch_size = min(recipe.batch_size, len(self.images))
        self.steps_per_epoch = len(self.images) // self.batch_size
        self.sampled = _evenly_spaced(self.steps_per_epoch, SAMPLED_STEPS)
        self.sampled_before = _evenly_spaced(self.steps_per_epoch, SAMPLED_STEPS_BEFORE)
        self.validate = True

    def batches(self, epoch: int) -> NDArray[np.int64]:
        """Return (steps, batch_size) training indices of an epoch; what fills no batch is left out."""
        order = array_generator(self.recipe.seed, "order", epoch).permutation(len(self.images))
        return order[: self.steps_per_epoch * self.batch_size].reshape(self.steps_per_epoch, self.batch_size)

    def step(self, epoch: int, step: int, indices: NDArray[np.int64], record: _EpochRecord) -> Tensor:
        """Do one optimiser step; return its total loss, detached."""
        schedule = learning_rate(self.recipe, (epoch - 1) * self.steps_per_epoch + step, self.steps_per_epoch)
        for group in self.optimiser.param_groups:
            group["lr"] = schedule
        self.model.train()
        loss = self._loss(self.model, epoch, step, indices, record)
        self.optimiser.zero_grad(set_to_none=True)
        loss.backward()  # type: ignore[no-untyped-call]
        self.optimiser.step()
        return loss.detach()

    def look_before_training(self) -> "_EpochRecord":
        """Record losses and gradient statistics of the untrained model, on an epoch's batches, changing nothing."""
        record = _EpochRecord()
        model = copy.deepcopy(self.model).train()  # BatchNorm in training mode, as in the epochs to come
        batches = self.batches(0)
        with torch.no_grad():
            for step in sorted(self.sampled_before):
                self._loss(model, 0, step, batches[step], record)
        return record

    def _loss(
        self, model: TwoBranchModel, epoch: int, step: int, indices: NDArray[np.int64], record: _EpochRecord
    ) -> Tensor:
        loss, size = self.recipe.loss, len(indices)
        rows = torch.from_numpy(indices).to(self.images.device)
        labels = self.labels[rows]
        with torch.autocast(self.hardware.device.type, torch.bfloat16, enabled=self.hardware.precision == "bf16"):
            h = model(self._three_views(rows, epoch, step))  # (3B, d_h): view 1 of every image, then 2, then 3
            logits = model.logits(h[:size])
            features = model.project(h[size:]).view(2, size, -1).transpose(0, 1)  # (B, 2, d)
        prototypes = model.prototypes()
        terms = (features, labels, prototypes)
        contrastive = contrastive_loss(*terms, num_classes=self.num_classes, validate=self.validate, **loss.switches)
        self.validate = False  # one look at the first batch; later ones would cost a device sync each
        classifier = self.cross_entropy(logits, labels)
        total: Tensor = loss.classifier_weight * classifier + loss.contrastive_weight * contrastive
        record.losses.append(torch.stack([total, contrastive, classifier]).detach())
        if step in (self.sampled if epoch else self.sampled_before):
            record.add_statistics(
                contrastive_statistics(
                    *terms, num_classes=self.num_classes, bins=self.bins, validate=False, **loss.switches
                )
            )
        return total

    def _three_views(self, rows: Tensor, epoch: int, step: int) -> Tensor:
        images = self.images[rows].float() / self.pixel_max
        with keyed(self.recipe.seed, "views", epoch, step):
            views = self.views(images.repeat(3, 1, 1, 1))
        normalised: Tensor = ((views - self.mean) / self.std).contiguous(memory_format=torch.channels_last)
        return normalised

    def state(self, epoch: int) -> dict[str, Any]:
        """Return what `restore` needs to go on after this epoch."""
        return {"epoch": epoch, "model": self.model.state_dict(), "optimiser": self.optimiser.state_dict()}

    def restore(self, state: Mapping[str, Any]) -> int:
        """Take a state over; return the epoch that it ended."""
        self.model.load_state_dict(state["model"])
        self.optimiser.load_state_dict(state["optimiser"])
        return int(state["epoch"])


def learning_rate(recipe: Recipe, step: int, steps_per_epoch: int) -> float:
    """Return the rate of a step, counted from 0 over the whole run: linear warm-up, then cosine to 0."""
    warmup, total = recipe.optimiser.warmup_steps, recipe.epochs * steps_per_epoch
    if step < warmup:
        return recipe.optimiser.lr * (step + 1) / warmup
    done = (step - warmup) / max(1, total - warmup)
    return recipe.optimiser.lr * 0.5 * (1 + math.cos(math.pi * done))


def _evenly_spaced(steps: int, at_most: int) -> frozenset[int]:
    return frozenset(np.unique(np.linspace(0, steps - 1, min(steps, at_most)).round().astype(int)).tolist())


def _trial_step(recipe: Recipe, dataset: Dataset, device: torch.device, precision: str) -> None:
    """Do one step of a throw-away model, for `resolve` to time."""
    trial = _Run(recipe, dataset, Hardware(device, precision, torch.get_num_threads()))
    trial.step(1, 0, trial.batches(1)[0], _EpochRecord())
