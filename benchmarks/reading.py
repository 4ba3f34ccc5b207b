"""A server that is killed, and somebody who reads from it meanwhile: what comes is looked at, byte for byte.

    python -m benchmarks.reading

kills the server of a lab at rest up to 20 ms after a run was to be renamed, and sends that again to the next one.
"""

import argparse
import json
import os
import random
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Sequence
from http.client import HTTPException
from pathlib import Path
from threading import Event, Thread
from urllib.error import HTTPError
from urllib.request import Request, urlopen

from bcl_core.lab import Lab
from bcl_core.lab.seals import fault_of_arrays, is_sealed
from harness.made_runs import make_runs
from harness.serving import ROOT, free_port

DEAD = (OSError, HTTPException)  # what a client meets with where the server is gone
AT_ONCE = 5  # runs, as on a stage
SOON, PAUSE, PATIENCE = 0.02, 0.1, 60.0  # seconds
UNDERWAY = 409  # a server that starts may find a question and its repetition at once


def main() -> None:
    """Print how many deeds were answered; leave with 1 where one is wrong."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kills", type=int, default=25)
    draws, told = random.Random(0), Counter[str]()
    with tempfile.TemporaryDirectory() as folder:
        lab = Lab(Path(folder))
        [made] = make_runs(lab, ["bcl"], 1)
        web = Web(lab.home)
        try:
            for _ in range(parser.parse_args().kills):
                told[web.killed_amid_a_deed(lab, made.id, draws.uniform(0, SOON))] += 1
        finally:
            web.end()
    print(dict(told))
    sys.exit(told["wrong"] > 0)


class Web:
    """The app's server for a lab, started anew when it was killed."""

    def __init__(self, home: Path) -> None:
        self._home, self._port, self._number = home, free_port(), 0
        self.url = f"http://localhost:{self._port}/bcl/v1/"
        self._start()

    def _start(self) -> None:
        command = [sys.executable, "-m", "streamlit", "run", "streamlit_app.py", "--server.headless", "true"]
        environment = {**os.environ, "BCL_LAB_HOME": str(self._home), "BCL_LAB_WORKER": "off"}
        self.process = subprocess.Popen(
            [*command, "--server.port", str(self._port)],
            cwd=ROOT,
            env=environment,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )

    def end(self) -> None:
        """Kill it."""
        self.process.kill()
        self.process.wait()

    def killed_amid_a_deed(self, lab: Lab, run_id: str, after: float) -> str:
        """Kill the server so many seconds after a deed was sent, and send that again to the next one.

        Returns "answered" where it is done, once, under its key; "wrong" otherwise.
        """
        self._number += 1
        name, key = f"renamed {self._number}", f"deed-{self._number:08d}"
        deed = {"verb": "rename", "run": run_id, "name": name, "key": key}
        self._until_told({**deed, "name": f"before {self._number}", "key": f"{key}-before"})
        sent = Thread(target=self._try, args=(deed,))
        sent.start()
        time.sleep(after)
        self.end()
        self._start()
        sent.join()
        status, told = self._until_told(deed)
        is_done = (status, told) == (200, {"answer": {"name": name}}) and lab.run(run_id).name == name
        return "answered" if is_done else "wrong"

    def _try(self, deed: dict[str, str]) -> tuple[int, object] | None:
        """Return the status and the answer; None where there is no server."""
        headers = {"Content-Type": "application/json"}
        try:
            with urlopen(Request(f"{self.url}do", json.dumps(deed).encode(), headers), timeout=10) as told:
                return 200, json.load(told)
        except HTTPError as error:
            return error.code, error.read()
        except DEAD:
            return None

    def _until_told(self, deed: dict[str, str]) -> tuple[int, object]:
        end = time.monotonic() + PATIENCE
        while ((told := self._try(deed)) is None or told[0] == UNDERWAY) and time.monotonic() < end:
            time.sleep(PAUSE)
        return told or (0, None)


class Reader:
    """Reads the runs of a race over HTTP until it is ended, and counts what came: whole, damaged, or no server."""

    def __init__(self, web: Web, run_ids: Sequence[str], seed: int) -> None:
        self._web, self._ids, self._draws = web, run_ids, random.Random(seed)
        self._counted, self._ended = Counter[str](), Event()
        self._thread = Thread(target=self._read, daemon=True)
        self._thread.start()

    def end(self) -> Counter[str]:
        """Stop, and return what was counted; a damaged answer is counted by what it is of, too."""
        self._ended.set()
        self._thread.join()
        return self._counted

    def _read(self) -> None:
        while not self._ended.wait(PAUSE):
            try:
                latest = self._ids[-AT_ONCE:]  # of the race that is trained now, and of the one before
                pulse = json.loads(self._get(f"pulse?runs={','.join(latest)}&since=-1"))["runs"]
                for run_id, told in pulse.items():
                    self._read_run(run_id, told["rev"], [*map(tuple, told["epochs"])])
            except HTTPError as error:
                self._damaged(f"{error.code} {error.url.partition('/bcl/')[2]}: {error.read()[:200]!r}")
            except DEAD:
                self._counted["no server"] += 1
            except (ValueError, LookupError) as error:
                self._damaged(repr(error))

    def _read_run(self, run_id: str, rev: str, ranges: Sequence[tuple[int, int, int]]) -> None:
        kept = [epoch for first, last, step in ranges for epoch in range(first, last + 1, step)]
        if not kept:
            return
        epoch, step = self._draws.choice(kept), -(-len(kept) // 500)
        for path in (f"view/{rev}/{epoch}", f"history/{rev}?from={kept[0]}&to={kept[-1]}&step={step}"):
            content = self._get(f"runs/{run_id}/{path}")
            if not is_sealed(content) or fault_of_arrays(content) is not None:
                self._damaged(path)
            self._counted["whole"] += 1

    def _get(self, path: str) -> bytes:
        with urlopen(f"{self._web.url}{path}", timeout=30) as answer:
            content: bytes = answer.read()
        return content

    def _damaged(self, what: str) -> None:
        self._counted["damaged"] += 1
        self._counted[f"damaged: {what[:300]}"] += 1


if __name__ == "__main__":
    main()
