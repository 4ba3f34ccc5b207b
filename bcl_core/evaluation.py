"""After an epoch: embed a run's images with torch, and hand them to `measuring`."""

from collections.abc import Collection, Iterator
from typing import Any, NamedTuple, TypeVar

import numpy as np
import torch
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits
from torch import Tensor
from torch.nn import functional
from torch.utils._pytree import tree_map_only

from bcl_core.data.dataset import Dataset, Split
from bcl_core.data.stream import ChunkStream, FileImages
from bcl_core.hardware import Hardware
from bcl_core.measuring import Embedded, Measurement, Samples, Selection, measure
from bcl_core.models import TwoBranchModel
from bcl_core.recipe import Recipe

CHUNK, CHUNK_ON_GPU = 512, 2048  # images embedded at once
THUMBNAIL = 64  # pixels
BATCH_BYTES = 160 << 10  # of an epoch's batch: 256 images, two views, 128 dimensions have room
WHAT_HELPS = "a smaller learning rate (optimiser.lr) or a larger temperature (loss.temperature) would be right"

T = TypeVar("T")


class TrainingDiverged(ArithmeticError):
    """Loss or embeddings are no longer finite numbers; the message says what to try."""


class BatchSeen(NamedTuple):
    """A batch as the contrastive loss saw it: views, and weights, of that step."""

    positions: NDArray[np.int64]  # (B,) in the training set
    features: Tensor  # (B, 2, d) unit vectors
    labels: Tensor  # (B,)
    prototypes: Tensor  # (K, d) unit vectors


class _OfImages(NamedTuple):
    """What the model makes of n images."""

    backbone: Tensor  # (n, d_h) of float32
    features: Tensor  # (n, d) of float32, projected
    predictions: Tensor  # (n,) the most probable class
    confidences: Tensor  # (n,) of float32, its probability


class _Found(NamedTuple):
    """What an epoch is measured from."""

    images: _OfImages
    prototypes: Tensor | None  # (K, d) of float64
    classifier: Tensor | None  # (K, d_h) of float64
    statistics: Any  # `contrastive_statistics`, or None
    batch: BatchSeen | None


class Evaluator:
    """Measures a model on one run's images."""

    def __init__(self, recipe: Recipe, dataset: Dataset, hardware: Hardware, workers: int | None = None) -> None:
        self.hardware, self.pixel_max = hardware, dataset.pixel_max
        test, train = dataset.test, dataset.train
        chosen = self._chosen = Selection(test.labels, train.labels, len(dataset.class_names))
        images = _joined(test, train, chosen.shown_train)
        self.samples = Samples(
            labels=chosen.labels[chosen.kept],
            indices=np.concatenate([test.indices[chosen.shown_test], train.indices[chosen.shown_train]]),
            split=chosen.split,
            fits_frame=chosen.frame_half(recipe.seed),
            thumbnails=_thumbnails(images, chosen.kept),
            pixel_max=dataset.pixel_max,
            class_names=dataset.class_names,
            class_counts=dataset.class_counts,
        )
        device = hardware.device
        self._mean, self._std = (torch.from_numpy(a).to(device)[:, None, None] for a in (dataset.mean, dataset.std))
        on_gpu = device.type == "cuda"
        self._stream = ChunkStream(images, workers, pin=on_gpu) if isinstance(images, FileImages) else None
        # As uint8 on the device, as the training images are.
        held = () if isinstance(images, FileImages) else (torch.from_numpy(images).to(device),)
        self._held = [chunk for whole in held for chunk in torch.split(whole, CHUNK_ON_GPU if on_gpu else CHUNK)]

    def close(self) -> None:
        """End the processes that decode the images, where there are any."""
        if self._stream is not None:
            self._stream.close()

    def measure(
        self,
        model: TwoBranchModel,
        statistics: Any,
        sampled_steps: int,
        batch: BatchSeen | None = None,
        untrained: Collection[str] = (),
    ) -> Measurement:
        """Embed every image and return the epoch's numbers.

        Args:
            model: left in evaluation mode.
            statistics: the epoch's `contrastive_statistics`, summed over its sampled steps; None where there is no
                contrastive loss, and then the view has no gradients.
            sampled_steps: how many.
            batch: one of the epoch's, to be looked at.
            untrained: what of the model was drawn beside weights that were not, as `TwoBranchModel.take` says: nothing
                that it would decide is measured.
        """
        with torch.no_grad():
            found = _Found(
                self._embed(model),
                prototypes=None if "prototypes" in untrained else model.prototypes().double(),
                classifier=None if "classifier" in untrained else model.classifier_rows().double(),
                statistics=statistics,
                batch=None if batch is None or _is_large(batch) else batch,
            )
        here = _fetched(found, self.hardware.device)
        backbone, features, predictions, confidences = (rows.numpy() for rows in here.images)
        if not np.isfinite(features).all():
            raise TrainingDiverged(f"the embeddings became NaN or infinite: {WHAT_HELPS}")
        embedded = Embedded(
            features,
            backbone,
            predictions=None if here.classifier is None else predictions,
            confidences=None if here.classifier is None else confidences,
            prototypes=None if here.prototypes is None else here.prototypes.numpy(),
            classifier=None if here.classifier is None else here.classifier.numpy(),
            gradients={} if here.statistics is None else _gradients(here.statistics, sampled_steps),
            batch={} if here.batch is None else self._batch(here.batch),
        )
        # Where other processes share the cores, a second thread makes the products of numpy several times slower too.
        with threadpool_limits(None if self.hardware.device.type == "cuda" else self.hardware.threads, "blas"):
            return measure(self._chosen, self.samples, embedded)

    def _batch(self, seen: BatchSeen) -> dict[str, NDArray[Any]]:
        """Return the batch's arrays for the view."""
        kept = len(self._chosen.shown_test) + np.arange(len(self._chosen.shown_train))
        samples = dict(zip(self._chosen.shown_train.tolist(), kept.tolist(), strict=True))
        return {
            "batch_features": seen.features.numpy().astype(np.float16),
            "batch_prototypes": seen.prototypes.numpy().astype(np.float16),
            "batch_labels": seen.labels.numpy().astype(np.int32),
            "batch_samples": np.array([samples.get(position, -1) for position in seen.positions.tolist()], np.int32),
        }

    @torch.no_grad()
    def _embed(self, model: TwoBranchModel) -> _OfImages:
        model.eval()
        whole: tuple[Tensor, ...] = ()  # all images' of each, so that no second copy is joined of parts
        done = 0
        with torch.autocast(self.hardware.device.type, torch.bfloat16, enabled=self.hardware.precision == "bf16"):
            for chunk in self._chunks():
                h = model(chunk)
                confidences, predictions = model.logits(h).softmax(dim=1).max(dim=1)
                parts = (h.float(), model.project(h).float(), predictions, confidences.float())
                whole = whole or tuple(part.new_empty(len(self._chosen.labels), *part.shape[1:]) for part in parts)
                for rows, part in zip(whole, parts, strict=True):
                    rows[done : done + len(chunk)] = part
                done += len(chunk)
        return _OfImages(*whole)

    def _chunks(self) -> Iterator[Tensor]:
        for chunk in self._held if self._stream is None else self._stream:
            pixels = chunk.to(self.hardware.device, non_blocking=True).float() / self.pixel_max
            yield ((pixels - self._mean) / self._std).contiguous(memory_format=torch.channels_last)


