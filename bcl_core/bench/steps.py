"""A training step, timed: whole, by stage, and beside what else there is.

What one process does on CPUs is also, or only, timed in seconds of their work, which other processes hardly change.
"""

import os
import statistics
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.modules.module import register_module_forward_hook, register_module_forward_pre_hook
from torch.optim.optimizer import register_optimizer_step_post_hook, register_optimizer_step_pre_hook
from torch.profiler import ProfilerActivity, profile

from bcl_core.bench.published import AHEAD, published_steps
from bcl_core.data.dataset import Dataset, Split
from bcl_core.distributed import ALONE
from bcl_core.hardware import Hardware
from bcl_core.losses import LogitAdjustedCrossEntropy
from bcl_core.models import TwoBranchModel, build_model
from bcl_core.objective import branches
from bcl_core.recipe import Recipe
from bcl_core.training import trial_steps

VIEWS = 3
STAGES = ("views", "forward", "loss", "backward", "optimiser")
PROFILED_STEPS = 3


def random_dataset(recipe: Recipe, *, batches: int, test: int, classes: int = 10) -> Dataset:
    """Random images, with a long tail of which every class is met: the size of CIFAR's, 3 × 32 × 32."""
    rng = np.random.default_rng(0)
    shares = 0.01 ** (np.arange(classes) / (classes - 1))
    images = max(batches * recipe.batch_size, 4 * classes)
    drawn = rng.choice(classes, images - 4 * classes, p=shares / shares.sum())

    def split(labels: np.ndarray[Any, np.dtype[np.int64]]) -> Split:
        return Split(rng.integers(0, 256, (len(labels), 3, 32, 32), np.uint8), labels, np.arange(len(labels)))

    half = np.full(3, 0.5, np.float32)
    train = split(np.concatenate([np.tile(np.arange(classes), 4), drawn]))
    names = tuple(f"class {k}" for k in range(classes))
    return Dataset(train, split(np.arange(test) % classes), names, 255, half, half)


class Seconds(NamedTuple):
    """What a step took, by the clock and in work of CPUs."""

    clock: float
    work: float


def step_seconds(
    recipe: Recipe, dataset: Dataset, hardware: Hardware, *, workers: int, rounds: int, steps: int
) -> dict[str, Seconds]:
    """Median seconds of a step: "ours", "published" and "bare", which take turns, `rounds` times `steps` steps each.

    The loader processes of the published pipeline start anew in each round, and what they prepared ahead does not
    count. Its work is that of steps without them, in which this process does all.
    """
    found: dict[str, list[Seconds]] = {"ours": [], "published": [], "bare": []}
    for _ in range(rounds):
        ours = trial_steps(recipe, dataset, hardware.device, hardware.precision)
        found["ours"] += _timed(ours, 1, steps)
        found["bare"] += _timed(_bare(recipe, dataset, hardware), 1, steps)
        published = _timed(published_steps(recipe, dataset, hardware.device, workers), max(1, workers * AHEAD), steps)
        alone = _timed(published_steps(recipe, dataset, hardware.device, workers=0), 1, steps) if workers else published
        found["published"] += [Seconds(a.clock, b.work) for a, b in zip(published, alone, strict=True)]
    return {name: Seconds(*map(statistics.median, zip(*each, strict=True))) for name, each in found.items()}


def _timed(steps: Iterator[None], uncounted: int, counted: int) -> list[Seconds]:
    try:
        for _ in range(uncounted):
            next(steps)
        return [_seconds(lambda: next(steps)) for _ in range(counted)]
    finally:
        steps.close()  # type: ignore[attr-defined]  # a generator: its loader processes end


def _seconds(work: Callable[[], object]) -> Seconds:
    _wait()
    start, work_start = time.perf_counter(), time.process_time()
    work()
    _wait()
    return Seconds(time.perf_counter() - start, time.process_time() - work_start)


def work_clock() -> float:
    """Return seconds of this process's work on CPUs; where there is a GPU, of the clock, once it has nothing to do."""
    _wait()
    return time.perf_counter() if torch.cuda.is_available() else time.process_time()


def _wait() -> None:
    if torch.cuda.is_available():
        torch.cuda.synchronize()


def _bare(recipe: Recipe, dataset: Dataset, hardware: Hardware) -> Iterator[None]:
    """Forward and backward of the network alone, on views that are ready."""
    layout, device = torch.channels_last, hardware.device
    model = build_model(recipe, 3, len(dataset.class_names)).to(device).to(memory_format=layout).train()
    size = dataset.train.images.shape[-1]
    views = torch.randn(VIEWS * recipe.batch_size, 3, size, size, device=device).contiguous(memory_format=layout)
    labels = torch.zeros(recipe.batch_size, dtype=torch.int64, device=device)
    while True:
        model.zero_grad(set_to_none=True)
        with torch.autocast(device.type, torch.bfloat16, enabled=hardware.precision == "bf16"):
            logits, terms = branches(model, views, labels, ALONE)
        assert terms is not None
        (logits.float().sum() + terms.features.float().sum()).backward()  # type: ignore[no-untyped-call]
        yield


def stage_seconds(recipe: Recipe, dataset: Dataset, hardware: Hardware, *, steps: int) -> dict[str, float]:
    """Median seconds of work of each of `STAGES` in a step of ours, by hooks that torch calls between them.

    "views" is all that comes before the network, the images' way to the device included; "loss" holds both losses.
    """
    found: dict[str, list[float]] = {name: [] for name in STAGES}
    with _marks(found) as begin:
        trial = trial_steps(recipe, dataset, hardware.device, hardware.precision)
        for _ in range(steps + 1):
            begin()
            next(trial)
    return {name: statistics.median(seconds[1:]) for name, seconds in found.items()}


@contextmanager
def _marks(found: Mapping[str, list[float]]) -> Iterator[Callable[[], None]]:
    """Have the time that each stage took appended to its list; yields what is to be called before a step."""
    last = [0.0]

    def begin() -> None:
        last[0] = work_clock()

    def end(stage: str) -> None:
        before = last[0]
        begin()
        found[stage].append(last[0] - before)

    def before_module(module: nn.Module, _: Any) -> None:
        if isinstance(module, TwoBranchModel):
            end("views")
        elif isinstance(module, LogitAdjustedCrossEntropy):  # the first of the losses
            end("forward")

    def after_module(module: nn.Module, _: Any, output: Any) -> None:
        if isinstance(module, LogitAdjustedCrossEntropy) and isinstance(output, Tensor) and output.requires_grad:
            # Its gradient is among the first.
            output.register_hook(lambda _: end("loss"))  # type: ignore[no-untyped-call]

    hooks = [
        register_module_forward_pre_hook(before_module),
        register_module_forward_hook(after_module),
        register_optimizer_step_pre_hook(lambda *_: end("backward")),
        register_optimizer_step_post_hook(lambda *_: end("optimiser")),
    ]
    try:
        yield begin
    finally:
        for hook in hooks:
            hook.remove()


def write_profile(recipe: Recipe, dataset: Dataset, hardware: Hardware, file: Path) -> None:
    """Write a trace of a few steps of ours, for a browser's trace viewer."""
    steps = trial_steps(recipe, dataset, hardware.device, hardware.precision)
    next(steps)
    activities = [ProfilerActivity.CPU] + ([ProfilerActivity.CUDA] if hardware.device.type == "cuda" else [])
    with profile(activities=activities, record_shapes=True) as profiler:
        for _ in range(PROFILED_STEPS):
            next(steps)
    profiler.export_chrome_trace(os.fspath(file))
