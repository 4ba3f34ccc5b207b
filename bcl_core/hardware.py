"""From the execution asked for to the device, precision and thread count a run gets."""

import time
from collections.abc import Callable, Hashable
from dataclasses import dataclass
from functools import cache

import torch
from threadpoolctl import ThreadpoolController

from bcl_core import machine
from bcl_core.recipe import Execution, RecipeError

# Below this a second thread costs more in waiting than it saves: a digits step takes about 30 ms.
WORTH_A_SECOND_THREAD_S = 0.1


@dataclass(frozen=True)
class Hardware:
    """Where the tensors are, in which precision the matrix products run, and on how many CPU threads."""

    device: torch.device
    precision: str
    threads: int

    @property
    def description(self) -> dict[str, str]:
        """For a run's provenance."""
        name = torch.cuda.get_device_name(self.device) if self.device.type == "cuda" else "CPU"
        return {"device": name, "precision": self.precision, "threads": str(self.threads)}

    def claim_threads(self) -> None:
        """Let this process compute on as many threads as the run has; beside a GPU, measuring may use every core."""
        if self.device.type == "cpu":
            use_threads(self.threads)
        else:
            torch.set_num_threads(self.threads)


_threads_measured: dict[Hashable, int] = {}


def resolve(
    execution: Execution,
    work: Hashable,
    one_step: Callable[[torch.device, str], None],
    cores: int | None = None,
) -> Hardware:
    """Choose what the execution leaves open.

    Threads are measured, not counted: where other processes share the cores, two threads can be several times slower
    than one.

    Args:
        execution: what was asked for.
        work: what a step's duration depends on; a process measures each kind of work once.
        one_step: does one training step of a throw-away model, for the measurement.
        cores: how many this process may use; all that there are where None.

    Raises:
        RecipeError: a GPU was asked for and there is none.
    """
    if execution.device == "cuda" and not torch.cuda.is_available():
        raise RecipeError('device is "cuda" and no GPU is usable here; use "cpu" or "auto"')
    on_gpu = execution.device != "cpu" and torch.cuda.is_available()
    device = torch.device("cuda" if on_gpu else "cpu")
    precision = ("bf16" if on_gpu else "fp32") if execution.precision == "auto" else execution.precision
    cores = cores or machine.cores()
    if execution.threads is None and not on_gpu and (work, cores) not in _threads_measured:
        _threads_measured[work, cores] = _fastest_threads(lambda: one_step(device, precision), cores)
    threads = execution.threads or (1 if on_gpu else _threads_measured[work, cores])
    return Hardware(device, precision, threads)


def _fastest_threads(one_step: Callable[[], None], cores: int) -> int:
    if cores == 1 or (alone := _seconds(one_step, threads=1)) < WORTH_A_SECOND_THREAD_S:
        return 1
    return cores if _seconds(one_step, threads=cores) < alone else 1


def use_threads(threads: int) -> None:
    """Let torch, and numpy's matrix products, compute on so many threads.

    numpy's own threads, one a core where nothing is said, wait for work by spinning: an epoch of digits, measured
    between steps of one thread, took twice as long beside them.
    """
    torch.set_num_threads(threads)
    _libraries().limit(limits=threads, user_api="blas")


@cache
def _libraries() -> ThreadpoolController:
    return ThreadpoolController()


def _seconds(one_step: Callable[[], None], threads: int) -> float:
    use_threads(threads)
    one_step()
    start = time.perf_counter()
    one_step()
    return time.perf_counter() - start
