"""What no epoch of a run changes, for `GET runs/{id}/about`; and the runs that are its controls."""

from collections.abc import Collection, Mapping, Sequence
from typing import Any, TypedDict

import numpy as np
from numpy.typing import NDArray

from app import palette
from app.words import drawn, plain
from bcl_core import geometry
from bcl_core.geometry.alignment import MAX_SIMPLEX_DIMS
from bcl_core.geometry.groups import by_frequency
from bcl_core.lab import Lab, Run, SnapshotError
from bcl_core.lab.cache import Cache
from bcl_core.lab.samples import read_samples
from bcl_core.recipe import Recipe
from bcl_core.registry import loss_of

DIGITS = 4  # of coordinates
MEMORY = 16 << 20  # bytes of what follows from the classes

_SAME_IMAGES = ("source", "image_size", "test_per_class", "loading", "draw_seed")
"""Of a recipe's data, what a control shares with its run; the rest says how many images each class has."""


class Switches(TypedDict):
    """What its loss is made of: whether there is a contrastive one, whether it contrasts with prototypes, its anchors.

    `averaging` and `complement` are null where it has no weights over pairs.
    """

    contrastive: bool
    prototypes: bool
    averaging: bool | None
    complement: bool | None
    anchors: str
    self_term: bool
    temperature: float


class Groups(TypedDict):
    """Classes by training count, the most frequent first: the largest and the smallest three tenths, and the rest."""

    head: list[int]
    medium: list[int]
    tail: list[int]


class Shots(TypedDict):
    """How many classes have more than 100 training images, how many 20 to 100, and how many fewer."""

    many: int
    medium: int
    few: int


class Predicted(TypedDict):
    """The optimum predicted for batches of a size: class means, (K, D), turned onto the picture's simplex.

    `tail` and `prototypes` are degrees within the tail, of class means and of prototypes, null without them; `batch` is
    that size in images, null for one batch of everything. `tied`: the loss has prototypes, and none of them was free to
    leave its class mean, as in files of earlier releases.
    """

    coordinates: list[list[float | None]]
    tail: float | None
    prototypes: float | None
    batch: int | None
    tied: bool


class Classes(TypedDict):
    """What follows from the K classes and their training counts.

    `simplex` is (K, D), the picture's frame; `regular` the angle of the regular simplex in degrees; `bins` the bin of
    each class where gradient statistics are pooled by frequency, else null.
    """

    names: list[str]
    counts: list[int]
    colours: list[str]
    groups: Groups
    shots: Shots
    simplex: list[list[float]]
    regular: float
    predicted: Predicted | None
    bins: list[int] | None


class About(TypedDict):
    """A run but for its epochs.

    `source` is equal for runs whose images have the same numbers; `siblings` are the runs that differ from it in the
    seed alone; `widest` is what no angle in `space` exceeds, in degrees; `classes` is null before the run has read its
    data; `faults` say what of it cannot be read: "folder", "samples", "predicted", "recipe", the last also where it is
    read and names what is not registered here. `floors` are what metrics cannot fall below where every class is a
    point, of those for which that is known.
    """

    id: str
    name: str
    group: str
    variant: str
    title: str
    space: str
    widest: float
    recipe: str
    planned: int
    seed: int | None
    provenance: dict[str, str]
    source: str
    switches: Switches | None
    siblings: list[str]
    classes: Classes | None
    floors: dict[str, float]
    faults: dict[str, str]


class Control(TypedDict):
    """A run that differs from another in nothing but its training counts, or null; and how to make one."""

    id: str | None
    how: str


class Controls(TypedDict):
    """All classes alike; frequent and rare swapped."""

    balanced: Control
    swapped: Control


def about(lab: Lab, run: Run) -> About:
    """Return what no epoch of the run changes."""
    recipe = run.recipe
    classes, faults = _classes_or_faults(lab, run)
    return {
        "id": run.id,
        "name": run.name,
        "group": run.group_name,
        "variant": recipe.variant,
        "title": recipe.title,
        "space": recipe.space,
        "widest": recipe.widest_angle,
        "recipe": f"{recipe.in_words} · {drawn(classes['counts'])}" if classes else recipe.in_words,
        "planned": recipe.epochs,
        "seed": recipe.seed,
        "provenance": dict(run.provenance),
        # The same image has the same number in runs on the same data; of other code, that is known within a group.
        "source": recipe.data.source if isinstance(recipe, Recipe) else f"group {run.group_id}",
        "switches": _switches(recipe) if isinstance(recipe, Recipe) else None,
        "siblings": _siblings(lab, run),
        "classes": classes,
        "floors": _floors(lab, run) if classes and classes["predicted"] else {},
        "faults": faults,
    }


