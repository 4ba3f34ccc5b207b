"""From an epoch's embeddings to what the app shows: metrics for curves, arrays for pictures. Numpy alone, no model.

Figures are taken on the test images, class by class; training images are shown beside them for comparison.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bcl_core import geometry
from bcl_core.geometry.arrays import SampleArray, mean_or_none
from bcl_core.metrics import MEASURES
from bcl_core.recipe import RecipeError
from bcl_core.registry import Entry, in_a_line

# Images that are kept to be looked at; figures are taken on all test images.
MAX_TEST_SAMPLES = 4000
MAX_TRAIN_SAMPLES = 2000
NEIGHBOURS = 5
PICTURE_DIMS = (2, 3)
WIDE_BYTES = 1 << 20  # of one number a class and dimension in a view: up to here they are float32
OF_CLASSES_BYTES = 16 << 20  # of all of these in a view: 1,000 classes of 1,024 and 2,048 dimensions have room
TEST, TRAIN = 0, 1

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Samples:
    """The N images of a run that are kept to be looked at, the same at every epoch: test images, then training."""

    labels: NDArray[np.int64]  # (N,)
    indices: NDArray[np.int64]  # (N,) into the source
    split: NDArray[np.uint8]  # (N,) TEST or TRAIN
    fits_frame: NDArray[np.bool_]  # (N,) the half of the test images that the picture's frame is fitted on
    thumbnails: NDArray[np.uint8] | None  # (N, C, H, W)
    pixel_max: int
    class_names: tuple[str, ...]
    class_counts: NDArray[np.int64]  # (K,) training images


@dataclass(frozen=True)
class Measurement:
    """One epoch's numbers: `metrics` for curves, `view` for pictures, `embeddings` for neighbours and export."""

    metrics: Mapping[str, Any]
    view: Mapping[str, NDArray[Any]]
    embeddings: Mapping[str, NDArray[Any]]


@dataclass(frozen=True)
class Embedded:
    """An epoch of a run's n images, in the order of their `Selection`; what a run does not have is None."""

    features: SampleArray  # (n, d) unit vectors, in the space that the run's angles are taken in
    backbone: SampleArray | None = None  # (n, d_h)
    predictions: NDArray[np.int64] | None = None  # (n,) the most probable class
    confidences: SampleArray | None = None  # (n,) its probability
    class_means: Floats | None = None  # (K, d) where they are given; else those of the test features are taken
    prototypes: Floats | None = None  # (K, d) unit vectors
    classifier: Floats | None = None  # (K, d_h); of a cosine classifier, unit vectors
    gradients: Mapping[str, Floats] = field(default_factory=dict)  # pair_push (K, K) and what else is known
    # One of the epoch's batches: batch_features (B, V, d), batch_labels (B,), batch_samples (B,) numbers of `Samples`,
    # −1 for one that is not kept, and batch_prototypes (K, d).
    batch: Mapping[str, NDArray[Any]] = field(default_factory=dict)


class Selection:
    """All images of a run: every test image, which is measured, and those of both sides that are kept to be shown."""

    def __init__(self, test_labels: NDArray[np.int64], train_labels: NDArray[np.int64], num_classes: int) -> None:
        self.shown_test = first_of_each_class(test_labels, MAX_TEST_SAMPLES, num_classes)
        self.shown_train = first_of_each_class(train_labels, MAX_TRAIN_SAMPLES, num_classes)
        self.labels = np.concatenate([test_labels, train_labels[self.shown_train]])  # (n,)
        self.test = slice(len(test_labels))  # of the n; a slice, since it copies nothing
        self.kept = np.concatenate([self.shown_test, len(test_labels) + np.arange(len(self.shown_train))])  # (N,)
        self.split = np.repeat(np.array([TEST, TRAIN], np.uint8), [len(self.shown_test), len(self.shown_train)])  # (N,)

    def frame_half(self, seed: int) -> NDArray[np.bool_]:
        """Choose the half of the kept test images that the picture's frame is fitted on, (N,)."""
        of_test = geometry.split_halves(self.labels[self.shown_test], seed)
        return np.concatenate([of_test, np.zeros(len(self.shown_train), np.bool_)])


