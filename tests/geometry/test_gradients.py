from itertools import product

import numpy as np
import pytest
import torch

from bcl_core.geometry import gradient_contributions

SWITCHES = list(product([False, True], repeat=3))
NUM_CLASSES, TEMPERATURE = 5, 0.4


def unit(values):
    return values / np.linalg.norm(values, axis=-1, keepdims=True)


@pytest.fixture
def batch(rng):
    """Seven images, two views: class 3 has one image, class 4 none."""
    features = unit(rng.normal(size=(7, 2, 6)))
    return features, np.array([0, 0, 0, 1, 1, 2, 3]), unit(rng.normal(size=(NUM_CLASSES, 6)))


def autograd_reference(features, labels, prototypes, class_averaging, class_complement, self_term):
    """Per anchor: its class, each class's share of D and push, and the pull, all read off a plain loss with autograd.

    The push of class q is the gradient of log D with only the terms of q left to vary.
    """
    keys = torch.tensor(features.reshape(-1, features.shape[-1]))
    key_labels = np.repeat(labels, features.shape[1])
    per_anchor = []
    for i in range(len(keys)):
        anchor = keys[i].clone().requires_grad_()
        members = {q: [] for q in range(NUM_CLASSES)}
        positives = []
        for k in range(len(keys)):
            if k != i:
                similarity = anchor @ keys[k] / TEMPERATURE
                members[key_labels[k]].append(similarity)
                if key_labels[k] == key_labels[i]:
                    positives.append(similarity)
        if class_complement:
            for q in range(NUM_CLASSES):
                similarity = anchor @ torch.tensor(prototypes[q]) / TEMPERATURE
                members[q].append(similarity)
                if q == key_labels[i]:
                    positives.append(similarity)
        if self_term:
            members[key_labels[i]].append(torch.tensor(1 / TEMPERATURE, dtype=torch.float64))
        if not positives:
            continue
        zero = 0 * anchor.sum()
        terms = []
        for q in range(NUM_CLASSES):
            total = zero + sum(torch.exp(similarity) for similarity in members[q])
            terms.append(total / len(members[q]) if class_averaging and members[q] else total)
        denominator = sum(terms)
        tangent = torch.eye(len(anchor)) - torch.outer(anchor, anchor).detach()

        def gradient_of(value, anchor=anchor, tangent=tangent):
            return tangent @ torch.autograd.grad(value, anchor, retain_graph=True)[0]

        pushes = torch.stack([gradient_of(torch.log(term + (denominator - term).detach())) for term in terms])
        attraction = gradient_of(sum(positives) / len(positives))
        loss = -sum(positive - torch.log(denominator) for positive in positives) / len(positives)
        assert torch.allclose(pushes.sum(dim=0) - attraction, gradient_of(loss), atol=1e-12)
        masses = [(term / denominator).item() for term in terms]
        per_anchor.append((key_labels[i], masses, pushes.norm(dim=1).numpy(), float(attraction.norm())))
    return per_anchor


@pytest.mark.parametrize("anchors", ["instance", "class"])
@pytest.mark.parametrize(("class_averaging", "class_complement", "self_term"), SWITCHES)
def test_contributions_match_autograd_of_a_plain_loss(batch, class_averaging, class_complement, self_term, anchors):
    reference = autograd_reference(*batch, class_averaging, class_complement, self_term)
    found = gradient_contributions(
        *batch,
        num_classes=NUM_CLASSES,
        temperature=TEMPERATURE,
        class_averaging=class_averaging,
        class_complement=class_complement,
        anchors=anchors,
        self_term=self_term,
    )
    weighted = np.zeros((NUM_CLASSES, NUM_CLASSES))
    for y in range(4):
        own = [entry for entry in reference if entry[0] == y]
        mass = np.mean([entry[1] for entry in own], axis=0)
        np.testing.assert_allclose(found.mass[y], mass, rtol=1e-10)
        np.testing.assert_allclose(found.norm[y], np.mean([entry[2] for entry in own], axis=0), rtol=1e-10)
        np.testing.assert_allclose(found.attraction[y], np.mean([entry[3] for entry in own]), rtol=1e-10)
        weighted[y] = mass * (len(own) / len(reference) if anchors == "instance" else 1 / 4)
    np.testing.assert_allclose(found.pair_push, weighted + weighted.T, rtol=1e-10)
    np.testing.assert_allclose(found.mass[:4].sum(axis=1), 1)


def test_a_class_without_anchors_is_nan_and_pushes_through_its_prototype_alone(batch):
    options = {"num_classes": NUM_CLASSES, "temperature": TEMPERATURE, "class_averaging": True}
    found = gradient_contributions(*batch, class_complement=True, **options)
    assert np.isnan(found.mass[4]).all()
    assert np.isnan(found.norm[4]).all()
    assert np.isnan(found.attraction[4])
    assert (found.mass[:4, 4] > 0).all()
    assert (found.pair_push[4, :4] > 0).all()
    without = gradient_contributions(*batch[:2], None, class_complement=False, **options)
    assert (without.mass[:4, 4] == 0).all()


def test_an_anchor_without_a_positive_does_not_count(batch):
    features, labels, _ = batch
    found = gradient_contributions(
        features[:, 0],
        labels,
        None,
        num_classes=NUM_CLASSES,
        temperature=TEMPERATURE,
        class_averaging=False,
        class_complement=False,
    )
    assert np.isfinite(found.mass[:2]).all()
    assert np.isnan(found.mass[2:]).all()


def test_flat_features_are_the_same_as_one_view_each(batch):
    features, labels, prototypes = batch
    options = {
        "num_classes": NUM_CLASSES,
        "temperature": TEMPERATURE,
        "class_averaging": True,
        "class_complement": True,
    }
    views = gradient_contributions(features, labels, prototypes, **options)
    flat = gradient_contributions(features.reshape(14, 6), np.repeat(labels, 2), prototypes, **options)
    for one, other in zip(views, flat, strict=True):
        np.testing.assert_array_equal(one, other)


def test_low_temperatures_do_not_overflow(batch):
    found = gradient_contributions(
        *batch, num_classes=NUM_CLASSES, temperature=1e-3, class_averaging=True, class_complement=True, self_term=True
    )
    assert np.isfinite(found.norm[:4]).all()


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"prototypes": None}, "prototypes is None"),
        ({"prototypes": np.eye(4, 6)}, r"prototypes has shape \(4, 6\)"),
        ({"features": np.ones((7, 2, 6))}, "features has a row whose length is off by 1.45"),
        ({"features": np.ones(7)}, r"features has shape \(7,\)"),
        ({"temperature": 0.0}, "temperature is 0.0"),
        ({"anchors": "image"}, "anchors is 'image'"),
        ({"num_classes": 3}, "labels run from 0 to 3"),
    ],
)
def test_wrong_input_is_named(batch, changes, message):
    features, labels, prototypes = batch
    arguments = {
        "features": features,
        "labels": labels,
        "prototypes": prototypes,
        "num_classes": NUM_CLASSES,
        "temperature": TEMPERATURE,
        "class_averaging": True,
        "class_complement": True,
    }
    with pytest.raises(ValueError, match=message):
        gradient_contributions(**{**arguments, **changes})
