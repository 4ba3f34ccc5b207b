"""Recipe: everything that decides a run's numbers. Execution: where and how fast it runs.

A recipe is portable, validated and hashed; the same recipe on the same data with one thread gives the same numbers.
Controls, command line and docs are derived from the fields below.
"""

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError

from bcl_core import registry

FORMAT_VERSION: Literal[1] = 1


class RecipeError(ValueError):
    """A recipe or setting cannot be used; the message says what was wrong and what would be right."""


def _named_in(table: Mapping[str, registry.Entry]) -> AfterValidator:
    def check(name: str) -> str:
        if name not in table:
            raise ValueError(f"should be one of {', '.join(table)}")
        return name

    return AfterValidator(check)


class Section(BaseModel):
    """Frozen; an unknown field is an error, so that a misspelt setting never passes silently."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class DataRecipe(Section):
    """Which images, and how long their tail is."""

    source: Annotated[str, _named_in(registry.DATASETS)] = "digits"
    imbalance_factor: float = Field(50, ge=1, le=10_000, description="largest class / smallest class")
    imbalance_kind: Literal["exp", "step"] = "exp"
    max_per_class: int | None = Field(130, ge=1, description="training images in the largest class")
    test_per_class: int = Field(40, ge=1, description="test images of each class")
    image_size: int | None = Field(
        None, ge=8, le=1024, description="images are averaged down to this width and height; none: as they are"
    )
    draw_seed: int | None = Field(
        None, ge=0, lt=2**31, description="seed of the draw; none: redrawn with each run's seed"
    )


class LossRecipe(Section):
    """total = classifier_weight · cross-entropy + contrastive_weight · contrastive loss."""

    name: Annotated[str, _named_in(registry.LOSSES)] = "bcl"
    anchors: Literal["instance", "class"] = "instance"
    self_term: bool = Field(False, description="keep the anchor in its own contrast set, as the printed formula does")
    temperature: float = Field(0.3, ge=0.01, le=10, description="τ of the contrastive loss")
    contrastive_weight: float = Field(0.35, ge=0, le=100, description="μ")
    classifier_weight: float = Field(1.0, ge=0, le=100, description="λ")
    prior_strength: float = Field(1.0, ge=0, le=10, description="τ of the logit adjustment; 0: plain cross-entropy")

    @property
    def switches(self) -> dict[str, Any]:
        """The keyword arguments of `contrastive_loss`, `num_classes` aside."""
        entry = registry.LOSSES[self.name]
        return {
            "temperature": self.temperature,
            "class_averaging": entry.class_averaging,
            "class_complement": entry.class_complement,
            "anchors": self.anchors,
            "self_term": self.self_term,
        }


class ModelRecipe(Section):
    """The encoder and its heads."""

    backbone: Annotated[str, _named_in(registry.BACKBONES)] = "resnet8"
    hidden_dim: int = Field(128, ge=1, le=8192, description="hidden width of projection head and prototype MLP")
    projection_dim: int = Field(32, ge=2, le=8192, description="d, dimension of the contrastive space")
    scale: float = Field(30.0, gt=0, le=1000, description="of the cosine classifier")


class OptimiserRecipe(Section):
    """SGD with a linear warm-up, then cosine to 0."""

    lr: float = Field(0.1, gt=0, le=10)
    momentum: float = Field(0.9, ge=0, lt=1)
    nesterov: bool = True
    weight_decay: float = Field(5e-4, ge=0, le=1)
    warmup_steps: int = Field(20, ge=0)


class Recipe(Section):
    """One run, completely."""

    format_version: Literal[1] = FORMAT_VERSION
    data: DataRecipe = DataRecipe()
    views: Annotated[str, _named_in(registry.VIEWS)] = "affine-noise"
    model: ModelRecipe = ModelRecipe()
    loss: LossRecipe = LossRecipe()
    optimiser: OptimiserRecipe = OptimiserRecipe()
    epochs: int = Field(60, ge=1, le=10_000)
    batch_size: int = Field(64, ge=2, le=65_536, description="images; each gives three views")
    seed: int = Field(0, ge=0, lt=2**31)

    @property
    def hash(self) -> str:
        """16 hexadecimal digits: equal for equal recipes, on any machine."""
        return hashlib.sha256(self.model_dump_json().encode()).hexdigest()[:16]

    @property
    def variant(self) -> str:
        """Name of the loss with its kind of anchors: "scl", "bcl", "bcl-class" …: the key of colours."""
        return self.loss.name + ("-class" if self.loss.anchors == "class" else "")

    @property
    def title(self) -> str:
        """What a figure calls this run's loss."""
        return registry.variant_title(self.loss.name, self.loss.anchors)

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read a recipe file's JSON; RecipeError if it is none."""
        try:
            return cls.model_validate_json(text)
        except ValidationError as error:
            raise RecipeError(explain(error)) from error


class DataPaths(Section):
    """Where the data lie on this machine."""

    # Made absolute, since the process that trains may stand in another folder.
    path: Annotated[Path, AfterValidator(Path.absolute)] | None = None


class Execution(Section):
    """Where a recipe runs. Not part of its hash; numbers may differ in the last digits with device and threads."""

    device: Literal["auto", "cpu", "cuda"] = "auto"
    precision: Literal["auto", "fp32", "bf16"] = Field("auto", description="auto: bf16 on a GPU, fp32 on a CPU")
    threads: int | None = Field(None, ge=1, le=256, description="CPU threads; none: measured when the run starts")
    data: DataPaths = DataPaths()


class Preset(Section):
    """A named recipe with what is known of it."""

    title: str
    description: str
    recipe: Recipe


