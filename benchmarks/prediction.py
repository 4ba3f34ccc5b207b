"""How well class means of trained networks agree with the angles that their loss predicts for batches of their size.

    python -m benchmarks.prediction                  # trains what docs/prediction.json lacks; hours on one core
    python -m benchmarks.prediction --jobs 0         # the picture and the table alone

Digits, 130 images in the largest class and 2 in the rarest, trained for as many optimiser steps as 240 epochs in
batches of 64 have, or more; of one step of imbalance, where angles still move by then, four times as many in a run
each. What is compared are the angles between class means, uncentred, of the *training* images without augmentation, in
projection space, in degrees; those of the test images stand beside them. Cross-entropy acts beside the contrastive
loss, as in every preset. The table and the picture are of docs/theory.md, which says what they show.
"""

import argparse
import json
import multiprocessing
import os
import time
from collections.abc import Iterable, Mapping
from concurrent.futures import ProcessPoolExecutor
from functools import cache
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from app.palette import NEUTRAL, loss_style
from bcl_core.data import long_tail_counts
from bcl_core.geometry import class_means, pairwise_angles
from bcl_core.measuring import TRAIN
from bcl_core.recipe import Execution, Recipe, apply_settings, preset
from bcl_core.training import Epoch, Started, train
from benchmarks import MADE_WITH, geometry_study
from benchmarks.figures import save

if TYPE_CHECKING:
    from matplotlib.figure import Figure

JSON_FILE, FIGURE_FILE = Path("docs/prediction.json"), Path("docs/prediction.png")
K = 10
PAIRS = np.triu_indices(K, 1)
GROUPS = {
    "head–head": (range(3), range(3)),
    "head–tail": (range(3), range(7, K)),
    "tail–tail": (range(7, K), range(7, K)),
}
LOSSES: Mapping[str, Mapping[str, object]] = {
    name + suffix: {"loss.name": name, "loss.anchors": anchors}
    for name in ("scl", "class-averaging", "class-complement", "bcl")
    for suffix, anchors in (("", "instance"), ("-class", "class"))
    if name not in ("scl", "class-complement") or not suffix
}
MAIN = ("scl", "bcl", "bcl-class")
EPOCHS = {16: 240, 64: 240, 128: 600, 360: 1200}  # by batch size; 360 are all
FIVE, TWO = range(5), range(2)


class Cell(NamedTuple):
    """What is trained: a loss on counts, at a temperature, in batches of a size, from a seed."""

    counts: str  # "exp" or "step"
    loss: str
    temperature: float
    batch_size: int
    seed: int
    epochs: int | None = None  # None: as many as `EPOCHS` has


def cells() -> list[Cell]:
    """Return every cell, the most important ones first."""
    found = [Cell(counts, loss, 0.3, 64, seed) for counts in ("exp", "step") for seed in FIVE for loss in LOSSES]
    found += [Cell("exp", loss, temperature, 64, seed) for seed in TWO for temperature in (0.1, 1.0) for loss in MAIN]
    found += [Cell("exp", loss, 0.3, size, seed) for seed in TWO for size in EPOCHS for loss in ("scl", "bcl")]
    found += [Cell("step", loss, 0.3, 64, 0, epochs=960) for loss in ("scl", "bcl")]
    return list(dict.fromkeys(found))


def cell_recipe(cell: Cell) -> Recipe:
    """Return the digits recipe of a cell."""
    settings = {
        **LOSSES[cell.loss],
        "data.imbalance_kind": cell.counts,
        "loss.temperature": cell.temperature,
        "batch_size": cell.batch_size,
        "epochs": cell.epochs or EPOCHS[cell.batch_size],
        "seed": cell.seed,
    }
    return apply_settings(preset("digits-bcl"), Execution(), settings)[0]


