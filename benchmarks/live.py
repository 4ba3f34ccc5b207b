"""The race of photographs over seeds, from the warm encoder and from drawn weights: what each loss makes of it.

    python -m benchmarks.live                      # 30 runs of 12 epochs, half a minute each on a quiet core
    python -m benchmarks.live --set data.path=FOLDER --seeds 0 1 2 3 4
    python -m benchmarks.live --seeds              # the tables alone

Results are docs/live.json, a line a run, written anew after each; delete lines to have them made again. One process,
one torch thread, one run after the other: the seconds are those of training with its measurements, without the store.
Angles are in degrees, between uncentred class means of the test images in projection space. Accuracy is in per cent.
"""

import argparse
import json
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from bcl_core.lab import Lab
from bcl_core.lab.checkpoints import read_start
from bcl_core.recipe import RANDOM, Execution, apply_settings, preset
from bcl_core.training import Epoch, Started, train
from benchmarks import MADE_WITH

JSON_FILE = Path("docs/live.json")
SEEDS = (0, 1, 2, 3, 4)
CONTRASTIVE = ("scl", "bcl", "bcl-class")
TITLES = {"scl": "SCL", "bcl": "BCL", "bcl-class": "BCL, class anchors"}
PLANNED = [(start, loss) for start in ("warm", "cold") for loss in CONTRASTIVE]
KEPT = {
    "tail_tail": "angle_tail_tail",
    "rms_deviation": "angle_rms_deviation",
    "mean": "angle_mean",
    "head_head": "angle_head_head",
    "accuracy": "accuracy",
}
TABLE = ("rms_deviation", "tail_tail", "mean", "accuracy")


def main() -> None:
    """Read the command line, train, print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, nargs="*", default=SEEDS)
    parser.add_argument("--set", action="append", default=[], metavar="KEY=VALUE", help="where the data lie, say")
    arguments = parser.parse_args()
    settings = dict(text.split("=", 1) for text in arguments.set)
    runs = json.loads(JSON_FILE.read_text())["runs"] if JSON_FILE.exists() else []
    known = {(run["start"], run["loss"], run["seed"]) for run in runs}
    for start, loss in PLANNED:
        for seed in arguments.seeds:
            if (start, loss, seed) not in known:
                runs.append(trained(start, loss, seed, settings))
                runs.sort(key=lambda run: (PLANNED.index((run["start"], run["loss"])), run["seed"]))
                lines = ",\n".join(json.dumps(run) for run in runs)
                JSON_FILE.write_text(f'{{"runs": [\n{lines}\n]}}\n')
    print_table(runs)


def trained(start: str, loss: str, seed: int, settings: Mapping[str, Any]) -> dict[str, Any]:
    """Train one run of the race; return its last epoch, its course and how long it took."""
    own = {"device": "cpu", "threads": 1, "seed": seed, **({"model.start": RANDOM} if start == "cold" else {})}
    recipe, execution = apply_settings(preset(f"cifar10-live-{loss}"), Execution(), {**own, **settings})
    with tempfile.TemporaryDirectory() as home:
        warm = read_start(Lab(Path(home)), recipe)
    epochs, made_with = [], {}
    begin = time.perf_counter()
    for event in train(recipe, execution, start=warm.weights if warm else None):
        if isinstance(event, Started):
            begin, made_with = time.perf_counter(), dict(event.provenance)
        elif isinstance(event, Epoch):
            epochs.append(_figures(event.metrics))
    seconds = round(time.perf_counter() - begin, 1)
    print(f"{start} {loss:10} seed {seed}  {seconds:5.1f} s  {epochs[-1]}", flush=True)
    return {
        "start": start,
        "loss": loss,
        "seed": seed,
        "seconds": seconds,
        "last": epochs[-1],
        "tail_tail_by_epoch": [epoch["tail_tail"] for epoch in epochs],
        "made_with": {name: made_with[name] for name in (*MADE_WITH, "precision")},
        "encoder": warm.digest if warm else None,
    }


def _figures(metrics: Mapping[str, Any]) -> dict[str, float]:
    figures = {name: float(metrics[key]) for name, key in KEPT.items()}
    return {name: round(100 * value if name == "accuracy" else value, 2) for name, value in figures.items()}


def in_order(runs: list[dict[str, Any]], start: str) -> dict[str, list[bool]]:
    """Say, for each seed, whether SCL < BCL ≤ class anchors: in the tail's width, and in nearness to the simplex."""
    last = {(run["loss"], run["seed"]): run["last"] for run in runs if run["start"] == start}
    seeds = sorted(seed for loss, seed in last if loss == "bcl" and all((other, seed) in last for other in CONTRASTIVE))
    wider, nearer = [], []
    for seed in seeds:
        scl, bcl, by_class = (last[loss, seed] for loss in CONTRASTIVE)
        wider.append(scl["tail_tail"] < bcl["tail_tail"] <= by_class["tail_tail"])
        nearer.append(scl["rms_deviation"] > bcl["rms_deviation"] >= by_class["rms_deviation"])
    return {"tail_tail": wider, "rms_deviation": nearer}


def print_table(runs: list[dict[str, Any]]) -> None:
    """Print mean ± standard deviation over the seeds as Markdown, and in how many seeds the order is as said."""
    print("\n| start | loss | RMS deviation from the regular simplex | tail–tail | mean angle | test accuracy |")
    print("|---|---|---|---|---|---|")
    for start, loss in PLANNED:
        last = [run["last"] for run in runs if (run["start"], run["loss"]) == (start, loss)]
        if len(last) > 1:
            columns = [[figures[name] for figures in last] for name in TABLE]
            cells = [f"{np.mean(column):.1f} ± {np.std(column, ddof=1):.1f}" for column in columns]
            print(f"| {start} | {TITLES[loss]} | {' | '.join(cells)} % |")
    for start in ("warm", "cold"):
        for name, held in in_order(runs, start).items():
            print(f"{start}: SCL < BCL ≤ class anchors in {name}: {sum(held)} of {len(held)} seeds")
    print(f"a run: {np.median([run['seconds'] for run in runs]):.0f} s")


if __name__ == "__main__":
    main()
