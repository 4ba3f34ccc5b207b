"""What all tests share: one torch thread, a small recipe, a lab of their own."""

import os
from pathlib import Path

os.environ.setdefault("OMP_NUM_THREADS", "1")

import hypothesis
import pytest

from bcl_core.lab import GroupPlan, Lab
from bcl_core.recipe import Execution, Recipe, apply_settings, preset

# On a busy machine a slow example is not a wrong one.
hypothesis.settings.register_profile("patient", deadline=None)
hypothesis.settings.load_profile("patient")


BROWSER = Path(__file__).parent / "browser"


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark what `make test-fast` leaves out by where it lies and what it asks for, so that no test can forget it."""
    for item in items:
        if item.path.is_relative_to(BROWSER):
            item.add_marker("browser")
        if "open_page" in getattr(item, "fixturenames", ()):
            item.add_marker("page")
    # Files that take long come first, so that at the end no process waits for the other's last one.
    slow = {item.path for item in items if item.get_closest_marker("slow")}
    items.sort(key=lambda item: (not item.get_closest_marker("browser"), item.path not in slow))


@pytest.fixture(autouse=True)
def one_thread() -> None:
    import torch

    torch.set_num_threads(1)


@pytest.fixture
def lab(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Lab:
    home = tmp_path / "lab"
    monkeypatch.setenv("BCL_LAB_HOME", str(home))
    return Lab(home)


@pytest.fixture
def on_a_dead_drive(lab: Lab, tmp_path: Path) -> str:
    """A queued run whose images never come: one is a pipe that nobody writes to."""
    from tests.data.small_images import save

    for place in range(8):
        save(tmp_path / "photos" / ("cats" if place < 4 else "dogs") / f"{place}.png", place)
    os.mkfifo(tmp_path / "photos" / "dogs" / "never.png")
    settings = {"data.path": tmp_path / "photos", "data.image_size": 16, "device": "cpu", "threads": 1, "epochs": 1}
    recipe, execution = apply_settings(preset("own-images-bcl"), Execution(), settings)
    [run_id] = lab.enqueue(GroupPlan("photos", [("photos", recipe)]), execution)
    return run_id


@pytest.fixture
def no_worker(monkeypatch: pytest.MonkeyPatch) -> None:
    """Queueing starts no process."""
    from bcl_core.lab import jobs, launch

    class Process:
        def poll(self) -> None:
            return None

    for starts in (launch, jobs):
        monkeypatch.setattr(starts, "spawn", lambda *_: Process())


def small(preset_name: str = "digits-bcl", **settings: object) -> Recipe:
    """A preset that trains in a second or two: a few epochs, few test images."""
    dotted = {key.replace("__", "."): value for key, value in settings.items()}
    recipe, _ = apply_settings(preset(preset_name), Execution(), {"epochs": 3, "data.test_per_class": 10, **dotted})
    return recipe
