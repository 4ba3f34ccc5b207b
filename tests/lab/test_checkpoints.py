"""A checkpoint that was damaged is found out, and its run goes on from the one before with the same numbers."""

import random

import pytest
import torch

from bcl_core.lab import GroupPlan, LabError
from bcl_core.lab import checkpoints as kept
from bcl_core.lab.files import RunFolder
from bcl_core.lab.recording import OpenRun
from bcl_core.lab.seals import seal_zip
from bcl_core.recipe import Execution
from benchmarks.kills import differences
from tests.conftest import small

CPU = Execution(device="cpu", threads=1, precision="fp32")


def cut(content):
    return content[: len(content) // 2]


def emptied(_):
    return b""


def flipped(content, bytes_flipped=30):
    content = bytearray(content)
    for place in random.Random(0).sample(range(len(content)), bytes_flipped):
        content[place] ^= 0xFF
    return bytes(content)


def unsealed(content):
    """As releases wrote it that sealed nothing."""
    found = content[:-66] + bytes(2)
    assert seal_zip(found) == content
    return found


def state(epoch):
    return {"epoch": epoch, "model": {"weight": torch.full((64, 64), float(epoch))}}


@pytest.fixture
def folder(tmp_path):
    """A run's folder with the checkpoints of epochs 3 and 4."""
    found = RunFolder(tmp_path / "run")
    for epoch in (3, 4):
        kept.write(found, epoch, kept.written(state(epoch)))
    return found


def harm(folder, epoch, how):
    file = folder.checkpoint(epoch)
    file.write_bytes(how(file.read_bytes()))


@pytest.mark.parametrize("harmed", [cut, emptied, flipped, lambda content: cut(unsealed(content))])
def test_a_damaged_checkpoint_is_found_out_and_the_one_before_is_used(folder, harmed):
    assert kept.standing(folder, 4).state["epoch"] == 4 and kept.standing(folder, 4).remark is None
    harm(folder, 4, harmed)
    found = kept.standing(folder, 4)
    assert found.state["epoch"] == 3
    assert found.remark.startswith("the checkpoint of epoch 4 is damaged: it") and found.remark.endswith(
        "; it went on after epoch 3"
    )
    harm(folder, 3, harmed)
    with pytest.raises(
        LabError, match=r"no checkpoint is whole \(the .* 4 is .* of epoch 3 is .*\): this run cannot go on"
    ):
        kept.standing(folder, 4)


def test_one_bit_anywhere_in_a_checkpoint_is_noticed(folder):
    whole = folder.checkpoint(4).read_bytes()
    for place in random.Random(1).sample(range(len(whole) - 64), 40):
        folder.checkpoint(4).write_bytes(whole[:place] + bytes([whole[place] ^ 1]) + whole[place + 1 :])
        assert kept.standing(folder, 4).state["epoch"] == 3, place


def test_a_checkpoint_of_earlier_releases_is_held_against_what_its_zip_says(folder):
    harm(folder, 4, unsealed)
    assert kept.standing(folder, 4).state["epoch"] == 4
    weights = folder.checkpoint(4).read_bytes().index(torch.full((8,), 4.0).numpy().tobytes())
    harm(folder, 4, lambda content: content[:weights] + b"\1" + content[weights + 1 :])
    assert torch.load(folder.checkpoint(4), weights_only=True)["model"]["weight"][0, 0] != 4  # torch takes it
    assert kept.standing(folder, 4).state["epoch"] == 3


def test_torch_reads_a_sealed_checkpoint(folder):
    assert torch.load(folder.checkpoint(4), weights_only=True, mmap=True)["epoch"] == 4


def test_a_checkpoint_that_is_missing_is_said(folder):
    assert kept.standing(folder, 5).remark == "the checkpoint of epoch 5 is missing; it went on after epoch 4"
    for epoch in folder.checkpoints():
        folder.checkpoint(epoch).unlink()
    assert kept.standing(folder, 4) == (None, "no checkpoint is left; it began anew")
    assert kept.standing(folder, None) == (None, None)


def train_to(lab, run_id, epoch):
    """Train a run in this process until it has this epoch."""
    opened = OpenRun(lab, run_id, lab.lock(run_id))
    while not opened.done and opened.advance(lambda: True).epoch < epoch:
        pass
    opened.close()


@pytest.mark.slow
def test_a_run_whose_newest_checkpoint_was_damaged_ends_with_the_same_numbers_and_says_so(lab):
    calm, run_id, other = lab.enqueue(GroupPlan("race", [(name, small(epochs=3)) for name in "abc"]), CPU)
    train_to(lab, calm, 3)
    for one in (run_id, other):
        train_to(lab, one, 2)
        harm(lab.folder(one), 2, flipped)
    stood = {file: file.stat().st_ino for file in lab.folder(run_id).path.glob("[ve]*/*.safetensors")}
    train_to(lab, run_id, 2)
    assert stood and {file: file.stat().st_ino for file in stood} == stood  # what stands is not written again
    words = "the checkpoint of epoch 2 is damaged: its checksum is another; it went on after epoch 1"
    assert lab.run(run_id).note == words
    train_to(lab, run_id, 3)
    assert not list(differences((lab, calm), (lab, run_id)))
    assert lab.run(run_id).provenance["remarks"] == words
    assert lab.rev(run_id) == lab.rev(calm)

    stands = lab.metrics(other, [2])[0]
    lab._database.change("UPDATE metrics SET metrics = json_set(metrics, '$.loss', 7.0) WHERE run = ?", other)
    train_to(lab, other, 3)
    assert lab.metrics(other, [2])[0] == {**stands, "loss": 7.0}
    assert lab.rev(other) == f"{lab.rev(calm)}-1"
    assert (
        "epoch 2, made again, came out otherwise than it is recorded (loss): what is recorded stays"
        in lab.run(other).provenance["remarks"]
    )
