"""`python -m bcl_core bench`: it measures what training does, and says where and with what."""

import json

import pytest
import torch
from torch.nn.functional import normalize

from bcl_core.bench import published
from bcl_core.cli import main
from bcl_core.losses import contrastive_loss


def test_the_published_loss_is_bcl_with_its_gradient():
    generator = torch.Generator().manual_seed(0)
    features, prototypes = (
        normalize(torch.randn(*shape, generator=generator, dtype=torch.float64), dim=-1).requires_grad_()
        for shape in ((12, 2, 8), (4, 8))
    )
    labels = torch.tensor([0] * 7 + [1] * 3 + [2, 3])
    plain = published.published_loss(features, labels, prototypes, temperature=0.1)
    ours = contrastive_loss(features, labels, prototypes, num_classes=4, temperature=0.1)
    torch.testing.assert_close(plain, ours)
    for one, other in zip(
        torch.autograd.grad(plain, (features, prototypes)),
        torch.autograd.grad(ours, (features, prototypes)),
        strict=True,
    ):
        torch.testing.assert_close(one, other)


def run(capsys: pytest.CaptureFixture[str], tmp_path, *arguments: str) -> tuple[int, str, str]:
    with pytest.raises(SystemExit) as left:
        main(["--home", str(tmp_path / "lab"), "bench", *arguments])
    out, error = capsys.readouterr()
    return int(left.value.code), out, error


@pytest.mark.slow
def test_one_command_measures_steps_stages_memory_and_growth(capsys, tmp_path):
    trace = tmp_path / "trace.json"
    settings = ("--set", "threads=1", "--set", "precision=fp32")
    code, out, _ = run(capsys, tmp_path, "--quick", "--json", *settings, "--profile", str(trace))
    report = json.loads(out)
    assert code == 0
    assert {"processor", "cores", "threads", "precision", "torch", "load_before"} <= report["machine"].keys()
    assert report["machine"]["threads"] == "1" and report["machine"]["precision"] == "fp32"
    assert report["views_per_second"].keys() == {"ours", "published", "bare"}
    stages = report["stage_seconds"]
    assert list(stages) == ["views", "forward", "loss", "backward", "optimiser"] and min(stages.values()) > 0
    assert report["peak_bytes"] > 1e8 and report["epoch"]["written_bytes"] > 1e5
    assert {row["part"] for row in report["scaling"]} == {"loss", "statistics", "measuring"}
    assert all(row["seconds"] > 0 for row in report["scaling"])
    assert any("conv" in event.get("name", "") for event in json.loads(trace.read_text())["traceEvents"])


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--set", "data.path=/photos"], "makes its images itself"),
        (["--set", "loss.name=ce"], 'loss.name is "ce"'),
        (["--set", "threads=many"], "threads"),
        (["--set", "batch_size"], "has no value"),
        (["--profile", "/nowhere/trace.json"], "cannot be written"),
        (["--profile", "/"], "is a folder"),
    ],
)
def test_what_cannot_be_measured_is_said_in_words(capsys, tmp_path, arguments, message):
    code, _, error = run(capsys, tmp_path, "--quick", *arguments)
    assert code == 2 and message in error and "Traceback" not in error
