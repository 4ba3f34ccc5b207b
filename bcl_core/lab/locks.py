"""File locks as they are seen from outside: who holds one is alive, since they go with the process."""

from pathlib import Path

from filelock import FileLock, Timeout


def is_locked(path: Path) -> bool:
    """Whether a process holds this lock at the moment."""
    lock = taken(path)
    if lock is not None:
        lock.release()
    return lock is None


def taken(path: Path, patience: float = 0.0) -> FileLock | None:
    """Take a lock; None where another keeps it for `patience` seconds. Freed by release, or by the process's end."""
    lock = FileLock(path)
    try:
        lock.acquire(timeout=patience, poll_interval=0.01)
    except Timeout:
        return None
    return lock
