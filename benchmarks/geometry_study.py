"""How far the class means of trained models are from where theory wants them, epoch by epoch, with two controls.

    python -m benchmarks.geometry_study                # 55 runs of 18 s and 15 of 45 s, the picture, the tables
    python -m benchmarks.geometry_study --conditions swapped    # these runs anew, the others as they were written
    python -m benchmarks.geometry_study --conditions            # the picture and the tables alone

Conditions, all with 360 training images of the digits, the same 400 test images and the recipe of the presets:

    long-tail   the preset: class k has int(130 · 50^(−k/9)) images, so that digits 7, 8 and 9 are rare
    balanced    36 images of every class
    swapped     the long tail with class k made of digit 9 − k, so that digits 2, 1 and 0 are rare
    longer      the long tail trained four times as long, 240 epochs

Angles are in degrees, between uncentred class means in projection space: of the test images, and under "train" of the
training images without augmentation. Predictions are for batches of 64. Accuracy is in per cent. What is measured and
what it says: docs/theory.md.
"""

import argparse
import json
import multiprocessing
import time
from collections.abc import Iterable, Mapping
from concurrent.futures import ProcessPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from app.palette import NEUTRAL, loss_style
from bcl_core.data import long_tail_counts, long_tail_indices
from bcl_core.data.dataset import Dataset, Split, prepare
from bcl_core.geometry import Configuration, class_means, optimal_configuration, pairwise_angles, simplex_metrics
from bcl_core.measuring import TRAIN, Samples
from bcl_core.metrics import short
from bcl_core.recipe import Execution, Recipe, apply_settings, preset
from bcl_core.registry import LOSSES
from bcl_core.training import Epoch, Started, train
from benchmarks import MADE_WITH
from benchmarks.figures import save

if TYPE_CHECKING:
    from matplotlib.figure import Figure

JSON_FILE, FIGURE_FILE = Path("docs/geometry_study.json"), Path("docs/geometry_study.png")

VARIANTS: Mapping[str, Mapping[str, str]] = {
    "scl": {"loss.name": "scl"},
    "bcl": {"loss.name": "bcl"},
    "bcl-class": {"loss.name": "bcl", "loss.anchors": "class"},
    "class-averaging": {"loss.name": "class-averaging"},
    "class-complement": {"loss.name": "class-complement"},
}
MAIN_VARIANTS = ("scl", "bcl", "bcl-class")
CONDITIONS: Mapping[str, Mapping[str, int]] = {
    "long-tail": {},
    "balanced": {"data.imbalance_factor": 1, "data.max_per_class": 36},
    "swapped": {},
    "longer": {"epochs": 240},
}
CONDITION_TITLES = {
    "long-tail": "long tail: 130 to 2 images",
    "balanced": "balanced: 36 images each",
    "swapped": "rare and frequent swapped",
    "longer": "long tail, four times as long",
}
COMPOSITIONS = 4_000  # that the predictions average over
TOP_OF_AXIS = 40  # degrees; the untrained network's means almost coincide, which is above 90
DASHES = {"solid": "-", "dash": (0, (5, 2)), "dashdot": "-.", "longdash": (0, (9, 2)), "dot": ":"}
CURVES = {
    "rms_deviation": "angle_rms_deviation",
    "tail_tail": "angle_tail_tail",
    "head_head": "angle_head_head",
    "mean": "angle_mean",
    "std": "angle_std",
    "within_class": "within_class_angle",
}


