"""The data drawer: it asks for a look at what a recipe would train on, and shows what was found."""

from app import palette
from app.components import PREFIX, register
from app.words import SHOTS
from bcl_core.geometry.groups import FEW_BELOW, MANY_ABOVE
from bcl_core.recipe import Execution, Recipe
from bcl_core.registry import views_of

_mount = register("drawer", html='<div class="bcl-drawer" role="region" aria-label="Look at the data"></div>')


def drawer(recipe: Recipe, execution: Execution | None, *, name: str, key: str) -> None:
    """Offer a look at the recipe's data; `name` is what its run is called.

    `execution` says where the images lie; None where that is still to be said. The component asks the routes for all
    that it shows, and tells nothing back.
    """
    views = views_of(recipe.views)
    _mount(
        key=key,
        data={
            "prefix": PREFIX,
            "recipe": recipe.model_dump(mode="json"),
            "execution": execution and execution.model_dump(mode="json"),
            "name": name,
            "views": f"{views.title}. {views.help}",
            "shots": {name: {"colour": colour, "words": SHOTS[name]} for name, colour in palette.SHOTS.items()},
            "bounds": {"many": MANY_ABOVE, "few": FEW_BELOW},
        },
    )
