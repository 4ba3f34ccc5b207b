"""An export is one file with everything but the images, whole or absent, and comes back as the same model."""

import errno
import json
import os
import shutil
import zipfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load

from bcl_core.lab import DiskError, GroupPlan, Lab, LabError, Recorder, bringing, record
from bcl_core.lab.bringing import bring
from bcl_core.lab.evaluating import Evaluation, evaluate_run
from bcl_core.lab.export import export_runs
from bcl_core.lab.files import encoded
from bcl_core.lab.foreign import CheckpointError, exported_recipe, load_checkpoint
from bcl_core.lab.history import Span, history
from bcl_core.lab.recording import OpenRun
from bcl_core.models import build_model
from bcl_core.recipe import Execution, Recipe, Recorded, preset
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
    export_runs(lab, [trained(lab, recipe)], folder / "run.zip")
    return recipe, folder / "run.zip"


def contents(file):
    with zipfile.ZipFile(file) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def written(file, held):
    with zipfile.ZipFile(file, "w") as archive:
        for name, content in held.items():
            archive.writestr(name, content)
    return file


def of(run_id, held):
    return {name.partition("/")[2]: content for name, content in held.items() if name.startswith(f"{run_id}/")}


def newest_model(lab, run_id):
    folder = lab.folder(run_id)
    return torch.load(folder.checkpoint(folder.checkpoints()[-1]), weights_only=True)["model"]


def test_an_export_holds_the_run_and_no_images(lab, tmp_path):
    run_id = trained(lab)
    export_runs(lab, [run_id], tmp_path / "run.zip")
    held = of(run_id, contents(tmp_path / "run.zip"))
    assert Recipe.parse(held["recipe.json"].decode()) == lab.run(run_id).recipe
    assert json.loads(held["metrics.json"]) == lab.metrics(run_id)
    assert json.loads(held["run.json"])["provenance"] == lab.run(run_id).provenance
    sprite = lab.folder(run_id).sprite.read_bytes()
    assert not any(sprite[:64] in content for content in held.values())
    assert not any(tensor.ndim > 2 for tensor in load(held["samples.safetensors"]).values())
    for name, tensor in load(held["weights.safetensors"]).items():
        assert torch.equal(tensor, newest_model(lab, run_id)[name])


def test_runs_come_back_as_they_were_in_another_lab(lab, tmp_path):
    first, second = trained(lab), trained(lab, small("digits-scl", epochs=1))
    lab.rename(first, "the first")
    export_runs(lab, [second, first], tmp_path / "runs.zip")
    other = Lab(tmp_path / "other")
    brought = bring(other, tmp_path / "runs.zip")
    assert [(one.run_id, one.was_here) for one in brought] == [(second, False), (first, False)]
    for run_id in (first, second):
        assert other.run(run_id) == lab.run(run_id)
        assert other.metrics(run_id) == lab.metrics(run_id)
        here, there = lab.folder(run_id), other.folder(run_id)
        for epoch in lab.epochs(run_id):
            assert there.content(there.view(epoch)) == here.content(here.view(epoch))
            assert there.content(there.embeddings(epoch)) == here.content(here.embeddings(epoch))
        span = Span(0, lab.run(run_id).epoch, 1)
        assert history(other, run_id, span) == history(lab, run_id, span)
        assert evaluate_run(other, run_id).accuracy_difference < 1e-6
    other.delete([first])
    again = bring(other, tmp_path / "runs.zip")
    assert not other.deleted_runs()
    assert all(one.was_here for one in again) and len(other.runs()) == 2
    assert [one.run_id for one in again if one.was_deleted] == [first]


def test_a_run_that_was_stopped_goes_on_where_it_came_to_and_ends_with_the_same_numbers(lab, tmp_path):
    recipe = small(epochs=3)
    whole = trained(lab, recipe)
    part, lock = lab.enqueue_here("part", recipe, ONE_THREAD)
    opened = OpenRun(lab, part, lock)
    opened.advance(lambda: True), opened.advance(lambda: True)
    opened.close()
    export_runs(lab, [part], tmp_path / "part.zip")
    other = Lab(tmp_path / "other")
    [brought] = bring(other, tmp_path / "part.zip")
    assert (other.run(brought.run_id).state, other.run(brought.run_id).epoch) == ("stopped", 1)
    opened = OpenRun(other, *other.take_up(brought.run_id))
    while opened.advance(lambda: True):
        pass
    assert other.metrics(brought.run_id)[-1] == lab.metrics(whole)[-1]


