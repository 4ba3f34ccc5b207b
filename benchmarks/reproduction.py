"""Tables and figures of docs/reproduction.md, from the results that are committed under pretrained/.

    python -m benchmarks.reproduction            # writes them into the document, between its markers

Nothing is trained here: `benchmarks.ablations` and `benchmarks.pretrained` make the results.
"""

import json
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from scipy.stats import pearsonr

from app.palette import NEUTRAL, loss_style
from bcl_core.data import long_tail_counts
from bcl_core.geometry import simplex_angle, simplex_metrics
from bcl_core.metrics import METRICS, short
from bcl_core.recipe import preset
from benchmarks import normalised
from benchmarks.ablations import JSON_FILE, LOSSES, MAIN, NEIGHBOURS, cell_recipe
from benchmarks.figures import save
from benchmarks.geometry_study import predicted
from benchmarks.pretrained import COLLECTIONS, seeds_file

if TYPE_CHECKING:
    from matplotlib.figure import Figure

DOCUMENT = Path("docs/reproduction.md")
ABLATIONS_FIGURE, SCATTER_FIGURE = Path("docs/ablations.png"), Path("docs/geometry_and_accuracy.png")
Runs = Sequence[Mapping[str, Any]]

DIGITS = 10
# Columns, and what `benchmarks.ablations` calls them.
ANGLES = {
    short("angle_tail_tail"): "tail_tail",
    short("angle_head_head"): "head_head",
    short("angle_rms_deviation"): "rms_deviation",
}
CIFAR_COLUMNS = ("accuracy_many", "accuracy_medium", "angle_mean", "angle_tail_tail", "angle_head_head")
ACCURACIES = {"accuracy": "accuracy", "tail accuracy": "accuracy_tail"}
CORNERS = {"scl": "SCL", "class-averaging": "+ averaging", "class-complement": "+ complement", "bcl": "both: BCL"}

# Top-1 accuracy in per cent at imbalance 100 / 50 / 10: Zhu et al. 2022; its independent rerun in the DBM paper.
PUBLISHED = {
    "CIFAR-10-LT, ResNet-32, 200 epochs": ("84.3 / 87.2 / 91.1", "83.0 / 86.8 / 91.6", "not tried: needs a GPU"),
    "CIFAR-100-LT, ResNet-32, 200 epochs": ("51.9 / 56.6 / 64.9", "50.2 / 55.4 / 65.0", "not tried: needs a GPU"),
    "CIFAR-100-LT, ResNet-32, 400 epochs": ("53.9 (imbalance 100)", "none known", "not tried: needs a GPU"),
    "ImageNet-LT, ResNet-50, 90 epochs": ("56.0", "none known", "not tried: needs the data and a GPU"),
    "iNaturalist 2018, ResNet-50, 100 epochs": ("71.8", "none known", "not tried: needs the data and a GPU"),
}


def main() -> None:
    """Draw the figures and write the document anew."""
    runs = json.loads(JSON_FILE.read_text())["runs"]
    save(lambda: draw_ablations(runs), ABLATIONS_FIGURE)
    save(lambda: draw_scatter(runs), SCATTER_FIGURE)
    DOCUMENT.write_text(filled(DOCUMENT.read_text(encoding="utf-8"), runs), encoding="utf-8")


def filled(text: str, runs: Runs) -> str:
    """Return the document with each table put between its markers, `<!-- table NAME -->` and `<!-- end -->`."""
    tables: Mapping[str, Callable[[], str]] = {
        "published": published_table,
        "cifar": cifar_table,
        "losses": lambda: ablation_table(runs, LOSSES),
        "neighbours": lambda: ablation_table(runs, NEIGHBOURS),
        "normalised": lambda: normalised_table(runs),
        "temperature": lambda: ablation_table(runs, _varied("temperature", runs), base=", τ 0.3"),
        "imbalance": lambda: ablation_table(runs, _varied("imbalance factor", runs), base=", IF 50"),
        "step": lambda: step_table(runs),
        "correlation": lambda: correlation_table(runs),
        "order": lambda: order_table(runs),
    }

    def replaced(match: re.Match[str]) -> str:
        return f"<!-- table {match[1]} -->\n{tables[match[1]]()}\n<!-- end -->"

    return re.sub(r"<!-- table ([a-z]+) -->\n.*?<!-- end -->", replaced, text, flags=re.DOTALL)


