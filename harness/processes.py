"""The processes that train, by their ids (Linux)."""

from contextlib import suppress
from pathlib import Path


def children(pid: int) -> list[int]:
    """Return the processes that this one has started and that live, none where it is gone."""
    try:
        return [int(child) for task in Path(f"/proc/{pid}/task").iterdir() for child in _words(task / "children")]
    except OSError:
        return []


def hands(home: Path) -> list[int]:
    """Return the hands of a lab: each leads a group of its own, and outlives what it was forked from."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            command = (process / "cmdline").read_bytes().split(b"\0")
            group = int((process / "stat").read_text().rpartition(")")[2].split()[2])
            if b"bcl_core.lab.worker.hand" in command and str(home).encode() in command and group == int(process.name):
                found.append(group)
    return sorted(found)


def _words(file: Path) -> list[str]:
    return file.read_text().split()


def held_at_most(pid: int) -> int:
    """Return the most memory that a process has held, in bytes (Linux)."""
    status = dict(line.split(":", 1) for line in Path(f"/proc/{pid}/status").read_text().splitlines())
    return int(status["VmHWM"].split()[0]) * 1024
