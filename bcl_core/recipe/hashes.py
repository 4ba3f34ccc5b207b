"""Hashes that stay as they are when fields are added: of a recipe's JSON without later fields at their default."""

import hashlib
from collections.abc import Collection
from typing import Any

from pydantic import BaseModel

# The fields of the first release, frozen: these are hashed whatever they are, any other where it was set.
RECIPE = frozenset(
    {"format_version", "data", "views", "model", "loss", "optimiser", "epochs", "batch_size", "seed"}
    | {"data.source", "data.imbalance_factor", "data.imbalance_kind", "data.rare_classes", "data.max_per_class"}
    | {"data.test_per_class", "data.image_size", "data.loading", "data.draw_seed"}
    | {"model.backbone", "model.hidden_dim", "model.projection_dim", "model.head_norm", "model.classifier"}
    | {"model.scale", "loss.name", "loss.anchors", "loss.self_term", "loss.temperature", "loss.contrastive_weight"}
    | {"loss.classifier_weight", "loss.prior_strength", "optimiser.lr", "optimiser.momentum", "optimiser.nesterov"}
    | {"optimiser.weight_decay", "optimiser.warmup_steps", "optimiser.warmup_epochs", "optimiser.milestones"}
)
RECORDED = frozenset({"format_version", "recorded", "title", "space"})


def hash_of(document: BaseModel, first: Collection[str]) -> str:
    """Return 16 hexadecimal digits of a document; `first` names the fields that it had in the first release."""
    text = document.model_dump_json(exclude=_unset(document, first))
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def _unset(document: BaseModel, first: Collection[str], prefix: str = "") -> dict[str, Any]:
    """Return the later fields that stand at their default, as pydantic takes what to exclude."""
    found: dict[str, Any] = {}
    for name, field in type(document).model_fields.items():
        value = getattr(document, name)
        if prefix + name not in first and value == field.get_default(call_default_factory=True):
            found[name] = True
        elif isinstance(value, BaseModel) and (inside := _unset(value, first, f"{prefix}{name}.")):
            found[name] = inside
    return found
