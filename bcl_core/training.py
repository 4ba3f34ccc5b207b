"""Training as an iterator of events. Pause: stop pulling. Step: pull until the next Epoch. Stop: close.

Nothing here knows files or a screen. A recipe becomes views, views go through the two-branch model into the two losses,
and after each epoch the model is measured.
"""

import copy
import itertools
import math
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial
from typing import Any, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from bcl_core import geometry
from bcl_core.capture import Mailbox, captured, left_as_they_were, recompute_activations, warm_up
from bcl_core.data.dataset import Dataset, prepare
from bcl_core.data.stream import FileImages, ViewStream
from bcl_core.data.views import Look, apply_views, draw_views
from bcl_core.distributed import ALONE, World
from bcl_core.evaluation import WHAT_HELPS, BatchSeen, Evaluator, TrainingDiverged
from bcl_core.hardware import Hardware, resolve
from bcl_core.losses import LogitAdjustedCrossEntropy, build_loss, contrastive_statistics, named, value_of
from bcl_core.losses.contrastive import full_precision
from bcl_core.losses.statistics import Bins
from bcl_core.measuring import Samples
from bcl_core.models import TwoBranchModel, build_model, start_from
from bcl_core.provenance import provenance
from bcl_core.randomness import array_generator, keyed
from bcl_core.recipe import Execution, LossRecipe, Recipe, RecipeError
from bcl_core.registry import VIEWS, loss_of

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
    run = _Run(recipe, dataset, hardware, world, execution.data.workers)
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
    run: "_Run", evaluator: Evaluator, dataset: Dataset, first: int, untrained: Collection[str]
) -> Iterator[Event]:
    recipe, hardware, world = run.recipe, run.hardware, run.world
    said = run.prepare()
    made_with = {**provenance(), **hardware.description, **said, "processes": str(world.size)}
    made_with["data"] = dataset.fingerprint
    if dataset.left_out:
        made_with["left out"] = ", ".join(dataset.left_out)
    yield Started(evaluator.samples, made_with, hardware.threads)

    def measured(epoch: int, record: _EpochRecord) -> Epoch:
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


@dataclass
class _EpochRecord:
    """What an epoch's steps leave behind, on the device until the epoch ends."""

    losses: Tensor  # (steps, 3): total, contrastive, cross-entropy of each step so far
    steps: int = 0
    seen: list[BatchSeen] = field(default_factory=list)  # of the sampled steps, whose statistics are still to be taken
    statistics: Any = None  # contrastive_statistics, summed over the sampled steps
    sampled: int = 0
    batch: BatchSeen | None = None  # of the first sampled step

    def add(self, losses: Tensor) -> Tensor:
        """Take a step's losses (3,); return its total where it stays."""
        place = self.losses[self.steps]
        place.copy_(losses)
        self.steps += 1
        return place[0]

    def add_statistics(self, batch: Any) -> None:
        self.sampled += 1
        if self.statistics is None:
            self.statistics = batch
        else:
            self.statistics = type(batch)(*(a + b for a, b in zip(self.statistics, batch, strict=True)))

    def culprit(self, recipe: Recipe) -> str:
        """Say which of the two losses was the first that is not finite."""
        finite = self.losses[: self.steps].isfinite()
        contrastive, classifier = finite[int(finite[:, 0].int().argmin())].tolist()[1:]  # where the total first is not
        if not recipe.loss.contrastive or (contrastive and not classifier):
            return "cross-entropy"
        named = f'the contrastive loss "{recipe.loss.name}"'
        return named if classifier else f"cross-entropy and {named}"

    def means(self, world: World) -> dict[str, float]:
        mean = self.losses[: self.steps].double().mean(dim=0)
        world.average([mean])
        total, contrastive, classifier = mean.tolist()
        return {"loss": total, "loss_contrastive": contrastive, "loss_classifier": classifier}


class _Batch(NamedTuple):
    """This process's part of a batch. b: its images, v: three views each, or one for cross-entropy alone."""

    mine: Tensor  # (b,) its images' positions in the training set, on the device
    cropped: Tensor | None  # (v·b, C, H, W) uint8 on the device, the first view's first, where images are streamed
    positions: NDArray[np.int64]  # (B,) of the whole batch's images


