"""The lessons: every number is what its source says, every language says all of it, and every step is whole."""

import json
import math
import re
from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Any

import numpy as np
import pytest

from app import lessons
from app.components import MODULES
from app.glossary import GLOSSARY
from app.seeds import cells
from app.verbs import Ask
from bcl_core.data import long_tail_counts
from bcl_core.geometry import (
    optimal_configuration,
    pairwise_angles,
    rarest,
    simplex_angle,
    tail_push_share,
)
from bcl_core.registry import LOSSES
from harness.push_laws import count_effect

Number = Mapping[str, Any]

ROOT = lessons.DOCS.parent
STATES = {lesson["key"]: lesson for lesson in lessons.states()}
NUMBERS = [(key, name) for key, lesson in STATES.items() for name in lesson["numbers"]]
STEPS = [(key, place) for key, lesson in STATES.items() for place in range(len(lesson["steps"]))]
DIGITS = [int(count) for count in long_tail_counts(10, 130, imbalance_factor=50)]
PREDICTABLE = ("counts", "loss", "tau", "batch", "dim")


def switches(loss: str) -> dict[str, Any]:
    weights = LOSSES[loss.removesuffix("-class")].weights
    assert weights is not None
    anchors = "class" if loss.endswith("-class") else "instance"
    return {
        "class_averaging": weights.class_averaging,
        "class_complement": weights.class_complement,
        "anchors": anchors,
    }


def of_simplex(number: Number) -> list[float]:
    return [simplex_angle(number["classes"])]


def of_octahedron(number: Number) -> list[float]:
    angles = pairwise_angles(np.vstack([np.eye(3), -np.eye(3)]))[np.triu_indices(6, 1)]
    return [{"mean": np.mean, "least": np.min, "most": np.max}[number["of"]](angles)]


def of_counts(number: Number) -> list[float]:
    found = {"all": sum(DIGITS), "ratio": DIGITS[0] / DIGITS[-1]}
    return [found.get(number["place"]) or DIGITS[number["place"]]]


def of_count_effect(number: Number) -> list[float]:
    """The tail's share of all push in per cent, or how many times as hard the first class pushes as the last one."""
    laws = switches(number["loss"])
    if number["of"] == "tail":
        share = tail_push_share(count_effect(DIGITS, **laws), DIGITS)
        assert share is not None
        return [100 * share]
    members = np.ones(10) if laws["class_averaging"] else 2 * np.array(DIGITS) + laws["class_complement"]
    return [members[0] / members[-1]]


@lru_cache(maxsize=64)
def solved(counts: tuple[int, ...], loss: str, tau: float, batch: int | None, dim: int | None) -> Any:
    settings = {"temperature": tau, "batch_size": batch, "dim": dim, "compositions": 4_000}
    return optimal_configuration(list(counts), **switches(loss), **settings)


def of_configuration(number: Number) -> list[float]:
    counts = tuple(number["counts"])
    found = solved(counts, number["loss"], number["tau"], number["batch"], number.get("dim"))
    what, _, vectors = number["of"].partition(", ")
    means = found.prototypes if vectors == "prototypes" else found.means
    angles = pairwise_angles(means)
    among = {"rarest pair": np.argsort(counts)[:2], "first pair": [0, 1], "tail": rarest(counts)}[what]
    return [angles[np.ix_(among, among)][np.triu_indices(len(among), 1)].mean()]


def of_absence(number: Number) -> list[float]:
    images, rare, batch = sum(number["counts"]), number["counts"][-1], number["batch"]
    absent = 100 * math.comb(images - rare, batch) / math.comb(images, batch)
    return [absent]


def mean_and_std(values: list[float], number: Number) -> list[float]:
    assert len(values) == number["seeds"]
    return [float(np.mean(values)), float(np.std(values, ddof=1))]


def of_ablations(number: Number) -> list[float]:
    runs = [run for run in read(number["source"])["runs"] if run["cell"] == number["cell"]]
    assert {run["temperature"] for run in runs} == {number["tau"]}
    assert (number["batch"], number["epochs"]) == (64, 60)
    return mean_and_std([run["last"][number["field"]] for run in runs], number)


def of_study(number: Number) -> list[float]:
    """In how many seeds a loss's tail is wider, or in how many comparisons the loss nearer the simplex is better."""
    runs = {(run["condition"], run["variant"], run["seed"]): run for run in read(number["source"])["runs"]}
    seeds = range(number["seeds"])
    if "wider" in number:
        more, less = (
            [runs[number["condition"], loss, seed]["tail_tail"][-1] for seed in seeds] for loss in number["wider"]
        )
        return [sum(a > b for a, b in zip(more, less, strict=True))]
    signs = []
    for condition in ("long-tail", "swapped", "longer"):
        for pair in (("bcl", "scl"), ("bcl-class", "bcl")):
            for seed in seeds:
                a, b = (runs[condition, loss, seed] for loss in pair)
                nearer, farther = sorted((a, b), key=lambda run: run["rms_deviation"][-1])
                signs.append(np.sign(nearer["accuracy"][-1] - farther["accuracy"][-1]))
    found = {"more": signs.count(1), "less": signs.count(-1), "level": signs.count(0), "all": len(signs)}
    return [found[number["nearer"]]]