def published_table() -> str:
    """What was published, rerun by others, and attempted here."""
    rows = [(f"BCL, {name}", *cells) for name, cells in PUBLISHED.items()]
    return _table(("", "paper", "independent rerun", "here"), rows)


def cifar_table() -> str:
    """CIFAR-10-LT with a small network: mean ± standard deviation over the seeds."""
    (group,) = COLLECTIONS["cifar10"]
    columns = {
        "accuracy": ("last", "accuracy"),
        "best": ("best", "accuracy"),
        **{short(name): ("last", name) for name in CIFAR_COLUMNS},
    }
    rows = []
    for loss, runs in json.loads(seeds_file(group).read_text()).items():
        cells = []
        for when, key in columns.values():
            values = np.array([run[when][key] for run in runs])
            cells.append(_spread(100 * values) if key.startswith("accuracy") else _spread(values, "°"))
        rows.append((preset(f"{group.family}-{loss}").title, str(len(runs)), *cells))
    return _table(("", "seeds", *columns), rows)


def ablation_table(runs: Runs, cells: Iterable[str], base: str = "") -> str:
    """Mean ± standard deviation over the seeds, a row a cell; `base` is added to the names of those not varied."""
    columns = ANGLES | ACCURACIES
    rows = []
    for cell in cells:
        mine = [run for run in runs if run["cell"] == cell]
        last = [_spread([run["last"][key] for run in mine], "" if "acc" in key else "°") for key in columns.values()]
        best = _spread([run["best"]["accuracy"] for run in mine])
        name = named(cell) + ("" if "," in cell else base) + ("" if mine[0]["space"] == "projection" else ", backbone")
        rows.append((name, str(len(mine)), *last, best))
    return _table(("", "seeds", *columns, "best accuracy"), rows)


def normalised_table(runs: Runs) -> str:
    """What NTCE and NONL come to where every class is a point, and their five seeds on the digits below."""
    keys = ("head_head", "head_tail", "tail_tail", "rms_deviation")
    rows = []
    for loss in normalised.LOSSES:
        for name, setting in normalised.settings().items():
            found = normalised.predicted(loss, setting)
            rows.append((f"{named(loss)}, predicted: {name}", *(f"{found[f'angle_{key}']:.1f}°" for key in keys)))
        mine = [run for run in runs if run["cell"] == loss]
        cells = [_spread(_column(mine, key), "°") if key in mine[0]["last"] else "not kept" for key in keys]
        rows.append((f"{named(loss)}, trained: digits, {len(mine)} seeds", *cells))
    return _table(("", *(short(f"angle_{key}") for key in keys)), rows)


def step_table(runs: Runs) -> str:
    """Both kinds of imbalance, and beside what was measured what is predicted for batches of that size."""
    rows = []
    for cell in _varied("imbalance kind", runs):
        mine, predicted = [run for run in runs if run["cell"] == cell], _predicted(cell)
        cells = [
            text
            for key in ANGLES.values()
            for text in (_spread(_column(mine, key), "°"), f"{predicted[f'angle_{key}']:.1f}°")
        ]
        cells += [_spread(_column(mine, key)) for key in ACCURACIES.values()]
        rows.append((named(cell) + ("" if "," in cell else ", exponential"), *cells))
    header = [text for angle in ANGLES for text in (angle, "predicted, batches of 64")]
    return _table(("", *header, *ACCURACIES), rows)


def _predicted(cell: str) -> dict[str, float]:
    """Angles of the class means that a cell's contrastive loss alone would come to."""
    return simplex_metrics(predicted(cell_recipe(cell, 0), _counts(cell)).means, _counts(cell))


def _counts(cell: str) -> NDArray[np.int64]:
    """Training images of each digit, (10,)."""
    data = cell_recipe(cell, 0).data
    return long_tail_counts(
        DIGITS, data.max_per_class, imbalance_factor=data.imbalance_factor, kind=data.imbalance_kind
    )


def _asked_and_drawn(asked: str, changed: str) -> str:
    """The imbalance factor that was asked for, and the one that was drawn where that is another."""
    counts = _counts(f"{MAIN[0]}{changed}")
    drawn = f"{max(counts) / min(counts):.3g}"
    return asked if drawn == asked else f"{asked}\n({drawn} drawn)"


