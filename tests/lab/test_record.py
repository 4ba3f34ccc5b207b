"""Any loop leaves a run: measured as training measures, seen as it grows, refused in words before it is half there."""

import io
import os
import signal
import subprocess
import sys

import numpy as np
import pytest
import torch
from PIL import Image
from torch.nn import functional

from bcl_core import geometry
from bcl_core.data.dataset import prepare
from bcl_core.lab import GroupPlan, Lab, LabError, Recorder, RecordError, RunIsActive, record
from bcl_core.lab.evaluating import evaluate_run
from bcl_core.lab.files import read_arrays, read_metadata
from bcl_core.lab.store import MAX_QUEUED
from bcl_core.lab.worker import Worker
from bcl_core.models import build_model
from bcl_core.recipe import Execution, Recorded
from bcl_core.training import Epoch, Started, train
from tests.conftest import small

LABELS = np.arange(60) % 4
RNG = np.random.default_rng(0)
Z = RNG.standard_normal((60, 6)) + np.eye(6)[LABELS]
# What training knows of a model, and arrays do not say: losses, gradients, and everything in the backbone's space.
OF_TRAINING = {
    *("loss", "loss_contrastive", "loss_classifier", "tail_push_share", "classifier_angle"),
    *geometry.push_extents({}),
}
OF_BACKBONE = set(geometry.collapse_metrics(Z, LABELS, np.eye(4, 6), [15] * 4))


def only_run(lab):
    [run] = lab.runs()
    return run


def last_metrics(lab, run_id):
    return lab.metrics(run_id)[-1]


def embedded_by_hand(model, dataset, split):
    """(z, probabilities) as any torch code would compute them."""
    pixels = torch.from_numpy(split.images).float() / dataset.pixel_max
    mean, std = (torch.from_numpy(a)[:, None, None] for a in (dataset.mean, dataset.std))
    model.eval()
    with torch.no_grad():
        h = model(((pixels - mean) / std).contiguous(memory_format=torch.channels_last))
        return model.project(h), model.logits(h).softmax(dim=1)


def test_five_lines_of_a_loop_leave_a_run_that_has_what_training_leaves(lab):
    recipe = small("digits-bcl", epochs=2)
    dataset = prepare(recipe)
    started, *events = train(recipe, Execution(device="cpu", threads=1), dataset=dataset)
    assert isinstance(started, Started)
    epochs = [event for event in events if isinstance(event, Epoch)]
    last = epochs[-1]  # its state refers to the live model, so to the last epoch
    model = build_model(recipe, 1, 10)
    model.load_state_dict(last.state["model"])
    parts = [embedded_by_hand(model, dataset, split) for split in (dataset.test, dataset.train)]
    z, probabilities = (torch.cat(part) for part in zip(*parts, strict=True))
    labels = np.concatenate([dataset.test.labels, dataset.train.labels])
    test = np.arange(len(labels)) < len(dataset.test.labels)
    images = np.concatenate([dataset.test.images, dataset.train.images]) * 15

    with Recorder("by hand", labels, class_counts=dataset.class_counts, test=test, images=images) as recorder:
        recorder.epoch(z, prototypes=model.prototypes(), probabilities=probabilities)

    run = only_run(lab)
    recorded = last_metrics(lab, run.id)
    assert recorded.keys() - {"epoch"} == last.metrics.keys()
    for name in last.metrics.keys() - OF_TRAINING - OF_BACKBONE:
        np.testing.assert_allclose(recorded[name], last.metrics[name], rtol=1e-6, atol=1e-6, err_msg=name)
    predictions = probabilities[test].argmax(1)
    expected = geometry.collapse_metrics(z[test].double(), labels[test], None, dataset.class_counts, predictions)
    for name in OF_BACKBONE:
        assert recorded[name] == (None if expected[name] is None else pytest.approx(expected[name], rel=1e-5)), name
    view = lab.folder(run.id).arrays(lab.folder(run.id).view(1))
    assert last.view.keys() - view.keys() == {
        *("classifier", "gradient_mass", "gradient_norm", "gradient_attraction", "pair_push"),
        *("batch_features", "batch_labels", "batch_samples", "batch_prototypes"),
    }
    for name, array in view.items():
        close = 1 if name == "coordinates" else 1e-5  # coordinates are stored in steps
        np.testing.assert_allclose(array, last.view[name], atol=close, rtol=1e-3 if name == "confidences" else 1e-5)
    embeddings = lab.folder(run.id).arrays(lab.folder(run.id).embeddings(1))
    np.testing.assert_allclose(embeddings["projection"], last.embeddings["projection"], atol=1e-3)
    kept = read_arrays(lab.folder(run.id).samples)
    np.testing.assert_array_equal(kept["labels"], started.samples.labels)
    np.testing.assert_array_equal(kept["split"], started.samples.split)
    np.testing.assert_array_equal(kept["fits_frame"], started.samples.fits_frame)
    np.testing.assert_array_equal(kept["class_counts"], dataset.class_counts)


