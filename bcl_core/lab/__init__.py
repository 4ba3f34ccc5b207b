"""The lab: runs on disk, read by the screen, written by the worker or a `Recorder`. Importing it imports no torch."""

from bcl_core.lab.files import RunFolder, SnapshotError
from bcl_core.lab.launch import WorkerStatus, ensure_worker, stop_worker, worker_log, worker_status
from bcl_core.lab.reading import Reading, read
from bcl_core.lab.record_arrays import RecordError
from bcl_core.lab.recorded import record
from bcl_core.lab.recorder import Recorder
from bcl_core.lab.run import DiskError, LabError, QueueFull, Run, RunIsActive, UnknownRun
from bcl_core.lab.store import GroupPlan, Lab
