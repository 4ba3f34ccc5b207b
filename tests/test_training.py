"""Training is an iterator whose numbers depend on the recipe alone."""

import itertools
from functools import cache

import numpy as np
import pytest
import torch

from bcl_core import evaluation
from bcl_core.data.dataset import Dataset, Split, prepare
from bcl_core.evaluation import TrainingDiverged
from bcl_core.losses import contrastive_statistics
from bcl_core.models import build_model
from bcl_core.recipe import Execution, apply_settings
from bcl_core.trainer import learning_rate
from bcl_core.training import Epoch, Started, Step, train
from tests.conftest import small

TERMS = {"features": np.float32, "labels": np.int64, "prototypes": np.float32}
ONE_THREAD = Execution(device="cpu", threads=1)


def epochs_of(events):
    return [event for event in events if isinstance(event, Epoch)]


@cache
def undisturbed(preset="digits-bcl"):
    """The epochs of a small run that was trained alone, for all who compare with it."""
    return epochs_of(train(small(preset), ONE_THREAD))


def assert_same_numbers(one, other):
    assert [e.epoch for e in one] == [e.epoch for e in other]
    for a, b in zip(one, other, strict=True):
        assert a.metrics == b.metrics
        for name in a.view:
            np.testing.assert_array_equal(a.view[name], b.view[name])


def test_events_come_as_started_then_epoch_zero_then_steps_and_epochs():
    events = list(train(small(epochs=2), ONE_THREAD))
    assert isinstance(events[0], Started)
    assert isinstance(events[1], Epoch) and events[1].epoch == 0
    kinds = [type(event) for event in events[2:]]
    assert kinds == [Step] * 5 + [Epoch] + [Step] * 5 + [Epoch]


@pytest.mark.parametrize("preset", ["digits-scl", "digits-bcl", "digits-bcl-class"])
def test_two_runs_of_one_recipe_are_bitwise_equal(preset):
    assert_same_numbers(epochs_of(train(small(preset), ONE_THREAD)), undisturbed(preset))


def test_runs_pulled_in_turn_give_the_numbers_of_runs_alone():
    presets = ["digits-scl", "digits-bcl"]
    streams = [train(small(preset), ONE_THREAD) for preset in presets]
    in_turn = [[], []]
    for events in itertools.zip_longest(*streams):
        for place, event in enumerate(events):
            if isinstance(event, Epoch):
                in_turn[place].append(event)
    for preset, epochs in zip(presets, in_turn, strict=True):
        assert_same_numbers(undisturbed(preset), epochs)


def test_other_users_of_torchs_generator_change_nothing():
    disturbed = []
    for event in train(small(), ONE_THREAD):
        torch.rand(7)
        if isinstance(event, Epoch):
            disturbed.append(event)
    assert_same_numbers(undisturbed(), disturbed)


def test_training_leaves_torchs_generator_as_it_was():
    torch.manual_seed(3)
    before = torch.get_rng_state()
    list(train(small(epochs=1), ONE_THREAD))
    assert torch.equal(before, torch.get_rng_state())


def test_going_on_from_a_state_ends_with_the_same_numbers():
    import copy

    whole, state = [], None
    for event in train(small(epochs=4), ONE_THREAD):
        if isinstance(event, Epoch):
            whole.append(event)
            if event.epoch == 2:
                state = copy.deepcopy(event.state)
    rest = epochs_of(train(small(epochs=4), ONE_THREAD, state=state))
    assert_same_numbers(whole[3:], rest)


def test_losses_start_from_the_same_encoder_and_see_the_same_start():
    scl, bcl = (build_model(small(name), 1, 10) for name in ("digits-scl", "digits-bcl-class"))
    for a, b in zip(scl.state_dict().values(), bcl.state_dict().values(), strict=True):
        assert torch.equal(a, b)
    starts = [
        epochs_of(itertools.islice(train(small(name), ONE_THREAD), 2))[0] for name in ("digits-scl", "digits-bcl")
    ]
    np.testing.assert_array_equal(starts[0].view["class_means"], starts[1].view["class_means"])


def test_looking_before_training_changes_no_weight():
    recipe = small()
    fresh = build_model(recipe, 1, 10).state_dict()
    zero = epochs_of(itertools.islice(train(recipe, ONE_THREAD), 2))[0]
    for name, weight in zero.state["model"].items():
        assert torch.equal(weight, fresh[name]), name


def test_metrics_have_the_promised_keys_and_ranges():
    for epoch in undisturbed():
        metrics = epoch.metrics
        assert 0 <= metrics["accuracy"] <= 1
        assert len(metrics["accuracy_per_class"]) == 10
        assert metrics["accuracy"] == pytest.approx(np.mean(metrics["accuracy_per_class"]))
        for name in ("angle_mean", "angle_rms_deviation", "angle_tail_tail", "angle_head_head", "loss"):
            assert np.isfinite(metrics[name])
        for value in metrics.values():
            assert value is None or isinstance(value, list) or np.isfinite(value)


