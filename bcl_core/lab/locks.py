"""File locks as they are seen from outside: who holds one is alive, since they go with the process."""

from pathlib import Path

from filelock import FileLock, Timeout


def is_locked(path: Path) -> bool:
    """Whether a process holds this lock at the moment."""
    try:
        lock = taken(path)
    except OSError:  # it may not be made, or opened to be written
        return path.exists() and _is_held(path)
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


def _is_held(path: Path) -> bool:
    """Whether a lock that cannot be written is held, on systems that tell."""
    try:
        import fcntl

        with path.open("rb") as file:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    except (ImportError, OSError):
        return False
    return False
