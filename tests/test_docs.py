"""What docs/theory.md says is what the tests check, what the solver finds and what was measured."""

import ast
import itertools
import json
import re
from functools import cache
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from sklearn.datasets import load_digits

from bcl_core.data.dataset import prepare
from bcl_core.geometry import (
    optimal_class_means,
    optimal_configuration,
    simplex_angle,
    simplex_metrics,
    tail_push_share,
)
from bcl_core.lab.files import RunFolder
from bcl_core.lab.shelf import shelf_home
from bcl_core.metrics import short
from bcl_core.recipe import PRESETS, Execution
from bcl_core.training import Epoch, train
from benchmarks import live, prediction, push
from benchmarks.geometry_study import distance, study_recipe, swapped
from harness.push_laws import expected_count_effect
from tests.conftest import small

ROOT = Path(__file__).parent.parent
THEORY = (ROOT / "docs" / "theory.md").read_text(encoding="utf-8")
STUDY = json.loads((ROOT / "docs" / "geometry_study.json").read_text(encoding="utf-8"))
LIVE = json.loads((ROOT / "docs" / "live.json").read_text(encoding="utf-8"))["runs"]
PREDICTION = json.loads((ROOT / "docs" / "prediction.json").read_text(encoding="utf-8"))["runs"]
COUNTS = {
    "CIFAR-LT": [int(5000 * 0.01 ** (k / 9)) for k in range(10)],
    "digits-LT": [130, 84, 54, 35, 22, 14, 9, 6, 4, 2],
    "exponential": [130, 84, 54, 35, 22, 14, 9, 6, 4, 2],
    "step": [130] * 5 + [2] * 5,
}
CORNERS = {
    "SCL": (False, False),
    "SCL + class-averaging": (True, False),
    "SCL + class-complement": (False, True),
    "BCL": (True, True),
}
VARIANTS = {
    "SCL": "scl",
    "BCL": "bcl",
    "BCL, class anchors": "bcl-class",
    "SCL + class-averaging": "class-averaging",
    "SCL + class-complement": "class-complement",
}


def table(first_columns):
    """Rows of the one table whose header begins with these columns, as dictionaries."""
    start = THEORY.index("| " + " | ".join(first_columns))
    lines = THEORY[start:].split("\n\n")[0].splitlines()
    header, _, *rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]
    return [dict(zip(header, row, strict=True)) for row in rows]


def last(run, curve):
    return run[curve][-1]


def runs_of(variant, condition):
    return [run for run in STUDY["runs"] if (run["variant"], run["condition"]) == (variant, condition)]


def test_every_test_named_in_theory_exists():
    named = re.findall(r"`([\w/]+\.py)::(test_\w+)`", THEORY)
    assert len(named) > 20
    for path, name in named:
        tree = ast.parse((ROOT / "tests" / path).read_text(encoding="utf-8"))
        assert name in {node.name for node in tree.body if isinstance(node, ast.FunctionDef)}, f"{path} has no {name}"


def test_tests_are_referred_to_by_numbers_that_the_list_explains():
    text, listed = THEORY.split("## The tests")
    explained = re.findall(r"^- T(\d+) `", listed, flags=re.MULTILINE)
    assert explained == [str(number) for number in range(1, len(explained) + 1)]
    used = set(re.findall(r"\bT(\d+)\b", text.split("\n\n", 2)[2]))
    assert used == set(explained)


def test_predicted_angles_in_theory_are_those_of_the_solver():
    rows = table(["counts", "τ", "loss, no prototypes", "anchors"])
    assert len(rows) == 12
    for row in rows:
        counts = COUNTS.get(row["counts"], COUNTS["digits-LT"])
        temperature = 0.3 if row["τ"] == "any" else float(row["τ"])
        means = optimal_class_means(
            counts, loss=row["loss, no prototypes"].lower(), anchors=row["anchors"], temperature=temperature
        )
        metrics = simplex_metrics(means, counts)
        for group in ("head–head", "head–tail", "tail–tail"):
            found = metrics["angle_" + group.replace("–", "_")]
            assert float(row[group]) == pytest.approx(found, abs=0.051), row


