"""The scalars that an epoch is recorded with: what each is called, and its unit.

The curves of the app, the command line and the benchmarks all take their words from this table.

`BCL_LAB_METRICS="evenness=my_metrics:evenness"` adds one's own: the function `evenness` of the importable module
`my_metrics`. It takes the test images' embeddings (n, d) of unit length, their labels (n,) and the training images of
each class (K,), all as arrays of numpy, and returns a number, or None where there is none.
"""

import re
from collections.abc import Mapping
from typing import Any, NamedTuple

from bcl_core.registry import FAULTS, Entry
from bcl_core.registry import own as registered


class Metric(NamedTuple):
    """What a metric is called and measured in."""

    title: str
    unit: str  # "degrees"; "accuracy" and "share" are from 0 to 1; else what the number is
    band: str | None = None  # the metric that is its spread, drawn around it
    short: str = ""  # where there is little room; "": the name itself
    curve: bool = True  # whether it is a curve of its own; else a part of others


_METRICS: Mapping[str, Metric] = {
    "angle_rms_deviation": Metric("RMS deviation from the regular simplex", "degrees", short="off the simplex"),
    "distance_to_prediction": Metric(
        "RMS difference to the optimum predicted for the stated batch", "degrees", short="off the prediction"
    ),
    "angle_mean": Metric("Mean angle ± spread over pairs", "degrees", "angle_std", "mean angle"),
    "angle_std": Metric(
        "Spread of the angle over pairs, one standard deviation", "degrees", short="spread over pairs", curve=False
    ),
    "angle_min": Metric("Smallest angle between class means", "degrees", short="smallest angle"),
    "angle_tail_tail": Metric("Mean angle within the tail", "degrees", short="tail–tail"),
    "angle_head_tail": Metric("Mean angle between head and tail", "degrees", short="head–tail"),
    "angle_head_head": Metric("Mean angle within the head", "degrees", short="head–head"),
    "angle_medium_tail": Metric("Mean angle between middle and tail", "degrees", short="middle–tail"),
    "angle_medium_medium": Metric("Mean angle within the middle", "degrees", short="middle–middle"),
    "angle_head_medium": Metric("Mean angle between head and middle", "degrees", short="head–middle"),
    **{
        f"angle_q{per_cent:02d}": Metric(f"Angle that {per_cent} % of the pairs stay below", "degrees", curve=False)
        for per_cent in (5, 25, 50, 75, 95)
    },
    "within_class_angle": Metric("Angle of a sample to its class mean", "degrees", short="within class"),
    "margin": Metric("Margin: nearest other class mean minus own", "degrees", short="margin"),
    "accuracy": Metric("Test accuracy", "accuracy", short="accuracy"),
    "accuracy_many": Metric("Test accuracy, classes with more than 100 images", "accuracy", short="many"),
    "accuracy_medium": Metric("Test accuracy, classes with 20 to 100 images", "accuracy", short="medium"),
    "accuracy_few": Metric("Test accuracy, classes with fewer than 20 images", "accuracy", short="few"),
    "accuracy_nearest_mean": Metric(
        "Test accuracy of the nearest mean of the training images that are kept, where there is no classifier",
        "accuracy",
        short="nearest mean",
    ),
    "tail_push_share": Metric("The tail's share of all push", "share", short="tail's push"),
    "prototype_angle": Metric("Angle of a class mean to its prototype", "degrees", short="to prototype"),
    "prototype_angle_tail_tail": Metric(
        "Mean angle between the tail's prototypes", "degrees", short="tail–tail, prototypes"
    ),
    "classifier_angle": Metric(
        "Angle of a class mean to its classifier weight, backbone", "degrees", short="to classifier"
    ),
    "centred_angle_mean": Metric(
        "Centred mean angle ± spread over pairs (no evidence of a simplex)", "degrees", "centred_angle_std"
    ),
    "centred_angle_std": Metric(
        "Spread of the centred angle over pairs, one standard deviation", "degrees", curve=False
    ),
    "global_mean_norm": Metric("Length of the global mean ‖μ_G‖, to read with the centred angle", "length"),
    "nc1": Metric("NC1: within-class over between-class spread", "ratio"),
    "nc1_sample_weighted": Metric("NC1, weighted by samples", "ratio"),
    "cdnv": Metric("CDNV: class-distance normalised variance", "ratio"),
    "nc2_equinorm": Metric("NC2: unevenness of the means' lengths", "ratio"),
    "nc2_equiangularity": Metric("NC2: mean |cosine + 1/(K−1)|", "cosine"),
    "nc2_simplex": Metric("NC2: distance to the simplex's Gram matrix", "distance"),
    "nc3": Metric("NC3: classifier against centred class means", "squared distance"),
    "nc4": Metric("NC4: nearest class mean disagrees with the prediction", "share"),
    "orthogonal_frame": Metric("Distance to the orthogonal frame", "distance"),
    "minority_collapse": Metric("Mean cosine of the tail's classifier weights", "cosine"),
    "loss": Metric("Training loss", "loss", short="loss"),
    "loss_contrastive": Metric("Training loss, its contrastive part before its weight", "loss", short="contrastive"),
    "loss_classifier": Metric("Training loss, its classifier's part before its weight", "loss", short="classifier"),
    "classes_measured": Metric("Classes with a mean direction", "classes", curve=False),
}

