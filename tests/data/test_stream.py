"""Decoding processes live as long as their run, and end at once."""

import time
from multiprocessing import active_children

import numpy as np
import pytest
import torch

from bcl_core.data import stream
from bcl_core.data.stream import ChunkStream, FileImages, ViewStream
from tests.data.small_images import save

DECODING_SECONDS = 60


@pytest.fixture
def images(tmp_path):
    for seed in range(8):
        save(tmp_path / f"{seed}.png", seed)
    return FileImages([tmp_path / f"{seed}.png" for seed in range(8)], 16)


def plan(steps=3):
    return [(step, np.arange(8)[step : step + 4]) for step in range(steps)]


def views_of(images, workers=2):
    return ViewStream(images, torch.arange(4), [(0.08, 1.0), None], seed=0, workers=workers)


def mine(before):
    return {child.pid for child in active_children()} - before


def test_the_same_processes_decode_every_epoch_and_none_is_left(images):
    before = {child.pid for child in active_children()}
    views, chunks = views_of(images), ChunkStream(images, 1)
    seen = []
    for epoch in (1, 2, 3):
        assert len([*views.epoch(epoch, plan())]) == 3
        assert sum(len(chunk) for chunk in chunks) == 8
        seen.append(mine(before))
    assert len(seen[0]) == 3 and seen[0] == seen[1] == seen[2]
    views.close()
    chunks.close()
    for child in active_children():
        if child.pid in seen[0]:
            child.join()
    assert not mine(before)


def test_an_epoch_that_was_left_in_the_middle_does_not_show_in_the_next(images):
    left, whole = views_of(images), views_of(images, workers=0)
    next(left.epoch(1, plan()))
    for ours, theirs in zip(left.epoch(2, plan()), whole.epoch(2, plan()), strict=True):
        assert torch.equal(ours, theirs)
    left.close()


def test_closing_waits_for_no_image(images, monkeypatch):
    """Each of them takes a minute, and no process had finished one when all were ended."""
    before = {child.pid for child in active_children()}
    monkeypatch.setattr(stream, "opened", lambda _: time.sleep(DECODING_SECONDS))
    views = views_of(images)
    start = time.monotonic()
    epoch = views.epoch(1, plan())
    monkeypatch.setattr(views._stream._loader, "timeout", 1)
    with pytest.raises(RuntimeError, match="timed out"):
        next(epoch)
    children = mine(before)
    assert len(children) == 2
    views.close()
    for child in active_children():
        if child.pid in children:
            child.join()
            assert child.exitcode == 0
    del views, epoch
    assert time.monotonic() - start < DECODING_SECONDS
