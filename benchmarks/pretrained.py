"""Train the runs that come with the project and put them on the shelf, each with its card.

    python -m benchmarks.pretrained digits                              # 10 runs of 60 epochs, 18 s each
    python -m benchmarks.pretrained cifar10 --set data.path=FOLDER      # 12 of 24 epochs, 1.5 hours where bf16 is fast
    python -m benchmarks.pretrained photographs --set data.path=FOLDER  # 3 of 12 epochs, half a minute each
    python -m benchmarks.pretrained digits --cards                      # their cards anew, and nothing trained

Of several seeds the first is put on the shelf, and all of them are summed up beside it, in <group>-seeds.json. The work
is done in a lab of its own (`--home`), which a later call goes on with: a finished run is not trained again.
A folder that stands on the shelf is replaced. One process, one torch thread, one run after the other.
"""

import argparse
import json
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from safetensors.torch import save_file

from app.words import SHOTS, drawn, percent
from bcl_core import metrics as recorded
from bcl_core.geometry import head_and_tail
from bcl_core.lab import Lab, Run
from bcl_core.lab.checkpoints import read_state
from bcl_core.lab.files import read_arrays, read_metadata
from bcl_core.lab.pack import pack
from bcl_core.lab.recording import OpenRun
from bcl_core.lab.shelf import ABOUT, CARD, METRICS, open_shelf, shelf_home, write_sums
from bcl_core.recipe import FORMAT_VERSION, Execution, apply_settings, preset
from bcl_core.registry import DATASETS
from benchmarks import MADE_WITH

CONTRASTIVE = ("scl", "bcl", "bcl-class")
CIFAR_ON_A_CPU = {
    "data.source": "parquet",
    "model.backbone": "resnet8",
    "epochs": 24,
    "batch_size": 128,
    "optimiser.lr": 0.1,
    "optimiser.milestones": "19,22",
    "optimiser.warmup_epochs": 1,
    "precision": "bf16",
}
FIVE_SEEDS = "Over five seeds: the page Report."
SUMMED_UP = (
    "accuracy",
    "accuracy_many",
    "accuracy_medium",
    "angle_mean",
    "angle_tail_tail",
    "angle_head_head",
    "angle_rms_deviation",
)
SHOWN = {
    "accuracy": ("test accuracy", "%"),
    "accuracy_many": (f"… of classes with {SHOTS['many']}", "%"),
    "accuracy_medium": (f"… with {SHOTS['medium']}", "%"),
    "accuracy_few": (f"… with {SHOTS['few']}", "%"),
    "angle_mean": ("mean angle between class means", "°"),
    "angle_tail_tail": ("… among {tail}", "°"),
    "angle_head_head": ("… among {head}", "°"),
    "angle_rms_deviation": (recorded.METRICS["angle_rms_deviation"].title, "°"),
    "within_class_angle": ("within-class angle", "°"),
}


@dataclass(frozen=True)
class Group:
    """Runs that differ in the loss alone: their ids end in it."""

    prefix: str
    title: str
    family: str  # of presets
    losses: tuple[str, ...]
    settings: Mapping[str, object]
    about: str
    seeds: tuple[int, ...] = (0,)
    keep_every: int = 1  # of epochs, the first and each this many after: what the shelf has room for


COLLECTIONS: Mapping[str, tuple[Group, ...]] = {
    "digits": (
        Group(
            "digits",
            "Digits, long tail",
            "digits",
            ("ce-la", *CONTRASTIVE),
            {},
            f"The rarest digits are 7, 8 and 9. {FIVE_SEEDS}",
        ),
        Group(
            "digits-balanced",
            "Digits, balanced (control)",
            "digits",
            CONTRASTIVE,
            {"data.imbalance_factor": 1, "data.max_per_class": 36},
            f"A control: as many training images as the long tail has, 36 of every digit. {FIVE_SEEDS}",
        ),
        Group(
            "digits-swapped",
            "Digits, ends swapped (control)",
            "digits",
            CONTRASTIVE,
            {"data.rare_classes": "first"},
            "A control: digits 0, 1 and 2 are rare instead of 7, 8 and 9. Over five seeds of a study with draws of its "
            "own, the tails of SCL and of BCL as published are equally wide in the mean; see the page Theory.",
        ),
    ),
    "cifar10": (
        Group(
            "cifar10-lt",
            "CIFAR-10-LT, imbalance 100",
            "cifar10-paper",
            ("ce-la", *CONTRASTIVE),
            CIFAR_ON_A_CPU,
            "The published views, heads and τ, but ResNet-8 for ResNet-32 and 24 epochs for 200, batch 128: what one "
            "CPU core can train. Far from converged: all classes are still close together, lookalikes most. The pixels "
            "are a JPEG copy of CIFAR-10; the images are not included. Every second epoch is kept. Over three seeds: "
            "the page Report.",
            seeds=(0, 1, 2),
            keep_every=2,
        ),
    ),
    "photographs": (
        Group(
            "cifar10-live",
            "Photographs, the live race",
            "cifar10-live",
            CONTRASTIVE,
            {"data.source": "parquet", "precision": "bf16"},
            "What Start offers to train on photographs, for who has none at hand: each loss goes on from one encoder, "
            "cifar10-lt-ce-la, which has seen these images in training. The rarest classes are horse, ship and truck. "
            "The pixels are a JPEG copy of CIFAR-10; the images are not included. Over five seeds: lesson H.",
        ),
    ),
}


