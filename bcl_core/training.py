"""Training as an iterator of events. Pause: stop pulling. Step: pull until the next Epoch. Stop: close.

Nothing here knows files or a screen. A recipe becomes views, views go through the two-branch model into the two losses,
and after each epoch the model is measured.
"""

import copy
import itertools
import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Any, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from bcl_core import geometry
from bcl_core.data.dataset import Dataset, prepare
from bcl_core.data.stream import FileImages, stream_views
from bcl_core.data.views import three_views
from bcl_core.distributed import ALONE, World
from bcl_core.evaluation import WHAT_HELPS, BatchSeen, Evaluator, TrainingDiverged
from bcl_core.hardware import Hardware, resolve
from bcl_core.losses import LogitAdjustedCrossEntropy, build_loss, contrastive_statistics, value_of
from bcl_core.losses.contrastive import full_precision
from bcl_core.losses.statistics import Bins
from bcl_core.measuring import Samples
from bcl_core.models import TwoBranchModel, build_model, start_from
from bcl_core.provenance import provenance
from bcl_core.randomness import array_generator, keyed
from bcl_core.recipe import Execution, LossRecipe, Recipe, RecipeError
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
        weights: a state dict of the model to start from, instead of drawing one.
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
    run = _Run(recipe, dataset, hardware, world, execution.data.workers)
    if weights is not None:
        run.model.load_state_dict(weights)
    elif state is None and recipe.model.warm:
        if start is None:
            raise RecipeError(f"model.start is {recipe.model.start}: its weights are needed to train from them")
        start_from(run.model, start, recipe.model.start)
    evaluator = Evaluator(recipe, dataset, hardware, execution.data.workers)
    made_with = {**provenance(), **hardware.description, "processes": str(world.size), "data": dataset.fingerprint}
    if dataset.left_out:
        made_with["left out"] = ", ".join(dataset.left_out)
    yield Started(evaluator.samples, made_with, hardware.threads)

    def measured(epoch: int, record: _EpochRecord) -> Epoch:
        losses = record.means(world)
        if not math.isfinite(losses["loss"]):
            raise TrainingDiverged(f"the loss became NaN or infinite in epoch {epoch}: {WHAT_HELPS}")
        if not world.leads:
            return Epoch(epoch, {}, {}, {}, {})
        measurement = evaluator.measure(run.model, record.statistics, record.sampled, record.batch)
        metrics = {**losses, **measurement.metrics}
        return Epoch(epoch, metrics, measurement.view, measurement.embeddings, run.state(epoch))

    if state is None:
        first = 1
        yield measured(0, run.look_before_training())
    else:
        first = run.restore(state) + 1
    for epoch in range(first, recipe.epochs + 1):
        record = _EpochRecord()
        for step, batch in run.batches(epoch):
            # Runs may be pulled in turn in one process, so each claims its threads anew.
            torch.set_num_threads(hardware.threads)
            loss = run.step(epoch, step, batch, record)
            yield Step(epoch, step + 1, run.steps_per_epoch, loss)
        torch.set_num_threads(hardware.threads)
        yield measured(epoch, record)


def settle(recipe: Recipe, dataset: Dataset, execution: Execution, cores: int | None = None) -> Hardware:
    """Choose what the execution leaves open, by measuring this recipe's own steps; see `hardware.resolve`."""
    shape = dataset.train.images.shape[1:]
    work = (recipe.model, recipe.loss.contrastive, recipe.batch_size, shape)
    trial = partial(trial_steps, recipe, dataset)
    return resolve(execution, work, trial, image_size=min(shape[1:]), cores=cores)


@dataclass
class _EpochRecord:
    """What an epoch's steps leave behind, on the device until the epoch ends."""

    losses: list[Tensor] = field(default_factory=list)  # each (3,): total, contrastive, cross-entropy
    statistics: Any = None  # contrastive_statistics, summed over the sampled steps
    sampled: int = 0
    batch: BatchSeen | None = None  # of the first sampled step

    def add_statistics(self, batch: Any) -> None:
        self.sampled += 1
        if self.statistics is None:
            self.statistics = batch
        else:
            self.statistics = type(batch)(*(a + b for a, b in zip(self.statistics, batch, strict=True)))

    def means(self, world: World) -> dict[str, float]:
        mean = torch.stack(self.losses).double().mean(dim=0)
        world.average([mean])
        total, contrastive, classifier = mean.tolist()
        return {"loss": total, "loss_contrastive": contrastive, "loss_classifier": classifier}


