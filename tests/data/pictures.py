"""Small random pictures for the tests of views, and random numbers for them."""

import torch
import torch.nn.functional as F

from bcl_core.randomness import Draws


def photos(count, channels=3, size=32, seed=0):
    """Smooth random pictures on the 256 levels of real images; (count, channels, size, size) uint8."""
    coarse = torch.rand(count, channels, 5, 5, generator=torch.Generator().manual_seed(seed))
    smooth = F.interpolate(coarse, (size, size), mode="bicubic", align_corners=False)
    noise = torch.randn(count, channels, size, size, generator=torch.Generator().manual_seed(seed + 1))
    return ((smooth + 0.05 * noise) * 255).round().clamp(0, 255).byte()


def floats(images):
    return images.float() / 255


def draws_for(count, shape=(3, 32, 32), *, static=False):
    return Draws(count, torch.arange(count), shape, static)
