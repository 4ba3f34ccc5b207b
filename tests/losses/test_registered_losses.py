"""A loss is an entry: what its target makes is what is trained, and what is wrong with it is said in words."""

import copy
import importlib.util
import itertools
import json
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from app.routes.about import about
from bcl_core import registry
from bcl_core.cli import main
from bcl_core.evaluation import TrainingDiverged
from bcl_core.lab import GroupPlan
from bcl_core.lab.recording import OpenRun
from bcl_core.losses import contrastive_loss
from bcl_core.losses.contract import build_loss
from bcl_core.recipe import Execution, LossRecipe, Recipe, RecipeError, apply_settings
from bcl_core.registry import LOSSES, LossEntry, Parameter, loss_of
from bcl_core.training import Epoch, train
from tests.conftest import small
from tests.losses.slow_losses import random_batch

ONE_THREAD = Execution(device="cpu", threads=1)
OWN = "tests.losses.own_losses"
PULL = Parameter("pull", 1.0, "how hard", least=0, most=10)


@pytest.fixture
def own(monkeypatch):
    """Register a loss of `own_losses` as "mine"."""

    def register(name, *parameters):
        entry = LossEntry("Mine", "Of a test.", f"{OWN}:{name}", parameters=parameters)
        monkeypatch.setitem(registry.LOSSES, "mine", entry)

    return register


def mine(**settings):
    """A small recipe of it."""
    return small(loss__name="mine", **settings)


def epochs_of(events):
    return [event for event in events if isinstance(event, Epoch)]


@pytest.mark.parametrize("anchors", ["instance", "class"])
@pytest.mark.parametrize("name", [name for name, entry in LOSSES.items() if entry.weights])
def test_a_loss_described_by_weights_is_the_one_that_is_trained(name, anchors):
    recipe = LossRecipe(name=name, anchors=anchors, self_term=True)
    batch = random_batch([0, 0, 0, 1, 1, 2], 4)
    expected = contrastive_loss(*batch, num_classes=4, **recipe.switches)
    assert build_loss(recipe, [8, 4, 2, 1], 4)(*batch) == expected


def test_the_loss_of_an_entry_is_the_one_that_is_trained(own):
    own("Pull", PULL)
    weak, strong = (epochs_of(train(mine(loss__pull=pull), ONE_THREAD))[-1] for pull in (0.5, 1.0))
    assert weak.state["loss"]["batches"] == 15
    assert weak.metrics["loss_contrastive"] < strong.metrics["loss_contrastive"]
    assert weak.state["loss"]["strength"] < 0  # its own parameter is trained with the model
    assert "batch_features" in weak.view
    assert "pair_push" not in weak.view and weak.metrics["tail_push_share"] is None
    assert weak.view["prototypes"].shape == (10, 32)


def test_a_loss_with_a_state_goes_on_as_if_never_interrupted(own):
    own("Pull", PULL)
    whole, state = [], None
    for event in copied(train(mine(epochs=4), ONE_THREAD)):
        whole.append((event.metrics, event.state["loss"]))
        if event.epoch == 2:
            state = event.state
    rest = [(e.metrics, e.state["loss"]) for e in copied(train(mine(epochs=4), ONE_THREAD, state=copy.deepcopy(state)))]
    assert whole[3:] == rest
    assert whole[0][1]["batches"] == 0, "looking before training changes nothing"
    assert 4 <= rest[-1][1]["drawn"] < 5
    del state["loss"]["batches"]
    with pytest.raises(RecipeError, match="state of the loss does not fit"):
        list(train(mine(epochs=4), ONE_THREAD, state=state))


def copied(events):
    """Epochs with states that later ones leave alone."""
    return [replace(event, state=copy.deepcopy(event.state)) for event in events if isinstance(event, Epoch)]