def order_table(runs: Runs) -> str:
    """In how many seeds one loss is ahead of another."""
    pairs = (("scl", "bcl"), ("bcl", "bcl-class"), ("scl", "bcl-class"))
    keys = {"tail–tail larger": ("tail_tail", 1), "nearer the simplex": ("rms_deviation", -1)}
    keys |= {"accuracy higher": ("accuracy", 1), "tail accuracy higher": ("accuracy_tail", 1)}
    last = {(run["cell"], run["seed"]): run["last"] for run in runs}
    seeds = sorted({seed for _, seed in last})
    rows = []
    for low, high in pairs:
        cells = []
        for key, sign in keys.values():
            leads = [sign * (last[high, seed][key] - last[low, seed][key]) for seed in seeds]
            level = leads.count(0)
            cells.append(f"{sum(lead > 0 for lead in leads)} of {len(seeds)}" + (f", {level} level" if level else ""))
        rows.append((f"{named(high)} against {named(low)}", *cells))
    return _table(("", *keys), rows)


def correlation_table(runs: Runs) -> str:
    """Pearson's r between RMS deviation and accuracy, with its 95 % interval (Fisher's z)."""
    rows = []
    for title, chosen in correlated(runs).items():
        distance = _column(chosen, "rms_deviation")
        cells = []
        for key in ("accuracy", "accuracy_tail"):
            found = pearsonr(distance, _column(chosen, key))
            low, high = found.confidence_interval(0.95)
            cells.append(f"{found.statistic:+.2f} ({low:+.2f} … {high:+.2f})")
        rows.append((title, str(len(chosen)), *cells))
    return _table(("", "runs", "accuracy", "tail accuracy"), rows)


def correlated(runs: Runs) -> dict[str, list[Mapping[str, Any]]]:
    """The sets of runs that the correlation is taken over.

    Contrastive ones of the square, since angles elsewhere are of features; with step imbalance other classes are rare.
    """
    square = [run for run in runs if run["cell"] not in NEIGHBOURS and "imbalance kind" not in run["cell"]]
    contrastive = [run for run in square if run["space"] == "projection"]
    return {
        "all contrastive runs of the square": contrastive,
        "those at imbalance 50": [run for run in contrastive if run["imbalance_factor"] == 50],
        "those at imbalance 50 and τ 0.3": [
            run for run in contrastive if run["imbalance_factor"] == 50 and run["temperature"] == 0.3
        ],
    }


def named(cell: str) -> str:
    """A cell's name for people."""
    loss, comma, changed = cell.partition(", ")
    words = {"temperature": "τ", "imbalance factor": "IF", "imbalance kind ": ""}
    for long, brief in words.items():
        changed = changed.replace(long, brief)
    return cell_recipe(loss, 0).title + comma + changed


def has_class_anchors(cell: str) -> bool:
    """Whether the anchors of a cell, or of a loss variant, are averaged by class."""
    return "-class" in cell.removeprefix("class-")


def _varied(factor: str, runs: Runs) -> list[str]:
    names = dict.fromkeys(run["cell"] for run in runs)
    return [*MAIN, *(name for name in names if factor in name)]


def _column(runs: Runs, key: str) -> NDArray[np.float64]:
    return np.array([run["last"][key] for run in runs])


def _spread(values: Sequence[float], unit: str = "") -> str:
    space = "\N{NO-BREAK SPACE}"
    return f"{np.mean(values):.1f}{space}±{space}{np.std(values, ddof=1):.1f}{unit}"