@cache
def in_batches(counts, loss, batch_size, temperature=0.3, anchors="instance"):
    """Metrics of the means and of the prototypes that are predicted, over as many drawn batches as theory says."""
    averaging, complement = CORNERS[loss]
    found = optimal_configuration(
        COUNTS[counts],
        class_averaging=averaging,
        class_complement=complement,
        anchors=anchors,
        temperature=temperature,
        batch_size=batch_size,
        compositions=4000,
    )
    assert found.unique and found.gap <= 1e-6 * found.value
    return [None if of is None else simplex_metrics(of, COUNTS[counts]) for of in (found.means, found.prototypes)]


@pytest.mark.slow
def test_angles_in_theory_for_batches_of_64_are_those_of_the_solver():
    rows = table(["exponential or step", "loss, batches of 64"])
    assert len(rows) == 16
    keys = {group: "angle_" + group.replace("–", "_") for group in ("head–head", "head–tail", "tail–tail")}
    for row in rows:
        loss, anchors = row["loss, batches of 64"], row["anchors"]
        means, prototypes = in_batches(row["exponential or step"], loss, 64, anchors=anchors)
        for column, key in {**keys, "off the simplex": "angle_rms_deviation"}.items():
            assert float(row[column]) == pytest.approx(means[key], abs=0.051), row
        if prototypes is None:
            assert row["prototypes, tail–tail"] == ""
        else:
            assert float(row["prototypes, tail–tail"]) == pytest.approx(prototypes["angle_tail_tail"], abs=0.051), row


@pytest.mark.parametrize("document", ["theory", "reproduction"])
def test_no_paragraph_speaks_of_a_prediction_without_its_batch(document):
    text = (ROOT / f"docs/{document}.md").read_text(encoding="utf-8").partition("## The tests")[0]
    lines = [line for line in text.splitlines() if "predict" in line and not line.startswith(("|", "#"))]
    assert lines
    nothing = re.compile(r"(no|without a) prediction")
    for line in lines:
        assert "batch" in line or nothing.search(line), line


def degrees_after(words):
    """The numbers that follow some words in theory, to the end of that line's sentence."""
    text = THEORY[THEORY.index(words) + len(words) :]
    return [float(found) for found in re.findall(r"\d+\.\d", text.split(". ")[0].split("; SCL's")[0])]


@pytest.mark.slow
def test_what_theory_says_of_batch_and_temperature_is_what_the_solver_finds():
    def tail(*setting):
        return in_batches(*setting)[0]["angle_tail_tail"]

    for words, loss in (("128, 256 and of everything:", "BCL"), ("; SCL's:", "SCL")):
        expected = [tail("digits-LT", loss, batch_size) for batch_size in (16, 32, 64, 128, 256, None)]
        assert degrees_after(words)[:6] == pytest.approx(expected, abs=0.051)
    for words, counts, batch_size in (("BCL, $B = 64$:", "digits-LT", 64), ("CIFAR-LT, $B = 256$:", "CIFAR-LT", 256)):
        text = THEORY[THEORY.index(words) :].split(". ")[0]
        said = re.findall(r"τ (\S+) (\S+) / (\d+\.\d)", text)
        assert len(said) >= 3
        for temperature, *angles in said:
            expected = [tail(counts, loss, batch_size, float(temperature)) for loss in ("SCL", "BCL")]
            assert [float(angle) for angle in angles] == pytest.approx(expected, abs=0.051), temperature


@pytest.mark.slow
def test_drawn_anew_a_prediction_moves_by_as_much_as_theory_says():
    text = THEORY[THEORY.index("Drawn anew, 4,000 batches of 64") :].partition("(T49)")[0]
    said = [float(number) for number in re.findall(r"0\.\d\d", text)]
    losses = ((False, False, "instance"), (True, True, "instance"), (True, True, "class"))
    expected = []
    for compositions in (4_000, 1_000):
        tails = [[] for _ in losses]
        for seed, (of_loss, (averaging, complement, anchors)) in itertools.product(range(8), enumerate(losses)):
            found = optimal_configuration(
                COUNTS["digits-LT"],
                class_averaging=averaging,
                class_complement=complement,
                anchors=anchors,
                temperature=0.3,
                batch_size=64,
                compositions=compositions,
                seed=seed,
            )
            tails[of_loss].append(simplex_metrics(found.means, COUNTS["digits-LT"])["angle_tail_tail"])
        expected += [np.std(tail, ddof=1) for tail in tails]
    assert said == pytest.approx(expected, abs=0.0051)


