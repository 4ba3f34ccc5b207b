"""A finished run in a dozen files: the same bytes for who reads it, whole at every moment, damage told by name."""

import gc
import os
import shutil
import signal
import subprocess
import sys
import zipfile
from pathlib import Path

import numpy as np
import pytest

from bcl_core.cli import main
from bcl_core.lab import Lab, LabError, Recorder, RunFolder, SnapshotError
from bcl_core.lab.evaluating import evaluate_run
from bcl_core.lab.files import _MOST_OPEN
from bcl_core.lab.history import history, whole
from bcl_core.lab.pack import pack
from bcl_core.lab.shelf import open_shelf
from harness.made_runs import MadeRun, make_runs

ROOT = Path(__file__).parents[2]
SHELVED = "first-digits-bcl"


def everything(made: MadeRun) -> dict[str, bytes]:
    """All that may be read of a run's epochs."""
    folder = made.folder
    files = [of(epoch) for epoch in made.lab.epochs(made.id) for of in (folder.view, folder.embeddings)]
    return {file.name + file.parent.name: folder.content(file) for file in files}


@pytest.fixture
def made(tmp_path) -> MadeRun:
    [run] = make_runs(Lab(tmp_path / "lab"), ["bcl"], 5)
    return run


def test_a_packed_run_gives_the_same_bytes(made):
    before, curves = everything(made), history(made.lab, made.id, whole(made.lab.epochs(made.id))).content
    pack(made.lab, made.id)
    assert everything(made) == before
    assert made.folder.content(made.folder.history) == curves
    assert made.folder.epochs() == made.folder.epochs("embeddings") == list(range(6))
    assert not (made.folder.path / "view").exists() and not (made.folder.path / "embeddings").exists()
    assert zipfile.ZipFile(made.folder.pack).testzip() is None


def test_packing_again_changes_nothing(made):
    pack(made.lab, made.id)
    before = made.folder.pack.read_bytes()
    pack(made.lab, made.id)
    assert made.folder.pack.read_bytes() == before


def test_what_a_pack_left_behind_when_its_process_died_is_removed_by_the_next(made):
    file = made.folder.view(3)
    content = file.read_bytes()
    pack(made.lab, made.id)
    file.parent.mkdir()
    file.write_bytes(content)
    pack(made.lab, made.id)
    assert not file.exists() and made.folder.content(file) == content


def test_a_file_is_removed_only_where_the_pack_holds_it_as_it_is(made):
    """As after a death between the pack and the removal, and a flipped byte in the pack since."""
    whole = {made.folder.view(epoch): made.folder.view(epoch).read_bytes() for epoch in range(6)}
    before = everything(made)
    pack(made.lab, made.id)
    for file, content in whole.items():
        file.parent.mkdir(exist_ok=True)
        file.write_bytes(content)
    with zipfile.ZipFile(made.folder.pack) as archive:
        start = archive.getinfo("view/0002.safetensors").header_offset + 4000
    content = bytearray(made.folder.pack.read_bytes())
    content[start] ^= 1
    made.folder.pack.write_bytes(content)
    pack(made.lab, made.id)
    assert everything(made) == before and not made.folder.view(2).exists()


@pytest.mark.parametrize("place", [6, 8, -3, -7, -40, -60])
def test_whatever_is_flipped_in_a_pack_it_is_a_sentence_or_the_same_bytes(made, place):
    before = everything(made)
    pack(made.lab, made.id)
    content = bytearray(made.folder.pack.read_bytes())
    for bit in range(8):
        damaged = content.copy()
        damaged[place] ^= 1 << bit
        made.folder.pack.write_bytes(damaged)
        made.folder.epochs()
        for epoch in range(6):
            try:
                file = made.folder.view(epoch)
                assert made.folder.content(file) == before[file.name + "view"]
            except SnapshotError as error:
                assert file.name in str(error)


def test_many_packs_are_not_held_open(tmp_path):
    for place in range(2 * _MOST_OPEN):
        folder = tmp_path / f"run-{place:04}"
        folder.mkdir()
        zipfile.ZipFile(folder / "epochs.zip", "w").close()
        assert list(RunFolder(folder).packed()) == []
    gc.collect()
    links = [link.readlink() for link in Path("/proc/self/fd").iterdir() if link.exists()]
    assert len([file for file in links if file.name == "epochs.zip"]) <= _MOST_OPEN


