"""What a recipe can name: losses, data sources, backbones and view strategies.

One entry here and one function at its target is all it takes to add one: controls, command line, tests and docs read
these tables. Targets are "module:name" and are imported only when used, so reading a table costs no torch.

What is one's own needs no change here. `BCL_LAB_BACKBONES="tiny=my_nets:tiny"` registers the function `tiny` of the
importable module `my_nets`: it takes the number of input channels and returns a module that maps images (N, C, H, W)
to features (N, d_h) and has the integer attribute `out_features` = d_h. `BCL_LAB_LOSSES="mine=my_losses:Mine"`
registers a loss (`LossEntry` has the contract), "mine=my_losses:Mine?margin=0.5&hard=false" one with parameters and
their defaults. `BCL_LAB_DATASETS` registers sources (`bcl_core.data.source`), `BCL_LAB_VIEWS` functions that return the
three views of an image (`bcl_core.data.views`), `BCL_LAB_METRICS` what is measured of an epoch (`bcl_core.metrics`).
"""

import os
import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from importlib import import_module
from typing import Any


@dataclass(frozen=True)
class Entry:
    """A named choice: `title` for a menu, `help` for a person, `target` for the machine; "" where it is not here."""

    title: str
    help: str
    target: str

    @property
    def missing(self) -> str | None:
        """What lacks, in words, where a stored run names something that is not registered here."""
        return None if self.target else self.help

    @property
    def is_own(self) -> bool:
        """Whether it is one's own, registered from outside."""
        return bool(self.target) and not self.target.startswith("bcl_core.")

    def load(self) -> Any:
        """Import and return the target."""
        return _load(self.target)


def in_a_line(error: BaseException) -> str:
    """Say what code of one's own raised: its type, and the first line of what it says."""
    return ": ".join([type(error).__name__, *str(error).strip().splitlines()[:1]])


def _load(target: str) -> Any:
    module, name = target.split(":")
    return getattr(import_module(module), name)


Number = bool | int | float


@dataclass(frozen=True)
class Parameter:
    """A number that a loss has of its own, set as `loss.NAME`: of its default's type, from `least` to `most`."""

    name: str
    default: Number
    help: str
    least: float | None = None
    most: float | None = None

    def read(self, value: Any) -> Number:
        """Return a value, typed or as text, as a number of this type; ValueError where it is none."""
        kind = type(self.default)
        try:
            if kind is bool:
                return {"true": True, "false": False}[str(value).lower()]
            found: Number = kind(str(value))
        except (KeyError, ValueError):
            raise ValueError(self._wrong(value)) from None
        if not (-_HUGE if self.least is None else self.least) <= found <= (_HUGE if self.most is None else self.most):
            raise ValueError(self._wrong(value))
        return found

    def _wrong(self, value: Any) -> str:
        kind = {bool: "true or false", int: "a whole number", float: "a number"}[type(self.default)]
        limits = [
            f"{words} {end:g}" for words, end in (("at least", self.least), ("at most", self.most)) if end is not None
        ]
        return f"{self.name} is {value!r}: should be {', '.join([kind, *limits])}"


_HUGE = 1e300  # finite, so that neither infinity nor NaN is a number


@dataclass(frozen=True)
class PairWeights:
    """A loss that weighs pairs as `contrastive_loss` does with these switches: a corner of the ablation square.

    From them follow who pushes whom, the effect of the counts alone, and the optimum predicted for batches of a size.
    """

    class_averaging: bool
    class_complement: bool


