"""What came of the digits over several seeds: `ablations.json` of the shelf, which `benchmarks.ablations` writes."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from bcl_core.data import long_tail_counts
from bcl_core.lab.shelf import shelf_home

Rows = Sequence[Mapping[str, float]]
"""The last epochs of runs that differ in the seed alone: degrees, and accuracies in per cent."""

_DIGITS, _LARGEST, _BALANCED = 10, 130, 36  # classes, and images in the largest one


def cells() -> dict[str, Rows]:
    """Return, for each cell of `benchmarks/ablations.py`, a row a seed."""
    found: dict[str, list[Mapping[str, float]]] = {}
    for run in _runs():
        found.setdefault(run["cell"], []).append(run["last"])
    return dict(found)


def bcl_less_scl() -> Mapping[str, Mapping[str, float]]:
    """Return by how much BCL exceeds SCL, seed against seed: mean, std and a paired t-test's p, by the metric."""
    found: Mapping[str, Mapping[str, float]] = _file().get("bcl_less_scl", {})
    return found


def measured(class_counts: Sequence[int], temperature: float) -> dict[str, Rows]:
    """Return, for each loss variant (`Recipe.variant`) that was trained on such counts at this τ, a row a seed."""
    wanted = sorted(class_counts, reverse=True)
    found: dict[str, list[Mapping[str, float]]] = {}
    for run in _runs():
        is_longer = run["cell"].endswith("epochs")
        if not is_longer and run["temperature"] == temperature and _counts(run) == wanted:
            found.setdefault(run["variant"], []).append(run["last"])
    return dict(found)


def mean_and_std(values: Sequence[float]) -> str:
    """Say a mean over seeds with its standard deviation."""
    return f"{np.mean(values):.1f} ± {np.std(values, ddof=1):.1f}"


def _runs() -> list[dict[str, Any]]:
    runs: list[dict[str, Any]] = _file().get("runs", [])
    return runs


def _file() -> dict[str, Any]:
    file = shelf_home() / "ablations.json"
    found: dict[str, Any] = json.loads(file.read_text(encoding="utf-8")) if file.exists() else {}
    return found


def _counts(run: Mapping[str, Any]) -> list[int]:
    factor = run["imbalance_factor"]
    largest = _BALANCED if factor == 1 else _LARGEST
    kind = "step" if "step" in run["cell"] else "exp"
    return [int(count) for count in long_tail_counts(_DIGITS, largest, imbalance_factor=factor, kind=kind)]