class _Batch(NamedTuple):
    """This process's part of a batch. b: its images, v: three views each, or one for cross-entropy alone."""

    pixels: Tensor  # (b or v·b, C, H, W) uint8 on the device; v·b, the first view's first, where cropped already
    labels: Tensor  # (b,)
    positions: NDArray[np.int64]  # (B,) of the whole batch's images in the training set


class _Run:
    """One run's tensors and the step that changes them."""

    def __init__(
        self, recipe: Recipe, dataset: Dataset, hardware: Hardware, world: World = ALONE, workers: int | None = None
    ) -> None:
        self.recipe, self.hardware, self.world, self.workers = recipe, hardware, world, workers
        device = hardware.device
        torch.set_num_threads(hardware.threads)
        images = dataset.train.images
        self.streamed = images if isinstance(images, FileImages) else None
        # Held as uint8 on the device: a quarter of the memory of floats, and no transfer in the loop.
        held = np.empty((0, *images.shape[1:]), np.uint8) if isinstance(images, FileImages) else images
        self.images = torch.from_numpy(held).to(device)
        self.labels = torch.from_numpy(dataset.train.labels).to(device)
        self.pixel_max, self.num_classes = dataset.pixel_max, len(dataset.class_names)
        self.mean, self.std = (torch.from_numpy(a).to(device)[:, None, None] for a in (dataset.mean, dataset.std))
        pooled = self.num_classes > geometry.MAX_BINS  # K × K is too much to keep, so classes share bins by frequency
        self.bins = Bins.of(geometry.frequency_bins(dataset.class_counts), device) if pooled else None
        self.views = VIEWS[recipe.views].load()
        self.num_views = 3 if recipe.loss.contrastive else 1
        model = build_model(recipe, images.shape[1], self.num_classes)
        if world.size > 1 and device.type == "cuda":
            model = torch.nn.SyncBatchNorm.convert_sync_batchnorm(model)  # type: ignore[no-untyped-call]
        self.model: TwoBranchModel = model.to(device).to(memory_format=torch.channels_last)
        self.cross_entropy = LogitAdjustedCrossEntropy(
            dataset.class_counts.tolist(), tau=recipe.loss.prior_strength, validate=False
        ).to(device)
        self.criterion: nn.Module | None = None
        if recipe.loss.contrastive:
            with keyed(recipe.seed, "weights/loss"):
                made = build_loss(recipe.loss, dataset.class_counts.tolist(), recipe.model.projection_dim)
            self.criterion = made.to(device)
        options = recipe.optimiser
        self.trained = [*self.model.parameters(), *(self.criterion.parameters() if self.criterion else ())]
        self.optimiser = torch.optim.SGD(
            self.trained,
            lr=options.lr,
            momentum=options.momentum,
            nesterov=options.nesterov,
            weight_decay=options.weight_decay,
        )
        self.batch_size = min(recipe.batch_size, len(self.labels))
        if self.batch_size % world.size:
            raise RecipeError(f"a batch of {self.batch_size} cannot be shared evenly by {world.size} processes")
        self.rows = world.rows(self.batch_size)
        self.steps_per_epoch = len(self.labels) // self.batch_size
        self.sampled = _evenly_spaced(self.steps_per_epoch, SAMPLED_STEPS)
        self.sampled_before = _evenly_spaced(self.steps_per_epoch, SAMPLED_STEPS_BEFORE)
        self.validate = True

    def batches(self, epoch: int, chosen: frozenset[int] | None = None) -> Iterator[tuple[int, _Batch]]:
        """Yield (step, this process's part of the batch) of an epoch, or of its chosen steps.

        Images that fill no batch are left out.
        """
        order = array_generator(self.recipe.seed, "order", epoch).permutation(len(self.labels))
        batches = order[: self.steps_per_epoch * self.batch_size].reshape(self.steps_per_epoch, self.batch_size)
        plan = [(step, batch) for step, batch in enumerate(batches) if chosen is None or step in chosen]
        areas = [view.area for view in self.views[: self.num_views]]
        streamed = (
            stream_views(
                self.streamed, plan, self.rows, areas, seed=self.recipe.seed, epoch=epoch, workers=self.workers
            )
            if self.streamed
            else None
        )
        for step, positions in plan:
            mine = torch.from_numpy(positions)[self.rows].to(self.hardware.device)
            pixels = self.images[mine] if streamed is None else next(streamed).to(self.hardware.device)
            yield step, _Batch(pixels, self.labels[mine], positions)

    def step(self, epoch: int, step: int, batch: _Batch, record: _EpochRecord) -> Tensor:
        """Do one optimiser step; return its total loss, detached."""
        schedule = learning_rate(self.recipe, (epoch - 1) * self.steps_per_epoch + step, self.steps_per_epoch)
        for group in self.optimiser.param_groups:
            group["lr"] = schedule
        self.model.train()
        begin: Any = getattr(self.criterion, "begin_epoch", None)
        if step == 0 and begin is not None:
            with keyed(self.recipe.seed, "loss", epoch):
                begin(epoch)
        loss = self._loss(self.model, self.criterion, epoch, step, batch, record)
        self.optimiser.zero_grad(set_to_none=True)
        loss.backward()  # type: ignore[no-untyped-call]
        self.world.average(p.grad for p in self.trained if p.grad is not None)
        self.optimiser.step()
        return loss.detach()

    def look_before_training(self) -> "_EpochRecord":
        """Record losses and gradient statistics of the untrained model, on an epoch's batches, changing nothing."""
        record = _EpochRecord()
        model = copy.deepcopy(self.model).train()  # BatchNorm in training mode, as in the epochs to come
        criterion = copy.deepcopy(self.criterion)
        with torch.no_grad():
            for step, batch in self.batches(0, self.sampled_before):
                self._loss(model, criterion, 0, step, batch, record)
        return record

    def _loss(
        self,
        model: TwoBranchModel,
        criterion: nn.Module | None,
        epoch: int,
        step: int,
        batch: _Batch,
        record: _EpochRecord,
    ) -> Tensor:
        with torch.autocast(self.hardware.device.type, torch.bfloat16, enabled=self.hardware.precision == "bf16"):
            logits, terms = branches(model, self._views(batch, epoch, step), batch.labels, self.world)
        loss = self.recipe.loss
        total, contrastive, classifier = total_loss(
            logits, batch.labels, terms, loss, self.cross_entropy, criterion, validate=self.validate
        )
        self.validate = False  # one look at the first batch; later ones would cost a device sync each
        record.losses.append(torch.stack([total, contrastive, classifier]).detach())
        if terms is not None and step in (self.sampled if epoch else self.sampled_before):
            record.batch = record.batch or BatchSeen(batch.positions, *(term.detach() for term in terms))
            if loss.switches is not None:
                options = {"num_classes": self.num_classes, "bins": self.bins, "validate": False, **loss.switches}
                record.add_statistics(contrastive_statistics(*terms, **options))
        if terms is not None:
            model.remember(terms.features.detach(), terms.labels)
        return total

    def _views(self, batch: _Batch, epoch: int, step: int) -> Tensor:
        cropped = self.streamed is not None
        pixels = batch.pixels.float() / self.pixel_max
        images = pixels if cropped else pixels.repeat(self.num_views, 1, 1, 1)
        with keyed(self.recipe.seed, "views", epoch, step):
            views = three_views(self.views, images, rows=self.rows, batch_size=self.batch_size, cropped=cropped)
        normalised: Tensor = ((views - self.mean) / self.std).contiguous(memory_format=torch.channels_last)
        return normalised

    def state(self, epoch: int) -> dict[str, Any]:
        """Return what `restore` needs to go on after this epoch."""
        loss = {} if self.criterion is None else self.criterion.state_dict()
        parts = {"model": self.model.state_dict(), "optimiser": self.optimiser.state_dict(), "loss": loss}
        return {"epoch": epoch, **parts}

    def restore(self, state: Mapping[str, Any]) -> int:
        """Take a state over; return the epoch that it ended."""
        self.model.load_state_dict(state["model"])
        self.optimiser.load_state_dict(state["optimiser"])
        if self.criterion is not None:
            try:
                self.criterion.load_state_dict(state.get("loss", {}))  # without one in the first releases
            except RuntimeError as error:
                raise RecipeError(f"the saved state of the loss does not fit the loss as it is: {error}") from error
        return int(state["epoch"])


