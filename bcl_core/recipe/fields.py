"""The fields of a recipe and of an execution. Controls, command line and docs are derived from them."""

import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    ValidationError,
    ValidationInfo,
    field_validator,
)

from bcl_core import registry
from bcl_core.recipe import hashes

FORMAT_VERSION: Literal[1] = 1
LAST_EPOCH = 99_999  # of a recorded run: file names and addresses count in five digits
_STORED: Mapping[str, bool] = {"stored": True}


class RecipeError(ValueError):
    """A recipe or setting cannot be used; the message says what was wrong and what would be right."""


def _named_in(table: Mapping[str, registry.Entry], otherwise: str = "") -> AfterValidator:
    """Refuse what a table lacks; where more can be registered, as `otherwise` says, a stored recipe may name any."""

    def check(name: str, info: ValidationInfo) -> str:
        elsewhere = otherwise and info.context == _STORED and registry.NAME.fullmatch(name)
        if name not in table and not elsewhere:
            raise ValueError("; ".join([f"should be one of {', '.join(table)}{otherwise}", *registry.FAULTS]))
        return name

    return AfterValidator(check)


def _own(variable: str) -> str:
    return f"; one of your own is known where the app starts with the same {variable}"


class Section(BaseModel):
    """Frozen; an unknown field is an error, so that a misspelt setting never passes silently."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    @classmethod
    def parse(cls, text: str, *, stored: bool = False) -> Self:
        """Read JSON; RecipeError where it does not fit.

        What is `stored` with a run may name a loss, a backbone, a data source or views that are not registered here.
        """
        try:
            return cls.model_validate_json(text, context=_STORED if stored else None)
        except ValidationError as error:
            raise RecipeError(_newer(text) or explain(error)) from error


class DataRecipe(Section):
    """Which images, and how long their tail is."""

    source: Annotated[str, _named_in(registry.DATASETS, _own("BCL_LAB_DATASETS"))] = Field(
        "digits", description="the data set"
    )
    imbalance_factor: float = Field(
        50,
        ge=1,
        le=10_000,
        description="largest class / smallest class; counts are rounded down, so that more may be drawn",
    )
    imbalance_kind: Literal["exp", "step", "natural"] = Field(
        "exp", description="natural: the classes keep the images they have, whatever the imbalance factor"
    )
    rare_classes: Literal["last", "first"] = Field(
        "last", description="in the order of the classes, where a tail is drawn; first: the control with swapped ends"
    )
    max_per_class: int | None = Field(
        130, ge=1, description="training images in the largest class; none: as many as a balanced class has"
    )
    test_per_class: int | None = Field(40, ge=1, description="test images of each class; none: all there are")
    image_size: int | None = Field(
        None, ge=8, le=1024, description="images are scaled down to this width and height; none: as they are"
    )
    loading: Literal["memory", "stream"] = Field(
        "memory",
        description="memory: every image is decoded once, at image_size; stream: files are decoded and cropped anew "
        "in every epoch, for sets that do not fit",
    )
    draw_seed: int | None = Field(
        None, ge=0, lt=2**31, description="seed of the draw; none: redrawn with each run's seed"
    )
    normalisation: Annotated[str, _named_in(registry.NORMALISATIONS)] = Field(
        "drawn",
        description="mean and deviation that pixels are standardised by: the training images' own, or published",
    )

    @property
    def in_words(self) -> str:
        """Which images, and how imbalanced."""
        title = registry.dataset_of(self.source).title
        published = "" if self.normalisation == "drawn" else f", normalised as {self.normalisation}"
        if self.imbalance_kind == "natural":
            return f"{title}, classes as they are{published}"
        kind = ", in one step" if self.imbalance_kind == "step" else ""
        swapped = ", ends swapped" if self.rare_classes == "first" else ""
        return f"{title}, imbalance factor {self.imbalance_factor:g}{kind}{swapped}{published}"


class LossRecipe(Section):
    """total = classifier_weight · cross-entropy + contrastive_weight · contrastive loss."""

    name: Annotated[str, _named_in(registry.LOSSES, _own("BCL_LAB_LOSSES"))] = Field(
        "bcl", description="the contrastive loss; ce: none, cross-entropy alone"
    )
    anchors: Literal["instance", "class"] = Field(
        "instance", description="averaged over: instance: images, as published; class: each class first, then classes"
    )
    self_term: bool = Field(False, description="keep the anchor in its own contrast set, as the printed formula does")
    temperature: float = Field(0.3, ge=0.01, le=10, description="τ of the contrastive loss")
    contrastive_weight: float = Field(0.35, ge=0, le=100, description="μ, of the contrastive loss")
    classifier_weight: float = Field(1.0, ge=0, le=100, description="λ, of cross-entropy")
    prior_strength: float = Field(1.0, ge=0, le=10, description="τ of the logit adjustment; 0: plain cross-entropy")
    prototypes: Annotated[str, _named_in(registry.PROTOTYPES)] = Field(
        "learned", description="of the losses that contrast with them: trained, or fixed while the features are"
    )
    parameters: dict[str, registry.Number] = Field({}, description="of the loss itself, where not at their default")

    @field_validator("prototypes")
    @classmethod
    def _are_used(cls, value: str, info: ValidationInfo) -> str:
        if "name" in info.data and value != "learned" and not registry.loss_of(info.data["name"]).prototypes:
            title = registry.loss_of(info.data["name"]).title
            raise ValueError(f"should be learned: the loss {title} contrasts with no prototypes")
        return value

    @field_validator("parameters", mode="before")
    @classmethod
    def _of_this_loss(cls, values: Any, info: ValidationInfo) -> Any:
        """Read the parameters that the loss has, in its order, and leave out those at their default."""
        if "name" not in info.data or not isinstance(values, Mapping):
            return values
        entry = registry.loss_of(info.data["name"])
        if entry.missing:
            return _as_they_are(values)
        known = [parameter.name for parameter in entry.parameters]
        for name in values:
            if name not in known:
                has = f"its parameters are {', '.join(known)}" if known else "it has no parameters"
                raise ValueError(f"the loss {entry.title} does not take {name!r}: {has}")
        read = {
            parameter: parameter.read(values[parameter.name])
            for parameter in entry.parameters
            if parameter.name in values
        }
        return {parameter.name: value for parameter, value in read.items() if value != parameter.default}

    @property
    def contrastive(self) -> bool:
        """Whether there is a contrastive loss at all; without one there is no projection head either."""
        return registry.loss_of(self.name).contrastive

    @property
    def switches(self) -> dict[str, Any] | None:
        """The keyword arguments of `contrastive_loss`, `num_classes` aside; None where it is not this loss."""
        weights = registry.loss_of(self.name).weights
        if weights is None:
            return None
        return {
            "temperature": self.temperature,
            "class_averaging": weights.class_averaging,
            "class_complement": weights.class_complement,
            "anchors": self.anchors,
            "self_term": self.self_term,
        }


def _as_they_are(values: Mapping[str, Any]) -> dict[str, Any]:
    """Return the parameters of a loss that is not registered here: any that one could have."""
    for name, value in values.items():
        if not (name.isidentifier() and isinstance(value, registry.Number) and abs(value) < 1e300):  # which NaN is not
            raise ValueError(f"{name[:40]!r} should be a parameter of a loss, a finite number or true or false")
    return dict(values)


RUN_ID = re.compile(r"[a-z0-9-]{8,64}")
RANDOM = "random"


def _a_start(name: str) -> str:
    if name != RANDOM and not RUN_ID.fullmatch(name):
        raise ValueError(f"should be {RANDOM}, or the id of a run: 8 to 64 small letters, digits and hyphens")
    return name


class ModelRecipe(Section):
    """The encoder and its heads."""

    backbone: Annotated[str, _named_in(registry.BACKBONES, _own("BCL_LAB_BACKBONES"))] = Field(
        "resnet8", description="the encoder"
    )
    hidden_dim: int = Field(128, ge=1, le=8192, description="hidden width of projection head and prototype MLP")
    projection_dim: int = Field(32, ge=2, le=8192, description="d, dimension of the contrastive space")
    head_norm: bool = Field(False, description="BatchNorm between the layers of projection head and prototype MLP")
    classifier: Literal["cosine", "linear"] = Field(
        "cosine", description="cosine: of features and weights, times scale; linear: with a bias"
    )
    scale: float = Field(30.0, gt=0, le=1000, description="of the cosine classifier")
    start: Annotated[str, AfterValidator(_a_start)] = Field(
        RANDOM,
        description="random: all weights are drawn; or the id of a run that has finished, cifar10-lt-ce-la for "
        "example: backbone and classifier are taken from it, the heads drawn",
    )

    @property
    def warm(self) -> bool:
        """Whether backbone and classifier are taken from another run."""
        return self.start != RANDOM


def _whole_numbers(value: Any) -> Any:
    if value is None:
        return ()
    return value.replace(",", " ").split() if isinstance(value, str) else value


class OptimiserRecipe(Section):
    """SGD with a linear warm-up, then cosine to 0 or drops at milestones."""

    lr: float = Field(0.1, gt=0, le=10, description="learning rate once warmed up")
    momentum: float = Field(0.9, ge=0, lt=1, description="of SGD")
    nesterov: bool = Field(True, description="Nesterov's momentum")
    weight_decay: float = Field(5e-4, ge=0, le=1, description="of SGD")
    warmup_steps: int = Field(20, ge=0, description="over which the learning rate rises")
    warmup_epochs: int = Field(0, ge=0, description="added to the warm-up steps")
    milestones: Annotated[tuple[int, ...], BeforeValidator(_whole_numbers)] = Field(
        (), description="epochs after which the rate drops to a tenth, for example 160, 180; none: cosine to 0"
    )


class Recipe(Section):
    """One run, completely."""

    format_version: Literal[1] = FORMAT_VERSION
    data: DataRecipe = DataRecipe()
    views: Annotated[str, _named_in(registry.VIEWS, _own("BCL_LAB_VIEWS"))] = Field(
        "affine-noise", description="how the three views of an image are drawn"
    )
    model: ModelRecipe = ModelRecipe()
    loss: LossRecipe = LossRecipe()
    optimiser: OptimiserRecipe = OptimiserRecipe()
    epochs: int = Field(60, ge=1, le=10_000, description="passes over the training images")
    batch_size: int = Field(64, ge=2, le=65_536, description="images; each gives three views")
    seed: int = Field(0, ge=0, lt=2**31, description="of all that is drawn: images, weights, order, views")

    @property
    def hash(self) -> str:
        """16 hexadecimal digits: equal for equal recipes, on any machine and in any later version."""
        return hashes.hash_of(self, hashes.RECIPE)

    @property
    def missing(self) -> str | None:
        """What lacks here to train it, in words: a loss, say, that a stored recipe names; None for nothing."""
        entries = (
            registry.loss_of(self.loss.name),
            registry.backbone_of(self.model.backbone),
            registry.dataset_of(self.data.source),
            registry.views_of(self.views),
        )
        return "; ".join(entry.missing for entry in entries if entry.missing) or None

    @property
    def variant(self) -> str:
        """Name of the loss with its anchors and prototypes: "scl", "bcl", "bcl-class-simplex" …: the key of colours."""
        if not self.loss.contrastive:
            return self.loss.name + ("-la" if self.loss.prior_strength > 0 else "")
        fixed = "" if self.loss.prototypes == "learned" else f"-{self.loss.prototypes}"
        return self.loss.name + ("-class" if self.loss.anchors == "class" else "") + fixed

    @property
    def title(self) -> str:
        """What a figure calls this run's loss."""
        loss = self.loss
        title = registry.loss_of(loss.name).title
        kinds = {
            "logit-adjusted": not loss.contrastive and loss.prior_strength > 0,
            "class anchors": loss.contrastive and loss.anchors == "class",
            f"{registry.PROTOTYPES[loss.prototypes].title.lower()} prototypes": loss.prototypes != "learned",
        }
        own = [f"{name} {_plainly(value)}" for name, value in loss.parameters.items()]
        return ", ".join([title, *(kind for kind, so in kinds.items() if so), *own])

    @property
    def space(self) -> str:
        """Where class means are measured: the contrastive "projection", or the "backbone" where there is none."""
        return "projection" if self.loss.contrastive else "backbone"

    @property
    def widest_angle(self) -> float:
        """Degrees that no angle in that space exceeds: features of our backbones are not negative, after their ReLU."""
        ours = registry.backbone_of(self.model.backbone).target.startswith("bcl_core.")
        return 90.0 if self.space == "backbone" and ours else 180.0

    @property
    def in_words(self) -> str:
        """What a caption needs so that a picture can be made again."""
        loss = self.loss
        contrastive = f"τ {loss.temperature:g}, μ {loss.contrastive_weight:g}, " if loss.contrastive else ""
        parts = [
            f"{self.title}, seed {self.seed}",
            f"{contrastive}λ {loss.classifier_weight:g}",
            self.data.in_words,
            registry.backbone_of(self.model.backbone).title,
            *([f"from the weights of {self.model.start}"] if self.model.warm else []),
            f"{self.epochs} epochs, batch {self.batch_size}, learning rate {self.optimiser.lr:g}",
        ]
        return " · ".join(parts)


