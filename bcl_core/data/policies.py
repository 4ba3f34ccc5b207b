"""Random chains of operations in which each sample draws its own: colour jitter, AutoAugment and RandAugment.

What to apply is drawn on the CPU, where samples are sorted by operation without waiting for the device.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import NamedTuple

import torch
from torch import Tensor

from bcl_core.data import view_colour as colour
from bcl_core.data.view_geometry import Warp
from bcl_core.randomness import Draws

Operation = Callable[[Tensor, Tensor], Tensor]  # (n, C, H, W) images, (n,) strengths -> images
CPU = torch.device("cpu")


def each_its_own(images: Tensor, choice: Tensor, strength: Tensor, operations: Sequence[Operation]) -> Tensor:
    """Apply to every sample the operation that it chose.

    Args:
        images: (n, C, H, W)
        choice: (n,) on the CPU: 0 leaves a sample as it is, k applies operations[k − 1].
        strength: (n,) on the CPU, in the units of each sample's operation.
        operations: what can be chosen.

    Returns:
        (n, C, H, W)
    """
    order = choice.argsort(stable=True)
    sizes = choice.bincount(minlength=len(operations) + 1).tolist()
    here = order.to(images.device, non_blocking=True)
    strengths = strength[order].to(images.device, non_blocking=True)
    untouched, *groups = torch.split(images[here], sizes)
    _, *own = torch.split(strengths, sizes)
    changed = [operation(*group) for operation, *group in zip(operations, groups, own, strict=True) if len(group[0])]
    result = torch.empty_like(images)
    result[here] = torch.cat([untouched, *changed])
    return result


def colour_jitter(images: Tensor, draws: Draws, *, hue: float, probability: float) -> Tensor:
    """Change brightness, contrast and saturation by up to 40 % and turn the hue, in random order.

    Args:
        images: (n, C, H, W) in 0 … 1
        draws: the samples' random numbers.
        hue: most that the hue turns either way, as part of a full circle; 0 leaves it out.
        probability: that a sample is changed at all.

    Returns:
        (n, C, H, W)
    """
    here = replace(draws, device=CPU)
    jittered = here.chance(probability)
    operations: list[Operation] = [colour.brightness, colour.contrast, colour.saturation]
    strengths = here.uniform(0.6, 1.4, 3)
    if hue:
        operations.append(colour.hue)
        strengths = torch.cat([strengths, here.uniform(-hue, hue, 1)], dim=1)
    order = here.uniform(0, 1, len(operations)).argsort(dim=1)  # (n, operations)
    for chosen in order.unbind(1):
        strength = strengths.gather(1, chosen[:, None])[:, 0]
        images = each_its_own(images, torch.where(jittered, chosen + 1, 0), strength, operations)
    return images


def grey(images: Tensor, draws: Draws, *, probability: float) -> Tensor:
    """Replace a sample by its luminance with this probability."""
    return torch.where(draws.chance(probability)[:, None, None, None], colour.luminance(images), images)


class Strength(NamedTuple):
    """Strength at a magnitude m in 0 … 1: neutral + m·swing, or neutral − m·swing by chance where signed."""

    neutral: float = 0.0
    swing: float = 0.0
    signed: bool = False
    whole: bool = False  # cut to a whole number


class Repertoire:
    """The operations that a policy chooses from, numbered from 1 in the order of `names`; 0 is to do nothing."""

    def __init__(self, warp: Warp, strengths: Mapping[str, Strength]) -> None:
        self.names = tuple(strengths)
        known = _operations(warp)
        self._operations = [known[name] for name in strengths]
        columns = zip(*[Strength(), *strengths.values()], strict=True)
        self._neutral, self._swing, self._signed, self._whole = (torch.tensor(column) for column in columns)

    def apply(self, images: Tensor, choice: Tensor, magnitude: Tensor, upwards: Tensor) -> Tensor:
        """Apply to every sample the operation that it chose.

        Args:
            images: (n, C, H, W)
            choice: (n,) numbers of operations, on the CPU as all that follow.
            magnitude: (n,) in 0 … 1.
            upwards: (n,) booleans: the side to which signed operations swing.

        Returns:
            (n, C, H, W)
        """
        down = self._signed[choice] & ~upwards
        strength = self._neutral[choice] + torch.where(down, -magnitude, magnitude) * self._swing[choice]
        strength = torch.where(self._whole[choice], strength.trunc(), strength)
        return each_its_own(images, choice, strength, self._operations)


def _operations(warp: Warp) -> dict[str, Operation]:
    return {
        "ShearX": warp.shear_x,
        "ShearY": warp.shear_y,
        "TranslateX": warp.translate_x,
        "TranslateY": warp.translate_y,
        "Rotate": warp.rotate,
        "Brightness": colour.brightness,
        "Color": colour.saturation,
        "Contrast": colour.contrast,
        "Sharpness": colour.sharpness,
        "Posterize": colour.posterize,
        "Solarize": colour.solarize,
        "SolarizeAdd": colour.solarize_add,
        "AutoContrast": colour.autocontrast,
        "Equalize": colour.equalize,
        "Invert": colour.invert,
    }


# AutoAugment for CIFAR-10 (Cubuk et al. 2019, table 7): two operations, each with its probability and its magnitude in
# ninths. Outside the image is mid-grey, as in the CIFAR code that balanced contrastive learning is compared with.
AUTOAUGMENT = Repertoire(
    Warp("nearest", fill=(128 / 255,) * 3),
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


def auto_augment(images: Tensor, draws: Draws) -> Tensor:
    """Apply one of AutoAugment's sub-policies for CIFAR-10 to each sample; (n, C, H, W) in 0 … 1 in and out."""
    here = replace(draws, device=CPU)
    policy = here.integers(len(SUB_POLICIES))
    for chosen, probability, magnitude in zip(
        _CHOICES[policy].unbind(1), _PROBABILITIES[policy].unbind(1), _MAGNITUDES[policy].unbind(1), strict=True
    ):
        choice = torch.where(here.uniform(0, 1) < probability, chosen, 0)
        images = AUTOAUGMENT.apply(images, choice, magnitude, upwards=here.chance(0.5))
    return images


# RandAugment as the reference code sets it up (timm's rand-n2-m10-mstd0.5): fifteen operations, each skipped half of
# the time. Outside the image is ImageNet's mean colour. The reference code interpolates by bilinear or bicubic rule at
# random and shifts by parts of a pixel; here the rule is bilinear and shifts are whole.
RANDAUGMENT = Repertoire(
    Warp("bilinear", fill=(0.485, 0.456, 0.406)),
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


def rand_augment(images: Tensor, draws: Draws) -> Tensor:
    """Apply RandAugment (Cubuk et al. 2020) of two operations to each sample; (n, C, H, W) in 0 … 1 in and out.

    The magnitude is normal about 10 of 10 with deviation 0.5 and capped at 10, anew for each operation.
    """
    here = replace(draws, device=CPU)
    for _ in range(2):
        chosen = 1 + here.integers(len(RANDAUGMENT.names))
        choice = torch.where(here.chance(0.5), chosen, 0)
        magnitude = (1 + 0.05 * here.normal()).clamp(0, 1)
        images = RANDAUGMENT.apply(images, choice, magnitude, upwards=here.chance(0.5))
    return images
