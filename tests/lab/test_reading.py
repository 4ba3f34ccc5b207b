"""Runs for notebooks, scripts and other tools: as arrays and frames, compared, as tables and events."""

import json
import sys

import numpy as np
import pytest
from PIL import Image
from safetensors.numpy import save

from bcl_core.cli import main
from bcl_core.geometry import class_means, pairwise_angles
from bcl_core.lab import GroupPlan, LabError, Recorder, read
from bcl_core.lab.comparing import compare
from bcl_core.lab.record_files import record_file
from bcl_core.recipe import Execution
from harness.made_runs import MadeRun
from tests.conftest import small

LABELS = np.repeat([0, 1, 2], [6, 3, 2])
NAMES = ["cats", "tabs\there", "rare"]


def recorded(lab, spread=1.0, epochs=2, name="mine"):
    """A run of three classes, whose embeddings are the corners of a triangle with noise."""
    draw = np.random.default_rng(0)
    means = np.array([[1, 0], [-1 / 2, spread], [-1 / 2, -spread]])
    images = draw.integers(0, 255, (len(LABELS), 8, 8), dtype=np.uint8)
    with Recorder(name, LABELS, class_names=NAMES, class_counts=[60, 30, 2], images=images, lab=lab) as recorder:
        for _ in range(epochs):
            embeddings = means[LABELS] + draw.normal(0, 0.05, (len(LABELS), 2))
            recorder.epoch(embeddings, predictions=LABELS, metrics={"loss": 1.5})
    return recorder.run_id, embeddings / np.linalg.norm(embeddings, axis=1, keepdims=True)


def test_a_run_is_read_as_a_frame_and_as_arrays(lab):
    run_id, embeddings = recorded(lab)
    run = read(run_id)
    assert (run.run.name, run.epochs, run.class_names) == ("mine", (1, 2), tuple(NAMES))
    assert run.class_counts.tolist() == [60, 30, 2] and run.labels.tolist() == LABELS.tolist() and run.is_test.all()
    assert run.frame.index.tolist() == [1, 2] and run.frame.index.name == "epoch"
    assert run.frame.loc[2, "loss"] == 1.5 and run.frame.loc[2, "accuracy"] == 1
    np.testing.assert_allclose(run.embeddings(), embeddings, atol=1e-3)
    angles = pairwise_angles(class_means(run.embeddings(), run.labels, 3))
    assert run.frame.loc[2, "angle_mean"] == pytest.approx(angles[np.triu_indices(3, 1)].mean(), abs=0.1)
    np.testing.assert_allclose(run.view()["class_means"], class_means(embeddings, LABELS, 3), atol=1e-3)
    with pytest.raises(LabError, match=r"'mine' keeps no such epoch: it has epochs 1 to 2, 2 in all"):
        run.view(7)


def test_what_nothing_trains_is_no_prototype(lab):
    """Cross-entropy alone is recorded with the classifier's weights in their place."""
    for run, has_prototypes in (("digits-ce-la", False), ("digits-bcl", True)):
        reading = read(run, lab)
        assert ("prototype_angle_tail_tail" in reading.metrics[-1]) is has_prototypes
        assert ("prototypes" in reading.view()) is has_prototypes
    assert "prototype_angle_tail_tail" not in compare(lab, "digits-ce-la", "digits-bcl").metrics


def test_what_cannot_be_read_is_said(lab):
    with pytest.raises(LabError, match="no run"):
        read("261111-0000000000", lab)
    [queued] = lab.enqueue(GroupPlan("race", [("mine", small())]))
    with pytest.raises(LabError, match="'mine' has no epoch yet"):
        read(queued, lab.home)
    lab.record_state(queued, "failed", "the disk is full")
    with pytest.raises(LabError, match="'mine' failed before its first epoch: the disk is full"):
        read(queued, lab.home)


