"""Settings as people write them: dotted names and text, on top of a recipe and an execution; and the list of all."""

import types
from collections.abc import Mapping
from difflib import get_close_matches
from pathlib import Path
from typing import Any, Literal, NamedTuple, Union, get_args, get_origin

from annotated_types import Ge, Gt, Le, Lt
from pydantic import BaseModel, ValidationError
from pydantic.fields import FieldInfo

from bcl_core import registry
from bcl_core.recipe.fields import Execution, Recipe, RecipeError, explain

MENUS: Mapping[str, Mapping[str, registry.Entry]] = {
    "data.source": registry.DATASETS,
    "data.normalisation": registry.NORMALISATIONS,
    "views": registry.VIEWS,
    "model.backbone": registry.BACKBONES,
    "loss.name": registry.LOSSES,
    "loss.prototypes": registry.PROTOTYPES,
}
"""The settings that name something registered."""


def apply_settings(recipe: Recipe, execution: Execution, settings: Mapping[str, Any]) -> tuple[Recipe, Execution]:
    """Return both with dotted settings applied, for example {"loss.temperature": "0.5", "data.path": "photos"}.

    A key names a field of the recipe, or else one of the execution, or as "loss.NAME" a parameter of the loss. Values
    may be text or already typed. Where another loss is named, the parameters of the one before are forgotten.

    Raises:
        RecipeError: an unknown key or a value that does not fit; names both and what would be right. Or the recipe
            names what is not registered here.
    """
    if recipe.missing:
        raise RecipeError(recipe.missing)
    documents = [recipe.model_dump(), execution.model_dump()]
    if settings.get("loss.name", recipe.loss.name) != recipe.loss.name:
        documents[0]["loss"]["parameters"] = {}
    for dotted, value in settings.items():
        if dotted in parameter_names():
            documents[0]["loss"]["parameters"][dotted.removeprefix("loss.")] = value
            continue
        for document in documents:
            holder = _holder(document, dotted)
            if holder is not None:
                holder[dotted.rpartition(".")[2]] = None if value in ("none", "") else value
                break
        else:
            raise RecipeError(f"there is no setting {dotted!r}; {_meant(dotted)}")
    try:
        return Recipe.model_validate(documents[0]), Execution.model_validate(documents[1])
    except ValidationError as error:
        raise RecipeError(explain(error)) from error


def _meant(mistyped: str) -> str:
    """Say which setting may be meant; of a section which it has, and where none is near, which there are."""
    known = [*field_names(Recipe), *parameter_names(), *field_names(Execution)]
    inside = [name for name in known if name.startswith(f"{mistyped}.")]
    near = [name for name in known if name.endswith(f".{mistyped}")] or get_close_matches(mistyped, known, 1)
    if near and not inside:
        return f"did you mean {' or '.join(near)}?"
    return f"the settings are {', '.join(inside or known)}"


def _holder(document: dict[str, Any], dotted: str) -> dict[str, Any] | None:
    *sections, name = dotted.split(".")
    holder: Any = document
    for section in sections:
        holder = holder.get(section) if isinstance(holder, dict) else None
    return holder if isinstance(holder, dict) and name in holder and not isinstance(holder[name], dict) else None


def parameter_names() -> list[str]:
    """Return the dotted names of the parameters that losses have of their own."""
    return list(dict.fromkeys(f"loss.{one.name}" for entry in registry.LOSSES.values() for one in entry.parameters))


def field_names(model: type[BaseModel], prefix: str = "") -> list[str]:
    """Return the dotted names of every setting of a model, those that all losses have."""
    names = []
    for name, field in model.model_fields.items():
        if isinstance(field.annotation, type) and issubclass(field.annotation, BaseModel):
            names += field_names(field.annotation, f"{prefix}{name}.")
        elif name not in ("format_version", "parameters"):  # the latter are set one by one
            names.append(prefix + name)
    return names


class Setting(NamedTuple):
    """A setting in words: what it takes, where it stands if nothing is said, and what it does."""

    name: str
    takes: str
    default: str
    meaning: str


def all_settings() -> list[Setting]:
    """Return every setting of a recipe, those that single losses have, and every one of an execution, in this order."""
    recipe = [_setting(name, field_of(name)) for name in (*field_names(Recipe), *parameter_names())]
    return recipe + [_setting(name, field_of(name, Execution)) for name in field_names(Execution)]


def field_of(name: str, model: type[BaseModel] = Recipe) -> FieldInfo:
    """Return the field of a setting; of a loss's parameter, one that says the same."""
    own = parameter_of(name) if model is Recipe else None
    if own is not None:
        kind, limits = type(own.default), {"ge": own.least, "le": own.most}
        return FieldInfo(annotation=kind, default=own.default, description=own.help, **limits)  # type: ignore[arg-type]
    *sections, last = name.split(".")
    for section in sections:
        model = model.model_fields[section].annotation  # type: ignore[assignment]
    return model.model_fields[last]


def parameter_of(name: str) -> registry.Parameter | None:
    """Return the parameter of a loss that a setting is, if it is one."""
    if name not in parameter_names():
        return None
    found = [entry.parameter(name.removeprefix("loss.")) for entry in registry.LOSSES.values()]
    return next(filter(None, found))


def limits_of(field: FieldInfo) -> str:
    """Say in words between what a number lies; "" where nothing bounds it."""
    words = {Ge: ("at least", "ge"), Gt: ("more than", "gt"), Le: ("at most", "le"), Lt: ("less than", "lt")}
    known = [(words[type(limit)], limit) for limit in field.metadata if type(limit) in words]
    return ", ".join(f"{word} {getattr(limit, attribute):.10g}" for (word, attribute), limit in known)


_KINDS = {bool: "true or false", int: "a whole number", float: "a number", str: "text", Path: "a path"}


def _setting(name: str, field: FieldInfo) -> Setting:
    kinds = [kind for kind in _alternatives(field.annotation) if kind is not type(None)]
    none = ["none"] if len(kinds) < len(_alternatives(field.annotation)) else []
    if name in MENUS:
        takes = [", ".join(MENUS[name])]
    elif get_origin(kinds[0]) is Literal:
        takes = [", ".join(get_args(kinds[0]))]
    elif get_origin(kinds[0]) is tuple:
        takes = ["whole numbers with commas between", "none"]
    else:
        takes = [", ".join(filter(None, [_KINDS[kinds[0]], limits_of(field)]))]
    return Setting(name, ", or ".join(takes + none), _as_typed(field.default), field.description or "")


def _alternatives(annotation: Any) -> tuple[Any, ...]:
    """Return the types of a union; of what is none, itself. What only annotates them is left out."""
    union = get_origin(annotation) in (Union, types.UnionType)
    found = get_args(annotation) if union else (annotation,)
    return tuple(get_args(kind)[0] if hasattr(kind, "__metadata__") else kind for kind in found)


def _as_typed(value: Any) -> str:
    """Return a default as --set takes it."""
    if value is None or value == ():
        return "none"
    return str(value).lower() if isinstance(value, bool) else f"{value:g}" if isinstance(value, float) else str(value)
