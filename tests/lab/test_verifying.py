"""`runs --verify` reads everything that was written once, and finds what is not as it was written."""

import json
import shutil
import struct
import zlib
from pathlib import Path

import pytest

from bcl_core.cli import main
from bcl_core.lab import Lab
from bcl_core.lab.checkpoints import write, written
from bcl_core.lab.files import RunFolder
from bcl_core.lab.history import history, whole
from bcl_core.lab.pack import pack
from bcl_core.lab.run import LabError, RunIsActive, UnknownRun
from bcl_core.lab.thinning import keep_every
from bcl_core.lab.verifying import verify
from tests.lab.test_pulse import make_runs

FIRST_LAB = Path(__file__).parents[1] / "fixtures" / "first_lab"


def cli(capsys, *arguments):
    with pytest.raises(SystemExit) as end:
        main(list(arguments))
    told = capsys.readouterr()
    return end.value.code or 0, told.out, told.err


def flip(file, place=0.5):
    content = bytearray(file.read_bytes())
    content[int(place * len(content))] ^= 1
    file.write_bytes(bytes(content))


def faults(lab):
    return {found.run.id: found.faults for found in verify(lab) if not found.run.shelved}


@pytest.fixture(autouse=True)
def no_shelf(tmp_path, monkeypatch):
    monkeypatch.setenv("BCL_LAB_PRETRAINED", str(tmp_path / "shelf"))


def test_a_lab_of_today_and_one_of_the_first_release_are_whole(lab, tmp_path):
    packed, loose = make_runs(lab, ["bcl", "scl"], 3)
    pack(lab, packed.id)
    lab.delete([loose.id])
    shutil.copytree(FIRST_LAB, tmp_path / "first")
    for one in (lab, Lab(tmp_path / "first")):
        assert faults(one) and not any(faults(one).values())


@pytest.mark.parametrize(
    "kind", ["epochs.zip", "samples", "predicted", "history", "recipe.json", "sprite.png", "0002.pt"]
)
def test_a_bit_that_flipped_in_anything_that_was_written_once_is_found(lab, kind):
    hit, well = make_runs(lab, ["bcl", "scl"], 2)
    folder = lab.folder(hit.id)
    pack(lab, hit.id)
    write(folder, 2, written({"epoch": 2}))
    [file] = folder.path.rglob(f"{kind}*")
    flip(file)
    found = faults(lab)
    assert len(found[hit.id]) >= 1 and not found[well.id]
    assert kind in " ".join(found[hit.id]) or kind == "epochs.zip"


@pytest.mark.parametrize("kind", ["sprite.png", "umap-0001.safetensors"])
def test_what_the_lab_has_made_of_a_shelved_run_is_read_too(lab, monkeypatch, kind):
    monkeypatch.setenv("BCL_LAB_PRETRAINED", str(FIRST_LAB.with_name("first_shelf")))
    [run] = lab.shelf.runs
    [made] = make_runs(lab, ["bcl"], 1)
    folder = lab.folder(run.id)
    files = [folder.made_later / "sprite.png", folder.projection("umap", 1)]
    for file, source in zip(files, (lab.folder(made.id).sprite, lab.folder(made.id).samples), strict=True):
        file.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(source, file)
    [before] = [found for found in verify(lab) if found.run.shelved]
    assert not before.faults and before.files == len(folder.files()) + 2
    flip(next(file for file in files if file.name == kind))
    [found] = [found for found in verify(lab) if found.run.shelved]
    assert [kind in fault for fault in found.faults] == [True]


def test_a_picture_that_claims_to_be_enormous_is_damaged(lab):
    [hit] = make_runs(lab, ["bcl"], 1)
    sprite = lab.folder(hit.id).sprite
    content, size = sprite.read_bytes(), struct.pack(">II", 60_000, 60_000)
    header = b"IHDR" + size + content[24:29]
    sprite.write_bytes(content[:12] + header + struct.pack(">I", zlib.crc32(header)) + content[33:])
    assert faults(lab) == {hit.id: ("sprite.png of this run is damaged",)}


