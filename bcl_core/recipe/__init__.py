"""Recipe: everything that decides a run's numbers. Execution: where and how fast it runs.

A recipe is portable, validated and hashed; the same recipe on the same data with one thread gives the same numbers.
"""

from bcl_core.recipe.fields import (
    FORMAT_VERSION,
    RANDOM,
    RUN_ID,
    DataPaths,
    DataRecipe,
    Execution,
    LossRecipe,
    ModelRecipe,
    OptimiserRecipe,
    Recipe,
    RecipeError,
    Recorded,
)
from bcl_core.recipe.presets import PRESETS, RACES, Preset, Race, preset
from bcl_core.recipe.settings import Setting, all_settings, apply_settings, field_names, parameter_names
from bcl_core.recipe.unreadable import Unreadable
