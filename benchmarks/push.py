"""What the push between classes goes with late in training: their counts, or how near they stand.

    python -m benchmarks.push

Of each pretrained run with a contrastive loss, averaged over those of its last fifteen epochs that are kept: the
correlation, over pairs of classes, of the logarithm of the measured pair push with that of the count effect, and with
the cosine of the class means. Where counts alone would make all pairs alike, as with class anchors and class-averaging,
n_y + n_q stands in.
"""

from typing import NamedTuple

import numpy as np

from bcl_core.lab.files import RunFolder
from bcl_core.lab.shelf import Shelf, shelf_home
from bcl_core.recipe import Recipe
from harness.push_laws import count_effect

EPOCHS = 15


class Correlations(NamedTuple):
    """Of the logarithm of the pair push, −1 to 1."""

    counts: float
    cosine: float


def main() -> None:
    """Print both correlations, a line a run."""
    for run_id, found in correlations().items():
        print(f"{run_id:24}  with the counts {found.counts:.2f}  with the cosine {found.cosine:.2f}")


def correlations() -> dict[str, Correlations]:
    """Return them by run, for those with a contrastive loss and a long tail."""
    shelf = Shelf(shelf_home())
    return {
        run.id: _of(RunFolder(shelf.home / run.id), run.recipe)
        for run in shelf.runs
        if isinstance(run.recipe, Recipe) and run.recipe.loss.contrastive and run.recipe.data.imbalance_factor > 1
    }


def _of(folder: RunFolder, recipe: Recipe) -> Correlations:
    counts = folder.arrays(folder.samples)["class_counts"]
    pairs = np.triu_indices(len(counts), 1)
    switches = {name: recipe.loss.switches[name] for name in ("class_averaging", "class_complement", "anchors")}
    alone = count_effect(counts, **switches)[pairs]
    if np.ptp(alone) == 0:
        alone = np.add.outer(counts, counts)[pairs]
    kept = folder.epochs()
    views = [folder.arrays(folder.view(epoch)) for epoch in kept if epoch > kept[-1] - EPOCHS]
    push = np.mean([view["pair_push"][pairs] for view in views], axis=0)
    means = np.array([view["class_means"] for view in views])
    means /= np.linalg.norm(means, axis=2, keepdims=True)
    cosines = (means @ means.transpose(0, 2, 1)).mean(axis=0)[pairs]
    return Correlations(*(float(np.corrcoef(np.log(push), other)[0, 1]) for other in (np.log(alone), cosines)))


if __name__ == "__main__":
    main()
