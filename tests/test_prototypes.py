"""Prototypes as an axis: learned, the vertices of a simplex, or running means; those recorded are those of the loss."""

import copy
from dataclasses import replace

import numpy as np
import pytest
import torch

from bcl_core import geometry
from bcl_core.lab import GroupPlan
from bcl_core.lab.foreign import load_checkpoint
from bcl_core.lab.recording import _write_prediction
from bcl_core.models import build_model
from bcl_core.models.prototypes import MEMORY, RunningMeans
from bcl_core.recipe import Execution, RecipeError
from bcl_core.training import Epoch, train
from tests.conftest import small

ONE_THREAD = Execution(device="cpu", threads=1)


def epochs(recipe, **how):
    events = train(recipe, ONE_THREAD, **how)
    return [replace(event, state=copy.deepcopy(event.state)) for event in events if isinstance(event, Epoch)]


@pytest.mark.parametrize("loss", ["bcl", "class-complement", "ntce", "nonl"])
def test_simplex_prototypes_stand_on_a_regular_simplex_and_stay(loss):
    first, *_, last = epochs(small(loss__name=loss, loss__prototypes="simplex", epochs=1))
    angles = geometry.pairwise_angles(last.view["prototypes"])
    apart = ~np.eye(10, dtype=bool)
    np.testing.assert_allclose(angles[apart], geometry.simplex_angle(10), atol=1e-3)
    np.testing.assert_array_equal(first.view["prototypes"], last.view["prototypes"])
    np.testing.assert_array_equal(last.view["batch_prototypes"], last.view["prototypes"].astype(np.float16))


def test_running_means_are_those_of_the_features_that_the_steps_were_made_with():
    torch.manual_seed(0)
    means = RunningMeans(3, (8, 8, 4), norm=False)
    random = means(torch.empty(3, 8))
    one, two = torch.randn(2, 3, 2, 4).unbind()
    means.remember(one, torch.tensor([0, 0, 1]))
    torch.testing.assert_close(means.means[0], one[:2].mean(dim=(0, 1)))  # the first sight of a class is taken whole
    torch.testing.assert_close(means.means[1], one[2].mean(dim=0))
    torch.testing.assert_close(means.means[2], random[2])
    means.remember(two, torch.tensor([0, 0, 0]))
    expected = MEMORY * one[:2].mean(dim=(0, 1)) + (1 - MEMORY) * two.mean(dim=(0, 1))
    torch.testing.assert_close(means.means[0], expected)
    torch.testing.assert_close(means.means[1], one[2].mean(dim=0))
    assert means.seen.tolist() == [True, True, False]
    assert not list(means.parameters())


def test_running_means_come_to_lie_at_the_class_means():
    last = epochs(small(loss__prototypes="means", epochs=12))[-1]
    cosines = (last.view["prototypes"] * last.view["class_means"]).sum(axis=1)
    cosines /= np.linalg.norm(last.view["class_means"], axis=1) * np.linalg.norm(last.view["prototypes"], axis=1)
    assert cosines[:3].min() > 0.8


@pytest.mark.parametrize("settings", [{"loss__prototypes": "means"}, {"loss__name": "proco"}])
def test_a_run_with_such_a_state_goes_on_as_if_never_interrupted(settings):
    recipe = small(epochs=4, **settings)
    whole = epochs(recipe)
    rest = epochs(recipe, state=copy.deepcopy(whole[2].state))
    assert [epoch.metrics for epoch in rest] == [epoch.metrics for epoch in whole[3:]]
    for one, other in zip(whole[3:], rest, strict=True):
        for part in ("model", "loss"):
            assert one.state[part].keys() == other.state[part].keys()
            assert all(torch.equal(one.state[part][name], tensor) for name, tensor in other.state[part].items())


def test_fixed_prototypes_change_nothing_of_the_encoder_that_a_run_starts_from():
    learned = build_model(small(), 1, 10).state_dict()
    for prototypes in ("simplex", "means"):
        fixed = build_model(small(loss__prototypes=prototypes), 1, 10).state_dict()
        assert not any(name.startswith("prototype_mlp") for name in fixed)
        for name in learned.keys() & fixed.keys():
            assert torch.equal(learned[name], fixed[name]), name


