"""A damaged or missing file of a run is told by name, and all else goes on: on every page, and in the shell."""

import shutil
from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np
import pytest

from app.routes.about import about
from bcl_core.cli import main
from bcl_core.lab import Lab, RunFolder
from bcl_core.lab.history import history, whole
from tests.app.conftest import train_here
from tests.app.test_pages import PAGES, words

LAST = 2


def flip(file: Path) -> None:
    """Turn 40 bytes of the second half over."""
    content = bytearray(file.read_bytes())
    for place in np.random.default_rng(0).integers(len(content) // 2, len(content), 40):
        content[place] ^= 0x55
    file.write_bytes(content)


DAMAGES: Mapping[str, Callable[[RunFolder], None]] = {
    "flipped samples": lambda folder: flip(folder.samples),
    "flipped prediction": lambda folder: flip(folder.predicted),
    "flipped pack": lambda folder: flip(folder.pack),
    "flipped history": lambda folder: flip(folder.history),
    "no samples": lambda folder: folder.samples.unlink(),
    "no pack": lambda folder: folder.pack.unlink(),
    "no folder": lambda folder: shutil.rmtree(folder.path),
}


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    home = tmp_path_factory.mktemp("damaged") / "lab"
    train_here(Lab(home), epochs=LAST, presets=("digits-scl", "digits-bcl"))
    return home


@pytest.fixture(params=DAMAGES)
def damaged(request, home, tmp_path, monkeypatch) -> tuple[Lab, str, str]:
    """A lab of two runs, the first of which is damaged; that run, and the other."""
    shutil.copytree(home, tmp_path / "lab")
    monkeypatch.setenv("BCL_LAB_HOME", str(tmp_path / "lab"))
    lab = Lab(tmp_path / "lab")
    broken, sound = (run.id for run in lab.runs())
    DAMAGES[request.param](lab.folder(broken))
    return lab, broken, sound


@pytest.mark.parametrize("page", PAGES)
def test_every_page_goes_on(damaged, open_page, page):
    app = open_page(page)
    assert not app.exception
    assert "could not be drawn" not in words(app)


def test_what_is_told_of_the_others_is_as_ever(damaged):
    lab, broken, sound = damaged
    assert about(lab, lab.run(sound))["faults"] == {}
    about(lab, lab.run(broken))
    for run_id in (broken, sound):
        found = history(lab, run_id, whole(lab.epochs(run_id)))
        assert found.whole or run_id == broken


def test_the_shell_lists_them_and_says_what_is_missing_in_a_sentence(damaged, tmp_path, capsys):
    _, broken, sound = damaged
    for arguments in (["runs"], ["export", sound, str(tmp_path / "sound.zip")]):
        with pytest.raises(SystemExit) as end:
            main(arguments)
        assert not end.value.code
    capsys.readouterr()
    with pytest.raises(SystemExit) as end:
        main(["export", broken, str(tmp_path / "broken.zip")])
    said = capsys.readouterr().err
    assert end.value.code in (0, 2) and "Traceback" not in said
    assert end.value.code == 0 or said.startswith("bcl_core: ")


def test_it_can_be_deleted(damaged):
    lab, broken, sound = damaged
    lab.delete([broken])
    lab.purge([broken])
    assert [run.id for run in lab.runs()] == [sound] and not lab.folder(sound).path.with_name(broken).exists()
