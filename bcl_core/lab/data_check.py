"""Whether what a recipe names could be read at all, before it is queued. Opens no image; imports no torch."""

from collections.abc import Iterable

from bcl_core.data.cifar10 import at_hand as cifar10_at_hand
from bcl_core.data.places import data_home
from bcl_core.data.source import DataError
from bcl_core.lab.run import LabError
from bcl_core.recipe import DataPaths, Recipe
from bcl_core.registry import dataset_of

__all__ = ["check_data", "cifar10_at_hand", "data_home"]


def check_data(recipes: Iterable[Recipe], paths: DataPaths) -> None:
    """Raise LabError, with the path and what would be right, where a recipe's data set could read nothing there."""
    for source in dict.fromkeys(recipe.data.source for recipe in recipes):
        dataset = dataset_of(source)
        if dataset.needs_path and paths.path is None:
            raise LabError(f"{dataset.title} needs the folder of the images (data.path)")
        try:
            dataset.check_places(paths)
        except DataError as error:
            raise LabError(f"{dataset.title}: {error}") from error
        except OSError as error:
            raise LabError(f"{dataset.title}: {paths.path} cannot be read ({error})") from error
