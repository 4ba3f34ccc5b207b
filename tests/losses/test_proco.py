"""ProCo: its closed form is the expectation that it says, its statistics and numbers are those of its authors' code."""

import math

import mpmath
import numpy as np
import pytest
import torch
from scipy.special import ive
from torch.nn.functional import cross_entropy, normalize

from bcl_core.losses.bessel import log_bessel
from bcl_core.losses.contract import LossOptions
from bcl_core.losses.proco import ProCo
from tests.losses.slow_losses import random_batch

LABELS = [0, 0, 0, 0, 0, 1, 1, 2]
COUNTS = (50, 10, 4)


@pytest.mark.parametrize("dim", [2, 3, 8, 32, 33, 128, 1024])
def test_the_bessel_function_is_right_from_zero_to_very_concentrated(dim):
    order = mpmath.mpf(dim) / 2 - 1
    for x in (1e-6, 0.01, 0.5, 3.3, 30, 300, 3e3, 1e4, 1e5):
        exact = mpmath.besseli(order, mpmath.mpf(x))
        at = torch.tensor(x, dtype=torch.float64, requires_grad=True)
        found = log_bessel(at, dim)
        found.backward()
        assert float(found) == pytest.approx(float(mpmath.log(exact) - order * mpmath.log(x)), abs=3e-9), x
        assert float(at.grad) == pytest.approx(float(mpmath.besseli(order + 1, mpmath.mpf(x)) / exact), abs=3e-9), x
    zero = torch.zeros((), dtype=torch.float64, requires_grad=True)
    at_zero = log_bessel(zero, dim)
    at_zero.backward()
    assert float(at_zero) == pytest.approx(float(-order * mpmath.log(2) - mpmath.loggamma(order + 1)), abs=1e-9)
    assert zero.grad == 0


def test_the_closed_form_is_the_expectation_over_the_class_s_distribution():
    """In three dimensions that is an integral over the sphere, taken here on a grid of heights and turns."""
    loss = ProCo(LossOptions(2, (2, 1), 3, temperature=0.5))
    loss.means = loss.means.double()
    heights, weights = np.polynomial.legendre.leggauss(200)
    turns = np.arange(200) * 2 * np.pi / 200
    around = np.sqrt(1 - heights**2)[:, None]
    sphere = np.stack(
        [around * np.cos(turns), around * np.sin(turns), np.broadcast_to(heights[:, None], (200, 200))], axis=-1
    )
    anchor = normalize(torch.tensor([[0.3, -0.5, 0.8]], dtype=torch.float64))
    found = loss.logits(anchor)[0]
    for k, mean in enumerate(loss.means[0].numpy()):
        length = np.linalg.norm(mean)
        density = weights[:, None] * np.exp(3 * length / (1 - length**2) * (sphere @ (mean / length) - 1))
        expectation = (density * np.exp(sphere @ anchor[0].numpy() / 0.5)).sum() / density.sum()
        assert float(found[k]) == pytest.approx(math.log(expectation), abs=1e-9)


def written_out(batches, counts, dim, temperature):
    """The loss of each batch of one epoch, an anchor and a class at a time; every class is in the first batch."""
    order, prior = dim / 2 - 1, np.log(np.array(counts) / sum(counts))

    def log_constant(kappa):
        return order * math.log(kappa) - math.log(ive(order, kappa)) - kappa

    passed, losses = {k: [] for k in range(len(counts))}, []
    for features, labels in batches:
        total = 0.0
        for view in range(features.shape[1]):
            for label, row in zip(labels, features, strict=True):
                passed[label].append(row[view])
            for label, row in zip(labels, features, strict=True):
                logits = []
                for k, seen in passed.items():
                    mean = np.mean(seen, axis=0)
                    length = np.linalg.norm(mean)
                    kappa = dim * length / (1 - length**2) if length < 1 - 1e-9 else 1e5
                    joint = np.linalg.norm(kappa * mean / length + row[view] / temperature)
                    logits.append(log_constant(kappa) - log_constant(joint) + prior[k])
                total += math.log(sum(math.exp(logit) for logit in logits)) - logits[label]
        losses.append(total / labels.size / features.shape[1])
    return losses


