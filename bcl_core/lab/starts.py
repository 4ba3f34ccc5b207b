"""Whether the run that a recipe starts from is there and fits, before anything is entered. Imports no torch."""

import json
from typing import TYPE_CHECKING

from bcl_core.lab.files import SnapshotError
from bcl_core.lab.run import LabError, Run
from bcl_core.recipe import DataRecipe, Recipe
from bcl_core.registry import backbone_of, dataset_of

if TYPE_CHECKING:
    from bcl_core.lab.store import Lab


def check_start(lab: "Lab", recipe: Recipe) -> None:
    """Raise LabError, in words, unless the recipe starts from random weights, or from a run whose weights fit.

    That run has finished, with the same backbone and kind of classifier, and with images of the same size and as many
    classes, as far as that is known before the data are read; the rest is checked when they are.
    """
    if not recipe.model.warm:
        return
    try:
        run = lab.run(recipe.model.start)
        theirs = run.training_recipe
    except LabError as error:
        raise LabError(f"the run cannot start from {recipe.model.start!r} (model.start): {error}") from error
    if run.state != "finished":
        raise LabError(f"{_from(run)}, which is {run.state}: let it finish first")
    folder = lab.folder(run.id)
    if not (folder.weights.exists() or folder.checkpoints()):
        raise LabError(f"{_from(run)}, whose weights are not kept here")
    ours = (
        ("backbone", backbone_of(recipe.model.backbone).title, backbone_of(theirs.model.backbone).title),
        ("classifier", recipe.model.classifier, theirs.model.classifier),
        ("input size in pixels", _size(recipe.data), _size(theirs.data)),
        ("number of channels", _channels(recipe.data), _channels(theirs.data)),
        ("number of classes", dataset_of(recipe.data.source).num_classes, _classes(lab, run)),
    )
    for what, here, there in ours:
        if here is not None and there is not None and here != there:
            raise LabError(f"{_from(run)}: its {what} is {there}, and here it is {here}")


def _from(run: Run) -> str:
    return f"the run cannot start from {run.name!r} (model.start {run.id})"


def _size(data: DataRecipe) -> int | None:
    shape = dataset_of(data.source).shape
    return data.image_size or (shape[1] if shape else None)


def _channels(data: DataRecipe) -> int | None:
    shape = dataset_of(data.source).shape
    return shape[0] if shape else None


def _classes(lab: "Lab", run: Run) -> int | None:
    folder = lab.folder(run.id)
    try:
        return len(json.loads(folder.metadata(folder.samples)["class_names"]))
    except (SnapshotError, LookupError, ValueError):
        return None
