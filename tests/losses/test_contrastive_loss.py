import itertools
import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch._subclasses.fake_tensor import FakeTensorMode
from torch.nn.functional import normalize

from bcl_core.losses import contrastive_loss
from tests.losses.slow_losses import random_batch, slow_anchor_losses, slow_anchors, slow_loss

SWITCHES = [
    {"class_averaging": averaging, "class_complement": complement, "self_term": self_term}
    for averaging, complement, self_term in itertools.product([False, True], repeat=3)
]
SCL = {"class_averaging": False, "class_complement": False}
BCL = {"class_averaging": True, "class_complement": True}
LABELS = {
    "uneven, with singletons and absent classes": [3, 0, 0, 5, 0, 2, 0, 2],
    "one class": [1, 1, 1],
    "one image": [4],
}
NUM_CLASSES = 6


def leaves(batch):
    """The batch with features and prototypes as leaves that collect gradients."""
    return batch._replace(
        features=batch.features.clone().requires_grad_(), prototypes=batch.prototypes.clone().requires_grad_()
    )


def gradients(loss, batch):
    found = torch.autograd.grad(loss, [batch.features, batch.prototypes], allow_unused=True)
    return [torch.zeros_like(x) if g is None else g for x, g in zip(batch[::2], found, strict=True)]


@pytest.mark.parametrize("labels", LABELS.values(), ids=LABELS.keys())
@pytest.mark.parametrize("views", [1, 2, 3])
@pytest.mark.parametrize("anchors", ["instance", "class"])
@pytest.mark.parametrize("switches", SWITCHES, ids=str)
def test_loss_and_gradients_are_those_of_the_formula(switches, anchors, views, labels):
    batch = leaves(random_batch(labels, NUM_CLASSES, views))
    settings_ = dict(switches, anchors=anchors, temperature=0.3)
    loss = contrastive_loss(*batch, num_classes=NUM_CLASSES, **settings_)
    has_positive = switches["class_complement"] or views > 1 or len(set(labels)) < len(labels)
    expected = slow_loss(batch, **settings_) if has_positive else 0 * (batch.features.sum() + batch.prototypes.sum())
    torch.testing.assert_close(loss, expected, rtol=1e-12, atol=1e-12)
    for found, wanted in zip(gradients(loss, batch), gradients(expected, batch), strict=True):
        torch.testing.assert_close(found, wanted, rtol=1e-10, atol=1e-12)


@pytest.mark.parametrize("switches", SWITCHES, ids=str)
def test_gradient_agrees_with_finite_differences(switches):
    features, labels, prototypes = leaves(random_batch([0, 0, 0, 2, 3], 4, dim=3))

    def loss(features, prototypes):
        return 3 * contrastive_loss(
            features, labels, prototypes, num_classes=4, temperature=0.5, validate=False, **switches
        )

    assert torch.autograd.gradcheck(loss, (features, prototypes))


@pytest.mark.parametrize("anchors", ["instance", "class"])
def test_without_any_positive_the_loss_is_zero_and_still_connected(anchors):
    batch = leaves(random_batch([2, 0, 1], NUM_CLASSES, views=1))
    loss = contrastive_loss(*batch, num_classes=NUM_CLASSES, anchors=anchors, **SCL)
    loss.backward()
    assert loss.item() == 0
    assert torch.equal(batch.features.grad, torch.zeros_like(batch.features))


def test_without_class_complement_prototypes_are_ignored():
    features, labels, prototypes = random_batch([0, 0, 1, 1], 3)
    with_prototypes = contrastive_loss(features, labels, prototypes, num_classes=3, class_complement=False)
    assert with_prototypes == contrastive_loss(features, labels, num_classes=3, class_complement=False)


