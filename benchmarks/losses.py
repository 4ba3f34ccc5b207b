"""What the balanced contrastive loss costs beside the matrix products that it cannot do without.

    python benchmarks/losses.py [--rounds 31]

One thread, batch 256, two views, float32, forward and backward, inputs checked. Time: medians of rounds in which the
loss and the bare products (one forward, two backward) take turns, and their ratio. Memory: the most that is allocated
at once beyond the inputs (so gradients count), in matrices of 2B × (2B + K) float32 numbers.
"""

import argparse
import platform
import statistics
import time
from collections.abc import Callable

import torch
from torch import Tensor
from torch.nn.functional import normalize
from torch.profiler import ProfilerActivity, profile

from bcl_core.losses import contrastive_loss

BATCH, VIEWS = 256, 2
SETTINGS = ((128, 10), (128, 100), (1024, 1000), (1024, 8142))  # (d, K): CIFAR-10/100, ImageNet-LT, iNaturalist 2018


def main() -> None:
    """Print one line for each setting."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=31, help="timed rounds for each setting (default: 31)")
    rounds = parser.parse_args().rounds
    torch.set_num_threads(1)
    torch.manual_seed(0)
    print(f"torch {torch.__version__}, {platform.processor() or platform.machine()}, one thread, {rounds} rounds")
    print(f"{'d':>6}{'K':>6}{'products ms':>13}{'loss ms':>9}{'ratio':>7}{'peak matrices':>15}")
    for dim, num_classes in SETTINGS:
        features = normalize(torch.randn(BATCH, VIEWS, dim), dim=-1).requires_grad_()
        prototypes = normalize(torch.randn(num_classes, dim), dim=-1).requires_grad_()
        labels = torch.randint(num_classes, (BATCH,))

        def loss_step(features: Tensor = features, labels: Tensor = labels, prototypes: Tensor = prototypes) -> None:
            features.grad = prototypes.grad = None
            contrastive_loss(features, labels, prototypes, num_classes=len(prototypes)).backward()  # type: ignore[no-untyped-call]

        products = bare_products(features.detach(), prototypes.detach())
        bare_ms, loss_ms = interleaved_medians_ms([products, loss_step], rounds)
        matrix_bytes = 4 * BATCH * VIEWS * (BATCH * VIEWS + num_classes)
        features.grad = prototypes.grad = None  # or freeing them would be credited to the step that is profiled
        peak = peak_allocated_bytes(loss_step) / matrix_bytes
        print(f"{dim:>6}{num_classes:>6}{bare_ms:>13.2f}{loss_ms:>9.2f}{loss_ms / bare_ms:>7.2f}{peak:>15.2f}")


def bare_products(features: Tensor, prototypes: Tensor) -> Callable[[], None]:
    """One forward N×d×M product and the two that its backward needs, on ready matrices."""
    anchors = features.flatten(0, 1)
    members = torch.cat([anchors, prototypes])
    gradient = torch.randn(len(anchors), len(members))

    def products() -> None:
        anchors @ members.T
        gradient @ members
        gradient.T @ anchors

    return products


def interleaved_medians_ms(functions: list[Callable[[], None]], rounds: int) -> list[float]:
    """Median time of each function, in ms, taking turns so that a busy machine slows all of them alike."""
    times: list[list[float]] = [[] for _ in functions]
    for round_index in range(rounds + 2):
        for function, measured in zip(functions, times, strict=True):
            start = time.perf_counter()
            function()
            if round_index >= 2:  # two rounds to warm up
                measured.append(1000 * (time.perf_counter() - start))
    return [statistics.median(measured) for measured in times]


def peak_allocated_bytes(function: Callable[[], None]) -> int:
    """Most bytes that the function's allocations held at once, from the allocator's record of every one of them."""
    with profile(activities=[ProfilerActivity.CPU], profile_memory=True) as profiler:
        function()
    record = sorted(profiler.profiler.kineto_results.events(), key=lambda event: event.start_ns())
    held = peak = 0
    for event in record:
        if event.name() == "[memory]":
            held += event.nbytes()
            peak = max(peak, held)
    return peak


if __name__ == "__main__":
    main()