class _Outcome(NamedTuple):
    """What a step computes; nothing of it holds a graph of gradients."""

    losses: Tensor  # (3,): total, contrastive, cross-entropy
    terms: "ContrastiveTerms | None"


class _Run:
    """One run's tensors and the step that changes them.

    On a CPU a step is done as it is written. With a GPU, or where `static` is set, its inputs come to fixed places, no
    shape depends on a value, and nothing waits for the device, so that the step can be captured: see `prepare`.
    """

    def __init__(
        self,
        recipe: Recipe,
        dataset: Dataset,
        hardware: Hardware,
        world: World = ALONE,
        workers: int | None = None,
        *,
        static: bool = False,
    ) -> None:
        self.recipe, self.hardware, self.world = recipe, hardware, world
        device = hardware.device
        self.on_gpu = device.type == "cuda"
        self.static = static or self.on_gpu
        torch.set_num_threads(hardware.threads)
        images = dataset.train.images
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
        if world.size > 1 and self.on_gpu:
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
        self.trained = [*self.model.parameters(), *(self.criterion.parameters() if self.criterion else ())]
        self.optimiser = self._optimiser()
        self.batch_size = min(recipe.batch_size, len(self.labels))
        if self.batch_size % world.size:
            raise RecipeError(f"a batch of {self.batch_size} cannot be shared evenly by {world.size} processes")
        self.rows = world.rows(self.batch_size)
        self.steps_per_epoch = len(self.labels) // self.batch_size
        self.sampled = _evenly_spaced(self.steps_per_epoch, SAMPLED_STEPS)
        self.sampled_before = _evenly_spaced(self.steps_per_epoch, SAMPLED_STEPS_BEFORE)
        self.validate = True
        areas = [view.area for view in self.views[: self.num_views]]
        self.stream = (
            ViewStream(images, self.rows, areas, seed=recipe.seed, workers=workers, pin=self.on_gpu)
            if isinstance(images, FileImages)
            else None
        )
        self._mailbox: Mailbox[list[Look]] | None = None
        self._replay: Callable[[], _Outcome] | None = None
        self._mine = torch.empty(len(self.rows), dtype=torch.int64, device=device)  # of the step that is replayed

    def _optimiser(self) -> torch.optim.SGD:
        options = self.recipe.optimiser
        settings: dict[str, Any] = {
            "momentum": options.momentum,
            "nesterov": options.nesterov,
            "weight_decay": options.weight_decay,
        }
        if not self.static:
            return torch.optim.SGD(self.trained, lr=options.lr, **settings)
        # The rate lies on the device, where a captured step reads it, and momentum is there from the first step on.
        rate = torch.tensor(options.lr, device=self.hardware.device)
        optimiser = torch.optim.SGD(self.trained, lr=rate, fused=True, **settings)
        self._start_momentum(optimiser)
        return optimiser

    def _start_momentum(self, optimiser: torch.optim.SGD) -> None:
        """Give every weight a momentum of 0, which has it do its first step as without one."""
        for parameter in self.trained:
            optimiser.state[parameter].setdefault("momentum_buffer", torch.zeros_like(parameter))

    def record(self, steps: int | None = None) -> _EpochRecord:
        """Return an empty record of an epoch, or of as many steps."""
        return _EpochRecord(torch.zeros(steps or self.steps_per_epoch, 3, device=self.hardware.device))

    def batches(self, epoch: int, chosen: frozenset[int] | None = None) -> Iterator[tuple[int, _Batch]]:
        """Yield (step, this process's part of the batch) of an epoch, or of its chosen steps.

        Images that fill no batch are left out.
        """
        order = array_generator(self.recipe.seed, "order", epoch).permutation(len(self.labels))
        batches = order[: self.steps_per_epoch * self.batch_size].reshape(self.steps_per_epoch, self.batch_size)
        mine = torch.from_numpy(batches)[:, self.rows].to(self.hardware.device)  # (steps, b): one upload an epoch
        plan = [(step, batch) for step, batch in enumerate(batches) if chosen is None or step in chosen]
        streamed = self.stream.epoch(epoch, plan) if self.stream else None
        for step, positions in plan:
            cropped = next(streamed).to(self.hardware.device, non_blocking=True) if streamed else None
            yield step, _Batch(mine[step], cropped, positions)

    def step(self, epoch: int, step: int, batch: _Batch, record: _EpochRecord) -> Tensor:
        """Do one optimiser step; return its total loss, detached."""
        schedule = learning_rate(self.recipe, (epoch - 1) * self.steps_per_epoch + step, self.steps_per_epoch)
        for group in self.optimiser.param_groups:
            if self.static:
                group["lr"].fill_(schedule)
            else:
                group["lr"] = schedule
        self.model.train()
        begin: Any = getattr(self.criterion, "begin_epoch", None)
        if step == 0 and begin is not None:
            with keyed(self.recipe.seed, "loss", epoch), named(self.recipe.loss, "failed in begin_epoch"):
                begin(epoch)
        looks = self._looks(epoch, step)
        if self._replay is None:
            outcome = self._train_on(batch, looks)
        else:
            self._mine.copy_(batch.mine)
            outcome = self._replay()
        if outcome.terms is not None and step in self.sampled:
            terms = [term.clone() for term in outcome.terms] if self._replay else outcome.terms
            record.seen.append(BatchSeen(batch.positions, *terms))
        return record.add(outcome.losses)

    def look_before_training(self) -> "_EpochRecord":
        """Record losses and gradient statistics of the untrained model, on an epoch's batches, changing nothing."""
        record = self.record(len(self.sampled_before))
        model = copy.deepcopy(self.model).train()  # BatchNorm in training mode, as in the epochs to come
        criterion = copy.deepcopy(self.criterion)
        with torch.no_grad():
            for step, batch in self.batches(0, self.sampled_before):
                _, outcome = self._compute(model, criterion, batch, self._looks(0, step))
                record.add(outcome.losses)
                if outcome.terms is not None:
                    record.seen.append(BatchSeen(batch.positions, *outcome.terms))
                    self.sum_up(record)
        return record

    def sum_up(self, record: _EpochRecord) -> None:
        """Take the statistics of the batches that were seen; the host waits for the device."""
        switches = self.recipe.loss.switches
        for batch in record.seen:
            record.batch = record.batch or batch
            if switches is not None:
                options = {"num_classes": self.num_classes, "bins": self.bins, "validate": False, **switches}
                _, *terms = batch
                record.add_statistics(contrastive_statistics(*terms, **options))
        record.seen.clear()

    def prepare(self) -> dict[str, str]:
        """On a GPU, see whether a step fits into its memory, and capture it; return how steps are done, in words.

        The run stands as before: what rehearsed steps have changed is put back.

        Raises:
            RecipeError: the memory does not suffice, even where activations are not kept.
        """
        if not self.on_gpu:
            return {}
        if self.world.size > 1:
            return {"steps": "launched one by one: several processes train"}
        with suppress(torch.OutOfMemoryError):
            return {"steps": self._rehearse()}
        # Here, and no longer in the failed attempt, what it held is free.
        torch.cuda.empty_cache()
        recompute_activations(self.model.backbone)
        try:
            how = self._rehearse()
        except torch.OutOfMemoryError as error:
            raise RecipeError(
                f"a batch of {self.batch_size} images does not fit into the memory of "
                f"{self.hardware.description['device']}, even where activations are computed twice instead of kept; a "
                "smaller batch_size would be right"
            ) from error
        return {"steps": how, "memory": "activations are computed twice, since the GPU has no room to keep them"}

    def _rehearse(self) -> str:
        """Do some steps, and capture one; return how steps are done."""
        changing = [*self.trained, *self.model.buffers(), *(self.criterion.buffers() if self.criterion else ())]
        changing += [state["momentum_buffer"] for state in self.optimiser.state.values()]
        self.model.train()
        looks = self._looks(1, 0)
        if self.stream is not None:
            return self._rehearse_streamed(changing, looks)
        _, batch = next(self.batches(1))
        self._mine.copy_(batch.mine)
        work = partial(self._train_on, batch._replace(mine=self._mine), looks)
        with left_as_they_were(changing):
            warm_up(work)
            replay, how = captured(work)
        self._replay = None if replay is work else replay
        return how

    def _rehearse_streamed(self, changing: list[Tensor], looks: list[Look]) -> str:
        """See whether a step fits, with noise for images: decoding the first batch would take long."""
        shape, self.validate = (len(self.rows) * self.num_views, *self.images.shape[1:]), False
        noise = torch.randint(256, shape, dtype=torch.uint8, device=self.hardware.device)
        batch = _Batch(self._mine.zero_(), noise, np.empty(0, np.int64))
        with left_as_they_were(changing):
            warm_up(partial(self._train_on, batch, looks))
        self.validate = True
        return "launched one by one: images are streamed"

    def _train_on(self, batch: _Batch, looks: list[Look]) -> _Outcome:
        total, outcome = self._compute(self.model, self.criterion, batch, looks)
        self.optimiser.zero_grad(set_to_none=True)
        with named(self.recipe.loss, "failed in the backward pass"):
            total.backward()  # type: ignore[no-untyped-call]
        self.world.average(p.grad for p in self.trained if p.grad is not None)
        self.optimiser.step()
        return outcome

    def _compute(
        self, model: TwoBranchModel, criterion: nn.Module | None, batch: _Batch, looks: list[Look]
    ) -> tuple[Tensor, _Outcome]:
        """Return the total loss with its gradient's graph, and what is to be remembered of the step."""
        labels = self.labels[batch.mine]
        views = self._seen(batch, looks)
        with torch.autocast(self.hardware.device.type, torch.bfloat16, enabled=self.hardware.precision == "bf16"):
            logits, terms = branches(model, views, labels, self.world)
        total, contrastive, classifier = total_loss(
            logits, labels, terms, self.recipe.loss, self.cross_entropy, criterion, validate=self.validate
        )
        self.validate = False  # one look at the first batch; later ones would cost a device sync each
        if terms is not None:
            terms = ContrastiveTerms(*(term.detach() for term in terms))
            model.remember(terms.features, terms.labels)
        return total, _Outcome(torch.stack([total, contrastive, classifier]).detach(), terms)

    def _looks(self, epoch: int, step: int) -> list[Look]:
        """Draw a step's views; on a GPU they are on their way to it when this returns."""
        shape = (self.images.shape[1], self.images.shape[2], self.images.shape[3])
        with keyed(self.recipe.seed, "views", epoch, step):
            looks = draw_views(
                self.views,
                self.num_views,
                rows=self.rows,
                batch_size=self.batch_size,
                shape=shape,
                cropped=self.stream is not None,
                static=self.static,
            )
        if not self.static:
            return looks
        self._mailbox = self._mailbox or Mailbox(looks, self.hardware.device)
        return self._mailbox.put(looks)

    def _seen(self, batch: _Batch, looks: list[Look]) -> Tensor:
        """Return the batch's views, (v·b, C, H, W), standardised."""
        if batch.cropped is None:
            images = (self.images[batch.mine].float() / self.pixel_max).repeat(self.num_views, 1, 1, 1)
        else:
            images = batch.cropped.float() / self.pixel_max
        views = apply_views(images, looks)
        normalised: Tensor = ((views - self.mean) / self.std).contiguous(memory_format=torch.channels_last)
        return normalised

    def close(self) -> None:
        """End the processes that decode images, where there are any."""
        if self.stream is not None:
            self.stream.close()

    def state(self, epoch: int) -> dict[str, Any]:
        """Return what `restore` needs to go on after this epoch."""
        with named(self.recipe.loss, "has no state"):
            loss = {} if self.criterion is None else self.criterion.state_dict()
        optimiser = self.optimiser.state_dict()
        for group in optimiser["param_groups"]:
            group["lr"] = float(group["lr"])
        return {"epoch": epoch, "model": self.model.state_dict(), "optimiser": optimiser, "loss": loss}

    def restore(self, state: Mapping[str, Any]) -> int:
        """Take a state over; return the epoch that it ended."""
        self.model.load_state_dict(state["model"])
        # Momentum alone is the past's: rates follow the recipe, and how a step is done, the device.
        groups = self.optimiser.state_dict()["param_groups"]
        rates = [group["lr"] for group in self.optimiser.param_groups]
        self.optimiser.load_state_dict({"state": state["optimiser"]["state"], "param_groups": groups})
        for group, rate in zip(self.optimiser.param_groups, rates, strict=True):
            group["lr"] = rate
        if self.static:
            self._start_momentum(self.optimiser)
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
        record = trial.record()
        for step, batch in trial.batches(epoch):
            trial.step(epoch, step, batch, record)
            yield
