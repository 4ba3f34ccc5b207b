"""From a checkpoint file to a recipe and the complete weights of its model."""

from collections.abc import Collection, Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import torch
from pydantic import ValidationError
from torch import Tensor

from bcl_core.lab.foreign.backbones import Match, match_backbone
from bcl_core.lab.foreign.heads import REFERENCE_SCALE, Classifier, Head, classifier_of, floats, head_of
from bcl_core.lab.foreign.layouts import Named, Part, Parts, sort_out
from bcl_core.lab.foreign.reading import CheckpointError, Contents, listing, read
from bcl_core.models import build_model
from bcl_core.recipe import ModelRecipe, Recipe
from bcl_core.recipe.fields import explain
from bcl_core.registry import dataset_of

FIXED = "fixed_prototypes"


class Imported(NamedTuple):
    """A checkpoint in this app's terms.

    `recipe` says of the model and of the loss's name what the file says, and of all else what the base recipe does.
    """

    recipe: Recipe
    weights: Mapping[str, Tensor]  # of build_model(recipe, in_channels, num_classes), but for what is drawn anew
    num_classes: int
    in_channels: int
    layout: str  # whose, in words
    drawn_anew: tuple[str, ...]  # modules that the file has nothing for
    assumed: tuple[str, ...]  # what the file does not say, and nobody did
    ignored: tuple[str, ...]  # keys of the file that are no weights of this model


class _Pieces(NamedTuple):
    backbone: Match
    classifier: Classifier | None
    projection: Head | None
    prototypes: Head | None
    fixed: Part

    def tensors(self) -> Iterator[tuple[str, Named]]:
        """Yield the file's tensors under this app's names."""
        for name, named in self.backbone.tensors.items():
            yield f"backbone.{name}", named
        if self.classifier:
            yield from self.classifier.tensors.items()
        for module, head in (("projection", self.projection), ("prototype_mlp", self.prototypes)):
            for name, named in head.tensors.items() if head else ():
                yield f"{module}.{name}", named
        for name, named in self.fixed.items():
            yield f"{FIXED}.{name}", named


def load_checkpoint(
    file: Path, *, arch: str | None, base: Recipe, num_classes: int | None = None, given: Collection[str] = ()
) -> Imported:
    """Read a checkpoint of other code, in one of the layouts that `layouts` names, or of this app.

    What `given` names is as `base` has it, and what the file says otherwise is refused. Where neither says more, a
    cosine classifier of other code gets scale 30, which is that of most public code, and images are normalised by the
    values published for the data. Where the file has a contrastive head the loss stays that of `base`, or BCL; where it
    has none the loss is cross-entropy. A plain backbone's classifier for another number of classes is drawn anew.

    Args:
        file: torch's format, safetensors, or an export of this app; at most 2 GiB.
        arch: a registered backbone; None to find it by names and shapes.
        base: the recipe that says all that the file does not.
        num_classes: of the data; the file's where None.
        given: the settings of `base` that were asked for, "model.scale" for example.

    Raises:
        CheckpointError: the file cannot be read, or does not fit; the keys that do not fit are named.
    """
    contents = read(file)
    parts = sort_out(contents.tensors, own=contents.recipe is not None)
    if "loss.name" in given and not base.loss.contrastive:
        parts = parts.without_heads()
    if arch is None and "model.backbone" in given:
        arch = base.model.backbone
    if arch is None and contents.recipe:
        arch = contents.recipe.model.backbone
    backbone = match_backbone(parts.backbone, arch)
    features = backbone.features
    classifier = classifier_of(parts, features, base.model.classifier if "model.classifier" in given else None)
    heads = head_of(parts.projection, features), head_of(parts.prototypes, features)
    if parts.contrastive and not heads[0]:
        raise CheckpointError("the file has a prototype MLP and no projection head, so that nothing is in its space")
    ignored = (*contents.others, *parts.unused)
    if classifier and num_classes not in (None, classifier.num_classes):
        if parts.own or parts.contrastive:
            raise CheckpointError(
                f"the classifier has {classifier.num_classes} classes and the data {num_classes}; choose the data that "
                "the checkpoint was trained on"
            )
        others = (f"{named.key}, of {classifier.num_classes} classes" for named in classifier.tensors.values())
        ignored, classifier = (*ignored, *others), None
    classes = num_classes or (classifier and classifier.num_classes)
    if not classes:
        raise CheckpointError("the file has no classifier: say how many classes the data have")
    pieces = _Pieces(backbone, classifier, *heads, parts.fixed)
    recipe = _recipe(base, contents, parts, pieces, given)
    if recipe.loss.prototypes == "learned":
        ignored, pieces = (*ignored, *(named.key for named in parts.fixed.values())), pieces._replace(fixed={})
    weights, drawn_anew = _weights(recipe, pieces, classes)
    layout = "BCL Lab export" if contents.recipe else parts.layout
    assumed = () if contents.recipe else tuple(_assumed(recipe, parts, classifier, given))
    return Imported(recipe, weights, classes, backbone.in_channels, layout, drawn_anew, assumed, ignored)