def test_the_tails_share_of_push_in_batches_of_64_is_what_theory_says():
    words = "at equal similarities, the tail's share is"
    said = re.findall(r"(\d+\.\d+) %", THEORY[THEORY.index(words) :].split("\n")[0])
    switches = [(False, False, "instance"), (True, False, "instance"), (True, True, "instance")]
    switches += [(True, False, "class"), (True, True, "class")]
    assert len(said) == len(switches)
    for percent, (averaging, complement, anchors) in zip(said, switches, strict=True):
        laws = {"class_averaging": averaging, "class_complement": complement, "anchors": anchors}
        expected = expected_count_effect(COUNTS["digits-LT"], 64, **laws, compositions=20_000)
        share = 100 * tail_push_share(expected, COUNTS["digits-LT"])
        assert float(percent) == pytest.approx(share, abs=0.51 * 10 ** -len(percent.partition(".")[2])), percent


def test_push_goes_with_counts_and_nearness_as_theory_says():
    found = push.correlations()
    assert len(found) == 12
    warm = {run: one for run, one in found.items() if run.startswith("cifar10-live")}
    cold = {run: one for run, one in found.items() if run not in warm}

    def ends(values):
        return f"{min(values):.2f} to {max(values):.2f}"

    def of(runs, *, by_class):
        return [one for run, one in runs.items() if run.endswith("-class") == by_class]

    others, with_class_anchors = of(cold, by_class=False), of(cold, by_class=True)
    [photographs] = of(warm, by_class=True)
    for sentence in (
        f"correlates with that of the count effect at {ends([one.counts for one in others])} for SCL and BCL",
        f"with the cosine of the class means at {ends([one.cosine for one in others])}",
        f"at {ends([one.counts for one in with_class_anchors])} with that of $n_y + n_q$",
        f"at {ends([one.cosine for one in with_class_anchors])} with the cosine",
        f"{ends([one.counts for one in of(warm, by_class=False)])} with the counts and "
        f"{ends([one.cosine for one in of(warm, by_class=False)])} with the cosine for SCL and BCL",
        f"{photographs.counts:.2f} and {photographs.cosine:.2f} with class anchors",
    ):
        assert sentence in THEORY


def test_what_was_trained_beside_what_was_predicted_is_as_theory_says():
    """The table whole, and of BCL on exponential counts that the prediction holds."""
    assert prediction.as_table(PREDICTION) in THEORY
    [bcl] = [one for one in prediction.compared(PREDICTION) if one.cell == prediction.Cell("exp", "bcl", 0.3, 64, 0)]
    assert len(bcl.train) == 5 and bcl.distances(bcl.train).mean() <= 1.5


MEASURED = {
    "off the simplex": lambda run: last(run, "rms_deviation"),
    "off the prediction": lambda run: last(run, "to_prediction"),
    "the same, training images": lambda run: run["train"]["to_prediction"],
    "tail–tail": lambda run: last(run, "tail_tail"),
    "head–head": lambda run: last(run, "head_head"),
    "accuracy, %": lambda run: last(run, "accuracy"),
}


def test_measured_numbers_in_theory_are_those_of_the_study():
    rows = [row for row in table(["counts", "loss", "off the simplex"]) if row["counts"] != "*predicted*"]
    assert {(VARIANTS[row["loss"]], row["counts"]) for row in rows} == {
        (run["variant"], run["condition"]) for run in STUDY["runs"]
    }
    for row in rows:
        runs = runs_of(VARIANTS[row["loss"]], row["counts"])
        assert sorted(run["seed"] for run in runs) == [0, 1, 2, 3, 4]
        for column, value in MEASURED.items():
            values = [value(run) for run in runs]
            expected = f"{np.mean(values):.1f} ± {np.std(values, ddof=1):.1f}"
            assert row[column].replace("\u00a0", " ") == expected, (row["counts"], row["loss"], column)


