"""Train every preset of a race over several seeds and print what the figures in README and presets were taken from.

    python -m benchmarks.race digits --seeds 0 1 2
    python -m benchmarks.race own-images --seeds 0 1 2 --set data.path=FOLDER

Races from drawn weights; `benchmarks.live` has the one from a warm encoder. One process, one run after the other; the
seconds are those of training with its measurements, without the store.
"""

import argparse
import time

import numpy as np

from bcl_core.metrics import short
from bcl_core.recipe import PRESETS, RACES, Execution, apply_settings
from bcl_core.training import Epoch, train

SHOWN = ("angle_mean", "angle_std", "angle_tail_tail", "angle_head_head", "angle_rms_deviation", "accuracy")


def main() -> None:
    """Read the command line, train, print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("race", choices=RACES)
    parser.add_argument("--losses", nargs="+", metavar="LOSS", help="train these, ce-la for example, not the race's")
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    parser.add_argument("--set", action="append", default=[], metavar="KEY=VALUE")
    arguments = parser.parse_args()
    settings = dict(text.split("=", 1) for text in arguments.set)
    names = [f"{arguments.race}-{loss}" for loss in arguments.losses or []] or RACES[arguments.race].presets
    runs = [run_once(name, {**settings, "seed": seed}) for seed in arguments.seeds for name in names]
    summarise(runs)


def run_once(name: str, settings: dict[str, object]) -> dict[str, float | str]:
    """Train one preset; return its last epoch's metrics and how long it took."""
    recipe, execution = apply_settings(PRESETS[name].recipe, Execution(), settings)
    start, last = time.perf_counter(), {}
    for event in train(recipe, execution):
        if isinstance(event, Epoch):
            last = event.metrics
    seconds = time.perf_counter() - start
    shown = {key: last[key] for key in SHOWN}
    figures = "  ".join(f"{short(key)} {value:.3f}" for key, value in shown.items())
    print(f"{name:24} seed {recipe.seed}  {seconds:5.1f} s  {figures}", flush=True)
    return {"preset": name, "seconds": seconds, **shown}


def summarise(runs: list[dict]) -> None:
    """Print mean ± standard deviation over the seeds, a line a preset."""
    print()
    for name in dict.fromkeys(run["preset"] for run in runs):
        mine = [run for run in runs if run["preset"] == name]
        cells = []
        for key in SHOWN:
            last = np.array([run[key] for run in mine])
            cells.append(f"{short(key)} {last.mean():.3f} ± {last.std(ddof=1) if len(last) > 1 else 0:.3f}")
        print(f"{name:24} n={len(mine)}  " + "  ".join(cells))
    print(f"\nall runs together: {sum(run['seconds'] for run in runs):.0f} s")


if __name__ == "__main__":
    main()
