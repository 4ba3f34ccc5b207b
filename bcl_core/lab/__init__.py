"""The lab: runs on disk, read by the screen, written by the worker. Importing it imports no torch."""

from bcl_core.lab.files import RunFolder, SnapshotError
from bcl_core.lab.launch import WorkerStatus, ensure_worker, stop_worker, worker_log, worker_status
from bcl_core.lab.store import GroupPlan, Lab, LabError, QueueFull, Run, RunIsActive, UnknownRun

__all__ = [
    "GroupPlan",
    "Lab",
    "LabError",
    "QueueFull",
    "Run",
    "RunFolder",
    "RunIsActive",
    "SnapshotError",
    "UnknownRun",
    "WorkerStatus",
    "ensure_worker",
    "stop_worker",
    "worker_log",
    "worker_status",
]
