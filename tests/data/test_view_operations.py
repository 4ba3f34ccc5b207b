"""The operations that policies choose from, beside torchvision's on 8-bit images."""

import itertools

import pytest
import torch
from torchvision.transforms import autoaugment
from torchvision.transforms import functional as TF
from torchvision.transforms.functional import InterpolationMode

from bcl_core.data import operations, policies, view_colour
from bcl_core.data.view_geometry import Sampling, rotate, sampled
from tests.data.pictures import draws_for, floats, photos

FILL = 128

# Levels of 255 by which an operation may be off: torchvision cuts a blend of 8-bit images, and first its grey part.
ROUNDING = {"Brightness": 1, "Color": 2, "Contrast": 2, "Sharpness": 1.5, "AutoContrast": 1}
WARPS = ("ShearX", "ShearY", "TranslateX", "TranslateY", "Rotate")
SIGNED = ("ShearY", "TranslateX", "TranslateY", "Rotate", "Brightness", "Color", "Contrast", "Sharpness")


def applied(repertoire, name, images, magnitude, upwards=True):
    """The operation on all images, in levels of 255."""
    count = len(images)
    choice = torch.full((count,), 1 + repertoire.names.index(name))
    side = torch.full((count,), upwards)
    return 255 * chosen(repertoire, floats(images), choice, torch.full((count,), magnitude), side)


def chosen(repertoire, images, *choice):
    return operations.applied(repertoire.chosen(draws_for(len(images), images.shape[1:]), *choice), images)


# A case stands here where our code, or the number that reaches it, is another than in every other case:
#
# - strengths are neutral ± m·swing, so none, a middle one and all of it tell a line. Signed operations swing either
#   way; that the others do not, Posterize shows. Whole numbers are cut: of translations, and of Posterize's every step;
# - warps also depend on the width, but for TranslateY: an odd one has a pixel in the middle, and another shift is cut;
# - grey pictures take another branch where there is a luminance or a fill; Sharpness, AutoContrast, Equalize and
#   Contrast gather over pixels or channels; what works on each number alone sees neither channels nor width.
GATHERING = ("Contrast", "Sharpness", "AutoContrast", "Equalize")


def autoaugment_cases():
    """(name, ninths, upwards, channels, width) of each case."""
    for name in policies.AUTOAUGMENT.names:
        widths = (32, 21) if name in WARPS and name != "TranslateY" else (32,)
        if name in SIGNED:
            yield name, 0, True, 3, 32
            middle = (3, 8) if name.startswith("Translate") else (3,)
            for ninths, upwards, width in itertools.product((*middle, 9), (True, False), widths):
                yield name, ninths, upwards, 3, width
        elif name == "Posterize":
            yield from ((name, ninths, True, 3, 32) for ninths in range(10))
            yield name, 9, False, 3, 32
        elif name == "Solarize":
            yield from ((name, ninths, True, 3, 32) for ninths in (0, 5, 9))
        else:
            yield name, 0, True, 3, 32
        if name in (*WARPS, *GATHERING, "Color"):
            yield name, 9, False, 1, 32
        if name in GATHERING:
            yield name, 9, True, 3, 21


@pytest.mark.parametrize(("name", "ninths", "upwards", "channels", "width"), [*autoaugment_cases()])
def test_autoaugments_operations_are_torchvisions(name, ninths, upwards, channels, width):
    images = photos(6, channels)[..., :width]
    space = autoaugment.AutoAugment(autoaugment.AutoAugmentPolicy.CIFAR10)._augmentation_space(10, (32, width))
    magnitudes, signed = space[name]
    assert signed == (name in SIGNED)
    magnitude = float(magnitudes[ninths]) if magnitudes.ndim else 0.0
    magnitude *= -1 if signed and not upwards else 1
    theirs = autoaugment._apply_op(images, name, magnitude, InterpolationMode.NEAREST, [FILL] * channels)
    ours = applied(policies.AUTOAUGMENT, name, images, ninths / 9, upwards)
    off = (ours - theirs).abs() > ROUNDING.get(name, 0) + 1e-3
    # A point halfway between two pixels may be read from either.
    assert off.float().mean() <= (0.01 if name in WARPS else 0)


def test_autoaugments_operations_take_the_same_images_one_by_one():
    images = photos(40)
    choice = torch.arange(40) % 14
    magnitude, upwards = torch.linspace(0, 1, 40), torch.arange(40) % 3 > 0
    together = chosen(policies.AUTOAUGMENT, floats(images), choice, magnitude, upwards)
    for i in range(40):
        one = slice(i, i + 1)
        alone = chosen(policies.AUTOAUGMENT, floats(images[one]), choice[one], magnitude[one], upwards[one])
        torch.testing.assert_close(together[one], alone, rtol=0, atol=1e-6)


def randaugment_cases():
    """(name, level) by the same rule: what differs here is the strengths and the bilinear warp."""
    for name in policies.RANDAUGMENT.names:
        if name in ("AutoContrast", "Equalize", "Invert"):
            yield name, 10.0
        elif name == "Posterize":
            yield from ((name, level) for level in (0.0, 3.3, 7.0, 9.4, 10.0))
        else:
            yield from ((name, level) for level in (0.0, 3.3, 10.0))