def test_a_checkpoint_of_the_first_releases_has_no_state_of_a_loss_and_is_gone_on_from():
    whole = epochs_of(train(small(), ONE_THREAD))
    [zero] = epochs_of(itertools.islice(train(small(), ONE_THREAD), 2))
    state = {name: part for name, part in zero.state.items() if name != "loss"}
    rest = epochs_of(train(small(), ONE_THREAD, state=copy.deepcopy(state)))
    assert [epoch.metrics for epoch in rest] == [epoch.metrics for epoch in whole[1:]]


BAD = {
    "no_such_module:Pull": "cannot be imported: ModuleNotFoundError: No module named 'no_such_module'",
    f"{OWN}:NoSuch": "cannot be imported: AttributeError: .*NoSuch",
    f"{OWN}:CONSTANT": "is a int: it should be a class, or function, that takes LossOptions",
    f"{OWN}:Raises": "makes no loss: FileNotFoundError: my table is gone",
    f"{OWN}:takes_nothing": "makes no loss: TypeError: .*takes LossOptions",
    f"{OWN}:plain": "returned a function: .*torch.nn.Module",
    f"{OWN}:Stumbles": "failed: KeyError: 'weights'",
    f"{OWN}:Quits": "failed: SystemExit: enough",
    f"{OWN}:Backward": "failed in the backward pass: KeyError: 'gradient'",
    f"{OWN}:Begins": "failed in begin_epoch: ZeroDivisionError: 1",
    f"{OWN}:Locked": "cannot be copied, .*: TypeError: cannot pickle '_thread.lock' object",
    f"{OWN}:Extra": "has a state that cannot be read again: it should be tensors, numbers and texts",
    f"{OWN}:Vector": r"returned shape \(64,\) of torch.float32: should be a scalar",
    f"{OWN}:Float": "returned a float: should be a scalar",
    f"{OWN}:Whole": r"returned shape \(\) of torch.int64: should be a scalar",
    f"{OWN}:Nan": "returned nan for the first batch: should be finite",
    f"{OWN}:Detached": "returned a number without a gradient",
}


@pytest.mark.parametrize("target", BAD)
def test_a_loss_that_is_none_is_named_with_what_would_be_right(monkeypatch, target):
    monkeypatch.setitem(registry.LOSSES, "mine", LossEntry("Mine", "Of a test.", target))
    with pytest.raises(RecipeError, match=f'^loss.name is "mine": {target} {BAD[target]}'):
        list(train(mine(epochs=1), ONE_THREAD))


def test_a_loss_that_becomes_nan_later_is_named(own):
    own("LateNan")
    with pytest.raises(TrainingDiverged, match=r'^the contrastive loss "mine" became NaN or infinite in epoch 2: '):
        list(train(mine(), ONE_THREAD))


def test_a_state_that_can_no_longer_be_saved_is_named_and_ends_the_run(own, lab, capsys):
    own("Extra", Parameter("later", False, "whether"))
    recipe = mine(epochs=1, loss__later=True)
    [run_id] = lab.enqueue(GroupPlan("mine", [("run", recipe)]), ONE_THREAD)
    with pytest.raises(SystemExit) as end:
        main(["--home", str(lab.home), "train", "--run", run_id])
    assert end.value.code == 2
    said = f'loss.name is "mine": {OWN}:Extra has a state that cannot be saved: '
    assert capsys.readouterr().err.startswith(f"bcl_core: {said}")
    assert lab.run(run_id).state == "failed" and lab.run(run_id).error.startswith(said)


@pytest.mark.parametrize("line", ["raise OSError('gone')", "import sys; sys.exit(3)", "def Mine(:"])
def test_a_loss_that_cannot_be_loaded_enters_no_run_and_reads_no_data(monkeypatch, tmp_path, lab, capsys, line):
    module = f"loss_{abs(hash(line))}"
    (tmp_path / f"{module}.py").write_text(f"{line}\n")
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setitem(registry.LOSSES, "mine", LossEntry("Mine", "Of a test.", f"{module}:Mine"))
    with pytest.raises(SystemExit) as end:
        main(["--home", str(lab.home), "train", "--preset", "digits-bcl", "--set", "loss.name=mine"])
    assert end.value.code == 2
    said = f'loss.name is "mine": {module}:Mine cannot be imported: '
    assert capsys.readouterr().err.startswith(f"bcl_core: {said}") and not lab.runs()

    [run_id] = lab.enqueue(GroupPlan("mine", [("run", mine())]))
    lock = lab.lock(run_id)
    with pytest.raises(RecipeError, match=said):
        OpenRun(lab, run_id, lock)
    assert lab.run(run_id).state == "queued"


