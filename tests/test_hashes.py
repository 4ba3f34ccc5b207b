"""A recipe has the hash that the first release gave it, whatever fields were added since."""

import pytest
from pydantic import Field

from bcl_core.recipe import PRESETS, LossRecipe, Recipe, Recorded, hashes
from bcl_core.recipe.fields import Section

# Computed by the code of commit 40867df. A literal that fails here says that links and shelves of today would break.
GOLDEN = {
    "digits-ce": "28d50ece4b27f8c9",
    "digits-ce-la": "e25af6233d766ed9",
    "digits-scl": "33b32310b0049c45",
    "digits-bcl": "f0a3a069670d7ba0",
    "digits-bcl-class": "bcc759081711863a",
    "own-images-ce": "a282a50bee30ec03",
    "own-images-ce-la": "55c8d167454bd60e",
    "own-images-scl": "b44ba7c956ff58eb",
    "own-images-bcl": "c0dc709522ff3a54",
    "own-images-bcl-class": "ceedd73f8b3fb0dd",
    "cifar10-paper-ce": "2ab49ed2b4a7ec93",
    "cifar10-paper-ce-la": "3a213645d47281b1",
    "cifar10-paper-scl": "0911b7dd47fa7d6b",
    "cifar10-paper-bcl": "fdf62fa02a68afea",
    "cifar10-paper-bcl-class": "e523c7bfc02809ad",
    "cifar10-paper-if50-ce": "fa1762722641e2c1",
    "cifar10-paper-if50-ce-la": "cbe73165d1872f53",
    "cifar10-paper-if50-scl": "31150d302295c85b",
    "cifar10-paper-if50-bcl": "6fa2086cef6c9166",
    "cifar10-paper-if50-bcl-class": "ae476e10c00f9d90",
    "cifar10-paper-if10-ce": "abf1b08d3ca8c9c3",
    "cifar10-paper-if10-ce-la": "92cd7aee875f7d5d",
    "cifar10-paper-if10-scl": "8f5aed7850f021ca",
    "cifar10-paper-if10-bcl": "c75e015ebbdcc9f1",
    "cifar10-paper-if10-bcl-class": "b02173d0f9dd3bee",
    "cifar10-paper-400-ce": "56620606d095c404",
    "cifar10-paper-400-ce-la": "8d226bbfe44ff3cd",
    "cifar10-paper-400-scl": "02e7fa819c5ade6c",
    "cifar10-paper-400-bcl": "f05d39188065b275",
    "cifar10-paper-400-bcl-class": "19851e485d9acb02",
    "cifar10-paper-if50-400-ce": "870ebdf5a78135cc",
    "cifar10-paper-if50-400-ce-la": "f6cfdf7326af8b2e",
    "cifar10-paper-if50-400-scl": "0b0c0aa40d75f8d6",
    "cifar10-paper-if50-400-bcl": "455e69c2d98ac726",
    "cifar10-paper-if50-400-bcl-class": "144f1f8685f45325",
    "cifar10-paper-if10-400-ce": "fd42e5aa67d7f25c",
    "cifar10-paper-if10-400-ce-la": "4aa37df4278769c1",
    "cifar10-paper-if10-400-scl": "db0027f30040061e",
    "cifar10-paper-if10-400-bcl": "02b7b204f58825e1",
    "cifar10-paper-if10-400-bcl-class": "cf320cd0926f3036",
    "cifar100-paper-ce": "4e9be7bf76dfd442",
    "cifar100-paper-ce-la": "dbec2850e154d02a",
    "cifar100-paper-scl": "65c31eab3e469ee5",
    "cifar100-paper-bcl": "56289f312ae0eac5",
    "cifar100-paper-bcl-class": "d954a779d56c8351",
    "cifar100-paper-if50-ce": "cae0b7e392c57648",
    "cifar100-paper-if50-ce-la": "5795664b98d5b375",
    "cifar100-paper-if50-scl": "8c85bc70711b9cdf",
    "cifar100-paper-if50-bcl": "30ab4d27c0c79fc7",
    "cifar100-paper-if50-bcl-class": "b8411182ca2efbae",
    "cifar100-paper-if10-ce": "0b802bceff39d64f",
    "cifar100-paper-if10-ce-la": "f6aad5bcf23441e5",
    "cifar100-paper-if10-scl": "e36b9ed373763bf4",
    "cifar100-paper-if10-bcl": "60e0d6a7a5ed03fb",
    "cifar100-paper-if10-bcl-class": "40595f481caf1498",
    "cifar100-paper-400-ce": "aca3e31d72dfb2f5",
    "cifar100-paper-400-ce-la": "bc37b9d87d3fefff",
    "cifar100-paper-400-scl": "7a9176ba3e03f60a",
    "cifar100-paper-400-bcl": "b8913ffa24ff57af",
    "cifar100-paper-400-bcl-class": "b474b2c31b138f11",
    "cifar100-paper-if50-400-ce": "eb492c1226274a56",
    "cifar100-paper-if50-400-ce-la": "5fd8405c6cfbc5bc",
    "cifar100-paper-if50-400-scl": "72389b5fd2b70c04",
    "cifar100-paper-if50-400-bcl": "92b8c59882395ef5",
    "cifar100-paper-if50-400-bcl-class": "0232abb069e21028",
    "cifar100-paper-if10-400-ce": "3d12ac3c7c8ec5bd",
    "cifar100-paper-if10-400-ce-la": "434fb03c285ac582",
    "cifar100-paper-if10-400-scl": "dd0c621a67920fa6",
    "cifar100-paper-if10-400-bcl": "672ba5b735d52f22",
    "cifar100-paper-if10-400-bcl-class": "ca49fb70121534c6",
    "imagenet-lt-ce": "f58a07e565f48ef4",
    "imagenet-lt-ce-la": "2ff73e343a3a3507",
    "imagenet-lt-scl": "1ac20e13d1103b2f",
    "imagenet-lt-bcl": "a6125e6f363702f3",
    "imagenet-lt-bcl-class": "46b573b7fb64dc8d",
    "inat2018-ce": "b8468d5a54c5ed0d",
    "inat2018-ce-la": "d80d08e2bba5f0ad",
    "inat2018-scl": "cd7e8b531a9c095e",
    "inat2018-bcl": "8765cd18fcc1dc9e",
    "inat2018-bcl-class": "ae91a101939478d1",
}