def _plainly(value: registry.Number) -> str:
    return str(value).lower() if isinstance(value, bool) else f"{value:g}"


class Recorded(Section):
    """What is known of a run that other code trained, in place of a recipe: what both share has the same names."""

    format_version: Literal[1] = FORMAT_VERSION
    recorded: Literal[True] = True
    title: str = Field(min_length=1, max_length=80, description="what a figure calls this run")
    space: str = Field("embedding", min_length=1, max_length=40, description="where the embeddings were taken")
    epochs: int = Field(1, ge=1, le=LAST_EPOCH, description="planned; where none were, the last one so far")

    @property
    def hash(self) -> str:
        """16 hexadecimal digits, whatever the epochs, which may grow."""
        return hashes.hash_of(self.model_copy(update={"epochs": 1}), hashes.RECORDED)  # which is the default

    @property
    def variant(self) -> str:
        """The key of colours."""
        return "own"

    @property
    def seed(self) -> None:
        """Not known."""
        return

    @property
    def widest_angle(self) -> float:
        """Degrees that no angle exceeds: of features from elsewhere nothing else is known."""
        return 180.0

    @property
    def in_words(self) -> str:
        """What a caption can say."""
        return f"{self.title}, recorded from other code"


def _absolute(path: Path) -> Path:
    if "\0" in str(path):
        raise ValueError("a path holds no null character")
    try:
        return path.expanduser().absolute()
    except RuntimeError as error:  # of "~name" where there is no user of this name
        raise ValueError(str(error)) from error


