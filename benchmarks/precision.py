"""What half precision costs and gains: the same run in fp32 and in bf16, an epoch each in turn, over seeds.

    python -m benchmarks.precision --path FOLDER [--seeds 0 … 7] [--losses bcl scl bcl-class]

CIFAR-10-LT at its 32×32 pixels, 1,394 images, imbalance 50, ResNet-8, crop and flip, τ 0.5, μ 1, 14 epochs from random
weights, on one thread. FOLDER holds the images as Parquet files. Results are docs/precision.json, a line a run: metrics
of the last epoch, and the seconds of all its steps. "Within the spread": the means over the seeds differ by no more
than the standard deviation of fp32.
"""

import argparse
import json
import statistics
import time
from itertools import product
from pathlib import Path

from bcl_core.metrics import short
from bcl_core.recipe import DataRecipe, Execution, LossRecipe, Recipe, apply_settings
from bcl_core.training import Epoch, Step, train
from benchmarks import MADE_WITH

JSON_FILE = Path("docs/precision.json")
COMPARED = ("accuracy", "angle_mean", "angle_tail_tail", "angle_rms_deviation", "nc1")
LOSSES = {"scl": {"name": "scl"}, "bcl": {"name": "bcl"}, "bcl-class": {"name": "bcl", "anchors": "class"}}
PRECISIONS = ("fp32", "bf16")


def main() -> None:
    """Read the command line, train, write, print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--path", required=True)
    parser.add_argument("--seeds", type=int, nargs="+", default=[*range(8)])
    parser.add_argument("--losses", nargs="+", choices=LOSSES, default=["bcl", "scl"])
    arguments = parser.parse_args()
    written = json.loads(JSON_FILE.read_text())["runs"] if JSON_FILE.exists() else []
    for loss, seed in product(arguments.losses, arguments.seeds):
        kept = [run for run in written if (run["loss"], run["seed"]) != (loss, seed)]
        written = sorted([*kept, *pair(loss, seed, arguments.path)], key=lambda run: (run["loss"], run["seed"]))
        lines = ",\n".join(json.dumps(run, separators=(",", ":")) for run in written)
        JSON_FILE.write_text(f'{{"runs": [\n{lines}\n]}}\n')
    summarise(written)


def pair(loss: str, seed: int, path: str) -> list[dict]:
    """Train one recipe in both precisions, an epoch each in turn, so that both have the same neighbours."""
    recipe = Recipe(
        data=DataRecipe(source="parquet", max_per_class=500, test_per_class=100, draw_seed=0),
        views="crop-flip",
        loss=LossRecipe(temperature=0.5, contrastive_weight=1.0, **LOSSES[loss]),
        epochs=14,
        seed=seed,
    )
    runs = []
    for precision in PRECISIONS:
        settings = {"data.path": path, "device": "cpu", "threads": 1, "precision": precision}
        events = train(*apply_settings(recipe, Execution(), settings))
        made_with = {key: value for key, value in next(events).provenance.items() if key in MADE_WITH}
        about = {"loss": loss, "seed": seed, "precision": precision, "made_with": made_with}
        runs.append((events, about | {"step_seconds": 0.0}))
    for _ in range(recipe.epochs + 1):
        for events, run in runs:
            start = time.perf_counter()
            for event in events:
                if isinstance(event, Step):
                    run["step_seconds"] += time.perf_counter() - start
                    start = time.perf_counter()
                if isinstance(event, Epoch):
                    run.update({name: event.metrics[name] for name in COMPARED})
                    break
    for _, run in runs:
        run["step_seconds"] = round(run["step_seconds"], 1)
        print(run, flush=True)
    return [run for _, run in runs]


def summarise(runs: list[dict]) -> None:
    """Print each metric in both precisions, mean ± standard deviation over the seeds, and how much faster bf16 is."""
    for loss in dict.fromkeys(run["loss"] for run in runs):
        mine = {p: [run for run in runs if (run["loss"], run["precision"]) == (loss, p)] for p in PRECISIONS}
        print(f"\n{loss}")
        for name in COMPARED:
            fp32, bf16 = ([run[name] for run in mine[p]] for p in PRECISIONS)
            spread = statistics.stdev(fp32)
            difference = statistics.mean(bf16) - statistics.mean(fp32)
            within = "within" if abs(difference) <= spread else "BEYOND"
            cells = "  ".join(
                f"{p} {statistics.mean(values):.3f} ± {statistics.stdev(values):.3f}"
                for p, values in zip(PRECISIONS, (fp32, bf16), strict=True)
            )
            print(f"  {short(name):24} {cells}  difference {difference:+.3f}, {within} the spread")
        gains = [a["step_seconds"] / b["step_seconds"] for a, b in zip(*mine.values(), strict=True)]
        print(f"  bf16 is {statistics.median(gains):.2f} times as fast ({min(gains):.2f} to {max(gains):.2f})")


if __name__ == "__main__":
    main()