class ContrastiveTerms(NamedTuple):
    """What the contrastive loss of the whole batch is computed from, on every process alike."""

    features: Tensor  # (B, 2, d)
    labels: Tensor  # (B,)
    prototypes: Tensor  # (K, d)


def branches(
    model: TwoBranchModel, views: Tensor, labels: Tensor, world: World
) -> tuple[Tensor, ContrastiveTerms | None]:
    """Send this process's views through both branches.

    Args:
        model: in training mode.
        views: (3b, C, H, W), all images of view 1 first; or (b, C, H, W), view 1 alone.
        labels: (b,).
        world: whose features and labels are gathered.

    Returns:
        Logits of view 1, (b, K), and, where there are three views, the terms of the contrastive loss.
    """
    h, size = model(views), len(labels)
    logits = model.logits(h[:size])
    if len(views) == size:
        return logits, None
    features = model.project(h[size:]).view(2, size, -1).transpose(0, 1)
    with full_precision(h):
        return logits, ContrastiveTerms(world.gather(features), world.gather(labels), model.prototypes())


def total_loss(
    logits: Tensor,
    labels: Tensor,
    terms: ContrastiveTerms | None,
    loss: LossRecipe,
    cross_entropy: LogitAdjustedCrossEntropy,
    criterion: nn.Module | None,
    *,
    validate: bool,
) -> tuple[Tensor, Tensor, Tensor]:
    """Return λ·CE + μ·contrastive, and the two alone: scalars. Without terms the contrastive loss is 0."""
    classifier: Tensor = cross_entropy(logits, labels)
    contrastive = torch.zeros_like(classifier)
    if terms is not None and criterion is not None:
        with full_precision(logits):
            contrastive = value_of(criterion, *terms, loss, validate=validate)
    return loss.classifier_weight * classifier + loss.contrastive_weight * contrastive, contrastive, classifier


