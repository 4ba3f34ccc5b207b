"""What NTCE and NONL come to where every class is a point, beside what was trained: with equal counts, and without.

    OMP_NUM_THREADS=1 python -m benchmarks.normalised

Every feature of a class stands at one free unit vector, its prototype at another, and the project's own loss is
minimised over both, in expectation over batches. It is convex in their cosines, so that a minimum in as many dimensions
as there are vectors is the global one. One view of each image: a second adds log 2 to the loss and changes nothing
else, since counts matter by their ratios alone.
"""

import json
from functools import cache
from typing import NamedTuple

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor, nn

from bcl_core.data import long_tail_counts
from bcl_core.geometry import simplex_metrics
from bcl_core.losses.contract import build_loss
from bcl_core.recipe import LossRecipe
from benchmarks.ablations import JSON_FILE, cell_recipe

LOSSES = ("ntce", "nonl")
COMPOSITIONS = 150  # batches drawn to average over
STEPS = 2_000  # of L-BFGS, at the most
TOLERANCE = 1e-8  # of the gradient


class Setting(NamedTuple):
    """Training images of each class, τ, and the images of a batch; None: one batch of everything."""

    counts: tuple[int, ...]
    temperature: float
    batch: int | None = None


def settings() -> dict[str, Setting]:
    """By their names: the digits of the ablations, as many with equal counts, and CIFAR-10-LT at imbalance 100."""
    recipe = cell_recipe("ntce", 0)
    drawn = long_tail_counts(10, recipe.data.max_per_class, imbalance_factor=recipe.data.imbalance_factor)
    digits = Setting(tuple(drawn.tolist()), recipe.loss.temperature)
    whole = "one batch of everything"
    return {
        f"digits, equal counts, {whole}": digits._replace(counts=(int(drawn.sum()) // 10,) * 10),
        f"CIFAR-10-LT, τ 0.1, {whole}": Setting(tuple(long_tail_counts(10, 5000, imbalance_factor=100).tolist()), 0.1),
        f"digits, {whole}": digits,
        f"digits, batches of {recipe.batch_size}": digits._replace(batch=recipe.batch_size),
    }


@cache
def optimum(loss: str, setting: Setting, dim: int = 9, start: int = 0) -> tuple[float, NDArray[np.float64]]:
    """Return the least loss, and the class means (K, dim) that have it, as found from a random start."""
    K, batches = len(setting.counts), _batches(setting)
    module = build_loss(LossRecipe(name=loss, temperature=setting.temperature), setting.counts, dim)
    random = torch.Generator().manual_seed(start)
    rows = torch.randn(2 * K, dim, dtype=torch.float64, generator=random).requires_grad_()
    search = torch.optim.LBFGS(
        [rows],
        max_iter=STEPS,
        max_eval=2 * STEPS,
        tolerance_grad=TOLERANCE,
        tolerance_change=0,
        history_size=50,
        line_search_fn="strong_wolfe",
    )

    def closure() -> Tensor:
        search.zero_grad()
        value = _expected(module, rows, batches)
        value.backward()  # type: ignore[no-untyped-call]
        return value

    search.step(closure)
    with torch.no_grad():
        return float(_expected(module, rows, batches)), F.normalize(rows[:K], dim=1).numpy()


def _batches(setting: Setting) -> Tensor:
    """Return the labels of the batches, (batches, B)."""
    counts, rng = np.array(setting.counts), np.random.default_rng(0)
    drawn = rng.multivariate_hypergeometric(counts, setting.batch, COMPOSITIONS) if setting.batch else counts[None]
    return torch.tensor(np.stack([np.repeat(np.arange(len(counts)), row) for row in drawn]))


def _expected(loss: nn.Module, rows: Tensor, batches: Tensor) -> Tensor:
    """Mean loss over the batches of means and prototypes, (2K, d) of any length."""
    means, prototypes = F.normalize(rows, dim=1).split(len(rows) // 2)
    return torch.vmap(lambda labels: loss(means[labels][:, None], labels, prototypes))(batches).mean()


def predicted(loss: str, setting: Setting) -> dict[str, float]:
    """Return the angles of the optimum, as `simplex_metrics` does."""
    return simplex_metrics(optimum(loss, setting)[1], np.array(setting.counts))


def main() -> None:
    """Print a line a setting, and one a trained seed, in degrees."""
    runs = json.loads(JSON_FILE.read_text())["runs"]
    print("                                  head–head  head–tail  tail–tail  off the simplex")
    for loss in LOSSES:
        for name, setting in settings().items():
            found = predicted(loss, setting)
            angles = [found[f"angle_{key}"] for key in ("head_head", "head_tail", "tail_tail", "rms_deviation")]
            print(f"{loss}, {name:27} {angles[0]:9.1f}  {angles[1]:9.1f}  {angles[2]:9.1f}  {angles[3]:15.1f}")
        for run in runs:
            if run["cell"] == loss:
                last, trained = run["last"], f"digits, trained, seed {run['seed']}"
                print(f"{loss}, {trained:27} {last['head_head']:9.1f}  {'':9}  ", end="")
                print(f"{last['tail_tail']:9.1f}  {last['rms_deviation']:15.1f}")


if __name__ == "__main__":
    main()
