"""The JavaScript without a DOM: `node --test` runs tests/js, with fixtures that Python makes here and now."""

import json
import math
import os
import re
import subprocess
from collections.abc import Mapping
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from playwright._impl._driver import compute_driver_executable
from safetensors.numpy import save_file

from app import lessons, palette
from bcl_core import geometry
from bcl_core.geometry.groups import FEW_BELOW, MANY_ABOVE
from harness.push_laws import count_slope

FOLDER = Path(__file__).parent / "js"
NODE = compute_driver_executable()[0]

HALVES = [0.0, -0.0, 1.0, -2.5, 65504.0, 2.0**-14, 2.0**-24, -(2.0**-24) * 1023, math.inf, -math.inf, math.nan, 1 / 3]


@pytest.fixture(scope="module")
def fixtures(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("fixtures")
    _write_safetensors(folder)
    colours = {"stops": palette.DEVIATION, "limit": 45.0, "classes": palette.class_colours(10)}
    _write_json(folder / "palette.json", colours)
    _write_json(folder / "geometry.json", [_geometry_case(*case) for case in _cases()])
    _write_json(
        folder / "denominators.json", [_denominator_case(*switches) for switches in product([False, True], repeat=3)]
    )
    _write_json(folder / "drawer.json", _drawer_words())
    _write_json(folder / "sphere.json", _sphere_cases())
    _write_json(folder / "words.json", {language: lessons.words(language) for language in lessons.LANGUAGES})
    _write_json(folder / "groups.json", [_groups_case(num_classes) for num_classes in range(2, 60)])
    return folder


@pytest.mark.parametrize("file", sorted(FOLDER.glob("*.test.js")), ids=lambda file: file.name.removesuffix(".test.js"))
def test_module_does_what_its_tests_say(file: Path, fixtures: Path) -> None:
    done = subprocess.run(
        [NODE, "--test", "--test-reporter=spec", file],
        env={**os.environ, "BCL_FIXTURES": str(fixtures)},
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    counts = {name: int(count) for name, count in re.findall(r"^\S (tests|pass) (\d+)$", done.stdout, re.MULTILINE)}
    assert counts["tests"] == counts["pass"] > 0, done.stdout


def _write_safetensors(folder: Path) -> None:
    rng = np.random.default_rng(0)
    arrays: dict[str, NDArray[Any]] = {
        "half": np.array(HALVES, np.float16).reshape(3, 4),
        "single": rng.normal(size=(4, 3)).astype(np.float32),
        "double": rng.normal(size=(2, 2, 2)),
        "int8": np.array([-128, 0, 127], np.int8),
        "uint8": np.array([0, 255], np.uint8),
        "int16": np.array([-32768, 32767, 5], np.int16),
        "int32": np.array([-(2**31), 2**31 - 1], np.int32),
        "int64": np.array([-(2**31), -1, 0, 2**31 - 1]),
        "flags": np.array([True, False, True]),
        "empty": np.zeros((0, 7), np.float32),
        "scalar": np.array(2.5, np.float32),
    }
    metadata = {"metrics": json.dumps({"accuracy": 0.5}), "name": "Größe “9”"}
    save_file(arrays, folder / "arrays.safetensors", metadata)
    save_file({"labels": np.array([0, 2**31])}, folder / "too_large.safetensors")
    save_file({"word": np.zeros(2, np.uint16)}, folder / "unknown_dtype.safetensors")
    expected = {name: [array.shape, array.astype(np.float64).ravel()] for name, array in arrays.items()}
    _write_json(folder / "arrays.json", expected)


def _cases() -> list[tuple[NDArray[np.float32], NDArray[np.int64]]]:
    """Class means, (K, d) as views store them, and counts; some with rows that have no direction."""
    rng = np.random.default_rng(1)
    digits = np.array([130, 84, 54, 35, 22, 14, 9, 6, 4, 2])
    sizes = [(2, 3), (3, 2), (5, 8), (10, 32), (25, 16), (100, 64)]
    cases = [(rng.normal(size=(K, d)), rng.integers(1, 50, K)) for K, d in sizes]
    cases.append((geometry.optimal_class_means(digits, loss="scl", temperature=0.3, dim=16), digits))
    cases.append((0.3 + 1e-3 * rng.normal(size=(10, 32)), digits))  # collapsed: cosines next to 1
    broken = rng.normal(size=(10, 32))
    broken[2], broken[5, 7], broken[9], broken[8] = np.nan, np.inf, 0, broken[8] * 1e-12
    cases.append((broken, digits))
    parallel = np.outer(rng.uniform(0.1, 3, 30), rng.normal(size=5))  # cosines of 1, but for rounding
    cases.append((parallel, np.arange(30, 0, -1)))
    cases.append((np.full((4, 3), np.nan), np.array([4, 3, 2, 1])))
    return [(means.astype(np.float32), counts) for means, counts in cases]


def _geometry_case(means: NDArray[np.float32], counts: NDArray[np.int64]) -> dict[str, Any]:
    num_classes = len(counts)
    rng = np.random.default_rng(num_classes)
    target = rng.normal(size=means.shape).astype(np.float32)
    mass = np.outer(rng.uniform(0.1, 10, num_classes), counts) * rng.lognormal(size=(num_classes, num_classes))
    mass[rng.random(mass.shape) < 0.1] = 0
    mass[0, 1:] = np.nan
    mass[1, 0] = np.inf
    mass = mass.astype(np.float32)
    x, y = rng.normal(size=(2, 12))
    return {
        "K": num_classes,
        "d": means.shape[1],
        "means": means.ravel(),
        "counts": counts,
        "angles": geometry.pairwise_angles(means).ravel(),
        "simplex": geometry.simplex_angle(num_classes),
        "metrics": geometry.simplex_metrics(means, counts),
        "target": target.ravel(),
        "rms_to_target": geometry.rms_angle_difference(means, target),
        "mass": mass.ravel(),
        "count_slope": count_slope(mass, counts),
        "x": x,
        "y": y,
        "slope": np.polyfit(x, y, 1)[0],
    }


def _denominator_case(averaging: bool, complement: bool, self_term: bool) -> dict[str, Any]:
    """A batch of five classes, two of which are absent, what the slow reference finds in it, (K, K), and its loss."""
    import torch

    from bcl_core.losses import contrastive_loss

    rng = np.random.default_rng(3)
    labels, K, V, d = np.array([0, 0, 0, 1, 1, 3]), 5, 2, 4
    features, prototypes = rng.normal(size=(len(labels), V, d)), rng.normal(size=(K, d))
    features /= np.linalg.norm(features, axis=2, keepdims=True)
    prototypes /= np.linalg.norm(prototypes, axis=1, keepdims=True)
    found = geometry.gradient_contributions(
        features,
        labels,
        prototypes,
        num_classes=K,
        temperature=0.3,
        class_averaging=averaging,
        class_complement=complement,
        self_term=self_term,
    )
    loss = {"averaging": averaging, "complement": complement, "self_term": self_term, "temperature": 0.3}
    shape = {"labels": labels, "V": V, "K": K, "d": d, "loss": loss}
    values = {
        anchors: contrastive_loss(
            torch.tensor(features),
            torch.tensor(labels),
            torch.tensor(prototypes),
            num_classes=K,
            temperature=0.3,
            class_averaging=averaging,
            class_complement=complement,
            anchors=anchors,
            self_term=self_term,
        ).item()
        for anchors in ("instance", "class")
    }
    keys = {"features": features.ravel(), "prototypes": prototypes.ravel()}
    return {**shape, **keys, "values": values, "mass": found.mass.ravel(), "norm": found.norm.ravel()}


def _sphere_cases() -> dict[str, Any]:
    """Batches of free points, each in two identical views, with their loss and its gradient; and draws by key."""
    import torch

    from bcl_core.losses import contrastive_loss

    rng = np.random.default_rng(5)
    classes, K = np.repeat(np.arange(4), [9, 4, 2, 1]), 4
    cases = []
    for averaging, complement, anchors, temperature in product(
        [False, True], [False, True], ("instance", "class"), [0.05, 0.3, 2.0]
    ):
        switches = {"averaging": averaging, "complement": complement, "anchors": anchors, "temperature": temperature}
        points, prototypes = (rng.normal(size=(rows, 3)) + 1 for rows in (len(classes), K))
        units = [torch.tensor(rows / np.linalg.norm(rows, axis=1, keepdims=True)) for rows in (points, prototypes)]
        free, proxies = (rows.requires_grad_() for rows in units)
        batch = rng.permutation(len(classes))[: rng.integers(2, len(classes) + 1)]
        value = contrastive_loss(
            torch.stack([free[batch], free[batch]], dim=1),
            torch.tensor(classes[batch]),
            proxies,
            num_classes=K,
            temperature=temperature,
            class_averaging=averaging,
            class_complement=complement,
            anchors=anchors,
        )
        value.backward()
        assert free.grad is not None
        cases.append(
            {
                "switches": switches,
                "points": free.detach().numpy().ravel(),
                "prototypes": proxies.detach().numpy().ravel(),
                "classes": classes,
                "batch": batch,
                "value": value.item(),
                "gradient": free.grad.numpy()[batch].ravel(),
                "prototype_gradient": np.zeros(3 * K) if proxies.grad is None else proxies.grad.numpy().ravel(),
            }
        )
    orders = {f"{seed}/order/{epoch}": _shuffled(172, f"{seed}/order/{epoch}") for seed in (0, 7) for epoch in (0, 1)}
    counts, size = [130, 32, 8, 2], 64
    n = sum(counts)
    rare = [math.comb(2, m) * math.comb(n - 2, size - m) / math.comb(n, size) for m in range(3)]
    return {"cases": cases, "orders": orders, "counts": counts, "size": size, "rare": rare}


def _shuffled(n: int, key: str) -> list[int]:
    """The order that a key stands for: FNV-1a, splitmix of 32 bits, Fisher and Yates."""
    low = 2**32 - 1
    state = 2166136261
    for character in key:
        state = ((state ^ ord(character)) * 16777619) & low
    order = list(range(n))
    for i in range(n - 1, 0, -1):
        state = (state + 0x9E3779B9) & low
        mixed = state ^ (state >> 16)
        mixed = (mixed * 0x21F0AAAD) & low
        mixed ^= mixed >> 15
        mixed = (mixed * 0x735A2D97) & low
        j = (mixed ^ (mixed >> 15)) * (i + 1) >> 32
        order[i], order[j] = order[j], order[i]
    return order


def _groups_case(num_classes: int) -> dict[str, Any]:
    counts = np.random.default_rng(num_classes).integers(1, 8, num_classes)  # many ties
    head, tail = geometry.head_and_tail(counts)
    return {"counts": counts, "head": head, "tail": tail}


def _drawer_words() -> dict[str, Any]:
    alone = {count: geometry.shot_group_means([1.0, np.nan], [count, 1]) for count in range(1, 150)}
    return {
        "durations": [
            *([0.0004, "0 ms"], [0.058, "58 ms"], [0.9996, "1000 ms"], [1.2, "1 s"], [8.9, "9 s"], [89, "89 s"]),
            *([90, "2 min"], [5399, "90 min"], [5400, "1.5 h"], [4e4, "11 h"], [1.8e5, "2.1 days"], [9e6, "104 days"]),
        ],
        "memories": [
            *([1, "0 kB"], [49_200, "49 kB"], [999_400, "999 kB"], [1.2e6, "1 MB"], [9.23e8, "923 MB"]),
            *([1.04e9, "1.0 GB"], [6.4e11, "640.0 GB"]),
        ],
        "bounds": {"many": MANY_ABOVE, "few": FEW_BELOW},
        "groups": [[count, group] for count, means in alone.items() for group in means if means[group]],
    }


def _write_json(path: Path, content: Any) -> None:
    path.write_text(json.dumps(_jsonable(content), allow_nan=False))


def _jsonable(value: Any) -> Any:
    """Lists for arrays; text for what JSON has no number for ("nan", "inf"), which JavaScript's Number reads back."""
    if isinstance(value, np.ndarray | np.generic):
        value = value.tolist()
    if isinstance(value, Mapping):
        return {key: _jsonable(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_jsonable(item) for item in value]
    if isinstance(value, float) and not math.isfinite(value):
        return {"nan": "NaN", "inf": "Infinity", "-inf": "-Infinity"}[str(value)]
    return value
