"""After an epoch: embed the samples, and measure what the app shows. Torch embeds, then `geometry` does the rest.

Figures are taken on the test images, class by class; training images are embedded beside them for comparison.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from bcl_core import geometry
from bcl_core.data.dataset import Dataset
from bcl_core.geometry.arrays import mean_or_none
from bcl_core.hardware import Hardware
from bcl_core.models import TwoBranchModel
from bcl_core.recipe import Recipe

# Training images embedded beside the test images; enough for a picture, little beside the training itself.
MAX_TRAIN_SAMPLES = 2000
CHUNK = 512
NEIGHBOURS = 5
TEST, TRAIN = 0, 1


class TrainingDiverged(ArithmeticError):
    """Loss or embeddings are no longer finite numbers; the message says what to try."""


@dataclass(frozen=True)
class Samples:
    """The N embedded images of a run, the same at every epoch: test images first, then training images."""

    labels: NDArray[np.int64]  # (N,)
    indices: NDArray[np.int64]  # (N,) into the source
    split: NDArray[np.uint8]  # (N,) TEST or TRAIN
    fits_frame: NDArray[np.bool_]  # (N,) the half of the test images that the picture's frame is fitted on
    thumbnails: NDArray[np.uint8]  # (N, C, H, W)
    pixel_max: int
    class_names: tuple[str, ...]
    class_counts: NDArray[np.int64]  # (K,) training images


@dataclass(frozen=True)
class Measurement:
    """One epoch's numbers: `metrics` for curves, `view` for pictures, `embeddings` for neighbours and export."""

    metrics: Mapping[str, Any]
    view: Mapping[str, NDArray[Any]]
    embeddings: Mapping[str, NDArray[Any]]


class Evaluator:
    """Measures a model on one run's samples."""

    def __init__(self, recipe: Recipe, dataset: Dataset, hardware: Hardware) -> None:
        self.hardware = hardware
        self.samples = _choose_samples(recipe, dataset)
        self._test = self.samples.split == TEST
        scale = (dataset.mean[:, None, None], dataset.std[:, None, None])
        pixels = (self.samples.thumbnails.astype(np.float32) / dataset.pixel_max - scale[0]) / scale[1]
        self._images = torch.from_numpy(pixels).to(hardware.device).contiguous(memory_format=torch.channels_last)

    def measure(self, model: TwoBranchModel, statistics: Any, sampled_steps: int) -> Measurement:
        """Embed every sample and return the epoch's numbers.

        Args:
            model: left in evaluation mode.
            statistics: the epoch's `contrastive_statistics`, summed over its sampled steps.
            sampled_steps: how many.
        """
        backbone, projection, confidences = self._embed(model)
        if not np.isfinite(projection).all():
            raise TrainingDiverged("the embeddings left the finite numbers; try a lower optimiser.lr")
        predictions = confidences.argmax(axis=1)
        labels, test = self.samples.labels, self._test
        counts = self.samples.class_counts
        num_classes = len(counts)
        with torch.no_grad():
            prototypes = model.prototypes().double().cpu().numpy()
            classifier = model.classifier.detach().double().cpu().numpy()
        means = geometry.class_means(projection[test], labels[test], num_classes)
        backbone_means = geometry.class_means(backbone[test], labels[test], num_classes)
        accuracy_per_class = np.bincount(labels[test], predictions[test] == labels[test], num_classes) / np.bincount(
            labels[test], minlength=num_classes
        )
        within = geometry.within_class_angles(projection[test], labels[test], num_classes)
        gradients = _gradients(statistics, sampled_steps)
        pooled = len(gradients["pair_push"]) < num_classes
        by_group = geometry.shot_group_means(accuracy_per_class, counts)
        picture, frame = self._picture(projection)
        metrics = {
            "accuracy": float(accuracy_per_class.mean()),
            "accuracy_per_class": accuracy_per_class.tolist(),
            **geometry.simplex_metrics(means, counts),
            **geometry.collapse_metrics(backbone[test], labels[test], classifier, counts),
            "within_class_angle": mean_or_none(within),
            "margin": mean_or_none(geometry.margins(projection[test], labels[test], num_classes)),
            "prototype_angle": mean_or_none(geometry.cross_angles(means, prototypes)),
            "classifier_angle": mean_or_none(geometry.cross_angles(backbone_means, classifier)),
            "tail_push_share": None if pooled else geometry.tail_push_share(gradients["pair_push"], counts),
            **{f"accuracy_{group}": value for group, value in by_group.items()},
            **{f"picture_{name}": value for name, value in picture.items()},
        }
        view = {
            "class_means": means,
            "prototypes": prototypes,
            "classifier": classifier,
            "within_class_angles": within,
            "accuracy_per_class": accuracy_per_class,
            **gradients,
        }
        coordinates = projection @ frame
        return Measurement(
            metrics,
            {
                **{name: array.astype(np.float32) for name, array in view.items()},
                "coordinates": geometry.quantise(coordinates),
                "class_mean_coordinates": (means @ frame).astype(np.float32),
                "prototype_coordinates": (prototypes @ frame).astype(np.float32),
                "predictions": predictions.astype(np.int32),
                "confidences": confidences.max(axis=1).astype(np.float16),
            },
            {"projection": projection.astype(np.float16)},
        )

    @torch.no_grad()
    def _embed(self, model: TwoBranchModel) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
        model.eval()
        parts = []
        with torch.autocast(self.hardware.device.type, torch.bfloat16, enabled=self.hardware.precision == "bf16"):
            for chunk in torch.split(self._images, CHUNK):
                h = model(chunk)
                parts.append((h, model.project(h), model.logits(h).softmax(dim=1)))
        backbone, projection, confidences = (torch.cat(p).double().cpu().numpy() for p in zip(*parts, strict=True))
        return backbone, projection, confidences

    def _picture(self, projection: NDArray[np.float64]) -> tuple[dict[str, float | None], NDArray[np.float64]]:
        """Fit the picture's frame on one half of the test samples; judge it on the other."""
        labels, fit = self.samples.labels, self.samples.fits_frame
        drawn = self._test & ~fit
        fit_means = geometry.class_means(projection[fit], labels[fit], len(self.samples.class_counts))
        frame = geometry.aligned_coordinates(projection[fit], fit_means).frame
        shown = projection[drawn] @ frame
        return {
            "variance_kept": geometry.variance_kept(projection[drawn], shown),
            "neighbours_2d": geometry.neighbours_preserved(projection[drawn], shown, dims=2, k=NEIGHBOURS),
            "neighbours_3d": geometry.neighbours_preserved(projection[drawn], shown, dims=3, k=NEIGHBOURS),
        }, frame


