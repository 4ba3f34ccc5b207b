"""Measure what many browsers that follow a live race cost: each asks for the pulse once a second while it trains.

    python -m benchmarks.viewers
    python -m benchmarks.viewers --viewers 1 20 100 --epochs 40

The digits race is trained anew for each number of viewers, first without any. The viewers run in one process of their
own, on the same cores, so that what they cost is in the figures. Nothing else should be running.
"""

import argparse
import asyncio
import gzip
import json
import os
import platform
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path
from urllib.request import urlopen

import numpy as np

from bcl_core.lab import GroupPlan, Lab, ensure_worker, stop_worker, worker_status
from bcl_core.recipe import RACES, Execution, apply_settings, preset
from benchmarks.app import server

EVERY = 1.0  # seconds between two questions of a viewer
LONGEST = 30.0  # seconds after which a question counts as failed


@dataclass
class Seen:
    """What the viewers saw, all together."""

    milliseconds: list[float] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)
    bytes: int = 0
    epochs: list[list[int]] = field(default_factory=list)  # of each viewer and run, in the order they came


def main() -> None:
    """Print a line for each number of viewers."""
    parser = argparse.ArgumentParser(description="Viewers of a live race.")
    parser.add_argument("--viewers", type=int, nargs="+", default=[1, 20, 100])
    parser.add_argument("--epochs", type=int, default=60)
    parser.add_argument("--watch", nargs=3, help=argparse.SUPPRESS)  # be the viewers: their number, url, and runs
    arguments = parser.parse_args()
    if arguments.watch:
        count, url, runs = arguments.watch
        print(json.dumps(vars(asyncio.run(watch(url, runs.split(","), int(count))))))
        return
    print(f"{platform.processor() or platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}")
    with tempfile.TemporaryDirectory() as folder:
        lab = Lab(Path(folder))
        try:
            with server(lab.home, worker="off") as (url, process):
                wait_until_up(url)
                ensure_worker(lab)
                race(lab, url, process.pid, 0, 2)  # warms the worker
                alone, _, idle = race(lab, url, process.pid, 0, arguments.epochs)
                print(f"{'no viewer':12} training {alone:5.1f} s, server {idle:5.1%} of a core")
                first: tuple[int, float] | None = None
                for viewers in arguments.viewers:
                    took, seen, share = race(lab, url, process.pid, viewers, arguments.epochs)
                    first = first or (viewers, share)
                    p50, p95, most = np.percentile(seen.milliseconds, [50, 95, 100])
                    more = 1000 * (share - first[1]) / max(1, viewers - first[0])
                    print(
                        f"{viewers:4} viewers  p50 {p50:5.0f} ms  p95 {p95:5.0f} ms  most {most:5.0f} ms  "
                        f"{len(seen.errors)} errors of {len(seen.milliseconds)}  "
                        f"{seen.bytes / len(seen.milliseconds) / 1000:4.1f} kB each  "
                        f"server {share:5.1%} of a core, {more:4.2f} ms for one more viewer, a second  "
                        f"training {took:5.1f} s, {took / alone:4.2f} times as long",
                        flush=True,
                    )
        finally:
            stop_worker(lab)
            while worker_status(lab).alive:
                time.sleep(0.1)


def wait_until_up(url: str) -> None:
    """Wait for the server's first answer."""
    while True:
        try:
            urlopen(f"{url}bcl/v1/health", timeout=5).close()
            return
        except OSError:
            time.sleep(0.05)


def race(lab: Lab, url: str, pid: int, viewers: int, epochs: int) -> tuple[float, Seen, float]:
    """Train the digits race; return how long, what its viewers saw, and the server's share of a core."""
    recipes = [apply_settings(preset(name), Execution(), {"epochs": epochs})[0] for name in RACES["digits"].presets]
    plan = GroupPlan("race", [(recipe.title, recipe) for recipe in recipes])
    ids = lab.enqueue(plan, Execution(device="cpu", threads=1))
    command = [sys.executable, "-m", "benchmarks.viewers", "--watch", str(viewers), url, ",".join(ids)]
    watching = subprocess.Popen(command, stdout=subprocess.PIPE) if viewers else None
    while lab.run(ids[-1]).epoch is None:
        time.sleep(0.05)
    start, before = time.perf_counter(), cpu_seconds(pid)
    while any(run.active for run in lab.active_runs()):
        time.sleep(0.1)
    took = time.perf_counter() - start
    share = (cpu_seconds(pid) - before) / took
    seen = Seen(**json.loads(watching.communicate()[0])) if watching else Seen()
    return took, seen, share


async def watch(url: str, run_ids: list[str], viewers: int) -> Seen:
    """Follow the runs, as so many viewers that came at different moments, until they have ended."""
    seen = Seen()
    await asyncio.gather(*(_viewer(url, run_ids, EVERY * i / viewers, seen) for i in range(viewers)))
    return seen


async def _viewer(url: str, run_ids: list[str], late: float, seen: Seen) -> None:
    """One viewer, on one connection, as a browser keeps it: the questions that the stage asks."""
    await asyncio.sleep(late)
    host, port = url.removeprefix("http://").rstrip("/").split(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    epochs: dict[str, list[int]] = {run_id: [] for run_id in run_ids}
    etag, states = "", {"queued"}
    while states & {"queued", "running", "paused"}:
        since = min((known[-1] if known else -1) for known in epochs.values())
        start = time.perf_counter()
        path = f"/bcl/v1/pulse?runs={','.join(run_ids)}&since={since}"
        head = f"Host: {host}:{port}\r\nAccept-Encoding: gzip\r\nIf-None-Match: {etag}"
        writer.write(f"GET {path} HTTP/1.1\r\n{head}\r\n\r\n".encode())
        try:
            status, headers, content = await asyncio.wait_for(answer(reader), LONGEST)
        except (OSError, TimeoutError, asyncio.IncompleteReadError) as error:
            seen.errors.append(repr(error))
            break
        seen.milliseconds.append(1000 * (time.perf_counter() - start))
        seen.bytes += len(content)
        if status == 200:
            etag = headers["etag"]
            told = json.loads(gzip.decompress(content))["runs"]
            states = {one["state"] for one in told.values()}
            for run_id, one in told.items():
                known = epochs[run_id]
                known += [row["epoch"] for row in one["rows"] if not known or row["epoch"] > known[-1]]
        elif status != 304:
            seen.errors.append(f"{status} {content[:200]!r}")
        await asyncio.sleep(max(0.0, EVERY - (time.perf_counter() - start)))
    writer.close()
    seen.epochs += list(epochs.values())


async def answer(reader: asyncio.StreamReader) -> tuple[int, dict[str, str], bytes]:
    """Read an answer: its status, its headers by their names in small letters, and what it holds, as it came."""
    head = (await reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")
    headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in head[1:] if line)}
    return int(head[0].split()[1]), headers, await reader.readexactly(int(headers.get("content-length", 0)))


def cpu_seconds(pid: int) -> float:
    """Return the processor time that a process has taken (Linux)."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


if __name__ == "__main__":
    main()
