"""Runs without a training: classes that drift apart, measured and written as a trainer would, in a moment."""

from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bcl_core import geometry
from bcl_core.lab import GroupPlan, Lab
from bcl_core.lab.files import write_arrays
from bcl_core.lab.samples import write_samples
from bcl_core.lab.snapshot import write_epoch
from bcl_core.measuring import TRAIN, Embedded, Samples, Selection, measure
from bcl_core.recipe import Execution, Recipe, apply_settings, preset
from harness.push_laws import count_effect

PER_CLASS = 40
BATCH = 64
TRAINING = np.array([130, 84, 54, 35, 22, 14, 9, 6, 4, 2])


class MadeRun:
    """A run of K classes in d dimensions whose epochs are made one by one."""

    def __init__(
        self,
        lab: Lab,
        run_id: str,
        counts: NDArray[np.int64] = TRAINING,
        per_class: int = PER_CLASS,
        dim: int = 16,
        images: bool = True,
    ) -> None:
        self.lab, self.id, self.folder = lab, run_id, lab.folder(run_id)
        self.recipe = lab.run(run_id).training_recipe
        K = len(counts)
        self.selection = Selection(np.arange(K * per_class) % K, np.repeat(np.arange(K), counts), K)
        labels = self.selection.labels[self.selection.kept]
        self.samples = Samples(
            labels=labels,
            indices=1000 + np.arange(len(labels)),
            split=self.selection.split,
            fits_frame=self.selection.frame_half(self.recipe.seed),
            thumbnails=_thumbnails(labels) if images else None,
            pixel_max=255,
            class_names=tuple(f"class {k}" if K > 10 else str(k) for k in range(K)),
            class_counts=counts,
        )
        rng = np.random.default_rng(sum(self.recipe.variant.encode()))
        self.goal = geometry.simplex_frame(K) @ np.linalg.qr(rng.normal(size=(dim, dim)))[0][: K - 1]
        self.noise = 0.25 * rng.normal(size=(len(self.selection.labels), dim))
        self.start = rng.normal(size=dim)

    def begin(self) -> None:
        """Write what no epoch changes."""
        write_samples(self.folder, self.samples)
        means = geometry.optimal_class_means(self.samples.class_counts, loss="bcl", temperature=0.5, anchors="class")
        write_arrays(self.folder.predicted, {"class_means": means}, batch=str(self.recipe.batch_size), value="0.2")
        self.lab.record_state(self.id, "running")

    def epoch(self, number: int, of: int, gradients: bool = True, **lacks: None) -> None:
        """Write an epoch; `lacks` names what the run does not have, such as predictions=None."""
        labels, share = self.selection.labels, number / of
        K = len(self.goal)
        apart = np.where(np.arange(K) < K - 3, share, share / 2)[:, None]  # the tail comes late
        centres = _unit(apart * self.goal + (1 - apart) * _unit(self.start[None]))
        features = _unit(centres[labels] + self.noise)
        shares = np.exp(8 * features @ centres.T)
        shares /= shares.sum(axis=1, keepdims=True)
        has = {
            "predictions": shares.argmax(axis=1),
            "confidences": shares.max(axis=1),
            "prototypes": _unit(centres + 0.1),
            "classifier": centres * 2,
            "gradients": self._gradients(number) if gradients else {},
            "batch": self._batch(features, centres, number),
        }
        measured = measure(self.selection, self.samples, Embedded(features=features, **{**has, **lacks}))
        write_epoch(
            self.lab,
            self.id,
            number,
            metrics={"loss": 1 - share, **measured.metrics},
            view=measured.view,
            embeddings=measured.embeddings,
        )

    def finish(self) -> None:
        """Say that it is done."""
        self.lab.record_state(self.id, "finished")

    def _batch(
        self, features: NDArray[np.float64], centres: NDArray[np.float64], number: int
    ) -> dict[str, NDArray[Any]]:
        """Return a batch of training images, with two views that are the same; the rarest classes are often absent."""
        training = np.flatnonzero(self.samples.split == TRAIN)
        chosen = np.random.default_rng(number).choice(training, min(BATCH, len(training)), replace=False)
        mine = features[self.selection.kept[chosen]]
        return {
            "batch_features": np.stack([mine, mine], axis=1).astype(np.float16),
            "batch_prototypes": _unit(centres + 0.1).astype(np.float16),
            "batch_labels": self.samples.labels[chosen].astype(np.int32),
            "batch_samples": chosen.astype(np.int32),
        }

    def _gradients(self, number: int) -> dict[str, NDArray[np.float64]]:
        K = len(self.goal)
        rng = np.random.default_rng(number)
        push = count_effect(
            self.samples.class_counts, class_averaging=False, class_complement=False, anchors="instance"
        ) * np.exp(0.4 * rng.normal(size=(K, K)))
        mass = push + np.eye(K) * push.mean()
        return {
            "pair_push": (push + push.T) / 2,
            "gradient_mass": mass / mass.sum(axis=1, keepdims=True),
            "gradient_norm": rng.uniform(0.01, 0.2, (K, K)),
            "gradient_attraction": rng.uniform(0.2, 1, K),
        }


def make_runs(
    lab: Lab,
    variants: Sequence[str],
    epochs: int,
    name: str = "made",
    settings: Mapping[str, object] | None = None,
    **shape: object,
) -> list[MadeRun]:
    """Enter runs of the digits presets, with other settings, one a variant, and write all their epochs from 0."""
    recipes = [apply_settings(recipe_of(variant, epochs), Execution(), settings or {})[0] for variant in variants]
    plan = [(f"{recipe.title}, seed 0", recipe) for recipe in recipes]
    runs = [MadeRun(lab, run_id, **shape) for run_id in lab.enqueue(GroupPlan(name, plan), Execution())]  # type: ignore[arg-type]
    for run in runs:
        run.begin()
        for number in range(epochs + 1):
            run.epoch(number, epochs)
        run.finish()
    return runs


@cache
def recipe_of(variant: str, epochs: int) -> Recipe:
    """Return the digits recipe of a loss variant."""
    return apply_settings(preset(f"digits-{variant}"), Execution(), {"epochs": epochs})[0]


def _thumbnails(labels: NDArray[np.int64]) -> NDArray[np.uint8]:
    """Return 8 × 8 images that tell their class and place: (N, 1, 8, 8)."""
    images = np.zeros((len(labels), 1, 8, 8), np.uint8)
    images[:, 0, :, 2:6] = (25 * (labels % 10) + 20)[:, None, None]
    images[:, 0, 0, 0] = np.arange(len(labels)) % 256
    return images


def _unit(rows: NDArray[np.float64]) -> NDArray[np.float64]:
    units: NDArray[np.float64] = rows / np.linalg.norm(rows, axis=1, keepdims=True)
    return units
