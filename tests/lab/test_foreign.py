"""Checkpoints of other code come to the same logits and projections here; what does not fit is refused by name."""

import argparse
import copy
import pickle
import sys
import types
import zipfile

import numpy as np
import pytest
import torch
import torchvision
from safetensors.numpy import load as loads
from safetensors.torch import save_file
from torch import nn

from bcl_core.data.dataset import prepare
from bcl_core.lab.evaluating import evaluate_run
from bcl_core.lab.export import export_runs
from bcl_core.lab.foreign import CheckpointError, load_checkpoint
from bcl_core.lab.history import history, whole
from bcl_core.lab.importing import import_model
from bcl_core.lab.recording import OpenRun
from bcl_core.models import build_model
from bcl_core.recipe import Execution, preset
from tests.conftest import small
from tests.lab.plain_networks import (
    CifarResNet,
    ContrastiveModel,
    CosineClassifier,
    SmallStemResNet18,
    torchvision_encoder,
    two_layers,
    with_lived_in_weights,
)

BASE = preset("cifar10-paper-bcl")


def saved(path, state, **options):
    torch.save(state, path, **options)
    return path


def load_it(file, **options):
    return load_checkpoint(file, **{"arch": None, "base": BASE, **options})


def model_of(imported):
    model = build_model(imported.recipe, imported.in_channels, imported.num_classes)
    model.take(imported.weights)
    return model.eval()


def images(size):
    return torch.randn(2, 3, size, size, generator=torch.Generator().manual_seed(1))


def assert_close(ours, theirs):
    assert ours.shape == theirs.shape
    assert theirs.std() > 1e-3, "constant outputs would agree whatever the weights"
    torch.testing.assert_close(ours, theirs, rtol=1e-5, atol=1e-5)


@torch.no_grad()
def assert_same_outputs(imported, plain, size=32):
    """`plain` returns logits, or (logits, projections, prototypes)."""
    model, x = model_of(imported), images(size)
    h = model(x)
    theirs = plain(x)
    logits, z, prototypes = theirs if isinstance(theirs, tuple) else (theirs, None, None)
    for ours, expected in ((model.logits(h), logits), (model.project(h), z), (model.prototypes(), prototypes)):
        if expected is not None:
            assert_close(ours, expected)


def bcl_model(encoder, features, classes=7, hidden=24, out=12, fc=None):
    heads = {name: two_layers(features, hidden, out, norm=True) for name in ("head", "head_fc")}
    return with_lived_in_weights(ContrastiveModel(encoder, fc=fc or CosineClassifier(features, classes), **heads))


def supcon_model(head, encoder=None):
    return with_lived_in_weights(ContrastiveModel(encoder or SmallStemResNet18(), head=head))


# The layouts


def test_the_published_bcl_codes_resnet50_comes_with_classifier_projections_and_prototypes(tmp_path):
    plain = bcl_model(torchvision_encoder("resnet50"), 2048)
    state = {f"module.{name}": tensor for name, tensor in plain.state_dict().items()}
    checkpoint = {
        "epoch": 90,
        "arch": "resnet50",
        "state_dict": state,
        "best_acc1": torch.tensor(56.0),
        "optimizer": {},
    }
    imported = load_it(saved(tmp_path / "bcl_best.pth.tar", checkpoint))
    assert imported.layout == "BCL reference code"
    assert imported.recipe.model.model_dump() == {
        "backbone": "resnet50",
        "hidden_dim": 24,
        "projection_dim": 12,
        "head_norm": True,
        "classifier": "cosine",
        "scale": 30.0,
        "start": "random",
    }
    assert (imported.num_classes, imported.in_channels, imported.drawn_anew) == (7, 3, ())
    assert imported.ignored == ("epoch", "arch", "best_acc1", "optimizer")
    assert_same_outputs(imported, plain, size=64)


def test_a_bcl_model_around_a_cifar_resnet32_keeps_its_cosine_classifier(tmp_path):
    plain = bcl_model(CifarResNet(5), 64, classes=10)
    imported = load_it(saved(tmp_path / "c10.pth.tar", {"state_dict": plain.state_dict()}))
    assert imported.recipe.model.backbone == "resnet32"
    assert_same_outputs(imported, plain)