def test_a_shelved_run_comes_back_where_the_shelf_has_it_not(lab, tmp_path, monkeypatch):
    export_runs(lab, ["digits-bcl"], tmp_path / "run.zip")
    assert [one.was_here for one in bring(lab, tmp_path / "run.zip")] == [True]
    monkeypatch.setenv("BCL_LAB_PRETRAINED", str(tmp_path / "nowhere"))
    [brought] = bring(lab, tmp_path / "run.zip")
    assert (brought.run_id, lab.run(brought.run_id).state, lab.run(brought.run_id).epoch) == (
        "digits-bcl",
        "finished",
        60,
    )


def test_another_run_of_the_same_id_keeps_it_and_the_one_that_comes_gets_a_new_one(lab, tmp_path):
    run_id = trained(lab, epochs=1)
    export_runs(lab, [run_id], tmp_path / "run.zip")
    held = contents(tmp_path / "run.zip")
    metrics = json.loads(held[f"{run_id}/metrics.json"])
    metrics[-1]["accuracy"] = 0.125
    changed = written(tmp_path / "other.zip", {**held, f"{run_id}/metrics.json": json.dumps(metrics)})
    [brought] = bring(lab, changed)
    assert brought.run_id != run_id and not brought.was_here
    assert lab.metrics(brought.run_id)[-1]["accuracy"] == 0.125 != lab.metrics(run_id)[-1]["accuracy"]
    assert lab.run(brought.run_id).group_id == lab.run(run_id).group_id


def test_a_run_of_the_zip_is_never_taken_for_one_whose_id_cannot_be_read(exported, tmp_path):
    held = contents(exported[1])
    [run_id] = {name.partition("/")[0] for name in held if "/" in name}
    lab = Lab(tmp_path / "lab")
    [other] = lab.enqueue(GroupPlan("other", [("other", small())]))
    named = {name.replace(run_id, "unreadable-1"): content for name, content in held.items()}
    [brought] = bring(lab, written(tmp_path / "named.zip", named))
    lab.delete([brought.run_id])
    lab.purge([brought.run_id])
    assert [run.id for run in lab.runs()] == [other]


def test_the_same_zip_at_the_same_time_is_brought_in_once(exported, tmp_path):
    lab = Lab(tmp_path / "lab")
    with ThreadPoolExecutor(4) as pool:
        brought = [one for [one] in pool.map(lambda _: bring(lab, exported[1]), range(4))]
    assert sorted(one.was_here for one in brought) == [False, True, True, True]
    assert len(lab.runs()) == 1


def test_what_a_killed_process_left_unpacked_goes_with_the_next_zip(exported, tmp_path):
    lab = Lab(tmp_path / "lab")
    left = lab.home / "runs" / ".brought-killed" / "a-run"
    left.mkdir(parents=True)
    [brought] = bring(lab, exported[1])
    assert [folder.name for folder in (lab.home / "runs").iterdir()] == [brought.run_id]


def test_recorded_runs_are_exported_and_brought_in_without_a_model(lab, tmp_path):
    with Recorder("mine", np.arange(12) % 3, epochs=2, lab=lab) as recorder:
        recorder.epoch(np.random.default_rng(0).normal(size=(12, 4)))
    export_runs(lab, [recorder.run_id], tmp_path / "run.zip")
    other = Lab(tmp_path / "other")
    [brought] = bring(other, tmp_path / "run.zip")
    assert isinstance(other.run(brought.run_id).recipe, Recorded)
    assert other.metrics(brought.run_id) == lab.metrics(recorder.run_id)


def test_an_export_is_read_as_a_model_too(lab, tmp_path):
    recipe = small("digits-bcl-class", epochs=1, model__scale=12, model__classifier="cosine")
    run_id = trained(lab, recipe)
    file = tmp_path / "run.zip"
    export_runs(lab, [run_id], file)
    assert exported_recipe(file) == recipe
    imported = load_checkpoint(file, arch=None, base=recipe)
    assert (imported.layout, imported.recipe) == ("BCL Lab export", recipe)
    assert (imported.num_classes, imported.in_channels) == (10, 1)
    assert imported.drawn_anew == imported.ignored == ()
    for name, tensor in newest_model(lab, run_id).items():
        assert torch.equal(imported.weights[name], tensor)
    build_model(imported.recipe, 1, 10).load_state_dict(imported.weights, strict=True)