def of_prediction(number: Number) -> list[float]:
    """Trained until it has nearly arrived: the mean angle among 7, 8 and 9 of training images, or of prototypes."""
    kind, loss, tau, batch = number["cell"]
    runs = [run for run in read(number["source"])["runs"] if run["cell"][:4] == [kind, loss, tau, batch]]
    assert (tau, batch) == (number["tau"], number["batch"])
    pairs = list(zip(*np.triu_indices(10, 1), strict=True))
    places = [i for i, pair in enumerate(pairs) if set(pair) <= {7, 8, 9}]
    return mean_and_std([float(np.mean([run[number["of"]][i] for i in places])) for run in runs], number)


def of_live(number: Number) -> list[float]:
    key = (number["start"], number["loss"])
    runs = [run for run in read(number["source"])["runs"] if (run["start"], run["loss"]) == key]
    assert {len(run["tail_tail_by_epoch"]) - 1 for run in runs} == {number["epochs"]}
    return mean_and_std([run["last"][number["field"]] for run in runs], number)


SOURCES: Mapping[str, Callable[[Number], list[float]]] = {
    "simplex_angle": of_simplex,
    "octahedron": of_octahedron,
    "counts": of_counts,
    "count_effect": of_count_effect,
    "optimal_configuration": of_configuration,
    "absent": of_absence,
    "pretrained/ablations.json": of_ablations,
    "docs/geometry_study.json": of_study,
    "docs/prediction.json": of_prediction,
    "docs/live.json": of_live,
}


@lru_cache
def read(name: str) -> Any:
    return json.loads((ROOT / name).read_text(encoding="utf-8"))


@pytest.mark.parametrize(("key", "name"), NUMBERS)
def test_a_number_is_what_its_source_says(key: str, name: str) -> None:
    number = STATES[key]["numbers"][name]
    expected = SOURCES[number["source"]](number)
    shown = re.findall(r"\d+(?:\.\d+)?", number["value"])
    assert len(shown) == len(expected), number
    for text, value in zip(shown, expected, strict=True):
        digits = len(text.partition(".")[2])
        assert float(text) == pytest.approx(value, abs=0.51 * 10**-digits), number


@pytest.mark.parametrize("language", lessons.LANGUAGES)
@pytest.mark.parametrize(("key", "place"), STEPS)
def test_a_step_is_whole_in_every_language(language: str, key: str, place: int) -> None:
    state = STATES[key]["steps"][place]
    written = lessons.texts(language)[key]
    text, numbers = written["steps"][place], STATES[key]["numbers"]
    assert len(written["steps"]) == len(STATES[key]["steps"]) and written["title"] and written["about"]
    required = {"title", "text", "notes"} | ({"question", "answer", "why"} if "question" in state else set())
    assert required <= text.keys() and all(text[name] for name in required)
    said = [
        text["title"],
        *text["text"],
        *(text.get(name, "") for name in ("question", "answer", "why", "caption", "caption_then")),
    ]
    choices = text.get("choices", [])
    used = {name for line in [*said, *choices] for name in lessons.PLACE.findall(line)}
    assert used <= numbers.keys()
    loose = [found for line in said for found in re.findall(r"\d[\d.]*\s*[°%]", line)]
    assert not loose, "degrees and per cents are numbers of the lesson, with a source"
    terms = {term for line in said for _, term in re.findall(r"\[([^\][|]+\|)?([^\][|]+)\]", line)}
    assert terms <= lessons.document()["languages"][language]["glossary"].keys(), terms
    if "question" in state:
        check_question(state["question"], text, numbers)
    for figure in lessons.figures_of(state):
        check_figure(figure, text, numbers)


def check_question(question: Mapping[str, Any], text: Mapping[str, Any], numbers: Mapping[str, Number]) -> None:
    """It has an answer, and a class can be asked: `ask` takes it."""
    shown = {name: number["value"] + number["unit"] for name, number in numbers.items()}
    say = lambda line: re.sub(r"\[([^\][|]+)(\|[^\][|]+)?\]", r"\1", line).format(**shown)  # noqa: E731
    if question["kind"] == "choose":
        choices = [say(choice) for choice in text["choices"]]
        assert 0 <= question["right"] < len(choices) <= 6
        assert len(set(choices)) == len(choices)
    else:
        assert {"angle": "°", "percent": " %"}[question["kind"]] == numbers[question["answer"]]["unit"]
        edges = question["poll"]
        value = float(re.findall(r"[\d.]+", numbers[question["answer"]]["value"])[0])
        assert edges == sorted(edges) and len(edges) <= 5 and all(abs(edge - value) >= 1 for edge in edges)
        choices = [f"{edge}°" for edge in [0, *edges]]
    Ask(question=say(text["question"]), choices=tuple(choices))