def registered(monkeypatch, text):
    """The registry as it would be with this value of BCL_LAB_LOSSES."""
    monkeypatch.setenv("BCL_LAB_LOSSES", text)
    spec = importlib.util.spec_from_file_location("another_registry", registry.__file__)
    module = importlib.util.module_from_spec(spec)
    monkeypatch.setitem(sys.modules, "another_registry", module)
    spec.loader.exec_module(module)
    return module


def test_losses_are_registered_with_their_parameters(monkeypatch):
    found = registered(monkeypatch, "one=my.losses:One, two=my_losses:two?margin=0.5&k=3&hard=false")
    assert not found.FAULTS
    assert found.LOSSES["one"].target == "my.losses:One" and found.LOSSES["one"].weights is None
    two = {parameter.name: parameter.default for parameter in found.LOSSES["two"].parameters}
    assert two == {"margin": 0.5, "k": 3, "hard": False}
    assert [type(value) for value in two.values()] == [float, int, bool]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("mine", "has 'mine': should be name=module:target"),
        ("mine=my_losses", "should be name=module:target"),
        ("=my_losses:Mine", "should be name=module:target"),
        ("my loss=my_losses:Mine", "should be name=module:target"),
        ("bcl=my_losses:Mine", "has 'bcl', which is the name of one that is built in"),
        ("mine=a:A,mine=b:B", "has 'mine' twice"),
        ("mine=a:A?margin", "has 'margin' for 'mine': 'margin' should be parameter=number"),
        ("mine=a:A?margin=much", "should be parameter=number"),
        ("mine=a:A?margin=nan", "should be parameter=number"),
        ("mine=a:A?temperature=1.0", "'temperature' is a setting of every loss"),
        ("mine=a:A?margin=0.5&margin=2", "has the parameter 'margin' of 'mine' twice"),
    ],
)
def test_a_registration_that_is_none_is_left_out_and_named(monkeypatch, text, words):
    found = registered(monkeypatch, f"{text}, good=a:Good")
    [fault] = found.FAULTS
    assert fault.startswith("BCL_LAB_LOSSES ") and words in fault
    assert found.LOSSES["bcl"] is not None and "good" in found.LOSSES
    assert found.LOSSES["bcl"].target == LOSSES["bcl"].target


def test_what_every_loss_has_is_no_parameter_of_one():
    assert set(LossRecipe.model_fields) == registry.RESERVED


def test_the_command_line_says_what_could_not_be_registered(monkeypatch, capsys, lab):
    monkeypatch.setattr("bcl_core.cli.FAULTS", ("BCL_LAB_LOSSES has 'mine': should be name=module:target",))
    with pytest.raises(SystemExit) as end:
        main(["runs"])
    assert end.value.code == 2
    assert capsys.readouterr().err == "bcl_core: BCL_LAB_LOSSES has 'mine': should be name=module:target\n"


