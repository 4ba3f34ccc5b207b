"""NTCE and NONL: checked against sums written out, and against numbers of their authors' code."""

import math

import numpy as np
import pytest
import torch

from bcl_core.losses.contract import LossOptions
from bcl_core.losses.normalised import NONL, NTCE
from tests.losses.slow_losses import random_batch, slow_average

LABELS = [0, 0, 0, 0, 0, 1, 1, 2]


def options(temperature=0.3, anchors="instance", num_classes=4, dim=4):
    return LossOptions(num_classes, (8, 4, 2, 1)[:num_classes], dim, temperature, anchors)


def written_out(batch, temperature, anchors, *, own_class_too):
    """The mean over anchors of log Σ_j exp(c_y·z_j / τ) − c_y·z_i / τ, one sum at a time."""
    flat = [(int(label), view) for label, views in zip(batch.labels, batch.features, strict=True) for view in views]
    losses = []
    for y, anchor in flat:
        at_prototype = [
            math.exp(float(batch.prototypes[y] @ other) / temperature) for j, other in flat if own_class_too or j != y
        ]
        losses.append((y, math.log(sum(at_prototype)) - batch.prototypes[y] @ anchor / temperature))
    return slow_average(losses, anchors)


@pytest.mark.parametrize("anchors", ["instance", "class"])
@pytest.mark.parametrize("temperature", [0.05, 0.3, 1.0])
@pytest.mark.parametrize(("loss", "own_class_too"), [(NTCE, True), (NONL, False)])
def test_they_are_the_sums_written_out(loss, own_class_too, temperature, anchors):
    for seed in range(5):
        batch = random_batch(LABELS, 4, seed=seed)
        expected = written_out(batch, temperature, anchors, own_class_too=own_class_too)
        assert loss(options(temperature, anchors))(*batch) == pytest.approx(float(expected), abs=1e-12)


# By the public code of Koromilas et al. 2026 (NONL with its switch `symmetric`) in float64, on the batch below.
OF_THE_AUTHORS = {
    (NTCE, 0.1): 4.4145471849647695,
    (NONL, 0.1): 2.3570900659596594,
    (NTCE, 0.3): 2.93399019288802,
    (NONL, 0.3): 1.9206442851050207,
}


@pytest.mark.parametrize(("loss", "temperature"), OF_THE_AUTHORS)
def test_they_are_what_the_authors_code_says(loss, temperature):
    draw, dim = np.random.default_rng(0), 16
    centres = draw.normal(size=(3, dim))
    features = centres[LABELS][:, None] + draw.normal(size=(len(LABELS), 2, dim))
    prototypes = draw.normal(size=(3, dim))
    batch = (
        torch.from_numpy(features / np.linalg.norm(features, axis=-1, keepdims=True)),
        torch.tensor(LABELS),
        torch.from_numpy(prototypes / np.linalg.norm(prototypes, axis=-1, keepdims=True)),
    )
    found = loss(options(temperature, num_classes=3, dim=dim))(*batch)
    assert float(found) == pytest.approx(OF_THE_AUTHORS[loss, temperature], abs=1e-12)


@pytest.mark.parametrize("loss", [NTCE, NONL])
def test_gradients_are_those_of_finite_differences(loss):
    features, labels, prototypes = random_batch([0, 0, 1, 2], 4)
    module = loss(options(anchors="class"))
    assert torch.autograd.gradcheck(
        lambda z, c: module(z, labels, c), (features.requires_grad_(), prototypes.requires_grad_())
    )


def test_nonl_of_a_batch_of_one_class_pulls_alone():
    features, labels, prototypes = random_batch([1, 1, 1], 4)
    found = NONL(options())(features.requires_grad_(), labels, prototypes)
    assert found.item() == pytest.approx(-float((features.detach() @ prototypes[1]).mean()) / 0.3, abs=1e-12)
    found.backward()
    assert torch.allclose(features.grad, (-prototypes[1] / 0.3 / 6).expand_as(features))
