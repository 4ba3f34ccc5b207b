import itertools

import pytest
import torch

from bcl_core.geometry import gradient_contributions
from bcl_core.losses import ContrastiveStatistics, contrastive_statistics
from bcl_core.losses.statistics import Bins
from tests.losses.slow_losses import random_batch, slow_anchor_losses, slow_average, slow_contributions

SWITCHES = [
    {"class_averaging": averaging, "class_complement": complement, "self_term": self_term}
    for averaging, complement, self_term in itertools.product([False, True], repeat=3)
]
SCL = {"class_averaging": False, "class_complement": False}
BCL = {"class_averaging": True, "class_complement": True}
LABELS, NUM_CLASSES = [3, 0, 0, 5, 0, 2, 0, 2], 6


@pytest.mark.parametrize("switches", SWITCHES, ids=str)
def test_parts_add_up_to_the_gradient_at_the_anchor(switches):
    """Autograd's gradient of L_i at its anchor, keys held fixed, is Σ_q repulsion_q − attraction on the tangent."""
    batch = random_batch(LABELS, NUM_CLASSES)
    batch = batch._replace(features=batch.features.requires_grad_())
    losses = slow_anchor_losses(batch, temperature=0.3, fixed_keys=True, **switches)
    (gradient,) = torch.autograd.grad(sum(loss for _, loss in losses), batch.features)
    parts = slow_contributions(batch, temperature=0.3, **switches)  # two views: every anchor has a positive
    for (_, anchor, _, repulsion, attraction), at_anchor in zip(parts, gradient.flatten(0, 1), strict=True):
        tangential = at_anchor - anchor * (anchor @ at_anchor)
        torch.testing.assert_close(repulsion.sum(dim=0) - attraction, tangential, rtol=1e-10, atol=1e-12)


@pytest.mark.parametrize("views", [1, 2])
@pytest.mark.parametrize("anchors", ["instance", "class"])
@pytest.mark.parametrize("switches", SWITCHES, ids=str)
def test_statistics_are_the_sums_of_the_parts(switches, anchors, views):
    batch = random_batch(LABELS, NUM_CLASSES, views)
    found = contrastive_statistics(*batch, num_classes=NUM_CLASSES, temperature=0.3, anchors=anchors, **switches)
    expected = ContrastiveStatistics(*(torch.zeros_like(x) for x in found))
    parts = list(slow_contributions(batch, temperature=0.3, **switches))
    for index, (own_class, _, mass, repulsion, attraction) in enumerate(parts):
        one_hot = [(y, torch.tensor(float(k == index))) for k, (y, *_) in enumerate(parts)]
        expected.mass[own_class] += mass
        expected.norm[own_class] += repulsion.norm(dim=1)
        expected.attraction[own_class] += attraction.norm()
        expected.anchor_count[own_class] += 1
        expected.push[own_class] += slow_average(one_hot, anchors) * mass
    for name, ours, theirs in zip(found._fields, found, expected, strict=True):
        tolerance = 1e-6 if name == "push" else 1e-10
        torch.testing.assert_close(ours, theirs, rtol=tolerance, atol=tolerance, msg=lambda m, n=name: f"{n}: {m}")


@pytest.mark.parametrize("anchors", ["instance", "class"])
@pytest.mark.parametrize("switches", SWITCHES, ids=str)
def test_normalised_sums_over_batches_are_the_means_of_the_geometry_reference(switches, anchors):
    options = dict(switches, num_classes=NUM_CLASSES, temperature=0.1, anchors=anchors)
    batches = [random_batch(LABELS, NUM_CLASSES, seed=seed) for seed in (1, 2)]
    total = ContrastiveStatistics(
        *map(sum, zip(*(contrastive_statistics(*b, **options) for b in batches), strict=True))
    )
    # Both batches hold the same labels, so the mean over all anchors is the mean of the two batches' means.
    means = [gradient_contributions(*b, **options) for b in batches]
    mass, norm, attraction, pair_push = (torch.from_numpy(sum(parts) / 2) for parts in zip(*means, strict=True))
    per_anchor = 1 / total.anchor_count
    close = {"rtol": 1e-9, "atol": 1e-9}
    present = total.anchor_count > 0
    torch.testing.assert_close((total.mass * per_anchor[:, None])[present], mass[present], **close)
    torch.testing.assert_close((total.norm * per_anchor[:, None])[present], norm[present], **close)
    torch.testing.assert_close((total.attraction * per_anchor)[present], attraction[present], **close)
    torch.testing.assert_close((total.push + total.push.T) / 2, pair_push, **close)


def batch_at_equal_similarities(counts):
    """Every similarity is 0: anchors and prototypes are an orthonormal basis."""
    labels = torch.arange(len(counts)).repeat_interleave(torch.tensor(counts))
    basis = torch.eye(2 * len(labels) + len(counts), dtype=torch.float64)
    return basis[: 2 * len(labels)].view(len(labels), 2, -1), labels, basis[2 * len(labels) :]


def off_diagonal(matrix):
    return matrix[~torch.eye(len(matrix), dtype=torch.bool)]


COUNTS = [9, 5, 2, 1]


def at_equal_similarities(anchors="instance", **switches):
    return contrastive_statistics(
        *batch_at_equal_similarities(COUNTS), num_classes=4, temperature=0.1, anchors=anchors, **switches
    )


