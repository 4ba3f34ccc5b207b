"""Random views of a batch, drawn per sample on the device. Each takes and returns (N, C, H, W) floats in 0 … 1.

They draw from torch's global generator: call them under `randomness.keyed`.
"""

import math

import kornia.augmentation as K
import torch
from torch import Tensor


def affine_noise(images: Tensor) -> Tensor:
    """Turn by ±0.25 rad, scale by ±15 %, shift by ±10 % of the width, add Gaussian noise of deviation 0.05."""
    turn = math.degrees(0.25)
    affine = K.RandomAffine(degrees=(-turn, turn), translate=(0.1, 0.1), scale=(0.85, 1.15), p=1.0)
    moved: Tensor = affine(images)
    return moved + 0.05 * torch.randn(moved.shape).to(moved.device)


def crop_flip(images: Tensor) -> Tensor:
    """Pad by an eighth of the width (4 pixels of 32), crop back at random, flip half of the images."""
    size = images.shape[-2:]
    crop = K.RandomCrop(size, padding=size[-1] // 8, p=1.0)
    flipped: Tensor = K.RandomHorizontalFlip(p=0.5)(crop(images))
    return flipped