def test_a_run_is_seen_while_it_grows_and_is_finished_at_the_end(lab):
    with Recorder("mine", LABELS, epochs=4, class_names=list("abcd")) as recorder:
        assert lab.runs() == [] and recorder.run_id is None, "nothing to see yet"
        recorder.epoch(Z)
        run = only_run(lab)
        assert (run.id, run.state, run.epoch, run.progress) == (recorder.run_id, "running", 1, 0.25)
        assert lab.lock(run.id) is None
        Worker(lab).look()
        assert only_run(lab).state == "running", "whoever is not its recorder leaves it alone"
        recorder.epoch(Z)
        assert lab.folder(run.id).epochs() == [1, 2] == [row["epoch"] for row in lab.metrics(run.id)]
    run = only_run(lab)
    assert (run.state, run.epoch, run.recipe.epochs) == ("finished", 2, 4)
    assert lab.lock(run.id) is not None
    assert read_metadata(lab.folder(run.id).samples)["class_names"] == '["a", "b", "c", "d"]'


def test_a_run_has_what_every_run_has_in_place_of_a_recipe(lab):
    run_id = record("mine", Z, LABELS, title="My loss", space="penultimate layer")
    recorded = lab.run(run_id).recipe
    assert isinstance(recorded, Recorded)
    assert (recorded.title, recorded.space, recorded.variant, recorded.seed) == (
        *("My loss", "penultimate layer", "own", None),
    )
    assert Recorded.parse((lab.folder(run_id).path / "recipe.json").read_text()) == recorded
    assert recorded.hash == recorded.model_copy(update={"epochs": 9}).hash
    assert lab.run(record("other", Z, LABELS)).recipe.space == "embedding"


def test_without_a_plan_the_epochs_grow_with_the_run(lab):
    with Recorder("mine", LABELS, epochs=2) as recorder:
        for epoch, planned in ((0, 2), (2, 2), (7, 7)):
            recorder.epoch(Z, epoch=epoch)
            assert (only_run(lab).epoch, only_run(lab).recipe.epochs) == (epoch, planned)
    assert only_run(lab).progress == 1


def test_epochs_rise_and_each_is_written_once(lab):
    with Recorder("mine", LABELS) as recorder:
        recorder.epoch(Z, epoch=5)
        for epoch in (5, 4, -1, 100_000):
            with pytest.raises(RecordError, match=rf"epoch is {epoch}; expected 6 to 99,999"):
                recorder.epoch(Z, epoch=epoch)
        with pytest.raises(RecordError, match=r"epoch is 6\.5; expected a whole number"):
            recorder.epoch(Z, epoch=6.5)
        recorder.epoch(Z)
    assert lab.folder(recorder.run_id).epochs() == [5, 6]
    with pytest.raises(RecordError, match="has ended"):
        recorder.epoch(Z)


@pytest.mark.parametrize("error", [KeyboardInterrupt, ValueError, SystemExit])
def test_a_loop_that_is_interrupted_leaves_a_stopped_run_with_what_it_has(lab, error):
    with pytest.raises(error), Recorder("mine", LABELS) as recorder:
        recorder.epoch(Z)
        raise error
    run = only_run(lab)
    assert (run.state, run.epoch) == ("stopped", 1)
    assert lab.lock(run.id) is not None


def test_a_loop_that_records_no_epoch_leaves_nothing(lab):
    with pytest.raises(RecordError), Recorder("mine", LABELS) as recorder:
        recorder.epoch(Z[:, :0])
    Recorder("mine", LABELS).close()
    assert lab.runs() == [] and not list((lab.home / "runs").iterdir())


