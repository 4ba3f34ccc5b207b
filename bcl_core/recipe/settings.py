"""Settings as people write them: dotted names and text, on top of a recipe and an execution."""

from collections.abc import Mapping
from typing import Any

from pydantic import BaseModel, ValidationError

from bcl_core import registry
from bcl_core.recipe.fields import Execution, Recipe, RecipeError, explain


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
            known = [*field_names(Recipe), *parameter_names(), *field_names(Execution)]
            raise RecipeError(f"there is no setting {dotted!r}; the settings are {', '.join(known)}")
    try:
        return Recipe.model_validate(documents[0]), Execution.model_validate(documents[1])
    except ValidationError as error:
        raise RecipeError(explain(error)) from error


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