def _table(header: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [header, [":--", *["--:"] * (len(header) - 1)], *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def draw_ablations(runs: Runs) -> "Figure":
    """Angles above, accuracy below, on axes of their own; a dot is a run, a bar the mean over the seeds."""
    import matplotlib.pyplot as plt

    figure, axes = plt.subplots(2, 3, figsize=(12, 6), sharey="row", layout="constrained", width_ratios=(1.3, 1, 1))
    columns = (
        ("class-averaging × class-complement × anchors", [(t, [c, f"{c}-class"]) for c, t in CORNERS.items()]),
        ("temperature τ", [(v, [f"{loss}{c}" for loss in MAIN]) for v, c in _levels("temperature", "0.3", runs)]),
        (
            "imbalance factor",
            [
                (_asked_and_drawn(v, c), [f"{loss}{c}" for loss in MAIN])
                for v, c in _levels("imbalance factor", "50", runs)
            ],
        ),
    )
    for column, (title, groups) in enumerate(columns):
        axes[0, column].set_title(title)
        for row, key in enumerate(("tail_tail", "accuracy_tail")):
            _dots(axes[row, column], groups, runs, key)
            axes[row, column].set_xticks(range(len(groups)), [label for label, _ in groups])
        axes[0, column].axhline(simplex_angle(DIGITS), color=NEUTRAL, linestyle="--", linewidth=1)
    axes[0, 0].set(ylabel="tail–tail angle, degrees", ylim=(0, None))
    axes[1, 0].set(ylabel="accuracy of\n7, 8 and 9, %", ylim=(0, 100))
    handles = [plt.Line2D([], [], color=loss_style(loss).colour, linewidth=3, label=named(loss)) for loss in MAIN]
    for shape, label in (("o", "instance anchors"), ("s", "class anchors")):
        handles.append(plt.Line2D([], [], color=NEUTRAL, marker=shape, linestyle="", label=label))
    figure.legend(handles=handles, loc="outside upper center", ncols=5, frameon=False)
    return figure


def _levels(factor: str, base: str, runs: Runs) -> list[tuple[str, str]]:
    """The values of a factor in order, with what they add to a cell's name."""
    found = {
        run["cell"].rpartition(" ")[2]: f", {run['cell'].partition(', ')[2]}" for run in runs if factor in run["cell"]
    }
    return sorted({base: "", **found}.items(), key=lambda level: float(level[0]))


def _dots(panel: Any, groups: Sequence[tuple[str, Sequence[str]]], runs: Runs, key: str) -> None:
    for place, (_, cells) in enumerate(groups):
        for number, cell in enumerate(cells):
            values = _column([run for run in runs if run["cell"] == cell], key)
            x = place + 0.22 * (number - (len(cells) - 1) / 2)
            colour = loss_style(cell.partition(",")[0]).colour
            shape = "s" if has_class_anchors(cell) else "o"
            panel.plot(np.full(len(values), x), values, shape, color=colour, alpha=0.45, markersize=4)
            panel.plot([x - 0.09, x + 0.09], [values.mean()] * 2, color=colour, linewidth=2.5)
    panel.grid(axis="y", color=NEUTRAL, alpha=0.25, linewidth=0.6)


def _fill(variant: str) -> str:
    return "none" if has_class_anchors(variant) else "full"


def draw_scatter(runs: Runs) -> "Figure":
    """RMS deviation from the regular simplex against accuracy, a dot a run; shapes are imbalance factors."""
    import matplotlib.pyplot as plt

    figure, axes = plt.subplots(1, 2, figsize=(12, 4.4), sharex=True, layout="constrained")
    contrastive = correlated(runs)["all contrastive runs of the square"]
    shapes = {1: "o", 10: "s", 50: "^", 100: "v"}
    for panel, (key, title) in zip(axes, (("accuracy", "all digits"), ("accuracy_tail", "7, 8 and 9")), strict=True):
        for run in contrastive:
            colour, shape = loss_style(run["variant"]).colour, shapes[run["imbalance_factor"]]
            x, y = run["last"]["rms_deviation"], run["last"][key]
            panel.plot(x, y, shape, color=colour, alpha=0.6, markersize=5, fillstyle=_fill(run["variant"]))
        panel.set(xlabel=f"{METRICS['angle_rms_deviation'].title}, degrees", ylabel=f"test accuracy of {title}, %")
        panel.grid(color=NEUTRAL, alpha=0.25, linewidth=0.6)
    marks = [plt.Line2D([], [], color=NEUTRAL, marker=m, linestyle="", label=f"IF {f}") for f, m in shapes.items()]
    names = dict.fromkeys(run["variant"] for run in contrastive)
    lines = [
        plt.Line2D([], [], color=loss_style(n).colour, marker="o", fillstyle=_fill(n), linestyle="", label=named(n))
        for n in names
    ]
    figure.legend(handles=[*marks, *lines], loc="outside right center", frameon=False)
    return figure


if __name__ == "__main__":
    main()
