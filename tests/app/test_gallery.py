"""The gallery shows every shelved run with its figures, and names what it cannot open."""

import shutil
from pathlib import Path

import pytest

from app.words import percent
from bcl_core.lab.shelf import shelf_home
from tests.app.test_pages import words


@pytest.fixture
def small_shelf(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    home = tmp_path / "shelf"
    for name in ("digits-scl", "digits-bcl", "digits-balanced-scl"):
        shutil.copytree(shelf_home() / name, home / name)
    monkeypatch.setenv("BCL_LAB_PRETRAINED", str(home))
    return home


def test_cards_say_what_was_recorded(lab, small_shelf, open_page):
    app = open_page("gallery")
    assert not app.exception and not app.error and not app.warning
    text = words(app)
    assert "Digits, long tail" in text and "Digits, balanced (control)" in text
    for run in lab.shelf.runs:
        last = lab.metrics(run.id)[-1]
        assert f"**{percent(last['accuracy'])}**" in text
        if run.id != "digits-balanced-scl":
            assert f"{last['angle_tail_tail']:.0f}° among the rarest" in text
    assert "none" in text  # balanced digits have neither frequent nor rare classes


def test_a_damaged_folder_is_named_and_the_rest_is_shown(lab, small_shelf, open_page):
    (small_shelf / "digits-scl" / "weights.safetensors").write_bytes(b"\0")
    app = open_page("gallery")
    assert [warning.value for warning in app.warning] == [
        "**digits-scl** was not opened: weights.safetensors was changed or is damaged: its checksum is another; fetch "
        "the folder anew."
    ]
    assert "Digits, balanced (control)" in words(app)
    assert not app.exception


def test_start_says_that_its_runs_are_missing_and_goes_on(lab, small_shelf, open_page):
    app = open_page("start")
    assert "missing or damaged" in words(app)
    assert not app.exception


def test_a_missing_shelf_is_said(lab, tmp_path, monkeypatch, open_page):
    monkeypatch.setenv("BCL_LAB_PRETRAINED", str(tmp_path / "nowhere"))
    app = open_page("gallery")
    assert "There is no run in" in words(app) and not app.exception