@pytest.mark.parametrize(("name", "level"), [*randaugment_cases()])
def test_randaugments_operations_are_the_reference_codes(name, level):
    """Against torchvision's functions with the strengths of rand-m10: level / 10 of an operation's range."""
    images, m = photos(6), level / 10
    factor, warp = 0.1 + 1.8 * m, (InterpolationMode.BILINEAR, [124, 116, 104])
    expected = {
        "AutoContrast": lambda: TF.autocontrast(images),
        "Equalize": lambda: TF.equalize(images),
        "Invert": lambda: TF.invert(images),
        "Posterize": lambda: TF.posterize(images, int(m * 4)),
        "Solarize": lambda: torch.where(images.int() >= int(m * 256), 255 - images, images),
        "SolarizeAdd": lambda: torch.where(images < 128, (images.int() + int(m * 110)).clamp(max=255), images.int()),
        "Color": lambda: TF.adjust_saturation(images, factor),
        "Contrast": lambda: TF.adjust_contrast(images, factor),
        "Brightness": lambda: TF.adjust_brightness(images, factor),
        "Sharpness": lambda: TF.adjust_sharpness(images, factor),
        "Rotate": lambda: autoaugment._apply_op(images, name, 30 * m, *warp),
        "ShearX": lambda: autoaugment._apply_op(images, name, 0.3 * m, *warp),
        "ShearY": lambda: autoaugment._apply_op(images, name, 0.3 * m, *warp),
        "TranslateX": lambda: autoaugment._apply_op(images, name, 0.45 * m * 32, *warp),
        "TranslateY": lambda: autoaugment._apply_op(images, name, 0.45 * m * 32, *warp),
    }[name]()
    difference = (applied(policies.RANDAUGMENT, name, images, m) - expected).abs()
    if name in WARPS:  # torchvision weighs the image's edge with the fill twice over, so only the bulk is compared
        assert torch.quantile(difference, 0.85) <= 0.5 + 1e-3
    else:
        assert difference.max() <= ROUNDING.get(name, 0) + 1e-3


@pytest.mark.parametrize("turn", [-0.5, -0.1, -0.03, 0.0, 0.1, 0.4])
def test_hue_is_torchvisions(turn):
    images = floats(photos(6))
    images[0, :, :4] = 0.5  # no hue at all
    ours = view_colour.hue(images, torch.full((6,), turn))
    torch.testing.assert_close(ours, TF.adjust_hue(images, turn), rtol=0, atol=1e-5)


def test_grey_is_torchvisions():
    images = floats(photos(6))
    torch.testing.assert_close(view_colour.luminance(images), TF.rgb_to_grayscale(images), rtol=0, atol=1e-6)


def test_grey_pictures_have_no_saturation_and_no_hue():
    images, strength = floats(photos(6, 1)), torch.linspace(-0.5, 1.5, 6)
    for operation in (view_colour.saturation, view_colour.hue):
        assert torch.equal(operation(images, strength), images)
    assert torch.equal(operations.applied(policies.grey(draws_for(6), probability=1.0), images), images)


CLAMPING = ("Brightness", "Color", "Contrast", "Sharpness", "Posterize", "AutoContrast", "Equalize")


@pytest.mark.parametrize("name", CLAMPING)
def test_colours_slightly_outside_the_range_come_back_into_it(name):
    images = floats(photos(6)) * 1.2 - 0.1
    choice = torch.full((6,), 1 + policies.AUTOAUGMENT.names.index(name))
    result = chosen(policies.AUTOAUGMENT, images, choice, torch.linspace(0, 1, 6), torch.arange(6) > 2)
    assert result.min() >= 0
    assert result.max() <= 1


def test_rounding_errors_are_not_stretched_into_contrast():
    flat = 0.3 + 1e-7 * torch.rand(2, 3, 8, 8, generator=torch.Generator().manual_seed(0))
    torch.testing.assert_close(view_colour.autocontrast(flat, torch.zeros(2)), flat)


def test_a_faint_picture_is_stretched_as_torchvision_does():
    faint = 100 + photos(2) // 25
    ours = 255 * view_colour.autocontrast(floats(faint), torch.zeros(2))
    assert (ours - TF.autocontrast(faint)).abs().max() <= ROUNDING["AutoContrast"]


@pytest.mark.parametrize("mode", ["nearest", "bilinear"])
def test_what_lies_outside_is_of_the_fill_colour(mode):
    sampling, images = Sampling(mode, (0.2, 0.4, 0.9)), torch.zeros(2, 3, 32, 32)
    turned = rotate(torch.full((2,), 45.0), 32, 32)
    corner = sampled(images, turned, sampling.fill_of(3), mode)[:, :, 0, 0]
    torch.testing.assert_close(corner, torch.tensor([[0.2, 0.4, 0.9]]).expand(2, 3))
    corner = sampled(images[:, :1], turned, sampling.fill_of(1), mode)[:, 0, 0, 0]
    torch.testing.assert_close(corner, torch.full((2,), 0.5))
