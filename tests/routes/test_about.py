"""What no epoch of a run changes, and the runs that are its controls."""

import numpy as np
import pytest

from app.routes.about import about, controls
from bcl_core import geometry
from bcl_core.lab import GroupPlan
from bcl_core.lab.files import write_arrays
from harness.made_runs import MadeRun, make_runs
from tests.app.conftest import train_here
from tests.conftest import small


def test_a_run_that_has_not_begun_has_no_classes_and_no_fault(lab):
    [run_id] = lab.enqueue(GroupPlan("waiting", [("run", small())]))
    told = about(lab, lab.run(run_id))
    assert (told["classes"], told["faults"], told["planned"]) == (None, {}, 3)


def test_the_imbalance_that_was_asked_for_and_the_one_that_was_drawn_are_both_said(lab):
    told = about(lab, lab.run("digits-bcl"))["recipe"]
    assert "imbalance factor 50" in told
    assert told.endswith("drawn: 130 to 2 training images a class, factor 65")


def test_the_predicted_optimum_is_turned_onto_the_simplex_and_keeps_its_angles(lab):
    for run_id in train_here(lab, epochs=1):
        classes = about(lab, lab.run(run_id))["classes"]
        simplex, predicted = np.array(classes["simplex"]), np.array(classes["predicted"]["coordinates"])
        folder = lab.folder(run_id)
        means = folder.arrays(folder.predicted)["class_means"]
        np.testing.assert_allclose(geometry.pairwise_angles(predicted), geometry.pairwise_angles(means), atol=0.1)
        assert (np.linalg.norm(predicted - simplex, axis=1) < 0.8).all()


@pytest.mark.parametrize(("batch", "told"), [({}, None), ({"batch": "16"}, 16), ({"batch": "360"}, None)])
def test_a_prediction_says_of_which_batches_it_is(lab, batch, told):
    """Runs of earlier releases have one of a batch of everything, and none of prototypes."""
    made = MadeRun(lab, lab.enqueue(GroupPlan("predicted", [("run", small())]))[0])
    made.begin()
    counts = made.samples.class_counts
    assert sum(counts) == 360
    made.folder.predicted.unlink()
    found = geometry.optimal_configuration(
        counts, class_averaging=True, class_complement=True, temperature=0.3, batch_size=16
    )
    prototypes = {"prototypes": found.prototypes} if batch else {}
    write_arrays(made.folder.predicted, {"class_means": found.means, **prototypes}, **batch)
    predicted = about(lab, lab.run(made.id))["classes"]["predicted"]
    assert predicted["batch"] == told
    assert predicted["tied"] == (not batch), "files of earlier releases know no free prototypes"
    assert predicted["prototypes"] == (pytest.approx(57.2, abs=0.5) if batch else None)


def test_runs_that_differ_in_the_seed_alone_are_siblings(lab):
    ids = lab.enqueue(GroupPlan("seeds", [(f"seed {seed}", small(seed=seed)) for seed in (0, 1, 2)]))
    [other] = lab.enqueue(GroupPlan("another group", [("seed 3", small(seed=3))]))
    for run_id in (*ids[:2], other):
        lab.record_epoch(run_id, 0, {"loss": 1.0})
    assert [about(lab, lab.run(run_id))["siblings"] for run_id in (*ids, other)] == [
        [ids[1]],
        [ids[0]],
        [*ids[:2]],  # the third has no epoch yet, and so is nobody's
        [],
    ]


def test_controls_are_the_runs_that_differ_in_their_training_counts_alone(lab):
    rare_last = np.array([40, 20, 10, 4])
    [usual, other] = make_runs(lab, ["bcl", "scl"], 1, name="usual", counts=rare_last)
    [even] = make_runs(lab, ["bcl"], 1, name="even", settings={"data.imbalance_factor": 1}, counts=np.full(4, 40))
    [nearer] = make_runs(lab, ["bcl"], 1, name="as many", settings={"data.max_per_class": 18}, counts=np.full(4, 18))
    first = {"data.rare_classes": "first"}
    [swapped] = make_runs(lab, ["bcl"], 1, name="swapped", settings=first, counts=rare_last[::-1])
    make_runs(lab, ["bcl"], 1, name="other seed", settings={"seed": 1}, counts=np.full(4, 19))
    make_runs(lab, ["bcl"], 1, name="in no order", counts=rare_last[[1, 0, 2, 3]])

    def found(run, *without):
        return {kind: one["id"] for kind, one in controls(lab, lab.run(run.id), [w.id for w in without]).items()}

    # Of two balanced ones, that with as many images in all.
    assert found(usual) == {"balanced": nearer.id, "swapped": swapped.id}
    assert found(other) == {"balanced": None, "swapped": None}
    assert found(swapped) == {"balanced": nearer.id, "swapped": usual.id}
    assert found(even) == {"balanced": None, "swapped": None}
    assert found(usual, nearer)["balanced"] == even.id  # nobody stands in for a run that is shown itself
    how = controls(lab, lab.run(other.id))
    assert "images in the largest class to 18" in how["balanced"]["how"]
    assert "rare classes to first" in how["swapped"]["how"]


@pytest.mark.parametrize("run_id", ["digits-scl", "digits-bcl", "digits-bcl-class"])
def test_the_runs_that_come_with_the_project_have_their_controls(lab, run_id):
    assert {kind: one["id"] for kind, one in controls(lab, lab.run(run_id)).items()} == {
        kind: run_id.replace("digits-", f"digits-{kind}-") for kind in ("balanced", "swapped")
    }


def test_a_loss_cannot_fall_below_its_floor(lab):
    """Of a real run: the least that is predicted for its batches, and in the total that times μ."""
    [run_id] = train_here(lab, epochs=1, presets=["digits-bcl"])
    found, folder = about(lab, lab.run(run_id))["floors"], lab.folder(run_id)
    least = least_of_bcl(lab.run(run_id).training_recipe, folder.arrays(folder.samples)["class_counts"])
    assert found["loss_contrastive"] == pytest.approx(least, rel=1e-9)
    assert found["loss"] == pytest.approx(0.35 * least, rel=1e-9)
    for epoch in lab.metrics(run_id):
        assert epoch["loss_contrastive"] > found["loss_contrastive"] and epoch["loss"] > found["loss"]


def least_of_bcl(recipe, counts):
    return geometry.optimal_configuration(
        counts, class_averaging=True, class_complement=True, temperature=recipe.loss.temperature, batch_size=64, dim=32
    ).value