def test_predictions_beside_the_measured_numbers_are_those_of_the_solver():
    rows = [row for row in table(["counts", "loss", "off the simplex"]) if row["counts"] == "*predicted*"]
    assert len(rows) == 5
    for row in rows:
        loss, _, anchors = row["loss"].partition(", class")
        metrics, _ = in_batches("digits-LT", loss, 64, anchors="class" if anchors else "instance")
        for key in ("angle_rms_deviation", "angle_tail_tail", "angle_head_head"):
            column = short(key)
            assert float(row[column]) == pytest.approx(metrics[key], abs=0.051), (row["loss"], column)


def of_live(start, loss):
    return [run["last"] for run in LIVE if (run["start"], run["loss"]) == (start, loss)]


def said(runs, name):
    values = [run[name] for run in runs]
    return f"{np.mean(values):.1f} ± {np.std(values, ddof=1):.1f}"


def test_the_readme_says_what_came_of_the_live_race_and_in_how_many_seeds_the_order_held():
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    for start, loss in live.PLANNED:
        runs = of_live(start, loss)
        assert len(runs) == 5 or (start == "cold" and len(runs) >= 3)
        row = " | ".join(said(runs, name) for name in live.TABLE)
        assert f"| {start} | {live.TITLES[loss]} | {row} % |" in readme, (start, loss)
    for start in ("warm", "cold"):
        wider, nearer = live.in_order(LIVE, start).values()
        held = f"{sum(wider)} and {sum(nearer)} of {len(wider)} seeds"
        assert f"from the {start} start the order held in {held}" in readme


def test_the_readme_says_how_far_beyond_the_simplex_rare_photographs_stand_and_how_near_to_lookalikes():
    bcl, by_class = (of_live("warm", loss) for loss in ("bcl", "bcl-class"))
    beyond = [run["tail_tail"] - simplex_angle(10) for run in by_class]
    nearer = [abs(run["tail_tail"] - simplex_angle(10)) for run in bcl]
    assert all(off > 0 and off > less for off, less in zip(beyond, nearer, strict=True))
    airplane, ship, apart = 0, 8, []
    for loss in live.CONTRASTIVE:
        folder = RunFolder(shelf_home() / f"cifar10-live-{loss}")
        means = folder.arrays(folder.view(12))["class_means"]
        cosine = means[airplane] @ means[ship] / np.linalg.norm(means[[airplane, ship]], axis=1).prod()
        apart.append(f"{np.degrees(np.arccos(cosine)):.1f}")
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    assert "beyond the regular simplex's 96.4° in 5 of 5 seeds" in readme
    assert f"ship and airplane at {apart[0]}, {apart[1]} and {apart[2]}°" in readme
    accuracies = [run["accuracy"] for loss in live.CONTRASTIVE for run in of_live("warm", loss)]
    assert f"at {min(accuracies):.1f} to {max(accuracies):.1f} % of these test images for its 54.6 %" in readme


@pytest.mark.parametrize("loss", live.CONTRASTIVE)
def test_the_live_presets_say_what_came_of_them(loss):
    runs = of_live("warm", loss)
    figures = [said(runs, name).replace(" ±", "° ±") for name in ("tail_tail", "rms_deviation")]
    reached = f"tail–tail {figures[0]}°, off the simplex {figures[1]}°, test accuracy"
    assert reached in PRESETS[f"cifar10-live-{loss}"].description


ORDERS = {
    "nearer the simplex": lambda less, more: last(more, "rms_deviation") < last(less, "rms_deviation"),
    "wider tail–tail": lambda less, more: last(more, "tail_tail") > last(less, "tail_tail"),
    "higher accuracy": lambda less, more: last(more, "accuracy") > last(less, "accuracy"),
}


def test_orders_in_theory_hold_in_as_many_seeds_as_it_says():
    for row in table(["of five seeds", "counts"]):
        more, less = (VARIANTS[name] for name in row["of five seeds"].split(" against "))
        pairs = list(zip(runs_of(less, row["counts"]), runs_of(more, row["counts"]), strict=True))
        assert len(pairs) == 5
        for column, holds in ORDERS.items():
            assert all(a["seed"] == b["seed"] for a, b in pairs)
            assert int(row[column]) == sum(holds(a, b) for a, b in pairs), (row, column)


