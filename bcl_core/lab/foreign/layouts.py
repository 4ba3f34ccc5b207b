"""Whose naming a checkpoint follows: which of its tensors make the backbone, the classifier and the two heads.

The names come from the public code of each: BCL and ProCo (`encoder.`, `fc.`, `head.`, and BCL's prototype MLP
`head_fc.`), SupContrast (`encoder.`, `head.`), torchvision and timm (no prefix, `fc.`), the usual CIFAR ResNets (no
prefix, `linear.`).
"""

from collections.abc import Mapping
from typing import NamedTuple

from torch import Tensor

from bcl_core.lab.foreign.reading import CheckpointError, listing

ENCODERS = ("encoder.", "backbone.")
CLASSIFIERS = ("fc.", "linear.")
# This app's own names, by the module or parameter that a key begins with.
OWN = {
    "backbone": "backbone",
    "projection": "projection",
    "prototype_mlp": "prototypes",
    "fixed_prototypes": "fixed",
    "classifier": "classifier",
    "bias": "classifier",
}
# What DataParallel, DistributedDataParallel and torch.compile put into names; SupContrast has it in the middle.
WRAPPERS = ("module", "_orig_mod")


class Named(NamedTuple):
    """A tensor with its name in the file, for messages."""

    key: str
    tensor: Tensor


Part = Mapping[str, Named]  # by the names inside the part: "conv1.weight", "0.bias" …


class Parts(NamedTuple):
    """A file's tensors by what they belong to; a part that the file lacks is empty."""

    backbone: Part
    classifier: Part  # "weight" and "bias"
    projection: Part
    prototypes: Part
    fixed: Part  # prototypes that are no network
    unused: tuple[str, ...]  # keys of a classifier inside the encoder, where the model around it has its own
    layout: str
    own: bool

    @property
    def contrastive(self) -> bool:
        """Whether there is a head to a contrastive space."""
        return bool(self.projection or self.prototypes)


def sort_out(tensors: Mapping[str, Tensor]) -> Parts:
    """Sort a state dict's tensors into parts.

    Raises:
        CheckpointError: two keys mean the same tensor.
    """
    own = "classifier" in tensors
    sorted_out: dict[str, dict[str, Named]] = {}
    for key, tensor in tensors.items():
        part, name = _own_place(key) if own else _place(_unwrapped(key))
        tenants = sorted_out.setdefault(part, {})
        if name in tenants:
            raise CheckpointError(f"{listing([tenants[name].key, key])} mean the same tensor; keep one of them")
        tenants[name] = Named(key, tensor)
    outer, inner = (sorted_out.get(part, {}) for part in ("classifier", "inner classifier"))
    return Parts(
        backbone=sorted_out.get("backbone", {}),
        classifier=outer or inner,
        projection=sorted_out.get("projection", {}),
        prototypes=sorted_out.get("prototypes", {}),
        fixed=sorted_out.get("fixed", {}),
        unused=tuple(named.key for named in inner.values()) if outer else (),
        layout="BCL Lab checkpoint" if own else _foreign_layout(sorted_out, tensors),
        own=own,
    )


def _foreign_layout(parts: Mapping[str, object], tensors: Mapping[str, Tensor]) -> str:
    if "prototypes" in parts:
        return "BCL reference code"
    if "projection" in parts:
        return "ProCo" if "classifier" in parts else "SupContrast"
    if any(_unwrapped(key).startswith(ENCODERS) for key in tensors):
        return "encoder and classifier"
    return "torchvision, timm or CIFAR ResNet"


def _own_place(key: str) -> tuple[str, str]:
    module, _, name = key.partition(".")
    return OWN.get(module, "backbone"), name or {"classifier": "weight"}.get(key, key)


def _place(key: str) -> tuple[str, str]:
    """Return which part a key belongs to, and its name there."""
    for part, prefixes in (("classifier", CLASSIFIERS), ("projection", ("head.",)), ("prototypes", ("head_fc.",))):
        if (name := _after(prefixes, key)) is not None:
            return part, name
    inside = _after(ENCODERS, key)
    if inside is None:
        return "backbone", key
    name = _after(CLASSIFIERS, inside)
    return ("backbone", inside) if name is None else ("inner classifier", name)


def _after(prefixes: tuple[str, ...], key: str) -> str | None:
    return next((key.removeprefix(prefix) for prefix in prefixes if key.startswith(prefix)), None)


def _unwrapped(key: str) -> str:
    return ".".join(word for word in key.split(".") if word not in WRAPPERS)
