"""What a run stores of where its contrastive loss alone would leave means and prototypes."""

import json
import threading
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from bcl_core import geometry
from bcl_core.lab import GroupPlan, Lab, recording
from bcl_core.lab.files import RunFolder
from bcl_core.lab.recording import OpenRun, _write_prediction
from bcl_core.recipe import Execution, Recipe
from bcl_core.training import Epoch
from tests.conftest import small

COUNTS = np.array([40, 20, 20, 10, 4])


def recipe(loss: dict[str, object], **changes: object) -> Recipe:
    return Recipe.model_validate({"loss": {"temperature": 0.3, **loss}, **changes})


@pytest.mark.parametrize("anchors", ["instance", "class"])
@pytest.mark.parametrize(
    ("name", "averaging", "complement"),
    [("scl", False, False), ("class-averaging", True, False), ("class-complement", False, True), ("bcl", True, True)],
)
def test_every_corner_of_the_square_has_its_optimum_in_the_recipes_batches(
    tmp_path: Path, name: str, averaging: bool, complement: bool, anchors: str
) -> None:
    folder = RunFolder(tmp_path)
    _write_prediction(folder, recipe({"name": name, "anchors": anchors}, batch_size=16), COUNTS)
    found = geometry.optimal_configuration(
        COUNTS,
        class_averaging=averaging,
        class_complement=complement,
        anchors=anchors,
        temperature=0.3,
        batch_size=16,
        dim=32,
    )
    arrays, said = folder.arrays(folder.predicted), folder.metadata(folder.predicted)
    np.testing.assert_allclose(arrays["class_means"] @ arrays["class_means"].T, found.means @ found.means.T, atol=1e-6)
    assert ("prototypes" in arrays) == complement
    if found.prototypes is not None:
        np.testing.assert_allclose(
            arrays["class_means"] @ arrays["prototypes"].T, found.means @ found.prototypes.T, atol=1e-6
        )
    assert said["batch"] == "16" and json.loads(said["unique"]) is True
    assert float(said["gap"]) <= 1e-6 * float(said["value"])


def test_a_batch_larger_than_the_data_is_all_of_them(tmp_path: Path) -> None:
    folder = RunFolder(tmp_path)
    _write_prediction(folder, recipe({"name": "bcl"}, batch_size=4096), COUNTS)
    assert folder.metadata(folder.predicted)["batch"] == str(COUNTS.sum())


def test_fixed_prototypes_have_a_prediction_of_their_own(tmp_path: Path) -> None:
    folder = RunFolder(tmp_path)
    _write_prediction(folder, recipe({"name": "bcl", "prototypes": "simplex"}, batch_size=16), COUNTS)
    prototypes = folder.arrays(folder.predicted)["prototypes"]
    assert geometry.simplex_metrics(prototypes)["angle_rms_deviation"] < 1e-3


@pytest.mark.parametrize(
    ("loss", "changes"),
    [
        ({"name": "ce"}, {}),
        ({"name": "bcl", "self_term": True}, {}),
        ({"name": "bcl", "prototypes": "means"}, {}),
        ({"name": "bcl"}, {"model": {"projection_dim": 3}}),
    ],
)
def test_nothing_is_predicted_where_nothing_is_known(tmp_path: Path, loss: dict[str, object], changes: object) -> None:
    folder = RunFolder(tmp_path)
    _write_prediction(folder, recipe(loss, **changes), COUNTS)
    assert not folder.predicted.exists()


def test_more_different_counts_than_the_solver_takes_are_left_out(tmp_path: Path) -> None:
    counts = np.arange(1, geometry.MAX_DISTINCT_COUNTS + 2)
    folder = RunFolder(tmp_path)
    _write_prediction(folder, recipe({"name": "scl"}, model={"projection_dim": 1024}), counts)
    assert not folder.predicted.exists()


@pytest.mark.slow
def test_training_goes_on_meanwhile_and_the_first_epoch_says_how_far_it_is_from_there(
    lab: Lab, monkeypatch: pytest.MonkeyPatch
) -> None:
    measured, train = threading.Event(), recording.train

    def watched(*given: object, **options: object) -> Iterator[object]:
        for event in train(*given, **options):  # type: ignore[arg-type]
            if isinstance(event, Epoch):
                measured.set()
            yield event

    def late(*given: object) -> None:
        assert measured.wait(60), "training waits"
        _write_prediction(*given)  # type: ignore[arg-type]

    monkeypatch.setattr(recording, "train", watched)
    monkeypatch.setattr(recording, "_write_prediction", late)
    [run_id] = lab.enqueue(GroupPlan("one", [("one", small(epochs=1))]), Execution(device="cpu", threads=1))
    lock = lab.lock(run_id)
    assert lock is not None
    opened = OpenRun(lab, run_id, lock)
    assert opened.advance(lambda: True) is not None
    opened.close()
    assert lab.metrics(run_id, [0])[0]["distance_to_prediction"] > 0