def test_without_pandas_there_are_arrays_and_a_sentence(lab, monkeypatch):
    run = read(recorded(lab, epochs=1)[0])
    monkeypatch.setitem(sys.modules, "pandas", None)
    assert len(run.embeddings()) == len(LABELS)
    with pytest.raises(LabError, match=r"pandas is not installed: it comes with pip install 'bcl-lab\[train\]'"):
        assert run.frame is None


def test_a_run_of_the_shelf_is_read_like_any_other(lab):
    run = read("digits-bcl", lab)
    assert run.frame.loc[60, "angle_tail_tail"] == run.metrics[-1]["angle_tail_tail"]
    assert run.embeddings().shape == (760, 32) and 0 < run.is_test.sum() < 760


def test_two_runs_are_compared_by_their_last_epochs(lab):
    (a, _), (b, _) = recorded(lab), recorded(lab, spread=0.5)
    found = compare(lab, a, b)
    assert (found.pairs, [run.id for run in found.a]) == (0, [a])
    mean = found.metrics["angle_mean"]
    assert mean.difference == pytest.approx(mean.b - mean.a) and mean.a_std is None
    squares = (pairwise_angles(read(a).view()["class_means"]) - pairwise_angles(read(b).view()["class_means"])) ** 2
    assert found.angles_differ == pytest.approx(np.sqrt(squares[np.triu_indices(3, 1)].mean()))
    assert found.data is None
    with pytest.raises(LabError, match="one run twice"):
        compare(lab, a, a)


def test_runs_of_other_data_or_spaces_are_said_to_be_above_their_table(lab, capsys):
    run_id, _ = recorded(lab)
    balanced = compare(lab, "digits-bcl", "digits-balanced-bcl").data
    assert balanced.startswith(
        "130 to 2 training images a class and 36 to 36; Handwritten digits, imbalance factor 50 and"
    )
    assert compare(lab, "digits-bcl", "digits-ce-la").data == "angles in projection space and in backbone space"
    rows = printed(lab, capsys, "compare", "digits-bcl", run_id).splitlines()
    assert "so that differences are of these too: 10 classes (0, 1, 2, …) and 3 classes (cats, " in rows[2]
    assert printed(lab, capsys, "compare", "digits-bcl", run_id, "--json")["data_differ"] is not None


def test_what_a_loop_recorded_itself_is_shown_though_nobody_registered_it(lab, capsys):
    runs = []
    for bleu in (0.25, 0.5):
        with Recorder("mine", LABELS, lab=lab) as recorder:
            recorder.epoch(np.eye(3)[LABELS], metrics={"bleu": bleu})
        runs.append(recorder.run_id)
    assert "  bleu                       0.2500\n" in printed(lab, capsys, "runs", "show", runs[0])
    assert compare(lab, *runs).metrics["bleu"].difference == 0.25
    assert printed(lab, capsys, "compare", *runs, "--json")["metrics"]["bleu"]["unit"] == "number"
    assert any(row.startswith("bleu ") for row in printed(lab, capsys, "compare", *runs).splitlines())


def test_twins_are_told_apart_in_the_list_and_a_name_that_is_its_group_s_stands_once(lab, capsys):
    for name in ("BCL, seed 0", "BCL, seed 0", "SCL"):
        lab.enqueue(GroupPlan(name, [(name, small())]))
    lines = printed(lab, capsys, "runs").splitlines()
    names = [line.partition(" MB  ")[2] for line in lines]
    assert sorted(names)[2] == "SCL" and len({*names}) == 3
    assert all(name.startswith("BCL, seed 0 · ") for name in sorted(names)[:2])


