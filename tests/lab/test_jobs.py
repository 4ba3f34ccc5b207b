"""Side jobs: one process a key, known by what is on disk."""

import os
import signal
import subprocess
import sys
import time

import pytest

from bcl_core.lab import Lab, jobs

KEY = "preview-0123456789"


def ended(lab: Lab, key: str = KEY) -> jobs.Job:
    end = time.monotonic() + 60
    while (job := jobs.look(lab, key)).state == "running":
        assert time.monotonic() < end, "it did not end in time"
        time.sleep(0.05)
    return job


SLEEP = """
import sys, time
from filelock import FileLock
lock = FileLock(sys.argv[1] + "/lock")
lock.acquire()
time.sleep(60)
"""


def sleeping(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let every job sleep instead of working, its lock held."""
    popen = subprocess.Popen
    monkeypatch.setattr(
        jobs.subprocess, "Popen", lambda command, **options: popen([sys.executable, "-c", SLEEP, command[3]], **options)
    )


@pytest.fixture(autouse=True)
def end_what_was_started(monkeypatch):
    monkeypatch.setattr(jobs, "_started", {})
    yield
    for process in jobs._started.values():
        process.kill()
        process.wait()


def test_a_job_runs_the_command_line_on_its_lab_and_keeps_what_it_prints(lab):
    assert jobs.look(lab, KEY).state == "unknown"
    assert jobs.start(lab, KEY, ["runs", "--json"]).state == "running"
    job = ended(lab)
    assert (job.state, job.output, job.error) == ("done", "", "")


@pytest.mark.slow
def test_wrong_input_is_told_in_the_command_line_s_own_sentence(lab):
    jobs.start(lab, KEY, ["export", "261111-0000000000", "x.zip"])
    job = ended(lab)
    assert job.state == "failed"
    assert job.error == "there is no run '261111-0000000000'; it may have been deleted"


def test_a_job_that_is_done_or_failed_is_not_started_again_until_it_is_forgotten(lab, monkeypatch):
    jobs.start(lab, KEY, ["nonsense"])
    assert ended(lab).state == "failed"
    monkeypatch.setattr(jobs, "_spawn", lambda *_: pytest.fail("started again"))
    assert jobs.start(lab, KEY, ["runs"]).state == "failed"
    jobs.forget(lab, KEY)
    assert jobs.look(lab, KEY).state == "unknown"


def test_the_same_key_at_once_is_one_process(lab, monkeypatch):
    sleeping(monkeypatch)
    jobs.start(lab, KEY, [])
    [process] = jobs._started.values()
    jobs.start(lab, KEY, [])
    assert list(jobs._started.values()) == [process]


def test_a_job_outlives_the_process_that_started_it_and_is_known_to_the_next(lab, monkeypatch):
    sleeping(monkeypatch)
    jobs.start(lab, KEY, [])
    [process] = jobs._started.values()
    lock = jobs.folder(lab, KEY) / "lock"
    while not (lock.exists() and jobs.is_locked(lock)):
        time.sleep(0.02)
    monkeypatch.setattr(jobs, "_started", {})
    assert jobs.look(lab, KEY).state == "running"
    process.send_signal(signal.SIGKILL)
    process.wait()
    job = jobs.look(lab, KEY)
    assert (job.state, job.error) == ("failed", jobs.DIED)


def test_a_third_job_waits_until_one_of_two_has_ended(lab, monkeypatch):
    sleeping(monkeypatch)
    for place in range(jobs.AT_ONCE):
        assert jobs.start(lab, f"preview-number-{place}", []).state == "running"
    assert jobs.start(lab, KEY, []).state == "unknown"
    process = jobs._started.pop(jobs.folder(lab, "preview-number-0"))
    process.kill()
    process.wait()
    assert jobs.start(lab, KEY, []).state == "running"


def test_a_running_job_cannot_be_forgotten(lab, monkeypatch):
    sleeping(monkeypatch)
    jobs.start(lab, KEY, [])
    jobs.forget(lab, KEY)
    assert jobs.look(lab, KEY).state == "running"


def test_progress_is_read_while_it_runs_and_no_more_after(lab, monkeypatch):
    sleeping(monkeypatch)
    jobs.start(lab, KEY, [])
    jobs.report(jobs.folder(lab, KEY), "Downloading CIFAR-10: 45 %")
    assert jobs.look(lab, KEY).progress == "Downloading CIFAR-10: 45 %"


@pytest.mark.parametrize("key", ["../../etc", "short", "", "a" * 100, "UPPER-CASE-KEY", "with space 12"])
def test_a_key_is_no_path(lab, key):
    with pytest.raises(ValueError, match="not the key of a job"):
        jobs.look(lab, key)


def test_what_ended_long_ago_is_removed_when_the_next_one_starts(lab):
    old = jobs.folder(lab, "preview-long-ago")
    old.mkdir(parents=True)
    (old / "upload.pth").write_text("never imported")
    os.utime(old, (0, 0))
    jobs.start(lab, KEY, ["runs"])
    assert ended(lab).state == "done"
    assert not old.exists()