def main() -> None:
    """Read the command line, train, write, draw."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2, 3, 4])
    parser.add_argument("--jobs", type=int, default=1, help="processes, one torch thread each")
    parser.add_argument("--conditions", nargs="*", choices=CONDITIONS, default=list(CONDITIONS), help="what to train")
    arguments = parser.parse_args()
    study(arguments.conditions, arguments.seeds, arguments.jobs)
    document = json.loads(JSON_FILE.read_text())
    save(lambda: draw(document), FIGURE_FILE)
    print_tables(document)


def study(conditions: list[str], seeds: list[int], jobs: int) -> None:
    """Train; the file is written anew after each run, so that a study cut short keeps what it has."""
    planned = [
        (variant, condition, seed)
        for condition in conditions
        for seed in seeds
        for variant in VARIANTS
        if variant in MAIN_VARIANTS or condition == "long-tail"
    ]
    written = json.loads(JSON_FILE.read_text())["runs"] if JSON_FILE.exists() else []
    runs = {key(run): run for run in written if key(run) not in planned}
    # Spawned, since torch's thread pools do not survive a fork.
    with ProcessPoolExecutor(jobs, mp_context=multiprocessing.get_context("spawn")) as pool:
        for run in pool.map(run_once, *zip(*planned, strict=True)) if planned else ():
            runs[key(run)] = run
            JSON_FILE.write_text(as_text(runs.values()))
            last = "  ".join(f"{curve} {run[curve][-1]}" for curve in (*CURVES, "accuracy"))
            print("{:16} {:9} seed {}".format(*key(run)), f"{run['seconds']:6.1f} s  {last}", flush=True)


def key(run: Mapping[str, Any]) -> tuple[str, str, int]:
    """What sets a run apart from the others."""
    return run["variant"], run["condition"], run["seed"]


def run_once(variant: str, condition: str, seed: int) -> dict[str, Any]:
    """Train one variant; return its curves and what it was made with."""
    recipe, execution = study_recipe(variant, condition, seed), Execution(device="cpu", threads=1)
    dataset = swapped(recipe) if condition == "swapped" else prepare(recipe)
    predicted_means = predicted(recipe, dataset.class_counts).means
    start, made_with, samples, epochs = time.perf_counter(), {}, None, []
    for event in train(recipe, execution, dataset=dataset):
        if isinstance(event, Started):
            made_with, samples = dict(event.provenance), event.samples
        elif isinstance(event, Epoch):
            epochs.append(event)
    curves: dict[str, list[Any]] = {
        name: [round(epoch.metrics[metric], 2) for epoch in epochs] for name, metric in CURVES.items()
    }
    curves["accuracy"] = [round(100 * epoch.metrics["accuracy"], 2) for epoch in epochs]
    curves["to_prediction"] = [distance(epoch.view["class_means"], predicted_means) for epoch in epochs]
    return {
        "variant": variant,
        "condition": condition,
        "seed": seed,
        "seconds": round(time.perf_counter() - start, 1),
        "made_with": {name: made_with[name] for name in MADE_WITH},
        "train": on_training_images(samples, epochs[-1], predicted_means),
        **curves,
    }


def study_recipe(variant: str, condition: str, seed: int) -> Recipe:
    """Return the preset's recipe with this loss, on these counts."""
    settings = {**VARIANTS[variant], **CONDITIONS[condition], "seed": seed}
    return apply_settings(preset("digits-bcl"), Execution(), settings)[0]


def swapped(recipe: Recipe) -> Dataset:
    """Prepare the recipe's data with class k made of digit K − 1 − k: rare digits become frequent ones.

    The tail is drawn from a balanced pool as large as its head, which holds out the test images that the recipe itself
    would, so that the conditions differ in the training images alone.
    """
    pool = prepare(apply_settings(recipe, Execution(), {"data.imbalance_factor": 1})[0])
    last = len(pool.class_names) - 1
    kept = long_tail_indices(
        last - pool.train.labels,
        imbalance_factor=recipe.data.imbalance_factor,
        kind=recipe.data.imbalance_kind,
        seed=recipe.seed,
        max_per_class=recipe.data.max_per_class,
    )
    relabelled = [
        Split(split.images[rows], last - split.labels[rows], split.indices[rows])
        for split, rows in ((pool.train, kept), (pool.test, slice(None)))
    ]
    return replace(pool, train=relabelled[0], test=relabelled[1], class_names=pool.class_names[::-1])


def predicted(recipe: Recipe, class_counts: NDArray[np.int64]) -> Configuration:
    """What the contrastive loss alone would come to, in batches of the recipe's size."""
    weights = LOSSES[recipe.loss.name].weights
    assert weights is not None  # of every loss of the study
    return optimal_configuration(
        class_counts,
        class_averaging=weights.class_averaging,
        class_complement=weights.class_complement,
        temperature=recipe.loss.temperature,
        anchors=recipe.loss.anchors,
        batch_size=recipe.batch_size,
        compositions=COMPOSITIONS,
    )


def distance(means: NDArray[Any], predicted: NDArray[np.float64]) -> float:
    """Root mean square over pairs of classes of measured minus predicted angle, in degrees."""
    pairs = np.triu_indices(len(predicted), 1)
    return round(float(np.sqrt(np.mean((pairwise_angles(means) - pairwise_angles(predicted))[pairs] ** 2))), 2)


def on_training_images(samples: Samples, last: Epoch, predicted: NDArray[np.float64]) -> dict[str, float]:
    """The last epoch's angles between class means of the training images: the optimum speaks of these."""
    rows = samples.split == TRAIN
    means = class_means(last.embeddings["projection"][rows], samples.labels[rows], len(samples.class_counts))
    return {"to_prediction": distance(means, predicted), **angle_summary(means, samples.class_counts)}


def angle_summary(means: NDArray[Any], class_counts: NDArray[np.int64]) -> dict[str, float]:
    """The study's angles of one set of class means."""
    metrics = simplex_metrics(means, class_counts)
    return {name: round(metrics[key], 2) for name, key in CURVES.items() if key in metrics}