def test_a_classifier_inside_the_encoder_is_used_only_where_the_model_has_no_other(tmp_path):
    plain = bcl_model(CifarResNet(1), 64)
    state = plain.state_dict() | {"encoder.linear.weight": torch.zeros(100, 64), "encoder.linear.bias": torch.ones(100)}
    imported = load_it(saved(tmp_path / "both.pth", state))
    assert imported.ignored == ("encoder.linear.weight", "encoder.linear.bias")
    assert_same_outputs(imported, plain)
    inner = with_lived_in_weights(CifarResNet(1, classes=9))
    state = {f"encoder.{name}": tensor for name, tensor in inner.state_dict().items()}
    assert_same_outputs(load_it(saved(tmp_path / "inner.pth", state)), inner)


def test_procos_file_is_read_though_it_carries_a_pickled_loss_and_numpy_numbers(tmp_path, monkeypatch):
    """As its CIFAR code saves it: a linear classifier, no prototype MLP, the loss object and numpy's means beside."""

    class EstimatorCV:
        def __init__(self):
            self.Ave = torch.zeros(10, 12)

    class ProCoLoss(nn.Module):
        def __init__(self):
            super().__init__()
            self.estimator = EstimatorCV()

    module = types.ModuleType("loss.proco")
    for cls in (EstimatorCV, ProCoLoss):
        cls.__module__, cls.__qualname__ = "loss.proco", cls.__name__
        setattr(module, cls.__name__, cls)
    parts = {"fc": nn.Linear(64, 10), "head": two_layers(64, 512, 12, norm=True)}
    plain = with_lived_in_weights(ContrastiveModel(CifarResNet(5), **parts))
    with monkeypatch.context() as patched:
        patched.setitem(sys.modules, "loss", types.ModuleType("loss"))
        patched.setitem(sys.modules, "loss.proco", module)
        state = {f"module.{name}": tensor for name, tensor in plain.state_dict().items()}
        beside = {"best_many": np.mean([70.0, 80.0]), "criterion_scl": ProCoLoss()}
        file = saved(tmp_path / "ckpt.best.pth.tar", {"state_dict": state, **beside})
    imported = load_it(file)
    assert imported.layout == "ProCo or BCCL"
    assert imported.drawn_anew == ("prototype MLP",)
    assert imported.ignored == ("best_many", "criterion_scl")
    assert (imported.recipe.model.classifier, imported.recipe.model.hidden_dim) == ("linear", 512)
    assert_same_outputs(imported, plain)


def supcon_checkpoint(state):
    options = argparse.Namespace(batch_size=1024, lr_decay_epochs=[700, 800], model="resnet18", cosine=True)
    return {"opt": options, "model": state, "optimizer": {"state": {}}, "epoch": 1000}


def test_supcontrasts_file_has_its_projection_and_gets_a_new_classifier(tmp_path):
    plain = supcon_model(two_layers(512, 512, 128, norm=False))
    # DataParallel goes around the encoder alone there.
    state = {name.replace("encoder.", "encoder.module."): tensor for name, tensor in plain.state_dict().items()}
    file = saved(tmp_path / "last.pth", supcon_checkpoint(state))
    imported = load_it(file, num_classes=10)
    assert imported.layout == "SupContrast or SimCLR"
    assert imported.recipe.model.backbone == "resnet18-cifar"
    assert imported.drawn_anew == ("classifier", "prototype MLP")
    assert imported.ignored == ("opt", "optimizer", "epoch")
    assert_same_outputs(imported, plain)
    with pytest.raises(CheckpointError, match="no classifier: say how many classes"):
        load_it(file)


def test_a_supcontrast_model_around_torchvisions_resnet18_is_told_from_one_with_a_small_stem(tmp_path):
    plain = supcon_model(two_layers(512, 64, 16, norm=False), torchvision_encoder("resnet18"))
    imported = load_it(saved(tmp_path / "last.pth", supcon_checkpoint(plain.state_dict())), num_classes=3)
    assert imported.recipe.model.backbone == "resnet18"
    assert_same_outputs(imported, plain, size=64)


