"""Random resized crops: where they lie and what they show, beside torchvision's."""

import math

import numpy as np
import pytest
import torch
from scipy import stats
from torchvision.transforms import RandomResizedCrop
from torchvision.transforms import functional as TF

from bcl_core.data.crops import TRIES, crop_boxes
from bcl_core.data.view_geometry import ResizedCrop
from tests.data.pictures import floats, photos


class Feed:
    """Stands in for torch's draws in RandomResizedCrop.get_params and hands out prepared numbers instead."""

    def __init__(self, tries):
        self.tries, self.sizes_drawn, self.places_drawn = tries, 0, 0

    def uniform(self, low, high):
        current, number = divmod(self.sizes_drawn, 2)
        self.sizes_drawn += 1
        return low + torch.tensor(self.tries[current, number]) * (high - low)

    def randint(self, low, high, size):
        current, number = (self.sizes_drawn - 1) // 2, (3, 2)[self.places_drawn]  # the row comes first
        self.places_drawn += 1
        return torch.tensor(math.floor(low + self.tries[current, number] * (high - low)))


@pytest.mark.parametrize("area", [(0.08, 1.0), (0.2, 1.0), (0.9, 1.0)])
@pytest.mark.parametrize(("width", "height"), [(32, 32), (500, 375), (200, 900), (90, 20), (3, 1)])
def test_crops_lie_where_torchvision_puts_them(monkeypatch, width, height, area):
    tries = np.random.default_rng(0).random((200, TRIES, 4))
    ours = crop_boxes(np.full(200, width), np.full(200, height), tries, area)
    image, theirs = torch.empty(3, height, width), []
    for own in tries:
        feed = Feed(own)
        with monkeypatch.context() as patch:
            patch.setattr(torch.Tensor, "uniform_", feed.uniform)
            patch.setattr(torch, "randint", feed.randint)
            top, left, crop_height, crop_width = RandomResizedCrop.get_params(image, list(area), [3 / 4, 4 / 3])
        theirs.append((left, top, crop_width, crop_height))
    np.testing.assert_array_equal(ours, theirs)


def test_crops_lie_within_their_images():
    random = np.random.default_rng(1)
    widths, heights = random.integers(1, 700, 5000), random.integers(1, 700, 5000)
    left, top, width, height = crop_boxes(widths, heights, random.random((5000, TRIES, 4)), (0.08, 1.0)).T
    assert (np.minimum(left, top) >= 0).all()
    assert (np.minimum(width, height) >= 1).all()
    assert (left + width <= widths).all()
    assert (top + height <= heights).all()


def test_crops_of_a_square_image_take_every_share_alike():
    side, tries = np.full(4000, 10**6), np.random.default_rng(2).random((4000, TRIES, 4))
    boxes = crop_boxes(side, side, tries, (0.1, 0.5))
    shares = boxes[:, 2] * boxes[:, 3] / 1e12
    assert stats.kstest(shares, stats.uniform(0.1, 0.4).cdf).pvalue > 0.01


@pytest.mark.parametrize(("height", "width"), [(32, 32), (20, 30)])
def test_a_resized_crop_is_torchvisions(height, width):
    images = floats(photos(50, 3, 32))[..., :height, :width]
    tries = np.random.default_rng(0).random((50, TRIES, 4))
    boxes = crop_boxes(np.full(50, width), np.full(50, height), tries, (0.08, 1.0))
    ours = ResizedCrop.of(torch.from_numpy(boxes), (3, height, width)).apply(images)
    for image, crop, (left, top, w, h) in zip(images, ours, boxes.tolist(), strict=True):
        theirs = TF.resized_crop(image, top, left, h, w, [height, width], antialias=True)
        torch.testing.assert_close(crop, theirs, rtol=0, atol=2e-5)