@dataclass(frozen=True)
class LossEntry(Entry):
    """A contrastive loss, or none (`contrastive` is False: then `target` is cross-entropy, which every run has).

    `target`, called with `bcl_core.losses.contract.LossOptions` and the parameters by name, returns a module of torch.
    Called with features (B, 2, d) of unit length, labels (B,) and prototypes (K, d) of unit length, that returns the
    loss, a finite scalar through which gradients reach the features. What it registers as buffers and parameters is
    kept in checkpoints, and parameters are trained. It can be copied, and its state holds tensors, numbers and texts
    alone. Where it has a method `begin_epoch(epoch)`, this is called before the first step of each epoch, counted from
    1. It draws from torch's global generator, if at all, in these two places alone. All processes of a distributed run
    call it with the whole batch, so that its state is the same on each.
    """

    weights: PairWeights | None = None  # None: it is not described by weights over pairs
    contrastive: bool = True
    prototypes: bool = True  # whether it contrasts with them
    parameters: tuple[Parameter, ...] = ()

    def parameter(self, name: str) -> Parameter | None:
        """Return the parameter of this name, if there is one."""
        return next((parameter for parameter in self.parameters if parameter.name == name), None)


@dataclass(frozen=True)
class DatasetEntry(Entry):
    """A data source; `needs_path` says whether the user must say where it lies, `guide` how to come by it.

    `places` is a target, too: a function of `DataPaths` that raises DataError where the source could read nothing
    there. It opens no image and imports no torch.
    """

    needs_path: bool
    guide: str
    num_classes: int | None = None  # where only this number is that data set
    shape: tuple[int, int, int] | None = None  # (C, H, W) of its images, where all are alike
    places: str | None = None  # None: whatever the paths, they are not used
    published: str = "drawn"  # the normalisation that published models of it were trained with

    def check_places(self, paths: Any) -> None:
        """Raise DataError where these `DataPaths` hold nothing that the source could read."""
        if self.places is not None:
            _load(self.places)(paths)


@dataclass(frozen=True)
class ViewsEntry(Entry):
    """The three views of an image: `views` names the targets of the classifier's view and the two contrastive ones.

    Where it names none, the target is a function that returns the three.
    """

    views: tuple[str, ...] = ()

    def load(self) -> Any:
        """Import and return the three views."""
        if not self.views:
            views = super().load()()
            if not isinstance(views, Sequence) or not [hasattr(view, "draw") for view in views] == [True] * 3:
                raise TypeError("it should return three bcl_core.data.views.View, the classifier's first")
            return views
        return tuple(_load(f"{self.target}:{name}") for name in self.views)


NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,39}")
"""Of what is registered from outside."""

_OWN = re.compile(rf"({NAME.pattern})=([A-Za-z_][\w.]*:[A-Za-z_]\w*)(?:\?(.*))?")
FAULTS: list[str] = []
"""What of the variables that register could not be, a sentence each."""


def own(variable: str, built_in: Collection[str]) -> Iterator[tuple[str, str, str]]:
    """Yield name, target and parameters of what a variable registers; `FAULTS` takes down what cannot be."""
    names: set[str] = set()
    for text in filter(None, map(str.strip, os.environ.get(variable, "").split(","))):
        parts = _OWN.fullmatch(text)
        if parts is None:
            FAULTS.append(f"{variable} has {text!r}: should be name=module:target, several with commas between")
        elif parts[1] in built_in:
            FAULTS.append(f"{variable} has {parts[1]!r}, which is the name of one that is built in: choose another")
        elif parts[1] in names:
            FAULTS.append(f"{variable} has {parts[1]!r} twice")
        else:
            names.add(parts[1])
            yield parts[1], parts[2], parts[3] or ""


RESERVED = frozenset(
    {"name", "anchors", "self_term", "temperature", "contrastive_weight", "classifier_weight", "prior_strength"}
    | {"prototypes", "parameters"}
)
"""Settings that every loss has: no parameter is called so."""


def _own_loss(name: str, target: str, parameters: str) -> LossEntry | None:
    found: list[Parameter] = []
    for text in filter(None, parameters.split("&")):
        key, _, default = text.partition("=")
        value = _number(default)
        if value is None or not key.isidentifier() or key in RESERVED:
            why = "is a setting of every loss" if key in RESERVED else "should be parameter=number, =true or =false"
            FAULTS.append(f"BCL_LAB_LOSSES has {text!r} for {name!r}: {text if key not in RESERVED else key!r} {why}")
            return None
        if key in {parameter.name for parameter in found}:
            FAULTS.append(f"BCL_LAB_LOSSES has the parameter {key!r} of {name!r} twice")
            return None
        found.append(Parameter(key, value, f"of {target}, {default} where nothing else is said"))
    return LossEntry(name, f"Registered here from {target}.", target, parameters=tuple(found))