def test_a_linear_projection_head_becomes_two_layers_that_are_the_same_function(tmp_path):
    plain = supcon_model(nn.Linear(64, 16), CifarResNet(1))
    imported = load_it(saved(tmp_path / "linear.pth", supcon_checkpoint(plain.state_dict())), num_classes=10)
    assert imported.recipe.model.hidden_dim == 128
    assert_same_outputs(imported, plain)
    h = torch.randn(5, 64)  # also where h is negative, as no ResNet's is
    with torch.no_grad():
        assert_close(model_of(imported).projection(h), plain.head(h))


@pytest.mark.parametrize("name", ["resnet18", "resnext50_32x4d"])
def test_torchvisions_state_dict_becomes_a_cross_entropy_model(tmp_path, name):
    plain = with_lived_in_weights(getattr(torchvision.models, name)(num_classes=6))
    imported = load_it(saved(tmp_path / "plain.pth", plain.state_dict()))
    assert imported.layout == "torchvision, timm or CIFAR ResNet"
    assert imported.recipe.loss == BASE.loss.model_copy(update={"name": "ce"})
    assert imported.recipe.model.classifier == "linear"
    assert imported.drawn_anew == imported.ignored == ()
    assert imported.assumed == ("images normalised as cifar10 in published code",)
    assert_same_outputs(imported, plain, size=64)


def test_a_plain_backbone_for_other_classes_gets_a_new_classifier_and_says_so(tmp_path):
    plain = with_lived_in_weights(torchvision.models.resnet18(num_classes=6))
    file = saved(tmp_path / "plain.pth", {"state_dict": plain.state_dict(), "epoch": 3})
    imported = load_it(file, num_classes=10)
    assert imported.num_classes == 10
    assert imported.drawn_anew == ("classifier",)
    assert imported.ignored == ("epoch", "fc.weight, of 6 classes", "fc.bias, of 6 classes")
    plain.fc = nn.Identity()
    with torch.no_grad():
        assert_close(model_of(imported)(images(64)), plain(images(64)))


@pytest.mark.parametrize("container", ["state_dict", "net", None])
def test_the_usual_cifar_resnet32_is_found_without_being_named(tmp_path, container):
    plain = with_lived_in_weights(CifarResNet(5, classes=10))
    state = plain.state_dict()
    imported = load_it(saved(tmp_path / "r32.th", {container: state, "best_prec1": 92.6} if container else state))
    assert imported.recipe.model.backbone == "resnet32"
    assert_same_outputs(imported, plain)


def test_this_apps_own_checkpoint_keeps_the_bases_scale(tmp_path):
    recipe = preset("digits-bcl")
    recipe = recipe.model_copy(update={"model": recipe.model.model_copy(update={"scale": 12.0})})
    own = with_lived_in_weights(build_model(recipe, 1, 10))
    state = {"epoch": 4, "model": own.state_dict(), "optimiser": {"state": {}, "param_groups": []}}
    imported = load_it(saved(tmp_path / "0004.pt", state), base=recipe)
    assert imported.layout == "BCL Lab checkpoint"
    assert imported.recipe == recipe
    assert imported.drawn_anew == ()
    for name, tensor in own.state_dict().items():
        assert torch.equal(imported.weights[name], tensor)