@pytest.mark.parametrize("name", GOLDEN)
def test_a_preset_has_the_hash_that_it_always_had(name):
    assert PRESETS[name].recipe.hash == GOLDEN[name]


def test_what_is_recorded_has_the_hash_that_it_always_had():
    assert Recorded(title="mine").hash == "d87bd9944d6a2fd3"
    assert Recorded(title="mine", space="penultimate", epochs=7).hash == "166a9b0c519e2c09"
    assert Recorded(title="mine", epochs=7).hash == Recorded(title="mine").hash


class Schedule(Section):
    """A section that a later version might add."""

    start: int = 0
    shape: str = "linear"


class LaterLoss(LossRecipe):
    """With a field that a later version might add."""

    margin: float = 0.0


class LaterRecipe(Recipe):
    """A recipe of a later version: a section, a field of a section, and one of its own."""

    schedule: Schedule = Schedule()
    loss: LaterLoss = LaterLoss()
    sampler: str = Field(default_factory=lambda: "instance")


class LaterRecorded(Recorded):
    """What is recorded, with a field that a later version might add."""

    layer: str | None = None


def test_a_later_field_at_its_default_leaves_the_hash_as_it_was():
    assert LaterRecipe().hash == Recipe().hash == GOLDEN["digits-bcl"]
    assert LaterRecipe.parse(Recipe().model_dump_json()).hash == Recipe().hash
    assert LaterRecorded(title="mine").hash == Recorded(title="mine").hash


def test_a_later_field_that_is_set_gives_another_hash():
    later = [
        LaterRecipe(),
        LaterRecipe(sampler="class"),
        LaterRecipe(loss=LaterLoss(margin=0.1)),
        LaterRecipe(schedule=Schedule(start=1)),
        LaterRecipe(schedule=Schedule(start=2)),
    ]
    assert len({recipe.hash for recipe in later}) == len(later)
    assert LaterRecorded(title="mine", layer="fc").hash != LaterRecorded(title="mine").hash


def test_a_field_of_the_first_release_counts_also_where_it_stands_at_its_default():
    """So that a default can change without two recipes of one hash."""
    assert hashes.hash_of(Recipe(), hashes.RECIPE) != hashes.hash_of(Recipe(), hashes.RECIPE - {"seed"})
