"""Kill what trains and serves a race, and let its disk fail, at random moments; compare it with an undisturbed race.

    python -m benchmarks.kills
    python -m benchmarks.kills --kills 40 --seed 1 --no-web

Each kill is a SIGKILL of a hand, of the process that hands are forked from, of the worker, or of the web server, drawn
by the seed; who is gone is started anew, as a person would. A third of the kills come while the last one is still being
mended. Between them the disk fails, in each of three ways, where a checkpoint, a snapshot, or a change of the database
is written, and at last where runs are exported and imported. A run that has failed, because its hand was killed twice
at one epoch or its disk failed, is resumed.

Meanwhile a reader asks the server for the pulse, for epochs and for histories, and looks at the checksums of what
comes; and whenever something was killed, every epoch that was ever recorded has to be there as it was.
"""

import argparse
import json
import os
import platform
import random
import re
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from pathlib import Path

import numpy as np

from bcl_core.lab import GroupPlan, Lab, SnapshotError
from bcl_core.lab.verifying import verify
from bcl_core.recipe import RACES, Execution, Recipe, apply_settings, preset
from benchmarks.reading import Reader, Web
from harness.faulty_disk import ERRORS, failing, faulty, has_struck
from harness.processes import children, hands

ONE_THREAD = Execution(device="cpu", threads=1, precision="fp32")
KINDS = ("hand", "hand", "hand", "worker", "nursery")
WEB_EVERY = 8  # of so many kills one is of the web server, where there is one
FAULTS = tuple((kind, error) for kind in ("checkpoint", "snapshot", "database") for error in ERRORS)
SOON, PATIENCE = 0.25, 600.0  # seconds
NO_REASON = "no reason is given"
_ELSEWHERE = re.compile(r"/\S+|'[^']*'|epoch \d+")  # what differs between reasons of one kind


