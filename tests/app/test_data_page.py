"""The page Data: what is in a data set, said before anything is trained, in every state of a look."""

import json
from urllib.parse import unquote_plus

import pytest

from app.side_jobs import Look
from bcl_core.lab import jobs
from bcl_core.recipe import Execution, preset
from bcl_core.registry import DATASETS
from tests.app.test_pages import click, words
from tests.data.small_images import save

LOOK = "Look at these data"


@pytest.fixture
def photos(tmp_path):
    for place in range(30):
        save(tmp_path / "photos" / ("cats" if place < 20 else "dogs") / f"{place}.png", place)
    for name in ("letter.png", "note.png"):
        (tmp_path / "photos" / "dogs" / name).write_text("no picture")
    return tmp_path / "photos"


def held(monkeypatch):
    """Let jobs be started and never end."""

    class Process:
        def poll(self):
            return None

    monkeypatch.setattr(jobs, "_started", {})
    monkeypatch.setattr(jobs, "_spawn", lambda lab, folder, arguments: jobs._started.update({folder: Process()}))


@pytest.mark.parametrize("source", DATASETS)
def test_every_data_set_has_its_help_and_says_how_to_come_by_it(lab, open_page, source):
    app = open_page("data", source=DATASETS[source].title)
    assert DATASETS[source].help in words(app)
    assert DATASETS[source].guide in words(app)
    assert not app.exception and not app.error
    assert any(button.label == LOOK for button in app.button) != DATASETS[source].needs_path


def test_nothing_is_read_until_it_is_asked_for(lab, open_page, monkeypatch):
    monkeypatch.setattr(jobs, "_spawn", lambda *_: pytest.fail("a job was started"))
    open_page("data")


def test_a_look_counts_groups_and_measures(lab, open_page, jobs_at_once):
    app = click(open_page("data"), LOOK)
    text = words(app)
    assert "**360** training and **400** test images in **10 classes**, 8×8 pixels, grey" in text
    assert "imbalance factor of 65" in text
    assert {"One training step", "One run of 60 epochs", "Memory at the most"} <= {item.label for item in app.metric}
    assert "Measured here: one step of 64 images on the CPU" in text
    assert not app.exception and not app.error


def test_a_reload_finds_the_look_again_without_reading_anything(lab, open_page, jobs_at_once, monkeypatch):
    click(open_page("data"), LOOK)
    monkeypatch.setattr(jobs, "_spawn", lambda *_: pytest.fail("a job was started"))
    assert "**360** training" in words(open_page("data"))


def test_files_that_cannot_be_read_are_named(lab, open_page, jobs_at_once, photos):
    app = open_page("data", **{"source": DATASETS["folder"].title, "data/folder/data.path": str(photos)})
    app = click(app, LOOK)
    [warning] = [element.value for element in app.warning]
    assert "2 files" in warning
    assert "letter.png" in warning
    assert "note.png" in warning
    assert "**2 classes**" in words(app)


def test_a_setting_is_another_look(lab, open_page, jobs_at_once):
    click(open_page("data"), LOOK)
    app = open_page("data", **{"digits/digits/data.imbalance_factor": "10"})
    app = click(app, LOOK)
    assert "**10 classes**" in words(app)
    assert "smallest 13" in words(app)


def test_a_look_that_fails_says_why_and_can_be_repeated(lab, open_page, jobs_at_once, tmp_path):
    missing = str(tmp_path / "nowhere")
    app = open_page("data", **{"source": DATASETS["folder"].title, "data/folder/data.path": missing})
    app = click(app, LOOK)
    assert missing in app.error[0].value
    save(tmp_path / "nowhere" / "cats" / "1.png")
    save(tmp_path / "nowhere" / "cats" / "2.png")
    save(tmp_path / "nowhere" / "dogs" / "1.png")
    save(tmp_path / "nowhere" / "dogs" / "2.png")
    app = click(app, "Look again")
    assert not app.error
    assert "**2 classes**" in words(app)


def test_a_setting_out_of_range_is_named_before_anything_is_read(lab, open_page):
    app = open_page("data", **{"digits/digits/data.image_size": "many"})
    assert "data.image_size" in app.error[0].value


def test_a_download_in_progress_is_told_in_the_job_s_own_words(lab, open_page, monkeypatch):
    held(monkeypatch)
    app = click(open_page("data"), LOOK)
    [folder] = jobs._started
    jobs.report(folder, "Downloading CIFAR-10: 45 %")
    assert "Downloading CIFAR-10: 45 %" in words(app.run())


def test_a_third_look_at_once_waits_and_says_so(lab, open_page, monkeypatch):
    held(monkeypatch)
    for seed in range(jobs.AT_ONCE):
        Look(preset("digits-bcl").model_copy(update={"seed": seed + 1}), Execution()).start(lab)
    app = click(open_page("data"), LOOK)
    assert "Two other looks are at work" in words(app)
    assert len(jobs._started) == jobs.AT_ONCE


def test_data_are_shown_where_time_and_memory_could_not_be_measured(lab, open_page, jobs_at_once):
    click(open_page("data"), LOOK)
    [folder] = [entry for entry in (lab.home / "jobs").iterdir() if entry.is_dir()]
    (folder / "cost.json").unlink()
    (folder / "exit_code").write_text("2")
    (folder / "stderr").write_text("bcl_core: a batch of 64 images does not fit into the memory of this GPU\n")
    app = open_page("data")
    assert "**360** training" in words(app)
    assert "does not fit into the memory" in app.warning[0].value


def test_another_image_has_its_own_views(lab, open_page, jobs_at_once):
    click(open_page("data"), LOOK)
    app = open_page("data", image="7")
    assert not app.error and not app.exception
    requests = [json.loads(path.read_text()) for path in (lab.home / "jobs").glob("*/request.json")]
    assert sorted(request["image"] or 0 for request in requests) == [0, 7]


def test_an_image_beyond_the_last_becomes_the_last(lab, open_page, jobs_at_once):
    click(open_page("data"), LOOK)
    app = open_page("data", image="99999")
    assert app.number_input(key="image").value <= 359
    assert not app.exception


def test_the_settings_go_along_to_train(lab, open_page, no_worker, photos):
    query = {
        "source": DATASETS["folder"].title,
        "data/folder/data.path": str(photos),
        "folder/own-images/data.image_size": "16",
    }
    app = open_page("data", **query)
    [link] = [link for link in app.get("page_link") if link.proto.label == "Train with these data"]
    there = dict(pair.split("=", 1) for pair in link.proto.query_string.split("&"))
    app = open_page("train", **{unquote_plus(key): unquote_plus(value) for key, value in there.items()})
    click(app, "Train")
    assert {run.recipe.data.image_size for run in lab.runs()} == {16}
    assert {str(run.execution.data.path) for run in lab.runs()} == {str(photos)}