def main() -> None:
    """Read the command line, train, fill the shelf."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("collection", choices=COLLECTIONS)
    parser.add_argument("--home", type=Path, default=Path("lab-pretrained"), help="the lab to work in")
    parser.add_argument("--set", action="append", default=[], metavar="KEY=VALUE", help="where the data lie")
    parser.add_argument(
        "--cards", action="store_true", help="write the cards of what is on the shelf anew; no training"
    )
    arguments = parser.parse_args()
    if arguments.cards:
        for name, text in cards(arguments.collection).items():
            (shelf_home() / name / CARD).write_text(text, encoding="utf-8")
            write_sums(shelf_home() / name)
        return
    lab = Lab.open(arguments.home)
    paths = dict(text.split("=", 1) for text in arguments.set)
    for group in COLLECTIONS[arguments.collection]:
        runs = {loss: [trained(lab, group, loss, seed, paths) for seed in group.seeds] for loss in group.losses}
        for place, (loss, (first, *_)) in enumerate(runs.items()):
            folder = shelve(lab, first, group, f"{group.prefix}-{loss}", place, arguments.collection)
            size = sum(file.stat().st_size for file in folder.rglob("*") if file.is_file())
            print(f"{folder.name:24} {size / 1e6:.1f} MB", flush=True)
        open_shelf.cache_clear()  # it was read before
        for loss in group.losses:
            pack(Lab(arguments.home), f"{group.prefix}-{loss}")
        if len(group.seeds) > 1:
            summary = {loss: [summed_up(run, lab.metrics(run.id)) for run in seeds] for loss, seeds in runs.items()}
            seeds_file(group).write_text(json.dumps(summary, indent=1) + "\n")


def seeds_file(group: Group) -> Path:
    """Where the group's runs of every seed are summed up."""
    return shelf_home() / f"{group.prefix}-seeds.json"


def summed_up(run: Run, metrics: list[dict]) -> dict:
    """One run in a few numbers: its last epoch, and its best one by test accuracy."""
    best = max(metrics, key=lambda row: row["accuracy"])
    return {
        "seed": run.training_recipe.seed,
        "made_with": {name: run.provenance[name] for name in MADE_WITH},
        "last": {name: round(metrics[-1][name], 4) for name in SUMMED_UP},
        "best": {"epoch": best["epoch"], **{name: round(best[name], 4) for name in SUMMED_UP}},
    }


def trained(lab: Lab, group: Group, loss: str, seed: int, paths: Mapping[str, object]) -> Run:
    """Return the finished run of this recipe, trained now as far as it is not."""
    settings = {"device": "cpu", "threads": 1, **group.settings, "seed": seed, **paths}
    recipe, execution = apply_settings(preset(f"{group.family}-{loss}"), Execution(), settings)
    known = next((run for run in lab.runs() if run.recipe == recipe), None)
    if known is None:
        run_id, lock = lab.enqueue_here(recipe.title, recipe, execution)
    elif known.state == "finished":
        return known
    else:
        run_id, lock = lab.take_up(known.id)
    run = OpenRun(lab, run_id, lock)
    while epoch := run.advance(lambda: True):
        print(
            f"{group.prefix}-{loss}  seed {seed}  epoch {epoch.epoch}  accuracy {epoch.metrics['accuracy']:.1%}",
            flush=True,
        )
    return lab.run(run_id)