def test_an_imported_model_is_a_run_that_is_measured_evaluated_and_continued(lab, tmp_path):
    plain = bcl_model(CifarResNet(1, in_channels=1), 64, classes=10)
    file = saved(tmp_path / "digits.pth.tar", {"state_dict": plain.state_dict()})
    execution = Execution(device="cpu", threads=1)
    run_id, imported = import_model(lab, file, arch=None, base=small(epochs=1), execution=execution, name="theirs")
    assert lab.run(run_id).execution.precision == "fp32", "bf16 would measure a network that its own code does not have"
    opened = OpenRun(lab, run_id, lab.lock(run_id))
    assert opened.advance(lambda: True).epoch == 0
    test = prepare(imported.recipe).test
    with torch.no_grad():
        logits, _, _ = plain(torch.from_numpy(test.images).float() / 16)
    correct = logits.argmax(dim=1).numpy() == test.labels
    assert lab.metrics(run_id)[0]["accuracy"] == pytest.approx(correct.mean())
    evaluation = evaluate_run(lab, run_id)
    assert (evaluation.epoch, evaluation.same_data) == (0, True)
    assert max(evaluation.accuracy_difference, evaluation.angle_difference) < 1e-6
    lab.resume(run_id)  # an imported model waits after it has been measured
    assert opened.advance(lambda: True).epoch == 1
    opened.close()


def opened_digits(lab, tmp_path, plain, **settings):
    """Import a plain model of ten digits, and measure it as it is."""
    torch.save({"state_dict": plain.state_dict()}, tmp_path / "digits.pth.tar")
    run_id, imported = import_model(
        lab,
        tmp_path / "digits.pth.tar",
        arch=None,
        base=small(epochs=1, **settings),
        execution=Execution(device="cpu", threads=1),
        name="theirs",
    )
    opened = OpenRun(lab, run_id, lab.lock(run_id))
    assert opened.advance(lambda: True).epoch == 0
    return opened, imported


CLASSIFIER_S = {"accuracy", "accuracy_per_class", "accuracy_many", "accuracy_medium", "accuracy_few", "nc3", "nc4"} | {
    *("classifier_angle", "minority_collapse", "loss", "loss_classifier")
}
PROTOTYPES = {"prototype_angle", "prototype_angle_tail_tail", "loss", "loss_contrastive", "tail_push_share"}


def test_without_a_classifier_nothing_is_measured_of_one_and_the_nearest_class_mean_predicts(lab, tmp_path):
    """A SupContrast encoder: the classifier and the prototypes that training needs are random until it trains them."""
    heads = {"head": two_layers(64, 24, 12, norm=False)}
    plain = with_lived_in_weights(ContrastiveModel(CifarResNet(1, in_channels=1), **heads))
    opened, imported = opened_digits(lab, tmp_path, plain)
    [row], folder = lab.metrics(opened.id), lab.folder(opened.id)
    assert {name: row[name] for name in CLASSIFIER_S | PROTOTYPES} == dict.fromkeys(CLASSIFIER_S | PROTOTYPES)
    view = folder.arrays(folder.view(0))
    assert not {"prototypes", "classifier", "predictions", "confidences", "pair_push", "batch_features"} & view.keys()
    assert row["angle_mean"] is not None and row["nc1"] is not None
    data = prepare(imported.recipe)
    with torch.no_grad():
        train, test = (plain.encoder(torch.from_numpy(side.images).float() / 16) for side in (data.train, data.test))
    labels = torch.from_numpy(data.train.labels)
    means = torch.stack([train[labels == k].mean(dim=0) for k in range(10)])
    right = torch.cdist(test, means).argmin(dim=1).numpy() == data.test.labels
    assert row["accuracy_nearest_mean"] == pytest.approx(right.mean())
    evaluation = evaluate_run(lab, opened.id)
    assert evaluation.accuracy_difference < 1e-6 and evaluation.fresh["accuracy"] is None
    export_runs(lab, [opened.id], tmp_path / "theirs.zip")
    exported = load_it(tmp_path / "theirs.zip", base=imported.recipe, num_classes=10)
    assert exported.drawn_anew == ("classifier", "prototype MLP")
    lab.resume(opened.id)
    assert opened.advance(lambda: True).epoch == 1
    opened.close()
    trained = lab.metrics(opened.id)[1]
    assert all(trained[name] is not None for name in CLASSIFIER_S | PROTOTYPES)
    means = history(lab, opened.id, whole([0, 1]))
    assert {"class_means", "prototypes"} <= set(loads(means.content))
    assert lab.run(opened.id).provenance["drawn anew"] == "classifier, prototype MLP"


