"""What the parts that grow with classes K, images N and dimensions d cost, one of the three at a time."""

import statistics
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import numpy as np
import torch
from torch.nn.functional import normalize

from bcl_core.bench.epoch import measuring_cost
from bcl_core.bench.steps import work_clock
from bcl_core.geometry import MAX_BINS, frequency_bins
from bcl_core.losses import contrastive_loss, contrastive_statistics
from bcl_core.losses.statistics import Bins

Sizes = tuple[int, int, int]  # K, N, d
Steps = Mapping[str, tuple[int, ...]]  # which of them take other values
# Of a batch: N anchors, two views of N/2 images. Of an epoch: N test images.
BATCH, EPOCH = (100, 512, 128), (100, 10_000, 128)
STEPS: Steps = {"K": (10, 100, 1000, 8142), "N": (128, 512, 2048), "d": (32, 128, 512, 2048)}
EPOCH_STEPS: Steps = {"K": (10, 100, 1000), "N": (2_500, 10_000, 40_000), "d": (32, 128, 512)}
QUICK_STEPS: Steps = {"K": (10,)}
ROUNDS, AT_LEAST = 5, 0.2  # what takes less than these seconds together is done more often
IMAGENET_LT = {"K": 1000, "N": 50_000, "d": 1024, "width": 2048}


def scaling(device: torch.device, *, quick: bool) -> list[dict[str, Any]]:
    """Return a row a part and size: "part", "K", "N", "d", "seconds" of work; of measuring also "peak_bytes".

    The parts: "loss" (forward and backward), "statistics" (of a sampled step), "measuring" (of an epoch). On one
    thread: what is counted is work, and a second thread that waits for the first one's next operation counts too.
    """
    torch.set_num_threads(1)
    rows: list[dict[str, Any]] = []
    for classes, anchors, dim in _one_at_a_time(BATCH, QUICK_STEPS if quick else STEPS):
        sizes = {"K": classes, "N": anchors, "d": dim}
        loss, statistics_of = _batch_work(classes, anchors, dim, device)
        rows.append({"part": "loss", **sizes, "seconds": _median(loss, 1 if quick else ROUNDS)})
        rows.append({"part": "statistics", **sizes, "seconds": _median(statistics_of, 1 if quick else ROUNDS)})
    if not quick:
        _, statistics_of = _batch_work(IMAGENET_LT["K"], 512, IMAGENET_LT["d"], device)
        sizes = {"K": IMAGENET_LT["K"], "N": 512, "d": IMAGENET_LT["d"]}
        rows.append({"part": "statistics", **sizes, "seconds": _median(statistics_of, ROUNDS)})
    for classes, images, dim in _one_at_a_time(EPOCH, QUICK_STEPS if quick else EPOCH_STEPS):
        cost = measuring_cost(classes, images, dim, dim, threads=1)
        rows.append({"part": "measuring", "K": classes, "N": images, "d": dim, **cost._asdict()})
    if not quick:
        cost = measuring_cost(*IMAGENET_LT.values(), threads=1)
        rows.append({"part": "measuring", **IMAGENET_LT, **cost._asdict()})
    return rows


def _one_at_a_time(base: Sizes, steps: Steps) -> Iterator[Sizes]:
    """Yield the base, and what differs from it in one size."""
    found = [base]
    for place, name in enumerate(("K", "N", "d")):
        found += [(*base[:place], value, *base[place + 1 :]) for value in steps.get(name, ())]  # type: ignore[misc]
    yield from dict.fromkeys(found)


def _batch_work(
    classes: int, anchors: int, dim: int, device: torch.device
) -> tuple[Callable[[], object], Callable[[], object]]:
    """Return the loss with its gradients, and the gradient statistics, of a random batch."""
    generator = torch.Generator().manual_seed(0)
    features = normalize(torch.randn(anchors // 2, 2, dim, generator=generator), dim=-1).to(device).requires_grad_()
    prototypes = normalize(torch.randn(classes, dim, generator=generator), dim=-1).to(device).requires_grad_()
    labels = torch.randint(classes, (anchors // 2,), generator=generator).to(device)
    bins = Bins.of(frequency_bins(np.arange(classes, 0, -1)), device) if classes > MAX_BINS else None

    def loss() -> None:
        features.grad = prototypes.grad = None
        contrastive_loss(features, labels, prototypes, num_classes=classes, validate=False).backward()  # type: ignore[no-untyped-call]

    def statistics_of() -> object:
        switches = {"class_averaging": True, "class_complement": True, "temperature": 0.1, "bins": bins}
        return contrastive_statistics(features, labels, prototypes, num_classes=classes, validate=False, **switches)  # type: ignore[arg-type]

    return loss, statistics_of


def _median(work: Callable[[], object], rounds: int) -> float:
    work()
    times: list[float] = []
    while len(times) < rounds or (rounds > 1 and sum(times) < AT_LEAST):
        start = work_clock()
        work()
        times.append(work_clock() - start)
    return statistics.median(times)