def test_the_distance_to_a_prediction_is_over_pairs_of_angles_and_blind_to_rotation():
    draw = np.random.default_rng(0)
    predicted, means = draw.normal(size=(2, 4, 3))
    turn = np.linalg.qr(draw.normal(size=(3, 3)))[0]
    assert distance(5 * predicted @ turn, predicted) == pytest.approx(0, abs=1e-4)
    squares = [
        (angle(means[a], means[b]) - angle(predicted[a], predicted[b])) ** 2
        for a, b in itertools.combinations(range(4), 2)
    ]
    assert distance(means, predicted) == pytest.approx(np.sqrt(np.mean(squares)), abs=0.006)


def angle(one, other):
    return np.degrees(np.arccos(one @ other / np.linalg.norm(one) / np.linalg.norm(other)))


def test_swapping_makes_rare_digits_frequent_and_leaves_the_test_images_alone():
    recipe = study_recipe("bcl", "swapped", seed=3)
    usual, other = prepare(recipe), swapped(recipe)
    digits = load_digits().target
    np.testing.assert_array_equal(other.class_counts, usual.class_counts)
    np.testing.assert_array_equal(digits[other.train.indices], 9 - other.train.labels)
    np.testing.assert_array_equal(digits[other.test.indices], 9 - other.test.labels)
    np.testing.assert_array_equal(other.test.indices, usual.test.indices)
    assert not np.intersect1d(other.train.indices, other.test.indices).size


def test_the_total_is_the_weighted_sum_of_both_branches():
    recipe = small(epochs=1, loss__classifier_weight=2.0, loss__contrastive_weight=0.6)
    for event in train(recipe, Execution(device="cpu", threads=1)):
        if isinstance(event, Epoch):
            parts = event.metrics
            assert parts["loss"] == pytest.approx(
                2.0 * parts["loss_classifier"] + 0.6 * parts["loss_contrastive"], rel=1e-6
            )


def test_maths_in_theory_survives_markdown():
    """Before it is maths it is Markdown, which eats a backslash before punctuation and reads some underscores."""
    formulas = re.findall(r"\$\$.+?\$\$|\$[^$\n]+?\$", THEORY, flags=re.DOTALL)
    assert len(formulas) > 50
    for formula in formulas:
        assert not re.search(r"\\[^A-Za-z]", formula), formula
        assert not re.search(r"[^A-Za-z]_|[*|]|<[A-Za-z/]", formula), formula
        assert formula.startswith("$$") or formula[1:-1].strip() == formula[1:-1], formula


def test_pictures_in_theory_exist():
    pictures = re.findall(r"!\[[^\]]+\]\(([^)]+)\)", THEORY)
    assert "geometry_study.png" in pictures
    assert all((ROOT / "docs" / picture).stat().st_size > 10_000 for picture in pictures)


@pytest.mark.parametrize("document", ["theory.md", "reproduction.md"])
def test_every_figure_was_drawn_for_the_dark_theme_as_well(document):
    for name in re.findall(r"!\[[^\]]+\]\(([^)]+)\)", (ROOT / "docs" / document).read_text(encoding="utf-8")):
        light, dark = (Image.open(ROOT / "docs" / file) for file in (name, name.replace(".png", "-dark.png")))
        assert light.size == dark.size
        assert [picture.convert("L").getpixel((0, 0)) < 40 for picture in (light, dark)] == [False, True]


def test_the_study_is_small_enough_to_be_kept():
    assert (ROOT / "docs" / "geometry_study.json").stat().st_size < 600_000


def test_what_pages_say_leads_to_where_it_is_shown():
    """Streamlit makes an anchor of a heading by these rules."""
    documents = {"theory": "theory.md", "report": "reproduction.md"}
    places = {
        f"{page}#{re.sub(r'[^a-z0-9]+', '-', title.lower()).strip('-')}"
        for page, name in documents.items()
        for title in re.findall(r"^#+ (.+)$", (ROOT / "docs" / name).read_text(encoding="utf-8"), flags=re.MULTILINE)
    }
    sources = [*(ROOT / "app").rglob("*.py"), *(ROOT / "app").rglob("*.js")]
    linked = {link for file in sources for link in re.findall(r"\b(?:theory|report)#[\w-]+", file.read_text("utf-8"))}
    assert len(linked) >= 6
    assert linked <= places
