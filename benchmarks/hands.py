"""Measure what training a race side by side is worth: the digits race in one hand, its runs in turn, and in several.

    python -m benchmarks.hands
    python -m benchmarks.hands --epochs 60 --repeats 3

Both in one run of this program, in turn, with warm workers. Nothing else should be running.
"""

import argparse
import os
import platform
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from bcl_core.lab import Lab
from bcl_core.recipe import RACES, Execution, Recipe, apply_settings, preset
from benchmarks.kills import differences, ended, queue
from harness.processes import hands

WAYS = {"one hand": {"LOKY_MAX_CPU_COUNT": "1"}, "hands": {}}  # a worker that has one core makes one hand


def main() -> None:
    """Print a line for each race, and the ratio."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--race", choices=RACES, default="digits")
    parser.add_argument("--epochs", type=int, default=60)
    parser.add_argument("--repeats", type=int, default=2)
    parser.add_argument("--set", action="append", default=[], metavar="KEY=VALUE")
    arguments = parser.parse_args()
    settings = {"epochs": arguments.epochs, **dict(text.split("=", 1) for text in arguments.set)}
    print(f"{platform.processor() or platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}")
    applied = [apply_settings(preset(loss), Execution(), settings) for loss in RACES[arguments.race].presets]
    recipes, execution = [recipe for recipe, _ in applied], applied[0][1]
    took: dict[str, list[float]] = {way: [] for way in WAYS}
    faults: set[str] = set()
    with TemporaryDirectory() as folder, ExitStack() as stack:
        labs = {way: Lab(Path(folder) / way) for way in WAYS}
        for way, lab in labs.items():
            stack.enter_context(worker(lab, WAYS[way]))
            race(lab, [recipe.model_copy(update={"epochs": 1}) for recipe in recipes], execution)  # it is warm then
        for _ in range(arguments.repeats):
            ids = {}
            for way, lab in labs.items():
                seconds, ids[way], memory = race(lab, recipes, execution)
                took[way].append(seconds)
                print(f"{way:10} {seconds:6.1f} s, {memory:5.0f} MB of memory of their own", flush=True)
            for one, other in zip(*ids.values(), strict=True):
                faults |= {*differences((labs["one hand"], one), (labs["hands"], other))}
    print("; ".join(sorted(faults)) or "every number is the same")
    print(f"hands take {min(took['hands']) / min(took['one hand']):.2f} of the time, least by least")


@contextmanager
def worker(lab: Lab, environment: Mapping[str, str]) -> Iterator[None]:
    """Have a worker for the time of the block."""
    command = [sys.executable, "-m", "bcl_core", "--home", str(lab.home), "worker"]
    process = subprocess.Popen(command, env={**os.environ, **environment}, stderr=subprocess.DEVNULL)
    try:
        yield
    finally:
        process.terminate()
        process.wait()


def race(lab: Lab, recipes: Sequence[Recipe], execution: Execution) -> tuple[float, list[str], float]:
    """Train a race; return its seconds, its runs, and the most megabytes that its hands had to themselves."""
    start, most = time.perf_counter(), 0.0
    ids = queue(lab, recipes, execution)
    while not ended(lab, ids):
        time.sleep(0.2)
        most = max(most, sum(map(own_megabytes, hands(lab.home))))
    return time.perf_counter() - start, ids, most


def own_megabytes(pid: int) -> float:
    """Return the memory that a process shares with no other (Linux)."""
    try:
        lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    except OSError:
        return 0.0
    return sum(int(line.split()[1]) for line in lines if line.startswith("Private_")) / 1000


if __name__ == "__main__":
    main()
