import doctest
import math
from importlib import import_module

import pytest
import torch
import torch.distributed as dist
from pytorch_metric_learning.losses import SupConLoss
from torch.nn.functional import normalize

from bcl_core.losses import (
    BalancedContrastiveLoss,
    LogitAdjustedCrossEntropy,
    SupervisedContrastiveLoss,
    contrastive_loss,
)
from tests.losses.slow_losses import random_batch

LABELS = [3, 0, 0, 5, 0, 2, 0, 2]


@pytest.mark.parametrize("labels", [LABELS, [-1, 10**12, -1, 4], [0, 1, 2]])
@pytest.mark.parametrize("temperature", [0.07, 0.1, 1.0])
def test_supervised_loss_agrees_with_pytorch_metric_learning(temperature, labels):
    labels = torch.tensor(labels)
    draw = torch.Generator().manual_seed(0)
    ours = torch.randn(len(labels), 16, generator=draw, dtype=torch.float64, requires_grad=True)
    theirs = ours.detach().clone().requires_grad_()
    loss = SupervisedContrastiveLoss(temperature, normalize=True)(ours, labels)
    expected = SupConLoss(temperature)(theirs, labels)
    assert loss.item() == pytest.approx(expected.item(), abs=1e-6)
    loss.backward()
    expected.backward()
    torch.testing.assert_close(ours.grad, theirs.grad, rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize("anchors", ["instance", "class"])
def test_modules_are_the_function_with_their_switches(anchors):
    features, labels, prototypes = random_batch(LABELS, 6)
    options = {"num_classes": 6, "temperature": 0.2, "anchors": anchors}
    supervised = contrastive_loss(features, labels, class_averaging=False, class_complement=False, **options)
    torch.testing.assert_close(SupervisedContrastiveLoss(0.2, anchors)(features, labels), supervised)
    for self_term in (False, True):
        balanced = contrastive_loss(features, labels, prototypes, self_term=self_term, **options)
        module = BalancedContrastiveLoss(6, 0.2, anchors, self_term)
        assert module(features, labels, prototypes) == balanced


def test_flat_features_with_repeated_labels_are_the_same_as_views():
    features, labels, prototypes = random_batch(LABELS, 6)
    flat, repeated = features.transpose(0, 1).flatten(0, 1), labels.repeat(2)
    scl, bcl = SupervisedContrastiveLoss(), BalancedContrastiveLoss(6)
    torch.testing.assert_close(scl(flat, repeated), scl(features, labels))
    torch.testing.assert_close(bcl(flat, repeated, prototypes), bcl(features, labels, prototypes))


def test_normalize_makes_lengths_irrelevant():
    features, labels, prototypes = random_batch(LABELS, 6)
    scaled = features * torch.linspace(0.1, 7, features.shape[1])[:, None]
    scl, bcl = SupervisedContrastiveLoss(normalize=True), BalancedContrastiveLoss(6, normalize=True)
    torch.testing.assert_close(scl(scaled, labels), scl(features, labels))
    torch.testing.assert_close(bcl(scaled, labels, 3 * prototypes), bcl(features, labels, prototypes))


def test_owned_prototypes_are_used_at_unit_length_and_learn():
    features, labels, _ = random_batch(LABELS, 6)
    module = BalancedContrastiveLoss(6, embedding_dim=4).double()
    assert dict(module.named_parameters()).keys() == {"prototypes"}
    with torch.no_grad():
        module.prototypes.mul_(5)
    loss = module(features, labels)
    given = contrastive_loss(features, labels, normalize(module.prototypes, dim=-1), num_classes=6)
    torch.testing.assert_close(loss, given)
    loss.backward()
    assert (module.prototypes.grad.norm(dim=1) > 0).all()  # every class, present in the batch or not


def test_prototypes_come_from_exactly_one_place():
    features, labels, prototypes = random_batch(LABELS, 6)
    with pytest.raises(ValueError, match="prototypes must come either"):
        BalancedContrastiveLoss(6)(features, labels)
    with pytest.raises(ValueError, match="prototypes must come either"):
        BalancedContrastiveLoss(6, embedding_dim=4).double()(features, labels, prototypes)


def test_balanced_loss_drops_into_a_plain_training_loop():
    torch.manual_seed(0)
    inputs, labels = torch.randn(24, 5), torch.arange(24) % 3
    inputs += 3 * torch.eye(5)[labels]
    encoder, criterion = torch.nn.Linear(5, 8), BalancedContrastiveLoss(3, embedding_dim=8, normalize=True)
    optimiser = torch.optim.SGD([*encoder.parameters(), *criterion.parameters()], lr=0.1)
    losses = []
    for _ in range(30):
        loss = criterion(encoder(inputs), labels)
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        losses.append(loss.item())
    assert losses[-1] < 0.5 * losses[0]


GOOD = random_batch([0, 0, 1], 3).features
BAD_FEATURES = {
    "one vector": (GOOD[0, 0], r"features must have shape \(B, V, d\) or \(B, d\).*\(4,\)"),
    "empty": (GOOD[:0], r"features must have shape.*\(0, 2, 4\)"),
    "integer": (GOOD.long(), "features.*floating.*int64"),
    "not of unit length": (2 * GOOD, "features must be finite and of unit length"),
    "NaN": (math.nan * GOOD, "features must be finite and of unit length"),
}


@pytest.mark.parametrize("features, message", BAD_FEATURES.values(), ids=BAD_FEATURES.keys())
@pytest.mark.parametrize("module", [SupervisedContrastiveLoss(), BalancedContrastiveLoss(3, embedding_dim=4)])
def test_bad_features_are_named(module, features, message):
    with pytest.raises(ValueError, match=message):
        module(features, torch.tensor([0, 0, 1]))


@pytest.mark.parametrize("labels", [torch.tensor([0.0, 0, 1]), torch.tensor([0, 0]), torch.tensor([[0, 0, 1]])])
def test_supervised_loss_names_bad_labels(labels):
    with pytest.raises(ValueError, match="labels must"):
        SupervisedContrastiveLoss()(GOOD, labels)


def test_zero_features_cannot_be_normalised():
    with pytest.raises(ValueError, match=r"features must be finite and of unit length.*got length 0"):
        SupervisedContrastiveLoss(normalize=True)(0 * GOOD, torch.tensor([0, 0, 1]))


@pytest.mark.parametrize("name", ["contrastive", "modules", "cross_entropy"])
def test_docstring_examples_run(name):
    result = doctest.testmod(import_module(f"bcl_core.losses.{name}"))
    assert result.attempted > 0
    assert result.failed == 0


MODULES = {
    "SCL": lambda: SupervisedContrastiveLoss(normalize=True),
    "BCL": lambda: BalancedContrastiveLoss(6, normalize=True, embedding_dim=6),
    "logit-adjusted": lambda: LogitAdjustedCrossEntropy([9, 7, 5, 3, 2, 1]),
}


def in_a_loop(make, wrap):
    """Loss of a flat batch, and the gradients of the module's own parameters and of the layer before it."""
    torch.manual_seed(0)
    layer, criterion = torch.nn.Linear(4, 6), make()
    images = torch.randn(len(LABELS), 4)
    loss = wrap(criterion)(layer, images, torch.tensor(LABELS))
    loss.backward()
    return loss, [parameter.grad for parameter in (*layer.parameters(), *criterion.parameters())]


def plainly(criterion):
    return lambda layer, images, labels: criterion(layer(images), labels)


@pytest.mark.parametrize("module", MODULES)
def test_under_autocast_the_loss_of_bfloat16_embeddings_is_float32_and_as_near_as_they_are(module):
    def wrap(criterion):
        def step(layer, images, labels):
            with torch.autocast("cpu", torch.bfloat16):
                embeddings = layer(images)
                assert embeddings.dtype == torch.bfloat16
                return criterion(embeddings, labels)

        return step

    (plain, gradients), (loss, rounded) = in_a_loop(MODULES[module], plainly), in_a_loop(MODULES[module], wrap)
    assert loss.dtype == torch.float32
    torch.testing.assert_close(loss, plain, rtol=0.02, atol=0)
    for found, expected in zip(rounded, gradients, strict=True):
        torch.testing.assert_close(found, expected, rtol=0, atol=0.1 * expected.abs().max().item())


@pytest.mark.parametrize("module", MODULES)
def test_compiled_as_one_graph_the_loss_and_its_gradients_are_the_same(module):
    compiled = in_a_loop(
        MODULES[module], lambda criterion: torch.compile(plainly(criterion), backend="aot_eager", fullgraph=True)
    )
    torch.testing.assert_close(compiled, in_a_loop(MODULES[module], plainly), rtol=0, atol=1e-6)


@pytest.mark.parametrize("module", MODULES)
def test_in_distributed_data_parallel_every_parameter_gets_its_gradient(module):
    dist.init_process_group("gloo", store=dist.HashStore(), rank=0, world_size=1)
    kept = []  # what reduces gradients must not be collected before them

    class Step(torch.nn.Module):
        def __init__(self, layer, criterion):
            super().__init__()
            self.layer, self.criterion = layer, criterion

        def forward(self, images, labels):
            return self.criterion(self.layer(images), labels)

    def wrap(criterion):
        def step(layer, images, labels):
            kept.append(torch.nn.parallel.DistributedDataParallel(Step(layer, criterion)))
            return kept[-1](images, labels)

        return step

    try:
        found = in_a_loop(MODULES[module], wrap)
    finally:
        dist.destroy_process_group()
    torch.testing.assert_close(found, in_a_loop(MODULES[module], plainly))
