"""Views of a batch: each sample its own draw, the same for any split of the batch over processes."""

import math
from itertools import pairwise

import kornia.augmentation as K
import pytest
import torch
from scipy import stats

from bcl_core.data import views
from bcl_core.data.operations import applied
from bcl_core.data.views import three_views
from bcl_core.randomness import keyed
from bcl_core.registry import VIEWS
from tests.data.pictures import draws_for, floats, photos

STRATEGIES = tuple(VIEWS)


def drawn(name, images, rows=None, batch_size=None, *, copies=3, cropped=False):
    """A strategy's views of a batch, (copies, b, C, H, W)."""
    rows = torch.arange(len(images)) if rows is None else rows
    with keyed(0, "views", 1, 2):
        result = three_views(
            VIEWS[name].load(),
            images.repeat(copies, 1, 1, 1),
            rows=rows,
            batch_size=batch_size or len(images),
            cropped=cropped,
        )
    return result.unflatten(0, (copies, len(images)))


@pytest.mark.parametrize("name", STRATEGIES)
@pytest.mark.parametrize("processes", [2, 4])
def test_views_do_not_depend_on_how_the_batch_is_split(name, processes):
    images = floats(photos(24))
    whole = drawn(name, images)
    for part in torch.arange(24).chunk(processes):
        torch.testing.assert_close(drawn(name, images[part], part, batch_size=24), whole[:, part], rtol=0, atol=1e-6)


@pytest.mark.parametrize("name", STRATEGIES)
def test_views_do_not_depend_on_which_process_holds_a_row(name):
    images, order = floats(photos(12)), torch.randperm(12, generator=torch.Generator().manual_seed(0))
    torch.testing.assert_close(drawn(name, images[order], order), drawn(name, images)[:, order], rtol=0, atol=1e-6)


@pytest.mark.parametrize("name", STRATEGIES)
def test_the_classifiers_view_is_the_same_without_the_contrastive_ones(name):
    images = floats(photos(12))
    torch.testing.assert_close(drawn(name, images, copies=1)[0], drawn(name, images)[0], rtol=0, atol=0)


@pytest.mark.parametrize("name", STRATEGIES)
@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("size", [8, 16, 32, 64])
def test_views_are_finite_and_keep_the_images_shape(name, channels, size):
    result = drawn(name, floats(photos(16, channels, size)))
    assert result.shape == (3, 16, channels, size, size)
    assert result.isfinite().all()
    if name != "affine-noise":
        assert result.min() >= -1e-6
        assert result.max() <= 1 + 1e-6


@pytest.mark.parametrize("name", STRATEGIES)
def test_every_image_of_a_batch_draws_its_own_policy(name):
    copies = floats(photos(1)).expand(64, -1, -1, -1)
    for view in drawn(name, copies):
        distinct = {tuple(image.flatten().tolist()) for image in view}
        assert len(distinct) > 48  # crop-flip alone has 162 outcomes


@pytest.mark.parametrize("name", STRATEGIES)
def test_the_three_views_differ(name):
    result = drawn(name, floats(photos(8)))
    for one, other in pairwise(result[torch.tensor([0, 1, 2, 0])]):
        assert not torch.equal(one, other)


def test_random_resized_crops_are_left_to_a_loader_that_has_made_them():
    still = views.View(lambda _: (), area=(0.08, 0.5))
    images = floats(photos(8)).repeat(3, 1, 1, 1)
    made, left = (
        three_views((still,) * 3, images, rows=torch.arange(8), batch_size=8, cropped=cropped)
        for cropped in (False, True)
    )
    assert torch.equal(left, images)
    assert not torch.isclose(made, images).flatten(1).all(dim=1).any()


@pytest.mark.parametrize("size", [8, 32])
def test_affine_noise_gives_the_numbers_of_kornias_plain_call(size):
    images = floats(photos(10, 1, size))
    turn = math.degrees(0.25)
    with keyed(0, "views", 1, 2):
        affine = K.RandomAffine(degrees=(-turn, turn), translate=(0.1, 0.1), scale=(0.85, 1.15), p=1.0)
        moved = affine(images.repeat(3, 1, 1, 1))
        expected = moved + 0.05 * torch.randn(moved.shape)
    assert torch.equal(drawn("affine-noise", images).flatten(0, 1), expected)


@pytest.mark.parametrize("size", [8, 32])
def test_crop_flip_gives_the_numbers_of_kornias_plain_calls(size):
    images = floats(photos(10, 3, size))
    with keyed(0, "views", 1, 2):
        crop = K.RandomCrop((size, size), padding=size // 8, p=1.0)
        expected = K.RandomHorizontalFlip(p=0.5)(crop(images.repeat(3, 1, 1, 1)))
    assert torch.equal(drawn("crop-flip", images).flatten(0, 1), expected)


def test_cutout_hides_a_square_of_16_pixels():
    with keyed(0, "views"):
        hidden = applied(views.random_cutout(draws_for(2000)), torch.ones(2000, 3, 32, 32)) == 0
    assert (hidden == hidden[:, :1]).all()
    rows, columns = hidden[:, 0].any(dim=2), hidden[:, 0].any(dim=1)
    assert torch.equal(hidden[:, 0], rows[:, :, None] & columns[:, None, :])
    for side in (rows, columns):
        length = side.sum(dim=1)
        assert length.max() == 16
        assert length.min() == 8  # the centre is in the image, so half of the square or more is
        edges = side.diff(dim=1).sum(dim=1)
        assert (edges <= 2).all()  # one stretch
        # Of 32 places for the centre, 17 hide all 16 pixels.
        assert stats.binomtest(int((length == 16).sum()), 2000, 17 / 32).pvalue > 0.01


@pytest.mark.parametrize(("size", "side"), [(8, 4), (16, 8), (64, 32)])
def test_cutout_grows_with_the_image(size, side):
    with keyed(0, "views"):
        hidden = applied(views.random_cutout(draws_for(200, (1, size, size))), torch.ones(200, 1, size, size)) == 0
    assert hidden.flatten(1).sum(dim=1).max() == side**2
