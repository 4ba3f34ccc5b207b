"""How well class means of trained networks agree with the angles that their loss predicts for batches of their size.

    python -m benchmarks.prediction                  # trains what docs/prediction.json lacks; hours on one core
    python -m benchmarks.prediction --jobs 2

Digits, 130 images in the largest class and 2 in the rarest, long enough for the angles to stand still: as many
optimiser steps as 240 epochs in batches of 64, and 5,280 in batches of 16. What is compared are the angles between
class means, uncentred, of the *training* images without augmentation, in projection space, in degrees; those of the
test images stand beside them. Cross-entropy acts beside the contrastive loss, as in every preset.
"""

import argparse
import json
import multiprocessing
import os
import time
from collections.abc import Iterable, Mapping
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from bcl_core.geometry import class_means, pairwise_angles
from bcl_core.measuring import TRAIN
from bcl_core.recipe import Execution, Recipe, apply_settings, preset
from bcl_core.training import Epoch, Started, train
from benchmarks import MADE_WITH

JSON_FILE = Path("docs/prediction.json")
LOSSES: Mapping[str, Mapping[str, object]] = {
    name + suffix: {"loss.name": name, "loss.anchors": anchors}
    for name in ("scl", "class-averaging", "class-complement", "bcl")
    for suffix, anchors in (("", "instance"), ("-class", "class"))
    if name not in ("scl", "class-complement") or not suffix
}
MAIN = ("scl", "bcl", "bcl-class")
EPOCHS = {16: 240, 32: 240, 64: 240, 128: 600, 256: 1200, 360: 1200}  # 360 are all
FIVE, TWO = range(5), range(2)


class Cell(NamedTuple):
    """What is trained: a loss on counts, at a temperature, in batches of a size, from a seed."""

    counts: str  # "exp" or "step"
    loss: str
    temperature: float
    batch_size: int
    seed: int


def cells() -> list[Cell]:
    """Return every cell, the most important ones first."""
    found = [Cell(counts, loss, 0.3, 64, seed) for counts in ("exp", "step") for seed in FIVE for loss in LOSSES]
    found += [Cell("exp", loss, temperature, 64, seed) for seed in TWO for temperature in (0.1, 1.0) for loss in MAIN]
    found += [Cell("exp", loss, 0.3, size, seed) for seed in TWO for size in EPOCHS for loss in ("scl", "bcl")]
    return list(dict.fromkeys(found))


def cell_recipe(cell: Cell) -> Recipe:
    """Return the digits recipe of a cell."""
    settings = {
        **LOSSES[cell.loss],
        "data.imbalance_kind": cell.counts,
        "loss.temperature": cell.temperature,
        "batch_size": cell.batch_size,
        "epochs": EPOCHS[cell.batch_size],
        "seed": cell.seed,
    }
    return apply_settings(preset("digits-bcl"), Execution(), settings)[0]


def main() -> None:
    """Read the command line and train what is not written yet."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--jobs", type=int, default=1, help="processes, one torch thread each")
    run_all(parser.parse_args().jobs)


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


def as_text(runs: Iterable[Mapping[str, Any]]) -> str:
    """JSON with a line for each run, in the order of the cells."""
    place = {cell: index for index, cell in enumerate(cells())}
    ordered = sorted(runs, key=lambda run: place[Cell(*run["cell"])])
    lines = ",\n".join(json.dumps(run, separators=(",", ":")) for run in ordered)
    return f'{{"runs": [\n{lines}\n]}}\n'


if __name__ == "__main__":
    main()