def test_prototypes_that_cannot_be_rebuilt_are_not_measured(lab, tmp_path):
    """ProCo and BCCL have a classifier and no prototype MLP."""
    parts = {"fc": nn.Linear(64, 10), "head": two_layers(64, 24, 12, norm=True)}
    plain = with_lived_in_weights(ContrastiveModel(CifarResNet(1, in_channels=1), **parts))
    opened, _ = opened_digits(lab, tmp_path, plain)
    opened.close()
    [row] = lab.metrics(opened.id)
    assert {name: row[name] for name in PROTOTYPES} == dict.fromkeys(PROTOTYPES)
    known = (CLASSIFIER_S | {"angle_mean"}) - PROTOTYPES
    assert all(row[name] is not None for name in known) and "accuracy_nearest_mean" not in row


# The containers


def test_safetensors_and_files_from_before_zip_read_as_the_same_weights(tmp_path):
    plain = bcl_model(CifarResNet(1), 64)
    state = {f"module.{name}": tensor for name, tensor in plain.state_dict().items()}
    save_file({name: tensor.contiguous() for name, tensor in state.items()}, tmp_path / "model.safetensors")
    files = [
        saved(tmp_path / "zip.pth", {"state_dict": state}),
        saved(tmp_path / "old.pth", {"state_dict": state}, _use_new_zipfile_serialization=False),
        tmp_path / "model.safetensors",
    ]
    first, *others = (load_it(file) for file in files)
    assert_same_outputs(first, plain)
    for other in others:
        assert other.recipe == first.recipe
        assert all(torch.equal(other.weights[name], tensor) for name, tensor in first.weights.items())


def test_weights_do_not_lean_on_the_file_once_they_are_read(tmp_path):
    plain = with_lived_in_weights(CifarResNet(1, classes=5))
    file = saved(tmp_path / "mapped.pth", plain.state_dict())
    imported = load_it(file)
    file.write_bytes(b"\0" * file.stat().st_size)
    assert_same_outputs(imported, plain)


def test_half_precision_weights_become_single_precision(tmp_path):
    plain = with_lived_in_weights(CifarResNet(1, classes=5)).half()
    imported = load_it(saved(tmp_path / "half.pth", plain.state_dict()))
    assert_same_outputs(imported, plain.float())


def test_files_without_counts_of_batches_read_as_well(tmp_path):
    plain = with_lived_in_weights(CifarResNet(1, classes=5))
    state = {name: t for name, t in plain.state_dict().items() if not name.endswith("num_batches_tracked")}
    assert_same_outputs(load_it(saved(tmp_path / "counts.pth", state)), plain)


# What does not fit


def refusal(file, **options):
    with pytest.raises(CheckpointError) as caught:
        load_it(file, **options)
    return str(caught.value)


def test_the_wrong_backbone_is_refused_with_the_one_it_looks_like(tmp_path):
    file = saved(tmp_path / "r50.pth", torchvision.models.resnet50(num_classes=3).state_dict())
    message = refusal(file, arch="resnext50")
    assert "not those of resnext50, they look like resnet50" in message
    assert "layer1.0.conv1.weight is (64, 64, 1, 1), not (128, 64, 1, 1)" in message
    assert message.endswith("and 173 more")


def test_an_unknown_backbone_is_refused_with_those_there_are(tmp_path):
    file = saved(tmp_path / "r.pth", CifarResNet(1).state_dict())
    message = refusal(file, arch="resnet9")
    assert "resnet9" in message and "resnet32" in message


def test_shortcuts_with_weights_are_refused_by_name(tmp_path):
    file = saved(tmp_path / "b.pth", CifarResNet(5, classes=10, option="B").state_dict())
    message = refusal(file)
    assert "layer2.0.shortcut.0.weight is not part of it" in message
    assert "option A" in message and "nearest is resnet32" in message


def test_of_another_kind_of_network_it_is_said_what_its_keys_begin_with(tmp_path):
    """Not which of 314 keys do not fit."""
    file = saved(tmp_path / "mobile.pth", torchvision.models.mobilenet_v2(num_classes=2).state_dict())
    message = refusal(file)
    assert "; the backbone's keys begin with features. (of any other network the embeddings can be opened:" in message
    assert "is not part of it" not in message


