"""What each part of BCL does on the long-tailed digits: the switches, the anchors, the temperature and the imbalance.

    python -m benchmarks.ablations --jobs 2      # 175 runs of 60 epochs, 10 to 18 s each on a quiet core, and 15 of 240
    python -m benchmarks.ablations --seeds       # the tables alone

One factor at a time is changed from the digits presets (τ 0.3, imbalance factor 50), but for the switches and the
anchors, which are crossed, and step imbalance, which is trained longer, too. Beside the square stand its neighbours:
other prototypes, and other losses at the same τ. Results are pretrained/ablations.json, a
line a run; `benchmarks.reproduction` makes tables and figures of them. Angles are in degrees, between uncentred class
means of the test images in projection space (of cross-entropy: in backbone space). Accuracy is in per cent; the tail is
the three rarest classes.
"""

import argparse
import json
import multiprocessing
import time
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np

from bcl_core.geometry import head_and_tail
from bcl_core.recipe import Execution, Recipe, apply_settings, preset
from bcl_core.training import Epoch, Started, train
from benchmarks import MADE_WITH

JSON_FILE = Path("pretrained/ablations.json")
SEEDS = (0, 1, 2, 3, 4)
MAIN = ("scl", "bcl", "bcl-class")
LOSSES: Mapping[str, Mapping[str, object]] = {
    "ce": {"loss.name": "ce", "loss.prior_strength": 0},
    "ce-la": {"loss.name": "ce"},
    "scl": {"loss.name": "scl"},
    "scl-class": {"loss.name": "scl", "loss.anchors": "class"},
    "class-averaging": {"loss.name": "class-averaging"},
    "class-averaging-class": {"loss.name": "class-averaging", "loss.anchors": "class"},
    "class-complement": {"loss.name": "class-complement"},
    "class-complement-class": {"loss.name": "class-complement", "loss.anchors": "class"},
    "bcl": {"loss.name": "bcl"},
    "bcl-class": {"loss.name": "bcl", "loss.anchors": "class"},
}
NEIGHBOURS: Mapping[str, Mapping[str, object]] = {
    "class-complement-simplex": {"loss.name": "class-complement", "loss.prototypes": "simplex"},
    "class-complement-means": {"loss.name": "class-complement", "loss.prototypes": "means"},
    "bcl-simplex": {"loss.name": "bcl", "loss.prototypes": "simplex"},
    "bcl-means": {"loss.name": "bcl", "loss.prototypes": "means"},
    "proco": {"loss.name": "proco"},
    "ntce": {"loss.name": "ntce"},
    "nonl": {"loss.name": "nonl"},
}
FACTORS: Mapping[str, tuple[object, ...]] = {
    "loss.temperature": (0.1, 1),
    "data.imbalance_factor": (1, 10, 100),
    "data.imbalance_kind": ("step",),
}
LONGER = 240  # epochs, of step imbalance: after 60 its tails still move
PAIRED = ("tail_tail", "rms_deviation")
KEPT = {
    "tail_tail": "angle_tail_tail",
    "head_head": "angle_head_head",
    "rms_deviation": "angle_rms_deviation",
    "std": "angle_std",
    "within_class": "within_class_angle",
}


