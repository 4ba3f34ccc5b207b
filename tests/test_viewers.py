"""A class that follows a live race: the load benchmark's path, shortened. Its figures are in the README."""

from pathlib import Path

import pytest

from bcl_core.lab import Lab, ensure_worker, stop_worker
from benchmarks.app import server
from benchmarks.viewers import race, wait_until_up

VIEWERS, EPOCHS = 20, 3


@pytest.mark.slow
def test_twenty_viewers_follow_a_race_and_miss_no_epoch(tmp_path: Path) -> None:
    lab = Lab(tmp_path)
    try:
        with server(lab.home, worker="off") as (url, process):
            wait_until_up(url)
            ensure_worker(lab)
            _, seen, _ = race(lab, url, process.pid, VIEWERS, EPOCHS)
    finally:
        stop_worker(lab)
    assert not seen.errors
    assert seen.epochs == [list(range(EPOCHS + 1))] * (3 * VIEWERS)
