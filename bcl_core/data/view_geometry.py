"""Operations on place: crops, flips, holes and affine warps, each sample with its own numbers."""

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor


def padded_crop(images: Tensor, left: Tensor, top: Tensor, padding: int) -> Tensor:
    """Pad with black on all sides and crop back to size.

    Args:
        images: (n, C, H, W)
        left: (n,) whole numbers, 0 … 2·padding: the crop's left edge in the padded image.
        top: (n,) as `left`.
        padding: pixels.

    Returns:
        (n, C, H, W)
    """
    height, width = images.shape[2:]
    windows = F.pad(images, [padding] * 4).unfold(2, height, 1).unfold(3, width, 1)  # (n, C, top, left, H, W)
    return windows[torch.arange(len(images), device=images.device), :, top.long(), left.long()]


def resized_crop(images: Tensor, boxes: Tensor) -> Tensor:
    """Crop and resize back to (H, W), bilinear, from the crop's own pixels alone.

    A crop is never larger than its image, so nothing is ever made smaller and antialiasing would change nothing.

    Args:
        images: (n, C, H, W)
        boxes: (n, 4) left, top, width, height of the crops, in pixels from the image's top left corner.

    Returns:
        (n, C, H, W)
    """
    height, width = images.shape[2:]
    left, top, crop_width, crop_height = boxes.to(images.dtype).unbind(1)
    x, y = _along(left, crop_width, width), _along(top, crop_height, height)
    grid = torch.stack([x[:, None].expand(-1, height, -1), y[..., None].expand(-1, -1, width)], dim=-1)
    return F.grid_sample(images, grid, padding_mode="border", align_corners=False)


def _along(start: Tensor, length: Tensor, size: int) -> Tensor:
    """Return (n, size) where the output's pixels lie in the image, −1 … 1 from edge to edge."""
    steps = (torch.arange(size, device=start.device) + 0.5) / size
    centres = start[:, None] + (length[:, None] * steps).clamp(min=0.5).minimum(length[:, None] - 0.5)
    return centres * 2 / size - 1


def flip(images: Tensor, flipped: Tensor) -> Tensor:
    """Mirror left and right where `flipped`, (n,) booleans."""
    return torch.where(flipped[:, None, None, None], images.flip(3), images)


def cutout(images: Tensor, x: Tensor, y: Tensor, side: int) -> Tensor:
    """Blacken a square (DeVries and Taylor 2017), which may reach over the border.

    Args:
        images: (n, C, H, W)
        x: (n,) column of the square's centre: its columns are x − side/2 … x + side/2 − 1.
        y: (n,) row, likewise.
        side: pixels, even.

    Returns:
        (n, C, H, W)
    """
    columns, rows = (_within(centre, side, size) for centre, size in ((x, images.shape[3]), (y, images.shape[2])))
    return images.masked_fill((rows[:, :, None] & columns[:, None, :])[:, None], 0)


def _within(centre: Tensor, side: int, size: int) -> Tensor:
    """Return (n, size) booleans."""
    distance = torch.arange(size, device=centre.device) - centre[:, None]
    return (distance >= -side // 2) & (distance < side // 2)


@dataclass(frozen=True)
class Warp:
    """Warps with their own strength for each sample: (n, C, H, W) images and (n,) strengths in, the images' shape out.

    What torchvision's automatic policies do, without antialiasing; "nearest" agrees with it pixel by pixel.
    """

    mode: str  # "nearest" or "bilinear"
    fill: tuple[float, float, float]  # red, green, blue of what lies outside the image; their mean for grey images

    def shear_x(self, images: Tensor, slope: Tensor) -> Tensor:
        """Shear along x about the top row."""
        x, y = _from_centre(images)
        return self._sample(images, x + _per_sample(slope) * (y + images.shape[2] / 2), y)

    def shear_y(self, images: Tensor, slope: Tensor) -> Tensor:
        """Shear along y about the left column."""
        x, y = _from_centre(images)
        return self._sample(images, x, y + _per_sample(slope) * (x + images.shape[3] / 2))

    def translate_x(self, images: Tensor, share: Tensor) -> Tensor:
        """Move right by this share of the width, cut to whole pixels."""
        x, y = _from_centre(images)
        return self._sample(images, x - _per_sample(share * images.shape[3]).trunc(), y)

    def translate_y(self, images: Tensor, share: Tensor) -> Tensor:
        """Move down by this share of the height, cut to whole pixels."""
        x, y = _from_centre(images)
        return self._sample(images, x, y - _per_sample(share * images.shape[2]).trunc())

    def rotate(self, images: Tensor, degrees: Tensor) -> Tensor:
        """Turn counter-clockwise about the centre."""
        x, y = _from_centre(images)
        angle = _per_sample(degrees.deg2rad())
        return self._sample(images, angle.cos() * x - angle.sin() * y, angle.sin() * x + angle.cos() * y)

    def _sample(self, images: Tensor, x: Tensor, y: Tensor) -> Tensor:
        """Read the images at x and y, which broadcast to (n, H, W): pixels from the centre, right and down."""
        samples, channels, height, width = images.shape
        shape = samples, height, width
        grid = torch.stack([(x * 2 / width).expand(shape), (y * 2 / height).expand(shape)], dim=-1)
        colour = torch.tensor(self.fill) if channels == 3 else torch.tensor(self.fill).mean(dim=0, keepdim=True)
        fill = colour[:, None, None].to(images, non_blocking=True)
        # What lies outside is read as 0, so 0 is made to stand for the fill.
        return F.grid_sample(images - fill, grid, mode=self.mode, align_corners=False) + fill


def _from_centre(images: Tensor) -> tuple[Tensor, Tensor]:
    """Return (1, 1, W) and (1, H, 1): each pixel's place from the centre."""
    height, width = images.shape[2:]
    x, y = (torch.arange(size, device=images.device) - (size - 1) / 2 for size in (width, height))
    return x[None, None, :], y[None, :, None]


def _per_sample(strength: Tensor) -> Tensor:
    return strength[:, None, None]
