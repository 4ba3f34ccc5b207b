"""Measure what training a race side by side is worth: the digits race in one hand, its runs in turn, and in several.

    python -m benchmarks.hands
    python -m benchmarks.hands --epochs 60 --repeats 3

Both in one run of this program, in turn, each with a warm worker. Nothing else should be running.
"""

import argparse
import os
import platform
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from bcl_core.lab import Lab
from bcl_core.recipe import RACES, Execution, apply_settings, preset
from benchmarks.kills import differences, ended, queue, wait_for
from harness.processes import hands

LONG = 3600.0  # seconds
WAYS = {"one hand": {"LOKY_MAX_CPU_COUNT": "1"}, "hands": {}}  # a worker that has one core makes one hand


def main() -> None:
    """Print a line for each race, and the ratio."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--race", choices=RACES, default="digits")
    parser.add_argument("--epochs", type=int, default=60)
    parser.add_argument("--repeats", type=int, default=2)
    parser.add_argument("--set", action="append", default=[], metavar="KEY=VALUE")
    arguments = parser.parse_args()
    settings = dict(text.split("=", 1) for text in arguments.set)
    print(f"{platform.processor() or platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}")
    took: dict[str, list[float]] = {way: [] for way in WAYS}
    runs: list[list[str]] = []
    with tempfile.TemporaryDirectory() as folder:
        lab = Lab(Path(folder))
        for way in [*WAYS] * arguments.repeats:
            seconds, ids, memory = race(lab, way, arguments.race, {"epochs": arguments.epochs, **settings})
            took[way].append(seconds)
            runs.append(ids)
            print(f"{way:10} {seconds:6.1f} s, {memory:5.0f} MB of memory of their own", flush=True)
        faults = {
            fault for ids in runs[1:] for pair in zip(runs[0], ids, strict=True) for fault in differences(lab, *pair)
        }
    print("; ".join(sorted(faults)) or "every number is the same")
    print(f"hands take {min(took['hands']) / min(took['one hand']):.2f} of the time")


def race(lab: Lab, way: str, name: str, settings: dict[str, object]) -> tuple[float, list[str], float]:
    """Train a race; return its seconds, its runs, and the most megabytes that its hands had to themselves."""
    applied = [apply_settings(preset(loss), Execution(), settings) for loss in RACES[name].presets]
    command = [sys.executable, "-m", "bcl_core", "--home", str(lab.home), "worker"]
    worker = subprocess.Popen(command, env={**os.environ, **WAYS[way]}, stderr=subprocess.DEVNULL)
    try:
        warm = queue(lab, [recipe.model_copy(update={"epochs": 1}) for recipe, _ in applied], applied[0][1])
        wait_for(lambda: ended(lab, warm), LONG)
        start, most = time.perf_counter(), 0.0
        ids = queue(lab, [recipe for recipe, _ in applied], applied[0][1])
        while not ended(lab, ids):
            time.sleep(0.25)
            most = max(most, sum(map(own_megabytes, hands(worker.pid))))
        return time.perf_counter() - start, ids, most
    finally:
        worker.terminate()
        worker.wait()


def own_megabytes(pid: int) -> float:
    """Return the memory that a process shares with no other (Linux)."""
    try:
        lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    except OSError:
        return 0.0
    return sum(int(line.split()[1]) for line in lines if line.startswith("Private_")) / 1000


if __name__ == "__main__":
    main()
