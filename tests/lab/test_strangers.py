"""What comes from others: a lab's folder is data and never code, and a file is read within bounds."""

import os
import subprocess
import sys

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from bcl_core.lab import RecordError, jobs
from bcl_core.lab.launch import ensure_worker, environment, spawn, worker_log, worker_status
from bcl_core.lab.record_files import record_file
from tests.lab.test_jobs import KEY, end_what_was_started, ended  # noqa: F401

INTRUDER = "import pathlib; pathlib.Path('this-ran').touch(); raise SystemExit"


def test_a_module_in_a_lab_s_folder_is_imported_by_no_process_of_it(lab):
    for name in ("filelock", "json", "torch", "sitecustomize", "usercustomize"):
        (lab.home / f"{name}.py").write_text(INTRUDER)
    jobs.start(lab, KEY, ["runs", "--json"])
    assert ended(lab).state == "done"
    ensure_worker(lab)
    try:
        while not worker_status(lab).alive:
            assert worker_status(lab).failure is None, worker_log(lab)
    finally:
        lab.worker.ask_to_leave()
    assert not (lab.home / "this-ran").exists()


def test_a_relative_place_for_modules_is_the_one_that_this_process_means(lab, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PYTHONPATH", f"mine{os.pathsep}")
    places = environment()["PYTHONPATH"].split(os.pathsep)
    assert places[1:] == [str(tmp_path / "mine"), str(tmp_path)]
    with (lab.home / "log").open("wb") as log:
        spawn(lab, [sys.executable, "-c", "import sys; print(sys.path)"], log, log).wait()
    assert str(lab.home) not in (lab.home / "log").read_text()


def test_a_text_that_stands_once_in_a_file_does_not_become_one_for_each_row(lab, tmp_path):
    """103 kB took 5 GB and a minute: one label of 100,000 characters, said of 5,000 rows; here of 500."""
    labels = pa.array(["x" * 100_000, "y"] * 250)
    table = pa.table({"embedding": pa.array(np.ones((500, 2)).tolist()), "label": labels})
    pq.write_table(table, tmp_path / "labels.parquet")
    assert (tmp_path / "labels.parquet").stat().st_size < 200_000
    with pytest.raises(RecordError, match="column label holds a text of 100,000 characters; at most 200"):
        record_file(lab, tmp_path / "labels.parquet")


GREEDY = "import numpy; numpy.ones(1 << 60, numpy.int8)"
ENDLESS = "while True: pass"


@pytest.mark.parametrize(
    ("code", "seconds", "words"), [(GREEDY, 60, "GiB of memory to read"), (ENDLESS, 1, "minutes to read")]
)
def test_who_reads_a_stranger_s_file_is_held_to_memory_and_time(lab, monkeypatch, code, seconds, words):
    read = f"""
import sys, runpy
from bcl_core.lab import jobs
jobs.READER_CPU_SECONDS = {seconds}
jobs.runpy.run_module = lambda *_, **__: exec({code!r})
jobs._run(jobs.Path(sys.argv[3]), sys.argv[4], sys.argv[5:])
"""
    popen = subprocess.Popen
    monkeypatch.setattr(jobs.subprocess, "Popen", lambda c, **options: popen([c[0], "-c", read, *c[1:]], **options))
    jobs.start(lab, KEY, ["record", "file"])
    job = ended(lab)
    assert job.state == "failed" and job.error.startswith("the file takes more than") and words in job.error


def test_a_worker_that_an_import_starts_may_train_for_longer_than_an_import_may_read(lab):
    limits = "import resource as r; print(r.getrlimit(r.RLIMIT_CPU), r.getrlimit(r.RLIMIT_DATA))"
    start = f"""
import sys
from bcl_core.lab import Lab, jobs, launch
with jobs._bounded():
    launch.spawn(Lab(jobs.Path(sys.argv[1])), [sys.executable, "-c", {limits!r}], sys.stdout, sys.stderr).wait()
"""
    done = [subprocess.run([sys.executable, *call], capture_output=True, text=True, check=True).stdout
            for call in (["-c", limits], ["-c", start, str(lab.home)])]  # fmt: skip
    assert done[0] == done[1]
