"""Train every preset of a race over several seeds and print what the figures in README and presets were taken from.

    python -m benchmarks.race digits --seeds 0 1 2 --write pretrained/digits.json
    python -m benchmarks.race cifar10-small --seeds 0 1 2 --set data.path=FOLDER

One process, one run after the other; the seconds are those of training with its measurements, without the store.
"""

import argparse
import json
import time
from pathlib import Path

import numpy as np

from bcl_core.recipe import PRESETS, RACES, Execution, apply_settings
from bcl_core.training import Epoch, Started, train

SHOWN = ("angle_mean", "angle_std", "angle_tail_tail", "angle_head_head", "angle_rms_deviation", "accuracy")
CURVES = ("angle_tail_tail", "angle_head_head", "angle_rms_deviation", "accuracy")


def main() -> None:
    """Read the command line, train, print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("race", choices=RACES)
    parser.add_argument("--losses", nargs="+", metavar="LOSS", help="train these, ce-la for example, not the race's")
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    parser.add_argument("--set", action="append", default=[], metavar="KEY=VALUE")
    parser.add_argument("--write", type=Path, help="also write the curves of every run, as JSON")
    arguments = parser.parse_args()
    settings = dict(text.split("=", 1) for text in arguments.set)
    names = [f"{arguments.race}-{loss}" for loss in arguments.losses or []] or RACES[arguments.race].presets
    runs = [run_once(name, {**settings, "seed": seed}) for seed in arguments.seeds for name in names]
    summarise(runs)
    if arguments.write:
        document = {"race": arguments.race, "title": RACES[arguments.race].title, "runs": runs}
        arguments.write.write_text(json.dumps(document, indent=1) + "\n")


def run_once(name: str, settings: dict[str, object]) -> dict[str, object]:
    """Train one preset; return its curves and what it was made with."""
    recipe, execution = apply_settings(PRESETS[name].recipe, Execution(), settings)
    start, rows, made_with, class_counts = time.perf_counter(), [], {}, []
    for event in train(recipe, execution):
        if isinstance(event, Started):
            made_with, class_counts = dict(event.provenance), event.samples.class_counts.tolist()
        elif isinstance(event, Epoch):
            rows.append(event.metrics)
    seconds = time.perf_counter() - start
    last = "  ".join(f"{key} {rows[-1][key]:.3f}" for key in SHOWN)
    print(f"{name:24} seed {recipe.seed}  {seconds:5.1f} s  {last}", flush=True)
    return {
        "preset": name,
        "loss": recipe.variant,
        "title": recipe.title,
        "seed": recipe.seed,
        "seconds": round(seconds, 1),
        "class_counts": class_counts,
        "made_with": made_with,
        **{key: [round(row[key], 4) for row in rows] for key in {*SHOWN, *CURVES}},
    }


def summarise(runs: list[dict]) -> None:
    """Print mean ± standard deviation over the seeds, a line a preset."""
    print()
    for name in dict.fromkeys(run["preset"] for run in runs):
        mine = [run for run in runs if run["preset"] == name]
        cells = []
        for key in SHOWN:
            last = np.array([run[key][-1] for run in mine])
            cells.append(f"{key} {last.mean():.3f} ± {last.std(ddof=1) if len(last) > 1 else 0:.3f}")
        print(f"{name:24} n={len(mine)}  " + "  ".join(cells))
    print(f"\nall runs together: {sum(run['seconds'] for run in runs):.0f} s")


if __name__ == "__main__":
    main()