def _floors(lab: Lab, run: Run) -> dict[str, float]:
    """The contrastive loss where it is least; to the total, cross-entropy adds no less than 0."""
    folder = lab.folder(run.id)
    value = folder.metadata(folder.predicted).get("value")  # files of earlier releases lack it
    if value is None or not isinstance(run.recipe, Recipe):
        return {}
    least = float(value)
    return {"loss_contrastive": least, "loss": run.recipe.loss.contrastive_weight * least}


def _switches(recipe: Recipe) -> Switches:
    loss = loss_of(recipe.loss.name)
    weights = loss.weights
    return {
        "contrastive": loss.contrastive,
        "prototypes": loss.prototypes,
        "averaging": weights.class_averaging if weights else None,
        "complement": weights.class_complement if weights else None,
        "anchors": recipe.loss.anchors,
        "self_term": recipe.loss.self_term,
        "temperature": recipe.loss.temperature,
    }


def _siblings(lab: Lab, run: Run) -> list[str]:
    if not isinstance(run.recipe, Recipe):
        return []  # nobody knows in what recorded runs differ
    return [
        other.id
        for other in lab.runs(run.group_id)
        if other.epoch is not None
        and isinstance(other.recipe, Recipe)
        and other.recipe.seed != run.recipe.seed
        and other.recipe.model_copy(update={"seed": run.recipe.seed}) == run.recipe
    ]


def _classes_or_faults(lab: Lab, run: Run) -> tuple[Classes | None, dict[str, str]]:
    if not run.readable:
        return None, {"recipe": run.error or "this run cannot be read"}
    folder = lab.folder(run.id)
    if not folder.path.is_dir():
        return None, {"folder": f"the folder of this run, {folder.path.name}, is missing: it was moved or removed"}
    faults: dict[str, str] = {"recipe": run.missing} if run.missing else {}
    predicted = None
    try:
        if folder.predicted.exists():
            folder.content(folder.predicted)  # as it is now: the arrays may be in memory from before the damage
            predicted = folder.arrays(folder.predicted), folder.metadata(folder.predicted).get("batch", "")
    except SnapshotError as error:
        faults["predicted"] = str(error)
    try:
        folder.content(folder.samples)
        samples = read_samples(folder)
    except SnapshotError as error:
        return None, {**faults, "samples": str(error)} if run.epoch is not None else faults
    key = (str(folder.path), lab.rev(run), predicted is None)
    has_prototypes = isinstance(run.recipe, Recipe) and loss_of(run.recipe.loss.name).prototypes

    def made() -> tuple[Classes, int]:
        optimum = None if predicted is None else _predicted(*predicted, samples.class_counts, has_prototypes)
        return _classes(samples.class_names, samples.class_counts, optimum)

    return _known.get(key, made), faults


_known: Cache[tuple[str, str, bool], Classes] = Cache(MEMORY)


def _classes(names: Sequence[str], counts: NDArray[np.int64], predicted: Predicted | None) -> tuple[Classes, int]:
    K = len(counts)
    head, tail = geometry.head_and_tail(counts)
    shots = {name: int(members.sum()) for name, members in geometry.shot_groups(counts).items()}
    frame = np.pad(geometry.simplex_frame(K, min(K - 1, MAX_SIMPLEX_DIMS)), ((0, 0), (0, 1)))
    classes: Classes = {
        "names": [plain(name) for name in names],
        "counts": counts.tolist(),
        "colours": palette.colours_of(counts.tolist()),
        "groups": {
            "head": head.tolist(),
            "medium": by_frequency(counts)[len(head) : -len(tail)].tolist(),
            "tail": tail.tolist(),
        },
        "shots": {"many": shots["many"], "medium": shots["medium"], "few": shots["few"]},
        "simplex": _rounded(frame),
        "regular": geometry.simplex_angle(K),
        "predicted": predicted,
        "bins": geometry.frequency_bins(counts).tolist() if K > geometry.MAX_BINS else None,
    }
    return classes, 100 * frame.size + 200 * K


