"""Named recipes: races that train on two cores, and the published recipes of CIFAR-LT, ImageNet-LT and iNaturalist."""

from collections.abc import Iterator, Mapping
from difflib import get_close_matches
from itertools import product

from bcl_core.recipe.fields import DataRecipe, LossRecipe, ModelRecipe, OptimiserRecipe, Recipe, RecipeError, Section


class Preset(Section):
    """A named recipe with what is known of it."""

    title: str
    description: str
    recipe: Recipe


class Race(Section):
    """Presets that are trained together, an epoch each in turn."""

    title: str
    description: str
    known: str  # of BCL's results
    presets: tuple[str, ...]


class _Family(Section):
    """Presets that are alike in all but the loss. `known` says, by variant, what is known of its results."""

    title: str
    about: str
    note: str = ""  # what else a race of them is
    base: Recipe
    known: Mapping[str, str] = {}

    def presets(self, prefix: str) -> Iterator[tuple[str, Preset]]:
        for variant, change in _VARIANTS.items():
            recipe = self.base.model_copy(update={"loss": self.base.loss.model_copy(update=change)})
            description = f"{self.about} {self.known.get(variant, 'Not measured.')}"
            yield (
                f"{prefix}-{variant}",
                Preset(title=f"{recipe.title}, {self.title}", description=description, recipe=recipe),
            )


_VARIANTS: Mapping[str, Mapping[str, object]] = {
    "ce": {"name": "ce", "classifier_weight": 1.0, "prior_strength": 0.0},
    "ce-la": {"name": "ce", "classifier_weight": 1.0},
    "scl": {"name": "scl"},
    "bcl": {"name": "bcl"},
    "bcl-class": {"name": "bcl", "anchors": "class"},
}
_CONTRASTIVE = ("scl", "bcl", "bcl-class")

# What was reached: mean ± standard deviation at the last epoch, one thread; of the digits over five seeds, by
# `benchmarks/ablations.py`, of the photographs by `benchmarks/live.py`.
_SMALL = {
    "digits": _Family(
        title="digits, imbalance 50",
        note="Real digit scans; needs no download.",
        about="360 scans, the most frequent digit has 130 and the rarest 6, 4 and 2, a factor of 65; 60 epochs.",
        base=Recipe(),
        known={
            "ce": "Reached: test accuracy 89 % ± 3 %, angles in backbone space.",
            "ce-la": "Reached: test accuracy 92 % ± 2 %, angles in backbone space.",
            "scl": "Reached: tail–tail angle 63° ± 13°, spread over pairs 17° ± 1°.",
            "bcl": "Reached: tail–tail angle 75° ± 2°, spread over pairs 13° ± 2°.",
            "bcl-class": "Reached: tail–tail angle 98° ± 3°, spread over pairs 8° ± 2°.",
        },
    ),
    "digits-balanced": _Family(
        title="balanced digits (control)",
        note="A control: no class is rarer than another, so the losses should end alike.",
        about="360 scans, 36 of every digit, as many in all as the long tail has; 60 epochs.",
        base=Recipe(data=DataRecipe(imbalance_factor=1, max_per_class=36)),
        # Five seeds, by `benchmarks/ablations.py`.
        known={
            "scl": "Reached: tail–tail angle 97° ± 2°, off the simplex 2.4° ± 0.4°.",
            "bcl": "Reached: tail–tail angle 98° ± 1°, off the simplex 2.6° ± 0.5°.",
            "bcl-class": "Reached: tail–tail angle 98° ± 1°, off the simplex 2.5° ± 0.3°.",
        },
    ),
    "cifar10-live": _Family(
        title="CIFAR-10 photographs, imbalance 50",
        note="Real photographs, live: every run starts from one encoder that has seen such images. What does each loss "
        "make of it?",
        about="1,394 photographs of CIFAR-10, the rarest classes have 23, 15 and 10; 12 epochs from the encoder "
        "cifar10-lt-ce-la.",
        base=Recipe(
            data=DataRecipe(source="cifar10", max_per_class=500, test_per_class=50, draw_seed=0),
            views="crop-flip",
            model=ModelRecipe(start="cifar10-lt-ce-la"),
            loss=LossRecipe(contrastive_weight=1.0),
            optimiser=OptimiserRecipe(lr=0.05),
            epochs=12,
        ),
        known={
            "scl": "Reached on a JPEG copy: tail–tail 90.8° ± 4.1°, "
            "off the simplex 42.3° ± 3.2°, test accuracy 53 % ± 1 %.",
            "bcl": "Reached on a JPEG copy: tail–tail 96.8° ± 1.9°, "
            "off the simplex 38.9° ± 0.9°, test accuracy 52 % ± 1 %.",
            "bcl-class": "Reached on a JPEG copy: tail–tail 100.7° ± 1.7°, "
            "off the simplex 37.4° ± 0.6°, test accuracy 52 % ± 1 %.",
        },
    ),
    "own-images": _Family(
        title="your own images",
        note="Your own photographs: type their folder. Classes keep the images they have.",
        about="A folder with one subfolder a class, at 32×32 pixels, as imbalanced as it is; 30 epochs.",
        base=Recipe(
            data=DataRecipe(
                source="folder",
                imbalance_kind="natural",
                max_per_class=None,
                test_per_class=20,
                image_size=32,
                draw_seed=0,
            ),
            views="crop-flip",
            epochs=30,
        ),
    ),
}


