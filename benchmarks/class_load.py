"""Measure a class under load: viewers follow a presenter who scrubs, while two runs train on the same cores.

    python -m benchmarks.class_load                          # ten minutes of it, fifteen in all
    python -m benchmarks.class_load --minutes 2 --json load.json

Each viewer keeps Streamlit's socket open with the Lab drawn, asks what is shown and how the runs are as often as a
browser does, and fetches what it is shown. The presenter goes to another epoch five times a second. The training is
measured before, meanwhile and after. Viewers and presenter run in one process on the same cores, so that what they
cost is in the figures. Nothing else should be running.
"""

import argparse
import asyncio
import gzip
import itertools
import json
import os
import platform
import re
import subprocess
import sys
import tempfile
import time
from dataclasses import asdict, dataclass, field
from pathlib import Path

import numpy as np
from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.ClientState_pb2 import ClientState
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from websockets.asyncio.client import connect
from websockets.exceptions import WebSocketException

from app.classroom import VISITOR
from app.roles import COOKIE
from bcl_core.lab import GroupPlan, Lab, ensure_worker, stop_worker, worker_status
from bcl_core.recipe import Execution, apply_settings, preset
from benchmarks.app import resident_mb
from benchmarks.viewers import LONGEST, answer
from harness.serving import start_class

RUNS = ("digits-scl", "digits-bcl")
EPOCHS = 10_000  # more than are trained
WARM_EPOCHS = 5
SCRUB, CLASS, PULSE = 0.2, 0.75, 1.0  # seconds between two of the presenter's epochs, and of a viewer's questions
OPENING = 0.15  # seconds between two viewers who come in
LOOK = 1.0  # seconds between two looks at the server's memory


@dataclass
class Seen:
    """What the viewers saw, all together; times are in milliseconds."""

    answers: list[float] = field(default_factory=list)  # what a question took
    arrivals: list[float] = field(default_factory=list)  # from the presenter's going to an epoch to a viewer's hearing
    faults: list[str] = field(default_factory=list)
    dropped: int = 0
    following: int = 0  # at the end, as the presenter's desk says


def main() -> None:
    """Print what a class under load costs."""
    parser = argparse.ArgumentParser(description="A class under load.")
    parser.add_argument("--viewers", type=int, default=100)
    parser.add_argument("--minutes", type=float, default=10.0, help="of load; half as many again without any")
    parser.add_argument("--json", type=Path, help="write the figures into this file")
    parser.add_argument("--watch", nargs=4, help=argparse.SUPPRESS)  # be the class: url, token, runs, seconds
    arguments = parser.parse_args()
    if arguments.watch:
        url, token, runs, seconds = arguments.watch
        seen = asyncio.run(_Class(url, token, runs.split(","), arguments.viewers).meet(float(seconds)))
        print(json.dumps(asdict(seen)))
        return
    figures, faults = measure(arguments.viewers, 60 * arguments.minutes)
    print(f"{platform.processor() or platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}")
    for what, figure in figures.items():
        print(f"{what:64} {figure}")
    for fault in dict.fromkeys(faults[:5]):
        print(f"  {fault}")
    if arguments.json is not None:
        arguments.json.write_text(json.dumps(figures, indent=1) + "\n", encoding="utf-8")


