"""One run's tensors, and the step that changes them."""

import copy
import math
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from functools import partial
from typing import Any, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from bcl_core import geometry
from bcl_core.capture import Mailbox, captured, left_as_they_were, recompute_activations, warm_up
from bcl_core.data.dataset import Dataset
from bcl_core.data.stream import FileImages, ViewStream
from bcl_core.data.views import Look, apply_views, draw_views
from bcl_core.distributed import ALONE, World
from bcl_core.epoch_record import EpochRecord
from bcl_core.evaluation import BatchSeen
from bcl_core.hardware import Hardware
from bcl_core.losses import LogitAdjustedCrossEntropy, contrastive_statistics
from bcl_core.losses.contract import build_loss, named
from bcl_core.losses.statistics import Bins
from bcl_core.models import TwoBranchModel, build_model
from bcl_core.objective import ContrastiveTerms, branches, total_loss
from bcl_core.own_code import fault_of, own_code
from bcl_core.randomness import array_generator, keyed
from bcl_core.recipe import Recipe, RecipeError
from bcl_core.registry import VIEWS

# Gradient statistics are taken from this many evenly spaced steps of an epoch, so that they cost less than a fiftieth
# of it; before training, where the counts alone speak, from more.
SAMPLED_STEPS = 2
SAMPLED_STEPS_BEFORE = 8


class _Batch(NamedTuple):
    """This process's part of a batch. b: its images, v: three views each, or one for cross-entropy alone."""

    mine: Tensor  # (b,) its images' positions in the training set, on the device
    cropped: Tensor | None  # (v·b, C, H, W) uint8 on the device, the first view's first, where images are streamed
    positions: NDArray[np.int64]  # (B,) of the whole batch's images


class _Outcome(NamedTuple):
    """What a step computes; nothing of it holds a graph of gradients."""

    losses: Tensor  # (3,): total, contrastive, cross-entropy
    terms: ContrastiveTerms | None


class Trainer:
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

    def record(self, steps: int | None = None) -> EpochRecord:
        """Return an empty record of an epoch, or of as many steps."""
        return EpochRecord(torch.zeros(steps or self.steps_per_epoch, 3, device=self.hardware.device))

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

    def step(self, epoch: int, step: int, batch: _Batch, record: EpochRecord) -> Tensor:
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

    def look_before_training(self) -> EpochRecord:
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

    def sum_up(self, record: EpochRecord) -> None:
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
        own = own_code("views", self.recipe.views, VIEWS[self.recipe.views], "failed")
        with own, keyed(self.recipe.seed, "views", epoch, step):
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
        name, entry = self.recipe.views, VIEWS[self.recipe.views]
        with own_code("views", name, entry, "failed"):
            views = apply_views(images, looks)
        if views.shape != images.shape:
            made = f"made shape {tuple(views.shape)} of images of shape {tuple(images.shape)}: should keep it"
            raise fault_of("views", name, entry, made)
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
