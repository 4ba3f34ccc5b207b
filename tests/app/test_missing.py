"""A run whose loss, or backbone, is not registered here is shown as recorded, and says what lacks to train it on."""

import json
import shutil

import pytest

from app.routes.about import about
from app.routes.library import library
from app.verbs import Refused, do
from bcl_core import registry
from bcl_core.cli import main
from bcl_core.lab import GroupPlan, Lab, LabError, rows
from bcl_core.lab.bringing import bring
from bcl_core.lab.cache import Cache
from bcl_core.lab.export import export_runs
from bcl_core.lab.history import history, whole
from bcl_core.lab.mending import mend
from bcl_core.lab.shelf import open_shelf, shelf_home, write_sums
from bcl_core.lab.worker import Worker
from bcl_core.losses.contract import build_loss
from bcl_core.models import build_model
from bcl_core.recipe import Execution, Recipe, RecipeError, apply_settings
from bcl_core.registry import Entry, LossEntry, Parameter
from tests.app.conftest import train_here
from tests.app.test_lab_page import chosen
from tests.app.test_pages import words
from tests.conftest import small

LOSS = (
    "its loss, `mine`, is not registered here: start the app with the same BCL_LAB_LOSSES to train it on",
    {"loss__name": "mine", "loss__pull": 0.5},
)
BACKBONE = (
    "its backbone, `tiny`, is not registered here: start the app with the same BCL_LAB_BACKBONES to train it on",
    {"model__backbone": "tiny"},
)
BOTH = pytest.mark.parametrize(("sentence", "settings"), [LOSS, BACKBONE], ids=["loss", "backbone"])


@pytest.fixture
def forget(monkeypatch):
    """Register a loss and a backbone; what this returns forgets both, as an app does that starts without them."""
    mine = LossEntry("mine", "", "tests.losses.own_losses:Pull", parameters=(Parameter("pull", 1.0, ""),))
    tiny = Entry("tiny", "", "bcl_core.models.small_resnet:resnet8")
    monkeypatch.setitem(registry.LOSSES, "mine", mine)
    monkeypatch.setitem(registry.BACKBONES, "tiny", tiny)

    def forget():
        monkeypatch.delitem(registry.LOSSES, "mine")
        monkeypatch.delitem(registry.BACKBONES, "tiny")
        monkeypatch.setattr(rows, "_recipes", Cache(1 << 20))

    return forget


def told(lab, run_id):
    return {**about(lab, lab.run(run_id)), "faults": None}


def recorded(lab, run_id):
    """All that the Lab draws of a run, and its recipe's hash."""
    curves, embeddings = history(lab, run_id, whole(lab.epochs(run_id))), lab.folder(run_id).embeddings(2)
    hashed = lab.run(run_id).recipe.hash
    return told(lab, run_id), curves, lab.metrics(run_id), lab.folder(run_id).content(embeddings), hashed


def in_library(lab, run_id):
    [found] = [run for run in library(lab)["runs"] if run["id"] == run_id]
    return found


@BOTH
def test_it_opens_with_all_that_was_recorded_and_says_what_lacks(lab, forget, open_page, sentence, settings):
    [run_id] = train_here(lab, presets=("digits-bcl",), **settings)
    before, listed = recorded(lab, run_id), in_library(lab, run_id)
    assert listed["missing"] is None
    forget()
    assert recorded(lab, run_id) == before
    assert in_library(lab, run_id) == listed | {"missing": sentence}
    assert about(lab, lab.run(run_id))["faults"] == {"recipe": sentence}
    app = open_page("lab")
    assert chosen(app) == [run_id]
    assert sentence in words(app).replace("\\", "") and not app.exception and not app.error


@BOTH
def test_it_is_not_trained_on_and_nothing_is_queued(lab, forget, no_worker, capsys, sentence, settings):
    [run_id] = train_here(lab, presets=("digits-bcl",), epochs=1, **settings)
    lab.record_state(run_id, "stopped")
    forget()
    run = lab.run(run_id)
    again = {"name": "again", "runs": [{"name": "run", "recipe": run.training_recipe}]}
    for verb, arguments in (("resume", {"target": run_id}), ("step", {"target": run.group_id}), ("train", again)):
        with pytest.raises(Refused) as refused:
            do(lab, verb, arguments, role="owner")
        assert refused.value.status == 422 and sentence in str(refused.value), verb
    for arguments in (("train", "--run", run_id), ("resume", run_id), ("evaluate", run_id)):
        with pytest.raises(SystemExit) as end:
            main([*arguments])
        assert end.value.code == 2 and sentence in capsys.readouterr().err
    with pytest.raises(RecipeError, match=sentence):
        apply_settings(run.training_recipe, Execution(), {"seed": 1})
    with pytest.raises(RecipeError, match=sentence):
        build_loss(run.training_recipe.loss, [2, 1], 4)
        build_model(run.training_recipe, 1, 2)
    assert lab.runs() == [run] and {path.name for path in (lab.home / "runs").iterdir()} == {run_id}
    with pytest.raises(SystemExit):
        main(["runs"])
    assert f"{run.name}: {sentence}" in capsys.readouterr().out