def test_an_imported_model_that_is_measured_and_held_is_said_to_be(lab, capsys):
    run_id = lab.enqueue_model("theirs", small(), Execution(), save({}))
    made = MadeRun(lab, run_id, images=False)
    made.begin()
    made.epoch(0, of=3)
    lab.record_start(run_id, {"imported": "theirs.pth"}, 1)
    lab.record_state(run_id, "paused")
    assert printed(lab, capsys, "runs").startswith(f"{run_id}  imported  ")
    assert "imported and measured, not trained here; `resume " in printed(lab, capsys, "runs", "show", run_id)
    lab.resume(run_id)
    assert not lab.run(run_id).is_measured


def test_an_epoch_that_cannot_be_read_leaves_the_one_before_to_be_compared(lab):
    (a, _), (b, _) = recorded(lab), recorded(lab, spread=0.5)
    lab._database.change("UPDATE metrics SET metrics = 'x' WHERE run = ? AND epoch = 2", a)
    assert compare(lab, a, b).metrics["angle_mean"].a == lab.metrics(a, [1])[0]["angle_mean"]


def trained(lab, loss, seed, tail_tail):
    """A finished run of a seed, with this for its tail."""
    [run_id] = lab.enqueue(GroupPlan("race", [(loss, small(f"digits-{loss}", seed=seed))]))
    made = MadeRun(lab, run_id, images=False)
    made.begin()
    made.epoch(1, of=2)
    [row] = lab.metrics(run_id)
    lab.record_epoch(run_id, 2, {**row, "epoch": 2, "angle_tail_tail": tail_tail})
    lab.record_progress(run_id, 1.0, 1.0)
    lab.record_state(run_id, "finished")
    return run_id


def test_two_recipes_are_compared_seed_by_seed(lab, capsys):
    scl = [trained(lab, "scl", seed, angle) for seed, angle in ((0, 50.0), (1, 60.0), (2, 71.0))]
    bcl = [trained(lab, "bcl", seed, angle) for seed, angle in ((0, 54.0), (1, 66.0))]
    found = compare(lab, scl[1], bcl[0], seeds=True)
    assert ([run.id for run in found.a], [run.id for run in found.b], found.pairs) == (scl, bcl, 2)
    tail = found.metrics["angle_tail_tail"]
    assert tail[:4] == pytest.approx((60.333, 10.504, 60.0, 8.485), abs=1e-3)
    assert tail[4:] == pytest.approx((5.0, np.sqrt(2)))  # of the two pairs, not of the means
    assert printed(lab, capsys, "compare", scl[0], bcl[0], "--json")["metrics"]["angle_tail_tail"]["difference"] == 4
    with_seeds = printed(lab, capsys, "compare", scl[0], bcl[0], "--seeds", "--json")
    assert with_seeds["a"] == {"runs": scl, "seeds": [0, 1, 2], "name": "scl"}
    assert with_seeds["metrics"]["angle_tail_tail"]["difference_std"] == pytest.approx(np.sqrt(2))
    rows = printed(lab, capsys, "compare", scl[0], bcl[0], "--seeds").splitlines()
    assert rows[:2] == [f"A: scl ({scl[0]}), 3 of this recipe", f"B: bcl ({bcl[0]}), 2 of this recipe"]
    assert any(
        row.split() == ["tail–tail", "60.3°", "±", "10.5°", "60.0°", "±", "8.5°", "5.0°", "±", "1.4°"] for row in rows
    )


def test_seeds_of_one_recipe_are_no_two_sides_and_a_seed_that_cannot_be_read_is_left_out(lab):
    one, other, third = (trained(lab, "scl", seed, 50.0) for seed in range(3))
    bcl = trained(lab, "bcl", 0, 54.0)
    with pytest.raises(LabError, match="two seeds of one recipe"):
        compare(lab, one, other, seeds=True)
    lab._database.change("UPDATE metrics SET metrics = 'x' WHERE run = ?", third)
    assert [run.id for run in compare(lab, one, bcl, seeds=True).a] == [one, other]


