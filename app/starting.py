"""What the Start page's picture is told: angles of the shelf's digits runs over all epochs, counts, scans and seeds."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import streamlit as st
from numpy.typing import NDArray

from app import palette, reading
from app.components import PREFIX
from app.words import listed
from bcl_core import geometry
from bcl_core.lab import Run
from bcl_core.lab.files import read_arrays
from bcl_core.lab.shelf import open_shelf, shelf_home

TITLES = {"scl": "SCL", "bcl": "BCL, as published", "bcl-class": "BCL, class anchors"}
# The shelf's group, its name in the picture, and what its cells are called in the results over seeds.
CONDITIONS = (("digits", "Long tail", ""), ("digits-balanced", "Balanced data", ", imbalance factor 1"))
TOP_STEP = 30  # degrees
SCAN_PIXELS = 8
TRAIN = 1  # in the samples' "split"


def told() -> dict[str, Any] | None:
    """Return everything, ready for JSON; None where the shelf lacks one of the runs."""
    return _told(shelf_home())


@st.cache_data(show_spinner=False)
def _told(shelf: Path) -> dict[str, Any] | None:
    lab = reading.the_lab()
    ids = [f"{group}-{loss}" for group, _, _ in CONDITIONS for loss in TITLES]
    if any(open_shelf(shelf).get(run_id) is None for run_id in ids):
        return None
    first = reading.samples(ids[0])
    tail = geometry.head_and_tail(first.class_counts)[1]  # of the long tail: the same digits in both conditions
    K = len(first.class_counts)
    conditions = [_condition(group, name, suffix, tail) for group, name, suffix in CONDITIONS]
    highest = max(max(map(max, run["frames"])) for condition in conditions for run in condition["runs"])
    samples = read_arrays(lab.folder(ids[0]).samples)
    return {
        "most": int(first.class_counts.max()),
        "pairs": np.transpose(np.triu_indices(K, 1)).tolist(),
        "ideal": geometry.simplex_angle(K),
        "top": TOP_STEP * int(np.ceil(highest / TOP_STEP)),
        "tail_colour": palette.GROUPS["few"],
        "quiet_colour": palette.GROUPS["many"],
        "scans": {
            "url": f"{PREFIX}/runs/{ids[0]}/sprite.png/{lab.rev(ids[0])}",
            "columns": int(np.ceil(np.sqrt(len(samples["labels"])))),
            "pixels": SCAN_PIXELS,
        },
        "conditions": conditions,
    }


def _condition(group: str, name: str, suffix: str, tail: NDArray[np.int64]) -> dict[str, Any]:
    lab = reading.the_lab()
    ids = {loss: f"{group}-{loss}" for loss in TITLES}
    about = reading.samples(ids["scl"])
    samples = read_arrays(lab.folder(ids["scl"]).samples)
    rare = bool(about.class_counts.min() < about.class_counts.max())
    classes = [
        {
            "name": class_name,
            "count": int(count),
            "tail": k in tail,
            "images": np.flatnonzero((samples["split"] == TRAIN) & (samples["labels"] == k)).tolist()
            if rare and k in tail
            else [],
        }
        for k, (class_name, count) in enumerate(zip(about.class_names, about.class_counts, strict=True))
    ]
    seeds = {loss: _over_seeds(f"{loss}{suffix}") for loss in TITLES}
    return {
        "name": name,
        "classes": classes,
        "runs": [_run(lab.run(ids[loss]), seeds[loss], tail) for loss in TITLES],
        "lead": _lead(seeds, rare) if all(seeds.values()) else "",
        "note": f"Rings, and the figures under them: {len(seeds['scl'])} seeds at the last epoch, mean ± standard "
        "deviation. The columns show the first seed alone."
        if all(seeds.values())
        else "",
    }


def _run(run: Run, seeds: Sequence[Mapping[str, float]], tail: NDArray[np.int64]) -> dict[str, Any]:
    lab = reading.the_lab()
    frames = [_angles(reading.view(run.id, epoch)["class_means"]) for epoch in lab.folder(run.id).epochs()]
    of_tail = geometry.pairs_within(tail, len(reading.samples(run.id).class_counts))
    angles = [row["tail_tail"] for row in seeds]
    title = TITLES[run.recipe.variant]
    rare = ", ".join(reading.samples(run.id).class_names[k] for k in tail)
    return {
        "title": title,
        "colour": palette.loss_style(run.recipe.variant).colour,
        "frames": [frame.tolist() for frame in frames],
        "seeds": angles,
        "summary": [
            f"{_mean_and_std(angles)}° between {rare}",
            f"{_mean_and_std([row['accuracy'] for row in seeds])} % test accuracy",
            f"{_mean_and_std([row['accuracy_tail'] for row in seeds])} % on {rare}",
        ]
        if seeds
        else [],
        "sentence": f"{title}: at the last epoch digits {rare} stand {frames[-1][of_tail].mean():.0f}° apart, "
        f"all pairs of digits {frames[-1].mean():.0f}° on average.",
    }


def _angles(class_means: NDArray[Any]) -> NDArray[np.float64]:
    """(K(K−1)/2,) degrees between the class means, rounded to what the picture can show."""
    K = len(class_means)
    angles: NDArray[np.float64] = geometry.pairwise_angles(class_means)[np.triu_indices(K, 1)].round(1)
    return angles


def _over_seeds(cell: str) -> list[Mapping[str, float]]:
    """Return the last epochs of the runs of a cell of `benchmarks/ablations.py`, a seed each."""
    file = shelf_home() / "ablations.json"
    if not file.exists():
        return []
    runs = json.loads(file.read_text(encoding="utf-8"))["runs"]
    return [run["last"] for run in runs if run["cell"] == cell]


def _lead(seeds: Mapping[str, Sequence[Mapping[str, float]]], rare: bool) -> str:
    """Say which loss does what, from the means over the seeds."""
    means = {TITLES[loss]: float(np.mean([row["tail_tail"] for row in rows])) for loss, rows in seeds.items()}
    if not rare:
        apart = max(means.values()) - min(means.values())
        return f"As many of every digit, and as many in all: the orange pairs' means differ by {apart:.1f}° at most."
    angles = listed([f"{degrees:.0f}° ({title})" for title, degrees in means.items()])
    accuracies = [float(np.mean([row["accuracy"] for row in rows])) for rows in seeds.values()]
    return (
        f"Means of {len(seeds['scl'])} seeds: the rarest digits end {angles} apart, with a test accuracy of "
        f"{min(accuracies):.1f} to {max(accuracies):.1f} %."
    )


def _mean_and_std(values: Sequence[float]) -> str:
    return f"{np.mean(values):.1f} ± {np.std(values, ddof=1):.1f}"
