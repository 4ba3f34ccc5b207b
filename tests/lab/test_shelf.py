"""Runs that come with the project: opened like any run, never changed, refused by name where a file is not whole."""

import json
import shutil
from pathlib import Path

import pytest

from app.words import percent
from bcl_core.geometry import head_and_tail, simplex_metrics
from bcl_core.lab import Lab, LabError, UnknownRun
from bcl_core.lab import shelf as shelves
from bcl_core.lab.evaluating import evaluate_run
from bcl_core.lab.files import RunFolder, read_arrays, read_metadata
from bcl_core.lab.shelf import ABOUT, CARD, SUMS, open_shelf, shelf_home
from bcl_core.lab.thumbnails import fetch_thumbnails
from bcl_core.recipe import Execution
from benchmarks.pretrained import COLLECTIONS, cards

RUN = "digits-scl"
SHIPPED = Path(__file__).parents[2] / "pretrained"
IDS = sorted(folder.name for folder in SHIPPED.iterdir() if folder.is_dir())
OF_DIGITS = [run_id for run_id in IDS if run_id.startswith("digits")]


@pytest.fixture
def shelf(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A shelf of one run that a test may damage."""
    home = tmp_path / "shelf"
    shutil.copytree(SHIPPED / RUN, home / RUN)
    monkeypatch.setenv("BCL_LAB_PRETRAINED", str(home))
    return home.resolve()


def write_sums(folder: Path) -> None:
    """Sum up a changed run, and forget what a thread of an earlier test may have read of it in between."""
    shelves.write_sums(folder)
    open_shelf.cache_clear()


def test_everything_shipped_opens_and_is_no_larger_than_promised():
    shipped = open_shelf(SHIPPED)
    assert not shipped.faults
    assert {run.id for run in shipped.runs} == set(IDS)
    assert sum(file.stat().st_size for file in SHIPPED.rglob("*") if file.is_file()) <= 60_000_000


def test_of_every_epoch_that_is_said_to_be_kept_all_is_there(lab):
    for run_id in IDS:
        folder = lab.folder(run_id)
        assert lab.epochs(run_id) == folder.epochs() and lab.run(run_id).epoch == folder.epochs()[-1]
        assert folder.history.exists(), run_id


@pytest.mark.parametrize("collection", COLLECTIONS)
def test_every_card_is_what_the_script_makes_of_its_folder(collection):
    for name, text in cards(collection).items():
        assert (SHIPPED / name / CARD).read_text(encoding="utf-8") == text


def test_a_card_says_what_was_drawn_and_where_a_simplex_is_out_of_reach():
    text = {run_id: (SHIPPED / run_id / CARD).read_text(encoding="utf-8") for run_id in IDS}
    assert "imbalance factor 50" in text["digits-bcl"]
    assert "drawn: 130 to 2 training images a class, factor 65" in text["digits-bcl"]
    bounded = {run_id for run_id, card in text.items() if "no angle exceeds 90°" in card}
    assert bounded == {"digits-ce-la", "cifar10-lt-ce-la"}


def test_no_image_is_shipped_but_scikit_learns_digits():
    assert {file.parent.name for file in SHIPPED.rglob("*.png")} <= set(OF_DIGITS)
    assert not [*SHIPPED.rglob("*.jpg"), *SHIPPED.rglob("*.parquet"), *SHIPPED.rglob("*.pt")]


@pytest.mark.parametrize("run_id", IDS)
def test_a_card_says_what_was_recorded_and_the_record_what_the_snapshot_holds(run_id):
    lab_run = open_shelf(SHIPPED).get(run_id)
    assert lab_run is not None
    last = lab_run.metrics[-1]
    card = (SHIPPED / run_id / CARD).read_text(encoding="utf-8")
    assert f"| test accuracy | {percent(last['accuracy'])} |" in card
    samples = SHIPPED / run_id / "samples.safetensors"
    tail = sorted(head_and_tail(read_arrays(samples)["class_counts"])[1])
    names = ", ".join(json.loads(read_metadata(samples)["class_names"])[k] for k in tail)
    assert f"| … among {names} | {last['angle_tail_tail']:.1f}° |" in card
    folder = RunFolder(SHIPPED / run_id)
    view = folder.arrays(folder.view(last["epoch"]))
    counts = read_arrays(SHIPPED / run_id / "samples.safetensors")["class_counts"]
    measured = simplex_metrics(view["class_means"], counts)
    assert measured["angle_tail_tail"] == pytest.approx(last["angle_tail_tail"], abs=0.01)
    assert measured["angle_rms_deviation"] == pytest.approx(last["angle_rms_deviation"], abs=0.01)


@pytest.mark.parametrize("run_id", ["digits-ce-la", "digits-bcl-class", "digits-swapped-scl"])
def test_measured_again_the_weights_give_the_figures_of_the_card(lab, run_id):
    evaluation = evaluate_run(lab, run_id)
    assert evaluation.same_data
    assert evaluation.accuracy_difference <= 0.1
    assert evaluation.angle_difference <= 0.1


def test_a_shelved_run_is_found_beside_the_labs_own_and_listed_apart(lab, shelf):
    assert lab.run(RUN).shelved
    assert lab.run(RUN).state == "finished"
    assert len(lab.metrics(RUN)) == len(lab.folder(RUN).epochs()) == 61
    assert lab.runs() == []
    assert [run.id for run in lab.shelf.runs] == [RUN]


@pytest.mark.parametrize("change", ["pause", "stop", "resume", "step", "take_up", "delete", "purge"])
def test_a_shelved_run_cannot_be_steered_or_deleted(lab, shelf, change):
    with pytest.raises(LabError, match="never changed"):
        getattr(lab, change)([RUN] if change in ("delete", "purge") else RUN)
    assert not open_shelf.__wrapped__(shelf).faults


def test_a_shelved_run_cannot_be_renamed_or_moved(lab, shelf):
    for change in (lambda: lab.rename(RUN, "Mine"), lambda: lab.move_to_group([RUN], "Mine")):
        with pytest.raises(LabError, match="never changed"):
            change()


def test_what_is_made_of_a_shelved_run_lies_in_the_lab(lab, shelf):
    assert lab.folder(RUN).projection("pca", 60).is_relative_to(lab.home)
    assert lab.folder(RUN).view(60).is_relative_to(shelf)


def test_thumbnails_are_made_from_the_readers_data_and_are_those_of_training(lab, shelf):
    theirs = (shelf / RUN / "sprite.png").read_bytes()
    (shelf / RUN / "sprite.png").unlink()
    write_sums(shelf / RUN)
    fetch_thumbnails(lab, RUN, Execution())
    assert lab.folder(RUN).sprite.is_relative_to(lab.home)
    assert lab.folder(RUN).sprite.read_bytes() == theirs


def test_thumbnails_of_other_data_are_refused(lab, shelf):
    about = json.loads((shelf / RUN / ABOUT).read_text())
    about["provenance"]["data"] = "0" * 16
    (shelf / RUN / ABOUT).write_text(json.dumps(about))
    write_sums(shelf / RUN)
    with pytest.raises(LabError, match="not the images"):
        fetch_thumbnails(lab, RUN, Execution())


def test_a_copy_is_a_run_of_the_lab_that_starts_from_the_weights(lab, shelf):
    copy = lab.run(lab.enqueue_copy(RUN, Execution()))
    assert (copy.state, copy.run_until, copy.recipe) == ("queued", 0, lab.run(RUN).recipe)
    taken, given = read_arrays(lab.folder(copy.id).initial), read_arrays(shelf / RUN / "weights.safetensors")
    assert taken.keys() == given.keys() and all((taken[name] == given[name]).all() for name in given)
    with pytest.raises(LabError, match="the lab's own"):
        lab.enqueue_copy(copy.id, Execution())


def newer(folder: Path) -> None:
    about = json.loads((folder / ABOUT).read_text())
    (folder / ABOUT).write_text(json.dumps({**about, "format_version": 99}))
    write_sums(folder)


def without_a_name(folder: Path) -> None:
    about = json.loads((folder / ABOUT).read_text())
    (folder / ABOUT).write_text(json.dumps({key: value for key, value in about.items() if key != "name"}))
    write_sums(folder)


DAMAGE = {
    "epochs.zip is missing": lambda folder: (folder / "epochs.zip").unlink(),
    "weights.safetensors was changed": lambda folder: (folder / "weights.safetensors").write_bytes(b"\0" * 100),
    "recipe.json was changed": lambda folder: (folder / "recipe.json").write_text("{}"),
    "extra.txt does not belong there": lambda folder: (folder / "extra.txt").write_text("hello"),
    f"{SUMS}, is missing": lambda folder: (folder / SUMS).unlink(),
    "newer version": newer,
    "cannot be read": without_a_name,
}


@pytest.mark.parametrize("words", DAMAGE)
def test_a_folder_that_is_not_whole_is_named_and_the_rest_opens(lab, shelf, words):
    shutil.copytree(shelf / RUN, shelf / "digits-other")
    DAMAGE[words](shelf / RUN)
    assert words in lab.shelf.faults[RUN]
    assert [run.id for run in lab.shelf.runs] == ["digits-other"]
    with pytest.raises(UnknownRun):
        lab.run(RUN)


def test_a_name_that_is_no_id_and_hidden_folders_do_not_disturb(shelf):
    shutil.copytree(shelf / RUN, shelf / "Digits SCL")
    (shelf / ".cache").mkdir()
    (shelf / RUN / ".DS_Store").write_bytes(b"x")
    opened = open_shelf(shelf)
    assert [run.id for run in opened.runs] == [RUN]
    assert list(opened.faults) == ["Digits SCL"]


def test_a_shelf_that_is_not_there_is_empty(tmp_path, monkeypatch):
    monkeypatch.setenv("BCL_LAB_PRETRAINED", str(tmp_path / "nowhere"))
    assert open_shelf(shelf_home()).runs == ()
    assert Lab(tmp_path / "lab").runs() == []