def _choose_samples(recipe: Recipe, dataset: Dataset) -> Samples:
    per_class = max(1, MAX_TRAIN_SAMPLES // len(dataset.class_names))
    train_labels = dataset.train.labels
    shown = np.concatenate([np.flatnonzero(train_labels == c)[:per_class] for c in range(len(dataset.class_names))])
    labels = np.concatenate([dataset.test.labels, train_labels[shown]])
    fits_frame = np.zeros(len(labels), dtype=np.bool_)
    fits_frame[: len(dataset.test.labels)] = geometry.split_halves(dataset.test.labels, recipe.seed)
    return Samples(
        labels=labels,
        indices=np.concatenate([dataset.test.indices, dataset.train.indices[shown]]),
        split=np.repeat(np.array([TEST, TRAIN], np.uint8), [len(dataset.test.labels), len(shown)]),
        fits_frame=fits_frame,
        thumbnails=np.concatenate([dataset.test.images, dataset.train.images[shown]]),
        pixel_max=dataset.pixel_max,
        class_names=dataset.class_names,
        class_counts=dataset.class_counts,
    )


def _gradients(statistics: Any, sampled_steps: int) -> dict[str, NDArray[np.float64]]:
    """Average the summed statistics over each class's anchors; classes that never had one are NaN."""
    summed = {name: getattr(statistics, name).double().cpu().numpy() for name in statistics._fields}
    with np.errstate(invalid="ignore", divide="ignore"):
        per_anchor = 1 / summed["anchor_count"]
        return {
            "gradient_mass": summed["mass"] * per_anchor[:, None],
            "gradient_norm": summed["norm"] * per_anchor[:, None],
            "gradient_attraction": summed["attraction"] * per_anchor,
            "pair_push": (summed["push"] + summed["push"].T) / sampled_steps,
        }