def drawn(number, dim, seed=0):
    """Batches of three classes."""
    draw = np.random.default_rng(seed)
    centres, found = draw.normal(size=(3, dim)), []
    for _ in range(number):
        features = centres[LABELS][:, None] + draw.normal(size=(len(LABELS), 2, dim))
        found.append(features / np.linalg.norm(features, axis=-1, keepdims=True))
    return found


@pytest.mark.parametrize(("dim", "temperature"), [(8, 0.5), (33, 0.3), (128, 0.1)])
def test_it_is_the_formula_written_out(dim, temperature):
    loss = ProCo(LossOptions(3, COUNTS, dim, temperature)).double()
    batches = drawn(3, dim)
    expected = written_out([(features, np.array(LABELS)) for features in batches], COUNTS, dim, temperature)
    found = [float(loss(torch.from_numpy(features), torch.tensor(LABELS), None)) for features in batches]
    np.testing.assert_allclose(found, expected, atol=1e-9)


# By the public code of Du et al. 2024 in float64, its module called for either view and an epoch begun before the third
# batch. Its recurrence for the Bessel function starts at twice the order, so its own error here is some 1e-8.
OF_THE_AUTHORS = [0.004814013405015564, 0.010039122570029209, 0.012452952863548594]


def test_it_is_what_the_authors_code_says():
    loss = ProCo(LossOptions(3, COUNTS, 128, temperature=0.1)).double()
    found = []
    for place, features in enumerate(drawn(3, 128)):
        if place == 2:
            loss.begin_epoch(2)
        found.append(float(loss(torch.from_numpy(features), torch.tensor(LABELS), None)))
    np.testing.assert_allclose(found, OF_THE_AUTHORS, atol=1e-7)


def test_statistics_are_of_the_epoch_before_and_this_one():
    loss = ProCo(LossOptions(3, COUNTS, 4, temperature=0.3)).double()
    first, second, third = (torch.from_numpy(features) for features in drawn(3, 4))
    labels = torch.tensor(LABELS)
    for epoch, features in enumerate((first, second, third), 1):
        loss.begin_epoch(epoch)
        loss(features, labels, None)
    for held, kept in zip(loss.means, ((second, third), (third,)), strict=True):
        for k in range(3):
            torch.testing.assert_close(held[k], torch.cat([part[labels == k] for part in kept]).mean(dim=(0, 1)))
    assert loss.counts.tolist() == [[20, 8, 4], [10, 4, 2]]


def test_class_anchors_weigh_the_classes_of_the_batch_alike():
    features, labels, _ = random_batch([0, 0, 0, 1], 3)
    losses = {}
    for anchors in ("instance", "class"):
        torch.manual_seed(0)
        losses[anchors] = ProCo(LossOptions(3, COUNTS, 4, 0.3, anchors)).double()
    expected = []
    for view in range(2):
        losses["instance"]._remember(features[:, view], labels)
        logits = losses["instance"].logits(features[:, view]) + losses["instance"].log_prior
        expected.append(cross_entropy(logits, labels, reduction="none"))
    rows = torch.stack(expected)
    by_class = (rows[:, :3].mean() + rows[:, 3].mean()) / 2
    torch.testing.assert_close(losses["class"](features, labels, None), by_class)


@pytest.mark.parametrize("spread", [0.0, 1e-4])
def test_classes_that_all_but_agree_with_themselves_stay_finite(spread):
    torch.manual_seed(0)
    loss = ProCo(LossOptions(2, (9, 1), 32, temperature=0.1))
    labels = torch.tensor([0, 0, 0, 1])
    centres = torch.randn(2, 32)[labels][:, None]
    features = normalize(centres + spread * torch.randn(4, 2, 32), dim=-1).requires_grad_()
    found = loss(features, labels, None)
    found.backward()
    assert found.dtype == torch.float32
    assert torch.isfinite(found) and torch.isfinite(features.grad).all()