@pytest.mark.slow
def test_killed_at_any_moment_nothing_is_lost(made):
    """The real thing: a process that packs is killed with SIGKILL, again and again, until one comes through."""
    before = everything(made)
    code = f"from bcl_core.lab import Lab; from pathlib import Path; from bcl_core.lab.pack import pack; print('go', flush=True); pack(Lab(Path({str(made.lab.home)!r})), {made.id!r})"  # noqa: E501
    for patience in (0.0, 0.005, 0.01, 0.02, 0.04, 30):
        packing = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, cwd=ROOT)
        assert packing.stdout is not None
        packing.stdout.readline()
        try:
            packing.wait(patience)
        except subprocess.TimeoutExpired:
            os.kill(packing.pid, signal.SIGKILL)
            packing.wait()
        assert everything(made) == before
    assert packing.returncode == 0 and made.folder.pack.exists()
    assert not [file for file in made.folder.path.rglob(".*") if file.is_file() and "epochs.zip" not in file.name]


def test_a_damaged_pack_is_told_by_name_and_its_other_epochs_go_on(made):
    pack(made.lab, made.id)
    content = bytearray(made.folder.pack.read_bytes())
    with zipfile.ZipFile(made.folder.pack) as archive:
        start = archive.getinfo("view/0002.safetensors").header_offset + 4000
    for place in range(start, start + 40):
        content[place] ^= 1
    made.folder.pack.write_bytes(content)
    with pytest.raises(SnapshotError, match=r"view/0002\.safetensors .* damaged"):
        made.folder.content(made.folder.view(2))
    assert made.folder.content(made.folder.view(3))
    made.folder.pack.write_bytes(content[: len(content) // 2])
    with pytest.raises(SnapshotError, match="damaged"):
        made.folder.content(made.folder.view(3))


def test_a_view_that_is_damaged_is_packed_as_it_is_and_told_as_before(made):
    content = made.folder.view(2).read_bytes()
    made.folder.view(2).write_bytes(content[:-9])
    for _ in range(2):
        with pytest.raises(SnapshotError, match=r"view/0002\.safetensors"):
            made.folder.content(made.folder.view(2))
        assert not history(made.lab, made.id, whole(made.lab.epochs(made.id))).whole
        pack(made.lab, made.id)
    assert made.folder.pack.exists() and not made.folder.history.exists()


def test_a_run_that_may_go_on_is_not_packed(made):
    made.lab.record_state(made.id, "stopped")
    with pytest.raises(LabError, match="stopped"):
        pack(made.lab, made.id)
    assert made.folder.view(0).exists()


def test_a_run_is_packed_when_it_ends(lab):
    labels = np.arange(40) % 4
    with Recorder("mine", labels) as recorder:
        for epoch in range(3):
            recorder.epoch(np.random.default_rng(epoch).normal(size=(40, 6)))
    folder = lab.folder(recorder.run_id)
    assert sorted(file.name for file in folder.path.iterdir() if file.name != "lock") == [
        *("epochs.zip", "history.safetensors", "recipe.json", "samples.safetensors")
    ]
    assert folder.epochs() == [1, 2, 3]


def test_a_disk_that_is_full_leaves_a_finished_run_as_it_is(made, monkeypatch, caplog):
    from bcl_core.lab import pack as module

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    before = everything(made)
    monkeypatch.setattr(module, "write_aside", full)
    module.pack_or_leave(made.lab, made.id)
    assert everything(made) == before and "No space left" in caplog.text


def test_a_copy_of_a_shelf_run_is_packed_by_the_command_and_is_what_it_was(lab, tmp_path, monkeypatch, capsys):
    shipped = ROOT / "tests" / "fixtures" / "first_shelf" / SHELVED
    shutil.copytree(shipped, tmp_path / "shelf" / SHELVED)
    monkeypatch.setenv("BCL_LAB_PRETRAINED", str(tmp_path / "shelf"))
    before, rev = lab.metrics(SHELVED), lab.rev(SHELVED)
    with pytest.raises(SystemExit) as end:
        main(["pack", SHELVED])
    assert not end.value.code and "packed" in capsys.readouterr().out
    open_shelf.cache_clear()
    folder = lab.folder(SHELVED)
    assert len([file for file in folder.path.rglob("*") if file.is_file()]) <= 12
    assert not lab.shelf.faults and lab.metrics(SHELVED) == before
    assert lab.rev(SHELVED) != rev  # browsers ask anew
    for epoch in lab.epochs(SHELVED):
        assert folder.content(folder.view(epoch)) == (shipped / "view" / f"{epoch:04d}.safetensors").read_bytes()
    evaluation = evaluate_run(lab, SHELVED)
    assert evaluation.accuracy_difference <= 0.1 and evaluation.angle_difference <= 0.1
