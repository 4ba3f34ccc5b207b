"""Random chains of operations in which each sample draws its own: colour jitter, AutoAugment and RandAugment.

What to apply is drawn on the CPU. There samples are sorted by operation, and each operation sees its own alone. A GPU
is not waited for: every operation is done on all samples, and kept where it was chosen; warps are one sampling,
brightness, contrast and saturation one product, and the negative is solarized from level 0 on.
"""

from collections.abc import Callable, Collection, Mapping, Sequence
from typing import NamedTuple

import torch
from torch import Tensor

from bcl_core.data import view_colour as colour
from bcl_core.data import view_geometry as geometry
from bcl_core.data.operations import Drawn, Operations
from bcl_core.data.view_geometry import Sampling, Warped, sampled
from bcl_core.randomness import Draws

Operation = Callable[[Tensor, Tensor], Tensor]  # (n, C, H, W) images, (n,) strengths -> images
COLOURS: Mapping[str, Operation] = {
    "Brightness": colour.brightness,
    "Contrast": colour.contrast,
    "Color": colour.saturation,
    "Hue": colour.hue,
    "Sharpness": colour.sharpness,
    "Posterize": colour.posterize,
    "Solarize": colour.solarize,
    "SolarizeAdd": colour.solarize_add,
    "AutoContrast": colour.autocontrast,
    "Equalize": colour.equalize,
    "Invert": colour.invert,
}
WARPS: Mapping[str, Callable[[Tensor, int, int], Tensor]] = {  # strengths (n,), H and W -> matrices (n, 2, 3)
    "ShearX": geometry.shear_x,
    "ShearY": geometry.shear_y,
    "TranslateX": geometry.translate_x,
    "TranslateY": geometry.translate_y,
    "Rotate": geometry.rotate,
}
BLENDS = ("Brightness", "Contrast", "Color")
STILL = torch.eye(2, 3)


class EachItsOwn(NamedTuple):
    """Apply to every sample the operation that it chose, to each operation's samples together."""

    choice: Tensor  # (n,) 0 leaves a sample as it is, k applies operations[k − 1]
    strength: Tensor  # (n,) in the units of each sample's operation
    operations: Sequence[Operation]

    def apply(self, images: Tensor) -> Tensor:
        """Map (n, C, H, W) to the same shape. The host waits for the choice."""
        order = self.choice.argsort(stable=True)
        sizes = self.choice.bincount(minlength=len(self.operations) + 1).tolist()
        untouched, *groups = torch.split(images[order], sizes)
        _, *own = torch.split(self.strength[order], sizes)
        together = zip(self.operations, groups, own, strict=True)
        changed = [operation(*group) for operation, *group in together if len(group[0])]
        result = torch.empty_like(images)
        result[order] = torch.cat([untouched, *changed])
        return result


class Kept(NamedTuple):
    """An operation done on all samples, and kept where it was chosen."""

    operation: Operation
    chosen: Tensor  # (n,) booleans
    strength: Tensor  # (n,)

    def apply(self, images: Tensor) -> Tensor:
        """Map (n, C, H, W) to the same shape."""
        return torch.where(self.chosen[:, None, None, None], self.operation(images, self.strength), images)


def chosen(
    draws: Draws,
    names: Sequence[str],
    choice: Tensor,
    strength: Tensor,
    sampling: Sampling | None = None,
    possible: Collection[int] | None = None,
) -> Operations:
    """Return what applies to every sample the operation that it chose.

    Args:
        draws: of the samples.
        names: what can be chosen, of COLOURS and WARPS, numbered from 1; 0 is to do nothing.
        choice: (n,)
        strength: (n,) in the units of each sample's operation.
        sampling: of the warps, where there are any.
        possible: the numbers that can be drawn; all of them where None.
    """
    if not draws.static:
        return (EachItsOwn(choice, strength, [_operation(name, sampling) for name in names]),)
    channels, height, width = draws.shape
    numbered = [(number, name) for number, name in enumerate(names, 1) if possible is None or number in possible]
    where = {name: choice == number for number, name in numbered}
    nowhere = torch.zeros_like(choice, dtype=torch.bool)
    parts: list[Drawn] = []
    if where.keys() >= {"Invert", "Solarize"}:
        inverted = where.pop("Invert")
        where["Solarize"], strength = where["Solarize"] | inverted, strength.masked_fill(inverted, 0)
    if where.keys() & {*BLENDS}:
        brighter, contrasted, saturated = (where.pop(name, nowhere) for name in BLENDS)
        parts.append(colour.Blend.of(brighter, contrasted, saturated, strength, channels))
    warps = {name: where.pop(name) for name in WARPS if name in where}
    if warps and sampling is not None:
        matrices = STILL.expand(len(choice), 2, 3)
        for name, here in warps.items():
            matrices = torch.where(here[:, None, None], WARPS[name](strength, height, width), matrices)
        warped = torch.stack([*warps.values()]).any(dim=0)
        parts.append(Warped(matrices, warped, sampling.fill_of(channels), sampling.mode))
    parts += [Kept(COLOURS[name], here, strength) for name, here in where.items()]
    return tuple(parts)


