"""`runs show`, `compare`: what is known of runs, for who reads it in a shell, a script or an agent."""

import argparse
import json
from collections.abc import Mapping
from typing import Any

from bcl_core.cli.settings import A_RUN, AS_JSON
from bcl_core.lab import Lab, Reading, read
from bcl_core.lab.comparing import Compared, compare
from bcl_core.metrics import metric, own, short, shown

# What is printed without --json.
IN_WORDS = (
    *("accuracy", "accuracy_nearest_mean", "accuracy_many", "accuracy_medium", "accuracy_few"),
    *("angle_rms_deviation", "angle_mean", "angle_std", "angle_head_head", "angle_head_tail", "angle_tail_tail"),
    *("within_class_angle", "prototype_angle_tail_tail", "tail_push_share", "distance_to_prediction"),
)


def add_show(runs: argparse.ArgumentParser) -> None:
    """Add `show` to `runs`."""
    about = runs.add_subparsers(metavar="show", help="all that is known of one run")
    show = about.add_parser("show", parents=[A_RUN], description="All that is known of one run.")
    # Not `AS_JSON`, whose default would take back what stands before `show`.
    show.add_argument("--json", action="store_true", default=argparse.SUPPRESS, help="print one object")
    show.add_argument("--epochs", action="store_true", help="every epoch's figures, a line each, instead")
    show.set_defaults(command=_show)


def add_commands(commands: Any) -> None:
    """Add `compare`."""
    both = commands.add_parser(
        "compare",
        help="two runs, or two recipes over their seeds: accuracy by group, angles",
        description="Of the last recorded epoch. Differences are B less A; with --seeds they are taken seed by seed.",
        parents=[AS_JSON],
    )
    both.add_argument("a", metavar="A", help="a run's id")
    both.add_argument("b", metavar="B", help="another's")
    both.add_argument("--seeds", action="store_true", help="with each, all finished runs that differ in the seed alone")
    both.set_defaults(command=_compare)


def _show(lab: Lab, arguments: argparse.Namespace) -> None:
    reading = read(arguments.run, lab)
    if arguments.epochs:
        for row in reading.metrics:
            print(json.dumps({"run": reading.run.id, **row}) if arguments.json else _line(row))
        return
    if arguments.json:
        print(json.dumps(_about(reading)))
        return
    run = reading.run
    stands = f"{run.state}, epoch {run.epoch} of {reading.recipe.epochs}"
    if run.is_measured:
        stands = f"imported and measured, not trained here; `resume {run.id}` trains it"
    print(f"{run.id}  {run.name}, of {run.group_name}\n{stands}")
    print(reading.recipe.in_words)
    print(f"classes: {', '.join(f'{name} ({n})' for name, n in zip(*_classes(reading), strict=True))}")
    for name in _in_words(reading.metrics[-1]):
        print(f"  {short(name):26} {shown(name, reading.metrics[-1][name])}")


def _about(reading: Reading) -> dict[str, Any]:
    run, (names, counts) = reading.run, _classes(reading)
    return {
        "run": run.id,
        "name": run.name,
        "group": run.group_id,
        "group_name": run.group_name,
        "state": run.state,
        "epoch": run.epoch,
        "epochs": reading.recipe.epochs,
        "seconds": run.seconds,
        "error": run.error,
        "recipe": reading.recipe.model_dump(mode="json"),
        "provenance": dict(run.provenance),
        "class_names": names,
        "class_counts": counts,
        "kept_epochs": list(reading.epochs),
        "metrics": dict(reading.metrics[-1]),
    }


def _classes(reading: Reading) -> tuple[list[str], list[int]]:
    return list(reading.class_names), reading.class_counts.tolist()


def _line(row: Any) -> str:
    figures = (f"{short(name)} {shown(name, row[name])}" for name in _in_words(row))
    return f"epoch {row['epoch']:3d}  {'  '.join(figures)}"


def _in_words(row: Mapping[str, Any]) -> list[str]:
    return [name for name in (*IN_WORDS, *own(row)) if row.get(name) is not None]


def _compare(lab: Lab, arguments: argparse.Namespace) -> None:
    found = compare(lab, arguments.a, arguments.b, seeds=arguments.seeds)
    if arguments.json:
        sides = {
            side: {"runs": [run.id for run in runs], "seeds": [run.recipe.seed for run in runs], "name": runs[0].name}
            for side, runs in (("a", found.a), ("b", found.b))
        }
        metrics = {name: {"unit": metric(name).unit, **each._asdict()} for name, each in found.metrics.items()}
        differ = {"data_differ": found.data, "angles_differ": found.angles_differ}
        print(json.dumps({**sides, "pairs": found.pairs, **differ, "metrics": metrics}))
        return
    for side, run_id, runs in (("A", arguments.a, found.a), ("B", arguments.b, found.b)):
        print(f"{side}: {runs[0].name} ({run_id})" + (f", {len(runs)} of this recipe" if arguments.seeds else ""))
    if found.data:
        print(f"Not on the same data or in the same space, so that differences are of these too: {found.data}.")
    print(f"{'':26} {'A':>18} {'B':>18} {'B − A':>18}")
    for name in _in_words(found.metrics):
        print(f"{short(name):26} {' '.join(f'{cell:>18}' for cell in _cells(name, found.metrics[name]))}")
    if found.angles_differ is None:
        print("Their numbers of classes differ, or one has no class means: pairs of classes are not compared.")
    else:
        print(
            f"The angles between classes differ by {found.angles_differ:.1f}° (root mean square over pairs of classes)."
        )


def _cells(name: str, each: Compared) -> list[str]:
    pairs = (each.a, each.a_std), (each.b, each.b_std), (each.difference, each.difference_std)
    return [shown(name, mean) + ("" if std is None else f" ± {shown(name, std)}") for mean, std in pairs]