def test_it_is_exported_brought_in_mended_and_deleted(lab, forget, tmp_path):
    [run_id] = train_here(lab, presets=("digits-bcl",), epochs=1, **LOSS[1])
    forget()
    export_runs(lab, [run_id], tmp_path / "run.zip")
    other = Lab(tmp_path / "other")
    assert [brought.run_id for brought in bring(other, tmp_path / "run.zip")] == [run_id]
    assert told(other, run_id) == told(lab, run_id) and other.metrics(run_id) == lab.metrics(run_id)
    for file in other.home.glob("lab.sqlite*"):
        file.unlink()
    other = Lab(other.home)
    assert mend(other) == [run_id]
    assert other.run(run_id).recipe == lab.run(run_id).recipe and other.run(run_id).missing == LOSS[0]
    do(lab, "delete", {"runs": [run_id]}, role="owner")
    assert not lab.runs()


def test_one_that_waits_is_left_to_a_worker_that_knows_its_loss(lab, forget):
    waiting, stopped = lab.enqueue(
        GroupPlan("mine", [("waits", small(epochs=1, **LOSS[1])), ("is stopped", small(**LOSS[1], seed=1))]),
        Execution(device="cpu", threads=1),
    )
    forget()
    Worker(lab).work(idle_seconds=0.2)
    assert lab.run(waiting).state == "queued" and not lab.run(waiting).error
    for verb in ("pause", "stop"):
        do(lab, verb, {"target": stopped}, role="owner")
    do(lab, "delete", {"runs": [stopped]}, role="owner")
    assert [run.id for run in lab.runs()] == [waiting]


def test_a_shelved_one_is_shown_and_no_copy_of_it_is_queued(lab, tmp_path, monkeypatch, no_worker):
    folder = tmp_path / "shelf" / "digits-bcl"
    shutil.copytree(shelf_home() / "digits-bcl", folder)
    recipe = json.loads((folder / "recipe.json").read_text())
    (folder / "recipe.json").write_text(json.dumps(recipe | {"loss": recipe["loss"] | {"name": "mine"}}))
    write_sums(folder)
    open_shelf.cache_clear()
    monkeypatch.setenv("BCL_LAB_PRETRAINED", str(tmp_path / "shelf"))
    assert in_library(lab, "digits-bcl")["missing"] == LOSS[0]
    with pytest.raises(Refused, match=LOSS[0]):
        do(lab, "train-on", {"run": "digits-bcl"}, role="owner")
    assert not lab.runs()


def test_what_is_new_names_what_is_registered_and_what_is_stored_what_could_be():
    document = json.loads(small().model_dump_json())

    def text(**loss):
        return json.dumps(document | {"loss": document["loss"] | loss})

    with pytest.raises(RecipeError, match=r'loss\.name is "mine": should be one of ce, scl'):
        Recipe.parse(text(name="mine"))
    parameters = {"whole": 3, "part": 3.0, "so": True}
    stored = Recipe.parse(text(name="mine", parameters=parameters), stored=True)
    assert stored.model_dump_json() == text(name="mine", parameters=parameters).replace(", ", ",").replace(": ", ":")
    assert stored.title == "mine, whole 3, part 3, so true"
    elsewhere = json.dumps(document | {"data": {"source": "photos"}, "views": "blurred"})
    with pytest.raises(RecipeError, match=r"data\.source is .*BCL_LAB_DATASETS; views is .*BCL_LAB_VIEWS"):
        Recipe.parse(elsewhere)
    stored = Recipe.parse(elsewhere, stored=True)
    assert "photos" in stored.in_words
    for lack in ("its data source, `photos`, is not registered here", "its strategy of views, `blurred`, is not"):
        assert lack in stored.missing
    with pytest.raises(RecipeError, match=r"loss\.prototypes"):
        Recipe.parse(text(prototypes="mine"), stored=True)
    for damaged in ({"name": "m i n e"}, {"name": "m" * 41}, {"name": "bcl", "parameters": parameters}):
        with pytest.raises(RecipeError):
            Recipe.parse(text(**damaged), stored=True)
    for value in ("3", None, 10**400, [1]):
        with pytest.raises(RecipeError, match="should be a parameter of a loss"):
            Recipe.parse(text(name="mine", parameters={"pull": value}), stored=True)


def test_a_group_goes_on_without_it(lab, forget, no_worker):
    known, unknown = lab.enqueue(GroupPlan("both", [("known", small()), ("unknown", small(**LOSS[1]))]))
    for run_id in (known, unknown):
        lab.stop(run_id)
    forget()
    lab.resume(lab.run(known).group_id)
    assert (lab.run(known).state, lab.run(unknown).state) == ("queued", "stopped")
    with pytest.raises(LabError, match=LOSS[0]):
        lab.take_up(unknown)
