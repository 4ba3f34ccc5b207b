"""A recipe is portable, validated and hashed; what is wrong with a setting is said in words."""

import numpy as np
import pytest
import torch

from bcl_core import registry
from bcl_core.recipe import PRESETS, RACES, Execution, Recipe, RecipeError, apply_settings, field_names, preset
from bcl_core.registry import BACKBONES, DATASETS, LOSSES, VIEWS
from bcl_core.trainer import learning_rate


def test_a_recipe_survives_its_own_json_with_its_hash():
    for entry in PRESETS.values():
        again = Recipe.parse(entry.recipe.model_dump_json())
        assert again == entry.recipe
        assert again.hash == entry.recipe.hash


def test_recipes_that_differ_in_any_setting_differ_in_hash():
    base = preset("digits-bcl")
    changed, _ = apply_settings(base, Execution(), {"loss.temperature": "0.31"})
    assert changed.hash != base.hash


def test_where_a_run_takes_place_is_no_part_of_its_recipe():
    base = preset("own-images-bcl")
    recipe, execution = apply_settings(base, Execution(), {"data.path": "photos", "threads": "2", "device": "cpu"})
    assert recipe.hash == base.hash
    assert execution.data.path is not None and execution.data.path.is_absolute()
    assert (execution.threads, execution.device) == (2, "cpu")


def test_the_presets_of_a_race_differ_in_the_loss_alone():
    for race in RACES.values():
        recipes = [preset(name) for name in race.presets]
        assert len({recipe.variant for recipe in recipes}) == len(recipes)
        assert len({recipe.model_copy(update={"loss": recipes[0].loss}).hash for recipe in recipes}) == 1


def test_the_published_recipes_warm_up_and_drop_the_rate_where_the_paper_does():
    recipe, steps = preset("cifar100-paper-400-bcl"), 40
    rates = [learning_rate(recipe, epoch * steps, steps) for epoch in (0, 5, 10, 359, 360, 380, 399)]
    np.testing.assert_allclose(rates, [0.15 / 400, 0.15 * 201 / 400, 0.15, 0.15, 0.015, 0.0015, 0.0015])
    assert (recipe.loss.classifier_weight, recipe.loss.contrastive_weight, recipe.loss.temperature) == (2, 0.6, 0.1)
    assert (recipe.data.imbalance_factor, recipe.epochs, recipe.batch_size) == (100, 400, 256)


def test_every_published_family_has_every_loss():
    for prefix, race in RACES.items():
        if "paper" in prefix or prefix in ("imagenet-lt", "inat2018"):
            variants = [preset(name).variant for name in race.presets]
            assert variants == ["ce", "ce-la", "scl", "bcl", "bcl-class"]


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"loss.temprature": "1"}, ["no setting", "loss.temprature", "loss.temperature"]),
        ({"loss.temperature": "-1"}, ["loss.temperature", "-1", "greater than or equal to 0.01"]),
        ({"loss.temperature": "nan"}, ["loss.temperature", "finite"]),
        ({"epochs": "many"}, ["epochs", "many", "integer"]),
        ({"model.backbone": "resnet9"}, ["model.backbone", "resnet9", *BACKBONES]),
        ({"loss.name": "nope"}, ["loss.name", *LOSSES]),
        ({"views": "nope"}, list(VIEWS)),
        ({"data.source": "nope"}, list(DATASETS)),
        ({"data": "digits"}, ["no setting", "data.source"]),
        ({"seed": "-1"}, ["seed", "-1"]),
        ({"device": "abacus"}, ["device", "abacus", "cpu"]),
    ],
)
def test_a_bad_setting_is_named_with_what_would_be_right(settings, words):
    with pytest.raises(RecipeError) as error:
        apply_settings(Recipe(), Execution(), settings)
    for word in words:
        assert word in str(error.value)


def test_an_unknown_preset_is_answered_with_the_known_ones():
    with pytest.raises(RecipeError, match=r"did you mean digits-bcl.*families digits, .*losses ce, "):
        preset("digits-blc")
    with pytest.raises(RecipeError, match=r"did you mean digits-bcl( or .*)?\)"):
        preset("digits-BCL")


def test_none_can_be_said_for_a_setting_that_may_be_absent():
    recipe, _ = apply_settings(Recipe(), Execution(), {"data.draw_seed": "7"})
    assert recipe.data.draw_seed == 7
    recipe, _ = apply_settings(recipe, Execution(), {"data.draw_seed": "none"})
    assert recipe.data.draw_seed is None


def test_every_registry_target_can_be_loaded():
    for table in (LOSSES, DATASETS, BACKBONES, VIEWS):
        for entry in table.values():
            loaded = entry.load()
            assert len(loaded) == 3 if table is VIEWS else callable(loaded)


def test_every_setting_has_a_dotted_name_that_can_be_set_to_its_own_value():
    recipe = Recipe()
    for name in field_names(Recipe):
        value = recipe
        for part in name.split("."):
            value = getattr(value, part)
        value = ", ".join(map(str, value)) if isinstance(value, tuple) else value
        same, _ = apply_settings(recipe, Execution(), {name: "none" if value is None else str(value)})
        assert same == recipe


WIDEST = {"ce": 90.0, "ce-la": 90.0, "scl": 180.0, "bcl": 180.0}
"""By loss: degrees that no angle between class means exceeds."""


@pytest.mark.parametrize("name", BACKBONES)
def test_features_of_our_backbones_are_not_negative_so_cross_entropy_has_no_angle_beyond_90_degrees(name):
    backbone = BACKBONES[name].load()(3)
    features = backbone(torch.randn(2, 3, 32, 32))
    assert features.min() >= 0 and features.max() > 0
    recipes = {
        loss: apply_settings(preset(f"digits-{loss}"), Execution(), {"model.backbone": name})[0] for loss in WIDEST
    }
    assert {loss: recipe.widest_angle for loss, recipe in recipes.items()} == WIDEST


def test_of_a_backbone_from_elsewhere_nothing_is_known(monkeypatch):
    monkeypatch.setitem(registry.BACKBONES, "theirs", registry.Entry("theirs", "", "my_nets:tiny"))
    assert apply_settings(preset("digits-ce"), Execution(), {"model.backbone": "theirs"})[0].widest_angle == 180
