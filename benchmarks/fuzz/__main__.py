"""Feed 100,000 broken inputs, drawn by a seed, to all that reads from outside, and see that nothing gives way.

    nice -n 10 python -m benchmarks.fuzz
    python -m benchmarks.fuzz --inputs 5000 --rooms npz zips --seed 1 --json fuzz.json

Recipes, settings, list files, query strings, routes, `do`, files of arrays, .npz, Parquet, exports, checkpoints, and a
viewer's socket. Each room reads in a process of its own, which may take one gigabyte of data and ten seconds an
input. It fails where a reader breaks off in another way than by a sentence, dies, or opens, makes, moves or removes a
file that is neither its own nor the installation's; the input is then kept in tests/fixtures/corpus, which a test
replays.
"""

import argparse
import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from benchmarks.fuzz.rooms import ROOMS
from benchmarks.fuzz.sockets import SHARE, SOCKET, socket_room
from benchmarks.fuzz.trying import fuzz, keep
from harness.serving import ROOT

ALL = sum(room.share for room in ROOMS.values()) + SHARE


def main() -> None:
    """Print a row for each room; leave with 1 where something gave way."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--inputs", type=int, default=ALL, help="of all rooms together")
    parser.add_argument("--rooms", nargs="+", default=[*ROOMS, SOCKET], choices=[*ROOMS, SOCKET])
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--json", type=Path, help="write the rows into this file")
    parser.add_argument("--room", nargs=4, help=argparse.SUPPRESS)  # be one: its name, inputs, seed, and folder
    arguments = parser.parse_args()
    if arguments.room is not None:
        name, inputs, seed, folder = arguments.room
        print(json.dumps(fuzz(name, int(inputs), int(seed), Path(folder))))
        return
    print(f"{'room':24} {'inputs':>8} {'taken':>8} {'refused':>8} {'gave way':>9} {'peak':>8} {'seconds':>8}")
    shares = {**{name: room.share for name, room in ROOMS.items()}, SOCKET: SHARE}
    rows = []
    for name in arguments.rooms:
        inputs = max(1, round(arguments.inputs * shares[name] / sum(shares[each] for each in arguments.rooms)))
        rows.append(row := {"room": name, **_apart(name, inputs, arguments.seed)})
        print(
            f"{name:24} {row['inputs']:8,} {row['taken']:8,} {row['refused']:8,} {len(row['gave way']):9} "
            f"{row['peak'] / 1e6:5.0f} MB {row['seconds']:8.1f}",
            flush=True,
        )
        for words in row["gave way"]:
            print(f"    {words}", flush=True)
    print(f"{'all':24} {sum(row['inputs'] for row in rows):8,}")
    if arguments.json is not None:
        arguments.json.write_text(json.dumps(rows, indent=1) + "\n", encoding="utf-8")
    sys.exit(any(row["gave way"] for row in rows))


def _apart(name: str, inputs: int, seed: int) -> dict[str, Any]:
    """Fuzz a room in a process of its own; what kills that gave way, too."""
    with tempfile.TemporaryDirectory() as folder:
        start = time.perf_counter()
        if name == SOCKET:
            return {**socket_room(inputs, seed, Path(folder), keep), "seconds": time.perf_counter() - start}
        command = [sys.executable, "-m", "benchmarks.fuzz", "--room", name, str(inputs), str(seed), folder]
        done = subprocess.run(command, capture_output=True, text=True, cwd=ROOT, check=False)
        took = time.perf_counter() - start
        if done.returncode == 0:
            return {**json.loads(done.stdout.splitlines()[-1]), "seconds": took}
        last = Path(folder) / "last"
        kept = keep(name, last.read_bytes()) if last.exists() else "nothing"
        words = f"the process ended with {done.returncode} ({done.stderr.strip()[-300:]}); kept as {kept}"
        return {"inputs": 0, "taken": 0, "refused": 0, "gave way": [words], "peak": 0, "seconds": took}


if __name__ == "__main__":
    main()