def _operation(name: str, sampling: Sampling | None) -> Operation:
    if name in COLOURS or sampling is None:
        return COLOURS[name]

    def warp(images: Tensor, strength: Tensor) -> Tensor:
        matrices = WARPS[name](strength, images.shape[2], images.shape[3])
        return sampled(images, matrices, sampling.fill_of(images.shape[1]), sampling.mode)

    return warp


def colour_jitter(draws: Draws, *, hue: float, probability: float) -> Operations:
    """Change brightness, contrast and saturation by up to 40 % and turn the hue, in random order.

    Args:
        draws: the samples' random numbers.
        hue: most that the hue turns either way, as part of a full circle; 0 leaves it out.
        probability: that a sample is changed at all.
    """
    jittered = draws.chance(probability)
    strengths = draws.uniform(0.6, 1.4, 3)
    if hue:
        strengths = torch.cat([strengths, draws.uniform(-hue, hue, 1)], dim=1)
    order = draws.uniform(0, 1, strengths.shape[1]).argsort(dim=1)  # (n, operations)
    choices = torch.where(jittered[:, None], order + 1, 0)  # (n, operations): the first, the second …
    if not (draws.static and hue):
        names = (*BLENDS, "Hue")[: strengths.shape[1]]
        slots = zip(choices.unbind(1), strengths.gather(1, order).unbind(1), strict=True)
        return tuple(part for slot in slots for part in chosen(draws, names, *slot))
    # Turning the hue costs most, so it is done once, with room for all the others before it and after it.
    place = (order == 3).int().argmax(dim=1)
    at = torch.arange(3)
    before = torch.where(at < place[:, None], choices[:, :3], 0)
    after = torch.where(at >= place[:, None], choices[:, 1:], 0)
    strength_of = torch.cat([strengths.new_ones(len(strengths), 1), strengths], dim=1).gather
    sooner, later = (
        [
            part
            for slot in zip(slots.unbind(1), strength_of(1, slots).unbind(1), strict=True)
            for part in chosen(draws, BLENDS, *slot)
        ]
        for slots in (before, after)
    )
    return (*sooner, Kept(colour.hue, jittered, strengths[:, 3]), *later)


class Grey(NamedTuple):
    """Replace a sample by its luminance."""

    grey: Tensor  # (n,) whether to

    def apply(self, images: Tensor) -> Tensor:
        """Map (n, C, H, W) to the same shape."""
        return torch.where(self.grey[:, None, None, None], colour.luminance(images), images)


def grey(draws: Draws, *, probability: float) -> Operations:
    """Replace a sample by its luminance with this probability."""
    return (Grey(draws.chance(probability)),)


class Strength(NamedTuple):
    """Strength at a magnitude m in 0 … 1: neutral + m·swing, or neutral − m·swing by chance where signed."""

    neutral: float = 0.0
    swing: float = 0.0
    signed: bool = False
    whole: bool = False  # cut to a whole number


class Repertoire:
    """The operations that a policy chooses from, numbered from 1 in the order of `names`; 0 is to do nothing."""

    def __init__(self, sampling: Sampling, strengths: Mapping[str, Strength]) -> None:
        self.names, self._sampling = tuple(strengths), sampling
        columns = zip(*[Strength(), *strengths.values()], strict=True)
        self._neutral, self._swing, self._signed, self._whole = (torch.tensor(column) for column in columns)

    def chosen(
        self,
        draws: Draws,
        choice: Tensor,
        magnitude: Tensor,
        upwards: Tensor,
        possible: Collection[int] | None = None,
    ) -> Operations:
        """Return what applies to every sample the operation that it chose.

        Args:
            draws: of the samples.
            choice: (n,) numbers of operations.
            magnitude: (n,) in 0 … 1.
            upwards: (n,) booleans: the side to which signed operations swing.
            possible: the numbers that can be drawn; all of them where None.
        """
        down = self._signed[choice] & ~upwards
        strength = self._neutral[choice] + torch.where(down, -magnitude, magnitude) * self._swing[choice]
        strength = torch.where(self._whole[choice], strength.trunc(), strength)
        return chosen(draws, self.names, choice, strength, self._sampling, possible)