def _number(text: str) -> Number | None:
    if text in ("true", "false"):
        return text == "true"
    try:
        return int(text)
    except ValueError:
        pass
    try:
        return float(text) if abs(float(text)) < _HUGE else None
    except ValueError:
        return None


_CORNERS = "bcl_core.losses.corners"

_LOSSES: Mapping[str, LossEntry] = {
    "ce": LossEntry(
        "Cross-entropy",
        "No contrastive loss and no projection head: the classifier alone, on one view of each image.",
        "bcl_core.losses:LogitAdjustedCrossEntropy",
        contrastive=False,
        prototypes=False,
    ),
    "scl": LossEntry(
        "SCL",
        "Supervised contrastive learning: every image pushes on every other, so frequent classes push most.",
        f"{_CORNERS}:SCL",
        PairWeights(class_averaging=False, class_complement=False),
        prototypes=False,
    ),
    "class-averaging": LossEntry(
        "SCL + class-averaging",
        "Negatives are averaged within their class first; only classes in the batch take part.",
        f"{_CORNERS}:ClassAveraging",
        PairWeights(class_averaging=True, class_complement=False),
        prototypes=False,
    ),
    "class-complement": LossEntry(
        "SCL + class-complement",
        "A prototype of every class joins every batch; negatives are summed as in SCL.",
        f"{_CORNERS}:ClassComplement",
        PairWeights(class_averaging=False, class_complement=True),
    ),
    "bcl": LossEntry(
        "BCL",
        "Balanced contrastive learning (Zhu et al. 2022): class-averaging and class-complement together.",
        f"{_CORNERS}:BCL",
        PairWeights(class_averaging=True, class_complement=True),
    ),
    "proco": LossEntry(
        "ProCo",
        "Probabilistic contrastive learning (Du et al. 2024): an anchor is contrasted with a von Mises–Fisher "
        "distribution of each class, estimated from the features that passed by, instead of with the batch.",
        "bcl_core.losses.proco:ProCo",
        prototypes=False,
    ),
    "ntce": LossEntry(
        "NTCE",
        "Each prototype is contrasted with every image of the batch (Koromilas et al. 2026), here in projection space.",
        "bcl_core.losses.normalised:NTCE",
    ),
    "nonl": LossEntry(
        "NONL",
        "As NTCE, normalised over the images of other classes alone (Koromilas et al. 2026), here in projection space.",
        "bcl_core.losses.normalised:NONL",
    ),
}

LOSSES: Mapping[str, LossEntry] = {
    **_LOSSES,
    **{name: entry for name, *rest in own("BCL_LAB_LOSSES", _LOSSES) if (entry := _own_loss(name, *rest)) is not None},
}


def loss_of(name: str) -> LossEntry:
    """Return the loss of this name; of one that is not registered here, an entry that says so."""
    return LOSSES.get(name) or LossEntry(name, _not_here("loss", name, "BCL_LAB_LOSSES"), "")


def _not_here(what: str, name: str, variable: str) -> str:
    return f"its {what}, `{name}`, is not registered here: start the app with the same {variable} to train it on"


_PROTOTYPES = "bcl_core.models.prototypes"

PROTOTYPES: Mapping[str, Entry] = {
    "learned": Entry(
        "Learned",
        "Trained with the features: the classifier's weights through a small network (Zhu et al. 2022).",
        f"{_PROTOTYPES}:learned",
    ),
    "simplex": Entry(
        "Fixed simplex",
        "The vertices of a regular simplex, for good: the targets of TSC (Li et al. 2022). Needs K − 1 dimensions.",
        f"{_PROTOTYPES}:Simplex",
    ),
    "means": Entry(
        "Running-mean",
        "The running mean of each class's features, of which a batch that has the class replaces a tenth; no gradient.",
        f"{_PROTOTYPES}:RunningMeans",
    ),
}


