"""What a recipe costs on this machine: one training step is done and measured. Imports torch."""

import resource
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import torch

from bcl_core.data.dataset import Dataset
from bcl_core.data.stream import FileImages, ViewStream, decoders
from bcl_core.hardware import Hardware
from bcl_core.machine import free_memory
from bcl_core.recipe import Execution, Recipe, RecipeError
from bcl_core.registry import VIEWS
from bcl_core.training import settle, trial_steps

# On a CPU a few images come first: a whole batch of a large network could take hours, or more memory than there is.
PROBE_IMAGES = 4
PATIENCE_SECONDS = 10.0
MEMORY_SHARE = 0.5


@dataclass(frozen=True)
class Cost:
    """One step, measured, and what follows for the whole run."""

    device: str
    precision: str
    threads: int
    images: int  # in the step that was measured
    batch_size: int  # in a step of the run; where larger than `images`, time and memory were scaled up
    step_seconds: float  # of a whole batch
    decode_seconds: float | None  # of a whole batch, by all decoding processes; None where images are held in memory
    total_seconds: float  # all steps of all epochs
    memory_bytes: int  # at the most: on a GPU its memory, else this process's


def measure(recipe: Recipe, dataset: Dataset, execution: Execution) -> Cost:
    """Do a step of a throw-away model and time it, after one to warm up.

    Raises:
        RecipeError: the device cannot do it; on a GPU also where the batch does not fit into its memory.
    """
    batch_size = min(recipe.batch_size, len(dataset.train.labels))
    probe = None
    if execution.device == "cpu" or not torch.cuda.is_available():
        probe = _probe(recipe, dataset, execution.threads or 1)
    too_much = probe is not None and (
        probe.step_seconds(batch_size) > PATIENCE_SECONDS
        or probe.memory_bytes(batch_size) - probe.peak > MEMORY_SHARE * free_memory()
    )
    measured = _of(recipe, min(PROBE_IMAGES, batch_size) if too_much else batch_size)
    hardware = settle(measured, dataset, execution)
    torch.set_num_threads(hardware.threads)
    device = hardware.description["device"]
    try:
        seconds, peak = _seconds_and_memory(measured, dataset, hardware)
    except torch.OutOfMemoryError as error:
        raise RecipeError(f"a batch of {batch_size} images does not fit into the memory of {device}") from error
    step, decode = _paced(measured, dataset, execution, seconds)
    scale = batch_size / measured.batch_size
    steps = len(dataset.train.labels) // batch_size * recipe.epochs
    return Cost(
        device=device,
        precision=hardware.precision,
        threads=hardware.threads,
        images=measured.batch_size,
        batch_size=batch_size,
        step_seconds=step * scale,
        decode_seconds=None if decode is None else decode * scale,
        total_seconds=step * scale * steps,
        memory_bytes=probe.memory_bytes(batch_size) if probe is not None and too_much else peak,
    )


class _Probe(NamedTuple):
    """Steps of a few images, from which those of more are judged."""

    images: int
    seconds: float
    peak: int
    bytes_an_image: float

    def step_seconds(self, images: int) -> float:
        return self.seconds * images / self.images

    def memory_bytes(self, images: int) -> int:
        return self.peak + int(self.bytes_an_image * (images - self.images))


def _probe(recipe: Recipe, dataset: Dataset, threads: int) -> _Probe:
    torch.set_num_threads(threads)
    cpu, images = torch.device("cpu"), min(PROBE_IMAGES, recipe.batch_size, len(dataset.train.labels))
    few = max(2, images // 2)
    _step_seconds(_of(recipe, few), dataset, cpu, "fp32")
    before = _peak_of_process()
    seconds = _step_seconds(_of(recipe, images), dataset, cpu, "fp32")
    peak = _peak_of_process()
    return _Probe(images, seconds, peak, (peak - before) / max(1, images - few))


def _of(recipe: Recipe, batch_size: int) -> Recipe:
    return recipe.model_copy(update={"batch_size": batch_size})


def _seconds_and_memory(recipe: Recipe, dataset: Dataset, hardware: Hardware) -> tuple[float, int]:
    on_gpu = hardware.device.type == "cuda"
    if on_gpu:
        torch.cuda.reset_peak_memory_stats()
    seconds = _step_seconds(recipe, dataset, hardware.device, hardware.precision)
    return seconds, torch.cuda.max_memory_allocated() if on_gpu else _peak_of_process()


def _step_seconds(recipe: Recipe, dataset: Dataset, device: torch.device, precision: str) -> float:
    steps = trial_steps(recipe, dataset, device, precision)
    next(steps)
    return _seconds(lambda: next(steps))


def _paced(recipe: Recipe, dataset: Dataset, execution: Execution, seconds: float) -> tuple[float, float | None]:
    """Return the seconds that a step takes beside the decoding of the next batch, and those of that decoding.

    The step that was measured decoded its own images, in one process; in a run, other processes do it meanwhile.
    """
    images, processes = dataset.train.images, decoders(execution.data.workers)
    if not isinstance(images, FileImages):
        return seconds, None
    views = VIEWS[recipe.views].load()[: 3 if recipe.loss.contrastive else 1]
    plan = [(0, np.arange(recipe.batch_size))]
    rows, areas = torch.arange(recipe.batch_size), [view.area for view in views]
    stream = ViewStream(images, rows, areas, seed=0, workers=0)
    alone = _seconds(lambda: next(stream.epoch(1, plan)))
    if processes == 0:
        return seconds, alone
    return max(seconds - alone, alone / processes), alone / processes


def _seconds(work: Callable[[], object]) -> float:
    _finish()
    start = time.perf_counter()
    work()
    _finish()
    return time.perf_counter() - start


def _finish() -> None:
    if torch.cuda.is_available():
        torch.cuda.synchronize()


def _peak_of_process() -> int:
    """Return the most memory that this process has held, in bytes."""
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024