class Race(Section):
    """Presets that are trained together, an epoch each in turn."""

    title: str
    description: str
    presets: tuple[str, ...]


_VARIANTS = {
    "scl": LossRecipe(name="scl"),
    "bcl": LossRecipe(name="bcl"),
    "bcl-class": LossRecipe(name="bcl", anchors="class"),
}


def _family(prefix: str, title: str, about: str, reached: Mapping[str, str], base: Recipe) -> dict[str, Preset]:
    """One preset a loss variant, alike in all but the loss; `reached` says what each was measured to reach."""
    presets = {}
    for variant, loss in _VARIANTS.items():
        changed = base.loss.model_copy(update={"name": loss.name, "anchors": loss.anchors})
        recipe = base.model_copy(update={"loss": changed})
        presets[f"{prefix}-{variant}"] = Preset(
            title=f"{recipe.title}, {title}", description=f"{about} {reached[variant]}", recipe=recipe
        )
    return presets


_CIFAR10_SMALL = Recipe(
    data=DataRecipe(
        source="parquet", imbalance_factor=50, max_per_class=500, test_per_class=50, image_size=16, draw_seed=0
    ),
    views="crop-flip",
    loss=LossRecipe(temperature=1.0, contrastive_weight=1.0),
    epochs=12,
)

# What was reached: mean ± standard deviation over seeds 0, 1, 2 at the last epoch, by `benchmarks/race.py`, one thread.
PRESETS: Mapping[str, Preset] = {
    **_family(
        "digits",
        "digits, imbalance 50",
        "360 scans, the rarest classes have 6, 4 and 2; 60 epochs.",
        {
            "scl": "Reached: tail–tail angle 56° ± 9°, spread over pairs 18° ± 2°.",
            "bcl": "Reached: tail–tail angle 73° ± 7°, spread over pairs 13° ± 1°.",
            "bcl-class": "Reached: tail–tail angle 98° ± 2°, spread over pairs 8° ± 2°.",
        },
        Recipe(),
    ),
    **_family(
        "cifar10-small",
        "CIFAR-10 small, imbalance 50",
        "1,394 photographs at 16×16 pixels, the rarest classes have 23, 15 and 10; 12 epochs.",
        {
            "scl": "Reached on a JPEG copy: mean angle 74° ± 5°, tail–tail 96° ± 9°.",
            "bcl": "Reached on a JPEG copy: mean angle 54° ± 3°, tail–tail 64° ± 5°.",
            "bcl-class": "Reached on a JPEG copy: mean angle 68° ± 1°, tail–tail 86° ± 3°.",
        },
        _CIFAR10_SMALL,
    ),
}

RACES: Mapping[str, Race] = {
    prefix: Race(title=title, description=description, presets=tuple(f"{prefix}-{variant}" for variant in _VARIANTS))
    for prefix, title, description in (
        ("digits", "SCL vs BCL, digits, imbalance 50", "Real digit scans; needs no download."),
        (
            "cifar10-small",
            "SCL vs BCL, CIFAR-10 small, imbalance 50",
            "Real photographs, two minutes. Too short to converge: here SCL holds the rarest classes widest apart.",
        ),
    )
}


def preset(name: str) -> Recipe:
    """Return a preset's recipe; RecipeError names the presets there are."""
    if name not in PRESETS:
        raise RecipeError(f"there is no preset {name!r}; choose one of {', '.join(PRESETS)}")
    return PRESETS[name].recipe


def apply_settings(recipe: Recipe, execution: Execution, settings: Mapping[str, Any]) -> tuple[Recipe, Execution]:
    """Return both with dotted settings applied, for example {"loss.temperature": "0.5", "data.path": "photos"}.

    A key names a field of the recipe, or else one of the execution. Values may be text or already typed.

    Raises:
        RecipeError: an unknown key or a value that does not fit; names both and what would be right.
    """
    documents = [recipe.model_dump(), execution.model_dump()]
    for dotted, value in settings.items():
        for document in documents:
            holder = _holder(document, dotted)
            if holder is not None:
                holder[dotted.rpartition(".")[2]] = None if value in ("none", "") else value
                break
        else:
            known = [*field_names(Recipe), *field_names(Execution)]
            raise RecipeError(f"there is no setting {dotted!r}; the settings are {', '.join(known)}")
    try:
        return Recipe.model_validate(documents[0]), Execution.model_validate(documents[1])
    except ValidationError as error:
        raise RecipeError(explain(error)) from error


def _holder(document: dict[str, Any], dotted: str) -> dict[str, Any] | None:
    *sections, name = dotted.split(".")
    holder: Any = document
    for section in sections:
        holder = holder.get(section) if isinstance(holder, dict) else None
    return holder if isinstance(holder, dict) and name in holder and not isinstance(holder[name], dict) else None


def field_names(model: type[BaseModel], prefix: str = "") -> list[str]:
    """Return the dotted names of every setting of a model."""
    names = []
    for name, field in model.model_fields.items():
        if isinstance(field.annotation, type) and issubclass(field.annotation, BaseModel):
            names += field_names(field.annotation, f"{prefix}{name}.")
        elif name != "format_version":
            names.append(prefix + name)
    return names


def explain(error: ValidationError) -> str:
    """Turn pydantic's report into a sentence for people."""
    parts = []
    for item in error.errors():
        where = ".".join(str(part) for part in item["loc"]) or "the recipe"
        message = item["msg"].removeprefix("Value error, ")
        parts.append(f"{where} is {json.dumps(item['input'], default=str)[:80]}: {message[:1].lower()}{message[1:]}")
    return "; ".join(parts)
