"""However a disk fills up while a run trains, the run does not stay "running" for ever."""

import json
import os
import signal
import subprocess
import sys
import time

import pytest

from bcl_core.cli import main
from bcl_core.lab import GroupPlan, Lab
from bcl_core.lab.pulse import Pulse
from bcl_core.recipe import Execution
from tests.conftest import small
from tests.disks import small_disk
from tests.lab.test_faults import fill

CPU = Execution(device="cpu", threads=1)
PATIENCE_SECONDS = 120


def until(holds):
    """Wait until something holds; it is asked ten times a second."""
    end = time.monotonic() + PATIENCE_SECONDS
    while not holds():
        assert time.monotonic() < end, "it never held"
        time.sleep(0.1)


@pytest.fixture
def worker():
    """What starts the worker of a lab, as a process of its own whose log lies elsewhere."""
    started = []

    def start(lab, log):
        command = [sys.executable, "-m", "bcl_core", "--home", str(lab.home), "worker", "--idle", "60"]
        with log.open("ab") as out:
            started.append(subprocess.Popen(command, stdout=out, stderr=out))
        return started[-1]

    yield start
    for process in started:
        process.terminate()
        process.wait()


@pytest.mark.slow
def test_a_run_whose_epoch_finds_no_room_fails_with_the_reason_and_what_a_dead_worker_could_not_say_a_reader_settles(
    tmp_path, worker
):
    home = tmp_path / "lab"
    with small_disk(home, 16 << 20):
        lab = Lab(home)
        [run_id] = lab.enqueue(GroupPlan("race", [("run", small(epochs=500))]), CPU)
        process = worker(lab, tmp_path / "log")
        until(lambda: (lab.run(run_id).epoch or 0) >= 1)
        fill(home)
        log = tmp_path / "log"
        until(lambda: lab.run(run_id).state == "failed" or "is full" in log.read_text())
        assert process.poll() is None
        for file in home.glob("fill-*"):
            file.unlink()
        until(lambda: lab.run(run_id).state == "failed")
        assert (
            f"the disk that holds {home}" in lab.run(run_id).error
            and "is full: free some space" in lab.run(run_id).error
        )
        assert "Traceback" not in log.read_text()
        events = [json.loads(line) for line in log.read_text().splitlines()]
        assert {event["pid"] for event in events} > {process.pid} and run_id in {event.get("run") for event in events}
        recorded = lab.run(run_id).epoch
        assert lab.folder(run_id).epochs()[: recorded + 1] == list(range(recorded + 1))
        lab.resume(run_id)
        until(lambda: lab.run(run_id).epoch > recorded)
        assert process.poll() is None
        process.send_signal(signal.SIGKILL)
        process.wait()
        fill(home)
        pulse = Pulse(lab)
        pulse.look([run_id])
        assert lab.run(run_id).state == "running"
        for file in home.glob("fill-*"):
            file.unlink()
        until(lambda: pulse.look([run_id]) or lab.run(run_id).state == "queued")  # its hand ends with it, in a moment


@pytest.mark.parametrize(
    ("steer", "state"),
    [(None, "queued"), ("UPDATE runs SET stop = 1", "stopped"), ("UPDATE runs SET run_until = 0", "paused")],
)
def test_a_run_that_nobody_trains_any_more_is_what_it_was_asked_to_be(lab, steer, state):
    [run_id] = lab.enqueue(GroupPlan("race", [("run", small())]))
    lab.record_epoch(run_id, 0, {})
    lab.record_state(run_id, "running")
    if steer:
        lab._database.change(steer)
    held = lab.lock(run_id)
    pulse = Pulse(lab)
    pulse.look([run_id])
    assert lab.run(run_id).state == "running"
    held.release()
    pulse.look([run_id])
    assert lab.run(run_id).state == state


@pytest.mark.slow
def test_training_from_the_command_line_ends_in_a_sentence_on_a_full_disk(tmp_path):
    home = tmp_path / "lab"
    with small_disk(home, 16 << 20):
        command = [sys.executable, "-m", "bcl_core", "--home", str(home), "train", "--preset", "digits-bcl"]
        settings = ["--set=epochs=500", "--set=threads=1", "--set=data.test_per_class=10"]
        environment = {**os.environ, "PYTHONUNBUFFERED": "1"}
        process = subprocess.Popen(
            [*command, *settings], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment
        )
        while "epoch   1" not in process.stdout.readline():
            assert process.poll() is None
        fill(home)
        _, err = process.communicate(timeout=PATIENCE_SECONDS)
        begun, said = err.splitlines()
        assert "makes a new lab" in begun
        assert process.returncode == 2 and "is full: free some space" in said


def test_training_that_diverges_ends_in_a_sentence(lab, capsys):
    wild = ["optimiser.lr=10", "optimiser.weight_decay=1", "optimiser.warmup_steps=0", "epochs=40", "threads=1"]
    with pytest.raises(SystemExit) as end:
        main(["train", "--preset", "digits-bcl", *(f"--set={setting}" for setting in wild), "--set=device=cpu"])
    err = capsys.readouterr().err
    assert end.value.code == 2 and len(err.splitlines()) == 1
    assert "NaN or infinite" in err and "a smaller learning rate (optimiser.lr) or a larger temperature" in err
    [run] = lab.runs()
    assert run.state == "failed" and f"bcl_core: {run.error}\n" == err
