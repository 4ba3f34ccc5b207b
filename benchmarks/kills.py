"""Kill the processes that train a race at random moments, and compare its numbers with an undisturbed race's.

    python -m benchmarks.kills
    python -m benchmarks.kills --kills 40 --epochs 100 --seed 1

Each kill is a SIGKILL of a hand, of the process that hands are forked from, or of the worker, drawn by the seed; a dead
worker is started anew, as the app would. A third of the kills come while the last one is still being mended. A run
whose hand is killed twice at one epoch fails, as it should: it is resumed, as a person would, and counted.
"""

import argparse
import os
import platform
import random
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path

import numpy as np

from bcl_core.lab import GroupPlan, Lab
from bcl_core.recipe import RACES, Execution, Recipe, apply_settings, preset
from harness.processes import children, hands

ONE_THREAD = Execution(device="cpu", threads=1)
KINDS = ("hand", "hand", "hand", "worker", "nursery")
SOON, PATIENCE = 0.25, 600.0  # seconds


def main() -> None:
    """Train a race undisturbed and one among kills; leave with 1 where they differ."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kills", type=int, default=40)
    parser.add_argument("--epochs", type=int, default=100)
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    names = RACES["digits"].presets
    recipes = [apply_settings(preset(name), Execution(), {"epochs": arguments.epochs})[0] for name in names]
    print(f"{platform.processor() or platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}")
    with tempfile.TemporaryDirectory() as folder:
        lab = Lab(Path(folder))
        start = time.perf_counter()
        with Workers(lab):
            calm = queue(lab, recipes)
            wait_for(lambda: ended(lab, calm))
        print(f"undisturbed           {time.perf_counter() - start:6.1f} s", flush=True)
        start = time.perf_counter()
        ids, counted = campaign(lab, recipes, arguments.kills, arguments.seed)
        killed = counted.total() - counted["resumed"]
        print(f"with {killed} kills{'':9} {time.perf_counter() - start:6.1f} s: {dict(counted)}")
        different = sorted(
            {fault for pair in zip(calm, ids, strict=True) for fault in differences(*((lab, run) for run in pair))}
        )
    print(f"{len(ids)} runs of {arguments.epochs} epochs: {'; '.join(different) or 'every number as undisturbed'}")
    sys.exit(bool(different) or killed < arguments.kills)


def campaign(lab: Lab, recipes: Sequence[Recipe], kills: int, seed: int) -> tuple[list[str], Counter[str]]:
    """Train a race among kills to its end; return its runs, and how often what was killed, or had to be resumed."""
    draws, counted = random.Random(seed), Counter[str]()
    with Workers(lab) as workers:
        ids, stood = queue(lab, recipes), -1

        def is_mended() -> bool:
            workers.see_to_one()
            for run_id in ids:
                if lab.run(run_id).state == "failed":
                    counted["resumed"] += 1
                    lab.resume(run_id)
            return slowest(lab, ids) > stood or ended(lab, ids)

        kinds = [KINDS[kill % len(KINDS)] for kill in range(kills)]
        draws.shuffle(kinds)
        for kind in kinds:
            wait_for(is_mended, draws.choice((0.3, PATIENCE, PATIENCE)))
            time.sleep(draws.uniform(0, SOON))
            stood = slowest(lab, ids)
            while not ended(lab, ids):
                if workers.kill(kind, draws):
                    counted[kind] += 1
                    break
        stood = recipes[0].epochs
        wait_for(is_mended)
    return ids, counted


class Workers:
    """The workers of a lab, one at a time, as processes of this one's own; the last is ended with the block."""

    def __init__(self, lab: Lab) -> None:
        self.lab = lab
        self.process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> "Workers":
        self.see_to_one()
        return self

    def __exit__(self, *_: object) -> None:
        if self.process is not None:
            self.process.terminate()
            self.process.wait()

    def see_to_one(self) -> None:
        """Start one where none lives."""
        if self.process is None or self.process.poll() is not None:
            command = [sys.executable, "-m", "bcl_core", "--home", str(self.lab.home), "worker"]
            self.process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    def kill(self, kind: str, draws: random.Random) -> bool:
        """Kill the worker, what hands are forked from, or one of them; say whether there was one."""
        self.see_to_one()
        assert self.process is not None
        worker = self.process.pid
        found = {"worker": [worker], "nursery": children(worker), "hand": hands(self.lab.home)}[kind]
        if not found:
            time.sleep(0.02)
            return False
        with suppress(ProcessLookupError):
            os.kill(draws.choice(sorted(found)), signal.SIGKILL)
        if kind == "worker":
            self.process.wait()
        return True


def queue(lab: Lab, recipes: Sequence[Recipe], execution: Execution = ONE_THREAD) -> list[str]:
    """Queue a race."""
    return lab.enqueue(GroupPlan("race", [(recipe.title, recipe) for recipe in recipes]), execution)


def ended(lab: Lab, ids: Sequence[str]) -> bool:
    """Whether all have come to their end."""
    return all(lab.run(run_id).state == "finished" for run_id in ids)


def slowest(lab: Lab, ids: Sequence[str]) -> int:
    """Return the epoch to which all have come, -1 for none."""
    return min(-1 if (epoch := lab.run(run_id).epoch) is None else epoch for run_id in ids)


def wait_for(holds, seconds: float = PATIENCE) -> None:
    """Wait until something holds, so many seconds at the most."""
    end = time.monotonic() + seconds
    while not holds() and time.monotonic() < end:
        time.sleep(0.02)


def differences(one: tuple[Lab, str], other: tuple[Lab, str]) -> Iterator[str]:
    """Say in what two runs of a recipe differ: their states, epochs, metrics, and every array of every epoch."""
    both = one, other
    if {lab.run(run_id).state for lab, run_id in both} != {"finished"}:
        yield f"states {[lab.run(run_id).state for lab, run_id in both]}"
    metrics = [lab.metrics(run_id) for lab, run_id in both]
    if metrics[0] != metrics[1]:
        yield "metrics"
    folders = [lab.folder(run_id) for lab, run_id in both]
    for kind in ("view", "embeddings"):
        epochs = [folder.epochs(kind) for folder in folders]
        if epochs[0] != epochs[1]:
            yield f"epochs of {kind}"
        for epoch in set(epochs[0]) & set(epochs[1]):
            arrays = [folder.arrays(getattr(folder, kind)(epoch)) for folder in folders]
            if not all(np.array_equal(arrays[0][name], arrays[1][name], equal_nan=True) for name in arrays[0]):
                yield f"{kind} of epoch {epoch}"


if __name__ == "__main__":
    main()
