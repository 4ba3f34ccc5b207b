"""Import on the page Library: a checkpoint becomes a run, and errors register nothing."""

import io
import json
import zipfile

import pytest

from app.import_form import _stored
from bcl_core.lab import jobs
from tests.app.conftest import train_here
from tests.app.test_pages import click, words


@pytest.fixture
def exported(lab, tmp_path):
    from bcl_core.lab.export import export_runs

    [run_id] = train_here(lab, epochs=1, presets=["digits-bcl"])
    export_runs(lab, [run_id], tmp_path / "runs.zip")
    lab.delete([run_id])
    with zipfile.ZipFile(tmp_path / "runs.zip") as archive:
        (tmp_path / "model.safetensors").write_bytes(archive.read(f"{run_id}/weights.safetensors"))
    return tmp_path / "model.safetensors"


def import_path(app, path, **choices):
    app.text_input(key="import/path").set_value(str(path))
    for key, value in choices.items():
        app.selectbox(key=f"import/{key}").set_value(value)
    return click(app.run(), "Import")


def test_a_checkpoint_becomes_a_run_that_is_measured_and_held(lab, open_form, jobs_at_once, exported):
    app = import_path(open_form("Import models or runs"), exported)
    [run] = lab.runs()
    assert (run.name, run.run_until) == ("model.safetensors", 0)
    assert r"Imported as **model\.safetensors**" in app.success[0].value
    assert not app.error and not app.exception


def test_a_zip_of_runs_brings_them_back_as_they_were(lab, open_form, jobs_at_once, tmp_path):
    from bcl_core.lab.export import export_runs

    [run_id] = train_here(lab, epochs=1, presets=["digits-scl"], loss__temperature=0.7)
    lab.rename(run_id, "![x](http://host/y.png)")
    before = lab.run(run_id)
    export_runs(lab, [run_id, "digits-bcl"], tmp_path / "runs.zip")
    lab.delete([run_id])
    lab.purge([run_id])
    app = import_path(open_form("Import models or runs"), tmp_path / "runs.zip")
    assert lab.runs() == [before]
    brought, here = app.success
    assert brought.value == r"Brought in: “\!\[x\]\(http\://host/y\.png\)”."
    assert here.value == "Here already, as in the file: “BCL”."


def test_an_upload_is_imported_and_then_not_kept(lab, open_form, jobs_at_once, exported):
    app = open_form("Import models or runs")
    app.file_uploader(key="import/file").set_value(
        ("model.safetensors", exported.read_bytes(), "application/octet-stream")
    )
    app.text_input(key="import/name").set_value("from elsewhere")
    app = click(app.run(), "Import")
    assert [run.name for run in lab.runs()] == ["from elsewhere"]
    assert "Imported as **from elsewhere**" in app.success[0].value
    assert not list((lab.home / "jobs").glob("*/upload"))


@pytest.mark.parametrize("name", ["../../evil.pth", "..", ".bashrc", "a b/ü.pt", ""])
def test_an_upload_s_name_is_no_path(tmp_path, name):
    place = _stored(io.BytesIO(b"weights"), name, tmp_path / "job")
    assert place.parent == tmp_path / "job" / "upload"
    assert place.resolve().parent == place.parent
    assert place.read_bytes() == b"weights"


def test_a_file_that_is_no_checkpoint_registers_nothing_and_is_explained(lab, open_form, jobs_at_once, tmp_path):
    (tmp_path / "notes.pth").write_text("not a model")
    app = import_path(open_form("Import models or runs"), tmp_path / "notes.pth")
    assert app.error[0].value.startswith("Nothing was imported: ")
    assert r"notes\.pth" in app.error[0].value
    assert not lab.runs()


def test_another_architecture_than_the_file_s_is_refused_in_words(lab, open_form, jobs_at_once, exported):
    app = import_path(open_form("Import models or runs"), exported, arch="resnet32")
    assert "resnet32" in app.error[0].value
    assert not lab.runs()


def test_what_the_fields_say_of_classifier_and_pixels_is_set_and_holds(lab, open_form, jobs_at_once, exported):
    app = open_form("Import models or runs")
    app.number_input(key="import/scale").set_value(12.5)
    import_path(app, exported, normalisation="drawn")
    assert lab.runs()[0].recipe.model.scale == 12.5
    app = import_path(open_form("Import models or runs"), exported, classifier="linear")
    assert "is set to linear, and by what the file holds it is cosine" in app.error[0].value
    assert len(lab.runs()) == 1


def test_a_press_without_a_file_asks_for_one(lab, open_form, jobs_at_once):
    app = click(open_form("Import models or runs"), "Import")
    assert "Choose a file, or type its path" in app.error[0].value
    assert not (lab.home / "jobs").exists() or not [f for f in (lab.home / "jobs").iterdir() if f.is_dir()]


def test_the_same_file_can_be_imported_again(lab, open_form, jobs_at_once, exported):
    app = import_path(open_form("Import models or runs"), exported)
    import_path(app, exported)
    assert len(lab.runs()) == 2


def test_what_was_drawn_anew_and_left_aside_is_listed(lab, open_form, monkeypatch, exported):
    [run_id] = train_here(lab, epochs=1, presets=["digits-scl"])
    found = {"run": run_id, "layout": "ProCo", "drawn_anew": ["prototype_mlp"], "ignored": ["fc.bias"]}
    found["assumed"] = ["cosine classifier, scale 30", "images normalised as cifar10 in published code"]

    def done(lab, folder, arguments):
        folder.mkdir(exist_ok=True)
        (folder / "stdout").write_text("a library's remark\n" + json.dumps(found))
        (folder / "exit_code").write_text("0")

    monkeypatch.setattr(jobs, "_spawn", done)
    text = words(import_path(open_form("Import models or runs"), exported))
    assert (
        "Drawn anew, since the file has none that fits, and not measured before it is trained: prototype\\_mlp" in text
    )
    assert "Assumed, since the file does not say: cosine classifier, scale 30; images normalised as cifar10" in text
    assert "In the file, but not used: fc\\.bias" in text


@pytest.mark.parametrize("key", ["import-", "../../etc", "preview-0123456789"])
def test_a_link_to_no_import_shows_an_empty_form(lab, open_page, key):
    app = open_page("library", **{"import": key})
    assert not app.exception and not app.error