def measure(viewers: int, seconds: float) -> tuple[dict[str, float], list[str]]:
    """Train alone, under load and alone again; return the figures by what they say, and the viewers' faults."""
    with tempfile.TemporaryDirectory() as folder:
        lab = Lab(Path(folder) / "lab")
        server, url, link = start_class(lab.home, Path(folder) / "log")
        try:
            recipes = [apply_settings(preset(name), Execution(), {"epochs": EPOCHS})[0] for name in RUNS]
            plan = GroupPlan("race", [(recipe.title, recipe) for recipe in recipes])
            ids = lab.enqueue(plan, Execution(device="cpu", threads=1))
            ensure_worker(lab)
            while _epochs(lab, ids) < WARM_EPOCHS * len(ids):
                time.sleep(0.2)
            before = _pace(lab, ids, seconds / 4)
            command = [sys.executable, "-m", "benchmarks.class_load", "--viewers", str(viewers), "--watch"]
            watch = subprocess.Popen([*command, url, link.partition("#")[2], ",".join(ids), str(seconds)],
                                     stdout=subprocess.PIPE)  # fmt: skip
            assert watch.stdout is not None
            watch.stdout.readline()  # all have come in
            memory: list[float] = []
            meanwhile = _pace(lab, ids, seconds, lambda: memory.append(resident_mb(server.process.pid)))
            seen = Seen(**json.loads(watch.communicate()[0]))
            after = _pace(lab, ids, seconds / 4)
        finally:
            stop_worker(lab)
            server.process.kill()
            server.process.wait()
            while worker_status(lab).alive:
                time.sleep(0.1)
    fifth = len(memory) // 5
    alone = (before + after) / 2
    p50, p95, most = np.percentile(seen.answers, [50, 95, 100])
    seen_p50, seen_p95 = np.percentile(seen.arrivals, [50, 95])
    figures = {
        "viewers": viewers,
        "minutes of load": round(seconds / 60, 2),
        "questions answered": len(seen.answers),
        "answer to a viewer's question, p50 (ms)": round(p50, 1),
        "answer to a viewer's question, p95 (ms)": round(p95, 1),
        "answer to a viewer's question, longest (ms)": round(most, 1),
        "presenter's epoch until a viewer hears of it, p50 (ms)": round(seen_p50),
        "presenter's epoch until a viewer hears of it, p95 (ms)": round(seen_p95),
        "faults": len(seen.faults),
        "dropped sessions": seen.dropped,
        "following at the end": seen.following,
        "server's memory after the first fifth (MB)": round(memory[fifth]),
        "server's memory at the end (MB)": round(memory[-1]),
        "growth after the first fifth (%)": round(100 * (max(memory[fifth:]) / memory[fifth] - 1), 1),
        "epochs a second alone, before and after": round(alone, 2),
        "epochs a second under load": round(meanwhile, 2),
        "training takes longer by (%)": round(100 * (alone / meanwhile - 1), 1),
    }
    return figures, seen.faults


def _epochs(lab: Lab, ids: list[str]) -> int:
    return sum(run.epoch or 0 for run in map(lab.run, ids))


def _pace(lab: Lab, ids: list[str], seconds: float, look=lambda: None) -> float:
    """Return how many epochs a second are recorded, of all runs."""
    start, first = time.perf_counter(), _epochs(lab, ids)
    while time.perf_counter() - start < seconds:
        time.sleep(LOOK)
        look()
    return (_epochs(lab, ids) - first) / (time.perf_counter() - start)