def shelve(lab: Lab, run: Run, group: Group, name: str, place: int, collection: str) -> Path:
    """Write the run's folder on the shelf: the epochs to keep, the last embeddings and weights, and no checkpoint."""
    source, target = lab.folder(run.id), shelf_home() / name
    shutil.rmtree(target, ignore_errors=True)
    state = read_state(lab, run.id)
    epochs = [epoch for epoch in lab.epochs(run.id) if epoch % group.keep_every == 0 or epoch == state.epoch]
    for file in (*map(source.view, epochs), source.embeddings(state.epoch)):
        copied = target / file.relative_to(source.path)
        copied.parent.mkdir(parents=True, exist_ok=True)
        copied.write_bytes(source.content(file))
    names = ["recipe.json", source.samples.name, source.predicted.name]
    if run.training_recipe.data.source == "digits":
        names.append(source.sprite.name)  # thumbnails of other sets are their owners'
    for file in names:
        if (source.path / file).exists():
            shutil.copyfile(source.path / file, target / file)
    save_file({key: tensor.contiguous() for key, tensor in state.model.items()}, target / "weights.safetensors")
    about = {
        "format_version": FORMAT_VERSION,
        "group_id": group.prefix,
        "group_name": group.title,
        "name": run.recipe.title,
        "group_about": group.about,
        "place": 10 * [known.prefix for groups in COLLECTIONS.values() for known in groups].index(group.prefix) + place,
        "seconds": round(run.seconds, 1),
        "created": round(run.created),
        "execution": run.execution.model_copy(update={"data": Execution().data}).model_dump(mode="json"),
        "provenance": dict(run.provenance),
    }
    metrics = lab.metrics(run.id, epochs)
    (target / ABOUT).write_text(json.dumps(about, indent=1) + "\n")
    (target / METRICS).write_text(json.dumps(metrics, separators=(",", ":"), allow_nan=False) + "\n")
    (target / CARD).write_text(card(run, metrics, group, name, collection, source.samples))
    write_sums(target)
    return target


def cards(collection: str) -> dict[str, str]:
    """Return the cards of the collection's runs on the shelf, by the names of their folders."""
    shelf = open_shelf(shelf_home())
    found = {}
    for group in COLLECTIONS[collection]:
        for name in (f"{group.prefix}-{loss}" for loss in group.losses):
            if shelved := shelf.get(name):
                samples = shelf_home() / name / "samples.safetensors"
                found[name] = card(shelved.run, list(shelved.metrics), group, name, collection, samples)
    return found


def card(run: Run, metrics: list[dict], group: Group, name: str, collection: str, samples: Path) -> str:
    """Return the run's model card. Its head and tail are called by their classes, which need not be rare."""
    counts = read_arrays(samples)["class_counts"]
    ends = head_and_tail(counts)
    class_names = json.loads(read_metadata(samples)["class_names"])
    head, tail = (", ".join(class_names[k] for k in sorted(end)) for end in ends)
    last, best = metrics[-1], max(metrics, key=lambda row: row["accuracy"])
    recipe = run.training_recipe
    paths = " --set data.path=FOLDER" if DATASETS[recipe.data.source].needs_path else ""
    space = f"Angles are measured in {recipe.space} space, between uncentred class means."
    if recipe.widest_angle < 180:
        space += f" Its features are not negative, so no angle exceeds {recipe.widest_angle:.0f}°: "
        space += "a regular simplex is out of reach."
    titles = {key: title.format(head=head, tail=tail) for key, (title, _) in SHOWN.items()}
    rows = [
        f"| {titles[key]} | {_cell(last, key, unit)} | {_cell(best, key, unit)} |" for key, (_, unit) in SHOWN.items()
    ]
    return "\n".join(
        [
            f"# {run.recipe.title}: {group.title}",
            "",
            f"{group.about} This is seed {recipe.seed}: a single run says little about a loss.",
            "",
            f"| on the test images | last epoch, {last['epoch']} | best test epoch, {best['epoch']} |",
            "| :-- | --: | --: |",
            *rows,
            "",
            space,
            "",
            f"- Recipe: {recipe.in_words} · {drawn(counts.tolist())}. Every setting is in `recipe.json`.",
            f"- Made by `python -m benchmarks.pretrained {collection}{paths}` in {run.seconds / 60:.1f} minutes.",
            f"- Made with: {', '.join(f'{key} {text}' for key, text in run.provenance.items())}.",
            f"- Check it: `python -m bcl_core evaluate {name}{paths}` measures the weights again.",
            "- Meant for teaching and for comparing losses; not for recognising anything.",
            "",
        ]
    )


def _cell(row: Mapping[str, float | None], key: str, unit: str) -> str:
    value = row.get(key)
    if value is None:
        return "none"
    return percent(value) if unit == "%" else f"{value:.1f}°"


if __name__ == "__main__":
    main()
