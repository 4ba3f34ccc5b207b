"""Pages change the lab by its verbs alone, in the name of whoever looks at them."""

from collections.abc import Sequence
from typing import Any

import streamlit as st

from app import races
from app.classroom import VISITOR
from app.roles import role_here, told_here
from app.runs import the_lab
from app.verbs import Refused, do
from app.words import verbatim
from bcl_core.recipe import Execution, Recipe


def demand(verb: str, **arguments: Any) -> Any:
    """Do what the verb says and return its answer; Refused where it cannot be done."""
    return do(the_lab(), verb, arguments, role=role_here(), visitor=st.context.cookies.get(VISITOR, ""))


def attempt(verb: str, **arguments: Any) -> Any:
    """Do what the verb says, as a button's callback, and return its answer; a refusal is told in passing."""
    try:
        return demand(verb, **arguments)
    except Refused as error:
        st.toast(verbatim(told_here(str(error))), icon=":material/error:")
        return None


def train(draft: races.Draft, recipes: Sequence[Recipe], execution: Execution) -> list[str]:
    """Queue the recipes of a race and return the runs' ids; Refused where they cannot be queued."""
    names = races.run_names(recipes)
    runs = [{"name": name, "recipe": recipe} for name, recipe in zip(names, recipes, strict=True)]
    queued = demand("train", name=races.group_name(draft), runs=runs, execution=execution)
    ids: list[str] = queued["runs"]
    return ids