# AutoAugment for CIFAR-10 (Cubuk et al. 2019, table 7): two operations, each with its probability and its magnitude in
# ninths. Outside the image is mid-grey, as in the CIFAR code that balanced contrastive learning is compared with.
AUTOAUGMENT = Repertoire(
    Sampling("nearest", fill=(128 / 255,) * 3),
    {
        "ShearY": Strength(0, 0.3, signed=True),
        **dict.fromkeys(("TranslateX", "TranslateY"), Strength(0, 150 / 331, signed=True)),
        "Rotate": Strength(0, 30, signed=True),
        **dict.fromkeys(("Brightness", "Color", "Contrast", "Sharpness"), Strength(1, 0.9, signed=True)),
        "Posterize": Strength(8.5, -4, whole=True),  # the half turns the cut into rounding
        "Solarize": Strength(255, -255),
        **dict.fromkeys(("AutoContrast", "Equalize", "Invert"), Strength()),
    },
)
SUB_POLICIES = (
    (("Invert", 0.1, 0), ("Contrast", 0.2, 6)),
    (("Rotate", 0.7, 2), ("TranslateX", 0.3, 9)),
    (("Sharpness", 0.8, 1), ("Sharpness", 0.9, 3)),
    (("ShearY", 0.5, 8), ("TranslateY", 0.7, 9)),
    (("AutoContrast", 0.5, 0), ("Equalize", 0.9, 0)),
    (("ShearY", 0.2, 7), ("Posterize", 0.3, 7)),
    (("Color", 0.4, 3), ("Brightness", 0.6, 7)),
    (("Sharpness", 0.3, 9), ("Brightness", 0.7, 9)),
    (("Equalize", 0.6, 0), ("Equalize", 0.5, 0)),
    (("Contrast", 0.6, 7), ("Sharpness", 0.6, 5)),
    (("Color", 0.7, 7), ("TranslateX", 0.5, 8)),
    (("Equalize", 0.3, 0), ("AutoContrast", 0.4, 0)),
    (("TranslateY", 0.4, 3), ("Sharpness", 0.2, 6)),
    (("Brightness", 0.9, 6), ("Color", 0.2, 8)),
    (("Solarize", 0.5, 2), ("Invert", 0.0, 0)),
    (("Equalize", 0.2, 0), ("AutoContrast", 0.6, 0)),
    (("Equalize", 0.2, 0), ("Equalize", 0.6, 0)),
    (("Color", 0.9, 9), ("Equalize", 0.6, 0)),
    (("AutoContrast", 0.8, 0), ("Solarize", 0.2, 8)),
    (("Brightness", 0.1, 3), ("Color", 0.7, 0)),
    (("Solarize", 0.4, 5), ("AutoContrast", 0.9, 0)),
    (("TranslateY", 0.9, 9), ("TranslateY", 0.7, 9)),
    (("AutoContrast", 0.9, 0), ("Solarize", 0.8, 3)),
    (("Equalize", 0.8, 0), ("Invert", 0.1, 0)),
    (("TranslateY", 0.7, 9), ("AutoContrast", 0.9, 0)),
)
_CHOICES = torch.tensor([[1 + AUTOAUGMENT.names.index(name) for name, _, _ in pair] for pair in SUB_POLICIES])
_PROBABILITIES = torch.tensor([[probability for _, probability, _ in pair] for pair in SUB_POLICIES])
_MAGNITUDES = torch.tensor([[ninths / 9 for _, _, ninths in pair] for pair in SUB_POLICIES])


def auto_augment(draws: Draws) -> Operations:
    """Apply one of AutoAugment's sub-policies for CIFAR-10 to each sample."""
    policy = draws.integers(len(SUB_POLICIES))
    operations: Operations = ()
    slots = (table.unbind(1) for table in (_CHOICES, _PROBABILITIES, _MAGNITUDES))
    for numbers, probabilities, magnitudes in zip(*slots, strict=True):
        choice = torch.where(draws.uniform(0, 1) < probabilities[policy], numbers[policy], 0)
        possible = {*numbers[probabilities > 0].tolist()}
        operations += AUTOAUGMENT.chosen(draws, choice, magnitudes[policy], draws.chance(0.5), possible)
    return operations


# RandAugment as the reference code sets it up (timm's rand-n2-m10-mstd0.5): fifteen operations, each skipped half of
# the time. Outside the image is ImageNet's mean colour. The reference code interpolates by bilinear or bicubic rule at
# random and shifts by parts of a pixel; here the rule is bilinear and shifts are whole.
RANDAUGMENT = Repertoire(
    Sampling("bilinear", fill=(0.485, 0.456, 0.406)),
    {
        **dict.fromkeys(("AutoContrast", "Equalize", "Invert"), Strength()),
        "Rotate": Strength(0, 30, signed=True),
        "Posterize": Strength(0, 4, whole=True),
        "Solarize": Strength(0, 256, whole=True),
        "SolarizeAdd": Strength(0, 110, whole=True),
        **dict.fromkeys(("Color", "Contrast", "Brightness", "Sharpness"), Strength(0.1, 1.8)),
        **dict.fromkeys(("ShearX", "ShearY"), Strength(0, 0.3, signed=True)),
        **dict.fromkeys(("TranslateX", "TranslateY"), Strength(0, 0.45, signed=True)),
    },
)


def rand_augment(draws: Draws) -> Operations:
    """Apply RandAugment (Cubuk et al. 2020) of two operations to each sample.

    The magnitude is normal about 10 of 10 with deviation 0.5 and capped at 10, anew for each operation.
    """
    operations: Operations = ()
    for _ in range(2):
        number = 1 + draws.integers(len(RANDAUGMENT.names))
        choice = torch.where(draws.chance(0.5), number, 0)
        magnitude = (1 + 0.05 * draws.normal()).clamp(0, 1)
        operations += RANDAUGMENT.chosen(draws, choice, magnitude, upwards=draws.chance(0.5))
    return operations
