"""Operations on place: crops, flips, holes and affine warps, each sample with its own numbers."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple, Self

import torch
import torch.nn.functional as F
from torch import Tensor


class PaddedCrop(NamedTuple):
    """Pad by an eighth of the width with black on all sides and crop back to size."""

    left: Tensor  # (n,) whole numbers, 0 … 2·padding: the crop's left edge in the padded image
    top: Tensor  # (n,) as `left`

    def apply(self, images: Tensor) -> Tensor:
        """Map (n, C, H, W) to the same shape."""
        height, width = images.shape[2:]
        windows = F.pad(images, [width // 8] * 4).unfold(2, height, 1).unfold(3, width, 1)  # (n, C, top, left, H, W)
        return windows[torch.arange(len(images), device=images.device), :, self.top, self.left]


class ResizedCrop(NamedTuple):
    """Crop and resize back to (H, W), bilinear, from the crop's own pixels alone.

    A crop is never larger than its image, so nothing is ever made smaller and antialiasing would change nothing.
    """

    x: Tensor  # (n, W) where the output's columns lie in the image, −1 … 1 from edge to edge
    y: Tensor  # (n, H) its rows

    @classmethod
    def of(cls, boxes: Tensor, shape: tuple[int, int, int]) -> Self:
        """Take boxes (n, 4): left, top, width, height of the crops, in pixels of images of this shape (C, H, W)."""
        left, top, width, height = boxes.float().unbind(1)
        return cls(_along(left, width, shape[2]), _along(top, height, shape[1]))

    def apply(self, images: Tensor) -> Tensor:
        """Map (n, C, H, W) to the same shape."""
        height, width = images.shape[2:]
        grid = torch.stack([self.x[:, None].expand(-1, height, -1), self.y[..., None].expand(-1, -1, width)], dim=-1)
        return F.grid_sample(images, grid, padding_mode="border", align_corners=False)


def _along(start: Tensor, length: Tensor, size: int) -> Tensor:
    """Return (n, size)."""
    steps = (torch.arange(size) + 0.5) / size
    centres = start[:, None] + (length[:, None] * steps).clamp(min=0.5).minimum(length[:, None] - 0.5)
    return centres * 2 / size - 1


class Flip(NamedTuple):
    """Mirror left and right."""

    flipped: Tensor  # (n,) whether to

    def apply(self, images: Tensor) -> Tensor:
        """Map (n, C, H, W) to the same shape."""
        return torch.where(self.flipped[:, None, None, None], images.flip(3), images)


class Cutout(NamedTuple):
    """Blacken a square (DeVries and Taylor 2017), which may reach over the border."""

    columns: Tensor  # (n, W) whether the column crosses it
    rows: Tensor  # (n, H) whether the row does

    @classmethod
    def of(cls, x: Tensor, y: Tensor, side: int, shape: tuple[int, int, int]) -> Self:
        """Take the square's centre, columns x and rows y, (n,): it is x − side/2 … x + side/2 − 1; side is even."""
        return cls(_within(x, side, shape[2]), _within(y, side, shape[1]))

    def apply(self, images: Tensor) -> Tensor:
        """Map (n, C, H, W) to the same shape."""
        return images.masked_fill((self.rows[:, :, None] & self.columns[:, None, :])[:, None], 0)


def _within(centre: Tensor, side: int, size: int) -> Tensor:
    """Return (n, size) booleans."""
    distance = torch.arange(size) - centre[:, None]
    return (distance >= -side // 2) & (distance < side // 2)


@dataclass(frozen=True)
class Sampling:
    """How warped images are read. As torchvision's automatic policies do, without antialiasing.

    "nearest" agrees with it pixel by pixel.
    """

    mode: str  # "nearest" or "bilinear"
    fill: tuple[float, float, float]  # red, green, blue of what lies outside the image; their mean for grey images

    def fill_of(self, channels: int) -> Tensor:
        """Return what lies outside an image, (C, 1, 1)."""
        fill = torch.tensor(self.fill)
        return (fill if channels == 3 else fill.mean(dim=0, keepdim=True))[:, None, None]


class Warped(NamedTuple):
    """An affine warp of each sample; one sampling for the whole batch, and those without a warp stay as they are."""

    matrices: Tensor  # (n, 2, 3) as `sampled` reads them
    warped: Tensor  # (n,) whether to
    fill: Tensor  # (C, 1, 1)
    mode: str

    def apply(self, images: Tensor) -> Tensor:
        """Map (n, C, H, W) to the same shape."""
        return torch.where(
            self.warped[:, None, None, None], sampled(images, self.matrices, self.fill, self.mode), images
        )


def sampled(images: Tensor, matrices: Tensor, fill: Tensor, mode: str) -> Tensor:
    """Read images (n, C, H, W) where matrices (n, 2, 3) say: from places of the output to those of the image.

    Places run from −1 to 1, from edge to edge, right and down.
    """
    x, y = (torch.linspace(1 / n - 1, 1 - 1 / n, n, device=images.device) for n in (images.shape[3], images.shape[2]))
    right, down, shift = matrices[..., None, None].unbind(2)  # (n, 2, 1, 1) each: x, then y
    places = torch.addcmul(torch.addcmul(shift, down, y[:, None]), right, x)  # (n, 2, H, W)
    # What lies outside is read as 0, so 0 is made to stand for the fill.
    return F.grid_sample(images - fill, places.permute(0, 2, 3, 1), mode=mode, align_corners=False).add_(fill)


def shear_x(slope: Tensor, height: int, width: int) -> Tensor:
    """Shear along x about the top row: matrices (n, 2, 3) of strengths (n,), as of all that follow."""
    return _affine(slope, [[1, slope * (height / width), slope * (height / width)], [0, 1, 0]])


def shear_y(slope: Tensor, height: int, width: int) -> Tensor:
    """Shear along y about the left column."""
    return _affine(slope, [[1, 0, 0], [slope * (width / height), 1, slope * (width / height)]])


def translate_x(share: Tensor, height: int, width: int) -> Tensor:
    """Move right by this share of the width, cut to whole pixels."""
    return _affine(share, [[1, 0, (share * width).trunc() * (-2 / width)], [0, 1, 0]])


def translate_y(share: Tensor, height: int, width: int) -> Tensor:
    """Move down by this share of the height, cut to whole pixels."""
    return _affine(share, [[1, 0, 0], [0, 1, (share * height).trunc() * (-2 / height)]])


def rotate(degrees: Tensor, height: int, width: int) -> Tensor:
    """Turn counter-clockwise about the centre."""
    angle = degrees.deg2rad()
    cos, sin = angle.cos(), angle.sin()
    return _affine(degrees, [[cos, -sin * (height / width), 0], [sin * (width / height), cos, 0]])


def _affine(strength: Tensor, rows: Sequence[Sequence[Tensor | float]]) -> Tensor:
    entries = [torch.as_tensor(entry, dtype=strength.dtype).expand(len(strength)) for row in rows for entry in row]
    return torch.stack(entries, dim=1).view(-1, 2, 3)