def _predicted(
    arrays: Mapping[str, NDArray[Any]], batch: str, counts: NDArray[np.int64], has_prototypes: bool
) -> Predicted:
    """`batch` is a number of images; files of earlier releases have none, which are of one batch of everything."""
    means, prototypes = arrays["class_means"], arrays.get("prototypes")
    images = int(batch) if batch.isdecimal() else int(counts.sum())
    return {
        "coordinates": _rounded(geometry.aligned_coordinates(means, means).coordinates),
        "tail": _within_tail(means, counts),
        "prototypes": None if prototypes is None else _within_tail(prototypes, counts),
        "batch": images if images < counts.sum() else None,
        "tied": has_prototypes and not batch.isdecimal() and prototypes is None,
    }


def _within_tail(vectors: NDArray[np.float64], counts: NDArray[np.int64]) -> float | None:
    return geometry.simplex_metrics(vectors, counts)["angle_tail_tail"]


def _rounded(values: NDArray[np.floating[Any]]) -> Any:
    """Return nested lists, with None for what is not finite."""
    rounded = np.round(values.astype(float), DIGITS).astype(object)
    rounded[~np.isfinite(values)] = None
    return rounded.tolist()


def controls(lab: Lab, run: Run, without: Collection[str] = ()) -> Controls:
    """Return the lab's controls of a run, those aside that are named in `without`.

    Of several, the one whose training images are nearest in number, then the newest.
    """
    counts = _count_by_class(lab, run) or {}
    found = _controls_of(lab, run, counts, without)
    return {
        "balanced": {"id": found.get("balanced"), "how": _how("balanced", run, counts)},
        "swapped": {"id": found.get("swapped"), "how": _how("swapped", run, counts)},
    }


def _how(kind: str, run: Run, counts: Mapping[str, int]) -> str:
    """Say how the control is made."""
    recipe = run.recipe
    if not isinstance(recipe, Recipe) or not counts:
        return "Controls are known of runs that this lab has trained."
    if len(set(counts.values())) == 1:
        return "Its classes have as many images as each other."
    natural = recipe.data.imbalance_kind == "natural"
    if kind == "balanced":
        mean = round(sum(counts.values()) / len(counts))
        drawn = ", the kind of imbalance to exp" if natural else ""
        change = (
            f"set the imbalance factor to 1{drawn} and the images in the largest class to {mean}, about as many in all"
        )
    elif natural:
        return "Classes that keep the images they have cannot be swapped."
    else:
        change = f"set the rare classes to {'first' if recipe.data.rare_classes == 'last' else 'last'}"
    return f"To train one: in New race, {change}."


def _controls_of(lab: Lab, run: Run, counts: Mapping[str, int], without: Collection[str]) -> dict[str, str]:
    """Return the runs that differ from this one in nothing but their training counts: all alike, or rank reversed."""
    if not isinstance(run.recipe, Recipe) or len(set(counts.values())) < 2:
        return {}
    wanted = _but_for_counts(run)
    found: dict[str, tuple[tuple[float, float], str]] = {}
    for other in (*lab.runs(), *lab.shelf.runs):
        if other.id in without or other.epoch is None or _but_for_counts(other) != wanted:
            continue
        theirs = _count_by_class(lab, other) or {}
        kind = _kind_of_control(counts, theirs)
        rank = (-abs(sum(theirs.values()) - sum(counts.values())), other.created)
        if kind is not None and (kind not in found or rank > found[kind][0]):
            found[kind] = (rank, other.id)
    return {kind: run_id for kind, (_, run_id) in found.items()}


def _kind_of_control(counts: Mapping[str, int], theirs: Mapping[str, int]) -> str | None:
    if theirs.keys() != counts.keys() or theirs == counts:
        return None
    if len(set(theirs.values())) == 1:
        return "balanced"
    ranked = sorted(counts, key=lambda name: -counts[name])
    return "swapped" if theirs == dict(zip(ranked, sorted(counts.values()), strict=True)) else None


def _but_for_counts(run: Run) -> dict[str, Any] | None:
    if not isinstance(run.recipe, Recipe):
        return None
    document = run.recipe.model_dump()
    return {**document, "data": {name: document["data"][name] for name in _SAME_IMAGES}}


def _count_by_class(lab: Lab, run: Run) -> dict[str, int] | None:
    """Return training images by class name; None before the run has read its data."""
    try:
        known = read_samples(lab.folder(run.id))
    except SnapshotError:
        return None
    return dict(zip(known.class_names, known.class_counts.tolist(), strict=True))