def exported_recipe(file: Path) -> Recipe | None:
    """Return the whole recipe of an export of this app, None for any other checkpoint; raises CheckpointError."""
    return read(file).recipe


def _recipe(base: Recipe, contents: Contents, parts: Parts, pieces: _Pieces, given: Collection[str]) -> Recipe:
    one, other = pieces.projection, pieces.prototypes
    shapes = {(head.hidden_dim, head.projection_dim, head.norm) for head in (one, other) if head}
    if len(shapes) == 2:
        raise CheckpointError("projection head and prototype MLP differ in widths or BatchNorm; here they are alike")
    found: dict[str, Any] = {"backbone": pieces.backbone.arch}
    if shapes:
        found |= zip(("hidden_dim", "projection_dim", "head_norm"), shapes.pop(), strict=True)
    if pieces.classifier:
        found["classifier"] = pieces.classifier.kind
    if contents.recipe:
        found = contents.recipe.model.model_dump() | found
    elif not parts.own and "model.scale" not in given:
        found["scale"] = REFERENCE_SCALE
    _refuse_contradictions(base, {f"model.{name}": value for name, value in found.items()}, given)
    try:
        model = ModelRecipe.model_validate({**base.model.model_dump(), **found})
    except ValidationError as error:
        raise CheckpointError(f"a model of this shape cannot be built: {explain(error)}") from error
    contrastive = base.loss.name if base.loss.contrastive else "bcl"
    loss = base.loss
    if (name := contrastive if parts.contrastive else "ce") != loss.name:
        loss = loss.model_copy(update={"name": name, "parameters": {}, "prototypes": "learned"})
    if pieces.prototypes:
        loss = loss.model_copy(update={"prototypes": "learned"})
    _refuse_contradictions(base, {"loss.name": loss.name, "loss.prototypes": loss.prototypes}, given)
    data = base.data
    if not parts.own and "data.normalisation" not in given:
        data = data.model_copy(update={"normalisation": dataset_of(data.source).published})
    return base.model_copy(update={"model": model, "loss": loss, "data": data})


def _refuse_contradictions(base: Recipe, found: Mapping[str, Any], given: Collection[str]) -> None:
    for dotted, value in found.items():
        section, name = dotted.split(".")
        if dotted in given and (asked := getattr(getattr(base, section), name)) != value:
            raise CheckpointError(
                f"{dotted} is set to {_plain(asked)}, and by what the file holds it is {_plain(value)}"
            )


def _plain(value: Any) -> str:
    return f"{value:g}" if isinstance(value, float) else str(value).lower()


def _assumed(recipe: Recipe, parts: Parts, classifier: Classifier | None, given: Collection[str]) -> Iterator[str]:
    """Say what of the recipe neither the file nor a setting decided."""
    scale = f"scale {recipe.model.scale:g}"
    if classifier and classifier.kind == "cosine" and "model.scale" not in given:
        usual = "" if parts.own else " (BCCL's has 33.333)"
        yield f"cosine classifier, {scale}{usual}" if classifier.assumed else f"{scale}{usual}"
    elif classifier and classifier.assumed:
        yield f"{classifier.kind} classifier" + " without biases" * (classifier.kind == "linear")
    if not parts.own and "data.normalisation" not in given and recipe.data.normalisation != "drawn":
        yield f"images normalised as {recipe.data.normalisation} in published code"


# What a file may have nothing for, by the beginning of its names in the state dict.
_REPLACEABLE = {
    "classifier": "classifier",
    "prototype_mlp": "prototype MLP",
    FIXED: "fixed prototypes",
}


def _weights(recipe: Recipe, pieces: _Pieces, num_classes: int) -> tuple[dict[str, Tensor], tuple[str, ...]]:
    """Return what the file has of the model's state dict, and what it has nothing for, in words."""
    built = build_model(recipe, pieces.backbone.in_channels, num_classes).state_dict()
    given = dict(pieces.tensors())
    misshapen = [
        f"{named.key} is {tuple(named.tensor.shape)}, not {tuple(built[name].shape)}"
        for name, named in given.items()
        if named.tensor.shape != built[name].shape
    ]
    if misshapen:
        raise CheckpointError(f"the layers do not fit each other: {listing(misshapen, '; ')}")
    known = {name.partition(".")[0] for name in given} | ({"bias"} if pieces.classifier else set())
    weights = {
        name: _converted(given[name], value) if name in given else value
        for name, value in built.items()
        if name.partition(".")[0] in known
    }
    lacking = {name.partition(".")[0] for name in built} - known
    return weights, tuple(words for module, words in _REPLACEABLE.items() if module in lacking)


def _converted(named: Named, like: Tensor) -> Tensor:
    """Copy a tensor out of the file, in the model's type; refuse what is not a finite number."""
    value = floats(named, like.dtype) if like.is_floating_point() else named.tensor.detach().to(like.dtype, copy=True)
    if not torch.isfinite(value).all():
        raise CheckpointError(f"{named.key} has values that are not finite numbers; the training had diverged")
    return value
