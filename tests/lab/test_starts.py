"""A run starts from drawn weights, or from backbone and classifier of another; what does not fit is said beforehand."""

import json

import numpy as np
import pytest
import torch

from bcl_core.lab import GroupPlan, Lab, LabError
from bcl_core.lab.checkpoints import read_start, read_state
from bcl_core.lab.recording import OpenRun
from bcl_core.models import build_model, start_from
from bcl_core.recipe import Execution, RecipeError, preset
from bcl_core.training import Epoch, train
from harness.serving import ROOT
from tests.conftest import small

ONE_THREAD = Execution(device="cpu", threads=1)
START = "digits-ce-la"
WARM = small(epochs=2, model__start=START)


def opened(lab: Lab, recipe=WARM) -> tuple[str, OpenRun]:
    run_id, lock = lab.enqueue_here("warm", recipe, ONE_THREAD)
    return run_id, OpenRun(lab, run_id, lock)


def test_backbone_and_classifier_are_the_other_run_s_and_the_heads_are_drawn_as_ever(lab):
    run_id, run = opened(lab)
    run.advance(lambda: True)  # epoch 0: before training
    run.close()
    here, there, cold = read_state(lab, run_id).model, read_state(lab, START).model, build_model(small(), 1, 10)
    taken = {name for name in here if name in there and torch.equal(here[name], there[name])}
    assert {name for name in here if name.startswith("backbone.") or name == "classifier"} <= taken
    heads = [name for name in here if name.startswith(("projection.", "prototype_mlp."))]
    assert heads and all(torch.equal(here[name], cold.state_dict()[name]) for name in heads)


def test_where_it_started_is_in_its_words_and_with_the_checksum_of_those_weights_in_its_provenance(lab):
    run_id, run = opened(lab)
    start = read_start(lab, WARM)
    run.advance(lambda: True)
    assert lab.run(run_id).provenance["start"] == f"{START}, {start.digest}"
    run.close()
    again = OpenRun(lab, *lab.take_up(run_id))  # from its checkpoint
    while again.advance(lambda: True):
        pass
    assert lab.run(run_id).provenance["start"] == f"{START}, {start.digest}"
    assert START in WARM.in_words and START not in small().in_words


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"model__start": "261111-0000000000"}, "there is no run '261111-0000000000'"),
        ({"model__backbone": "resnet20"}, "its backbone is ResNet-8, and here it is ResNet-20"),
        ({"model__classifier": "linear"}, "its classifier is cosine, and here it is linear"),
        ({"data__image_size": 16}, "its input size in pixels is 8, and here it is 16"),
        ({"data__source": "cifar10", "data__image_size": 8}, "its number of channels is 1, and here it is 3"),
        ({"data__source": "cifar100"}, "its input size in pixels is 8, and here it is 32"),
    ],
)
def test_a_start_that_is_missing_or_does_not_fit_is_said_before_anything_is_entered(lab, settings, words):
    recipe = small(**{"model__start": START, **settings})
    with pytest.raises(LabError, match=words):
        lab.enqueue(GroupPlan("race", [("cold", small()), ("warm", recipe)]))
    with pytest.raises(LabError, match="cannot start from"):
        lab.enqueue_here("warm", recipe, ONE_THREAD)
    assert not lab.runs() and not [*(lab.home / "runs").iterdir()]


def test_a_run_that_has_not_finished_is_no_start(lab):
    [first] = lab.enqueue(GroupPlan("race", [("first", small())]))
    with pytest.raises(LabError, match=r"'first' .* which is queued: let it finish first"):
        lab.enqueue(GroupPlan("race", [("warm", small(model__start=first))]))


def test_other_classes_than_the_start_s_are_said_when_the_data_are_there(lab):
    model = build_model(small(), 1, 5)
    with pytest.raises(RecipeError, match="its classifier is 10 × 64, and here it is 5 × 64"):
        start_from(model, read_state(lab, START).model, START)


def test_training_alone_asks_for_the_weights_and_gives_the_numbers_of_the_lab(lab):
    with pytest.raises(RecipeError, match=f"model.start is {START}: its weights are needed"):
        next(train(WARM, ONE_THREAD))
    start = read_start(lab, WARM)
    [first, *_] = (event for event in train(WARM, ONE_THREAD, start=start.weights) if isinstance(event, Epoch))
    _, run = opened(lab)
    epoch = run.advance(lambda: True)
    run.close()
    np.testing.assert_equal(dict(first.metrics), dict(epoch.metrics))
    assert first.metrics["accuracy"] > 0.5  # an untrained one knows a tenth


def test_the_live_study_started_from_the_weights_that_are_on_the_shelf(lab):
    start = read_start(lab, preset("cifar10-live-bcl"))
    runs = json.loads((ROOT / "docs" / "live.json").read_text(encoding="utf-8"))["runs"]
    assert {run["encoder"] for run in runs if run["start"] == "warm"} == {start.digest}


def test_a_start_is_random_or_the_id_of_a_run():
    with pytest.raises(RecipeError, match=r'model\.start is "../x": should be random, or the id of a run'):
        small(model__start="../x")
    assert small(model__start="random").hash == small().hash != WARM.hash
