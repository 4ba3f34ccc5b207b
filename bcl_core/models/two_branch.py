"""The two-branch network: a backbone, a classifier, and a projection head whose space also holds class prototypes."""

import math
from collections.abc import Mapping
from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from bcl_core.models.prototypes import FixedPrototypes, mlp
from bcl_core.own_code import own_code
from bcl_core.randomness import keyed
from bcl_core.recipe import Recipe, RecipeError
from bcl_core.registry import PROTOTYPES, backbone_of

# Shapes: N images, d_h backbone features, d projection space, K classes.


_MAY_LACK = frozenset({"classifier", "bias", "prototype_mlp", "fixed_prototypes"})


class Heads(NamedTuple):
    """The contrastive branch: from h, and from the classifier's weights, to the projection space."""

    projection: nn.Module
    prototypes: nn.Module  # an MLP, or FixedPrototypes


class TwoBranchModel(nn.Module):
    """Backbone h, classifier on h, unit projection z of h, and prototypes c = MLP(classifier weights), or fixed ones.

    Prototypes are not detached from the classifier's weights: the contrastive loss trains them (reference code of
    Zhu et al. 2022). Without heads there is no contrastive branch: z is h of unit length, and the prototypes are the
    classifier's weights of unit length.

    Args:
        backbone: images (N, C, H, W) to features (N, d_h).
        heads: to the projection space; None for cross-entropy alone.
        classifier: (K, d_h) weights.
        scale: of the cosine classifier; None for a linear one, which has a bias.
    """

    def __init__(self, backbone: nn.Module, heads: Heads | None, classifier: Tensor, scale: float | None) -> None:
        super().__init__()
        self.backbone = backbone
        self.projection = heads.projection if heads else None
        given = heads.prototypes if heads else None
        self.fixed_prototypes = given if isinstance(given, FixedPrototypes) else None
        self.prototype_mlp = None if self.fixed_prototypes else given
        self.classifier = nn.Parameter(classifier)  # (K, d_h)
        self.bias = nn.Parameter(classifier.new_zeros(len(classifier))) if scale is None else None
        self.scale = scale

    def forward(self, images: Tensor) -> Tensor:
        """Map (N, C, H, W) to backbone features h (N, d_h)."""
        return self.backbone(images)  # type: ignore[no-any-return]

    def project(self, h: Tensor) -> Tensor:
        """Map h (N, d_h) to unit vectors z (N, d)."""
        return _unit(h if self.projection is None else self.projection(h))

    def logits(self, h: Tensor) -> Tensor:
        """Return scale · cos(h, w_k), or w_k · h + b_k of a linear classifier, (N, K)."""
        if self.scale is None:
            return F.linear(h, self.classifier, self.bias)
        return self.scale * _unit(h) @ self.classifier_rows().T

    def classifier_rows(self) -> Tensor:
        """Return what stands for each class in the logits, (K, d_h): the weights, of unit length if it is cosine."""
        return self.classifier if self.scale is None else _unit(self.classifier)

    def prototypes(self) -> Tensor:
        """Return unit prototypes c (K, d)."""
        source = self.fixed_prototypes or self.prototype_mlp
        return _unit(self.classifier if source is None else source(self.classifier))

    def take(self, weights: Mapping[str, Tensor]) -> frozenset[str]:
        """Load a state dict, which may lack the classifier and what prototypes are made with; those stay as drawn.

        Return what then means nothing before it is trained, of "classifier" and "prototypes". RecipeError where
        anything else is missing, or does not belong to this model.
        """
        missing, unexpected = self.load_state_dict(weights, strict=False)
        lacking = {key.partition(".")[0] for key in missing}
        if wrong := [*unexpected, *sorted(lacking - _MAY_LACK)]:
            raise RecipeError(f"the weights do not fit the model of the recipe: {', '.join(wrong[:3])}")
        of_classifier = "classifier" in lacking and self.fixed_prototypes is None
        prototypes = bool(lacking & {"prototype_mlp", "fixed_prototypes"}) or of_classifier
        return frozenset(lacking & {"classifier"} | ({"prototypes"} if prototypes else set()))

    def remember(self, features: Tensor, labels: Tensor) -> None:
        """Let prototypes that are made of features follow a step's (B, V, d), with labels (B,)."""
        if self.fixed_prototypes is not None:
            self.fixed_prototypes.remember(features, labels)


def _unit(vectors: Tensor) -> Tensor:
    """Scale rows to unit length, in float32 at least."""
    return F.normalize(vectors.to(torch.promote_types(vectors.dtype, torch.float32)), dim=1)


_HOW = "it should take the number of input channels and return a torch.nn.Module with the attribute out_features"


def build_model(recipe: Recipe, in_channels: int, num_classes: int) -> TwoBranchModel:
    """Build the recipe's model; each module's weights are drawn under a key of their own.

    So runs that differ in the loss, or in one head, start from the same encoder. RecipeError where the backbone is not
    registered here.
    """
    seed, shape = recipe.seed, recipe.model
    entry = backbone_of(shape.backbone)
    if entry.missing:
        raise RecipeError(entry.missing)
    own = own_code("model.backbone", shape.backbone, entry, "makes no backbone", f"; {_HOW}")
    with own, keyed(seed, "weights/backbone"):
        backbone: nn.Module = entry.load()(in_channels)
        features = int(backbone.out_features)  # type: ignore[arg-type]
    widths = (features, shape.hidden_dim, shape.projection_dim)
    with keyed(seed, "weights/projection"):
        projection = mlp(*widths, norm=shape.head_norm)
    with keyed(seed, "weights/prototypes"):
        made = PROTOTYPES[recipe.loss.prototypes].load()(num_classes, widths, norm=shape.head_norm)
    cosine = shape.classifier == "cosine"
    with keyed(seed, "weights/classifier"):
        classifier = torch.randn(num_classes, features)
    classifier = F.normalize(classifier, dim=1) if cosine else classifier / math.sqrt(features)
    heads = Heads(projection, made) if recipe.loss.contrastive else None
    return TwoBranchModel(backbone, heads, classifier, shape.scale if cosine else None)


STARTS_FROM = ("backbone", "classifier", "bias")  # parts of the model, by the first word of their weights' names


def start_from(model: TwoBranchModel, weights: Mapping[str, Tensor], name: str) -> None:
    """Take backbone and classifier from another model's state dict, and leave the heads as they were drawn.

    RecipeError where they are of another shape; `name` is what it calls that model.
    """
    own = model.state_dict()
    taken = {key: value for key, value in weights.items() if key.partition(".")[0] in STARTS_FROM}
    wanted = {key for key in own if key.partition(".")[0] in STARTS_FROM}
    if taken.keys() != wanted:
        raise RecipeError(f"model.start is {name}, which is of another backbone, or of another classifier or none")
    for key in sorted(wanted):
        if own[key].shape != taken[key].shape:
            here, there = (" × ".join(map(str, one.shape)) for one in (own[key], taken[key]))
            raise RecipeError(
                f"model.start is {name}, which does not fit: its {key} is {there}, and here it is {here}; both need "
                "the same backbone, channels and classes"
            )
    model.load_state_dict({**own, **taken})
