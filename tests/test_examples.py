"""What lies in examples/ runs as it stands, and says what it says."""

import ast
import importlib
import re
import sys
from pathlib import Path

import numpy as np
import pytest
import torch

from bcl_core.losses import contrastive_loss

EXAMPLES = Path(__file__).parents[1] / "examples"


@pytest.fixture
def example(monkeypatch):
    """Import an example as Python does for a file that is run: its folder is first on the path."""
    monkeypatch.syspath_prepend(EXAMPLES)
    yield importlib.import_module
    for name in {file.stem for file in EXAMPLES.glob("*.py")} & set(sys.modules):
        del sys.modules[name]


def degrees(text):
    return [float(number) for number in re.findall(r"([\d.]+)°", text)]


@pytest.mark.parametrize("class_anchors", [False, True])
@pytest.mark.parametrize(("averaging", "complement"), [(False, False), (True, False), (False, True), (True, True)])
def test_the_loss_in_200_lines_and_its_gradient_are_those_of_bcl_core(example, averaging, complement, class_anchors):
    micro, rng = example("microbcl"), np.random.default_rng(0)
    z, prototypes = (micro.on_sphere(rng.normal(size=(rows, 5)))[0] for rows in (14, micro.K))
    labels = np.array([0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 9, 9])
    switches = {"class_averaging": averaging, "class_complement": complement}
    loss, *gradients = micro.contrastive(z, labels, prototypes, **switches, class_anchors=class_anchors)
    tensors = [torch.tensor(array, requires_grad=True) for array in (z, prototypes)]
    expected = contrastive_loss(
        tensors[0][:, None],
        torch.tensor(labels),
        tensors[1],
        num_classes=micro.K,
        temperature=micro.TEMPERATURE,
        anchors="class" if class_anchors else "instance",
        **switches,
    )
    expected.backward()
    assert loss == pytest.approx(expected.item(), abs=1e-12)
    for found, tensor in zip(gradients, tensors, strict=True):
        wanted = np.zeros_like(found) if tensor.grad is None else tensor.grad.numpy()
        np.testing.assert_allclose(found, wanted, atol=1e-12)


def test_the_gradient_of_the_network_in_200_lines_is_the_slope_of_its_loss(example):
    micro, rng = example("microbcl"), np.random.default_rng(0)
    images, labels = micro.drawn([2] * micro.K, rng)
    net = micro.train(images, labels, epochs=0, class_averaging=True, class_complement=True)
    settings = {"class_averaging": True, "class_complement": True}
    _, slope = micro.gradients(net, images, labels, **settings)
    for name, array in net.items():
        step = 1e-5 * rng.normal(size=array.shape)
        ahead, behind = (
            micro.gradients({**net, name: array + sign * step}, images, labels, **settings)[0] for sign in (1, -1)
        )
        assert (ahead - behind) / 2 == pytest.approx((slope[name] * step).sum(), rel=1e-4), name


def test_the_whole_idea_is_under_200_lines_of_numpy_and_holds_rare_classes_apart(example, capsys):
    source = (EXAMPLES / "microbcl.py").read_text("utf-8")
    assert len(source.splitlines()) < 200
    imports = [node for node in ast.walk(ast.parse(source)) if isinstance(node, ast.Import | ast.ImportFrom)]
    assert [ast.unparse(node) for node in imports] == ["import numpy as np"]
    example("microbcl").main()
    rows = capsys.readouterr().out.splitlines()[-3:]
    assert [row[:18].strip() for row in rows] == ["SCL", "BCL", "BCL, class anchors"]
    (scl_off, scl_tail), (bcl_off, bcl_tail), (class_off, class_tail) = map(degrees, rows)
    assert scl_tail < bcl_tail < class_tail and scl_off > bcl_off > class_off


def test_the_plain_loop_learns(example, capsys):
    example("plain_loop").main(epochs=10)
    rows = capsys.readouterr().out.splitlines()
    accuracy = [float(re.search(r"accuracy ([\d.]+)", row)[1]) for row in rows]
    assert len(rows) == 2 and accuracy[1] > accuracy[0] > 10


def test_the_recorded_loop_is_a_run_of_the_lab(example, capsys, lab):
    example("record_own_loop").main(epochs=2)
    [run] = lab.runs()
    assert capsys.readouterr().out == f"recorded: {run.id}\n"
    assert (run.name, run.state, run.epoch) == ("my loop", "finished", 2)
    assert {"loss", "accuracy", "angle_tail_tail"} <= lab.metrics(run.id)[-1].keys()


def test_two_checkpoints_are_compared(example, capsys, tmp_path):
    compare = example("compare_checkpoints")
    files = compare.two_checkpoints(tmp_path, epochs=1)
    compare.main([str(file) for file in files])
    scl, bcl, difference = capsys.readouterr().out.splitlines()
    assert scl.startswith("scl.pt: accuracy ") and bcl.startswith("bcl.pt: accuracy ")
    assert len(degrees(scl)) == len(degrees(bcl)) == 4 and degrees(difference)[0] > 0


def test_the_lightning_callback_records(example, capfd, lab):
    pytest.importorskip("lightning")
    example("with_lightning").main(epochs=2)
    [run] = lab.runs()
    assert (run.name, run.state, run.epoch) == ("with Lightning", "finished", 2)
    assert "loss" in lab.metrics(run.id)[-1]