def check_figure(figure: Mapping[str, Any], text: Mapping[str, Any], numbers: Mapping[str, Number]) -> None:
    names = [*figure.get("rows", []), *(dial["number"] for dial in figure.get("dials", []))]
    names += [one["number"] for one in figure["losses"]] if figure["kind"] == "pairs" else []
    names += [y for one in figure.get("series", []) for _, y in one["points"]]
    assert set(names) <= numbers.keys()
    rows = len(figure.get("rows", figure.get("dials", figure.get("cells", []))))
    assert "labels" not in text or not rows or len(text["labels"]) >= rows
    known = set(lessons.document()["sphere"]["losses"])
    losses = figure.get(
        "losses", [part["loss"] for name in ("dials", "cells", "series") for part in figure.get(name, [])]
    )
    assert {loss["loss"] if isinstance(loss, dict) else loss for loss in losses} <= known
    assert {cell["cell"] for cell in figure.get("cells", [])} <= cells().keys()


def strings(part: Any, above: str = "") -> dict[str, str]:
    """All texts of a document, by their places."""
    if isinstance(part, list):
        part = dict(enumerate(part))
    if not isinstance(part, Mapping):
        return {above: part}
    return {path: text for name, value in part.items() for path, text in strings(value, f"{above}.{name}").items()}


@pytest.mark.parametrize("language", lessons.LANGUAGES)
def test_a_language_has_every_string(language: str) -> None:
    """Those of the default language with what is filled in; those that modules ask for; a sentence for each source."""
    words = lessons.words(language)
    there, usual = strings(words), strings(lessons.words(lessons.DEFAULT))
    assert {path for path in there if not path.startswith(".glossary")} == usual.keys()
    assert not [path for path in usual if places(there[path]) != places(usual[path])]
    assert not [path for path, text in there.items() if not text and path != ".joining.sentences"]
    assert lessons.texts(language).keys() == STATES.keys()
    asked = {name for source in modules().values() for name in re.findall(r"(?<!/)\bwords((?:\.[a-z_]+)+)", source)}
    groups = {path[: end.start()] for path in there for end in re.finditer(r"\.|$", path)} | {".texts", ".glossary"}
    assert asked and asked <= groups, asked - groups
    of_the_sphere = [path for path in there if re.match(r"\.(sphere|formula|joining)\.", path)]
    assert not [path for path in of_the_sphere if not any(f"{path}.".startswith(f"{name}.") for name in asked)]
    used = {number["source"] for lesson in STATES.values() for number in lesson["numbers"].values()}
    assert used <= words["sources"].keys()
    assert {
        step["page"]["text"] for lesson in STATES.values() for step in lesson["steps"] if "page" in step
    } <= words.keys()


def modules() -> dict[str, str]:
    return {name: source for name, source in MODULES.items() if name.startswith(("lessons/", "sphere/", "formula/"))}


def places(text: str) -> set[str]:
    """Names of what is filled in."""
    return set(lessons.PLACE.findall(text))


def test_each_lesson_has_three_to_six_questions_and_the_core_takes_twenty_minutes_or_so() -> None:
    for key, lesson in STATES.items():
        if key != "demo":
            assert 3 <= len(lesson["steps"]) <= 6
            assert all("question" in step for step in lesson["steps"])
    core = [lesson for lesson in STATES.values() if lesson["core"]]
    assert [lesson["key"] for lesson in core] == ["A", "B", "C", "D", "E"]
    assert 15 <= sum(step["minutes"] for lesson in core for step in lesson["steps"]) <= 30


def test_figures_have_what_they_draw_of_runs_and_of_seeds() -> None:
    document = lessons.document()
    assert not [run_id for run_id, run in document["runs"].items() if run.get("lack")]
    run = document["runs"]["digits-scl"]
    assert run["counts"] == DIGITS and run["tail"] == [7, 8, 9]
    assert len(run["angles"]) == len(run["epochs"]) == 61 and len(run["angles"][0]) == 45
    assert GLOSSARY.keys() <= document["languages"]["en"]["glossary"].keys()
    assert len(json.dumps(document)) < 1_000_000


def test_without_its_run_a_figure_offers_what_the_shelf_has(tmp_path, monkeypatch) -> None:
    monkeypatch.setenv("BCL_LAB_PRETRAINED", str(tmp_path))
    assert lessons.document()["runs"]["digits-scl"] == {"lack": True, "others": []}


@pytest.mark.parametrize("document", ["plan", "assignment", "answers"])
def test_what_teachers_read_has_the_lessons_numbers(document: str) -> None:
    text = (lessons.DOCS / "teaching" / f"{document}.md").read_text(encoding="utf-8")
    shown = {number["value"] + number["unit"] for lesson in STATES.values() for number in lesson["numbers"].values()}
    said = re.findall(r"\d+(?:\.\d+)?(?: ± \d+(?:\.\d+)?)?(?:°| %)", text)
    assert set(said) <= shown, set(said) - shown
    assert said or document == "assignment"
