"""From the execution asked for to the device, precision and thread count a run gets."""

import platform
import statistics
import time
from collections.abc import Callable, Hashable, Iterator
from dataclasses import dataclass

import torch

from bcl_core import machine
from bcl_core.recipe import Execution, RecipeError

# Below this a second thread costs more in waiting than it saves: a digits step takes about 30 ms.
WORTH_A_SECOND_THREAD_S = 0.1
# Half precision is taken where it makes a step this many times as fast. Beside other work, a ResNet-8 measured eight
# times was 1.48 to 1.67 times as fast on 32 pixels, 1.06 to 1.27 on 16, and no faster on 8: below 32, where noise could
# decide, nothing is measured, and numbers hang on no clock.
WORTH_HALF_PRECISION = 1.2
SMALLEST_MEASURED = 32  # pixels
ROUNDS, PATIENCE_SECONDS = 5, 10.0

Trial = Callable[[torch.device, str], Iterator[None]]  # device and precision -> a throw-away run, a step at each pull


@dataclass(frozen=True)
class Hardware:
    """Where the tensors are, in which precision the matrix products run, and on how many CPU threads."""

    device: torch.device
    precision: str
    threads: int

    @property
    def description(self) -> dict[str, str]:
        """For a run's provenance."""
        return {"device": _name(self.device), "precision": self.precision, "threads": str(self.threads)}


_threads_measured: dict[Hashable, int] = {}
_precision_measured: dict[Hashable, str] = {}


def resolve(
    execution: Execution, work: Hashable, trial: Trial, *, image_size: int = 0, cores: int | None = None
) -> Hardware:
    """Choose what the execution leaves open.

    On a CPU, threads and precision are measured, not looked up: where other processes share the cores, two threads can
    be several times slower than one, and bf16 is twice as fast as fp32 on one processor and ten times slower on
    another.

    Args:
        execution: what was asked for.
        work: what a step's duration depends on; a process measures each kind of work once.
        trial: steps to be timed.
        image_size: width of the images in pixels; of small ones, 0 included, precision is not measured: they get fp32.
        cores: how many this process may use; all that there are where None.

    Raises:
        RecipeError: a GPU was asked for and there is none; or bf16, which the device does not have.
    """
    if execution.device == "cuda" and not torch.cuda.is_available():
        raise RecipeError('device is "cuda" and no GPU is usable here; use "cpu" or "auto"')
    on_gpu = execution.device != "cpu" and torch.cuda.is_available()
    device = torch.device("cuda" if on_gpu else "cpu")
    if execution.precision == "bf16" and not has_bf16(device):
        raise RecipeError(
            f'precision is "bf16" and {_name(device)} has no instructions for it; use "fp32", or for a new run "auto"'
        )
    if on_gpu:
        chosen = "bf16" if has_bf16(device) else "fp32"
        return Hardware(device, chosen if execution.precision == "auto" else execution.precision, 1)
    first = "fp32" if execution.precision == "auto" else execution.precision
    cores = cores or machine.cores()
    kind: Hashable = (work, first, cores)
    if execution.threads is None and kind not in _threads_measured:
        _threads_measured[kind] = _fastest_threads(trial(device, first), cores)
    threads = execution.threads or _threads_measured[kind]
    if execution.precision != "auto" or image_size < SMALLEST_MEASURED or not has_bf16(device):
        return Hardware(device, first, threads)
    kind = (work, threads)
    if kind not in _precision_measured:
        torch.set_num_threads(threads)
        gain = gain_of_bf16(trial(device, "fp32"), trial(device, "bf16"))
        _precision_measured[kind] = "bf16" if gain >= WORTH_HALF_PRECISION else "fp32"
    return Hardware(device, _precision_measured[kind], threads)


def has_bf16(device: torch.device) -> bool:
    """Whether the device computes in bf16 by instructions of its own; torch imitates them elsewhere, slowly."""
    if device.type == "cuda":
        return bool(torch.cuda.is_bf16_supported(including_emulation=False))
    if platform.machine() in ("x86_64", "AMD64"):
        return bool(torch.cpu._is_avx512_bf16_supported())  # which all processors with AMX have, too
    mkldnn = torch.backends.mkldnn.is_available()  # type: ignore[no-untyped-call]
    return bool(mkldnn and torch.ops.mkldnn._is_mkldnn_bf16_supported())


def gain_of_bf16(fp32: Iterator[None], bf16: Iterator[None]) -> float:
    """Return how many times as fast a step is in bf16: the median of rounds in which both take turns."""
    for steps in (fp32, bf16):
        next(steps)
    ratios: list[float] = []
    start = time.perf_counter()
    while not ratios or (len(ratios) < ROUNDS and time.perf_counter() - start < PATIENCE_SECONDS):
        ratios.append(_seconds(fp32) / _seconds(bf16))
    return statistics.median(ratios)


def _fastest_threads(steps: Iterator[None], cores: int) -> int:
    if cores == 1 or (alone := _seconds_on(1, steps)) < WORTH_A_SECOND_THREAD_S:
        return 1
    return cores if _seconds_on(cores, steps) < alone else 1


def _seconds_on(threads: int, steps: Iterator[None]) -> float:
    torch.set_num_threads(threads)
    next(steps)  # the first one warms up
    return _seconds(steps)


def _seconds(steps: Iterator[None]) -> float:
    start = time.perf_counter()
    next(steps)
    return time.perf_counter() - start


def _name(device: torch.device) -> str:
    return torch.cuda.get_device_name(device) if device.type == "cuda" else "CPU"