def _fetched(found: T, device: torch.device) -> T:
    """Bring the tensors of any nesting from a device to the CPU; the host waits once, for all of them."""
    here: T = tree_map_only(Tensor, lambda tensor: tensor.to("cpu", non_blocking=True), found)
    if device.type == "cuda":
        torch.cuda.synchronize(device)
    return here


def _is_large(seen: BatchSeen) -> bool:
    """Whether a batch would be too large to keep at every epoch."""
    return 2 * (seen.features.numel() + seen.prototypes.numel()) > BATCH_BYTES


def _joined(test: Split, train: Split, shown_train: NDArray[np.int64]) -> NDArray[np.uint8] | FileImages:
    """All test images, then the training images that are shown."""
    if isinstance(test.images, FileImages) and isinstance(train.images, FileImages):
        return FileImages([*test.images.files, *(train.images.files[i] for i in shown_train)], test.images.size)
    return np.concatenate([test.images[np.arange(len(test.labels))], train.images[shown_train]])


def _thumbnails(images: NDArray[np.uint8] | FileImages, kept: NDArray[np.int64]) -> NDArray[np.uint8]:
    """Return the kept images, (N, C, h, w), at most THUMBNAIL pixels wide."""
    if isinstance(images, FileImages):
        return FileImages(images.files, min(images.size, THUMBNAIL))[kept]
    small = images[kept]
    if small.shape[-1] <= THUMBNAIL:
        return small
    return functional.interpolate(
        torch.from_numpy(small), (THUMBNAIL, THUMBNAIL), mode="bilinear", antialias=True
    ).numpy()


def _gradients(statistics: Any, sampled_steps: int) -> dict[str, NDArray[np.float64]]:
    """Average the summed statistics over each class's anchors; classes that never had one are NaN."""
    summed = {name: getattr(statistics, name).double().numpy() for name in statistics._fields}
    with np.errstate(invalid="ignore", divide="ignore"):
        per_anchor = 1 / summed["anchor_count"]
        return {
            "gradient_mass": summed["mass"] * per_anchor[:, None],
            "gradient_norm": summed["norm"] * per_anchor[:, None],
            "gradient_attraction": summed["attraction"] * per_anchor,
            "pair_push": (summed["push"] + summed["push"].T) / sampled_steps,
        }