def main() -> None:
    """Read the command line and train what is not written yet."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--jobs", type=int, default=1, help="processes, one torch thread each; 0: train nothing")
    if jobs := parser.parse_args().jobs:
        run_all(jobs)
    runs = json.loads(JSON_FILE.read_text())["runs"]
    save(lambda: draw(runs), FIGURE_FILE)
    print(as_table(runs))


def run_all(jobs: int) -> None:
    """Train what is missing; the file is written anew after each run. Delete lines of it to have them made again."""
    written = json.loads(JSON_FILE.read_text())["runs"] if JSON_FILE.exists() else []
    runs = {Cell(*run["cell"]): run for run in written}
    missing = [cell for cell in cells() if cell not in runs]
    # Spawned, since torch's thread pools do not survive a fork.
    with ProcessPoolExecutor(
        jobs, mp_context=multiprocessing.get_context("spawn"), initializer=os.nice, initargs=(19,)
    ) as pool:
        for cell, run in zip(missing, pool.map(run_once, missing), strict=True):
            runs[cell] = run
            JSON_FILE.write_text(as_text(runs.values()))
            print(f"{cell}: {run['seconds']:.0f} s", flush=True)


def run_once(cell: Cell) -> dict[str, Any]:
    """Train one cell; return the angles of its last epoch, pair by pair, and what it was made with."""
    start, started, last = time.perf_counter(), None, None
    for event in train(cell_recipe(cell), Execution(device="cpu", threads=1)):
        if isinstance(event, Started):
            started = event
        elif isinstance(event, Epoch):
            last = event
    assert started is not None and last is not None
    samples = started.samples
    mine = samples.split == TRAIN
    features = last.embeddings["projection"][mine].astype(np.float64)
    means = class_means(features, samples.labels[mine], len(samples.class_counts))
    return {
        "cell": cell,
        "train": angles(means),
        "test": angles(last.view["class_means"]),
        "prototypes": angles(last.view["prototypes"]),
        "seconds": round(time.perf_counter() - start, 1),
        "made_with": {name: started.provenance[name] for name in MADE_WITH},
    }


def angles(vectors: NDArray[Any]) -> list[float]:
    """Return the angles of all pairs of rows (K, d), row by row of the upper triangle, in degrees."""
    return [round(float(angle), 2) for angle in pairwise_angles(vectors)[np.triu_indices(len(vectors), 1)]]


class Compared(NamedTuple):
    """The seeds of one cell beside what is predicted: pairs are those of `PAIRS`, angles in degrees."""

    cell: Cell  # of the first seed
    predicted: NDArray[np.float64]  # (P,)
    predicted_prototypes: NDArray[np.float64] | None  # (P,)
    train: NDArray[np.float64]  # (n, P)
    test: NDArray[np.float64]  # (n, P)
    prototypes: NDArray[np.float64]  # (n, P)

    def distances(self, measured: NDArray[np.float64]) -> NDArray[np.float64]:
        """RMS over the pairs between each seed's angles and the predicted ones, (n,)."""
        return np.sqrt(((measured - self.predicted) ** 2).mean(axis=1))


def compared(runs: Iterable[Mapping[str, Any]]) -> list[Compared]:
    """Return every cell whose runs are there, seeds together."""
    found = []
    for _, mine in groupby(in_order(runs), key=lambda run: Cell(*run["cell"])._replace(seed=0)):
        seeds = list(mine)
        cell = Cell(*seeds[0]["cell"])
        measured = (np.array([run[name] for run in seeds]) for name in ("train", "test", "prototypes"))
        found.append(Compared(cell, *predicted(cell._replace(seed=0)), *measured))
    return found


@cache
def predicted(cell: Cell) -> tuple[NDArray[np.float64], NDArray[np.float64] | None]:
    """Return the angles that a cell's contrastive loss alone leaves between means, and between prototypes."""
    recipe = cell_recipe(cell)
    data = recipe.data
    assert data.max_per_class is not None
    counts = long_tail_counts(K, data.max_per_class, imbalance_factor=data.imbalance_factor, kind=data.imbalance_kind)
    found = geometry_study.predicted(recipe, counts)
    prototypes = None if found.prototypes is None else pairwise_angles(found.prototypes)[PAIRS]
    return pairwise_angles(found.means)[PAIRS], prototypes


def among(angles: NDArray[np.float64], group: str) -> NDArray[np.float64]:
    """Mean of angles (…, P) over the pairs of two groups."""
    first, second = GROUPS[group]
    inside = np.isin(PAIRS[0], first) & np.isin(PAIRS[1], second)
    return np.asarray(angles[..., inside].mean(axis=-1))