def test_a_missing_layer_is_named(tmp_path):
    state = CifarResNet(1, classes=5).state_dict()
    del state["layer3.0.bn2.running_mean"]
    assert "layer3.0.bn2.running_mean is missing" in refusal(saved(tmp_path / "x.pth", state), arch="resnet8")


def test_a_contrastive_model_on_data_of_other_classes_is_refused(tmp_path):
    file = saved(tmp_path / "x.pth", bcl_model(CifarResNet(1), 64, classes=100).state_dict())
    assert "has 100 classes and the data 10" in refusal(file, num_classes=10)


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({"fc": nn.Linear(32, 5)}, "fc.weight is (5, 32)"),
        ({"fc": nn.Sequential(nn.Linear(64, 8), nn.ReLU(), nn.Linear(8, 5))}, "fc.0.weight"),
        ({"head": nn.Sequential(nn.Linear(64, 8), nn.ReLU(), nn.Dropout(), nn.Linear(8, 5))}, "head.3.weight"),
        ({"head_fc": two_layers(64, 24, 12, norm=False)}, "projection head and prototype MLP differ"),
        ({"head": two_layers(32, 24, 12, norm=True)}, "head.0.weight"),
        (
            {"head": two_layers(64, 24, 1, norm=True), "head_fc": two_layers(64, 24, 1, norm=True)},
            "projection_dim is 1",
        ),
        ({"queue": nn.Linear(64, 12)}, "queue.weight is not part of it"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_heads_of_another_make_are_refused_by_name(tmp_path, change, expected):
    plain = bcl_model(CifarResNet(1), 64)
    for name, module in change.items():
        setattr(plain, name, module)
    assert expected in refusal(saved(tmp_path / "x.pth", plain.state_dict()))


def test_two_keys_for_one_tensor_are_refused(tmp_path):
    state = CifarResNet(1, classes=5).state_dict()
    state["module.linear.bias"] = state["linear.bias"]
    message = refusal(saved(tmp_path / "x.pth", state))
    assert "linear.bias, module.linear.bias mean the same tensor" in message


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_weights_that_are_not_finite_are_refused_by_name(tmp_path, value):
    state = CifarResNet(1, classes=5).state_dict()
    state["layer2.0.bn1.bias"][3] = value
    assert "layer2.0.bn1.bias" in refusal(saved(tmp_path / "nan.pth", state))


def test_whole_numbers_for_weights_are_refused(tmp_path):
    state = CifarResNet(1, classes=5).state_dict()
    state["conv1.weight"] = state["conv1.weight"].to(torch.int8)
    assert "conv1.weight is torch.int8" in refusal(saved(tmp_path / "int8.pth", state))


# Bad files


class Payload:
    def __reduce__(self):
        import os

        return os.system, (f"touch {self.trace}",)

    def __init__(self, trace):
        self.trace = trace


@pytest.mark.parametrize("zipped", [True, False])
def test_a_pickle_payload_of_the_system_is_refused_by_name_and_never_runs(tmp_path, zipped):
    trace = tmp_path / "trace"
    checkpoint = {"state_dict": CifarResNet(1).state_dict(), "epoch": Payload(trace)}
    file = saved(tmp_path / "evil.pth", checkpoint, _use_new_zipfile_serialization=zipped)
    message = refusal(file)
    assert "holds the Python object" in message and "system" in message
    assert not trace.exists()


def test_a_whole_pickled_model_is_refused_with_what_to_save_instead(tmp_path):
    for payload in (nn.Linear(2, 2), {"model": nn.Linear(2, 2), "optimizer": {"state": {}}}):
        message = refusal(saved(tmp_path / "model.pth", payload))
        assert "torch.nn.modules.linear.Linear" in message and "state_dict()" in message


@pytest.mark.parametrize("content", [b"", b"<html>404</html>", pickle.dumps({"a": 1}), b"cos\nsystem\n(S'id'\ntR."])
def test_files_that_are_no_checkpoints_are_refused(tmp_path, content):
    file = tmp_path / "file.pth"
    file.write_bytes(content)
    message = refusal(file)
    assert "no checkpoint" in message
    assert "weights_only" not in message, "torch's advice to switch its safety off is not passed on"


@pytest.mark.parametrize("kind", ["zip", "legacy", "safetensors"])
@pytest.mark.parametrize("kept", [0.1, 0.5, 0.99])
def test_a_truncated_file_is_refused(tmp_path, kind, kept):
    state = CifarResNet(1, classes=5).state_dict()
    file = tmp_path / "cut"
    if kind == "safetensors":
        save_file(state, file)
    else:
        saved(file, state, _use_new_zipfile_serialization=kind == "zip")
    content = file.read_bytes()
    file.write_bytes(content[: int(len(content) * kept)])
    assert "truncated" in refusal(file)


@pytest.mark.parametrize("content", [b"no zip", b"PK\x03\x04 and no more"])
def test_what_is_called_a_zip_and_is_not_a_whole_one_is_to_be_exported_anew(tmp_path, content):
    file = tmp_path / "bad.zip"
    file.write_bytes(content)
    assert refusal(file) == "bad.zip is not a whole zip file: damaged, truncated or none; export it anew"


def test_a_checkpoint_above_two_gibibytes_is_refused_before_it_is_read(tmp_path):
    file = tmp_path / "big.pth"
    with file.open("wb") as opened:
        opened.truncate(2 * 1024**3 + 1)  # sparse: takes no space
    assert "at most 2 GiB" in refusal(file)


def test_missing_files_and_folders_are_refused(tmp_path):
    assert "is not a file" in refusal(tmp_path)
    assert "is not a file" in refusal(tmp_path / "nowhere.pth")


def test_a_zip_that_swells_when_it_is_read_is_refused(tmp_path):
    file = tmp_path / "bomb.pth"
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("archive/data.pkl", b"\0" * 10_000_000)
    assert "compressed" in refusal(file)


def test_a_zip_whose_entries_overlap_is_refused(tmp_path):
    """Each entry is stored as it is, yet all of them are the same bytes."""
    file = tmp_path / "overlap.pth"
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("archive/data.pkl", b"\0" * 1000)
        for number in range(50):
            again = copy.copy(archive.filelist[0])
            again.filename = f"archive/data/{number}"
            archive.filelist.append(again)
    assert "unpack to more" in refusal(file)


def test_a_zip_of_something_else_is_refused_with_what_it_holds(tmp_path):
    file = tmp_path / "photos.zip"
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("../../holiday.jpg", b"")
    assert "../../holiday.jpg" in refusal(file)


def test_a_tensor_that_claims_more_than_the_file_holds_is_refused(tmp_path):
    """A few bytes on disk that would be terabytes in memory."""
    state = CifarResNet(1, classes=5).state_dict()
    state["linear.weight"] = torch.zeros(1).expand(64, 10**10)
    del state["linear.bias"]
    assert "more than the file holds" in refusal(saved(tmp_path / "swells.pth", state))


def test_a_sparse_tensor_is_refused(tmp_path):
    state = CifarResNet(1, classes=5).state_dict()
    state["linear.weight"] = state["linear.weight"].to_sparse()
    assert "linear.weight is not a plain tensor" in refusal(saved(tmp_path / "sparse.pth", state))


@pytest.mark.parametrize("payload", [{"epoch": 3}, {"model": {}}, [1, 2], torch.ones(3)])
def test_files_without_weights_are_refused(tmp_path, payload):
    message = refusal(saved(tmp_path / "x.pth", payload))
    assert "holds" in message


def test_an_import_leaves_torchs_list_of_safe_objects_as_it_was(tmp_path):
    before = set(torch.serialization.get_safe_globals())
    load_it(saved(tmp_path / "x.pth", CifarResNet(1, classes=5).state_dict()))
    assert set(torch.serialization.get_safe_globals()) == before