def _cifar_paper(classes: int, imbalance_factor: int, epochs: int) -> _Family:
    """The settings of Zhu et al. 2022 for CIFAR-LT; λ and μ are those of two independent reproductions of it."""
    later = epochs == 400
    published = {
        (10, 100, 200): 84.3,
        (10, 50, 200): 87.2,
        (10, 10, 200): 91.1,
        (100, 100, 200): 51.9,
        (100, 50, 200): 56.6,
        (100, 10, 200): 64.9,
        (100, 100, 400): 53.9,
    }.get((classes, imbalance_factor, epochs))
    recipe = Recipe(
        data=DataRecipe(
            source=f"cifar{classes}",
            imbalance_factor=imbalance_factor,
            max_per_class=None,
            test_per_class=None,
            draw_seed=0,
        ),
        views="autoaugment-sim-sim",
        model=ModelRecipe(backbone="resnet32", hidden_dim=512, projection_dim=128),
        loss=LossRecipe(temperature=0.1, contrastive_weight=0.6, classifier_weight=2.0),
        optimiser=OptimiserRecipe(
            lr=0.15,
            nesterov=False,
            warmup_steps=0,
            warmup_epochs=10 if later else 5,
            milestones=(360, 380) if later else (160, 180),
        ),
        epochs=epochs,
        batch_size=256,
    )
    return _Family(
        title=f"CIFAR-{classes}-LT, imbalance {imbalance_factor}, {epochs} epochs",
        about="The published settings with ResNet-32.",
        base=recipe,
        known={"bcl": f"Published: {published} % (best epoch of one seed); not measured here."} if published else {},
    )


def _large(source: str, title: str, epochs: int, optimiser: OptimiserRecipe, published: float) -> _Family:
    """The settings of Zhu et al. 2022 and its reference code for ImageNet-LT and iNaturalist 2018."""
    recipe = Recipe(
        data=DataRecipe(
            source=source,
            imbalance_kind="natural",
            max_per_class=None,
            test_per_class=None,
            image_size=224,
            loading="stream",
            draw_seed=0,
        ),
        views="randaugment-sim-sim",
        model=ModelRecipe(backbone="resnet50", hidden_dim=2048, projection_dim=1024, head_norm=True),
        loss=LossRecipe(temperature=0.07, contrastive_weight=0.35, classifier_weight=1.0),
        optimiser=optimiser,
        epochs=epochs,
        batch_size=256,
    )
    return _Family(
        title=f"{title}, {epochs} epochs",
        about="The published settings with ResNet-50.",
        base=recipe,
        known={"bcl": f"Published: {published} %; not measured here."},
    )


_PAPER = {
    f"cifar{classes}-paper"
    + (f"-if{factor}" if factor != 100 else "")
    + (f"-{epochs}" if epochs != 200 else ""): _cifar_paper(classes, factor, epochs)
    for classes, epochs, factor in product((10, 100), (200, 400), (100, 50, 10))
} | {
    "imagenet-lt": _large(
        "imagenet-lt", "ImageNet-LT", 90, OptimiserRecipe(lr=0.1, nesterov=False, warmup_steps=0), 56.0
    ),
    "inat2018": _large(
        "inat2018",
        "iNaturalist 2018",
        100,
        OptimiserRecipe(lr=0.2, weight_decay=1e-4, nesterov=False, warmup_steps=0),
        71.8,
    ),
}

PRESETS: Mapping[str, Preset] = {
    name: made for prefix, family in {**_SMALL, **_PAPER}.items() for name, made in family.presets(prefix)
}

RACES: Mapping[str, Race] = {
    prefix: Race(
        title=f"SCL vs BCL, {family.title}",
        description=f"{family.note} {family.about}" if family.note else f"{family.about} Meant for a GPU.",
        known=f"BCL {reached[0].lower()}{reached[1:]}",
        presets=tuple(f"{prefix}-{variant}" for variant in (_CONTRASTIVE if prefix in _SMALL else _VARIANTS)),
    )
    for prefix, family in {**_SMALL, **_PAPER}.items()
    for reached in [family.known.get("bcl", "Not measured.")]
}


def preset(name: str) -> Recipe:
    """Return a preset's recipe; RecipeError names the families of presets and the losses there are."""
    if name not in PRESETS:
        near = " or ".join(get_close_matches(name.lower(), PRESETS, n=3))
        families, losses = ", ".join({**_SMALL, **_PAPER}), ", ".join(_VARIANTS)
        raise RecipeError(
            f"there is no preset {name!r}{f' (did you mean {near}?)' if near else ''}; a preset is FAMILY-LOSS, of the "
            f"families {families}; and the losses {losses}"
        )
    return PRESETS[name].recipe
