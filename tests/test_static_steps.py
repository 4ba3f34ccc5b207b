"""A GPU's step, as far as it can be known without one: what it computes and launches, and that it waits for nothing."""

import copy
from collections import defaultdict
from contextlib import contextmanager, nullcontext

import numpy as np
import pytest
import torch
from torch import nn
from torch.utils._pytree import tree_map_only

from bcl_core import capture, evaluation, trainer
from bcl_core.capture import Mailbox, left_as_they_were, recompute_activations
from bcl_core.data.dataset import Dataset, Split
from bcl_core.data.views import apply_views, draw_views
from bcl_core.hardware import Hardware
from bcl_core.models import build_model
from bcl_core.randomness import keyed
from bcl_core.recipe import Execution, RecipeError, apply_settings, preset
from bcl_core.registry import LOSSES, VIEWS
from tests.counting import Counted
from tests.data.pictures import floats, photos

CPU, META = torch.device("cpu"), torch.device("meta")


def pictures(channels=3, size=32, count=40):
    labels = np.sort(np.arange(count) % 4)
    split = Split(photos(count, channels, size).numpy(), labels, np.arange(count))
    ones = np.full(channels, 0.5, np.float32)
    return Dataset(split, split, ("a", "b", "c", "d"), 255, ones, ones)


def recipe_of(loss="bcl", **settings):
    small = {"batch_size": 12, "model.backbone": "resnet8", "optimiser.lr": 0.05, "optimiser.warmup_epochs": 0}
    return apply_settings(preset(f"cifar10-paper-{loss}"), Execution(), {**small, **settings})[0]


@pytest.fixture
def eager_capture(monkeypatch):
    """A capture as it is on a GPU, but that the work is done anew where a graph would be replayed."""
    monkeypatch.setattr(trainer, "warm_up", lambda work: [work() for _ in range(capture.WARM_UPS)])
    monkeypatch.setattr(trainer, "captured", lambda work: (lambda: work(), "captured"))


def run_of(recipe, dataset, *, static, device=CPU):
    return trainer.Trainer(recipe, dataset, Hardware(device, "fp32", 1), static=static)


def an_epoch(run, epoch=1):
    """The losses (steps, 3) of an epoch, the gradient statistics' mass, and the weights after it."""
    record = run.record()
    for step, batch in run.batches(epoch):
        run.step(epoch, step, batch, record)
    run.sum_up(record)
    mass = None if record.statistics is None else record.statistics.mass
    return record.losses, mass, run.state(epoch)["model"]


@pytest.mark.parametrize("loss", ["ce-la", "bcl-class", "proco", "bcl-means"])
def test_what_is_captured_computes_what_the_plain_loop_does(eager_capture, loss):
    name, *more = {"proco": ("scl", {"loss.name": "proco"}), "bcl-means": ("bcl", {"loss.prototypes": "means"})}.get(
        loss, (loss,)
    )
    recipe, dataset = recipe_of(name, views="crop-flip", **dict(*more)), pictures()
    plain, static = (run_of(recipe, dataset, static=how) for how in (False, True))
    assert static._rehearse() == "captured" and static._replay is not None
    for epoch in (1, 2):
        ours, theirs = an_epoch(plain, epoch), an_epoch(static, epoch)
        torch.testing.assert_close(ours[0], theirs[0], rtol=1e-4, atol=1e-5)
        assert (ours[1] is None) == (theirs[1] is None)
        for key, weight in ours[2].items():
            torch.testing.assert_close(weight, theirs[2][key], rtol=1e-3, atol=1e-5, msg=key)


def test_a_rehearsal_leaves_no_trace(eager_capture):
    run = run_of(recipe_of(), pictures(), static=True)
    before = copy.deepcopy(run.state(0))
    run._rehearse()
    after = run.state(0)
    for part in ("model", "loss"):
        for key, value in before[part].items():
            assert torch.equal(value, after[part][key]), key
    assert not any(kept["momentum_buffer"].any() for kept in after["optimiser"]["state"].values())