def test_bcl_negatives_weigh_the_same_whatever_their_counts():
    mass = at_equal_similarities(**BCL).mass
    per_anchor = mass / (2 * torch.tensor(COUNTS, dtype=torch.float64))[:, None]
    torch.testing.assert_close(per_anchor, torch.full_like(mass, 1 / len(COUNTS)))


def test_scl_negatives_weigh_in_proportion_to_their_counts():
    mass = at_equal_similarities(**SCL).mass
    per_image = mass / torch.tensor(COUNTS)[None, :]
    for row, own_class in zip(per_image, range(4), strict=True):
        others = row[torch.arange(4) != own_class]
        torch.testing.assert_close(others, others[:1].expand(3))


def test_pair_push_tells_the_two_balanced_losses_apart():
    """At equal similarities it goes as n_y·n_q (SCL), n_y + n_q (BCL, instance), and is constant (BCL, class)."""
    n = torch.tensor(COUNTS, dtype=torch.float64)
    laws = [
        (at_equal_similarities(**SCL), n[:, None] * n),
        (at_equal_similarities(**BCL), n[:, None] + n),
        (at_equal_similarities(**BCL, anchors="class"), torch.ones(4, 4)),
    ]
    for found, law in laws:
        ratio = off_diagonal((found.push + found.push.T) / law)
        torch.testing.assert_close(ratio, ratio[:1].expand_as(ratio))


@pytest.mark.parametrize("switches", SWITCHES, ids=str)
def test_every_anchor_has_mass_one_and_a_batch_push_one(switches):
    batch = random_batch(LABELS, NUM_CLASSES)
    found = contrastive_statistics(*batch, num_classes=NUM_CLASSES, temperature=0.05, **switches)
    torch.testing.assert_close(found.mass.sum(dim=1), found.anchor_count)
    assert found.push.sum().item() == pytest.approx(1)


def test_anchors_without_a_positive_do_not_count():
    batch = random_batch([0, 0, 1], 3, views=1)
    found = contrastive_statistics(*batch, num_classes=3, temperature=0.1, **SCL)
    assert found.anchor_count.tolist() == [2, 0, 0]
    assert not found.mass[1:].any()
    alone = random_batch([2], 3, views=1)
    assert not any(part.any() for part in contrastive_statistics(*alone, num_classes=3, temperature=0.1, **SCL))


def test_bins_add_classes_up():
    batch = random_batch(LABELS, NUM_CLASSES)
    options = dict(num_classes=NUM_CLASSES, temperature=0.3, **BCL)
    by_class = contrastive_statistics(*batch, **options)
    bins = torch.tensor([0, 2, 1, 1, 2, 1])
    by_bin = contrastive_statistics(*batch, bins=Bins.of(bins), **options)
    member = torch.nn.functional.one_hot(bins).double().T
    torch.testing.assert_close(by_bin.mass, member @ by_class.mass @ member.T)
    torch.testing.assert_close(by_bin.push, member @ by_class.push @ member.T)
    torch.testing.assert_close(by_bin.attraction, member @ by_class.attraction)
    torch.testing.assert_close(by_bin.anchor_count, member @ by_class.anchor_count)
    assert (by_bin.norm <= member @ by_class.norm @ member.T + 1e-12).all()  # vectors of a bin partly cancel


def test_one_bin_a_class_is_the_same_as_no_bins():
    batch = random_batch(LABELS, NUM_CLASSES)
    options = dict(num_classes=NUM_CLASSES, temperature=0.3, **BCL)
    for ours, theirs in zip(
        contrastive_statistics(*batch, **options),
        contrastive_statistics(*batch, bins=Bins.of(torch.arange(NUM_CLASSES)), **options),
        strict=True,
    ):
        assert torch.equal(ours, theirs)


@pytest.mark.parametrize("bins", [[[0, 1]], [0, 1, -1], [0.0, 1], []])
def test_bad_bins_are_named(bins):
    with pytest.raises(ValueError, match=r"bins must be \(K,\) integers from 0"):
        Bins.of(torch.tensor(bins))


def test_bins_of_other_classes_are_named():
    batch = random_batch(LABELS, NUM_CLASSES)
    with pytest.raises(ValueError, match="bins must be of K = 6 classes, got 2"):
        contrastive_statistics(
            *batch, num_classes=NUM_CLASSES, temperature=0.3, bins=Bins.of(torch.tensor([0, 1])), **BCL
        )


def test_statistics_take_no_gradient_and_survive_bfloat16():
    features, labels, prototypes = random_batch(LABELS, NUM_CLASSES, dim=16)
    exact = contrastive_statistics(features, labels, prototypes, num_classes=NUM_CLASSES, temperature=0.1, **BCL)
    rounded = features.bfloat16().requires_grad_(), labels, prototypes.bfloat16().requires_grad_()
    found = contrastive_statistics(*rounded, num_classes=NUM_CLASSES, temperature=0.1, **BCL)
    for ours, theirs in zip(found, exact, strict=True):
        assert ours.dtype == torch.float32
        assert not ours.requires_grad
        torch.testing.assert_close(ours.double(), theirs, rtol=0.05, atol=0.02)