def main() -> None:
    """Train a race undisturbed and one among kills and faults; leave with 1 where anything was lost or differs."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kills", type=int, default=200)
    parser.add_argument("--epochs", type=int, default=60)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--no-web", action="store_true", help="kill no web server, and read from none")
    arguments = parser.parse_args()
    names = RACES["digits"].presets
    recipes = [apply_settings(preset(name), Execution(), {"epochs": arguments.epochs})[0] for name in names]
    print(f"{platform.processor() or platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}")
    with tempfile.TemporaryDirectory() as folder:
        lab, control = Lab(Path(folder) / "lab"), Path(folder) / "fault"
        start = time.perf_counter()
        with Workers(lab):
            calm = queue(lab, recipes)
            wait_for(lambda: ended(lab, calm))
        print(f"undisturbed           {time.perf_counter() - start:6.1f} s", flush=True)
        start = time.perf_counter()
        web = None if arguments.no_web else Web(lab.home)
        try:
            found = campaign(lab, recipes, arguments.kills, arguments.seed, faults=FAULTS, control=control, web=web)
        finally:
            if web is not None:
                web.end()
        print(f"among kills and faults {time.perf_counter() - start:5.1f} s", flush=True)
        found.exchanges = handed_on(lab, found.ids[-len(calm) :], Path(folder), control)
        pairs = [((lab, calm[place % len(calm)]), (lab, run_id)) for place, run_id in enumerate(found.ids)]
        different = sorted({fault for pair in pairs for fault in differences(*pair)})
        damaged = [fault for read in verify(lab) for fault in read.faults]
    wrong = report(found, arguments.epochs, different, damaged)
    sys.exit(wrong or found.counted.total() < arguments.kills)


class Found:
    """What a campaign has counted, and how its runs stand at its end."""

    def __init__(self) -> None:
        self.ids: list[str] = []  # of all races, one after the other
        self.counted = Counter[str]()  # kills, by what was killed
        self.faults = Counter[str]()  # of the disk that were met with, by where and how
        self.resumed = Counter[str]()  # why runs had failed
        self.known: dict[tuple[str, int], dict[str, object]] = {}  # every epoch that was seen to be recorded
        self.lost: dict[str, None] = {}  # each once, however often it is missed
        self.deeds = Counter[str]()  # that were sent to a server that was killed, by what the next one said
        self.read = Counter[str]()  # what the reader got
        self.exchanges = Counter[str]()  # exports and imports that a disk failed
        self.states = Counter[str]()

    def begins(self, ids: Sequence[str]) -> list[str]:
        """Take note of another race."""
        self.ids += ids
        return [*ids]

    def look(self, lab: Lab, ids: Sequence[str]) -> None:
        """See that every epoch of these runs that was ever recorded is there, as it was; take note of the new ones."""
        for run_id in ids:
            folder, rows = lab.folder(run_id), {row["epoch"]: row for row in lab.metrics(run_id)}
            for (known, epoch), row in self.known.items():
                if known == run_id and rows.get(epoch) != row:
                    self.lost[f"epoch {epoch} of {run_id}"] = None
            for epoch, row in rows.items():
                if (run_id, epoch) not in self.known:
                    self.known[run_id, epoch] = row
                    with suppress(SnapshotError):
                        folder.content(folder.view(epoch))
                        folder.content(folder.embeddings(epoch))
                        continue
                    self.lost[f"the arrays of epoch {epoch} of {run_id}"] = None


def campaign(
    lab: Lab,
    recipes: Sequence[Recipe],
    kills: int,
    seed: int,
    *,
    faults: Sequence[tuple[str, str]] = (),
    control: Path | None = None,
    web: Web | None = None,
) -> Found:
    """Train races, one after the other, among kills and faults of the disk, the last to its end; return what was found.

    Args:
        lab: where.
        recipes: of the race.
        kills: how many.
        seed: of what is killed, and when.
        faults: where the disk fails once, and how.
        control: a file through which it is made to.
        web: the server, to be killed and read from, where there is one.
    """
    draws = random.Random(seed)
    kinds = [KINDS[kill % len(KINDS)] for kill in range(kills)]
    if web is not None:
        kinds[::WEB_EVERY] = ["web"] * len(kinds[::WEB_EVERY])
    steps: list[str | tuple[str, str]] = [*kinds, *faults]
    draws.shuffle(steps)
    found = Found()
    with Workers(lab, control) as workers:
        race, stood = found.begins(queue(lab, recipes)), -1
        reader = None if web is None else Reader(web, found.ids, seed)

        def is_mended() -> bool:
            workers.see_to_one()
            for run_id in race:
                if (run := lab.run(run_id)).state == "failed":
                    found.resumed[_ELSEWHERE.sub("…", run.error or NO_REASON)] += 1
                    lab.resume(run_id)
            return slowest(lab, race) > stood or ended(lab, race)

        def goes_on() -> None:
            """See that somebody trains the race, and begin another where it has ended."""
            nonlocal race, stood
            is_mended()
            if ended(lab, race):
                race, stood = found.begins(queue(lab, recipes)), -1

        for step in steps:
            wait_for(is_mended, draws.choice((0.3, PATIENCE, PATIENCE)))
            time.sleep(draws.uniform(0, SOON))
            goes_on()
            stood = slowest(lab, race)
            if isinstance(step, tuple):
                assert control is not None
                with failing(*step, control):
                    wait_for(lambda: goes_on() or has_struck(control))
                    wait_for(lambda: any(lab.run(run_id).state == "failed" for run_id in race), 2.0)
                found.faults[" ".join(step)] += has_struck(control)
            elif step == "web":
                assert web is not None
                found.counted["web"] += 1
                found.deeds[web.killed_amid_a_deed(lab, draws.choice(race), draws.uniform(0, 0.02))] += 1
            else:
                while not workers.kill(step, draws):
                    goes_on()
                found.counted[step] += 1
            found.look(lab, race)
        stood = recipes[0].epochs
        wait_for(is_mended)
    if reader is not None:
        found.read = reader.end()
    found.look(lab, found.ids)
    found.states = Counter(lab.run(run_id).state for run_id in found.ids)
    return found


def handed_on(lab: Lab, ids: Sequence[str], folder: Path, control: Path) -> Counter[str]:
    """Export the runs and import them elsewhere while the disk fails, and then without; count how that ended."""
    file, other, told = folder / "exported.zip", Lab(folder / "other"), Counter[str]()

    def command(home: Path, *words: str) -> subprocess.CompletedProcess[str]:
        call = [sys.executable, "-m", "bcl_core", "--home", str(home), *words]
        return subprocess.run(call, env=faulty(control), capture_output=True, text=True, check=False)

    for kind, words, home in (("export", ["export", *ids], lab.home), ("import", ["import"], other.home)):
        for error in ERRORS:
            with failing(kind, error, control):
                done = command(home, *words, str(file))
            clean = not other.runs() and file.exists() == (kind == "import")
            said = done.returncode == 2 and len(done.stderr.splitlines()) == 1
            told[f"{kind} {error}: {'said, nothing left' if said and clean and has_struck(control) else 'wrong'}"] += 1
        done = command(home, *words, str(file))
        told[f"{kind}: {'wrong' if done.returncode else 'whole'}"] += 1
    if [run.id for run in other.runs()] != [*ids] or any(read.faults for read in verify(other)):
        told["wrong: what was imported is not whole"] += 1
    return told


def report(found: Found, epochs: int, different: Sequence[str], damaged: Sequence[str]) -> bool:
    """Print what was found, as a table and as JSON; return whether anything is wrong."""
    kills = ", ".join(f"{kind} {count}" for kind, count in sorted(found.counted.items()))
    met = found.faults.total() + sum(count for how, count in found.exchanges.items() if "said" in how)
    rows = {
        "kills": f"{found.counted.total()} ({kills})",
        "faults of the disk": f"{met} of {len(found.faults) + len(ERRORS) * 2}",
        "epochs recorded": f"{len(found.known)} of {len(found.ids)} runs of {epochs} and one before training",
        "lost or changed": len(found.lost),
        "damaged files": len(damaged),
        "read over HTTP": f"{found.read['whole']} whole, {found.read['damaged']} damaged",
        "deeds at a kill": ", ".join(f"{found.deeds[what]} {what}" for what in ("answered", "wrong")),
        "exports, imports": "as they should" if not any("wrong" in how for how in found.exchanges) else "wrong",
        "runs": ", ".join(f"{count} {state}" for state, count in found.states.items()),
        "resumed by hand": f"{found.resumed.total()}, each failed with a reason",
        "numbers": "; ".join(different) or "every one as undisturbed",
    }
    for what, figure in rows.items():
        print(f"{what:20} {figure}")
    print(json.dumps(rows | {"reasons": found.resumed, "http": found.read, "exchanges": found.exchanges}))
    for fault in (*found.lost, *damaged):
        print(f"wrong: {fault}")
    without = found.resumed[NO_REASON]
    wrong = found.lost or damaged or different or found.read["damaged"] or found.deeds["wrong"] or without
    return bool(wrong) or {*found.states} != {"finished"} or any("wrong" in how for how in found.exchanges)


class Workers:
    """The workers of a lab, one at a time, as processes of this one's own; the last is ended with the block."""

    def __init__(self, lab: Lab, control: Path | None = None) -> None:
        self.lab = lab
        self.process: subprocess.Popen[bytes] | None = None
        self._environment = None if control is None else faulty(control)

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
            self.process = subprocess.Popen(
                command, env=self._environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
            )

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


def wait_for(holds: Callable[[], bool], seconds: float = PATIENCE) -> None:
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