def as_table(runs: Iterable[Mapping[str, Any]]) -> str:
    """Return a row a cell, in Markdown: predicted and measured angles, and how far apart they are over all pairs."""
    groups = [f"{group}{what}" for group in GROUPS for what in ("", ", predicted")]
    columns = [
        "counts",
        "loss",
        "τ",
        "B",
        "epochs",
        "n",
        *groups,
        "prototypes tail–tail",
        "predicted",
        "RMS",
        "RMS, test images",
    ]
    lines = [columns, ["---"] * len(columns)]
    for one in compared(runs):
        cell = one.cell
        row = [cell.counts, cell_recipe(cell).title, f"{cell.temperature:g}", str(cell.batch_size)]
        row += [str(cell_recipe(cell).epochs), str(len(one.train))]
        for group in GROUPS:
            row += [with_deviation(among(one.train, group)), f"{among(one.predicted, group):.1f}"]
        has = one.predicted_prototypes is not None
        row.append(with_deviation(among(one.prototypes, "tail–tail")) if has else "")
        row.append(f"{among(one.predicted_prototypes, 'tail–tail'):.1f}" if has else "")
        row += [with_deviation(one.distances(one.train)), with_deviation(one.distances(one.test))]
        lines.append(row)
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def with_deviation(values: NDArray[np.float64]) -> str:
    """Return mean ± standard deviation over the seeds."""
    return f"{values.mean():.1f} ± {values.std(ddof=1):.1f}" if len(values) > 1 else f"{values.mean():.1f}"


def draw(runs: Iterable[Mapping[str, Any]]) -> "Figure":
    """Draw each pair's measured angle, the mean over seeds, over the predicted one, with the line of equals."""
    import matplotlib.pyplot as plt  # here, so that the processes that train do without it

    titles = {
        "exponential counts, τ 0.3, B 64": lambda cell: (
            (cell.counts, cell.temperature, cell.batch_size) == ("exp", 0.3, 64)
        ),
        "one step, τ 0.3, B 64": lambda cell: cell.counts == "step",
        "τ 0.1 and 1, B 64": lambda cell: cell.temperature != 0.3,
        "τ 0.3, B 16 to all": lambda cell: cell.batch_size != 64,
    }
    figure, axes = plt.subplots(1, len(titles), figsize=(12, 4), sharex=True, sharey=True, layout="constrained")
    ends = (0, 150)
    for panel, (title, belongs) in zip(axes, titles.items(), strict=True):
        panel.plot(ends, ends, color=NEUTRAL, linewidth=1)
        for one in compared(runs):
            if belongs(one.cell):
                recipe = cell_recipe(one.cell)
                colour = loss_style(recipe.variant).colour
                panel.scatter(
                    one.predicted,
                    one.train.mean(axis=0),
                    s=11,
                    marker="s" if one.cell.loss.endswith("-class") else "o",
                    facecolors="none" if one.cell.loss.endswith("-class") else colour,
                    edgecolors=colour,
                    alpha=0.6,
                    label=recipe.title,
                    linewidths=0.7,
                )
        panel.set(title=title, xlabel="predicted, degrees", xlim=ends, ylim=ends, aspect="equal")
        panel.grid(color=NEUTRAL, alpha=0.25, linewidth=0.6)
    axes[0].set_ylabel("trained, degrees")
    handles, labels = axes[0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside upper center", ncols=3, frameon=False, markerscale=2)
    return figure


def in_order(runs: Iterable[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """Sort runs as a table has them: by what is trained, then by seed."""
    kinds = list(dict.fromkeys(cell._replace(seed=0) for cell in cells()))

    def place(run: Mapping[str, Any]) -> tuple[int, int]:
        cell = Cell(*run["cell"])
        return kinds.index(cell._replace(seed=0)), cell.seed

    return sorted(runs, key=place)


def as_text(runs: Iterable[Mapping[str, Any]]) -> str:
    """JSON with a line for each run."""
    lines = ",\n".join(json.dumps(run, separators=(",", ":")) for run in in_order(runs))
    return f'{{"runs": [\n{lines}\n]}}\n'


if __name__ == "__main__":
    main()
