"""A run's curves as one file: thinned with both ends, bounded in bytes, the same for runs of any age."""

import json
import shutil
import sqlite3
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from safetensors.numpy import load

from bcl_core import geometry
from bcl_core.lab import Lab
from bcl_core.lab.files import encoded
from bcl_core.lab.history import MEANS_BYTES, MOST_EPOCHS, Span, chosen, history, summary, thinned, whole
from harness.made_runs import make_runs

FIXTURES = Path(__file__).parents[1] / "fixtures"
TRAINED, RECORDED = "261126-98b7d25e22", "261126-61ca8811de"


def read(content: bytes) -> tuple[dict[str, np.ndarray], list[str], dict[str, str]]:
    metadata = json.loads(content[8 : 8 + int.from_bytes(content[:8], "little")])["__metadata__"]
    return load(content), json.loads(metadata["scalars"]), json.loads(metadata["faults"])


@given(st.lists(st.integers(0, 99_999), min_size=1, max_size=3000, unique=True).map(sorted))
def test_all_kept_epochs_are_thinned_to_what_a_screen_shows_with_both_ends(kept):
    epochs = chosen(kept, whole(kept))
    assert epochs[0] == kept[0] and epochs[-1] == kept[-1]
    assert len(epochs) <= MOST_EPOCHS and set(epochs) <= set(kept) and epochs == sorted(set(epochs))
    assert epochs == kept or len(epochs) > MOST_EPOCHS / 2


@given(st.integers(1, 2000), st.integers(0, 2000))
def test_places_are_thinned_evenly_with_both_ends_or_not_at_all(count, at_most):
    places = thinned(count, at_most)
    assert len(places) <= max(at_most, 0)
    if places:
        assert places[0] == 0 and places[-1] == count - 1
        assert np.ptp(np.diff(places)) <= 1 if len(places) > 1 else True
    else:
        assert at_most < 2


def test_a_long_run_has_all_its_curves_and_as_many_class_means_as_fit(tmp_path):
    lab = Lab(tmp_path)
    [made] = make_runs(lab, ["bcl"], 2, per_class=2, dim=600)
    with sqlite3.connect(lab.home / "lab.sqlite") as db:  # at once: each by itself would wait for the disk
        rows = ((made.id, epoch, json.dumps({"loss": 1 / epoch})) for epoch in range(3, 701))
        db.executemany("INSERT INTO metrics VALUES (?, ?, ?)", rows)
        db.execute("UPDATE runs SET epoch = 700")
    arrays, names, faults = read(history(lab, made.id, whole(lab.epochs(made.id))).content)
    assert len(arrays["epochs"]) <= MOST_EPOCHS and arrays["epochs"][[0, -1]].tolist() == [0, 700]
    recorded = arrays["epochs"] > 2
    losses = arrays["scalars"][names.index("loss"), recorded]
    np.testing.assert_allclose(losses, 1 / arrays["epochs"][recorded], rtol=1e-6)
    assert arrays["class_means"].nbytes + arrays["prototypes"].nbytes <= MEANS_BYTES
    assert arrays["mean_epochs"][[0, -1]].tolist() == [0, 700]
    assert "missing" in faults["700"]  # it has no view
    assert np.isnan(arrays["class_means"][-1]).all()


def test_class_means_for_which_there_is_no_room_are_left_to_the_views(tmp_path):
    lab = Lab(tmp_path)
    [made] = make_runs(lab, ["bcl"], 1, counts=np.arange(400, 200, -1), per_class=2, dim=700, images=False)
    arrays, names, _ = read(history(lab, made.id, Span(0, 1, 1)).content)
    assert len(arrays["mean_epochs"]) == 0 and "class_means" not in arrays
    assert np.isfinite(arrays["scalars"][names.index("angle_q50")]).all()


@pytest.mark.parametrize("run_id", [TRAINED, RECORDED])
def test_a_run_of_the_first_release_has_the_summary_that_it_did_not_record(tmp_path, run_id):
    shutil.copytree(FIXTURES / "first_lab", tmp_path / "lab")
    lab = Lab(tmp_path / "lab")
    kept = lab.epochs(run_id)
    arrays, names, faults = read(history(lab, run_id, whole(kept)).content)
    assert not faults and arrays["epochs"].tolist() == kept
    folder = lab.folder(run_id)
    for place, epoch in enumerate(kept):
        means = folder.arrays(folder.view(epoch))["class_means"]
        pairs = geometry.pairwise_angles(means)[np.triu_indices(len(means), 1)]
        for name, share in geometry.QUANTILES.items():
            assert arrays["scalars"][names.index(name), place] == pytest.approx(np.quantile(pairs, share), abs=1e-3)
    assert ("distance_to_prediction" in names) == (run_id == TRAINED)


def test_what_is_recorded_today_is_what_a_view_would_tell(tmp_path):
    lab = Lab(tmp_path)
    [made] = make_runs(lab, ["bcl"], 2)
    view = made.folder.arrays(made.folder.view(2))
    predicted = made.folder.arrays(made.folder.predicted)["class_means"]
    recorded = lab.metrics(made.id)[-1]
    for name, value in summary(view, made.samples.class_counts, predicted).items():
        assert recorded[name] == (None if value is None else pytest.approx(value, rel=1e-4)), name


def test_push_extents_hold_every_share_that_is_drawn(tmp_path):
    lab = Lab(tmp_path)
    [made] = make_runs(lab, ["bcl"], 1)
    view = {name: array.astype(float) for name, array in made.folder.arrays(made.folder.view(1)).items()}
    off = ~np.eye(10, dtype=bool)
    shares = view["pair_push"][off] / np.triu(view["pair_push"], 1).sum()
    found = geometry.push_extents(view)
    assert (found["pair_push_least"], found["pair_push_most"]) == pytest.approx((shares.min(), shares.max()))
    assert found["gradient_mass_most"] == pytest.approx(view["gradient_mass"][off].max())
    assert found["pull_most"] == pytest.approx(view["gradient_attraction"].max())
    assert found["push_most"] == pytest.approx(view["gradient_norm"].sum(axis=1).max())
    assert set(geometry.push_extents({}).values()) == {None}
    assert geometry.push_extents({"pair_push": np.zeros((3, 3))})["pair_push_most"] is None


def test_the_same_run_gives_the_same_bytes(tmp_path):
    arrays = {name: np.arange(3.0) for name in "hgfedcba"}
    assert len({encoded(arrays, one="1", two="2") for _ in range(20)}) == 1
