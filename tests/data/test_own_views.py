"""Views of one's own that are not as they should be: said in words, by the name of the strategy."""

import pytest

from bcl_core.data.views import AFFINE_NOISE, View
from bcl_core.lab import LabError
from bcl_core.lab.checks import import_own
from bcl_core.recipe import Execution, RecipeError
from bcl_core.registry import VIEWS, ViewsEntry
from bcl_core.training import train
from tests.conftest import small


class Halved:
    def apply(self, images):
        return images[..., ::2]


def two():
    return AFFINE_NOISE, AFFINE_NOISE


def none():
    return None


def of_numbers():
    return AFFINE_NOISE, View(lambda draws: (1,)), AFFINE_NOISE


def undrawn():
    return AFFINE_NOISE, View(lambda draws: draws.nothing()), AFFINE_NOISE


def halved():
    return (View(lambda draws: (Halved(),)),) * 3


@pytest.mark.parametrize("name", ["two", "none"])
def test_what_are_not_three_views_are_refused_before_a_run_is_queued(monkeypatch, name):
    monkeypatch.setitem(VIEWS, "mine", ViewsEntry("mine", "Of a test.", f"{__name__}:{name}"))
    with pytest.raises(LabError, match=f'views is "mine": {__name__}:{name} .*it should return three'):
        import_own(["views=mine"])


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("of_numbers", "failed: AttributeError: 'int'"),
        ("undrawn", "failed: AttributeError: 'Draws'"),
        ("halved", r"made shape \(\d+, 1, 8, 4\) of images of shape \(\d+, 1, 8, 8\): should keep it"),
    ],
)
def test_views_that_fail_are_named(monkeypatch, name, said):
    monkeypatch.setitem(VIEWS, "mine", ViewsEntry("mine", "Of a test.", f"{__name__}:{name}"))
    with pytest.raises(RecipeError, match=f'^views is "mine": {__name__}:{name} {said}'):
        list(train(small("digits-bcl", epochs=1, views="mine"), Execution(device="cpu", threads=1)))