def predictions() -> dict[str, dict[str, float]]:
    """The same angles of the predicted optimum, by variant, with the long tail's counts."""
    found = {}
    for variant in VARIANTS:
        recipe = study_recipe(variant, "long-tail", 0)
        counts = long_tail_counts(10, recipe.data.max_per_class, imbalance_factor=recipe.data.imbalance_factor)
        found[variant] = angle_summary(predicted(recipe, counts).means, counts)
    return found


def as_text(runs: Iterable[Mapping[str, Any]]) -> str:
    """JSON with a line for each run, in the order of the tables above."""
    conditions, variants = list(CONDITIONS), list(VARIANTS)
    ordered = sorted(
        runs, key=lambda run: (conditions.index(run["condition"]), variants.index(run["variant"]), run["seed"])
    )
    lines = ",\n".join(json.dumps(run, separators=(",", ":")) for run in ordered)
    return f'{{"predicted": {json.dumps(predictions())},\n"runs": [\n{lines}\n]}}\n'


def print_tables(document: Mapping[str, Any]) -> None:
    """Print the last epoch as docs/theory.md shows it: mean ± standard deviation over the seeds."""
    columns = {
        short("angle_rms_deviation"): lambda run: run["rms_deviation"][-1],
        short("distance_to_prediction"): lambda run: run["to_prediction"][-1],
        short("angle_tail_tail"): lambda run: run["tail_tail"][-1],
        short("angle_head_head"): lambda run: run["head_head"][-1],
        "accuracy": lambda run: run["accuracy"][-1],
        "off the prediction, train": lambda run: run["train"]["to_prediction"],
        "tail–tail, train": lambda run: run["train"]["tail_tail"],
        "within class": lambda run: run["within_class"][-1],
        "seconds": lambda run: run["seconds"],
    }
    print("| condition | variant | n | " + " | ".join(columns) + " |")
    for variant, condition in dict.fromkeys((run["variant"], run["condition"]) for run in document["runs"]):
        mine = [run for run in document["runs"] if (run["variant"], run["condition"]) == (variant, condition)]
        cells = []
        for value in columns.values():
            values = [value(run) for run in mine]
            cells.append(f"{np.mean(values):.1f} ± {np.std(values, ddof=1):.1f}")
        print(f"| {condition} | {variant} | {len(mine)} | " + " | ".join(cells) + " |")
    print(json.dumps(document["predicted"], indent=1))


def draw(document: Mapping[str, Any]) -> "Figure":
    """Draw both distances over the epochs: lines are means over the seeds, bands reach from the least to the most."""
    import matplotlib.pyplot as plt  # here, so that the processes that train do without it
    from matplotlib.lines import Line2D

    figure, axes = plt.subplots(2, 4, figsize=(12, 6), sharex="col", sharey=True, layout="constrained")
    for column, (condition, title) in enumerate(CONDITION_TITLES.items()):
        axes[0, column].set_title(title)
        axes[1, column].set(xlabel="epoch", xlim=(0, study_recipe("bcl", condition, 0).epochs))
        for row, curve in enumerate(("rms_deviation", "to_prediction")):
            for variant in VARIANTS:
                _draw_curve(axes[row, column], document, variant, condition, curve)
        for variant in VARIANTS if condition != "balanced" else ():
            at_optimum = document["predicted"][variant]["rms_deviation"]
            axes[0, column].axhline(at_optimum, color=loss_style(variant).colour, linewidth=1.2, linestyle=":")
    axes[0, 0].set_ylabel(f"{short('angle_rms_deviation')}, degrees")
    axes[1, 0].set_ylabel(f"{short('distance_to_prediction')}\nfor batches of 64, degrees")
    axes[0, 0].set_ylim(0, TOP_OF_AXIS)
    for panel in axes.flat:
        panel.grid(color=NEUTRAL, alpha=0.25, linewidth=0.6)
    handles, _ = axes[0, 0].get_legend_handles_labels()
    handles.append(Line2D([], [], color=NEUTRAL, linestyle=":", label="at the optimum predicted for batches of 64"))
    figure.legend(handles=handles, loc="outside upper center", ncols=3, frameon=False, handlelength=4)
    return figure


def _draw_curve(panel: Any, document: Mapping[str, Any], variant: str, condition: str, curve: str) -> None:
    runs = [r[curve] for r in document["runs"] if (r["variant"], r["condition"]) == (variant, condition)]
    if not runs:
        return
    values, style = np.array(runs), loss_style(variant)
    epochs = np.arange(values.shape[1])
    recipe = study_recipe(variant, condition, 0)
    panel.fill_between(epochs, values.min(axis=0), values.max(axis=0), color=style.colour, alpha=0.13, linewidth=0)
    dashes = DASHES[style.dash]
    panel.plot(epochs, values.mean(axis=0), color=style.colour, linestyle=dashes, label=recipe.title, linewidth=1.8)


if __name__ == "__main__":
    main()
