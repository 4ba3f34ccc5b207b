"""Controls derived from the recipe's fields: what a recipe gains, the page gains."""

from typing import Any, Literal, get_args, get_origin

import streamlit as st
from annotated_types import Ge, Gt, Le, Lt
from pydantic import BaseModel
from pydantic.fields import FieldInfo

from bcl_core import registry
from bcl_core.recipe import Recipe, field_names

_MENUS = {
    "data.source": registry.DATASETS,
    "views": registry.VIEWS,
    "model.backbone": registry.BACKBONES,
    "loss.name": registry.LOSSES,
}


def needs_path(recipe: Recipe) -> bool:
    """Whether the recipe's data lie in a folder that the user must name."""
    return registry.DATASETS[recipe.data.source].needs_path


def recipe_controls(base: Recipe, *, fixed: tuple[str, ...], key: str) -> dict[str, Any]:
    """Draw a control for every field of a recipe but the `fixed` ones; return the settings that differ from `base`."""
    changed = {}
    columns = st.columns(4)
    names = [name for name in field_names(Recipe) if name not in fixed]
    for place, name in enumerate(names):
        value = _value(base, name)
        with columns[place % len(columns)]:
            chosen = _control(name, _field(name), value, f"{key}/{name}")
        if chosen != value:
            changed[name] = chosen
    return changed


def _control(name: str, field: FieldInfo, value: Any, key: str) -> Any:
    label, help_text = name.replace("_", " ").replace(".", " · "), field.description
    if name in _MENUS:
        table = _MENUS[name]
        options = list(table)
        return st.selectbox(
            label, options, options.index(value), key=key, format_func=lambda entry: table[entry].title, help=help_text
        )
    if get_origin(field.annotation) is Literal:
        options = list(get_args(field.annotation))
        return st.selectbox(label, options, options.index(value), key=key, help=help_text)
    if isinstance(value, bool):
        return st.checkbox(label, value, key=key, help=help_text)
    if field.annotation is float:
        return st.number_input(label, value=float(value), format="%g", key=key, help=_range(field))
    return st.number_input(label, value=value, step=1, key=key, help=_range(field), placeholder="none")


def _field(name: str) -> FieldInfo:
    model: type[BaseModel] = Recipe
    *sections, last = name.split(".")
    for section in sections:
        model = model.model_fields[section].annotation  # type: ignore[assignment]
    return model.model_fields[last]


def _value(recipe: Recipe, name: str) -> Any:
    value: Any = recipe
    for part in name.split("."):
        value = getattr(value, part)
    return value


def _range(field: FieldInfo) -> str | None:
    """Say in words what a number may be; the recipe itself does the checking."""
    words = {Ge: ("at least", "ge"), Gt: ("more than", "gt"), Le: ("at most", "le"), Lt: ("less than", "lt")}
    known = [(words[type(limit)], limit) for limit in field.metadata if type(limit) in words]
    limits = [f"{word} {getattr(limit, attribute):g}" for (word, attribute), limit in known]
    return ". ".join(filter(None, [field.description, ", ".join(limits)])) or None