def test_of_several_runs_none_is_taken_for_the_model(exported, tmp_path):
    _, file = exported
    held = contents(file)
    other = {f"another-{name}": content for name, content in held.items() if "/" in name}
    with pytest.raises(CheckpointError, match=r"both\.zip holds 2 runs, and a model is of one: export that run alone"):
        exported_recipe(written(tmp_path / "both.zip", held | other))


def test_an_export_of_the_first_release_is_read_as_the_model_that_it_holds(exported, tmp_path):
    recipe, file = exported
    [run_id] = {name.partition("/")[0] for name in contents(file) if "/" in name}
    held = of(run_id, contents(file))
    old = written(tmp_path / "old.zip", {name: held[name] for name in ("recipe.json", "weights.safetensors")})
    assert load_checkpoint(old, arch=None, base=recipe).recipe == recipe


def test_the_model_of_an_export_is_its_own_whatever_the_base_says(exported):
    recipe, file = exported
    imported = load_checkpoint(file, arch=None, base=preset("cifar10-paper-scl"))
    assert imported.recipe.model == recipe.model
    assert imported.recipe.loss.name == "scl"
    assert imported.recipe.data.source == "cifar10"


@pytest.mark.parametrize("classifier", ["cosine", "linear"])
def test_a_cross_entropy_run_comes_back_without_heads(lab, tmp_path, classifier):
    recipe = small("digits-ce-la", epochs=1, model__classifier=classifier)
    export_runs(lab, [trained(lab, recipe)], tmp_path / "run.zip")
    assert load_checkpoint(tmp_path / "run.zip", arch=None, base=recipe).recipe == recipe


def test_the_same_runs_give_the_same_bytes(lab, tmp_path):
    run_id = trained(lab)
    for name in ("one.zip", "other.zip"):
        export_runs(lab, [run_id, "digits-scl"], tmp_path / name)
    assert (tmp_path / "one.zip").read_bytes() == (tmp_path / "other.zip").read_bytes()


def test_a_file_that_stands_is_never_overwritten(lab, tmp_path):
    target = tmp_path / "run.zip"
    target.write_text("precious")
    with pytest.raises(LabError, match="stands already"):
        export_runs(lab, ["digits-bcl"], target)
    assert target.read_text() == "precious"


def test_a_run_without_an_epoch_says_so(lab, tmp_path):
    run_id, _ = lab.enqueue_here("new", small(), ONE_THREAD)
    with pytest.raises(LabError, match="no epoch yet"):
        export_runs(lab, [run_id], tmp_path / "run.zip")
    with pytest.raises(LabError, match="no run"):
        export_runs(lab, ["0000-unknown"], tmp_path / "run.zip")


def test_an_export_that_fails_leaves_nothing_behind(lab, tmp_path, monkeypatch):
    def disk_full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(shutil, "copyfileobj", disk_full)
    with pytest.raises(OSError, match="No space left on device"):
        export_runs(lab, ["digits-bcl"], tmp_path / "out.zip")
    assert not [file for file in tmp_path.iterdir() if "out.zip" in file.name]


def test_where_the_disk_fails_at_the_second_of_two_runs_neither_is_brought_in(lab, tmp_path, monkeypatch):
    labels, points = np.arange(6) % 3, np.eye(6)
    ids = [record(name, points, labels, lab=lab) for name in ("one", "other")]
    export_runs(lab, ids, tmp_path / "runs.zip")
    other, replace, moved = Lab(tmp_path / "other"), Path.replace, []

    def fails_at_the_second(path, target):
        if Path(target).parent == other.home / "runs":
            moved.append(target)
            if len(moved) == 2:
                raise OSError(errno.EIO, "no good")
        return replace(path, target)

    with monkeypatch.context() as patch, pytest.raises(DiskError):
        patch.setattr(Path, "replace", fails_at_the_second)
        bring(other, tmp_path / "runs.zip")
    assert not other.runs() and not other.strange_folders()
    assert [run.run_id for run in bring(other, tmp_path / "runs.zip")] == ids


def test_a_pipe_is_not_waited_for(tmp_path):
    os.mkfifo(tmp_path / "runs.zip")
    assert not bringing.holds_runs(tmp_path / "runs.zip")


def test_a_zip_that_takes_too_much_memory_is_not_said_to_be_damaged(lab, tmp_path, monkeypatch):
    monkeypatch.setattr(bringing, "_unpack", exhausted)
    zipfile.ZipFile(tmp_path / "runs.zip", "w").close()
    with pytest.raises(MemoryError):
        bring(lab, tmp_path / "runs.zip")


