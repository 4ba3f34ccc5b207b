"""Side jobs of the app: `python -m bcl_core …` in a process of its own, known by a key. Imports no torch.

A job's folder holds its `stdout`, `stderr`, `progress`, `lock` and, when it has ended, its `exit_code`. The job holds
the lock for as long as it lives, however it ends, so that any process can tell at any time how it stands.
"""

import os
import re
import resource
import runpy
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from filelock import FileLock, Timeout

from bcl_core.lab.faults import in_words
from bcl_core.lab.launch import spawn
from bcl_core.lab.locks import is_locked
from bcl_core.lab.store import Lab

KEY = re.compile(r"[a-z0-9-]{8,80}")
AT_ONCE = 2
PATIENCE_SECONDS = 5  # whoever looks how a job stands takes its lock for a moment
KEPT_SECONDS = 7 * 24 * 3600
READERS = ("import", "record")  # what they read may come from anybody
READER_CPU_SECONDS = 15 * 60
DIED = "it ended before it could say why; memory, or the disk, may have run out"

_started: dict[Path, "subprocess.Popen[bytes]"] = {}


@dataclass(frozen=True)
class Job:
    """How a job stands."""

    folder: Path
    state: Literal["unknown", "running", "done", "failed"]
    progress: str = ""  # what it is busy with, while it runs
    error: str = ""  # one sentence, where it failed

    @property
    def output(self) -> str:
        """What it has printed."""
        return _text(self.folder / "stdout")


def start(lab: Lab, key: str, arguments: Sequence[str]) -> Job:
    """Start a job unless it has been started before, or AT_ONCE others run: then it stays unknown; ask again later.

    The same key is the same job; the arguments are those of `python -m bcl_core`. Raises DiskError where its folder
    cannot be written.
    """
    mine = folder(lab, key)
    with in_words(lab.home):
        return _start(lab, mine, arguments)


def _start(lab: Lab, mine: Path, arguments: Sequence[str]) -> Job:
    _home(lab).mkdir(exist_ok=True)
    with FileLock(_home(lab) / "lock"):
        known = [_look(entry) for entry in _home(lab).iterdir() if entry.is_dir()]
        if _look(mine).state == "unknown" and sum(job.state == "running" for job in known) < AT_ONCE:
            _sweep(known)
            _spawn(lab, mine, arguments)
    return _look(mine)


def look(lab: Lab, key: str) -> Job:
    """Say how a job stands; ValueError where the key is none."""
    return _look(folder(lab, key))


def forget(lab: Lab, key: str) -> None:
    """Remove what a job left, so that it can be started anew; one that runs is left alone."""
    job = look(lab, key)
    if job.state in ("done", "failed"):
        shutil.rmtree(job.folder)


def folder(lab: Lab, key: str) -> Path:
    """Return the folder of a job, where its input can be laid before it starts; ValueError where the key is none."""
    if not KEY.fullmatch(key):
        raise ValueError(f"{key[:80]!r} is not the key of a job")
    return _home(lab) / key


def report(folder: Path, words: str) -> None:
    """Say what the job is busy with; called by the job itself."""
    _leave(folder / "progress", words)


def _leave(file: Path, text: str) -> None:
    aside = file.with_name(f".{file.name}")
    aside.write_text(text, encoding="utf-8")
    aside.replace(file)


def _home(lab: Lab) -> Path:
    return lab.home / "jobs"


def _spawn(lab: Lab, folder: Path, arguments: Sequence[str]) -> None:
    folder.mkdir(exist_ok=True)
    with (folder / "stdout").open("wb") as out, (folder / "stderr").open("wb") as err:
        command = [sys.executable, "-m", "bcl_core.lab.jobs", str(folder), str(lab.home), *arguments]
        _started[folder] = spawn(lab, command, out, err)


def _look(folder: Path) -> Job:
    process = _started.get(folder)
    coming = process is not None and process.poll() is None  # it may not have taken its lock yet
    lock = folder / "lock"
    if coming or (lock.exists() and is_locked(lock)):
        return Job(folder, "running", progress=_text(folder / "progress"))
    code = _text(folder / "exit_code")
    if code == "0":
        return Job(folder, "done")
    if code:
        return Job(folder, "failed", error=_reason(code, _text(folder / "stderr")))
    return Job(folder, "failed", error=DIED) if (folder / "stdout").exists() else Job(folder, "unknown")


def _reason(code: str, stderr: str) -> str:
    """Return the command line's sentence, which it leaves with code 2, or the last line of a traceback."""
    lines = [line for line in stderr.splitlines() if line.strip()] or [DIED]
    return lines[-1].removeprefix("bcl_core: ") if code == "2" else f"{lines[-1]} (exit code {code})"


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""


def _sweep(jobs: Sequence[Job]) -> None:
    """Remove what ended a week ago or was never started."""
    for job in jobs:
        if job.state != "running" and time.time() - job.folder.stat().st_mtime > KEPT_SECONDS:
            shutil.rmtree(job.folder, ignore_errors=True)


class _Bound(BaseException):
    """A reader went beyond its memory or time. No handler for a damaged file's errors should take it for one."""


@contextmanager
def _bounded() -> Iterator[None]:
    """Hold this process to half of the machine's memory and some minutes; whatever a file makes of itself, it ends.

    Not the worker that it may start, which trains for hours: timers are no limits that a child inherits, and memory is
    given back by `launch.spawn`, which a hard limit would not allow.
    """
    half = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") // 2
    resource.setrlimit(resource.RLIMIT_DATA, (half, resource.getrlimit(resource.RLIMIT_DATA)[1]))
    signal.signal(signal.SIGPROF, _too_long)
    signal.setitimer(signal.ITIMER_PROF, READER_CPU_SECONDS)
    signal.setitimer(signal.ITIMER_VIRTUAL, READER_CPU_SECONDS + 30)  # ends what Python has no say in
    try:
        yield
    except MemoryError as error:
        raise _Bound(f"the file takes more than {half / 1024**3:.1f} GiB of memory to read: make it smaller") from error


def _too_long(*_: object) -> None:
    raise _Bound(f"the file takes more than {READER_CPU_SECONDS // 60} minutes to read: make it smaller")


def _run(folder: Path, home: str, arguments: Sequence[str]) -> None:
    """Be the job: hold its lock, run `python -m bcl_core` with these arguments, leave its exit code."""
    code: object = 1
    try:
        with FileLock(folder / "lock").acquire(timeout=PATIENCE_SECONDS):
            try:
                sys.argv = ["bcl_core", "--home", home, *arguments]
                with _bounded() if arguments[0] in READERS else nullcontext():
                    runpy.run_module("bcl_core", run_name="__main__", alter_sys=True)
            except SystemExit as end:
                code = end.code or 0
            except _Bound as bound:
                print(f"bcl_core: {bound}", file=sys.stderr)
                code = 2
            finally:
                _leave(folder / "exit_code", str(code))
    except Timeout:
        pass  # another process is this job


if __name__ == "__main__":
    _run(Path(sys.argv[1]), sys.argv[2], sys.argv[3:])