def test_inputs_are_left_as_they_were_and_need_not_be_contiguous():
    batch = random_batch([0, 0, 1, 2], 3)
    transposed = batch.features.transpose(0, 1).contiguous().transpose(0, 1)
    assert not transposed.is_contiguous()
    before = [x.clone() for x in batch]
    loss = contrastive_loss(*batch, num_classes=3, temperature=0.2)
    assert contrastive_loss(transposed, *batch[1:], num_classes=3, temperature=0.2) == loss
    assert all(torch.equal(x, y) for x, y in zip(batch, before, strict=True))


counts_per_class = st.lists(st.integers(0, 4), min_size=2, max_size=5).filter(any)
any_corner = st.sampled_from(SWITCHES)
any_average = st.sampled_from(["instance", "class"])
seeds = st.integers(0, 2**31)


def batch_with_counts(counts, seed, views=2):
    labels = [j for j, count in enumerate(counts) for _ in range(count)]
    return random_batch(labels, len(counts), views=views, seed=seed)


@settings(max_examples=25, deadline=None)
@given(counts_per_class, any_corner, any_average, seeds)
def test_order_of_the_batch_does_not_matter(counts, switches, anchors, seed):
    batch = batch_with_counts(counts, seed)
    order = torch.randperm(len(batch.labels), generator=torch.Generator().manual_seed(seed))
    shuffled = batch._replace(features=batch.features[order].flip(1), labels=batch.labels[order])
    options = dict(switches, anchors=anchors, num_classes=len(counts))
    torch.testing.assert_close(contrastive_loss(*shuffled, **options), contrastive_loss(*batch, **options))


@settings(max_examples=25, deadline=None)
@given(counts_per_class, any_corner, any_average, seeds)
def test_names_of_the_classes_do_not_matter(counts, switches, anchors, seed):
    batch = batch_with_counts(counts, seed)
    new_name = torch.randperm(len(counts), generator=torch.Generator().manual_seed(seed))
    renamed = batch._replace(labels=new_name[batch.labels], prototypes=batch.prototypes[new_name.argsort()])
    options = dict(switches, anchors=anchors, num_classes=len(counts))
    torch.testing.assert_close(contrastive_loss(*renamed, **options), contrastive_loss(*batch, **options))


@settings(max_examples=25, deadline=None)
@given(counts_per_class, any_corner, any_average, seeds)
def test_turning_the_sphere_does_not_change_the_loss(counts, switches, anchors, seed):
    batch = batch_with_counts(counts, seed)
    draw = torch.Generator().manual_seed(seed)
    turn = torch.linalg.qr(torch.randn(4, 4, generator=draw, dtype=torch.float64)).Q
    turned = batch._replace(features=batch.features @ turn, prototypes=batch.prototypes @ turn)
    options = dict(switches, anchors=anchors, num_classes=len(counts))
    torch.testing.assert_close(contrastive_loss(*turned, **options), contrastive_loss(*batch, **options))


@settings(max_examples=25, deadline=None)
@given(counts_per_class, st.floats(0.05, 2), seeds)
def test_bcl_respects_its_lower_bound(counts, temperature, seed):
    """L_i ≥ log(1 + (K − 1) e^{r − a}), a the mean similarity of the positives, r that of the other classes' means."""
    batch, num_classes = batch_with_counts(counts, seed), len(counts)
    bounds = []
    flat, owners = batch.features.flatten(0, 1), batch.labels.repeat_interleave(2)
    for i, own_class in enumerate(owners.tolist()):
        members = [
            [*flat[(owners == j) & (torch.arange(len(flat)) != i)], batch.prototypes[j]] for j in range(num_classes)
        ]
        similarity = [torch.stack([flat[i] @ v for v in vectors]).mean() / temperature for vectors in members]
        a = similarity.pop(own_class)
        r = torch.stack(similarity).mean()
        bounds.append((own_class, torch.log1p((num_classes - 1) * torch.exp(r - a))))
    anchor_losses = slow_anchor_losses(batch, temperature=temperature, self_term=False, **BCL)
    assert all(loss >= bound - 1e-12 for (_, loss), (_, bound) in zip(anchor_losses, bounds, strict=True))
    loss = contrastive_loss(*batch, num_classes=num_classes, temperature=temperature)
    assert loss >= torch.stack([bound for _, bound in bounds]).mean() - 1e-12


