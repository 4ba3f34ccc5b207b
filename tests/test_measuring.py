"""What an epoch's numbers hold, whatever the number of classes."""

import os
import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest

from bcl_core import geometry, measuring
from bcl_core.measuring import Embedded, Samples, Selection, measure
from bcl_core.recipe import RecipeError
from bcl_core.registry import Entry


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


def count(features, labels, class_counts):
    """What a metric of one's own is given."""
    assert len(features) == len(labels) and len(class_counts) == labels.max() + 1
    np.testing.assert_allclose(np.linalg.norm(features, axis=1), 1, atol=1e-6)
    return len(features)


def endless(features, labels, class_counts):
    return np.inf


def broken(features, labels, class_counts):
    return features.no_such_thing


def test_a_metric_of_ones_own_is_measured_of_the_test_images_and_named_where_it_fails(monkeypatch):
    for name in ("count", "endless"):
        monkeypatch.setitem(measuring.MEASURES, name, Entry(name, "", f"{__name__}:{name}"))
    chosen, samples, embedded = epoch()
    metrics = measure(chosen, samples, embedded).metrics
    assert metrics["count"] == len(chosen.labels[chosen.test]) and metrics["endless"] is None
    monkeypatch.setitem(measuring.MEASURES, "broken", Entry("broken", "", f"{__name__}:broken"))
    with pytest.raises(RecipeError, match=f"the metric broken, {__name__}:broken, failed: AttributeError"):
        measure(chosen, samples, embedded)


@pytest.mark.parametrize(
    ("variable", "text", "words"),
    [
        ("BCL_LAB_METRICS", "Even-ness=m:f", "should be of small letters, digits and _"),
        ("BCL_LAB_METRICS", "loss=m:f", "which is the name of one that is built in"),
        ("BCL_LAB_METRICS", "epoch=m:f", "which is the name of one that is built in"),
        ("BCL_LAB_DATASETS", "digits=m:f", "which is the name of one that is built in"),
        ("BCL_LAB_VIEWS", "blurred", "should be name=module:target"),
    ],
)
def test_what_cannot_be_registered_is_said(variable, text, words):
    """In a process of its own: the tables are made once."""
    command = [sys.executable, "-c", "from bcl_core import metrics, registry; print(*registry.FAULTS)"]
    done = subprocess.run(command, env={**os.environ, variable: text}, capture_output=True, text=True, check=True)
    assert done.stdout.startswith(f"{variable} has ") and words in done.stdout
