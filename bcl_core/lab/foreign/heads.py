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
_ONE_LAYER = frozenset({"0.weight", "0.bias"})

Kind = Literal["cosine", "linear"]


class Classifier(NamedTuple):
    """Class weights (K, d_h) and, where it is linear, biases (K,)."""

    kind: Kind
    tensors: Mapping[str, Named]  # "classifier" and perhaps "bias"
    assumed: bool  # the kind is what is usual for weights of this shape, since the file does not say

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


def classifier_of(parts: Parts, features: int, wanted: Kind | None = None) -> Classifier | None:
    """Read the classifier.

    With a bias it is linear, (K, d_h). Without one it is as `wanted`; else cosine where it is (d_h, K), as NormedLinear
    is in the public code of BCL, ProCo and LDAM, or in this app's own naming; and linear with biases of zero where it
    is (K, d_h).

    Raises:
        CheckpointError: it has other keys or another shape, or could be of both kinds.
    """
    part = parts.classifier
    if not part:
        return None
    weight = part.get("weight")
    if weight is None or weight.tensor.ndim != 2 or not part.keys() <= _LINEAR:
        raise CheckpointError(f"the classifier should be one layer, a matrix and perhaps biases; it has {_keys(part)}")
    rows, columns = weight.tensor.shape
    biased = "bias" in part
    by_rows, by_columns = columns == features, rows == features and not (biased or parts.own)
    if not (by_rows or by_columns) or (columns if by_columns and not by_rows else rows) < 2:
        raise CheckpointError(
            f"{weight.key} is ({rows}, {columns}); a classifier of K ≥ 2 classes on these {features} features is "
            f"(K, {features}), or ({features}, K) where it is a cosine classifier"
        )
    if by_rows and by_columns and wanted is None:
        raise CheckpointError(
            f"{weight.key} is ({rows}, {columns}), as many classes as features, so that its shape does not tell what "
            "it is: say whether the classifier is cosine, (d, K) as in BCL's code, or linear, (K, d)"
            " (--set model.classifier=cosine, or linear)"
        )
    usual: Kind = "linear" if biased or not (parts.own or by_columns) else "cosine"
    kind = usual if biased or parts.own or wanted is None else wanted
    turned = by_columns and (kind == "cosine" or not by_rows)
    tensors = {"classifier": Named(weight.key, weight.tensor.T if turned else weight.tensor)}
    if biased:
        tensors["bias"] = part["bias"]
    return Classifier(kind, tensors, assumed=not (biased or parts.own or wanted))


def head_of(part: Part, features: int) -> Head | None:
    """Read a head: two layers, with BatchNorm between them or without, or one layer.

    Raises:
        CheckpointError: it has other layers.
    """
    names = frozenset(name for name in part if not name.endswith(OPTIONAL))
    if not names:
        return None
    if names in (_LINEAR, _ONE_LAYER):
        part = {name.removeprefix("0."): named for name, named in part.items()}
        part, names = _as_two_layers(part, features), _PLAIN
    if names not in (_PLAIN, _NORMED):
        raise CheckpointError(
            "a head should be linear, ReLU, linear (0 and 2), with BatchNorm between them (0, 1 and 3), or one linear "
            f"layer; it has {_keys(part)}. Where the loss is set to cross-entropy (--set "
            "loss.name=ce), backbone and classifier are read alone"
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
    w, one = floats(weight, torch.float32), torch.eye(features)  # torch negates no float8
    return {
        "0.weight": Named(weight.key, torch.cat([one, -one])),
        "0.bias": Named(weight.key, torch.zeros(2 * features)),
        "2.weight": Named(weight.key, torch.cat([w, -w], dim=1)),
        "2.bias": bias,
    }


def floats(named: Named, dtype: torch.dtype) -> torch.Tensor:
    """Copy a tensor out of the file into a floating-point type; CheckpointError where it holds no such numbers."""
    if not named.tensor.is_floating_point():
        raise CheckpointError(f"{named.key} is {named.tensor.dtype}; weights should be floating-point numbers")
    return named.tensor.detach().to(dtype, copy=True)


def _keys(part: Part) -> str:
    return listing(named.key for named in part.values())