def test_a_simplex_that_has_no_room_is_refused_before_training():
    with pytest.raises(RecipeError, match=r"10 classes need 9 dimensions, and model\.projection_dim is 8"):
        next(train(small(loss__prototypes="simplex", model__projection_dim=8), ONE_THREAD))
    next(train(small(loss__prototypes="simplex", model__projection_dim=9), ONE_THREAD))


@pytest.mark.parametrize("loss", ["scl", "class-averaging", "proco", "ce"])
def test_a_loss_without_prototypes_takes_none(loss):
    with pytest.raises(RecipeError, match=r"loss\.prototypes.*should be learned: the loss .* contrasts with no"):
        small(loss__name=loss, loss__prototypes="simplex")


def test_variants_and_titles_say_which_prototypes():
    found = {
        (prototypes, anchors): small(loss__prototypes=prototypes, loss__anchors=anchors)
        for prototypes in ("learned", "simplex", "means")
        for anchors in ("instance", "class")
    }
    assert [recipe.variant for recipe in found.values()] == [
        "bcl",
        "bcl-class",
        "bcl-simplex",
        "bcl-class-simplex",
        "bcl-means",
        "bcl-class-means",
    ]
    assert found["simplex", "instance"].title == "BCL, fixed simplex prototypes"
    assert found["means", "class"].title == "BCL, class anchors, running-mean prototypes"


def predicted(lab, **settings):
    """The class means at which a recipe's loss is predicted to end; None where nothing is."""
    recipe = small(**settings)
    [run_id] = lab.enqueue(GroupPlan("one", [("run", recipe)]))
    folder = lab.folder(run_id)
    _write_prediction(folder, recipe, np.array([8, 4, 2, 2]))
    return folder.arrays(folder.predicted)["class_means"] if folder.predicted.exists() else None


@pytest.mark.parametrize("loss", ["proco", "ntce", "nonl", "ce"])
def test_no_optimum_is_predicted_of_a_loss_without_weights_over_pairs(lab, loss):
    assert predicted(lab, loss__name=loss) is None


@pytest.mark.parametrize("prototypes", ["learned", "simplex"])
def test_the_optimum_is_predicted_of_the_prototypes_that_are_trained_with(lab, prototypes):
    expected = geometry.optimal_configuration(
        [8, 4, 2, 2],
        class_averaging=True,
        class_complement=True,
        temperature=0.3,
        batch_size=16,
        prototypes=prototypes,
        dim=32,
    )
    found = predicted(lab, loss__prototypes=prototypes)
    np.testing.assert_allclose(geometry.pairwise_angles(found), geometry.pairwise_angles(expected.means), atol=1e-6)


def test_no_optimum_is_predicted_of_running_means_which_training_takes_as_constants(lab):
    assert predicted(lab, loss__prototypes="means") is None


@pytest.mark.parametrize("prototypes", ["simplex", "means"])
def test_weights_of_such_a_model_are_brought_back_whole(tmp_path, prototypes):
    recipe = small(loss__prototypes=prototypes, epochs=1)
    weights = epochs(recipe)[-1].state["model"]
    torch.save(weights, tmp_path / "model.pt")
    imported = load_checkpoint(tmp_path / "model.pt", arch=None, base=recipe)
    assert imported.recipe.variant == f"bcl-{prototypes}" and not imported.drawn_anew
    for name, tensor in weights.items():
        assert torch.equal(imported.weights[name], tensor), name
    elsewhere = load_checkpoint(tmp_path / "model.pt", arch=None, base=small())
    assert elsewhere.recipe.variant == "bcl"
    assert elsewhere.drawn_anew == ("prototype MLP",)
    assert any(name.startswith("fixed_prototypes.") for name in elsewhere.ignored)


def test_a_file_with_a_prototype_mlp_is_one_of_learned_prototypes(tmp_path):
    torch.save(build_model(small(), 1, 10).state_dict(), tmp_path / "model.pt")
    imported = load_checkpoint(tmp_path / "model.pt", arch=None, base=small(loss__prototypes="means"))
    assert imported.recipe.variant == "bcl" and not imported.drawn_anew and not imported.ignored