def learning_rate(recipe: Recipe, step: int, steps_per_epoch: int) -> float:
    """Return the rate of a step, counted from 0 over the whole run.

    A linear warm-up, then cosine to 0, or, where there are milestones, a tenth after each of them.
    """
    options = recipe.optimiser
    warmup, total = options.warmup_steps + options.warmup_epochs * steps_per_epoch, recipe.epochs * steps_per_epoch
    if step < warmup:
        return options.lr * (step + 1) / warmup
    if options.milestones:
        return options.lr * 0.1 ** sum(step >= milestone * steps_per_epoch for milestone in options.milestones)
    done = (step - warmup) / max(1, total - warmup)
    return options.lr * 0.5 * (1 + math.cos(math.pi * done))


def _evenly_spaced(steps: int, at_most: int) -> frozenset[int]:
    return frozenset(np.unique(np.linspace(0, steps - 1, min(steps, at_most)).round().astype(int)).tolist())


def trial_steps(recipe: Recipe, dataset: Dataset, device: torch.device, precision: str) -> Iterator[None]:
    """Train a throw-away model, a step at each pull, for a step's duration and memory to be measured."""
    trial = _Run(recipe, dataset, Hardware(device, precision, torch.get_num_threads()), workers=0)
    for epoch in itertools.count(1):
        for step, batch in trial.batches(epoch):
            trial.step(epoch, step, batch, _EpochRecord())
            yield