def of_the_test_images(settings):
    """Train a little; return the metrics, then h (N, d_h), labels, predictions of the test images, and W (K, d_h)."""
    recipe = apply_settings(small(epochs=3), ONE_THREAD, settings)[0]
    dataset = prepare(recipe)
    epoch = epochs_of(train(recipe, ONE_THREAD, dataset=dataset))[-1]
    model = build_model(recipe, 1, 10).eval()
    model.load_state_dict(epoch.state["model"])
    pixels = torch.from_numpy(dataset.test.images) / dataset.pixel_max
    with torch.no_grad():
        h = model((pixels - dataset.mean.item()) / dataset.std.item())
        predictions = model.logits(h).argmax(1).numpy()
        W = model.classifier.detach()
    return epoch.metrics, h.double().numpy(), dataset.test.labels, predictions, W.double().numpy()


@pytest.mark.parametrize("classifier", ["cosine", "linear"])
def test_nc3_and_nc4_are_of_the_classifier_that_predicts(classifier):
    """Slowly and by hand: rows of a cosine classifier count by their direction alone, a linear one has its bias."""
    metrics, h, labels, predictions, W = of_the_test_images({"model.classifier": classifier, "optimiser.lr": 0.5})
    if classifier == "cosine":
        W = W / np.linalg.norm(W, axis=1, keepdims=True)
    means = np.array([h[labels == k].mean(0) for k in range(10)])
    nearest = ((h[:, None] - means) ** 2).sum(2).argmin(1)
    assert metrics["nc4"] == pytest.approx((nearest != predictions).mean(), abs=0.006)  # two images of 400
    centred = means - means.mean(0)
    apart = W / np.linalg.norm(W) - centred / np.linalg.norm(centred)
    assert metrics["nc3"] == pytest.approx((apart**2).sum(), rel=1e-3)


def test_a_batch_of_each_epoch_is_kept_as_the_loss_saw_it():
    """The members are images of its classes, and one step's statistics follow from the kept vectors alone."""
    started, *events = train(small(epochs=1, batch_size=360), ONE_THREAD)  # one step an epoch, so one batch
    view, samples, loss = epochs_of(events)[-1].view, started.samples, small().loss
    np.testing.assert_array_equal(samples.labels[view["batch_samples"]], view["batch_labels"])
    np.testing.assert_allclose(np.linalg.norm(view["batch_features"].astype(float), axis=2), 1, atol=1e-3)
    found = contrastive_statistics(
        *(torch.from_numpy(view[f"batch_{name}"].astype(kind)) for name, kind in TERMS.items()),
        num_classes=10,
        validate=False,
        **loss.switches,
    )
    mass = (found.mass / found.anchor_count[:, None]).numpy()
    np.testing.assert_allclose(mass, view["gradient_mass"], rtol=0.02, atol=1e-5)  # kept in half precision


def test_a_batch_that_is_too_large_to_keep_at_every_epoch_is_not_kept(monkeypatch):
    monkeypatch.setattr(evaluation, "BATCH_BYTES", 1000)
    assert not [name for name in epochs_of(train(small(), ONE_THREAD))[-1].view if name.startswith("batch")]


def test_mass_in_a_snapshot_sums_to_one_over_the_classes():
    for preset in ("digits-scl", "digits-bcl", "digits-bcl-class"):
        for epoch in epochs_of(train(small(preset, epochs=1), ONE_THREAD)):
            rows = epoch.view["gradient_mass"].sum(axis=1)
            np.testing.assert_allclose(rows[np.isfinite(rows)], 1, atol=1e-5)


def test_a_run_that_diverges_says_so():
    exploding = small(optimiser__lr=10, optimiser__weight_decay=1, optimiser__warmup_steps=0, epochs=40)
    with pytest.raises(TrainingDiverged, match=r"in epoch \d+: a smaller learning rate \(optimiser\.lr\)"):
        list(train(exploding, ONE_THREAD))


def test_the_rate_warms_up_linearly_then_falls_to_zero():
    recipe = small(epochs=10, optimiser__warmup_steps=20)
    rates = [learning_rate(recipe, step, 5) for step in range(50)]
    np.testing.assert_allclose(rates[:20], 0.1 * np.arange(1, 21) / 20)
    assert all(a >= b for a, b in itertools.pairwise(rates[19:]))
    assert learning_rate(recipe, 50, 5) == pytest.approx(0, abs=1e-12)


def many_classes(num_classes, per_class=2):
    """A dataset of noise with more classes than statistics are kept for one by one."""
    labels = np.repeat(np.arange(num_classes), per_class)
    images = np.random.default_rng(0).integers(0, 17, (len(labels), 1, 8, 8), dtype=np.uint8)
    split = Split(images, labels, np.arange(len(labels)))
    names = tuple(str(k) for k in range(num_classes))
    return Dataset(split, split, names, 16, np.zeros(1, np.float32), np.ones(1, np.float32))


def test_above_256_classes_gradient_statistics_are_kept_in_frequency_bins():
    [_, epoch] = epochs_of(train(small(epochs=1), ONE_THREAD, dataset=many_classes(300)))
    assert epoch.view["pair_push"].shape == (256, 256)
    assert epoch.view["class_means"].shape[0] == 300
    assert epoch.metrics["tail_push_share"] is None
    assert epoch.view["pair_push"].sum() == pytest.approx(2, abs=1e-4)
