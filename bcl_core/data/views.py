"""The views of an image that a recipe can name, drawn per sample on the device, for the global batch.

They draw from torch's global generator: call them under `randomness.keyed`.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from itertools import groupby

import kornia.augmentation as K
import numpy as np
import torch
from torch import Tensor

from bcl_core.data.crops import TRIES, crop_boxes
from bcl_core.data.policies import auto_augment, colour_jitter, grey, rand_augment
from bcl_core.data.view_geometry import cutout, flip, padded_crop, resized_crop
from bcl_core.randomness import Draws


@dataclass(frozen=True)
class View:
    """One random look at an image."""

    augment: Callable[[Tensor, Draws], Tensor]  # (n, C, H, W) floats in 0 … 1 -> same shape, each sample its own draw
    area: tuple[float, float] | None = None  # range of a random resized crop's share of the image, which comes first


def three_views(
    views: tuple[View, View, View], images: Tensor, *, rows: Tensor, batch_size: int, cropped: bool
) -> Tensor:
    """Draw the classifier's view and the two contrastive ones.

    What an image gets depends on its row in the global batch and on nothing else: neither on which other rows are
    here, nor on whether the contrastive views are wanted.

    Args:
        views: the three; equal ones that follow each other are drawn together.
        images: (v·b, C, H, W) floats in 0 … 1, all of view 1 first; v = 1 gives the classifier's view alone, else 3.
        rows: (b,) rows of the global batch, on the CPU.
        batch_size: images in the global batch.
        cropped: whether the random resized crops are done.

    Returns:
        (v·b, C, H, W)
    """
    pieces, held = [], torch.split(images, len(rows))
    for view, same in groupby(views):
        copies = len(list(same))
        here, held = held[:copies], held[copies:]
        if not here:
            break
        held_rows = torch.cat([rows + copy * batch_size for copy in range(len(here))])
        draws = Draws(copies * batch_size, held_rows, images.device)
        batch = torch.cat(here)
        if view.area and not cropped:
            batch = random_resized_crop(batch, draws, view.area)
        pieces.append(view.augment(batch, draws))
    return torch.cat(pieces)


def random_resized_crop(images: Tensor, draws: Draws, area: tuple[float, float]) -> Tensor:
    """Crop a random part with this range of shares of the area and resize it to (H, W); see `crops.crop_boxes`."""
    height, width = images.shape[2:]
    uniforms = replace(draws, device=torch.device("cpu")).uniform(0, 1, TRIES, 4).numpy()
    boxes = torch.from_numpy(crop_boxes(np.full(len(images), width), np.full(len(images), height), uniforms, area))
    return resized_crop(images, boxes.to(images.device, non_blocking=True))


def affine_noise(images: Tensor, draws: Draws) -> Tensor:
    """Turn by ±0.25 rad, scale by ±15 %, shift by ±10 % of the width, add Gaussian noise of deviation 0.05."""
    turn = math.degrees(0.25)
    affine = K.RandomAffine(degrees=(-turn, turn), translate=(0.1, 0.1), scale=(0.85, 1.15), p=1.0)
    drawn = affine.generate_parameters(torch.Size((draws.total, *images.shape[1:])))
    moved: Tensor = affine(images, params=draws.of(drawn))
    return moved + 0.05 * draws.normal(*images.shape[1:])


def crop_flip(images: Tensor, draws: Draws) -> Tensor:
    """Pad by an eighth of the width (4 pixels of 32), crop back at random, flip half of the images."""
    padding = images.shape[3] // 8
    left, top = (draws.uniform(0, 1).mul(2 * padding + 1).floor() for _ in range(2))
    return random_flip(padded_crop(images, left, top, padding), draws)


def random_flip(images: Tensor, draws: Draws) -> Tensor:
    """Mirror half of the images left and right."""
    return flip(images, draws.chance(0.5))


def random_cutout(images: Tensor, draws: Draws) -> Tensor:
    """Blacken a square of half the width (16 pixels of 32), its centre anywhere in the image.

    Black before the pixels are standardised, as is the padding of `crop_flip`: CIFAR code with these views does so,
    where DeVries and Taylor (2017) put the mean colour.
    """
    height, width = images.shape[2:]
    return cutout(images, draws.integers(width), draws.integers(height), side=width // 4 * 2)


def autoaugment_cutout(images: Tensor, draws: Draws) -> Tensor:
    """Crop and flip, one of AutoAugment's 25 sub-policies for CIFAR-10, Cutout."""
    return random_cutout(auto_augment(crop_flip(images, draws), draws), draws)


def sim_augment(images: Tensor, draws: Draws) -> Tensor:
    """Flip, jitter the colours of four in five images, turn a fifth grey (SimAug in the paper; Chen et al. 2020)."""
    jittered = colour_jitter(random_flip(images, draws), draws, hue=0.1, probability=0.8)
    return grey(jittered, draws, probability=0.2)


def stacked_rand_augment(images: Tensor, draws: Draws) -> Tensor:
    """SimAug, then RandAugment on top: the reference code's RandAugment for contrastive views."""
    return rand_augment(sim_augment(images, draws), draws)


def jittered_rand_augment(images: Tensor, draws: Draws) -> Tensor:
    """Flip, jitter brightness, contrast and saturation of every image, RandAugment: the reference code's classifier."""
    jittered = colour_jitter(random_flip(images, draws), draws, hue=0.0, probability=1.0)
    return rand_augment(jittered, draws)


_AREA = (0.08, 1.0)

AFFINE_NOISE = View(affine_noise)
CROP_FLIP = View(crop_flip)
AUTOAUGMENT_CUTOUT = View(autoaugment_cutout)
RANDAUGMENT = View(jittered_rand_augment, _AREA)
SIMAUG = View(sim_augment, _AREA)
RAND = View(stacked_rand_augment, _AREA)
