"""From a file's classifier and heads to this app's, and what they say of the recipe's model section."""

from collections.abc import Mapping
from typing import Literal, NamedTuple

import torch

from bcl_core.lab.foreign.backbones import OPTIONAL
from bcl_core.lab.foreign.layouts import Named, Part, Parts
from bcl_core.lab.foreign.reading import CheckpointError, listing

# s of NormedLinear in the public code of BCL and ProCo; LDAM's CIFAR ResNets have it in the loss.
REFERENCE_SCALE = 30.0
_PLAIN = frozenset({"0.weight", "0.bias", "2.weight", "2.bias"})
_NORMED = frozenset(
    {"0.weight", "0.bias", "1.weight", "1.bias", "1.running_mean", "1.running_var", "3.weight", "3.bias"}
)
_LINEAR = frozenset({"weight", "bias"})


class Classifier(NamedTuple):
    """Class weights (K, d_h) and, where it is linear, biases (K,)."""

    kind: Literal["cosine", "linear"]
    tensors: Mapping[str, Named]  # "classifier" and perhaps "bias"

    @property
    def num_classes(self) -> int:
        """K."""
        return len(self.tensors["classifier"].tensor)


class Head(NamedTuple):
    """The layers of a projection head or prototype MLP, by their place: "0.weight" …"""

    hidden_dim: int
    projection_dim: int
    norm: bool
    tensors: Mapping[str, Named]


def classifier_of(parts: Parts, features: int) -> Classifier | None:
    """Read the classifier.

    With a bias it is linear, (K, d_h). Without one it is cosine where it is (d_h, K), as NormedLinear is in the public
    code of BCL, ProCo and LDAM, or in this app's own naming; and linear with biases of zero where it is (K, d_h).

    Raises:
        CheckpointError: it has other keys or another shape.
    """
    part = parts.classifier
    if not part:
        return None
    weight = part.get("weight")
    if weight is None or weight.tensor.ndim != 2 or not part.keys() <= _LINEAR:
        raise CheckpointError(f"the classifier should be one layer, a matrix and perhaps biases; it has {_keys(part)}")
    shape = tuple(weight.tensor.shape)
    transposed = "bias" not in part and not parts.own and shape[0] == features
    oriented = weight.tensor.T if transposed else weight.tensor
    if oriented.shape[1] != features or len(oriented) < 2:
        raise CheckpointError(
            f"{weight.key} is {shape}; a classifier of K ≥ 2 classes on these {features} features is (K, {features}), "
            f"or ({features}, K) where it is a cosine classifier"
        )
    linear = "bias" in part or not (transposed or parts.own)
    tensors = {"classifier": Named(weight.key, oriented)}
    if "bias" in part:
        tensors["bias"] = part["bias"]
    return Classifier("linear" if linear else "cosine", tensors)


def head_of(part: Part, features: int) -> Head | None:
    """Read a head: two layers, with BatchNorm between them or without, or one layer.

    Raises:
        CheckpointError: it has other layers.
    """
    names = frozenset(name for name in part if not name.endswith(OPTIONAL))
    if not names:
        return None
    if names == _LINEAR:
        part, names = _as_two_layers(part, features), _PLAIN
    if names not in (_PLAIN, _NORMED):
        raise CheckpointError(
            "a head should be linear, ReLU, linear (0 and 2), with BatchNorm between them (0, 1 and 3), or one linear "
            f"layer; it has {_keys(part)}"
        )
    norm = names == _NORMED
    first, last = part["0.weight"].tensor, part["3.weight" if norm else "2.weight"].tensor
    if first.ndim != 2 or last.ndim != 2 or first.shape[1] != features:
        raise CheckpointError(f"the layers {_keys(part)} do not make a head on these {features} features")
    return Head(len(first), len(last), norm, part)


def _as_two_layers(part: Part, features: int) -> Part:
    """Write W h + b as [W, −W] relu([h; −h]) + b, which is the same function for every h."""
    weight, bias = part["weight"], part["bias"]
    if weight.tensor.ndim != 2 or weight.tensor.shape[1] != features:
        raise CheckpointError(f"{weight.key} is {tuple(weight.tensor.shape)}; a head should be (d, {features}) here")
    one = torch.eye(features)
    return {
        "0.weight": Named(weight.key, torch.cat([one, -one])),
        "0.bias": Named(weight.key, torch.zeros(2 * features)),
        "2.weight": Named(weight.key, torch.cat([weight.tensor, -weight.tensor], dim=1)),
        "2.bias": bias,
    }


def _keys(part: Part) -> str:
    return listing(named.key for named in part.values())
