"""An export is one file with everything but the images, whole or absent, and comes back as the same model."""

import json
import zipfile

import pytest
import torch
from safetensors.torch import load

from bcl_core.lab import Lab, LabError
from bcl_core.lab.evaluating import Evaluation, evaluate_run
from bcl_core.lab.export import EXPORTED, export_run
from bcl_core.lab.foreign import CheckpointError, exported_recipe, load_checkpoint
from bcl_core.lab.recording import OpenRun
from bcl_core.models import build_model
from bcl_core.recipe import Execution, Recipe, preset
from tests.conftest import small

ONE_THREAD = Execution(device="cpu", threads=1)


def trained(lab, recipe=None, epochs=2):
    recipe = recipe or small(epochs=epochs)
    run_id, lock = lab.enqueue_here("a small run", recipe, ONE_THREAD)
    opened = OpenRun(lab, run_id, lock)
    while opened.advance(lambda: True):
        pass
    return run_id


@pytest.fixture(scope="module")
def exported(tmp_path_factory):
    """The recipe and the export of a run of one epoch, for those who only read it."""
    folder, recipe = tmp_path_factory.mktemp("exported"), small(epochs=1)
    lab = Lab(folder / "lab")
    export_run(lab, trained(lab, recipe), folder / "run.zip")
    return recipe, folder / "run.zip"


def contents(file):
    with zipfile.ZipFile(file) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def newest_model(lab, run_id):
    folder = lab.folder(run_id)
    return torch.load(folder.checkpoint(folder.checkpoints()[-1]), weights_only=True)["model"]


def test_an_export_holds_the_run_and_no_images(lab, tmp_path):
    run_id = trained(lab)
    export_run(lab, run_id, tmp_path / "run.zip")
    held = contents(tmp_path / "run.zip")
    assert held.keys() == EXPORTED
    assert Recipe.parse(held["recipe.json"].decode()) == lab.run(run_id).recipe
    assert json.loads(held["metrics.json"]) == lab.metrics(run_id)
    about = json.loads(held["provenance.json"])
    assert about["epoch"] == 2 and about["torch"] == lab.run(run_id).provenance["torch"]
    assert held["view.safetensors"] == lab.folder(run_id).content(lab.folder(run_id).view(2))
    sprite = lab.folder(run_id).sprite.read_bytes()
    assert not any(sprite[:64] in content for content in held.values())
    assert not any(tensor.ndim > 2 for tensor in load(held["samples.safetensors"]).values())
    assert "epoch 2 of 2" in held["README.txt"].decode()


def test_an_export_comes_back_as_the_same_model_and_recipe(lab, tmp_path):
    recipe = small("digits-bcl-class", epochs=1, model__scale=12, model__classifier="cosine")
    run_id = trained(lab, recipe)
    file = tmp_path / "run.zip"
    export_run(lab, run_id, file)
    assert exported_recipe(file) == recipe
    imported = load_checkpoint(file, arch=None, base=recipe)
    assert (imported.layout, imported.recipe) == ("BCL Lab export", recipe)
    assert (imported.num_classes, imported.in_channels) == (10, 1)
    assert imported.drawn_anew == imported.ignored == ()
    for name, tensor in newest_model(lab, run_id).items():
        assert torch.equal(imported.weights[name], tensor)
    build_model(imported.recipe, 1, 10).load_state_dict(imported.weights, strict=True)


def test_the_model_of_an_export_is_its_own_whatever_the_base_says(lab, tmp_path):
    recipe = small(epochs=1, model__scale=12)
    export_run(lab, trained(lab, recipe), tmp_path / "run.zip")
    imported = load_checkpoint(tmp_path / "run.zip", arch=None, base=preset("cifar10-paper-scl"))
    assert imported.recipe.model == recipe.model
    assert imported.recipe.loss.name == "scl"
    assert imported.recipe.data.source == "cifar10"


@pytest.mark.parametrize("classifier", ["cosine", "linear"])
def test_a_cross_entropy_run_comes_back_without_heads(lab, tmp_path, classifier):
    recipe = small("digits-ce-la", epochs=1, model__classifier=classifier)
    export_run(lab, trained(lab, recipe), tmp_path / "run.zip")
    assert load_checkpoint(tmp_path / "run.zip", arch=None, base=recipe).recipe == recipe


