"""The processes of a worker, by their ids (Linux)."""

from pathlib import Path


def children(pid: int) -> list[int]:
    """Return the processes that this one has started and that live, none where it is gone."""
    try:
        return [int(child) for task in Path(f"/proc/{pid}/task").iterdir() for child in _words(task / "children")]
    except OSError:
        return []


def hands(worker: int) -> list[int]:
    """Return the processes that train for a worker."""
    return [hand for nursery in children(worker) for hand in children(nursery)]


def _words(file: Path) -> list[str]:
    return file.read_text().split()
