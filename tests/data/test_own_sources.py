"""A source of one's own that is not as it should be: refused in words that say what would be right."""

from typing import Any

import numpy as np
import pytest

from bcl_core import registry
from bcl_core.data.dataset import prepare
from bcl_core.data.source import Source
from bcl_core.recipe import RecipeError
from bcl_core.registry import DatasetEntry
from tests.conftest import small

LABELS = np.repeat(np.arange(3), 30)


class Noise(Source):
    """Three classes of noise, as a source should be."""

    class_names = ("a", "b", "c")

    def __init__(self, opening: Any) -> None:
        self.train_labels, self.test_labels = LABELS, LABELS

    def images(self, split, indices):
        return np.random.default_rng(0).integers(0, 255, (len(indices), 1, 8, 8)).astype(np.uint8)


class OneName(Noise):
    class_names = ("a",)


class Nameless(Source):
    def __init__(self, opening: Any) -> None:
        self.train_labels = LABELS


class Floats(Noise):
    def images(self, split, indices):
        return super().images(split, indices) / 255


class ChannelsLast(Noise):
    def images(self, split, indices):
        return super().images(split, indices).transpose(0, 2, 3, 1)


class TooFew(Noise):
    def images(self, split, indices):
        return super().images(split, indices[1:])


class Unreadable(Noise):
    def images(self, split, indices):
        raise FileNotFoundError("17.png is gone")


class Unopened(Noise):
    def __init__(self, opening: Any) -> None:
        raise KeyError("root")


def labelled(labels: Any) -> type[Noise]:
    """Return a source with these labels of its training images."""
    return type("Labelled", (Noise,), {"__init__": lambda self, _: self.__dict__.update(train_labels=labels)})


WRONG = {
    "has 1 class_names; expected 2 or more": OneName,
    "cannot be opened: AttributeError: .*class_names": Nameless,
    r"of shape \(90, 1, 8, 8\) and type float64 for 90 indices; expected \(90, C, H, W\) of uint8": Floats,
    r"of shape \(90, 8, 8, 1\) and type uint8 .*with 1 or 3 channels": ChannelsLast,
    r"of shape \(89, 1, 8, 8\).*for 90 indices": TooFew,
    "failed: FileNotFoundError: 17.png is gone": Unreadable,
    "cannot be opened: KeyError: 'root'": Unopened,
    "has train_labels from 0 to 4; expected 0 to 2, the places in class_names": labelled(LABELS * 2),
    "has train_labels from 1 to 3; expected 0 to 2": labelled(LABELS + 1),
    r"has train_labels of shape \(90,\) and type float64; expected \(N,\) whole numbers": labelled(LABELS / 1),
    r"has train_labels of shape \(90,\) and type <U1; expected": labelled(np.array(["a", "b", "c"])[LABELS]),
}


@pytest.fixture
def offered(monkeypatch):
    def offer(source: type[Source]) -> Any:
        entry = DatasetEntry("mine", "", f"{__name__}:{source.__name__}", needs_path=False, guide="")
        monkeypatch.setattr(DatasetEntry, "load", lambda _: source)
        monkeypatch.setitem(registry.DATASETS, "mine", entry)
        natural = {"data__imbalance_kind": "natural", "data__max_per_class": None, "data__test_per_class": 30}
        return prepare(small("digits-bcl", data__source="mine", **natural))

    return offer


def test_a_source_that_is_as_it_should_be_is_read(offered):
    assert offered(Noise).class_counts.tolist() == [30] * 3


@pytest.mark.parametrize("said", WRONG)
def test_a_source_that_is_not_is_refused_with_its_name_and_what_would_be_right(offered, said):
    source = WRONG[said]
    with pytest.raises(RecipeError, match=f'data.source is "mine": {__name__}:{source.__name__} .*{said}'):
        offered(source)
