"""Operations on colour, each sample with its own strength, as torchvision and Pillow define them for 8-bit images.

Each takes (n, C, H, W) floats in 0 … 1 with C = 1 or 3 and (n,) strengths, and returns the same shape; where nothing
else is said the result lies in 0 … 1. They compute on floats and round to the 256 levels only where an operation is
defined by them.
"""

from typing import NamedTuple, Self

import torch
from torch import Tensor

LEVELS = 255
LUMA = (0.2989, 0.587, 0.114)  # ITU-R 601-2


def luminance(images: Tensor) -> Tensor:
    """Return (n, 1, H, W): ITU-R 601-2 luma of colour images, grey images as they are."""
    if images.shape[1] == 1:
        return images
    red, green, blue = images.unbind(1)
    return (LUMA[0] * red + LUMA[1] * green + LUMA[2] * blue)[:, None]


def brightness(images: Tensor, factor: Tensor) -> Tensor:
    """Blend with black: factor 0 is black, 1 the image."""
    return _blend(images.new_zeros(()), images, factor)


def contrast(images: Tensor, factor: Tensor) -> Tensor:
    """Blend with the mean of the image's luminance: factor 0 is uniform grey, 1 the image."""
    return _blend(luminance(images).mean(dim=(1, 2, 3), keepdim=True), images, factor)


def saturation(images: Tensor, factor: Tensor) -> Tensor:
    """Blend with the image's luminance: factor 0 is grey, 1 the image. Grey images stay as they are."""
    return images if images.shape[1] == 1 else _blend(luminance(images), images, factor)


def sharpness(images: Tensor, factor: Tensor) -> Tensor:
    """Blend with a smoothed image: factor 0 is smooth, 1 the image. The outermost pixels stay as they are."""
    if min(images.shape[2:]) < 3:
        return images
    sums = images[..., :-2, :] + images[..., 1:-1, :] + images[..., 2:, :]
    sums = sums[..., :-2] + sums[..., 1:-1] + sums[..., 2:]
    sums.add_(images[..., 1:-1, 1:-1], alpha=4)  # the middle pixel weighs as much as five
    smooth = images.clone()
    torch.div(sums, 13, out=smooth[..., 1:-1, 1:-1])
    return _blend(smooth, images, factor)


def hue(images: Tensor, turn: Tensor) -> Tensor:
    """Turn the hue at constant saturation and value (HSV) by this part of a full circle. Grey images stay."""
    if images.shape[1] == 1:
        return images
    value, leader = images.max(dim=1, keepdim=True)
    chroma = value - images.amin(dim=1, keepdim=True)
    lead = (images.roll(-1, dims=1) - images.roll(-2, dims=1)).gather(1, leader)  # of the next over the one after it
    sixths = torch.add(lead.div_(chroma.clamp(min=1e-6)), leader, alpha=2)
    # Around the circle a channel is lowest from place 1 to 3 and full from 4 to 6; at red, the three are at 5, 3 and 1.
    at_red = torch.arange(5, 0, -2, device=images.device)[:, None, None]
    place = (sixths + (at_red + 6 * _per_sample(turn))).remainder_(6)
    return torch.addcmul(value, chroma, torch.minimum(place, 4 - place).clamp_(0, 1), value=-1)


def invert(images: Tensor, _: Tensor) -> Tensor:
    """Return the negative."""
    return 1 - images


def posterize(images: Tensor, bits: Tensor) -> Tensor:
    """Keep the leading `bits` (0 … 8) of each 8-bit level."""
    step = 2 ** (8 - _per_sample(bits))
    return (_levels(images) / step).floor() * step / LEVELS


def solarize(images: Tensor, threshold: Tensor) -> Tensor:
    """Invert the pixels of this level (0 … 256) or more; at 0 the result is the negative."""
    return torch.where(images >= _rounding_to(threshold.ceil()), 1 - images, images)


def solarize_add(images: Tensor, levels: Tensor) -> Tensor:
    """Add this many levels to the pixels of the darker half."""
    return torch.where(images < 127.5 / LEVELS, images + _per_sample(levels) / LEVELS, images).clamp(0, 1)


def autocontrast(images: Tensor, _: Tensor) -> Tensor:
    """Stretch each channel to 0 … 1; a uniform one stays."""
    low, high = images.amin(dim=(2, 3), keepdim=True), images.amax(dim=(2, 3), keepdim=True)
    spread = high - low
    uniform = spread < 0.5 / LEVELS  # rounding errors are not to be stretched
    return (images - low.masked_fill_(uniform, 0)).div_(spread.masked_fill_(uniform, 1))


def equalize(images: Tensor, _: Tensor) -> Tensor:
    """Flatten each channel's histogram of levels, in Pillow's integer arithmetic.

    A channel stays as it is where fewer than 255 pixels differ from its brightest, so tiny images often do.
    """
    levels = _levels(images).long().flatten(2)  # (n, C, H·W)
    counts = levels.new_zeros(*levels.shape[:2], LEVELS + 1).scatter_add_(2, levels, torch.ones_like(levels))
    below = counts.cumsum(dim=2).sub_(counts)
    step = below.gather(2, levels.amax(dim=2, keepdim=True)).floor_divide_(LEVELS)
    table = below.add_(step // 2).floor_divide_(step.clamp(min=1)).clamp_(max=LEVELS)
    return torch.where(step > 0, table.gather(2, levels) / LEVELS, images.flatten(2)).view_as(images)


class Blend(NamedTuple):
    """Brightness, contrast or saturation, each sample its own, as one product with each sample's matrix."""

    matrices: Tensor  # (n, C, C) of the pixels' channels
    of_mean: Tensor  # (n, C, C) of the image's mean colour

    @classmethod
    def of(cls, brighter: Tensor, contrasted: Tensor, saturated: Tensor, factor: Tensor, channels: int) -> Self:
        """Take which samples each concerns, (n,) booleans, at most one of them true, and the factors (n,)."""
        concerned = brighter | contrasted | (saturated & (channels == 3))
        kept = torch.where(concerned, factor, 1.0)[:, None, None]
        luma = torch.tensor(LUMA if channels == 3 else (1.0,))
        grey = (1 - kept) * luma.expand(channels, channels)
        own, mean = (torch.where(which[:, None, None], grey, 0.0) for which in (saturated, contrasted))
        return cls(kept * torch.eye(channels) + own, mean)

    def apply(self, images: Tensor) -> Tensor:
        """Map (n, C, H, W) in 0 … 1 to the same shape and range."""
        pixels = images.flatten(2)
        base = torch.bmm(self.of_mean, pixels.mean(dim=2, keepdim=True))
        return torch.baddbmm(base, self.matrices, pixels).clamp_(0, 1).view_as(images)


def _blend(base: Tensor, images: Tensor, factor: Tensor) -> Tensor:
    return torch.lerp(base, images, _per_sample(factor)).clamp_(0, 1)


def _per_sample(strength: Tensor) -> Tensor:
    return strength[:, None, None, None]


def _rounding_to(level: Tensor) -> Tensor:
    """Return the least value that rounds to a level (n,), whole; shape (n, 1, 1, 1)."""
    return _per_sample((level - 0.5) / LEVELS)


def _levels(images: Tensor) -> Tensor:
    return images.clamp(0, 1).mul_(LEVELS).add_(0.5).floor_()  # several times faster than round
