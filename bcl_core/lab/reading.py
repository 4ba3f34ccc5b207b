"""A run for notebooks and scripts: its figures as a frame, its arrays by epoch. Imports no torch, and pandas late.

from bcl_core.lab import read
run = read("digits-bcl")
run.frame["angle_tail_tail"].plot()
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from bcl_core.installed import told
from bcl_core.lab.files import RunFolder
from bcl_core.lab.run import LabError, Run
from bcl_core.lab.samples import read_samples
from bcl_core.lab.store import Lab
from bcl_core.measuring import TEST
from bcl_core.recipe import Recipe, Recorded, Unreadable
from bcl_core.registry import loss_of

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True)
class Reading:
    """A run as it was when it was read. What is in files is read from them when it is asked for.

    n: samples that are kept to be looked at. K: classes. d: dimensions.
    """

    run: Run
    recipe: Recipe | Recorded
    folder: RunFolder
    metrics: tuple[Mapping[str, Any], ...]  # of each recorded epoch; degrees, and accuracies from 0 to 1
    class_names: tuple[str, ...]  # (K,)
    class_counts: NDArray[np.int64]  # (K,) training samples
    labels: NDArray[np.int64]  # (n,)
    is_test: NDArray[np.bool_]  # (n,) the others are training samples

    @cached_property
    def epochs(self) -> tuple[int, ...]:
        """The epochs whose arrays are kept."""
        return tuple(self.folder.epochs())

    @cached_property
    def frame(self) -> "pd.DataFrame":
        """A row an epoch, which is the index, and a column a metric; lists, such as accuracy_per_class, stay lists.

        LabError where pandas is not installed.
        """
        try:
            import pandas as pd  # takes half a second, and is not among what recording needs
        except ModuleNotFoundError as error:
            raise LabError(told(error) or str(error)) from error
        return pd.DataFrame(list(self.metrics)).set_index("epoch")

    def view(self, epoch: int | None = None) -> dict[str, NDArray[Any]]:
        """Return what was measured in an epoch, the last one where None, as arrays by name.

        class_means (K, d), prototypes (K, d), predictions (n,), confidences (n,), pair_push (K, K), and more; what a
        run did not measure is absent.

        Raises:
            LabError: this epoch is not kept.
            SnapshotError: its file is damaged.
        """
        return trained(self.recipe, self.folder.arrays(self.folder.view(self._kept(epoch, self.epochs))))

    def embeddings(self, epoch: int | None = None) -> NDArray[np.float32]:
        """Return the embeddings (n, d) of an epoch, the last one of which they are kept where None.

        They were kept in half precision. Raises as `view`.
        """
        kept = self._kept(epoch, tuple(self.folder.epochs("embeddings")))
        return self.folder.arrays(self.folder.embeddings(kept))["projection"].astype(np.float32)

    def _kept(self, epoch: int | None, kept: tuple[int, ...]) -> int:
        if not kept or (epoch is not None and epoch not in kept):
            having = f"epochs {kept[0]} to {kept[-1]}" if kept else "no epoch"
            raise LabError(f"{self.run.name!r} keeps no such epoch: it has {having}, {len(kept)} in all")
        return kept[-1] if epoch is None else epoch


def trained(recipe: Recipe | Recorded | Unreadable, named: Mapping[str, Any]) -> dict[str, Any]:
    """Leave out what is named after prototypes where the loss has none: nothing trains them then."""
    lacks = isinstance(recipe, Recipe) and not loss_of(recipe.loss.name).prototypes
    return {name: value for name, value in named.items() if not (lacks and name.startswith("prototype"))}


def read(run: str, lab: Lab | Path | str | None = None) -> Reading:
    """Read a run of a lab, or of the shelf, by its id.

    Args:
        run: an id, as `bcl-lab runs` lists them.
        lab: the lab, or its folder; BCL_LAB_HOME, else ./lab, where None.

    Raises:
        LabError: there is no such lab or run, it cannot be read, or has not recorded an epoch yet.
        SnapshotError: a file of it is damaged.
    """
    opened = lab if isinstance(lab, Lab) else Lab.open_existing(None if lab is None else Path(lab))
    found = opened.run(run)
    if isinstance(found.recipe, Unreadable):
        raise LabError(f"{found.name!r} cannot be read: {found.recipe.reason}")
    last = -1 if found.epoch is None else found.epoch
    metrics = tuple(trained(found.recipe, row) for row in opened.metrics(run) if row["epoch"] <= last)
    if not metrics and found.error:
        raise LabError(f"{found.name!r} {found.state} before its first epoch: {found.error}")
    if not metrics:
        raise LabError(f"{found.name!r} has no epoch yet: let it reach one first")
    folder = opened.folder(run)
    names, counts = read_samples(folder)
    samples = folder.arrays(folder.samples)
    return Reading(found, found.recipe, folder, metrics, names, counts, samples["labels"], samples["split"] == TEST)
