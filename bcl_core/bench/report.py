"""All that is measured, on one machine in one go: as a dictionary that JSON takes, and as tables for people."""

import os
import platform
import resource
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import torch

from bcl_core.bench.epoch import epoch_cost
from bcl_core.bench.scaling import scaling
from bcl_core.bench.steps import STAGES, VIEWS, stage_seconds, step_seconds
from bcl_core.data.dataset import Dataset
from bcl_core.hardware import Hardware
from bcl_core.provenance import provenance
from bcl_core.recipe import Recipe

Report = dict[str, Any]
LOADERS = 2  # processes of the published pipeline
ROUNDS, STEPS = 2, 3
NAMES = {
    "bare": "forward and backward alone, on ready views",
    "ours": "ours",
    "published": "a published-style pipeline",
}
IN_WORDS = {
    "loss": "loss, forward and backward",
    "statistics": "gradient statistics, a sampled step",
    "measuring": "measuring an epoch",
}


def bench(
    recipe: Recipe, dataset: Dataset, hardware: Hardware, *, quick: bool, say: Callable[[str], None] = lambda _: None
) -> Report:
    """Measure a recipe's steps, an epoch's end, and how costs grow.

    `quick`: once each, which says little. `say` is told in words what comes next.
    """
    load = os.getloadavg()[0]
    rounds, steps = (1, 1) if quick else (ROUNDS, STEPS)
    say("a step, stage by stage")
    stages = stage_seconds(recipe, dataset, hardware, steps=rounds * steps)
    peak = _peak(hardware)  # before anything else takes memory
    workers = 0 if quick else LOADERS
    say("steps beside a published-style pipeline and the bare network")
    seconds = step_seconds(recipe, dataset, hardware, workers=workers, rounds=rounds, steps=steps)
    say("an epoch's end")
    end = epoch_cost(recipe, dataset, hardware)
    say("growth with classes, images and dimensions")
    grown = scaling(hardware.device, quick=quick)
    return {
        "machine": {
            "processor": processor(),
            "cores": os.cpu_count(),
            "load_before": load,
            "load_after": os.getloadavg()[0],
            **hardware.description,
            "torch": torch.__version__,
            "code": provenance()["code"],
        },
        "recipe": {
            "backbone": recipe.model.backbone,
            "batch_size": recipe.batch_size,
            "loss": recipe.loss.name,
            "loader_processes": workers,
        },
        "step_seconds": {name: each._asdict() for name, each in seconds.items()},
        "views_per_second": {name: VIEWS * recipe.batch_size / each.clock for name, each in seconds.items()},
        "stage_seconds": stages,
        "peak_bytes": peak,
        "epoch": end._asdict(),
        "scaling": grown,
        "quick": quick,
    }


def as_text(report: Report) -> str:
    """Return the tables, in Markdown."""
    return "\n".join([*_heading(report), "", *_steps(report), "", *_stages(report), "", *_scaling(report)])


def _heading(report: Report) -> Iterator[str]:
    machine, recipe = report["machine"], report["recipe"]
    device = machine["processor"] if machine["device"] == "CPU" else machine["device"]
    yield (
        f"{device}, {machine['cores']} cores, {machine['threads']} threads, {machine['precision']}, "
        f"torch {machine['torch']}, load {machine['load_before']:.1f} before and {machine['load_after']:.1f} after. "
        f"{recipe['backbone']}, {recipe['loss']}, batch {recipe['batch_size']}, {VIEWS} views of 32 × 32 pixels."
    )
    if report["quick"]:
        yield "Quick: each was done once, so that these figures say little."


def _steps(report: Report) -> Iterator[str]:
    yield from ("| a training step | views a second | of ours | CPU seconds | of ours |", "|---|---|---|---|---|")
    rates, seconds = report["views_per_second"], report["step_seconds"]
    for name, words in NAMES.items():
        loaders = f", fp32, {report['recipe']['loader_processes']} loader processes" if name == "published" else ""
        work = seconds[name]["work"]
        yield (
            f"| {words}{loaders} | {rates[name]:.0f} | {rates[name] / rates['ours']:.2f} | {work:.2f} | "
            f"{work / seconds['ours']['work']:.2f} |"
        )
    yield ""
    yield f"Most memory of a process that trains: {report['peak_bytes'] / 2**20:.0f} MiB."


def _stages(report: Report) -> Iterator[str]:
    stages, end = report["stage_seconds"], report["epoch"]
    yield from ("| stage | milliseconds of work | share of a step |", "|---|---|---|")
    for name in STAGES:
        yield f"| {name} | {1000 * stages[name]:.1f} | {stages[name] / sum(stages.values()):.1%} |"
    embedding = max(0.0, end["evaluation"] - end["measuring"])
    yield f"| once an epoch: embedding, {end['images']:,} test images | {1000 * embedding:.0f} | |"
    yield f"| once an epoch: measuring them | {1000 * end['measuring']:.0f} | |"
    megabytes = end["written_bytes"] / 1e6
    yield f"| once an epoch: files, {megabytes:.1f} MB | {1000 * end['files']:.0f} | |"


def _scaling(report: Report) -> Iterator[str]:
    yield from (
        "| cost | classes | anchors or images | dimensions | seconds of work | peak |",
        "|---|---|---|---|---|---|",
    )
    for row in report["scaling"]:
        peak = f"{row['peak_bytes'] / 1e9:.2f} GB" if "peak_bytes" in row else ""
        before = f", {row['width']:,} before the head" if "width" in row else ""
        sizes = f"{row['K']:,} | {row['N']:,} | {row['d']:,}{before}"
        yield f"| {IN_WORDS[row['part']]} | {sizes} | {row['seconds']:.3g} | {peak} |"


def processor() -> str:
    """Return the processor's name, as far as the system tells it."""
    known = Path("/proc/cpuinfo")
    lines = known.read_text().splitlines() if known.exists() else []
    models = [line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")]
    return models[0] if models else platform.processor() or platform.machine()


def _peak(hardware: Hardware) -> int:
    if hardware.device.type == "cuda":
        return torch.cuda.max_memory_allocated()
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024