@dataclass(frozen=True)
class NormalisationEntry(Entry):
    """What is taken off pixels in 0 … 1, and what they are then divided by, channel by channel; () as `help` says."""

    mean: tuple[float, ...] = ()
    std: tuple[float, ...] = ()


NORMALISATIONS: Mapping[str, NormalisationEntry] = {
    "drawn": NormalisationEntry(
        "The training images' own",
        "Mean and deviation of the training images that were drawn; of streamed images, ImageNet's.",
        "",
    ),
    "cifar10": NormalisationEntry(
        "Published for CIFAR-10",
        "As in most code for CIFAR-10, and in long-tail code for CIFAR-100 too.",
        "",
        (0.4914, 0.4822, 0.4465),
        (0.2023, 0.1994, 0.2010),
    ),
    "cifar100": NormalisationEntry(
        "Published for CIFAR-100",
        "As in SupContrast.",
        "",
        (0.5071, 0.4867, 0.4408),
        (0.2675, 0.2565, 0.2761),
    ),
    "imagenet": NormalisationEntry(
        "Published for ImageNet",
        "As in torchvision and timm.",
        "",
        (0.485, 0.456, 0.406),
        (0.229, 0.224, 0.225),
    ),
    "inat18": NormalisationEntry(
        "Published for iNaturalist 2018",
        "As in the code of BCL, PaCo and RIDE.",
        "",
        (0.466, 0.471, 0.380),
        (0.195, 0.194, 0.192),
    ),
}

_LISTS = (
    "List files with one `path label` a line, paths below the image folder: `*train*.txt` and `*test*.txt`, or "
    "`*val*.txt` where there is no test list; or NCL's and iNaturalist's, as `.json`. Set"
    " `data.path` to the image folder and `data.lists` to the folder of "
    "the lists."
)
_DOWNLOAD = (
    "Downloaded through torchvision the first time, with checksums, into `data.path`, else `BCL_LAB_DATA`, else "
    "`./data`; a copy that lies there is used. Without a network, put {archive} there."
)

