"""Controls derived from the recipe's fields: what a recipe gains, the page gains."""

import os
from collections.abc import Mapping, Sequence
from itertools import chain, groupby
from operator import attrgetter
from typing import Any, Literal, get_args, get_origin

import streamlit as st

from app.glossary import GLOSSARY
from bcl_core import registry
from bcl_core.recipe import Recipe, field_names
from bcl_core.recipe.settings import MENUS, field_of, limits_of, parameter_of

A_ROW = 4
_SECTIONS = {"data": "Data", "model": "Model", "loss": "Loss", "optimiser": "Optimiser", "": "Run"}
# Whose meaning a newcomer may not know.
_TERMS = {"loss.temperature": "τ", "loss.contrastive_weight": "μ", "loss.classifier_weight": "λ"}
# Where a field's own name, spelt out, does not say enough.
_LABELS = {
    "data.source": "Data set",
    "data.imbalance_kind": "Kind of imbalance",
    "data.rare_classes": "Rare classes",
    "data.max_per_class": "Images in the largest class",
    "data.test_per_class": "Test images of each class",
    "data.image_size": "Image size, pixels",
    "data.draw_seed": "Seed of the draw",
    "model.hidden_dim": "Hidden width of the heads",
    "model.projection_dim": "Dimensions of the projection",
    "model.head_norm": "BatchNorm in the heads",
    "model.scale": "Scale of the cosine classifier",
    "model.start": "Starts from",
    "loss.name": "Loss",
    "loss.temperature": "Temperature τ",
    "loss.contrastive_weight": "Weight μ of the contrastive loss",
    "loss.classifier_weight": "Weight λ of cross-entropy",
    "loss.prior_strength": "Strength of the logit adjustment",
    "optimiser.lr": "Learning rate",
    "optimiser.warmup_steps": "Warm-up steps",
    "optimiser.warmup_epochs": "Warm-up epochs",
    "optimiser.milestones": "Milestones, epochs",
}


def recipe_controls(
    base: Recipe, names: tuple[str, ...], *, key: str, chosen: Mapping[str, Any] | None = None
) -> dict[str, Any]:
    """Draw a control for each of these fields; return the settings that differ from `base`.

    They stand by section, where they are of several; those that are drawn for the first time as `chosen` says, else
    as `base` does.
    """
    changed, several = {}, len(set(map(_section, names))) > 1
    in_place = sorted(names, key=lambda name: list(_SECTIONS).index(_section(name)))
    for section, members in ((section, list(found)) for section, found in groupby(in_place, key=_section)):
        if several:
            st.markdown(f"**{_SECTIONS[section]}**")
        width = min(len(members), A_ROW)
        rows = [st.columns(width, vertical_alignment="bottom") for _ in range(0, len(members), A_ROW)]
        for name, column in zip(members, chain.from_iterable(rows), strict=False):
            value = _shown(base, name)
            with column:
                found = _control(name, (chosen or {}).get(name, value), f"{key}/{name}")
            if found != value:
                changed[name] = found
    return changed


def alike(recipes: Sequence[Recipe], *without: str) -> tuple[str, ...]:
    """Return the names of the fields that have one value in all of these recipes, but for those `without`."""
    names = [name for name in field_names(Recipe) if name not in without]
    return tuple(name for name in names if len({_shown(recipe, name) for recipe in recipes}) == 1)


def data_paths(page: str, source: str, chosen: Mapping[str, str] | None = None) -> dict[str, str]:
    """Draw the fields for where a data set's files lie, as its guide has them; return the settings.

    Fields that are drawn for the first time stand as `chosen` says.
    """
    entry, paths, fields = registry.DATASETS[source], {}, {}
    if entry.needs_path:
        fields["data.path"] = "Folder of the images"
    elif "`data.path`" in entry.guide:
        fields["data.path"] = "Folder of the download, if not the usual one"
    if "`data.lists`" in entry.guide:
        fields["data.lists"] = "Folder of the list files, if another one"
    columns = st.columns(len(fields)) if fields else []
    for column, (name, label) in zip(columns, fields.items(), strict=True):
        usual = os.environ.get("BCL_LAB_PARQUET", "") if source == "parquet" else ""
        value = (chosen or {}).get(name, usual)
        path = column.text_input(label, value, key=f"{page}/{source}/{name}", help=entry.guide)
        if path.strip():
            paths[name] = path.strip()
    return paths


def _control(name: str, value: Any, key: str) -> Any:
    field = field_of(name)
    label = _LABELS.get(name, name.rpartition(".")[2].replace("_", " ").capitalize())
    help_text = meaning(name)
    menu = {key: entry.title for key, entry in MENUS.get(name, {}).items()}
    if get_origin(field.annotation) is Literal:
        menu = {choice: choice for choice in get_args(field.annotation)}
    if menu:
        names = list(menu)
        return st.selectbox(label, names, names.index(value), key=key, help=help_text, format_func=menu.__getitem__)
    if isinstance(value, bool):
        return st.checkbox(label, value, key=key, help=help_text)
    if isinstance(value, str):
        return st.text_input(label, value, key=key, help=_range(name)).strip()
    if field.annotation is float:
        return st.number_input(label, value=float(value), format="%g", key=key, help=_range(name))
    return st.number_input(label, value=value, step=1, key=key, help=_range(name))


def _section(name: str) -> str:
    return "data" if name == "views" else name.rpartition(".")[0]


def _shown(recipe: Recipe, name: str) -> Any:
    """Return a field's value as its control has it: text where it can be none or many."""
    own = parameter_of(name)
    if own is not None:
        return recipe.loss.parameters.get(own.name, own.default)
    value: Any = attrgetter(name)(recipe)
    if isinstance(value, tuple):
        return ", ".join(map(str, value)) or "none"
    if type(None) in get_args(field_of(name).annotation):
        return "none" if value is None else str(value)
    return value


def meaning(name: str) -> str | None:
    """Say what a field is: its term's meaning where it has one, else what the recipe says of it."""
    return GLOSSARY[_TERMS[name]].rstrip(".") if name in _TERMS else field_of(name).description


def _range(name: str) -> str | None:
    """Say in words what a number is and may be; the recipe itself does the checking."""
    return ". ".join(filter(None, [meaning(name), limits_of(field_of(name))])) or None