# Made absolute, since the process that trains may stand in another folder.
AbsolutePath = Annotated[Path, AfterValidator(_absolute)]


class DataPaths(Section):
    """Where the data lie on this machine, and how they are read."""

    path: AbsolutePath | None = Field(None, description="folder of the images, or where a download goes")
    lists: AbsolutePath | None = Field(None, description="folder of the list files; none: the images' folder")
    workers: int | None = Field(
        None, ge=0, le=128, description="processes that decode a streamed set; none: one a core, at most 8"
    )


class Execution(Section):
    """Where a recipe runs. Not part of its hash; numbers may differ in the last digits with device and threads."""

    device: Literal["auto", "cpu", "cuda"] = Field("auto", description="auto: a GPU where there is one")
    precision: Literal["auto", "fp32", "bf16"] = Field(
        "auto",
        description="auto: bf16 on a GPU; on a CPU measured when the first run of a group starts, and bf16 where that "
        "makes a step 1.2 times as fast; images under 32 pixels, and models from elsewhere, get fp32",
    )
    threads: int | None = Field(None, ge=1, le=256, description="CPU threads; none: measured when the run starts")
    behind: bool = Field(False, description="let every race that is not behind go first, whenever it was queued")
    data: DataPaths = DataPaths()


def explain(error: ValidationError, whole: str = "the recipe") -> str:
    """Turn pydantic's report into a sentence for people; `whole` is what it calls all that was read."""
    parts = []
    for item in error.errors():
        where = ".".join(str(part) for part in item["loc"]) or whole
        if item["type"] == "missing":
            parts.append(f"{where} is missing")
            continue
        message = item["msg"].removeprefix("Value error, ")
        parts.append(f"{where} is {json.dumps(item['input'], default=str)[:80]}: {message[:1].lower()}{message[1:]}")
    return "; ".join(parts)


def _newer(text: str) -> str | None:
    """Say so where a document is of a newer version, so that nothing else that is wrong with it matters."""
    try:
        version = json.loads(text)["format_version"]
        newer = version > FORMAT_VERSION
    except (ValueError, LookupError, TypeError):
        return None
    return f"made by a newer version (format {version}); this one reads {FORMAT_VERSION}" if newer else None
