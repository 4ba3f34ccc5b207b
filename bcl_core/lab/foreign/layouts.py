"""Whose naming a checkpoint follows: which of its tensors make the backbone, the classifier and the two heads.

The names come from the public code of each: BCL, ProCo and BCCL (`encoder.`, `fc.`, `head.`, and BCL's prototype MLP
`head_fc.`), SupContrast (`encoder.`, `head.`), MoCo and PaCo (`encoder_q.` with a head for `fc.`, `linear.`), MoCo v3
(`base_encoder.`), SimCLR (`backbone.` with a head for `fc.`), GLMC (`fc_cb.`, `projection_head.`), MMPretrain
(`backbone.`, `head.fc.`), torchvision and timm (no prefix, `fc.`), the usual CIFAR ResNets (no prefix, `linear.`); and
Lightning's `model.`, and `classifier.` beside an encoder.
"""

import re
from collections.abc import Mapping
from typing import NamedTuple

from torch import Tensor

from bcl_core.lab.foreign.reading import CheckpointError, beginnings, listing

OF_MOCO = ("encoder_q.", "base_encoder.")
ENCODERS = ("encoder.", "backbone.", *OF_MOCO)
# Which part a key belongs to, by the first of these that it begins with; what follows is its name there.
_PREFIXES = (
    ("head_fc.", "prototypes"),
    ("head.fc.", "classifier"),
    ("head.", "projection"),
    ("projection_head.", "projection"),
    ("projector.", "projection"),
    ("fc_cb.", "balanced classifier"),
    ("fc.", "classifier"),
    ("linear.", "classifier"),
    ("classifier.", "classifier"),
    # What only training needs: MoCo's slower copy, its and GLMC's predictor, a loss with weights of its own.
    *((prefix, "unused") for prefix in ("encoder_k.", "linear_k.", "momentum_encoder.", "predictor.")),
    *((prefix, "unused") for prefix in ("contrast_head.", "criterion.", "loss_fn.")),
)
_BUFFERS = frozenset({"queue", "queue_l", "queue_ptr", "n_averaged"})  # MoCo's, PaCo's, AveragedModel's
# Where a file has several classifiers, the first of these is the one that its code predicts with.
_CLASSIFIERS = ("balanced classifier", "classifier", "inner classifier")
_EXPERTS = re.compile(r"(layer[2-4]s|linears|experts)\.\d+\.")  # RIDE's
# This app's own names, by the module or parameter that a key begins with.
OWN = {
    "backbone": "backbone",
    "projection": "projection",
    "prototype_mlp": "prototypes",
    "fixed_prototypes": "fixed",
    "classifier": "classifier",
    "bias": "classifier",
}
# What DataParallel, DistributedDataParallel, AveragedModel and torch.compile put into names; SupContrast has it in the
# middle. And what holds the whole network, in Lightning for example, at their beginning.
WRAPPERS = ("module", "_orig_mod")
HOLDERS = ("model.", "net.", "network.")


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
    unused: tuple[str, ...]  # keys that play no part in the network as it predicts
    layout: str
    own: bool

    @property
    def contrastive(self) -> bool:
        """Whether there is a head to a contrastive space."""
        return bool(self.projection or self.prototypes)

    def without_heads(self) -> "Parts":
        """Leave backbone and classifier."""
        heads = (self.projection, self.prototypes, self.fixed)
        unused = (*self.unused, *(named.key for head in heads for named in head.values()))
        return self._replace(projection={}, prototypes={}, fixed={}, unused=unused)


def sort_out(tensors: Mapping[str, Tensor], *, own: bool = False) -> Parts:
    """Sort a state dict's tensors into parts; `own` where it is known to be this app's, as else its classifier tells.

    Raises:
        CheckpointError: two keys mean the same tensor, or the network has several experts.
    """
    own = own or "classifier" in tensors
    sorted_out: dict[str, dict[str, Named]] = {}
    for key, tensor in tensors.items():
        part, name = _own_place(key) if own else _place(_unwrapped(key))
        tenants = sorted_out.setdefault(part, {})
        if name in tenants:
            raise CheckpointError(f"{listing([tenants[name].key, key])} mean the same tensor; keep one of them")
        tenants[name] = Named(key, tensor)
    classifier, *others = [sorted_out[name] for name in _CLASSIFIERS if name in sorted_out] or [{}]
    if experts := [key for key in sorted_out.get("backbone", {}) if _EXPERTS.match(key)]:
        raise CheckpointError(
            f"this is a network of several experts, as RIDE's: its keys begin with {beginnings(experts)}. It has a "
            "feature space for each of them, and a run here has one: import a network with one branch"
        )
    return Parts(
        backbone=sorted_out.get("backbone", {}),
        classifier=classifier,
        projection=sorted_out.get("projection", {}),
        prototypes=sorted_out.get("prototypes", {}),
        fixed=sorted_out.get("fixed", {}),
        unused=tuple(named.key for part in (*others, sorted_out.get("unused", {})) for named in part.values()),
        layout="BCL Lab checkpoint" if own else _foreign_layout(sorted_out, tensors),
        own=own,
    )


def _foreign_layout(parts: Mapping[str, object], tensors: Mapping[str, Tensor]) -> str:
    keys = [_unwrapped(key) for key in tensors]
    if "prototypes" in parts:
        return "BCL reference code"
    if any(key.startswith(OF_MOCO) for key in keys):
        return "PaCo" if "classifier" in parts else "MoCo"
    if "balanced classifier" in parts:
        return "GLMC"
    if any(key.startswith("head.fc.") for key in keys):
        return "MMPretrain"
    if "projection" in parts:
        return "ProCo or BCCL" if "classifier" in parts else "SupContrast or SimCLR"
    if any(key.startswith(ENCODERS) for key in keys):
        return "encoder and classifier"
    return "torchvision, timm or CIFAR ResNet"


def _own_place(key: str) -> tuple[str, str]:
    module, _, name = key.partition(".")
    return OWN.get(module, "backbone"), name or {"classifier": "weight"}.get(key, key)


def _place(key: str) -> tuple[str, str]:
    """Return which part a key belongs to, and its name there."""
    if key in _BUFFERS:
        return "unused", key
    if found := next((place for place in _PREFIXES if key.startswith(place[0])), None):
        prefix, part = found
        return part, key if part == "unused" else key.removeprefix(prefix)
    encoder = next((prefix for prefix in ENCODERS if key.startswith(prefix)), "")
    inside = key.removeprefix(encoder)
    name = next((inside.removeprefix(prefix) for prefix in ("fc.", "linear.") if inside.startswith(prefix)), None)
    if name is None:
        return "backbone", inside
    # MoCo and SimCLR put their head where the encoder had its classifier.
    is_head = encoder == "encoder_q." or name[:1].isdigit()
    return "projection" if is_head else "inner classifier", name


def _unwrapped(key: str) -> str:
    plain = ".".join(word for word in key.split(".") if word not in WRAPPERS)
    return plain.removeprefix(next((holder for holder in HOLDERS if plain.startswith(holder)), ""))