def test_bcl_reaches_its_lower_bound_on_a_collapsed_simplex():
    num_classes, temperature = 4, 0.5
    vertices = normalize(torch.eye(num_classes, dtype=torch.float64) - 1 / num_classes, dim=-1)
    labels = torch.tensor([0, 0, 0, 0, 0, 1, 1, 2])
    features = vertices[labels][:, None].expand(-1, 2, -1)
    loss = contrastive_loss(features, labels, vertices, num_classes=num_classes, temperature=temperature)
    cosine_gap = 1 + 1 / (num_classes - 1)
    expected = math.log1p((num_classes - 1) * math.exp(-cosine_gap / temperature))
    assert loss.item() == pytest.approx(expected, abs=1e-12)


def test_printed_formula_adds_the_self_term_less_the_mean_of_the_positives():
    """D_paper − D_code = (e^{1/τ} − mean over Q_i of e^s) / (m_y + 1)."""
    batch, temperature = random_batch(LABELS["uneven, with singletons and absent classes"], NUM_CLASSES), 0.4
    changes = []
    for _, anchor, positives, _, normaliser in slow_anchors(*batch, temperature=temperature, self_term=False, **BCL):
        terms = torch.exp(torch.stack(positives) @ anchor / temperature)
        added = (math.exp(1 / temperature) - terms.mean()) / (len(positives) + 1)  # |Q_i| = m_y
        changes.append(torch.log1p(added / normaliser))
    options = {"num_classes": NUM_CLASSES, "temperature": temperature}
    change = contrastive_loss(*batch, self_term=True, **options) - contrastive_loss(*batch, **options)
    torch.testing.assert_close(change, torch.stack(changes).mean(), rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16, torch.float16])
@pytest.mark.parametrize("switches", SWITCHES, ids=str)
def test_loss_and_gradients_are_finite_at_temperature_0_01(switches, dtype):
    labels = torch.tensor([0, 0, 1, 2])
    apart = normalize(torch.randn(4, 2, 8, generator=torch.Generator().manual_seed(0)), dim=-1)
    opposed = torch.eye(8)[labels][:, None] * torch.tensor([1.0, -1.0])[None, :, None]  # positives at 180 degrees
    for vectors in (apart, opposed):
        features = vectors.to(dtype).requires_grad_()
        prototypes = (-torch.eye(8)[:4]).to(dtype).requires_grad_()
        loss = contrastive_loss(features, labels, prototypes, num_classes=4, temperature=0.01, **switches)
        loss.backward()
        assert loss.isfinite()
        assert features.grad.isfinite().all()
        assert features.grad.dtype == dtype
        if switches["class_complement"]:
            assert prototypes.grad.isfinite().all()


@pytest.mark.parametrize("switches", [SCL, BCL], ids=["SCL", "BCL"])
@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
def test_half_precision_inputs_are_computed_in_float32(switches, dtype):
    features, labels, prototypes = random_batch([0] * 9 + [1] * 4 + [2], 4, dim=16)
    rounded = (features.to(dtype), labels, prototypes.to(dtype))
    loss = contrastive_loss(*rounded, num_classes=4, **switches)
    exact = contrastive_loss(rounded[0].double(), labels, rounded[2].double(), num_classes=4, **switches)
    assert loss.dtype == torch.float32
    assert loss.item() == pytest.approx(exact.item(), rel=1e-5)


def test_autocast_changes_nothing():
    def step():
        features, labels, prototypes = (
            x.float() if x.is_floating_point() else x for x in random_batch([0, 0, 1, 2], 4)
        )
        features, prototypes = features.requires_grad_(), prototypes.requires_grad_()
        loss = contrastive_loss(features, labels, prototypes, num_classes=4)
        loss.backward()
        return loss.detach(), features.grad, prototypes.grad

    plain = step()
    with torch.autocast("cpu", torch.bfloat16):
        under_autocast = step()
    assert all(torch.equal(a, b) for a, b in zip(plain, under_autocast, strict=True))


