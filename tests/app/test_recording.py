"""Own embeddings on the page Library, and what every page says of runs that other code has trained or trains."""

import io
import json
import subprocess
import sys

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from app.routes.library import library
from app.words import verbatim
from bcl_core.lab import GroupPlan, Recorder, jobs, record
from bcl_core.lab.pulse import Pulse
from bcl_core.recipe import Recorded
from tests.app.test_pages import PAGES, click, words
from tests.conftest import small

LABELS = np.arange(40) % 4
RNG = np.random.default_rng(0)
Z = (RNG.standard_normal((3, 40, 6)) + np.eye(6)[LABELS]).astype(np.float32)
STEERING = {"Pause", "Step one epoch", "Resume", "Stop"}
FINDINGS = ("epochs 0 to 20, 3 in all", "of the recorded samples; those of training are not known")


def npz(**arrays):
    buffer = io.BytesIO()
    np.savez(buffer, **arrays)
    return buffer.getvalue()


def upload(app, content, name="model.npz"):
    app.file_uploader(key="record/file").set_value((name, content, "application/octet-stream"))
    return click(app.run(), "Open")


def labels_of(app):
    return {button.label for button in app.button} | {button.help for button in app.button}


def test_an_upload_becomes_a_run_to_inspect_and_is_then_not_kept(lab, open_form, jobs_at_once):
    app = upload(
        open_form("Open your own embeddings"), npz(embeddings=Z, labels=LABELS, epochs=[0, 10, 20], extra=LABELS)
    )
    [run] = lab.runs()
    assert (run.name, run.state, lab.folder(run.id).epochs()) == ("model", "finished", [0, 10, 20])
    assert "Opened as **model**" in app.success[0].value
    text = words(app) + app.success[0].value
    assert all(finding in text for finding in FINDINGS)
    assert "In the file, but not used: extra" in text
    assert not app.error and not app.exception
    assert not list((lab.home / "jobs").glob("*/upload"))


def test_the_result_leads_to_the_lab_and_not_to_training(lab, open_form, jobs_at_once):
    app = upload(open_form("Open your own embeddings"), npz(embeddings=Z[0], labels=LABELS))
    links = {link.proto.label: link.proto.query_string for link in app.get("page_link")}
    assert links["Open in the Lab"] == f"runs={lab.runs()[0].id}"
    assert not [label for label in links if "trains" in label]


def test_a_path_on_this_machine_and_a_name_will_do(lab, open_form, jobs_at_once, tmp_path):
    table = {"embedding": list(Z[0]), "label": np.array(list("abcd"))[LABELS]}
    pq.write_table(pa.table(table), tmp_path / "mine.parquet")
    app = open_form("Open your own embeddings")
    app.text_input(key="record/path").set_value(str(tmp_path / "mine.parquet"))
    app.text_input(key="record/name").set_value("from elsewhere")
    app = click(app.run(), "Open")
    assert [run.name for run in lab.runs()] == ["from elsewhere"]
    assert (tmp_path / "mine.parquet").exists()


def test_vectors_and_their_labels_may_be_two_uploads_and_not_an_upload_and_a_path(lab, open_form, jobs_at_once):
    rows = "".join("\t".join(map(str, row)) + "\n" for row in Z[0])
    app = open_form("Open your own embeddings")
    app.file_uploader(key="record/labels").set_value(
        ("meta.tsv", "".join(f"{k}\n" for k in LABELS).encode(), "text/plain")
    )
    app.text_input(key="record/path").set_value("vectors.tsv")
    assert "upload both" in click(app.run(), "Open").error[0].value
    app = upload(app, rows.encode(), "vectors.tsv")
    assert [run.name for run in lab.runs()] == ["vectors"] and not app.error
    assert not list((lab.home / "jobs").glob("*/upload"))