def first_of_each_class(labels: NDArray[np.int64], at_most: int, num_classes: int) -> NDArray[np.int64]:
    """Choose about `at_most` images, evenly over the classes, two of each at least: a frame fits on one half."""
    per_class = max(2, at_most // num_classes)
    chosen = [np.flatnonzero(labels == c)[:per_class] for c in range(num_classes)]
    return np.sort(np.concatenate(chosen))


def measure(selection: Selection, samples: Samples, embedded: Embedded) -> Measurement:
    """Return an epoch's numbers. What the embedded epoch lacks is None in the metrics and absent from the view."""
    labels, test, kept = selection.labels, selection.test, selection.kept
    counts = samples.class_counts
    num_classes = len(counts)
    features, tested = embedded.features, labels[test]
    measured = geometry.class_means(features[test], tested, num_classes)
    means = measured if embedded.class_means is None else embedded.class_means
    around = geometry.angles_to_means(features[test], tested, num_classes, measured)
    picture, frame = _picture(features[kept], samples)
    metrics = {
        **_accuracy(selection, embedded, counts),
        **geometry.simplex_metrics(means, counts),
        **_collapse(selection, embedded, counts, measured),
        "within_class_angle": mean_or_none(around.within_class),
        "margin": mean_or_none(around.margin),
        "prototype_angle": _mean_angle(means, embedded.prototypes),
        "prototype_angle_tail_tail": tail_angle(embedded.prototypes, counts),
        "tail_push_share": _tail_push_share(embedded, counts),
        **geometry.push_extents(embedded.gradients),
        **{name: _own(entry, features[test], tested, counts) for name, entry in MEASURES.items()},
        **{f"picture_{name}": value for name, value in picture.items()},
    }
    arrays = {
        "within_class_angles": around.within_class,
        "accuracy_per_class": metrics["accuracy_per_class"],
        **embedded.gradients,
        "class_mean_coordinates": means @ frame,
        "prototype_coordinates": None if embedded.prototypes is None else embedded.prototypes @ frame,
    }
    view: dict[str, NDArray[Any]] = {
        name: np.asarray(array, np.float32) for name, array in arrays.items() if array is not None
    }
    view.update(_of_classes(means, embedded.prototypes, embedded.classifier))
    view.update(embedded.batch)
    view["coordinates"] = geometry.quantise(features[kept] @ frame)
    if embedded.predictions is not None:
        view["predictions"] = embedded.predictions[kept].astype(np.int32)
    if embedded.confidences is not None:
        view["confidences"] = embedded.confidences[kept].astype(np.float16)
    return Measurement(metrics, view, {"projection": features[kept].astype(np.float16)})


def _own(entry: Entry, features: SampleArray, labels: NDArray[np.int64], counts: NDArray[np.int64]) -> float | None:
    """Return one of `metrics.MEASURES`; RecipeError where its code fails, or returns no number."""
    try:
        value = entry.load()(features, labels, counts)
        number = None if value is None else float(value)
    except (Exception, SystemExit) as error:
        raise RecipeError(
            f"the metric {entry.title}, {entry.target}, failed: {in_a_line(error)}; it should take features (n, d), "
            "labels (n,) and class counts (K,), and return a number or None"
        ) from error
    return number if number is not None and math.isfinite(number) else None


def _of_classes(means: Floats, prototypes: Floats | None, classifier: Floats | None) -> dict[str, NDArray[Any]]:
    """Return the view's (K, d) matrices: class means, and of the others what there is room for at every epoch.

    Large ones are of float16, whose rounding turns a row by a hundredth of a degree.
    """
    kept, taken = {}, 0
    for name, matrix in (("class_means", means), ("prototypes", prototypes), ("classifier", classifier)):
        if matrix is None:
            continue
        large = 4 * matrix.size > WIDE_BYTES and np.nanmax(np.abs(matrix)) <= np.finfo(np.float16).max
        narrow = matrix.astype(np.float16 if large else np.float32)
        taken += narrow.nbytes
        if name == "class_means" or taken <= OF_CLASSES_BYTES:
            kept[name] = narrow
    return kept


def _accuracy(selection: Selection, embedded: Embedded, counts: NDArray[np.int64]) -> dict[str, Any]:
    """Mean over classes, each class's, and the shot groups' means.

    Without predictions all are None, and the nearest mean of the training images' features predicts instead.
    """
    if embedded.predictions is None:
        nothing = np.full(len(counts), np.nan)
        groups = dict.fromkeys(geometry.shot_group_means(nothing, counts))
        return {
            "accuracy": None,
            "accuracy_per_class": None,
            **{f"accuracy_{group}": None for group in groups},
            "accuracy_nearest_mean": _nearest_mean_accuracy(selection, embedded, len(counts)),
        }
    per_class = _per_class(selection, embedded.predictions[selection.test], len(counts))
    groups = geometry.shot_group_means(per_class, counts)
    return {
        "accuracy": float(per_class.mean()),
        "accuracy_per_class": per_class.tolist(),
        **{f"accuracy_{group}": value for group, value in groups.items()},
    }


def _per_class(selection: Selection, predictions: NDArray[np.int64], num_classes: int) -> Floats:
    """Return the share of each class's test images that are predicted right, (K,)."""
    labels = selection.labels[selection.test]
    counts = np.bincount(labels, minlength=num_classes)
    return np.bincount(labels, predictions == labels, num_classes) / counts


def _nearest_mean_accuracy(selection: Selection, embedded: Embedded, num_classes: int) -> float | None:
    """Mean over classes of the nearest-class-mean accuracy; None where a class has no training image."""
    features = embedded.features if embedded.backbone is None else embedded.backbone
    of_training = slice(selection.test.stop, None)
    labels = selection.labels[of_training]
    if len(np.unique(labels)) < num_classes:
        return None
    means = geometry.class_means(features[of_training], labels, num_classes)
    nearest = geometry.nearest_class_means(features[selection.test], means)
    return float(_per_class(selection, nearest, num_classes).mean())


def _collapse(
    selection: Selection, embedded: Embedded, counts: NDArray[np.int64], means: Floats
) -> dict[str, float | None]:
    """Neural collapse, measured in the backbone's space, or in the only space there is, whose means are given."""
    test, labels = selection.test, selection.labels[selection.test]
    backbone, classifier = embedded.features, embedded.classifier
    if embedded.backbone is not None:
        backbone = embedded.backbone
        means = geometry.class_means(backbone[test], labels, len(counts))
    predictions = None if embedded.predictions is None else embedded.predictions[test]
    return {
        **geometry.collapse_metrics(backbone[test], labels, classifier, counts, predictions, means),
        "classifier_angle": _mean_angle(means, classifier),
    }


def tail_angle(vectors: Floats | None, counts: NDArray[np.int64]) -> float | None:
    """Mean angle between the rows (K, d) of the tail's classes, in degrees; None where there is no such pair."""
    _, tail = geometry.head_and_tail(counts)
    if vectors is None or len(tail) < 2:
        return None
    return mean_or_none(geometry.pairwise_angles(vectors[tail])[np.triu_indices(len(tail), 1)])


def _tail_push_share(embedded: Embedded, counts: NDArray[np.int64]) -> float | None:
    push = embedded.gradients.get("pair_push")
    if push is None or len(push) < len(counts):  # pooled into bins of like frequency
        return None
    return geometry.tail_push_share(push, counts)


def _mean_angle(means: Floats, others: Floats | None) -> float | None:
    return None if others is None else mean_or_none(geometry.cross_angles(means, others))


def _picture(features: SampleArray, samples: Samples) -> tuple[dict[str, float | None], Floats]:
    """Fit the picture's frame (d, D) on one half of the test samples; judge it on the other."""
    labels, fit = samples.labels, samples.fits_frame
    drawn = (samples.split == TEST) & ~fit
    fit_means = geometry.class_means(features[fit], labels[fit], len(samples.class_counts))
    frame = geometry.aligned_coordinates(features[fit], fit_means).frame
    shown = features[drawn] @ frame
    dims = [number for number in PICTURE_DIMS if number <= frame.shape[1] and len(shown) > NEIGHBOURS]
    near = geometry.neighbours_preserved(features[drawn], shown, dims, k=NEIGHBOURS) if dims else ()
    return {
        # A class with one test image gives it to the fit, so that there may be none to draw.
        "variance_kept": geometry.variance_kept(features[drawn], shown) if drawn.any() else None,
        **{f"neighbours_{number}d": None for number in PICTURE_DIMS},
        **{f"neighbours_{number}d": share for number, share in zip(dims, near, strict=True)},
    }, frame
