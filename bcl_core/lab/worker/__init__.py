"""Who trains what is queued: one worker a lab, and the hands that it holds. Importing this imports no torch."""

from bcl_core.lab.worker.worker import GRACE_SECONDS, LOOK_SECONDS, Worker
