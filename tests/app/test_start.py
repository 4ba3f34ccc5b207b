"""The race of photographs, from Start: said where its images come from, queued by one press, and once."""

import pytest

from bcl_core.lab.shelf import open_shelf

pytestmark = pytest.mark.usefixtures("no_worker")
LABEL = "Train on photographs"


@pytest.fixture
def nothing_at_hand(lab, tmp_path, monkeypatch):
    monkeypatch.delenv("BCL_LAB_PARQUET", raising=False)
    monkeypatch.setenv("BCL_LAB_DATA", str(tmp_path / "photos"))


def press(app):
    [button] = [button for button in app.button if button.label == LABEL]
    return button.click().run()


def test_it_says_what_it_needs_where_there_are_no_images(nothing_at_hand, open_page, tmp_path):
    [said] = [caption.value for caption in open_page("start").caption if "Photographs" in caption.value]
    for words in ("downloaded first, 170 MB", "photos", "cifar-10-python.tar.gz", "BCL_LAB_PARQUET"):
        assert words in said
    (tmp_path / "photos" / "cifar-10-batches-py").mkdir(parents=True)
    [said] = [caption.value for caption in open_page("start").caption if "Photographs" in caption.value]
    assert "read from" in said and "170 MB" not in said


def test_one_press_queues_the_race_and_another_opens_it(lab, nothing_at_hand, open_page):
    press(open_page("start"))
    queued = lab.runs()
    assert [run.recipe.variant for run in queued] == ["scl", "bcl", "bcl-class"]
    assert {run.recipe.model.start for run in queued} == {"cifar10-lt-ce-la"}
    press(open_page("start"))
    assert lab.runs() == queued


def test_without_the_encoder_it_says_so_and_queues_nothing(lab, nothing_at_hand, open_page, tmp_path, monkeypatch):
    app = open_page("start")
    monkeypatch.setenv("BCL_LAB_PRETRAINED", str(tmp_path / "empty"))
    open_shelf.cache_clear()
    [error] = press(app).error
    assert "cannot start from" in error.value and "cifar10" in error.value
    assert not lab.runs()