class _Class:
    """A presenter and viewers, in this process."""

    def __init__(self, url: str, token: str, runs: list[str], viewers: int) -> None:
        self.url, self.token, self.runs, self.viewers = url, token, runs, viewers
        self.host, self.port = re.fullmatch(r"http://(.+):(\d+)/", url).groups()  # type: ignore[union-attr]
        self.seen, self.shown, self.over = Seen(), dict[int, float](), asyncio.Event()
        self.all_in = asyncio.Barrier(viewers + 1)

    async def meet(self, seconds: float) -> Seen:
        await self._do("present", how="live")
        each = [asyncio.create_task(self._viewer(place)) for place in range(self.viewers)]
        scrubbing = asyncio.create_task(self._scrub())
        await self.all_in.wait()
        for known in (self.seen.answers, self.seen.arrivals):  # who comes in is not yet who follows
            known.clear()
        print(flush=True)
        await asyncio.sleep(seconds)
        _, _, desk = await self._once("GET", "/bcl/v1/class/desk", f"Cookie: {COOKIE}={self.token}\r\n")
        self.seen.following = json.loads(desk)["following"]
        self.over.set()
        await asyncio.gather(*each, scrubbing)
        return self.seen

    async def _scrub(self) -> None:
        for number in itertools.count():
            if self.over.is_set():
                return
            self.shown[number] = time.perf_counter()
            epoch = abs(number % (2 * WARM_EPOCHS) - WARM_EPOCHS)
            await self._do("show", search=f"runs={'.'.join(self.runs)}&epoch={epoch}&n={number}")
            await asyncio.sleep(max(0.0, self.shown[number] + SCRUB - time.perf_counter()))

    async def _viewer(self, place: int) -> None:
        is_in = False
        await asyncio.sleep(OPENING * place)
        address = f"{self.url.replace('http', 'ws', 1)}_stcore/stream"
        page = BackMsg(rerun_script=ClientState(page_name="lab", query_string=f"runs={'.'.join(self.runs)}"))
        try:
            async with connect(address, subprotocols=["streamlit"], max_size=None, open_timeout=LONGEST) as socket:  # type: ignore[list-item]
                await socket.send(page.SerializeToString())
                while ForwardMsg.FromString(await socket.recv()).WhichOneof("type") != "script_finished":
                    pass
                is_in = True
                await self.all_in.wait()
                reading = asyncio.create_task(self._read(socket))
                await asyncio.gather(self._follow(), self._pulse())
                reading.cancel()
        except (OSError, WebSocketException) as error:
            self.seen.dropped += 1
            self.seen.faults.append(repr(error))
            if not is_in:
                await self.all_in.wait()  # the others need not wait for this one

    async def _read(self, socket) -> None:
        async for _ in socket:
            pass
        self.seen.dropped += not self.over.is_set()

    async def _follow(self) -> None:
        """Ask what is shown, and fetch it."""
        reader, writer = await asyncio.open_connection(self.host, int(self.port))
        etag, cookie, last, held = "", "", -1, set[int]()
        while not self.over.is_set():
            start = time.perf_counter()
            told = await self._ask(reader, writer, "/bcl/v1/class", etag, cookie)
            if told is None:
                break
            status, headers, content = told
            if found := re.search(rf"{VISITOR}=\w+", headers.get("set-cookie", "")):
                cookie = found[0]
            if status == 200:
                etag = headers["etag"]
                number = re.search(r"epoch=(\d+)&n=(\d+)", json.loads(gzip.decompress(content))["search"])
                if number and int(number[2]) != last:
                    last, epoch = int(number[2]), int(number[1])
                    self.seen.arrivals.append(1000 * (time.perf_counter() - self.shown[last]))
                    for run in self.runs if epoch not in held else ():
                        await self._ask(reader, writer, f"/bcl/v1/runs/{run}/view/1/{epoch}")
                    held.add(epoch)
            await asyncio.sleep(max(0.0, start + CLASS - time.perf_counter()))
        writer.close()

    async def _pulse(self) -> None:
        reader, writer = await asyncio.open_connection(self.host, int(self.port))
        etag, since = "", -1
        while not self.over.is_set():
            start = time.perf_counter()
            path = f"/bcl/v1/pulse?runs={','.join(self.runs)}&since={since}"
            told = await self._ask(reader, writer, path, etag)
            if told is None:
                break
            if told[0] == 200:
                etag = told[1]["etag"]
                runs = json.loads(gzip.decompress(told[2]))["runs"].values()
                since = max([since, *(run["epochs"][-1][1] for run in runs if run["epochs"])])
            await asyncio.sleep(max(0.0, start + PULSE - time.perf_counter()))
        writer.close()

    async def _ask(self, reader, writer, path: str, etag: str = "", cookie: str = ""):
        start = time.perf_counter()
        head = f"Host: {self.host}:{self.port}\r\nAccept-Encoding: gzip\r\nIf-None-Match: {etag}\r\nCookie: {cookie}"
        try:
            writer.write(f"GET {path} HTTP/1.1\r\n{head}\r\n\r\n".encode())
            told = await asyncio.wait_for(answer(reader), LONGEST)
        except (OSError, TimeoutError, asyncio.IncompleteReadError) as error:
            self.seen.faults.append(f"{path}: {error!r}")
            return None
        self.seen.answers.append(1000 * (time.perf_counter() - start))
        if told[0] not in (200, 304):
            self.seen.faults.append(f"{path}: {told[0]} {told[2][:100]!r}")
        return told

    async def _do(self, verb: str, **arguments: str) -> None:
        body = json.dumps({"verb": verb, "key": f"load-{time.time_ns()}", **arguments})
        head = f"Cookie: {COOKIE}={self.token}\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n"
        status, _, content = await self._once("POST", "/bcl/v1/do", head, body)
        if status != 200:
            self.seen.faults.append(f"{verb}: {status} {content[:100]!r}")

    async def _once(self, method: str, path: str, head: str, body: str = "") -> tuple[int, dict[str, str], bytes]:
        reader, writer = await asyncio.open_connection(self.host, int(self.port))
        writer.write(f"{method} {path} HTTP/1.1\r\nHost: {self.host}:{self.port}\r\n{head}\r\n{body}".encode())
        told = await asyncio.wait_for(answer(reader), LONGEST)
        writer.close()
        return told


if __name__ == "__main__":
    main()
