"""What a recipe can name: losses, data sources, backbones and view strategies.

One entry here and one function at its target is all it takes to add one: controls, command line, tests and docs read
these tables. Targets are "module:name" and are imported only when used, so reading a table costs no torch.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from importlib import import_module
from typing import Any


@dataclass(frozen=True)
class Entry:
    """A named choice: `title` for a menu, `help` for a person, `target` for the machine."""

    title: str
    help: str
    target: str

    def load(self) -> Any:
        """Import and return the target."""
        module, name = self.target.split(":")
        return getattr(import_module(module), name)


@dataclass(frozen=True)
class LossEntry(Entry):
    """A corner of the ablation square: the two switches of `contrastive_loss`."""

    class_averaging: bool
    class_complement: bool


@dataclass(frozen=True)
class DatasetEntry(Entry):
    """A data source; `needs_path` says whether the user must say where it lies."""

    needs_path: bool


_CONTRASTIVE = "bcl_core.losses:contrastive_loss"

LOSSES: Mapping[str, LossEntry] = {
    "scl": LossEntry(
        "SCL",
        "Supervised contrastive learning: every image pushes on every other, so frequent classes push most.",
        _CONTRASTIVE,
        class_averaging=False,
        class_complement=False,
    ),
    "class-averaging": LossEntry(
        "SCL + class-averaging",
        "Negatives are averaged within their class first; only classes in the batch take part.",
        _CONTRASTIVE,
        class_averaging=True,
        class_complement=False,
    ),
    "class-complement": LossEntry(
        "SCL + class-complement",
        "A learned prototype of every class joins every batch; negatives are summed as in SCL.",
        _CONTRASTIVE,
        class_averaging=False,
        class_complement=True,
    ),
    "bcl": LossEntry(
        "BCL",
        "Balanced contrastive learning (Zhu et al. 2022): class-averaging and class-complement together.",
        _CONTRASTIVE,
        class_averaging=True,
        class_complement=True,
    ),
}

DATASETS: Mapping[str, DatasetEntry] = {
    "digits": DatasetEntry(
        "Handwritten digits",
        "1,797 real 8×8 scans that come with scikit-learn. Needs no download.",
        "bcl_core.data.digits:DigitsSource",
        needs_path=False,
    ),
    "parquet": DatasetEntry(
        "Images from Parquet",
        "A folder with train*.parquet and test*.parquet in the Hugging Face image convention, CIFAR-10 for example.",
        "bcl_core.data.parquet:ParquetSource",
        needs_path=True,
    ),
}

BACKBONES: Mapping[str, Entry] = {
    f"resnet{depth}": Entry(
        f"ResNet-{depth}",
        f"{depth} layers for small images, widths 16, 32, 64, parameter-free shortcuts (He et al. 2016).",
        f"bcl_core.models:resnet{depth}",
    )
    for depth in (8, 20, 32)
}

VIEWS: Mapping[str, Entry] = {
    "affine-noise": Entry(
        "Turn, scale, shift, noise",
        "Rotation ±0.25 rad, scale ±15 %, shift ±10 % of the width, Gaussian noise 0.05. Made for digits.",
        "bcl_core.data.views:affine_noise",
    ),
    "crop-flip": Entry(
        "Crop and flip",
        "Four pixels of padding, a random crop back to size, a random horizontal flip.",
        "bcl_core.data.views:crop_flip",
    ),
}


def variant_title(loss: str, anchors: str) -> str:
    """Return what a figure calls a loss, for example "BCL, class anchors"."""
    return LOSSES[loss].title + (", class anchors" if anchors == "class" else "")