def test_a_checkpoint_that_makes_room_for_a_newer_one_meanwhile_is_no_fault(lab, monkeypatch):
    [hit] = make_runs(lab, ["bcl"], 1)
    there = RunFolder.files
    monkeypatch.setattr(RunFolder, "files", lambda folder: [*there(folder), folder.checkpoint(7)])
    assert faults(lab) == {hit.id: ()} and lab.folder(hit.id).size() > 10_000


def test_what_is_missing_is_named_and_the_command_says_which_runs_are_not_whole(lab, capsys):
    gone, hit, well = make_runs(lab, ["bcl", "scl", "scl"], 2)
    shutil.rmtree(lab.folder(gone.id).path)
    lab.folder(hit.id).view(1).unlink()
    lab._database.change("UPDATE metrics SET metrics = 'x' WHERE run = ? AND epoch = 2", hit.id)
    assert faults(lab) == {
        gone.id: (f"its folder, {gone.id}, is missing",),
        hit.id: ("the view of epoch 1 is missing", "the figures of epoch 2 cannot be read in the database"),
        well.id: (),
    }
    code, out, err = cli(capsys, "runs", "--verify")
    assert code == 2 and err == f"bcl_core: not as written: {gone.id}, {hit.id}\n"
    assert f"{well.id}  whole" in out and "    the view of epoch 1 is missing" in out
    _, out, _ = cli(capsys, "runs", "--verify", "--json")
    [about] = [json.loads(line) for line in out.splitlines() if well.id in line]
    assert about["faults"] == [] and about["files"] > 4 and about["bytes"] > 10_000


@pytest.mark.parametrize("is_packed", [True, False])
def test_keeping_every_fifth_epoch_leaves_those_as_they_were_and_frees_the_rest(lab, capsys, is_packed):
    [made] = make_runs(lab, ["bcl"], 12)
    if is_packed:
        pack(lab, made.id)
    folder, kept = lab.folder(made.id), [0, 5, 10, 12]
    rows, rev = lab.metrics(made.id, kept), lab.rev(made.id)
    views = {epoch: folder.content(folder.view(epoch)) for epoch in kept}
    before = sum(file.stat().st_size for file in folder.path.rglob("*") if file.is_file())
    assert "removed 9 epochs" in cli(capsys, "runs", "--keep-every", "5", made.id)[2]
    assert lab.epochs(made.id) == folder.epochs() == folder.epochs("embeddings") == kept
    assert lab.metrics(made.id) == rows and lab.rev(made.id) == f"{rev}-1"
    assert {epoch: folder.content(folder.view(epoch)) for epoch in kept} == views
    assert history(lab, made.id, whole(kept)).whole and not any(faults(lab).values())
    assert sum(file.stat().st_size for file in folder.path.rglob("*") if file.is_file()) < 0.6 * before
    assert keep_every(lab, made.id, 5) == 0 and lab.rev(made.id) == f"{rev}-1"


def test_what_must_not_be_thinned_is_refused_in_words(lab):
    [made] = make_runs(lab, ["bcl"], 2)
    with pytest.raises(LabError, match="expected 1 or more"):
        keep_every(lab, made.id, 0)
    with pytest.raises(UnknownRun):
        keep_every(lab, "no-such-run", 2)
    lab.record_state(made.id, "paused")
    with pytest.raises(RunIsActive):
        keep_every(lab, made.id, 2)
    assert lab.epochs(made.id) == [0, 1, 2]


def test_thinning_that_was_broken_off_is_ended_by_sweeping(lab):
    from bcl_core.lab.mending import sweep

    [made] = make_runs(lab, ["bcl"], 4)
    pack(lab, made.id)
    lab.folder(made.id).history.unlink()
    lab.drop_epochs(made.id, [1, 3])
    assert sweep(lab) == [f"{made.id}: removed 2 epochs that are not kept"]
    assert lab.folder(made.id).epochs() == [0, 2, 4] and not any(faults(lab).values())
