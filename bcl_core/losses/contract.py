"""What a loss is to training: a module, made by the target of its registry entry (`registry.LossEntry`)."""

import copy
import io
from collections.abc import Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pickle import UnpicklingError
from typing import Any

import torch
from torch import Tensor, nn

from bcl_core.losses.contrastive import AnchorAverage
from bcl_core.own_code import fault_of, own_code
from bcl_core.recipe import LossRecipe, RecipeError
from bcl_core.registry import loss_of

_HOW = "it should be a class, or function, that takes LossOptions and returns a torch.nn.Module"
_STATE = "it should be tensors, numbers and texts, and dicts and lists of them"


@dataclass(frozen=True)
class LossOptions:
    """What any loss is made from. Losses to which an option means nothing leave it aside."""

    num_classes: int  # K
    class_counts: tuple[int, ...]  # (K,) training images
    dim: int  # d, of the projection
    temperature: float  # τ
    anchors: AnchorAverage = "instance"
    self_term: bool = False


def build_loss(recipe: LossRecipe, class_counts: Sequence[int], dim: int) -> nn.Module:
    """Make a recipe's contrastive loss for K classes with these training images, in d dimensions.

    Raises:
        RecipeError: it is not registered here, or the target cannot be imported, or makes no module.
    """
    target = load_loss(recipe)
    options = LossOptions(
        len(class_counts), tuple(class_counts), dim, recipe.temperature, recipe.anchors, recipe.self_term
    )
    parameters = {parameter.name: parameter.default for parameter in loss_of(recipe.name).parameters}
    with named(recipe, "makes no loss", f"; {_HOW}"):
        loss = target(options, **{**parameters, **recipe.parameters})
    if not isinstance(loss, nn.Module):
        raise _fault(recipe, f"returned a {type(loss).__name__}: {_HOW}")
    with named(recipe, "cannot be copied, as it is for a look before training"):
        copy.deepcopy(loss)
    held = io.BytesIO()
    with named(recipe, "has a state that cannot be saved", f"; {_STATE}"):
        torch.save(loss.state_dict(), held)
    held.seek(0)
    try:
        torch.load(held, weights_only=True)
    except UnpicklingError as error:  # says how to load what should not be
        raise _fault(recipe, f"has a state that cannot be read again: {_STATE}") from error
    return loss


def load_loss(recipe: LossRecipe) -> Any:
    """Import a recipe's contrastive loss; RecipeError where it is not registered here or cannot be imported."""
    entry = loss_of(recipe.name)
    if entry.missing:
        raise RecipeError(entry.missing)
    with named(recipe, "cannot be imported"):
        target = entry.load()
    if not callable(target):
        raise _fault(recipe, f"is a {type(target).__name__}: {_HOW}")
    return target


def named(recipe: LossRecipe, what: str, right: str = "") -> AbstractContextManager[None]:
    """Around a loss's own code, as `own_code`."""
    return own_code("loss.name", recipe.name, loss_of(recipe.name), what, right)


def value_of(
    loss: nn.Module, features: Tensor, labels: Tensor, prototypes: Tensor, recipe: LossRecipe, *, validate: bool
) -> Tensor:
    """Call a loss and return its scalar; with `validate` also look at its value, for which the host waits for a GPU.

    Raises:
        RecipeError: what came back is no scalar, has no gradient or, with `validate`, is not finite.
    """
    with named(recipe, "failed"):
        value: Any = loss(features, labels, prototypes)
    if not isinstance(value, Tensor) or not value.is_floating_point() or value.shape != ():
        got = (
            f"shape {tuple(value.shape)} of {value.dtype}" if isinstance(value, Tensor) else f"a {type(value).__name__}"
        )
        raise _fault(recipe, f"returned {got}: should be a scalar, a tensor of shape () of floating-point numbers")
    if torch.is_grad_enabled() and not value.requires_grad:
        raise _fault(recipe, "returned a number without a gradient: it should be computed from the features by torch")
    if validate and not torch.isfinite(value):
        raise _fault(recipe, f"returned {value.item()} for the first batch: should be finite")
    return value


def _fault(recipe: LossRecipe, what: str) -> RecipeError:
    return fault_of("loss.name", recipe.name, loss_of(recipe.name), what)
