"""Seeing to it that a worker is alive. Used by whoever queues runs; imports no torch."""

import os
import resource
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import IO, NamedTuple

from filelock import FileLock, Timeout

from bcl_core.data.places import data_home
from bcl_core.lab.faults import in_words
from bcl_core.lab.locks import is_locked
from bcl_core.lab.logs import readable
from bcl_core.lab.run import LabError
from bcl_core.lab.store import Lab
from bcl_core.provenance import code_version

IDLE_SECONDS = 30 * 60
# How long the successor of a worker of older code waits for it to leave; it may be too old to leave in seconds.
HANDOVER_SECONDS = 120

_AT_FIRST = resource.getrlimit(resource.RLIMIT_DATA)
_started: dict[str, "subprocess.Popen[bytes]"] = {}


class WorkerStatus(NamedTuple):
    """What can be said of a lab's worker from outside."""

    alive: bool
    pid: int | None
    code_version: str | None
    failure: str | None  # why the worker that this process started is not there

    @property
    def up_to_date(self) -> bool:
        """Whether it runs the code that this process would run."""
        return self.code_version == code_version()


def worker_status(lab: Lab) -> WorkerStatus:
    """Return the state of the lab's worker. Alive is who holds the lock."""
    alive = is_locked(lab.worker_lock)
    row = lab.worker.read()
    process = _started.get(str(lab.home))
    exit_code = process.poll() if process else None
    failure = f"the worker ended with exit code {exit_code}: {_last_line(lab)}" if exit_code and not alive else None
    if row is None:
        return WorkerStatus(alive, None, None, failure)
    return WorkerStatus(alive, row.pid, row.code_version, failure)


def ensure_worker(lab: Lab) -> None:
    """Start a worker if none is alive, and replace one of other code. Returns at once; the worker outlives us.

    Raises LabError where it cannot be started.
    """
    process = _started.get(str(lab.home))
    status = worker_status(lab)
    if status.alive and status.up_to_date:
        return
    if status.alive and status.code_version is not None:
        lab.worker.ask_to_leave()
    if process is not None and process.poll() is None:
        return  # started a moment ago, has not signed in yet
    command = [sys.executable, "-m", "bcl_core", "--home", str(lab.home), "worker"]
    command += ["--idle", str(IDLE_SECONDS), "--wait", str(HANDOVER_SECONDS if status.alive else 2)]
    with in_words(lab.home), (lab.home / "worker.log").open("ab") as log:
        try:
            _started[str(lab.home)] = spawn(lab, command, log, log)
        except OSError as error:
            raise LabError(f"the worker cannot be started: {error.strerror}") from error


def spawn(lab: Lab, command: Sequence[str], out: IO[bytes], err: IO[bytes]) -> subprocess.Popen[bytes]:
    """Start a process of the lab that outlives this one, and may take the memory that this one could as it began."""
    now = resource.getrlimit(resource.RLIMIT_DATA)
    resource.setrlimit(resource.RLIMIT_DATA, _AT_FIRST)
    try:
        return subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=err,
            start_new_session=True,
            cwd=lab.home,
            env=environment(),
        )
    finally:
        resource.setrlimit(resource.RLIMIT_DATA, now)


@contextmanager
def worker_lock(lab: Lab, wait_seconds: float) -> Iterator[bool]:
    """Become the lab's worker for the time of the block; yields False if another kept the lock for `wait_seconds`."""
    try:
        with in_words(lab.home), FileLock(lab.worker_lock).acquire(timeout=wait_seconds):
            lab.worker.sign_in(os.getpid(), code_version())
            yield True
    except Timeout:
        yield False


def stop_worker(lab: Lab) -> bool:
    """Ask the worker to end, whatever it is at; its runs stay queued. Returns False if none was alive."""
    alive = is_locked(lab.worker_lock)
    if alive:
        lab.worker.ask_to_leave()
    return alive


def worker_log(lab: Lab, last_bytes: int = 20_000) -> str:
    """Return the end of the worker's log, at most `last_bytes` of it, for people; "" where there is none."""
    path = lab.home / "worker.log"
    if not path.exists():
        return ""
    with path.open("rb") as file:
        start = max(0, path.stat().st_size - last_bytes)
        file.seek(start)
        text = file.read().decode(errors="replace")
    return readable(text.partition("\n")[2] if start else text)  # the first line may be cut


def environment() -> dict[str, str]:
    """Return this process's environment, for one that stands in the lab's folder: same package, same data.

    A lab may come from somebody else. Modules are found where this process was told to look for them, and not in the
    folder that the other one stands in.
    """
    root, places = Path(__file__).parents[2], os.environ.get("PYTHONPATH")
    path = [root, *(places.split(os.pathsep) if places else ())]
    absolute = os.pathsep.join(str(Path(place).absolute()) for place in path)
    parquet = os.environ.get("BCL_LAB_PARQUET")
    data = {"BCL_LAB_DATA": str(data_home())}
    if parquet:
        data["BCL_LAB_PARQUET"] = str(Path(parquet).expanduser().absolute())
    return {**os.environ, "PYTHONPATH": absolute, "PYTHONSAFEPATH": "1", **data}


def _last_line(lab: Lab) -> str:
    lines = [line for line in worker_log(lab, 2000).splitlines() if line.strip()]
    return lines[-1][:300] if lines else "its log is empty"