@pytest.mark.parametrize("switches", SWITCHES, ids=str)
def test_unvalidated_loss_never_looks_at_a_value(switches):
    """Fake tensors have no values: reading one, or a shape that depends on one, raises."""
    with FakeTensorMode():
        features = torch.empty(8, 2, 16, requires_grad=True)
        prototypes = torch.empty(5, 16, requires_grad=True)
        labels = torch.empty(8, dtype=torch.int64)
        contrastive_loss(
            features, labels, prototypes, num_classes=5, anchors="class", validate=False, **switches
        ).backward()
        assert features.grad.shape == features.shape


def bad(**changes):
    features, labels, prototypes = random_batch([0, 0, 1, 2], 3)
    return {"features": features, "labels": labels, "prototypes": prototypes, "num_classes": 3} | changes


def with_entry(tensor, index, value):
    changed = tensor.clone()
    changed[index] = value
    return changed


GOOD = bad()
BAD_INPUTS = {
    "features flat": (bad(features=GOOD["features"][:, 0]), r"features.*\(B, V, d\).*\(4, 4\)"),
    "features empty": (bad(features=GOOD["features"][:, :0]), r"features.*\(4, 0, 4\)"),
    "features integer": (bad(features=GOOD["features"].long()), "features.*floating.*int64"),
    "features long": (bad(features=1.1 * GOOD["features"]), r"features.*unit length.*1\.1 at index \(0, 0\)"),
    "features NaN": (
        bad(features=with_entry(GOOD["features"], (1, 0, 0), math.nan)),
        r"features.*nan at index \(1, 0\)",
    ),
    "features infinite": (
        bad(features=with_entry(GOOD["features"], (3, 1, 0), math.inf)),
        r"features.*inf at index \(3, 1\)",
    ),
    "labels short": (bad(labels=GOOD["labels"][:3]), r"labels.*\(B,\) = \(4,\).*\(3,\)"),
    "labels one a view": (bad(labels=GOOD["labels"][:, None].expand(-1, 2)), r"labels.*\(4, 2\)"),
    "labels floating": (bad(labels=GOOD["labels"].float()), "labels.*integers.*float32"),
    "labels boolean": (bad(labels=GOOD["labels"].bool()), "labels.*integers.*bool"),
    "label too large": (bad(labels=GOOD["labels"] + 1), "labels.*0 … 2.*1 to 3"),
    "label negative": (bad(labels=GOOD["labels"] - 1), "labels.*0 … 2.*-1 to 1"),
    "prototypes missing": (bad(prototypes=None), "prototypes.*class_complement"),
    "prototypes too few": (bad(prototypes=GOOD["prototypes"][:2]), r"prototypes.*\(3, 4\).*\(2, 4\)"),
    "prototypes integer": (bad(prototypes=GOOD["prototypes"].long()), "prototypes.*floating.*int64"),
    "prototypes short": (bad(prototypes=GOOD["prototypes"] / 2), r"prototypes.*unit length.*0\.5 at index \(0,\)"),
    "one class": (bad(num_classes=1), "num_classes.*at least 2.*1"),
    "temperature zero": (bad(temperature=0), "temperature.*positive.*0"),
    "temperature negative": (bad(temperature=-0.1), "temperature.*positive.*-0.1"),
    "temperature NaN": (bad(temperature=math.nan), "temperature.*positive.*nan"),
    "anchors unknown": (bad(anchors="batch"), "anchors.*instance.*class.*'batch'"),
}


@pytest.mark.parametrize("arguments, message", BAD_INPUTS.values(), ids=BAD_INPUTS.keys())
def test_bad_input_is_named_with_its_value_and_what_would_be_right(arguments, message):
    with pytest.raises(ValueError, match=message):
        contrastive_loss(**arguments)
