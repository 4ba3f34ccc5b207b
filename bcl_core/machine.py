"""What of this machine a process may use: cores and memory, as its system and its container allow. Imports no torch."""

import os
from pathlib import Path

import joblib

_V1 = "memory.limit_in_bytes", "memory.usage_in_bytes", "total_inactive_file"
_V2 = "memory.max", "memory.current", "inactive_file"


def cores() -> int:
    """Return how many cores this process may use: of its affinity and its container's quota, at least 1."""
    return int(joblib.cpu_count())


def free_memory(root: Path = Path("/")) -> int:
    """Return how many bytes may be taken before the system or a container (cgroup) of this process ends somebody.

    What files have left in memory counts as free. `root` is where /proc and /sys are looked for.
    """
    return min([_available(root), *_left_to_groups(root)])


def _available(root: Path) -> int:
    try:
        fields = dict(line.split(":") for line in (root / "proc/meminfo").read_text().splitlines())
        return int(fields["MemAvailable"].split()[0]) * 1024
    except (OSError, LookupError, ValueError):
        return os.sysconf("SC_AVPHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")


def _left_to_groups(root: Path) -> list[int]:
    """Return what the limits of this process's groups, and of those around them, leave; inside a container, its own."""
    try:
        lines = (root / "proc/self/cgroup").read_text().splitlines()
    except OSError:
        return []
    left: list[int | None] = []
    for _, controllers, name in (line.split(":", 2) for line in lines):
        if controllers in ("", "memory"):
            home = root / "sys/fs/cgroup" / controllers
            group = home / name.lstrip("/")
            around = [folder for folder in (group, *group.parents) if folder.is_relative_to(home)]
            left += [_left_to(folder, *(_V1 if controllers else _V2)) for folder in around]
    return [bytes_left for bytes_left in left if bytes_left is not None]


def _left_to(group: Path, limit: str, usage: str, of_files: str) -> int | None:
    try:
        statistics = dict(line.split() for line in (group / "memory.stat").read_text().splitlines())
        used = int((group / usage).read_text()) - int(statistics[of_files])
        return max(0, int((group / limit).read_text()) - used)
    except (OSError, LookupError, ValueError):  # no such file here, or "max"
        return None
