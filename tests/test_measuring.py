"""What an epoch's numbers hold, whatever the number of classes."""

from dataclasses import replace

import numpy as np
import pytest

from bcl_core import geometry, measuring
from bcl_core.measuring import Embedded, Samples, Selection, measure


def epoch(dtype=np.float64, classes=300, dim=24, width=40):
    """One epoch of a run, as a network leaves it in float32; the numbers are the same in float64."""
    rng = np.random.default_rng(0)
    labels = np.repeat(np.arange(classes), 3)
    chosen = Selection(labels, labels, classes)
    kept = chosen.kept
    counts = np.arange(classes, 0, -1) + 4
    names, frame = tuple(map(str, range(classes))), chosen.frame_half(0)
    samples = Samples(chosen.labels[kept], kept, chosen.split, frame, None, 255, names, counts)
    centres, noise = rng.normal(size=(classes, width)), rng.normal(size=(len(chosen.labels), width))
    backbone = np.maximum(centres[chosen.labels] + 0.3 * noise, 0).astype(np.float32)
    features = backbone[:, :dim] - 0.2
    features /= np.linalg.norm(features, axis=1, keepdims=True)
    prototypes = rng.normal(size=(classes, dim))
    prototypes /= np.linalg.norm(prototypes, axis=1, keepdims=True)
    embedded = Embedded(
        features.astype(dtype),
        backbone.astype(dtype),
        predictions=(backbone @ centres.T.astype(np.float32)).argmax(axis=1),
        prototypes=prototypes,
        classifier=centres,
    )
    return chosen, samples, embedded


def test_metrics_of_float32_are_those_of_float64_to_six_digits():
    narrow, wide = (measure(*epoch(dtype)).metrics for dtype in (np.float32, np.float64))
    assert narrow.keys() == wide.keys()
    for name, value in wide.items():
        assert narrow[name] == (None if value is None else pytest.approx(value, rel=1e-6)), name


def test_views_of_few_classes_hold_every_matrix_as_it_is():
    chosen, samples, embedded = epoch()
    view = measure(chosen, samples, embedded).view
    for name in ("prototypes", "classifier"):
        np.testing.assert_array_equal(view[name], getattr(embedded, name).astype(np.float32))


def test_views_of_many_classes_keep_what_there_is_room_for_and_measure_all(monkeypatch):
    """As of 8,142 classes, whose classifier alone would be 67 MB an epoch."""
    whole = measure(*epoch())
    monkeypatch.setattr(measuring, "WIDE_BYTES", 1000)
    monkeypatch.setattr(measuring, "OF_CLASSES_BYTES", 2 * 300 * 24 * 2)
    less = measure(*epoch())
    assert less.metrics == whole.metrics and whole.metrics["classifier_angle"] > 0
    assert whole.view.keys() - less.view.keys() == {"classifier"}
    for name in ("class_means", "prototypes"):
        assert less.view[name].dtype == np.float16
        assert geometry.cross_angles(less.view[name], whole.view[name]).max() < 0.03
    monkeypatch.setattr(measuring, "OF_CLASSES_BYTES", 0)
    assert measure(*epoch()).view["class_means"].shape == (300, 24)  # never left out


def test_numbers_beyond_float16_stay_as_they_are(monkeypatch):
    monkeypatch.setattr(measuring, "WIDE_BYTES", 1000)
    chosen, samples, embedded = epoch()
    view = measure(chosen, samples, replace(embedded, classifier=1e6 * embedded.classifier)).view
    assert view["classifier"].dtype == np.float32 and np.isfinite(view["classifier"]).all()