KILLED = """
import numpy as np, time
from bcl_core.lab import Recorder
recorder = Recorder("mine", np.arange(20) % 2, epochs=50)
recorder.epoch(np.random.default_rng(0).standard_normal((20, 3)))
print("recorded", flush=True)
time.sleep(600)
"""


def notice_by_worker(lab):
    Worker(lab).look()


def notice_by_next_recorder(lab):
    record("another", Z, LABELS)


def notice_by_deleting(lab):
    lab.move_to_group([run.id for run in lab.runs()], "mine")


@pytest.mark.parametrize("notice", [notice_by_worker, notice_by_next_recorder, notice_by_deleting])
def test_a_recorder_killed_leaves_a_stopped_run(lab, notice):
    process = subprocess.Popen([sys.executable, "-c", KILLED], stdout=subprocess.PIPE)
    try:
        assert process.stdout.readline() == b"recorded\n"
        run_id = only_run(lab).id
        with pytest.raises(RunIsActive):
            lab.delete([run_id])
    finally:
        process.send_signal(signal.SIGKILL)
        process.wait()
    assert lab.run(run_id).state == "running", "nobody has noticed yet"
    notice(lab)
    run = lab.run(run_id)
    assert (run.state, run.epoch, lab.folder(run_id).epochs()) == ("stopped", 1, [1])
    lab.delete([run_id])


def test_a_recorder_that_ended_well_is_not_stopped_by_who_looked_before(lab):
    with Recorder("mine", LABELS) as recorder:
        recorder.epoch(Z)
        seen = only_run(lab)
    lab.settle_dead(seen)
    assert only_run(lab).state == "finished"