def test_parameters_are_set_by_name_and_kept_where_they_differ_from_the_default(own):
    own("Pull", PULL, Parameter("hard", False, "whether"), Parameter("steps", 3, "how many"))
    recipe = mine(loss__pull="2.5", loss__hard="true", loss__steps=3)
    assert recipe.loss.parameters == {"pull": 2.5, "hard": True}
    assert recipe.title == "Mine, pull 2.5, hard true" and recipe.title in recipe.in_words
    assert Recipe.parse(recipe.model_dump_json()) == recipe
    assert mine(loss__pull=1).hash == mine().hash != recipe.hash
    assert mine().title == "Mine"
    other, _ = apply_settings(recipe, Execution(), {"loss.name": "bcl"})
    assert other.loss.parameters == {}


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"loss.pull": "hard"}, "pull is 'hard': should be a number, at least 0, at most 10"),
        ({"loss.pull": "11"}, "at most 10"),
        ({"loss.pull": "nan"}, "should be a number"),
        ({"loss.pull": "inf"}, "should be a number"),
        ({"loss.name": "bcl", "loss.pull": 1}, "BCL does not take 'pull': it has no parameters"),
        ({"loss.push": 1}, "there is no setting 'loss.push'; .*loss.pull"),
    ],
)
def test_a_parameter_that_does_not_fit_is_named(own, settings, words):
    own("Pull", PULL)
    with pytest.raises(RecipeError, match=words):
        apply_settings(mine(), Execution(), settings)


def test_a_loss_without_weights_over_pairs_says_so_to_the_stage(own, lab):
    own("Pull", PULL)
    [run_id] = lab.enqueue(GroupPlan("mine", [("run", mine())]))
    told = about(lab, lab.run(run_id))
    assert told["title"] == "Mine"
    switches = told["switches"]
    assert (switches["contrastive"], switches["prototypes"]) == (True, True)
    assert switches["averaging"] is None and switches["complement"] is None
    assert lab.run(run_id).training_recipe.loss.switches is None


@pytest.mark.slow
def test_a_loss_from_outside_is_trained_by_a_process_and_shown_where_it_is_known(tmp_path):
    (tmp_path / "my_losses.py").write_text(
        "from torch import nn\n"
        "class Constant(nn.Module):\n"
        "    def __init__(self, options, value):\n"
        "        super().__init__()\n"
        "        self.value = value + sum(options.class_counts) + options.num_classes + options.dim\n"
        "    def forward(self, features, labels, prototypes):\n"
        "        return 0 * features.sum() + self.value\n"
    )
    environment = {**os.environ, "BCL_LAB_HOME": str(tmp_path / "lab"), "PYTHONPATH": f"{tmp_path}:{Path.cwd()}"}
    with_mine = {**environment, "BCL_LAB_LOSSES": "constant=my_losses:Constant?value=0.5"}

    def call(where, *arguments):
        return subprocess.run([sys.executable, *arguments], capture_output=True, text=True, env=where, check=False)

    settings = ["--set=loss.name=constant", "--set=loss.value=0.25", "--set=epochs=1", "--set=data.test_per_class=10"]
    trained = call(with_mine, "-m", "bcl_core", "train", "--preset=digits-bcl", "--set=threads=1", "--json", *settings)
    assert trained.returncode == 0, trained.stderr
    epochs = [json.loads(line) for line in trained.stdout.splitlines()]
    assert [epoch["loss_contrastive"] for epoch in epochs] == [360 + 10 + 32 + 0.25] * 2

    look = (
        "import json; from app.routes.about import about; from bcl_core.lab import Lab; lab = Lab.open(None);"
        "[run] = lab.runs(); print(json.dumps(about(lab, run)))"
    )
    told = json.loads(call(with_mine, "-c", look).stdout)
    assert told["title"] == "constant, value 0.25" and not told["faults"]
    assert told["classes"]["counts"][0] == 130

    lost = json.loads(call(environment, "-c", look).stdout)
    assert lost == {**told, "faults": {"recipe": loss_of("constant").missing}}
    assert "BCL_LAB_LOSSES" in lost["faults"]["recipe"]
    refused = call(environment, "-m", "bcl_core", "train", "--preset=digits-bcl", *settings)
    assert refused.returncode == 2 and "there is no setting 'loss.value'" in refused.stderr
    refused = call(environment, "-m", "bcl_core", "train", "--preset=digits-bcl", settings[0])
    assert 'loss.name is "constant": should be one of ce, scl' in refused.stderr