def main() -> None:
    """Read the command line, train, print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, nargs="*", default=SEEDS)
    parser.add_argument("--jobs", type=int, default=1, help="processes, one torch thread each")
    arguments = parser.parse_args()
    run_all([(cell, seed) for seed in arguments.seeds for cell in cells()], arguments.jobs)
    print_table(json.loads(JSON_FILE.read_text())["runs"])


def cells() -> dict[str, Mapping[str, object]]:
    """Return the settings of each cell by its name, "scl" for the base, "scl, temperature 0.1" beside it."""
    changed = {
        f"{loss}, {factor.partition('.')[2].replace('_', ' ')} {value}": {**LOSSES[loss], factor: value}
        for factor, values in FACTORS.items()
        for value in values
        for loss in MAIN
    }
    longer = {
        f"{cell}, {LONGER} epochs": {**settings, "epochs": LONGER}
        for cell, settings in changed.items()
        if "data.imbalance_kind" in settings
    }
    return {**LOSSES, **NEIGHBOURS, **changed, **longer}


def cell_recipe(cell: str, seed: int) -> Recipe:
    """Return the recipe of a cell; balanced runs have as many training images as the long tail, 36 of every class."""
    settings = dict(cells()[cell])
    if settings.get("data.imbalance_factor") == 1:
        settings["data.max_per_class"] = 36
    return apply_settings(preset("digits-bcl"), Execution(), {**settings, "seed": seed})[0]


def run_all(planned: list[tuple[str, int]], jobs: int) -> None:
    """Train what is not written yet; the file is written anew after each run, so that one cut short keeps what it has.

    Delete lines of the file to have them made again.
    """
    written = json.loads(JSON_FILE.read_text())["runs"] if JSON_FILE.exists() else []
    runs = {(run["cell"], run["seed"]): run for run in written}
    missing = [one for one in planned if one not in runs]
    # Spawned, since torch's thread pools do not survive a fork.
    with ProcessPoolExecutor(jobs, mp_context=multiprocessing.get_context("spawn")) as pool:
        for run in pool.map(run_once, *zip(*missing, strict=True)) if missing else ():
            runs[run["cell"], run["seed"]] = run
            JSON_FILE.write_text(as_text(runs.values()))
            print(f"{run['cell']:36} seed {run['seed']}  {run['seconds']:5.1f} s  {run['last']}", flush=True)


def run_once(cell: str, seed: int) -> dict[str, Any]:
    """Train one cell; return its last epoch, its best one, and what it was made with."""
    recipe = cell_recipe(cell, seed)
    start, made_with, counts, rows = time.perf_counter(), {}, np.empty(0), []
    for event in train(recipe, Execution(device="cpu", threads=1)):
        if isinstance(event, Started):
            made_with, counts = dict(event.provenance), event.samples.class_counts
        elif isinstance(event, Epoch):
            rows.append(event.metrics)
    summaries = [summary(row, counts) for row in rows]
    best = max(range(len(rows)), key=lambda epoch: summaries[epoch]["accuracy"])
    return {
        "cell": cell,
        "seed": seed,
        "variant": recipe.variant,
        "space": recipe.space,
        "temperature": recipe.loss.temperature,
        "imbalance_factor": recipe.data.imbalance_factor,
        "seconds": round(time.perf_counter() - start, 1),
        "made_with": {name: made_with[name] for name in MADE_WITH},
        "last": summaries[-1],
        "best": {"epoch": best, **summaries[best]},
    }


def summary(metrics: Mapping[str, Any], class_counts: np.ndarray) -> dict[str, float]:
    """One epoch in a few numbers."""
    _, tail = head_and_tail(class_counts)
    accuracies = np.array(metrics["accuracy_per_class"])
    return {
        **{name: round(metrics[key], 2) for name, key in KEPT.items()},
        "accuracy": round(100 * metrics["accuracy"], 2),
        "accuracy_tail": round(100 * float(accuracies[tail].mean()), 2),
    }


def as_text(runs: Iterable[Mapping[str, Any]]) -> str:
    """JSON with a line for each run, in the order of the cells, after what pairs of them differ by."""
    order = list(cells())
    ordered = sorted(runs, key=lambda run: (order.index(run["cell"]), run["seed"]))
    lines = ",\n".join(json.dumps(run, separators=(",", ":")) for run in ordered)
    return f'{{"bcl_less_scl": {json.dumps(differences(ordered, "bcl", "scl"))},\n"runs": [\n{lines}\n]}}\n'


def differences(runs: Sequence[Mapping[str, Any]], one: str, other: str) -> dict[str, dict[str, float]]:
    """Return by how much a cell exceeds another, same seed against same seed, and p of the paired t-test, two-sided."""
    from scipy.stats import ttest_rel  # here, so that the processes that train do without it

    last = {cell: {run["seed"]: run["last"] for run in runs if run["cell"] == cell} for cell in (one, other)}
    seeds = sorted(last[one].keys() & last[other].keys())
    found = {}
    for name in PAIRED if len(seeds) > 1 else ():
        more, less = (np.array([last[cell][seed][name] for seed in seeds]) for cell in (one, other))
        spread = float((more - less).std(ddof=1))
        found[name] = {
            "mean": round(float((more - less).mean()), 2),
            "std": round(spread, 2),
            "p": round(float(ttest_rel(more, less).pvalue), 4),
        }
    return found


def print_table(runs: list[Mapping[str, Any]]) -> None:
    """Print mean ± standard deviation over the seeds at the last epoch, a line a cell."""
    for cell in dict.fromkeys(run["cell"] for run in runs):
        mine = [run["last"] for run in runs if run["cell"] == cell]
        columns = {name: np.array([last[name] for last in mine]) for name in mine[0]}
        cells_text = "  ".join(f"{name} {of.mean():.1f} ± {of.std(ddof=1):.1f}" for name, of in columns.items())
        print(f"{cell:36} n={len(mine)}  {cells_text}")


if __name__ == "__main__":
    main()