_DATASETS: Mapping[str, DatasetEntry] = {
    "digits": DatasetEntry(
        "Handwritten digits",
        "1,797 real 8×8 scans that come with scikit-learn. Needs no download.",
        "bcl_core.data.digits:DigitsSource",
        needs_path=False,
        guide="Nothing to do. There is no test set of their own: test images are held out first, class by class.",
        num_classes=10,
        shape=(1, 8, 8),
    ),
    "cifar10": DatasetEntry(
        "CIFAR-10",
        "50,000 photographs at 32×32 pixels in ten classes, 10,000 for testing (Krizhevsky 2009).",
        "bcl_core.data.cifar10:source",
        needs_path=False,
        guide="Looked for in `data.path`, as Parquet files or as torchvision packs it; else in `BCL_LAB_PARQUET`, then "
        "in `BCL_LAB_DATA` or `./data`. Where it is nowhere, torchvision downloads it, 170 MB with a checksum. Without "
        "a network, put `cifar-10-python.tar.gz` there.",
        num_classes=10,
        shape=(3, 32, 32),
        places="bcl_core.data.cifar10:check_places",
        published="cifar10",
    ),
    "cifar100": DatasetEntry(
        "CIFAR-100",
        "50,000 photographs at 32×32 pixels in a hundred classes, 10,000 for testing (Krizhevsky 2009).",
        "bcl_core.data.torchvision_sets:CIFAR100Source",
        needs_path=False,
        guide=_DOWNLOAD.format(archive="`cifar-100-python.tar.gz`"),
        num_classes=100,
        shape=(3, 32, 32),
        places="bcl_core.data.places:check_download",
        published="cifar10",
    ),
    "fashion-mnist": DatasetEntry(
        "Fashion-MNIST",
        "60,000 grey pictures of clothes at 28×28 pixels in ten classes, 10,000 for testing (Xiao et al. 2017).",
        "bcl_core.data.torchvision_sets:FashionMNISTSource",
        needs_path=False,
        guide=_DOWNLOAD.format(archive="the four `*-ubyte.gz` files in `FashionMNIST/raw`"),
        num_classes=10,
        shape=(1, 28, 28),
        places="bcl_core.data.places:check_download",
    ),
    "svhn": DatasetEntry(
        "SVHN",
        "73,257 photographs of house numbers at 32×32 pixels in ten classes, 26,032 for testing (Netzer et al. 2011).",
        "bcl_core.data.torchvision_sets:SVHNSource",
        needs_path=False,
        guide=_DOWNLOAD.format(archive="`train_32x32.mat` and `test_32x32.mat`"),
        num_classes=10,
        shape=(3, 32, 32),
        places="bcl_core.data.places:check_download",
    ),
    "imagenet-lt": DatasetEntry(
        "ImageNet-LT",
        "115,846 photographs in 1,000 classes with 1,280 to 5 images each (Liu et al. 2019).",
        "bcl_core.data.lists:ListSource",
        needs_path=True,
        guide=_LISTS + " The lists are published with the data set's paper; the photographs are ImageNet's own.",
        num_classes=1000,
        places="bcl_core.data.lists:check_places",
        published="imagenet",
    ),
    "inat2018": DatasetEntry(
        "iNaturalist 2018",
        "437,513 photographs in 8,142 species with 1,000 to 2 images each (Van Horn et al. 2018).",
        "bcl_core.data.lists:ListSource",
        needs_path=True,
        guide=_LISTS + " The data set comes with a train and a val list.",
        num_classes=8142,
        places="bcl_core.data.lists:check_places",
        published="inat18",
    ),
    "list-files": DatasetEntry(
        "Images from list files",
        "Any images named in list files, one `path label` a line.",
        "bcl_core.data.lists:ListSource",
        needs_path=True,
        guide=_LISTS,
        places="bcl_core.data.lists:check_places",
        published="imagenet",
    ),
    "folder": DatasetEntry(
        "Folder of images",
        "One subfolder a class; files that cannot be read are left out and named.",
        "bcl_core.data.folder:FolderSource",
        needs_path=True,
        guide="Either `train/<class>/*` and `test/<class>/*` (or `val`), or `<class>/*` alone, of which test images "
        "are held out class by class.",
        places="bcl_core.data.folder:check_places",
        published="imagenet",
    ),
    "parquet": DatasetEntry(
        "Images from Parquet",
        "A folder with train*.parquet and test*.parquet in the Hugging Face image convention, CIFAR-10 for example.",
        "bcl_core.data.parquet:ParquetSource",
        needs_path=True,
        guide="An image column (`img` or `image`: a struct of bytes and path) and an integer label column. Without "
        "test files, test images are held out class by class.",
        places="bcl_core.data.parquet:check_places",
    ),
}

DATASETS: Mapping[str, DatasetEntry] = {
    **_DATASETS,
    **{
        name: DatasetEntry(
            name, f"Registered here from {target}.", target, needs_path=False, guide="It may take `data.path`."
        )
        for name, target, _ in own("BCL_LAB_DATASETS", _DATASETS)
    },
}


def dataset_of(name: str) -> DatasetEntry:
    """Return the data source of this name; of one that is not registered here, an entry that says so."""
    missing = _not_here("data source", name, "BCL_LAB_DATASETS")
    return DATASETS.get(name) or DatasetEntry(name, missing, "", needs_path=False, guide="")