_TAKEN = ("run", "epoch", "accuracy_per_class")  # other names in an epoch's row

MEASURES: Mapping[str, Entry] = {
    name: Entry(name, f"Registered here from {target}.", target)
    for name, target, _ in registered("BCL_LAB_METRICS", [*_METRICS, *_TAKEN])
}
"""One's own, measured after each epoch besides."""
FAULTS += [
    f"BCL_LAB_METRICS has {name!r}: should be of small letters, digits and _"
    for name in MEASURES
    if not re.fullmatch(r"[a-z0-9_]+", name)  # as addresses of pages have it
]

METRICS: Mapping[str, Metric] = {
    **_METRICS,
    **{name: Metric(entry.title, "number") for name, entry in MEASURES.items()},
}


# Recorded since NC3 and NC4 are right: earlier versions took a cosine classifier's weights at their own lengths, and
# left a bias out of NC4.
_SINCE_RIGHT, _WRONG_BEFORE = "prototype_angle_tail_tail", ("nc3", "nc4")


def that_hold(metrics: Mapping[str, Any]) -> dict[str, Any]:
    """Return an epoch's metrics as they were recorded, without those that an earlier version measured wrongly."""
    wrong = () if _SINCE_RIGHT in metrics else _WRONG_BEFORE
    return {name: value for name, value in metrics.items() if name not in wrong}


def metric(name: str) -> Metric:
    """Return what a metric is called and measured in; one that is not registered here goes by its name."""
    return METRICS.get(name) or Metric(name, "number")


def own(row: Mapping[str, Any]) -> list[str]:
    """Return the names of an epoch's numbers that are one's own: registered from outside, or recorded by other code."""
    return [name for name, value in row.items() if name not in _METRICS and not _is_besides(name, value)]


def _is_besides(name: str, value: Any) -> bool:
    of_a_picture = name.startswith("picture_") or name.endswith(("_least", "_most"))
    return name in _TAKEN or of_a_picture or isinstance(value, list)


def short(name: str) -> str:
    """Return what a metric is called where there is little room."""
    return metric(name).short or name


def shown(name: str, value: float | None) -> str:
    """Return a metric's value with its unit, for people; "none" where it was not measured."""
    if value is None:
        return "none"
    return {"degrees": f"{value:.1f}°", "accuracy": f"{value:.1%}", "share": f"{value:.1%}"}.get(
        metric(name).unit, f"{value:.4f}"
    )
