"""What a random view of an image costs on one thread, beside the same view made image by image.

    python -m benchmarks.views [--rounds 7]

Microseconds an image: the median of rounds in which both take turns. Batched: `three_views` on floats, 768 views of
32×32 pixels or 48 of 224×224 at a time. One by one: the usual torchvision v2 chain on Pillow images and the conversion
to floats, without Cutout, for 64 and 16 images.
"""

import argparse
import platform
import statistics
import time
from collections.abc import Callable

import torch
import torch.nn.functional as F
import torchvision
from torch import Tensor
from torchvision.transforms import v2

from bcl_core.data import views
from bcl_core.data.views import View, three_views

SIZES = ((32, 256, 64), (224, 16, 16))  # pixels, images of a batch, images one by one


def main() -> None:
    """Print one line for each view."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=7, help="timed rounds for each view (default: 7)")
    rounds = parser.parse_args().rounds
    torch.set_num_threads(1)
    torch.manual_seed(0)
    machine = platform.processor() or platform.machine()
    print(f"torch {torch.__version__}, torchvision {torchvision.__version__}, {machine}, one thread, {rounds} rounds")
    print(f"{'µs an image':<20}" + "".join(f"{f'{size} px':>10}{'one by one':>12}" for size, *_ in SIZES))
    for name, view in ALL.items():
        line = f"{name:<20}"
        for size, batch, singles in SIZES:
            chain = one_by_one(name, size)
            functions = [batched(view, size, batch)] + ([singly(chain, size, singles)] if chain else [])
            ms = interleaved_medians_ms(functions, rounds)
            line += f"{1000 * ms[0] / (3 * batch):>10.0f}"
            line += f"{1000 * ms[1] / singles:>12.0f}" if chain else f"{'':>12}"
        print(line)


ALL = {
    "affine-noise": views.AFFINE_NOISE,
    "crop-flip": views.CROP_FLIP,
    "AutoAugment, Cutout": views.AUTOAUGMENT_CUTOUT,
    "SimAug": views.SIMAUG,
    "RandAugment": views.RANDAUGMENT,
    "SimAug, RandAugment": views.RAND,
}


def pictures(count: int, size: int) -> Tensor:
    """Return (count, 3, size, size) floats in 0 … 1, smooth as photographs are, on which branches cost less."""
    return F.interpolate(torch.rand(count, 3, 8, 8), (size, size), mode="bilinear")


def batched(view: View, size: int, batch: int) -> Callable[[], None]:
    """Return a function that draws three views of each image of a batch."""
    images, rows = pictures(3 * batch, size), torch.arange(batch)

    def draw() -> None:
        three_views((view,) * 3, images, rows=rows, batch_size=batch, cropped=False)

    return draw


def singly(chain: v2.Transform, size: int, count: int) -> Callable[[], None]:
    """Return a function that puts Pillow images through a chain, one after the other."""
    images = [v2.functional.to_pil_image(picture) for picture in pictures(count, size)]

    def draw() -> None:
        for image in images:
            chain(image)

    return draw


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


def one_by_one(name: str, size: int) -> v2.Transform | None:
    """Return torchvision's chain for a view, None where there is no usual one."""
    flip, floats = v2.RandomHorizontalFlip(), [v2.PILToTensor(), v2.ToDtype(torch.float32, scale=True)]
    crop, resized = v2.RandomCrop(size, padding=size // 8), v2.RandomResizedCrop(size)
    jitter = v2.RandomApply([v2.ColorJitter(0.4, 0.4, 0.4, 0.1)], 0.8)
    rand = v2.RandAugment(2, 10, num_magnitude_bins=11)
    chains = {
        "crop-flip": [crop, flip],
        "AutoAugment, Cutout": [crop, flip, v2.AutoAugment(v2.AutoAugmentPolicy.CIFAR10)],
        "SimAug": [resized, flip, jitter, v2.RandomGrayscale(0.2)],
        "RandAugment": [resized, flip, v2.ColorJitter(0.4, 0.4, 0.4), rand],
        "SimAug, RandAugment": [resized, flip, jitter, v2.RandomGrayscale(0.2), rand],
    }
    return v2.Compose([*chains[name], *floats]) if name in chains else None


if __name__ == "__main__":
    main()
