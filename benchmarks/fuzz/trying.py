"""Feeding a room: every input within bounds of memory and time, with what it touches noted."""

import hashlib
import os
import random
import resource
import select
import signal
import sys
import tempfile
import traceback
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

from benchmarks.fuzz.rooms import ROOMS
from harness.processes import held_at_most
from harness.serving import ROOT

CORPUS = ROOT / "tests" / "fixtures" / "corpus"
DATA_BYTES, SECONDS = 1 << 30, 10
MOST_KEPT = 20  # failures of a room, each of another kind
OURS = tuple(map(str, (ROOT, sys.prefix, sys.base_prefix, "/usr", "/proc", "/sys", "/dev", "/lib")))
_ETC = ("/etc/localtime", "/etc/mime.types", "/etc/nsswitch.conf", "/etc/os-release", "/etc/passwd-", "/etc/ld.so")


def fuzz(name: str, inputs: int, seed: int, folder: Path) -> dict[str, Any]:
    """Feed a room in this process; return how many inputs it took and refused, and how it gave way."""
    draws, counted, gave_way = random.Random(f"{name} {seed}"), Counter[str](), dict[str, str]()
    home = folder / "room"
    home.mkdir()
    room = ROOMS[name].open(home)
    for sample in () if ROOMS[name].forked else room.samples:  # what is imported, and made, but once
        room.attempt(sample)
    most = DATA_BYTES + _reserved()
    resource.setrlimit(resource.RLIMIT_DATA, (most, resource.getrlimit(resource.RLIMIT_DATA)[1]))
    signal.signal(signal.SIGALRM, _too_long)
    with elsewhere(home) as touched:

        def tried(content: bytes) -> str:
            touched.clear()
            signal.alarm(SECONDS)
            try:
                outcome = room.attempt(content)
            finally:
                signal.alarm(0)
            assert not touched, f"touched {touched[0]}"
            return outcome

        for _ in range(inputs):
            content = room.draw(draws)
            (folder / "last").write_bytes(content)
            try:
                counted[_forked(tried, content) if ROOMS[name].forked else tried(content)] += 1
            except Exception as error:
                kind = _kind(error)
                if kind not in gave_way and len(gave_way) < MOST_KEPT:
                    gave_way[kind] = f"{kind}, {str(error)[:160]!r}; kept as {keep(name, content)}"
    # Not `ru_maxrss` of this process: it begins with what the one held that started it.
    peak = max(held_at_most(os.getpid()), resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss * 1024)
    return {"inputs": inputs, **{of: counted[of] for of in ("taken", "refused")}, "gave way": [*gave_way.values()],
            "peak": peak}  # fmt: skip


def _forked(tried: Callable[[bytes], str], content: bytes) -> str:
    """Try an input in a child of this process, which may die of it."""
    here, there = os.pipe()
    child = os.fork()
    if child == 0:
        words = "the process had no memory left to say why"
        try:
            words = tried(content)
        except BaseException as error:
            words = f"{_kind(error)}, {str(error)[:160]!r}"
        finally:
            os.write(there, words.encode("utf-8", "replace"))
            os._exit(0)
    os.close(there)
    ready, _, _ = select.select([here], [], [], 2 * SECONDS)
    if not ready:
        os.kill(child, signal.SIGKILL)
    words = os.read(here, 4096).decode() if ready else f"hung for {2 * SECONDS} s"
    os.close(here)
    _, status = os.waitpid(child, 0)
    if words not in ("taken", "refused"):
        raise ChildProcessError(words or f"the process ended with signal {os.WTERMSIG(status)}")
    return words


def replay(folder: Path) -> list[str]:
    """Try again what once gave way, all in this process; return how it does."""
    gave_way = []
    for inputs in sorted(each for each in CORPUS.iterdir() if each.name in ROOMS):
        home = folder / inputs.name
        home.mkdir()
        room = ROOMS[inputs.name].open(home)
        for file in sorted(inputs.iterdir()):
            attempt = partial(_forked, room.attempt) if ROOMS[inputs.name].forked else room.attempt
            try:
                attempt(file.read_bytes())
            except Exception as error:
                gave_way.append(f"{file.relative_to(CORPUS)}: {_kind(error)}, {str(error)[:160]!r}")
    return gave_way


def keep(room: str, content: bytes) -> str:
    """Keep an input for the test; return its name."""
    file = CORPUS / room / hashlib.sha256(content).hexdigest()[:16]
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(content)
    return str(file.relative_to(ROOT))


@contextmanager
def elsewhere(home: Path) -> Iterator[list[str]]:
    """Note the files that are opened, made, moved or removed and are neither in `home` nor the installation's."""
    touched: list[str] = []
    active = [True]
    mine = (str(home), str(home.parent), os.path.realpath(home), tempfile.gettempdir() + "/pymp")

    def hook(event: str, arguments: Sequence[Any]) -> None:
        if not active[0] or event not in _EVENTS:
            return
        if event in ("os.remove", "os.rmdir") and arguments[1] != -1:
            return  # by its name in a folder that was opened before
        writes = event != "open" or bool((arguments[2] or 0) & (os.O_WRONLY | os.O_RDWR | os.O_CREAT))
        for path in arguments[: 2 if event in ("os.rename", "os.link", "os.symlink", "shutil.move") else 1]:
            if isinstance(path, str | bytes | os.PathLike):
                place = str(Path(os.fsdecode(path)).absolute())
                known = mine if writes else (*mine, *OURS, *_ETC)
                if not place.startswith(known) and place != os.devnull:
                    touched.append(f"{event} {place}")

    sys.addaudithook(hook)  # for good: that is why it can be silent
    try:
        yield touched
    finally:
        active[0] = False


_EVENTS = ("open", "os.mkdir", "os.remove", "os.rename", "os.rmdir", "os.link", "os.symlink", "os.truncate",
           "os.chmod", "shutil.rmtree", "shutil.move", "subprocess.Popen", "os.system")  # fmt: skip


def _kind(error: BaseException) -> str:
    """Name an error by what it is and where it came from, so that each kind is kept once."""
    frames = [frame for frame in traceback.extract_tb(error.__traceback__) if str(ROOT) in frame.filename]
    if isinstance(error, ChildProcessError):
        return str(error)
    at = f"{Path(frames[-1].filename).name}:{frames[-1].lineno}" if frames else "?"
    return f"{type(error).__name__} at {at}"


def _reserved() -> int:
    """Return the bytes of data that this process has set apart, which allocators do beforehand (Linux)."""
    status = dict(line.split(":", 1) for line in Path("/proc/self/status").read_text().splitlines())
    return int(status["VmData"].split()[0]) * 1024


def _too_long(*_: object) -> None:
    raise TimeoutError(f"took more than {SECONDS} s")