def exhausted(*_):
    raise MemoryError


def changed_row(**fields):
    return lambda content: json.dumps({**json.loads(content), **fields}).encode()


def samples(class_names=("a", "b"), class_counts=(3, 1), labels=(0, 1)):
    return encoded(
        {"class_counts": np.array(class_counts), "labels": np.array(labels)}, class_names=json.dumps(class_names)
    )


@pytest.mark.parametrize(
    ("name", "change", "expected"),
    [
        ("evil.py", lambda _: b"import os", "evil.py"),
        ("../../evil.json", lambda _: b"{}", "evil.json"),
        ("RUN/../recipe.json", lambda _: b"{}", r"\.\./recipe.json"),
        ("/etc/passwd", lambda _: b"root", "passwd"),
        ("RUN/checkpoint/0001.pt.sh", lambda _: b"", "0001.pt.sh"),
        ("RUN/recipe.json", lambda _: b"{}}", "cannot be brought in"),
        ("RUN/recipe.json", lambda _: b'{"model": {"backbone": "not a name"}}', "model.backbone"),
        ("RUN/recipe.json", None, "recipe.json .* is missing"),
        ("RUN/metrics.json", lambda _: b"[]", "ends with epoch 1"),
        ("RUN/metrics.json", lambda _: b'[{"epoch": 7}]', "ends with epoch 1"),
        ("RUN/metrics.json", lambda _: b'[{"epoch": 1}, {"epoch": 1}]', "rising epochs"),
        ("RUN/metrics.json", lambda _: b'[{"epoch": 1, "accuracy": NaN}]', "finite"),
        ("RUN/metrics.json", lambda _: b'[{"epoch": 1, "accuracy": "high"}]', "finite"),
        ("RUN/metrics.json", lambda _: b"[" * 200_000, r"bad.zip is not a whole export of runs \(.*\): export or copy"),
        ("RUN/recipe.json", lambda _: b"5", "cannot be brought in: the recipe is 5"),
        ("RUN/run.json", changed_row(format_version=99), "format_version"),
        ("RUN/run.json", changed_row(error="x" * 1_000_000), "error"),
        ("RUN/samples.safetensors", lambda _: samples(class_names=["a"]), "a name and a training count"),
        ("RUN/samples.safetensors", lambda _: samples(class_counts=[3, -1]), "a name and a training count"),
        ("RUN/samples.safetensors", lambda _: samples(labels=[0, 7]), "labels from 0"),
        ("RUN/run.json", changed_row(state="running"), "state"),
        ("RUN/run.json", changed_row(epoch=-1), "epoch"),
        ("RUN/run.json", changed_row(name="x" * 10_000), "1 to 80 characters"),
        ("RUN/run.json", changed_row(name="a\u0007b"), "control characters"),
        ("RUN/samples.safetensors", lambda content: content[:-1] + b"x", "damaged"),
        ("RUN/epochs.zip", lambda content: content[: len(content) // 2], "not a zip"),
    ],
)
def test_a_tampered_export_is_refused_by_the_name_of_what_is_wrong(exported, tmp_path, name, change, expected):
    held = contents(exported[1])
    [run_id] = {name.partition("/")[0] for name in held if "/" in name}
    name = name.replace("RUN", run_id)
    if change is None:
        del held[name]
    else:
        held[name] = change(held.get(name, b""))
    lab = Lab(tmp_path / "lab")
    with pytest.raises(LabError, match=expected):
        bring(lab, written(tmp_path / "bad.zip", held))
    assert not lab.runs() and not [*(lab.home / "runs").iterdir()]


def test_a_zip_that_would_grow_is_refused(exported, tmp_path):
    with zipfile.ZipFile(tmp_path / "bomb.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in contents(exported[1]).items():
            archive.writestr(name, content if name.endswith("json") else bytes(50_000_000))
    with pytest.raises(LabError, match="would unpack to more than it is"):
        bring(Lab(tmp_path / "lab"), tmp_path / "bomb.zip")


@pytest.mark.parametrize(("name", "content"), [("evil.py", b"import os"), ("weights.safetensors", b"\x80\x02cposix")])
def test_a_tampered_export_is_no_model(exported, tmp_path, name, content):
    recipe, file = exported
    [run_id] = {name.partition("/")[0] for name in contents(file) if "/" in name}
    held = {**of(run_id, contents(file)), name: content}
    with pytest.raises(CheckpointError):
        load_checkpoint(written(tmp_path / "bad.zip", held), arch=None, base=recipe)


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