def printed(lab, capsys, *arguments):
    """What a command prints: its objects where asked for, one alone not in a list; else its text."""
    with pytest.raises(SystemExit) as end:
        main(["--home", str(lab.home), *arguments])
    out, err = capsys.readouterr()
    assert end.value.code == 0, err
    if "--json" not in arguments:
        return out
    objects = [json.loads(line) for line in out.splitlines()]
    return objects[0] if len(objects) == 1 else objects


def test_a_run_is_shown_with_all_that_a_script_needs(lab, capsys):
    run_id, _ = recorded(lab)
    about = printed(lab, capsys, "runs", "show", run_id, "--json")
    assert about == printed(lab, capsys, "runs", "--json", "show", run_id)
    assert (about["run"], about["state"], about["epoch"], about["kept_epochs"]) == (run_id, "finished", 2, [1, 2])
    assert (about["class_names"], about["class_counts"]) == (NAMES, [60, 30, 2])
    assert about["metrics"] == json.loads(json.dumps(read(run_id).metrics[-1]))
    rows = printed(lab, capsys, "runs", "show", run_id, "--epochs", "--json")
    assert [row["epoch"] for row in rows] == [1, 2] and rows[-1]["run"] == run_id
    text = printed(lab, capsys, "runs", "show", run_id)
    assert text.startswith(f"{run_id}  mine, of mine\nfinished, epoch 2 of 2\n") and "accuracy" in text
    assert len(printed(lab, capsys, "runs", "show", run_id, "--epochs").splitlines()) == 2


def test_the_projector_gets_a_row_a_sample_with_its_class_and_its_thumbnail(lab, capsys, tmp_path):
    run_id, embeddings = recorded(lab)
    written = printed(lab, capsys, "export", run_id, "--projector", str(tmp_path / "out"), "--json")
    folder = tmp_path / "out" / run_id
    assert written == {"run": run_id, "written": str(folder)}
    np.testing.assert_allclose(np.loadtxt(folder / "tensors.tsv", delimiter="\t"), embeddings, atol=1e-3)
    heading, *rows = [line.split("\t") for line in (folder / "metadata.tsv").read_text().splitlines()]
    assert heading == ["label", "class_name", "split", "predicted"] and len(rows) == len(LABELS)
    assert rows[6] == ["1", "tabs here", "test", "tabs here"]  # what would part cells is a space
    config = (folder / "projector_config.pbtxt").read_text()
    size = int(config.rpartition("single_image_dim: ")[2].split()[0])
    assert Image.open(folder / "sprite.png").size == (4 * size, 3 * size)  # 11 samples
    again, ignored = record_file(lab, folder / "tensors.tsv")
    assert ignored == ("predicted",) and read(again).class_names[1] == "tabs here"
    assert read(again).metrics[-1]["angle_mean"] == pytest.approx(read(run_id).metrics[-1]["angle_mean"], rel=1e-3)


def test_tensorboard_gets_every_figure_of_every_epoch(lab, capsys, tmp_path):
    accumulator = pytest.importorskip("tensorboard.backend.event_processing.event_accumulator")
    run_id, _ = recorded(lab)
    printed(lab, capsys, "export", run_id, "--tensorboard", str(tmp_path))
    events = accumulator.EventAccumulator(str(tmp_path / run_id)).Reload()
    found = [(event.step, event.value) for event in events.Scalars("angle_mean")]
    assert found == [(row["epoch"], pytest.approx(row["angle_mean"], rel=1e-6)) for row in read(run_id).metrics]


def test_without_tensorboard_its_extra_is_named(lab, capsys, tmp_path, monkeypatch):
    monkeypatch.delitem(sys.modules, "torch.utils.tensorboard", raising=False)
    monkeypatch.setitem(sys.modules, "tensorboard", None)
    run_id, _ = recorded(lab, epochs=1)
    with pytest.raises(SystemExit) as end:
        main(["export", run_id, "--tensorboard", str(tmp_path)])
    assert end.value.code == 2 and "bcl-lab[tensorboard]" in capsys.readouterr().err