def cut(content):
    return content[: len(content) // 2]


GOOD = npz(embeddings=Z[0], labels=LABELS)
BAD_FILES = {
    "objects": (npz(embeddings=np.array([[1], [1, 2]], object), labels=[0, 1]), "embeddings holds Python objects"),
    "shapes": (npz(embeddings=Z[0], labels=LABELS[:9]), "embeddings has shape (40, 6); expected (9, d)"),
    "no labels": (npz(embeddings=Z[0], target=LABELS), "has no labels; its arrays: embeddings, target"),
    "five million": (
        npz(embeddings=np.ones((5_000_000, 2), np.int8), labels=np.zeros(5_000_000, np.int8)),
        "there are 5,000,000 samples; at most 1,000,000 can be recorded",
    ),
    "not finite": (npz(embeddings=Z[0] * np.nan, labels=LABELS), "hold numbers that are not finite"),
    "epochs": (npz(embeddings=Z, labels=LABELS, epochs=[0, 2, 1]), "epoch is 1; expected 3 to 99,999"),
    "truncated zip": (cut(GOOD), "model.npz is damaged or cut short"),
    "empty": (b"", "model.npz is empty"),
    "no arrays": (b"embeddings, labels", "model.npz is none of .npz, .npy, Parquet"),
}


@pytest.mark.parametrize("kind", BAD_FILES)
def test_a_file_that_cannot_be_used_is_explained_and_the_form_goes_on(lab, open_form, jobs_at_once, kind):
    content, sentence = BAD_FILES[kind]
    app = upload(open_form("Open your own embeddings"), content)
    assert app.error[0].value.startswith("Nothing was opened: ")
    assert verbatim(sentence) in app.error[0].value
    assert not lab.runs() and not app.exception
    assert not list((lab.home / "jobs").glob("*/upload"))
    app = upload(app, GOOD)
    assert not app.error and len(lab.runs()) == 1


def test_the_web_process_hands_the_bytes_on_without_a_look(lab, open_form, monkeypatch):
    """A broken file is as good as any here: the job alone reads it."""
    asked = []

    def started(lab, folder, arguments):
        asked.append((arguments, [file.read_bytes() for file in (folder / "upload").iterdir()]))
        (folder / "stdout").write_text("")

    monkeypatch.setattr(jobs, "_spawn", started)
    upload(open_form("Open your own embeddings"), cut(GOOD), "../a b.npz")
    [([command, file, *options], contents)] = asked
    assert (command, options, contents) == ("record", ["--json"], [cut(GOOD)])
    assert file.endswith("/upload/_a_b.npz")


def test_a_job_that_dies_is_said_and_loses_nothing(lab, open_form, monkeypatch):
    monkeypatch.setattr(jobs, "_spawn", lambda lab, folder, arguments: (folder / "stdout").write_text(""))
    app = upload(open_form("Open your own embeddings"), GOOD)
    assert app.error[0].value == f"Nothing was opened: {jobs.DIED}"


@pytest.mark.parametrize("path", ["~no-such-user/model.npz", "/nowhere/model.npz", "."])
def test_a_path_to_no_file_is_said(lab, open_form, jobs_at_once, path):
    app = open_form("Open your own embeddings")
    app.text_input(key="record/path").set_value(path)
    app = click(app.run(), "Open")
    assert "is not a file" in app.error[0].value and not app.exception


def test_a_press_without_a_file_asks_for_one(lab, open_form, jobs_at_once):
    assert "Choose a file, or type its path" in click(open_form("Open your own embeddings"), "Open").error[0].value


def test_a_link_to_a_run_that_was_deleted_says_so(lab, open_form, jobs_at_once):
    app = upload(open_form("Open your own embeddings"), GOOD)
    lab.delete([lab.runs()[0].id])
    said = words(app.run())
    assert "Opened before, but" in said and "was deleted and can be restored" in said


@pytest.mark.parametrize("key", ["record-", "../../etc", "import-" + "0" * 32])
def test_a_link_to_no_opening_shows_an_empty_form(lab, open_page, key):
    app = open_page("library", record=key)
    assert not app.exception and not app.error


def test_the_example_is_three_lines_that_make_a_file_which_can_be_opened(lab, open_form, jobs_at_once, tmp_path):
    app = open_form("Open your own embeddings")
    [example] = [code.value for code in app.code if "savez" in code.value]
    assert len(example.strip().splitlines()) == 3
    arrays = {"embeddings": Z, "labels": LABELS}
    exec(example.replace('"my-model.npz"', repr(str(tmp_path / "my-model.npz"))), arrays)
    upload(app, (tmp_path / "my-model.npz").read_bytes())
    assert lab.folder(lab.runs()[0].id).epochs() == [0, 10, 20]


@pytest.mark.parametrize("page", PAGES)
def test_every_page_works_beside_a_run_of_bare_embeddings(lab, open_page, page):
    record("mine", Z, LABELS, epochs=[5, 7, 30], lab=lab)
    app = open_page(page)
    assert not app.exception and not app.error


def test_a_run_that_is_being_recorded_waits_for_no_worker(lab, open_page):
    with Recorder("mine", LABELS, epochs=9, lab=lab) as recorder:
        recorder.epoch(Z[0])
        app = open_page("library")
        assert "Start worker" not in labels_of(app)
        assert not STEERING & labels_of(app)


def test_a_recorder_that_was_killed_is_not_told_as_going_on(lab):
    code = (
        "import numpy as np, os\nfrom bcl_core.lab import Recorder\n"
        "Recorder('mine', np.arange(8) % 4).epoch(np.eye(8, 6) + 1)\nos._exit(1)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 1
    [run] = lab.runs()
    assert run.state == "running"
    pulse = Pulse(lab)
    for _ in range(2):  # the first look finds it dead
        pulse.look([run.id])
    assert json.loads(pulse.answer((run.id,), None).content)["runs"][run.id]["state"] == "stopped"


def test_a_recorder_that_was_killed_is_listed_as_stopped(lab):
    run_id, lock = lab.enter_recorded("mine", Recorded(title="mine"), {})
    lock.release()
    assert {run["id"]: run["state"] for run in library(lab)["runs"]}[run_id] == "stopped"


def test_a_group_that_waits_beside_a_recording_still_waits(lab, open_page):
    record("mine", Z, LABELS, lab=lab)
    lab.enqueue(GroupPlan("race", [("run", small())]))
    assert "Start worker" in labels_of(open_page("library"))
