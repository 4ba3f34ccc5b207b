"""Large images, tiny: trees like ImageNet-LT and iNaturalist through ResNet-50, on one process and two."""

import json
import os
import subprocess
import sys
import time

import numpy as np
import pytest
import torch
from PIL import Image

from bcl_core.data.dataset import prepare
from bcl_core.data.stream import ViewStream
from bcl_core.lab import Lab
from bcl_core.lab.recording import OpenRun
from bcl_core.recipe import Execution, apply_settings, preset
from bcl_core.training import Epoch, train

COUNTS = (6, 4, 2)


def write_images(root, names):
    for seed, name in enumerate(names):
        size = (40 + 10 * (seed % 3), 48)  # photographs come in all shapes
        pixels = np.random.default_rng(seed).integers(0, 256, (*size, 3), dtype=np.uint8)
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(pixels).save(root / name)


@pytest.fixture(params=["imagenet-lt", "inat2018"])
def tree(request, tmp_path):
    """Each of the two data sets, tiny: (preset, folder)."""
    return write_tree(tmp_path, request.param)


def write_tree(folder, preset_name):
    """Write an image folder and list files as the data set has them; return (preset, folder)."""
    imagenet = preset_name == "imagenet-lt"
    pattern = "{split}/n0{c}/{i}.JPEG" if imagenet else "{split}2018/Plantae/{c}/{i}.jpg"
    second = "test" if imagenet else "val"
    for split, counts in (("train", COUNTS), (second, (2, 2, 2))):
        rows = [(pattern.format(split=split, c=c, i=i), c) for c, n in enumerate(counts) for i in range(n)]
        write_images(folder, [name for name, _ in rows])
        name = f"ImageNet_LT_{split}.txt" if imagenet else f"iNaturalist18_{split}.txt"
        (folder / name).write_text("".join(f"{path} {label}\n" for path, label in rows))
    return f"{preset_name}-bcl-class", folder


def settings(folder):
    return {
        "data.source": "list-files",
        "data.path": str(folder),
        "data.image_size": "32",
        "data.workers": "0",
        "batch_size": "6",
        "epochs": "1",
        "threads": "1",
    }


@pytest.mark.slow
def test_a_tree_with_list_files_trains_through_resnet50(tree):
    name, folder = tree
    recipe, execution = apply_settings(preset(name), Execution(), settings(folder))
    events = list(train(recipe, execution))
    epochs = [event for event in events if isinstance(event, Epoch)]
    assert [event.epoch for event in epochs] == [0, 1]
    assert recipe.model.backbone == "resnet50" and epochs[-1].embeddings["projection"].shape[1] == 1024
    assert events[0].samples.class_counts.tolist() == list(COUNTS)
    assert np.isfinite(epochs[-1].metrics["loss"])


def test_a_streamed_set_is_cropped_alike_whatever_processes_decode_it(tree):
    name, folder = tree
    recipe, execution = apply_settings(preset(name), Execution(), settings(folder))
    images = prepare(recipe, execution.data).train.images
    plan = [(0, np.arange(6)), (3, np.arange(6, 12))]
    rows, areas = torch.arange(6), [(0.08, 1.0), None, (0.08, 1.0)]
    here, upper = (list(ViewStream(images, held, areas, seed=0, workers=0).epoch(1, plan)) for held in (rows, rows[3:]))
    stream = ViewStream(images, rows, areas, seed=0, workers=2)
    list(stream.epoch(7, plan))  # the same processes go on with another epoch
    elsewhere = list(stream.epoch(1, plan))
    stream.close()
    for a, b, half in zip(here, elsewhere, upper, strict=True):
        assert a.shape == (18, 3, 32, 32)
        torch.testing.assert_close(a, b, rtol=0, atol=0)
        torch.testing.assert_close(a.view(3, 6, 3, 32, 32)[:, 3:].flatten(0, 1), half, rtol=0, atol=0)


@pytest.mark.slow
def test_torchrun_leaves_one_run_that_another_number_of_processes_takes_up(tmp_path):
    """One of the two: once they are read they differ in nothing."""
    name, folder = write_tree(tmp_path, "imagenet-lt")
    lab = Lab(tmp_path / "lab")
    command = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc_per_node=2"]
    command += ["-m", "bcl_core", "--home", str(lab.home), "train", "--json", "--preset", name]
    for key, value in {**settings(folder), "epochs": "200", "model.backbone": "resnet8"}.items():
        command += ["--set", f"{key}={value}"]
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment)
    end = time.monotonic() + 120
    while not any(run.epoch for run in lab.runs()):
        assert time.monotonic() < end, "it did not come"
        time.sleep(0.2)
    [run] = lab.runs()
    lab.stop(run.id)
    printed, errors = process.communicate(timeout=120)
    assert process.returncode == 0, errors[-3000:]
    run, lines = lab.run(run.id), [json.loads(line) for line in printed.splitlines() if line.startswith("{")]
    assert run.state == "stopped" and run.provenance["processes"] == "2"
    assert [line["epoch"] for line in lines] == list(range(len(lines))) and run.epoch == lines[-1]["epoch"]

    lock = lab.lock(run.id)
    assert lock is not None
    lab.resume(run.id)
    opened = OpenRun(lab, run.id, lock)
    epoch = opened.advance(lambda: True)
    opened.close()
    assert epoch is not None and epoch.epoch == run.epoch + 1
    assert lab.run(run.id).provenance["processes"] == "1"