def test_either_goes_on_from_the_others_checkpoint():
    recipe, dataset = recipe_of(views="crop-flip"), pictures()
    runs = [run_of(recipe, dataset, static=how) for how in (False, True, False, True)]
    for run in runs[:2]:
        an_epoch(run)
    for run, state in zip(runs[2:], (runs[1].state(1), runs[0].state(1)), strict=True):
        assert run.restore(copy.deepcopy(state)) == 1
    ours, theirs = an_epoch(runs[0], 2), an_epoch(runs[3], 2)
    torch.testing.assert_close(ours[0], theirs[0], rtol=1e-4, atol=1e-5)
    torch.testing.assert_close(an_epoch(runs[1], 2)[0], an_epoch(runs[2], 2)[0], rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("name", VIEWS)
@pytest.mark.parametrize("channels", [1, 3])
def test_views_without_groups_are_the_grouped_ones(name, channels):
    images, looks = floats(photos(32, channels)).repeat(3, 1, 1, 1), {}
    for static in (False, True):
        with keyed(0, "views", 1, 2):
            drawn = draw_views(
                VIEWS[name].load(), 3, rows=torch.arange(32), batch_size=32, shape=(channels, 32, 32), static=static
            )
        looks[static] = apply_views(images, drawn)
    off = (looks[True] - looks[False]).abs() > 1e-4
    # What is posterised or equalised may fall into the next level by a rounding.
    assert off.float().mean() < 1e-3, f"{off.float().mean():.2%} of the pixels differ"


class OnMeta:
    """Stands for the optimiser, of which torch has no kernel here."""

    def __init__(self, parameters, lr, **_):
        self.parameters, self.state, self.param_groups = [*parameters], defaultdict(dict), [{"lr": lr}]

    def zero_grad(self, *, set_to_none):
        for parameter in self.parameters:
            parameter.grad = None

    def step(self):
        assert all(p.grad is None or p.grad.device == META for p in self.parameters)


@pytest.fixture
def on_meta(monkeypatch):
    """Training on a device that has shapes and no values: whatever waits for one raises."""
    known = torch.autocast
    monkeypatch.setattr(
        torch, "autocast", lambda kind, *a, **k: nullcontext() if kind == "meta" else known(kind, *a, **k)
    )
    monkeypatch.setattr(torch.optim, "SGD", OnMeta)


CASES = {
    **{f"{name}, {views}": (name, {"views": views}) for name, views in zip(["bcl"] * len(VIEWS), VIEWS, strict=True)},
    "ce-la": ("ce-la", {}),
    "class anchors": ("bcl-class", {}),
    "running means": ("bcl", {"loss.prototypes": "means"}),
    **{name: ("bcl", {"loss.name": name}) for name in LOSSES if name != "ce"},
}


@pytest.mark.parametrize("case", CASES)
def test_a_step_waits_for_nothing_and_sends_its_numbers_at_once(on_meta, case):
    name, settings = CASES[case]
    run = run_of(recipe_of(name, **settings), pictures(), static=True, device=META)
    run.validate = False  # the first batch is looked at, in the rehearsal, by the loss too
    if run.criterion is not None:
        run.criterion.validate = False
    batches = [*run.batches(1)]
    run._looks(1, 0)
    run._replay = lambda: run._train_on(batches[0][1]._replace(mine=run._mine), run._mailbox.contents)
    record = run.record()
    run.step(1, *batches[0], record)  # with which an epoch begins: a loss may send something
    with Counted() as counted:
        run.step(1, *batches[1], record)
    assert dict(counted.uploads) == {"aten.copy_.default": 1}  # the views' numbers, and nothing else
    assert len(record.seen) == (1 if run.criterion else 0)
    assert record.losses.device == META


def test_an_epoch_s_order_is_sent_once(on_meta):
    run = run_of(recipe_of(), pictures(), static=True, device=META)
    with Counted() as counted:
        assert len([*run.batches(1)]) == 3
    assert sum(counted.uploads.values()) == 1


def test_the_published_views_are_fewer_than_200_launches(on_meta):
    """Each of the two slots of AutoAugment does all its operations on all images."""
    run = run_of(recipe_of(), pictures(), static=True, device=META)
    looks = run._looks(1, 0)
    with Counted() as counted:
        apply_views(torch.empty(36, 3, 32, 32, device=META), looks)
    assert sum(counted.operations.values()) < 200


def made_up(tensor):
    """Values in the place of what has none: unit rows of a matrix, else zeros."""
    like = torch.eye if tensor.ndim == 2 else torch.zeros
    return like(*tensor.shape, dtype=tensor.dtype)


@pytest.mark.parametrize("name", ["bcl", "ce-la"])
def test_an_epoch_is_measured_with_nothing_sent_and_fetched_at_once(on_meta, monkeypatch, name):
    recipe, dataset, fetched = recipe_of(name), pictures(), []
    run = run_of(recipe, dataset, static=True, device=META)
    evaluator = evaluation.Evaluator(recipe, dataset, run.hardware)
    record = run.record()
    if run.criterion is not None:
        features, labels, prototypes = (torch.empty(*shape, device=META) for shape in ((12, 2, 128), (12,), (4, 128)))
        record.seen.append(evaluation.BatchSeen(np.arange(12), features, labels.long(), prototypes))

    def fetch(found, device):
        assert device == META
        fetched.append(found)
        return tree_map_only(torch.Tensor, made_up, found)

    monkeypatch.setattr(evaluation, "_fetched", fetch)
    with Counted() as model_alone:
        h = run.model.eval()(torch.empty(80, 3, 32, 32, device=META).contiguous(memory_format=torch.channels_last))
        run.model.logits(h), run.model.project(h), run.model.prototypes(), run.model.classifier_rows()
    with Counted() as summed:
        run.sum_up(record)
    with Counted() as counted:
        evaluator.measure(run.model, record.statistics, record.sampled, record.batch)
    assert len(fetched) == 1
    assert not summed.uploads and not counted.uploads
    assert (record.statistics is None) == (run.criterion is None)
    besides = counted.operations - model_alone.operations
    assert sum(besides.values()) <= 14, besides  # of which a chunk of images takes 12


def test_a_mailbox_delivers_each_time_what_was_put_in():
    like = {
        "a": torch.zeros(3, dtype=torch.bool),
        "b": [torch.zeros(2, 5), "kept"],
        "c": torch.zeros(7, dtype=torch.int64),
    }
    mailbox = Mailbox(like, CPU)
    contents = mailbox.contents
    for turn in range(3):
        sent = {"a": torch.arange(3) == turn, "b": [torch.full((2, 5), turn / 3), "kept"], "c": torch.arange(7) * turn}
        mailbox.put(sent)
        assert torch.equal(contents["a"], sent["a"]) and torch.equal(contents["c"], sent["c"])
        assert torch.equal(contents["b"][0], sent["b"][0]) and contents["b"][1] == "kept"


@pytest.mark.parametrize("backbone", ["resnet8", "resnet18"])
def test_activations_computed_twice_give_the_same_gradients_and_statistics_to_the_last_bit(backbone):
    plain = build_model(recipe_of(**{"model.backbone": backbone}), 3, 4)
    twice = copy.deepcopy(plain)
    recompute_activations(twice.backbone)
    assert plain.state_dict().keys() == twice.state_dict().keys()
    images, kept = floats(photos(6)), []
    for model in (plain, twice):
        with torch.autograd.graph.saved_tensors_hooks(lambda t: kept.append(t.numel()) or t, lambda t: t):
            loss = model(images).square().sum()
        kept.append(-1)
        loss.backward()
    for (name, a), b in zip(plain.named_parameters(), twice.parameters(), strict=True):
        assert a.grad is None or torch.equal(a.grad, b.grad), name
    for (name, a), b in zip(plain.named_buffers(), twice.buffers(), strict=True):
        assert torch.equal(a, b), name
    end = kept.index(-1)
    assert sum(kept[end:]) < 0.5 * sum(kept[:end])
    with torch.no_grad():  # a copy has statistics of its own, as looking before training wants them
        other = copy.deepcopy(twice).train()
        other(images)
    for (name, a), b in zip(plain.named_buffers(), twice.buffers(), strict=True):
        assert torch.equal(a, b), name


class TooSmall:
    """A GPU whose memory takes a step only after so many failures."""

    def __init__(self, monkeypatch, failures):
        self.failures = failures
        self.run = run_of(recipe_of(), pictures(), static=True)
        self.run.on_gpu = True
        self.run._rehearse = self.rehearse
        monkeypatch.setattr(torch.cuda, "empty_cache", lambda: None)

    def rehearse(self):
        self.failures -= 1
        if self.failures >= 0:
            raise torch.OutOfMemoryError("CUDA out of memory")
        return "captured"


def test_out_of_memory_is_tried_once_more_with_less_kept_and_that_is_said(monkeypatch):
    assert TooSmall(monkeypatch, 0).run.prepare() == {"steps": "captured"}
    gpu = TooSmall(monkeypatch, 1)
    assert gpu.run.prepare()["memory"].startswith("activations are computed twice")
    assert any(isinstance(module, capture._Recomputed) for module in gpu.run.model.modules())


def test_a_batch_that_fits_in_no_way_is_refused_in_words(monkeypatch):
    gpu = TooSmall(monkeypatch, 2)
    with pytest.raises(RecipeError, match=r"a batch of 12 images does not fit .* a smaller batch_size would be right"):
        gpu.run.prepare()


def test_what_cannot_be_captured_is_launched_and_says_why(monkeypatch):
    @contextmanager
    def graph(_):
        yield

    monkeypatch.setattr(torch.cuda, "CUDAGraph", nn.Identity)
    monkeypatch.setattr(torch.cuda, "graph", graph)
    monkeypatch.setattr(torch.cuda, "synchronize", lambda: None)

    def work():
        raise RuntimeError("operation not permitted when stream is capturing\nCUDA kernel errors might be …")

    found, how = capture.captured(work)
    assert found is work
    assert how == (
        "launched one by one: it cannot be captured in a CUDA graph "
        "(RuntimeError: operation not permitted when stream is capturing)"
    )


def test_values_are_put_back_where_they_were():
    weight = nn.Parameter(torch.ones(3))
    place = weight.data_ptr()
    with pytest.raises(ZeroDivisionError), left_as_they_were([weight]):
        weight.data.fill_(5)
        raise ZeroDivisionError
    assert weight.tolist() == [1, 1, 1] and weight.data_ptr() == place


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")
@pytest.mark.parametrize("name", ["ce-la", "bcl-class"])
def test_on_a_gpu_steps_are_captured_wait_for_nothing_and_compute_what_the_plain_loop_does(name):
    recipe, dataset = recipe_of(name, views="crop-flip"), pictures()
    plain, ours = (
        run_of(recipe, dataset, static=False),
        run_of(recipe, dataset, static=True, device=torch.device("cuda")),
    )
    assert ours.prepare() == {"steps": "captured in a CUDA graph"}
    record, batches = ours.record(), [*ours.batches(1)]
    evaluator = evaluation.Evaluator(recipe, dataset, ours.hardware)
    torch.cuda.set_sync_debug_mode("error")
    try:
        for step, batch in batches:
            ours.step(1, step, batch, record)
        evaluator.measure(ours.model, None, 0)
    finally:
        torch.cuda.set_sync_debug_mode("default")
    torch.testing.assert_close(record.losses.cpu(), an_epoch(plain)[0], rtol=0.02, atol=0.02)  # convolutions in TF32
