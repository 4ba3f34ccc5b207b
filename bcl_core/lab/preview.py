"""What a recipe would train on, before it trains: counts, sample images, views, time and memory. Imports torch.

`python -m bcl_core preview FOLDER` reads `request.json` there. Without an image asked for it writes `preview.json` and
`samples.png` as soon as the data are read, then `views.png`, then `cost.json`; with one, only that image's `views.png`.
"""

import json
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from pydantic import BaseModel, Field, ValidationError

from bcl_core.data.dataset import Dataset, prepare
from bcl_core.data.source import DataError
from bcl_core.data.stream import FileImages, ViewStream
from bcl_core.data.views import three_views
from bcl_core.geometry.groups import by_frequency
from bcl_core.lab import jobs
from bcl_core.lab.cost import measure
from bcl_core.lab.files import write_once
from bcl_core.lab.tiles import sheet
from bcl_core.own_code import own_code
from bcl_core.randomness import keyed
from bcl_core.recipe import Execution, Recipe, RecipeError
from bcl_core.recipe.fields import explain
from bcl_core.registry import VIEWS

SAMPLED_CLASSES = 20
IMAGES_A_CLASS = 8
DRAWS = 8
SAMPLE_PIXELS, VIEW_PIXELS = 64, 96


class Request(BaseModel):
    """What is asked for: everything of a recipe, or the views of one training image."""

    recipe: Recipe
    execution: Execution = Execution()
    image: int | None = Field(None, ge=0)


def make(folder: Path) -> None:
    """Answer the request in this folder.

    Raises:
        DataError: the data cannot be read, or have no such image.
        RecipeError: the request is none, or the machine cannot do the step that is to be measured.
    """
    try:
        request = Request.model_validate_json((folder / "request.json").read_bytes())
    except OSError as error:
        raise RecipeError(f"{folder} holds no request.json") from error
    except ValidationError as error:
        raise RecipeError(explain(error)) from error
    tell = partial(jobs.report, folder)
    tell("Reading the images")
    recipe = request.recipe
    dataset = prepare(recipe, request.execution.data, tell)
    if request.image is not None:
        write_once(folder / "views.png", views_of(recipe, dataset, request.image))
        return
    sampled = sampled_classes(dataset.class_counts)
    write_once(folder / "samples.png", samples_of(dataset, sampled))
    _write(folder / "preview.json", {**_facts(recipe, dataset), "sampled": sampled.tolist()})
    write_once(folder / "views.png", views_of(recipe, dataset, 0))
    tell("Measuring one training step")
    _write(folder / "cost.json", asdict(measure(recipe, dataset, request.execution)))


def _facts(recipe: Recipe, dataset: Dataset) -> dict[str, Any]:
    images, batch_size = dataset.train.images, min(recipe.batch_size, len(dataset.train.labels))
    streamed = isinstance(images, FileImages)
    held = 0 if streamed else images.nbytes + dataset.test.images.nbytes  # type: ignore[union-attr]
    return {
        "class_names": dataset.class_names,
        "train_counts": dataset.class_counts.tolist(),
        "test_counts": np.bincount(dataset.test.labels, minlength=len(dataset.class_names)).tolist(),
        "left_out": dataset.left_out,
        "channels": images.shape[1],
        "height": images.shape[2],
        "width": images.shape[3],
        "streamed": streamed,
        "images_bytes": held,
        "steps_per_epoch": len(dataset.train.labels) // batch_size,
    }


def sampled_classes(class_counts: NDArray[np.int64]) -> NDArray[np.int64]:
    """Choose the classes whose images are shown, most frequent first.

    All of SAMPLED_CLASSES or fewer; of more, the most frequent, those in the middle and the rarest.
    """
    order = by_frequency(class_counts)
    if len(order) <= SAMPLED_CLASSES:
        return order
    third, rest = divmod(SAMPLED_CLASSES, 3)
    head, between, tail = np.split(order, [third + rest, len(order) - third])
    middle = between[(len(between) - third) // 2 :][:third]
    return np.concatenate([head, middle, tail])


def samples_of(dataset: Dataset, classes: NDArray[np.int64]) -> bytes:
    """Lay the first training images of each class out in a row a class, as a PNG."""
    labels = dataset.train.labels
    rows = [dataset.train.images[np.flatnonzero(labels == c)[:IMAGES_A_CLASS]] for c in classes]
    return sheet(rows, columns=IMAGES_A_CLASS, pixel_max=dataset.pixel_max, pixels=SAMPLE_PIXELS)


def views_of(recipe: Recipe, dataset: Dataset, image: int) -> bytes:
    """Lay a training image out above DRAWS draws of each of the three views, in four rows, as a PNG."""
    count = len(dataset.train.labels)
    if image >= count:
        raise DataError(f"there are {count} training images; choose one from 0 to {count - 1}")
    positions, rows = np.full(DRAWS, image), torch.arange(DRAWS)
    views, images = VIEWS[recipe.views].load(), dataset.train.images
    if isinstance(images, FileImages):
        areas = [view.area for view in views]
        pixels = next(ViewStream(images, rows, areas, seed=recipe.seed, workers=0).epoch(1, [(0, positions)]))
    else:
        pixels = torch.from_numpy(images[positions]).repeat(len(views), 1, 1, 1)
    own = own_code("views", recipe.views, VIEWS[recipe.views], "failed")
    with own, keyed(recipe.seed, "views", epoch=1), torch.no_grad():
        drawn = three_views(
            views,
            pixels.float() / dataset.pixel_max,
            rows=rows,
            batch_size=DRAWS,
            cropped=isinstance(images, FileImages),
        )
    whole = (drawn.clamp(0, 1) * dataset.pixel_max).round().to(torch.uint8).numpy()
    shown = [dataset.train.images[positions[:1]], *np.split(whole, len(views))]
    return sheet(shown, columns=DRAWS, pixel_max=dataset.pixel_max, pixels=VIEW_PIXELS)


def _write(path: Path, document: dict[str, Any]) -> None:
    write_once(path, json.dumps(document).encode())