def test_the_same_run_gives_the_same_bytes(lab, tmp_path):
    run_id = trained(lab)
    for name in ("one.zip", "other.zip"):
        export_run(lab, run_id, tmp_path / name)
    assert (tmp_path / "one.zip").read_bytes() == (tmp_path / "other.zip").read_bytes()


def test_an_earlier_epoch_can_be_exported_while_its_checkpoint_is_kept(lab, tmp_path):
    run_id = trained(lab, epochs=3)
    export_run(lab, run_id, tmp_path / "run.zip", epoch=2)
    assert json.loads(contents(tmp_path / "run.zip")["provenance.json"])["epoch"] == 2
    with pytest.raises(LabError, match="no checkpoint of epoch 0; kept are those of epoch 2 and 3"):
        export_run(lab, run_id, tmp_path / "other.zip", epoch=0)
    assert not (tmp_path / "other.zip").exists()


def test_a_file_that_stands_is_never_overwritten(lab, tmp_path):
    run_id = trained(lab, epochs=1)
    target = tmp_path / "run.zip"
    target.write_text("precious")
    with pytest.raises(LabError, match="stands already"):
        export_run(lab, run_id, target)
    assert target.read_text() == "precious"


def test_a_run_without_a_checkpoint_says_so(lab, tmp_path):
    run_id, _ = lab.enqueue_here("new", small(), ONE_THREAD)
    with pytest.raises(LabError, match="no checkpoint yet"):
        export_run(lab, run_id, tmp_path / "run.zip")
    with pytest.raises(LabError, match="no run"):
        export_run(lab, "0000-unknown", tmp_path / "run.zip")


def test_an_export_that_fails_leaves_nothing_behind(lab, tmp_path, monkeypatch):
    run_id = trained(lab, epochs=1)

    def disk_full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(zipfile.ZipFile, "writestr", disk_full)
    with pytest.raises(LabError, match="No space left on device"):
        export_run(lab, run_id, tmp_path / "out.zip")
    assert not [file for file in tmp_path.iterdir() if "out.zip" in file.name]


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({"evil.py": b"import os"}, "evil.py"),
        ({"../recipe.json": b"{}"}, "../recipe.json"),
        ({"recipe.json": b"{}}"}, "recipe.json of this export cannot be used"),
        ({"recipe.json": b'{"model": {"backbone": "theirs"}}'}, "model.backbone"),
        ({"weights.safetensors": b"\x80\x02cposix\nsystem\n"}, "damaged"),
        ({"weights.safetensors": None}, "no export of this app"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_tampered_export_is_refused(exported, tmp_path, change, expected):
    recipe, file = exported
    held = {name: c for name, c in {**contents(file), **change}.items() if c is not None}
    with zipfile.ZipFile(tmp_path / "bad.zip", "w") as archive:
        for name, content in held.items():
            archive.writestr(name, content)
    with pytest.raises(CheckpointError, match=expected):
        load_checkpoint(tmp_path / "bad.zip", arch=None, base=recipe)


@pytest.mark.parametrize("name", ["digits-bcl", "digits-ce"])
def test_a_fresh_evaluation_agrees_with_what_was_recorded(lab, name):
    run_id = trained(lab, small(name, epochs=2))
    evaluation = evaluate_run(lab, run_id)
    assert evaluation.epoch == 2
    assert evaluation.same_data
    assert evaluation.recorded == lab.metrics(run_id)[-1]
    assert evaluation.accuracy_difference < 1e-6
    assert evaluation.angle_difference < 1e-6


def test_differences_are_in_points_and_degrees_and_infinite_where_one_side_is_missing():
    fresh = {"accuracy": 0.5, "accuracy_per_class": [0.5, 0.75], "accuracy_few": None, "angle_mean": 90.0, "nc1": 3.0}
    recorded = {"accuracy": 0.5, "accuracy_per_class": [0.5, 0.5], "accuracy_few": None, "angle_mean": 92.5, "nc1": 7.0}
    evaluation = Evaluation(1, fresh, recorded, same_data=True)
    assert evaluation.accuracy_difference == 25.0
    assert evaluation.angle_difference == 2.5
    assert Evaluation(1, fresh, {**recorded, "angle_mean": None}, same_data=True).angle_difference == float("inf")
