"""The views of an image that a recipe can name: drawn on the CPU for the global batch, applied on the device.

They draw from torch's global generator: call them under `randomness.keyed`. What is drawn depends on no pixel, so that
it can be drawn while the device is still busy with the step before.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import NamedTuple

import kornia.augmentation as K
import numpy as np
import torch
from torch import Tensor

from bcl_core.data.crops import TRIES, crop_boxes
from bcl_core.data.operations import Operations, applied
from bcl_core.data.policies import auto_augment, colour_jitter, grey, rand_augment
from bcl_core.data.view_geometry import Cutout, Flip, PaddedCrop, ResizedCrop
from bcl_core.randomness import Draws


@dataclass(frozen=True)
class View:
    """One random look at an image."""

    draw: Callable[[Draws], Operations]
    area: tuple[float, float] | None = None  # range of a random resized crop's share of the image, which comes first


class Look(NamedTuple):
    """What was drawn for equal views that follow each other: they are one batch."""

    copies: int
    operations: Operations


def draw_views(
    views: tuple[View, View, View],
    shown: int,
    *,
    rows: Tensor,
    batch_size: int,
    shape: tuple[int, int, int],
    cropped: bool = False,
    static: bool = False,
) -> list[Look]:
    """Draw the classifier's view and the two contrastive ones.

    What an image gets depends on its row in the global batch and on nothing else: neither on which other rows are
    here, nor on whether the contrastive views are wanted.

    Args:
        views: the three; equal ones that follow each other are drawn together.
        shown: 1 for the classifier's view alone, else 3.
        rows: (b,) rows of the global batch, on the CPU.
        batch_size: images in the global batch.
        shape: (C, H, W) of an image.
        cropped: whether the random resized crops are done.
        static: draw for operations whose shapes depend on no value; on a CPU they take longer.
    """
    looks: list[Look] = []
    for view, same in groupby(views):
        copies = len(list(same))
        here = min(copies, shown - sum(look.copies for look in looks))
        if not here:
            break
        held = torch.cat([rows + copy * batch_size for copy in range(here)])
        draws = Draws(copies * batch_size, held, shape, static)
        crop = random_resized_crop(draws, view.area) if view.area and not cropped else ()
        looks.append(Look(here, (*crop, *view.draw(draws))))
    return looks


def apply_views(images: Tensor, looks: Sequence[Look]) -> Tensor:
    """Apply what was drawn to images (v·b, C, H, W), floats in 0 … 1, all of view 1 first; same shape out."""
    b = len(images) // sum(look.copies for look in looks)
    pieces = []
    for look, batch in zip(looks, torch.split(images, [look.copies * b for look in looks]), strict=True):
        pieces.append(applied(look.operations, batch))
    return torch.cat(pieces)


def three_views(
    views: tuple[View, View, View], images: Tensor, *, rows: Tensor, batch_size: int, cropped: bool
) -> Tensor:
    """Draw and apply at once: images (v·b, C, H, W), floats in 0 … 1, and the rest as `draw_views`."""
    shown, shape = len(images) // len(rows), (images.shape[1], images.shape[2], images.shape[3])
    return apply_views(images, draw_views(views, shown, rows=rows, batch_size=batch_size, shape=shape, cropped=cropped))


def random_resized_crop(draws: Draws, area: tuple[float, float]) -> Operations:
    """Crop a random part with this range of shares of the area and resize it to (H, W); see `crops.crop_boxes`."""
    _, height, width = draws.shape
    uniforms = draws.uniform(0, 1, TRIES, 4).numpy()
    boxes = crop_boxes(np.full(len(uniforms), width), np.full(len(uniforms), height), uniforms, area)
    return (ResizedCrop.of(torch.from_numpy(boxes), draws.shape),)


class AffineNoise(NamedTuple):
    """kornia's affine warp with its parameters, and noise that is added."""

    parameters: dict[str, Tensor]
    noise: Tensor  # (n, C, H, W)

    def apply(self, images: Tensor) -> Tensor:
        """Warp and add."""
        matrices = _AFFINE.compute_transformation(images, self.parameters, _AFFINE.flags)
        moved: Tensor = _AFFINE.apply_transform(images, self.parameters, _AFFINE.flags, transform=matrices)
        return moved + self.noise


_TURN = math.degrees(0.25)
_AFFINE = K.RandomAffine(degrees=(-_TURN, _TURN), translate=(0.1, 0.1), scale=(0.85, 1.15), p=1.0)


def affine_noise(draws: Draws) -> Operations:
    """Turn by ±0.25 rad, scale by ±15 %, shift by ±10 % of the width, add Gaussian noise of deviation 0.05."""
    drawn = draws.of(_AFFINE.generate_parameters(torch.Size((draws.total, *draws.shape))))
    return (AffineNoise(drawn, 0.05 * draws.normal(*draws.shape)),)


def crop_flip(draws: Draws) -> Operations:
    """Pad by an eighth of the width (4 pixels of 32), crop back at random, flip half of the images."""
    padding = draws.shape[2] // 8
    left, top = (draws.uniform(0, 1).mul(2 * padding + 1).floor().long() for _ in range(2))
    return (PaddedCrop(left, top), *random_flip(draws))


def random_flip(draws: Draws) -> Operations:
    """Mirror half of the images left and right."""
    return (Flip(draws.chance(0.5)),)


def random_cutout(draws: Draws) -> Operations:
    """Blacken a square of half the width (16 pixels of 32), its centre anywhere in the image.

    Black before the pixels are standardised, as is the padding of `crop_flip`: CIFAR code with these views does so,
    where DeVries and Taylor (2017) put the mean colour.
    """
    _, height, width = draws.shape
    x, y = draws.integers(width), draws.integers(height)
    return (Cutout.of(x, y, side=width // 4 * 2, shape=draws.shape),)


def autoaugment_cutout(draws: Draws) -> Operations:
    """Crop and flip, one of AutoAugment's 25 sub-policies for CIFAR-10, Cutout."""
    return (*crop_flip(draws), *auto_augment(draws), *random_cutout(draws))


def sim_augment(draws: Draws) -> Operations:
    """Flip, jitter the colours of four in five images, turn a fifth grey (SimAug in the paper; Chen et al. 2020)."""
    return (
        *random_flip(draws),
        *colour_jitter(draws, hue=0.1, probability=0.8),
        *grey(draws, probability=0.2),
    )


def stacked_rand_augment(draws: Draws) -> Operations:
    """SimAug, then RandAugment on top: the reference code's RandAugment for contrastive views."""
    return (*sim_augment(draws), *rand_augment(draws))


def jittered_rand_augment(draws: Draws) -> Operations:
    """Flip, jitter brightness, contrast and saturation of every image, RandAugment: the reference code's classifier."""
    return (*random_flip(draws), *colour_jitter(draws, hue=0.0, probability=1.0), *rand_augment(draws))


_AREA = (0.08, 1.0)

AFFINE_NOISE = View(affine_noise)
CROP_FLIP = View(crop_flip)
AUTOAUGMENT_CUTOUT = View(autoaugment_cutout)
RANDAUGMENT = View(jittered_rand_augment, _AREA)
SIMAUG = View(sim_augment, _AREA)
RAND = View(stacked_rand_augment, _AREA)