def test_recording_imports_no_torch(tmp_path):
    code = (
        "import sys, numpy as np\nfrom bcl_core.lab import record\n"
        "record('mine', np.random.default_rng(0).standard_normal((20, 3)), np.arange(20) % 2)\n"
        "assert not {'torch', 'sklearn', 'scipy', 'pyarrow'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True, env={**os.environ, "BCL_LAB_HOME": str(tmp_path)})


def test_nobody_steers_what_other_code_trains(lab):
    run_id = record("mine", Z, LABELS)
    for action in (lab.pause, lab.step, lab.resume, lab.stop, lab.take_up):
        with pytest.raises(LabError, match="recorded from other code"):
            action(run_id)
    with pytest.raises(LabError, match="no model of it here"):
        evaluate_run(lab, run_id)
    assert lab.run(run_id).state == "finished"
    lab.delete([run_id])
    assert lab.runs() == []


def test_steering_a_group_leaves_its_recorded_runs_alone(lab):
    [trained] = lab.enqueue(GroupPlan("both", [("trained", small())]))
    lab.record_state(trained, "stopped")
    with pytest.raises(KeyboardInterrupt), Recorder("mine", LABELS) as recorder:
        recorder.epoch(Z)
        raise KeyboardInterrupt
    group = lab.move_to_group([recorder.run_id, trained], "both")
    lab.resume(group)
    assert (lab.run(trained).state, lab.run(recorder.run_id).state) == ("queued", "stopped")
    lab.pause(group)
    assert lab.run(recorder.run_id).run_until is None
    assert not lab.run(recorder.run_id).wants_to_train


def test_recording_waits_for_no_queue(lab):
    lab.enqueue(GroupPlan("full", [("run", small())] * MAX_QUEUED))
    assert lab.run(record("mine", Z, LABELS)).state == "finished"


def test_the_lengths_and_the_kind_of_number_of_embeddings_do_not_matter(lab):
    lengths = np.exp(RNG.standard_normal((60, 1)) * 200)  # 1e-200 to 1e200
    with Recorder("mine", torch.from_numpy(LABELS)) as recorder:
        plain = recorder.epoch(Z)
        for embeddings in (
            Z * lengths,
            torch.from_numpy(Z).requires_grad_(),
            torch.from_numpy(Z).float()[:, :],
            Z.tolist(),
            np.asfortranarray(Z),
        ):
            measured = recorder.epoch(embeddings)
            assert measured["angle_mean"] == pytest.approx(plain["angle_mean"], abs=1e-4)
            assert measured["nc1"] == pytest.approx(plain["nc1"], rel=1e-5)
        for embeddings in (torch.from_numpy(Z).bfloat16(), np.float16(Z)):
            assert recorder.epoch(embeddings)["angle_mean"] == pytest.approx(plain["angle_mean"], abs=0.5)


def test_what_is_not_given_is_none_in_the_metrics_and_absent_from_the_view(lab):
    run_id = record("mine", Z, LABELS)
    metrics, view = last_metrics(lab, run_id), lab.folder(run_id).arrays(lab.folder(run_id).view(1))
    for name in ("loss", "accuracy", "accuracy_per_class", "prototype_angle", "nc3", "nc4", "tail_push_share"):
        assert metrics[name] is None
    assert view.keys() == {"class_means", "class_mean_coordinates", "coordinates", "within_class_angles"}
    assert not lab.folder(run_id).sprite.exists() and not lab.folder(run_id).predicted.exists()


def test_what_is_given_is_measured(lab):
    classifier, prototypes = RNG.standard_normal((2, 4, 6))
    probabilities = functional.softmax(torch.from_numpy(Z[:, :4]) * 3, dim=1)
    with Recorder("mine", LABELS) as recorder:
        metrics = recorder.epoch(Z, prototypes=prototypes, classifier=classifier, probabilities=probabilities)
    unit = Z / np.linalg.norm(Z, axis=1, keepdims=True)
    means = geometry.class_means(unit, LABELS, 4)
    assert metrics["accuracy"] == pytest.approx((probabilities.argmax(1).numpy() == LABELS).mean())
    assert metrics["prototype_angle"] == pytest.approx(geometry.cross_angles(means, prototypes).mean())
    assert metrics["nc3"] == pytest.approx(geometry.collapse_metrics(unit, LABELS, classifier)["nc3"])
    view = lab.folder(recorder.run_id).arrays(lab.folder(recorder.run_id).view(1))
    np.testing.assert_allclose(view["confidences"], probabilities.max(1).values, atol=1e-3)
    np.testing.assert_allclose(view["classifier"], classifier, rtol=1e-6)


def test_predictions_alone_give_accuracy_without_confidence(lab):
    wrong = np.where(np.arange(60) < 15, (LABELS + 1) % 4, LABELS)
    by_name = np.array(list("abcd"))[wrong]
    with Recorder("mine", LABELS, class_names=list("abcd")) as recorder:
        assert recorder.epoch(Z, predictions=wrong)["accuracy"] == pytest.approx(0.75, abs=0.01)
        assert recorder.epoch(Z, predictions=by_name)["accuracy"] == pytest.approx(0.75, abs=0.01)
    view = lab.folder(recorder.run_id).arrays(lab.folder(recorder.run_id).view(1))
    np.testing.assert_array_equal(view["predictions"], wrong)
    assert "confidences" not in view


@pytest.mark.parametrize("length", [0.3, 1.0, 7.0])
def test_angles_are_those_of_the_class_means_that_are_given(lab, length):
    means = geometry.simplex_frame(4) * length
    with Recorder("mine", LABELS) as recorder:
        metrics = recorder.epoch(Z[:, :3], class_means=means)
    assert metrics["angle_rms_deviation"] == pytest.approx(0, abs=1e-5)
    stored = lab.folder(recorder.run_id).arrays(lab.folder(recorder.run_id).view(1))["class_means"]
    np.testing.assert_allclose(stored, means / max(1, length), atol=1e-6)


def test_test_samples_are_measured_and_the_others_are_shown(lab):
    test = np.arange(60) >= 20
    run_id = record("mine", Z, LABELS, test=test)
    alone = record("alone", Z[test], LABELS[test])
    assert last_metrics(lab, run_id)["angle_mean"] == pytest.approx(last_metrics(lab, alone)["angle_mean"])
    samples = read_arrays(lab.folder(run_id).samples)
    np.testing.assert_array_equal(samples["split"], [0] * 40 + [1] * 20)
    np.testing.assert_array_equal(samples["labels"], LABELS[samples["indices"]])
    np.testing.assert_array_equal(samples["indices"][40:], np.arange(20))
    assert not samples["fits_frame"][40:].any()


def test_counts_of_training_name_head_and_tail_and_their_lack_is_said(lab):
    given, assumed = (record("mine", Z, LABELS, class_counts=counts) for counts in ([9, 100, 3, 50], None))
    assert lab.run(given).provenance["class counts"] == "as given"
    assert "of training are not known" in lab.run(assumed).provenance["class counts"]
    np.testing.assert_array_equal(read_arrays(lab.folder(given).samples)["class_counts"], [9, 100, 3, 50])
    np.testing.assert_array_equal(read_arrays(lab.folder(assumed).samples)["class_counts"], [15] * 4)
    assert lab.run(record("noted", Z, LABELS, provenance={"commit": "abc"})).provenance["commit"] == "abc"


def test_where_training_samples_are_told_from_test_samples_it_is_they_that_are_counted(lab):
    rare = (LABELS == 3) & (np.arange(60) < 59)
    told = record("mine", Z, LABELS, test=rare | (np.arange(60) < 20))
    assert lab.run(told).provenance["class counts"] == "of the recorded training samples"
    np.testing.assert_array_equal(read_arrays(lab.folder(told).samples)["class_counts"], [10, 10, 10, 1])


def test_own_metrics_are_numbers_or_none_under_names_of_their_own(lab):
    with Recorder("mine", LABELS) as recorder:
        recorder.epoch(Z, metrics={"loss": torch.tensor(1.5, requires_grad=True), "lr": np.float32(0.5)})
        recorder.epoch(Z, metrics={"loss": float("nan")})
        for name in ("angle_mean", "epoch", "accuracy"):
            with pytest.raises(RecordError, match=f"{name} is measured here"):
                recorder.epoch(Z, metrics={name: 1})
        with pytest.raises(RecordError, match=r"metric 'lr' has shape \(2,\) .*expected one number"):
            recorder.epoch(Z, metrics={"lr": [1, 2]})
    first, second = lab.metrics(recorder.run_id)
    assert (first["loss"], first["lr"]) == (1.5, 0.5)
    assert (second["loss"], second["lr"]) == (None, None)


def test_every_epoch_has_the_same_kinds_of_arrays(lab):
    with Recorder("mine", LABELS) as recorder:
        recorder.epoch(Z, predictions=LABELS)
        with pytest.raises(RecordError, match="has dimension 6, and the first had dimension 6, predictions"):
            recorder.epoch(Z)
        with pytest.raises(RecordError, match="has dimension 5, predictions"):
            recorder.epoch(Z[:, :5], predictions=LABELS)
        recorder.epoch(Z, predictions=LABELS)
    assert lab.folder(recorder.run_id).epochs() == [1, 2]


@pytest.mark.parametrize(
    ("classes", "per_class", "dim"),
    [(2, 30, 2), (2, 1, 2), (10, 1, 4), (10, 2, 3), (30, 4, 8), (1000, 2, 16), (3, 2000, 5)],
)
def test_few_and_many_classes_few_samples_and_few_dimensions_are_measured(lab, classes, per_class, dim):
    labels = np.repeat(np.arange(classes), per_class)
    features = RNG.standard_normal((len(labels), dim))
    run_id = record("mine", features, labels, predictions=labels)
    metrics, folder = last_metrics(lab, run_id), lab.folder(run_id)
    assert metrics["classes_measured"] == classes and metrics["accuracy"] == 1
    assert folder.arrays(folder.view(1))["coordinates"].shape[0] == len(read_arrays(folder.samples)["labels"]) <= 4000
    if per_class == 1:
        assert metrics["picture_variance_kept"] is None, "every sample fits the frame and none is left to draw"


def test_one_class_with_a_single_sample_and_collapsed_embeddings_are_measured(lab):
    labels = np.r_[LABELS, 4]
    assert last_metrics(lab, record("mine", np.r_[Z, Z[:1]], labels))["classes_measured"] == 5
    collapsed = last_metrics(lab, record("collapsed", np.ones((60, 6)), LABELS))
    assert collapsed["angle_mean"] == pytest.approx(0, abs=1e-4) and collapsed["nc1"] is None


@pytest.mark.parametrize(
    ("shape", "size"),
    [((60, 8, 8), (8, 8)), ((60, 12, 8, 3), (12, 8)), ((60, 3, 12, 8), (12, 8)), ((60, 1, 96, 128), (48, 64))],
)
@pytest.mark.parametrize("kind", ["uint8", "float", "torch"])
def test_images_become_thumbnails_of_64_pixels_at_most(lab, shape, size, kind):
    images = RNG.random(shape, np.float32)
    images = {"uint8": np.uint8(images * 255), "float": images, "torch": torch.from_numpy(images)}[kind]
    sprite = Image.open(lab.folder(record("mine", Z, LABELS, images=images)).sprite)
    assert (sprite.height, sprite.width) == (8 * size[0], 8 * size[1])
    assert sprite.mode == ("RGB" if 3 in shape else "L")


def test_thumbnails_show_their_own_sample(lab):
    images = np.zeros((60, 4, 4), np.uint8) + np.arange(60, dtype=np.uint8)[:, None, None]
    folder = lab.folder(record("mine", Z, LABELS, images=images, test=np.arange(60) % 8 < 4))
    sheet = np.asarray(Image.open(io.BytesIO(folder.sprite.read_bytes())))
    tiles = sheet.reshape(8, 4, 8, 4).swapaxes(1, 2).reshape(64, 16)
    np.testing.assert_array_equal(tiles[:60, 0], read_arrays(folder.samples)["indices"])


def changed(array, row, value):
    array = np.array(array, dtype=float)
    array[row] = value
    return array


@pytest.mark.parametrize(
    ("about", "words"),
    [
        ({"labels": LABELS[:59]}, r"embeddings has shape \(60, 6\); expected \(59, d\)"),
        ({"labels": LABELS.astype(float)}, "labels holds float64 values; expected whole numbers"),
        ({"labels": LABELS - 1}, "labels run from -1 to 2; expected 0 to 2"),
        ({"labels": np.where(LABELS == 2, 4, LABELS)}, r"class 2 \('2'\) has no test sample; each of the 5"),
        ({"labels": LABELS * 0}, "the number of classes is 1; expected 2 to 10,000"),
        ({"labels": LABELS + 2**40}, "expected 2 to 10,000"),
        ({"labels": np.zeros(1_000_001, np.int8)}, "1,000,001 samples; at most 1,000,000"),
        ({"labels": LABELS[:, None]}, r"labels has shape \(60, 1\); expected \(n,\)"),
        ({"labels": [object()] * 60}, "labels holds object values"),
        ({"class_names": list("abc")}, "labels run from 0 to 3; expected 0 to 2"),
        ({"class_names": list("abcde")}, r"class 4 \('e'\) has no test sample"),
        ({"class_names": [1, 2, 3, 4]}, "class_names has shape .* expected .* text"),
        ({"class_names": ["a" * 201, *"bcd"]}, "201 characters; at most 200"),
        ({"labels": list("abcd") * 15, "class_names": list("abce")}, "labels holds 'd', which is not among"),
        ({"labels": list("abcd") * 15, "class_names": list("abcc")}, "class_names has a name twice"),
        ({"class_counts": [3, 2, 1]}, r"class_counts has shape \(3,\); expected \(4,\)"),
        ({"class_counts": [3, 2, 1, 0]}, "class_counts says 0 for class 3"),
        ({"class_counts": [3, 2, 1, 0.5]}, r"class_counts says 0\.5 for class 3"),
        ({"test": LABELS}, "True for each test sample"),
        ({"test": LABELS > 0}, "class 0 .* has no test sample"),
        ({"images": np.zeros((60, 5, 5, 4), np.uint8)}, "with 1 or 3 channels"),
        ({"images": np.zeros((59, 5, 5), np.uint8)}, "images has shape"),
        ({"images": np.full((60, 5, 5), 1.5)}, r"image 0 runs from 1\.5 to 1\.5; expected floats from 0 to 1"),
        ({"images": np.full((60, 5, 5), np.nan)}, "image 0 runs from nan"),
        ({"images": np.zeros((60, 5, 5), int)}, "expected uint8"),
        ({"embeddings": changed(Z, (7, 2), np.nan)}, "1 of 60 rows of embeddings hold numbers that are not.*row 7"),
        ({"embeddings": changed(Z, [9, 30], np.inf)}, "2 of 60 rows of embeddings .*first is row 9"),
        ({"embeddings": changed(Z, [3, 4, 5], 0)}, "3 of 60 rows of embeddings are zero.*first is row 3"),
        ({"embeddings": Z[:, 0]}, r"embeddings has shape \(60,\); expected \(n, d\)"),
        ({"embeddings": Z[:, :1]}, "embeddings have dimension 1; expected 2 to 4,096"),
        ({"embeddings": np.ones((60, 4097))}, "embeddings have dimension 4,097"),
        ({"embeddings": Z.astype(str)}, "embeddings holds .* values; expected numbers"),
        ({"embeddings": Z.astype(complex)}, "embeddings holds complex128 values"),
        ({"embeddings": [[1.0, 2.0], [3.0]]}, "embeddings cannot be read as an array"),
        ({"prototypes": Z[:3]}, r"prototypes has shape \(3, 6\); expected \(4, 6\)"),
        ({"prototypes": Z[:4] * 0}, "4 of 4 rows of prototypes are zero"),
        ({"classifier": np.eye(4, 5)}, r"classifier has shape \(4, 5\); expected \(4, 6\)"),
        ({"class_means": changed(Z[:4], 1, np.nan)}, "1 of 4 rows of class_means"),
        ({"probabilities": np.ones((60, 4))}, "60 of 60 rows of probabilities do not add up to 1"),
        ({"probabilities": np.ones((60, 3)) / 3}, r"probabilities has shape \(60, 3\)"),
        ({"predictions": LABELS + 1}, "predictions run from 1 to 4; expected 0 to 3"),
        ({"predictions": LABELS[:5]}, r"predictions has shape \(5,\)"),
        ({"predictions": LABELS, "probabilities": np.eye(4)[LABELS]}, "not both"),
        ({"epochs": [1, 2]}, r"epochs has shape \(2,\); expected \(1,\)"),
        ({"epochs": [1.5]}, r"epoch is 1\.5"),
        ({"name": " "}, "a name has 1 to 80 characters"),
        ({"title": ""}, "title is"),
        ({"space": "x" * 41}, "space is"),
    ],
)
def test_what_is_wrong_is_said_and_nothing_is_written(lab, about, words):
    with pytest.raises(LabError, match=words):
        record(**{"name": "mine", "embeddings": Z, "labels": LABELS, **about})
    assert lab.runs() == [] and not list((lab.home / "runs").iterdir())


def test_an_epoch_of_more_than_2_gib_is_refused(lab):
    huge = np.broadcast_to(np.float32(1), (200_000, 4096))
    with pytest.raises(RecordError, match="200,000 × 4,096 numbers takes more than 2 GiB"):
        record("mine", huge, np.arange(200_000) % 2)


def test_several_epochs_at_once_are_as_many_one_by_one(lab):
    stack = np.stack([Z, Z * 2 + 1, Z - 1])
    predictions = np.stack([LABELS, LABELS[::-1], LABELS])
    run_id = record("at once", stack, LABELS, epochs=[0, 3, 9], predictions=predictions)
    with Recorder("one by one", LABELS, epochs=9) as recorder:
        for epoch, embeddings, predicted in zip((0, 3, 9), stack, predictions, strict=True):
            recorder.epoch(embeddings, epoch=epoch, predictions=predicted)
    assert lab.metrics(run_id) == lab.metrics(recorder.run_id)
    assert lab.run(run_id).recipe.epochs == 9
    assert [row["epoch"] for row in lab.metrics(record("plain", stack, LABELS))] == [1, 2, 3]


def test_a_fault_in_the_last_epoch_is_found_before_the_first_is_written(lab):
    with pytest.raises(RecordError, match="row 7"):
        record("mine", np.stack([Z, changed(Z, 7, np.nan)]), LABELS)
    with pytest.raises(RecordError, match="epoch is 2; expected 4"):
        record("mine", np.stack([Z, Z]), LABELS, epochs=[3, 2])
    with pytest.raises(RecordError, match=r"predictions has shape .* expected 2 epochs in front"):
        record("mine", np.stack([Z, Z]), LABELS, predictions=LABELS)
    assert lab.runs() == [] and not list((lab.home / "runs").iterdir())


def test_text_labels_become_classes_in_the_order_of_their_names(lab):
    animals = np.array(["dog", "cat", "bee", "ant"])
    run_id = record("sorted", Z, animals[LABELS])
    assert read_metadata(lab.folder(run_id).samples)["class_names"] == '["ant", "bee", "cat", "dog"]'
    run_id = record("as named", Z, list(animals[LABELS]), class_names=animals)
    np.testing.assert_array_equal(read_arrays(lab.folder(run_id).samples)["labels"], LABELS)


def test_a_lab_can_be_named(tmp_path, lab):
    record("there", Z, LABELS, lab=tmp_path / "there")
    assert [run.name for run in Lab(tmp_path / "there").runs()] == ["there"]
    assert lab.runs() == []