_BACKBONES: Mapping[str, Entry] = {
    **{
        f"resnet{depth}": Entry(
            f"ResNet-{depth}",
            f"{depth} layers for small images, widths 16, 32, 64, parameter-free shortcuts (He et al. 2016).",
            f"bcl_core.models.small_resnet:resnet{depth}",
        )
        for depth in (8, 20, 32, 44, 56)
    },
    "resnet32-wide": Entry(
        "ResNet-32, four times as wide",
        "32 layers for small images, widths 64, 128, 256, parameter-free shortcuts (as in GLMC).",
        "bcl_core.models.small_resnet:resnet32_wide",
    ),
    **{
        name: Entry(title, f"torchvision's {title}, for images of 64 pixels or more.", f"bcl_core.models.large:{name}")
        for name, title in (
            ("resnet18", "ResNet-18"),
            ("resnet34", "ResNet-34"),
            ("resnet50", "ResNet-50"),
            ("resnext50", "ResNeXt-50 32×4d"),
        )
    },
    **{
        f"{name}-cifar": Entry(
            f"{title}, small stem",
            f"{title} whose 3×3 stem keeps the resolution, for images of 32 pixels (as in SupContrast).",
            f"bcl_core.models.large:{name}_cifar",
        )
        for name, title in (("resnet18", "ResNet-18"), ("resnet34", "ResNet-34"), ("resnet50", "ResNet-50"))
    },
}

BACKBONES: Mapping[str, Entry] = {
    **_BACKBONES,
    **{
        name: Entry(name, f"Registered here from {target}.", target)
        for name, target, _ in own("BCL_LAB_BACKBONES", _BACKBONES)
    },
}


def backbone_of(name: str) -> Entry:
    """Return the backbone of this name; of one that is not registered here, an entry that says so."""
    return BACKBONES.get(name) or Entry(name, _not_here("backbone", name, "BCL_LAB_BACKBONES"), "")


_AT = "bcl_core.data.views"
_SIM_RAND = {
    "sim-sim": ("SimAug for both", ("SIMAUG", "SIMAUG")),
    "sim-rand": ("RandAugment and SimAug", ("RAND", "SIMAUG")),
    "rand-rand": ("RandAugment for both", ("RAND", "RAND")),
}

_VIEWS: Mapping[str, ViewsEntry] = {
    "affine-noise": ViewsEntry(
        "Turn, scale, shift, noise",
        "Rotation ±0.25 rad, scale ±15 %, shift ±10 % of the width, Gaussian noise 0.05. Made for digits.",
        _AT,
        views=("AFFINE_NOISE",) * 3,
    ),
    "crop-flip": ViewsEntry(
        "Crop and flip",
        "Padding of an eighth of the width, a random crop back to size, a random horizontal flip.",
        _AT,
        views=("CROP_FLIP",) * 3,
    ),
    **{
        f"{first}-{strategy}": ViewsEntry(
            f"{first_title}; {title}",
            f"Classifier: {first_help} Contrastive branch: {title}, the published strategy {strategy}.",
            _AT,
            views=(first_view, *pair),
        )
        for first, first_title, first_view, first_help in (
            (
                "autoaugment",
                "AutoAugment + Cutout",
                "AUTOAUGMENT_CUTOUT",
                "crop with padding of an eighth of the width, flip, AutoAugment's CIFAR-10 policies, Cutout of half "
                "the width.",
            ),
            (
                "randaugment",
                "RandAugment",
                "RANDAUGMENT",
                "random resized crop, flip, colour jitter, RandAugment of two operations at magnitude 10.",
            ),
        )
        for strategy, (title, pair) in _SIM_RAND.items()
    },
}

VIEWS: Mapping[str, ViewsEntry] = {
    **_VIEWS,
    **{
        name: ViewsEntry(name, f"Registered here from {target}.", target)
        for name, target, _ in own("BCL_LAB_VIEWS", _VIEWS)
    },
}


def views_of(name: str) -> ViewsEntry:
    """Return the views of this name; of those that are not registered here, an entry that says so."""
    return VIEWS.get(name) or ViewsEntry(name, _not_here("strategy of views", name, "BCL_LAB_VIEWS"), "")
