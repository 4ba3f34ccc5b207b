"""Colour jitter, AutoAugment and RandAugment: what they choose, how often and how strongly."""

import numpy as np
import pytest
import torch
from scipy import stats
from torchvision.transforms import autoaugment
from torchvision.transforms import functional as TF

from bcl_core.data import policies
from bcl_core.data.operations import applied
from bcl_core.randomness import keyed
from tests.data.pictures import draws_for, floats, photos


@pytest.fixture
def chosen(monkeypatch):
    """What a policy chooses for a batch: (choice, magnitude, upwards) of each slot."""
    slots = []

    def note(_, draws, choice, magnitude, upwards, possible=None):
        slots.append((choice, magnitude, upwards))
        return ()

    monkeypatch.setattr(policies.Repertoire, "chosen", note)
    return slots


def joint_counts(slots, names):
    """How often each pair of operations was chosen, 0 for none; (K + 1, K + 1)."""
    size = len(names) + 1
    return torch.bincount(slots[0][0] * size + slots[1][0], minlength=size**2).reshape(size, size).numpy()


def chi_square(observed, probabilities):
    wanted = probabilities > 0
    assert observed[~wanted].sum() == 0
    return stats.chisquare(observed[wanted], observed.sum() * probabilities[wanted]).pvalue


def torchvisions_table():
    return autoaugment.AutoAugment(autoaugment.AutoAugmentPolicy.CIFAR10).policies


def test_the_sub_policies_are_the_published_ones():
    ours = tuple(tuple((name, p, ninths) for name, p, ninths in pair) for pair in policies.SUB_POLICIES)
    assert ours == tuple(tuple((name, p, ninths or 0) for name, p, ninths in pair) for pair in torchvisions_table())


def test_each_sub_policy_comes_once_in_25_and_its_operations_with_their_probabilities(chosen):
    count, names = 200_000, policies.AUTOAUGMENT.names
    with keyed(0, "views"):
        policies.auto_augment(draws_for(count))
    probabilities = np.zeros((len(names) + 1,) * 2)
    for (one, p, _), (other, q, _) in torchvisions_table():
        first, second = names.index(one) + 1, names.index(other) + 1
        for i, chance_i in ((first, p), (0, 1 - p)):
            for j, chance_j in ((second, q), (0, 1 - q)):
                probabilities[i, j] += chance_i * chance_j / 25
    assert chi_square(joint_counts(chosen, names), probabilities) > 0.01


def test_signed_operations_swing_either_way_alike(chosen):
    for policy in (policies.auto_augment, policies.rand_augment):
        with keyed(0, "views"):
            policy(draws_for(20_000))
    for _, _, upwards in chosen:
        assert stats.binomtest(int(upwards.sum()), 20_000).pvalue > 0.01


def test_randaugment_skips_half_and_chooses_alike_among_fifteen(chosen):
    count, names = 100_000, policies.RANDAUGMENT.names
    with keyed(0, "views"):
        policies.rand_augment(draws_for(count))
    once = np.array([0.5] + [0.5 / 15] * 15)
    assert chi_square(joint_counts(chosen, names), np.outer(once, once)) > 0.01
    for _, magnitude, _ in chosen:
        assert magnitude.max() == 1
        assert stats.binomtest(int((magnitude == 1).sum()), count).pvalue > 0.01
        below = 10 * (1 - magnitude[magnitude < 1])
        assert stats.kstest(below.numpy()[:5000], stats.halfnorm(scale=0.5).cdf).pvalue > 0.01


def jittered(count):
    """The operations of a colour jitter, (choice, strength) of each sample and more."""
    with keyed(0, "views"):
        return policies.colour_jitter(draws_for(count), hue=0.1, probability=0.8)


def test_colour_jitter_does_what_torchvision_does_in_an_order_of_each_samples_own():
    images, jitters = floats(photos(60)), jittered(60)
    ours = applied(jitters, images)
    functions = (TF.adjust_brightness, TF.adjust_contrast, TF.adjust_saturation, TF.adjust_hue)
    orders = set()
    for i, image in enumerate(images):
        steps = [(int(choice[i]), float(strength[i])) for choice, strength, _ in jitters]
        orders.add(tuple(choice for choice, _ in steps))
        for choice, strength in steps:
            image = functions[choice - 1](image, strength) if choice else image
        torch.testing.assert_close(ours[i], image, rtol=0, atol=1e-4)
    assert len(orders) > 15
    assert {tuple(sorted(order)) for order in orders} == {(0, 0, 0, 0), (1, 2, 3, 4)}


def test_colour_jitter_is_as_strong_and_as_frequent_as_published():
    jitters = jittered(5000)
    choice, strength = (torch.cat([jitter[column] for jitter in jitters]) for column in (0, 1))
    assert stats.binomtest(int((jitters[0][0] > 0).sum()), 5000, 0.8).pvalue > 0.01
    for operation, low, high in ((1, 0.6, 1.4), (2, 0.6, 1.4), (3, 0.6, 1.4), (4, -0.1, 0.1)):
        drawn_strengths = strength[choice == operation].numpy()
        assert stats.kstest(drawn_strengths, stats.uniform(low, high - low).cdf).pvalue > 0.01
    first = torch.bincount(jitters[0][0])[1:].numpy()
    assert stats.chisquare(first).pvalue > 0.01
