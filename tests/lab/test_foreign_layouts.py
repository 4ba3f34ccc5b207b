"""A plain network in each layout that other code saves comes to the same logits and projections here."""

from pathlib import Path

import pytest
import torch
import torch.nn.functional as F
import torchvision
from safetensors.torch import save_file
from torch import nn
from torch.optim.swa_utils import AveragedModel

from bcl_core.lab.foreign import CheckpointError, load_checkpoint
from bcl_core.recipe import Execution, apply_settings, preset
from tests.lab.plain_networks import (
    CifarResNet,
    CosineClassifier,
    torchvision_encoder,
    two_layers,
    with_lived_in_weights,
)
from tests.lab.test_foreign import assert_same_outputs

CLASSES = 10


def state(**modules):
    """Return one state dict of modules, under their names; the one that is called "here" has no name in it."""
    return {
        name if module == "here" else f"{module}.{name}": tensor
        for module, network in modules.items()
        for name, tensor in network.state_dict().items()
    }


class Plain:
    """An encoder and what lies on its features; called as other code predicts."""

    def __init__(self, encoder, classifier=None, head=None, prototypes=None, to_prototypes=None):
        lived = [module and with_lived_in_weights(module) for module in (encoder, classifier, head, prototypes)]
        self.encoder, self.classifier, self.head, self.prototypes = lived

    def __call__(self, x):
        h = self.encoder(x)
        return (
            self.classifier and self.classifier(h),
            self.head and F.normalize(self.head(h), dim=1),
            self.prototypes and F.normalize(self.prototypes(self.classifier.weight.T), dim=1),
        )


def small(**on_top):
    return Plain(CifarResNet(1), **on_top)


def heads(norm, **more):
    return {"head": two_layers(64, 24, 12, norm=norm), **more}


def linear():
    return nn.Linear(64, CLASSES)


def bcl():
    plain = small(classifier=CosineClassifier(64, CLASSES), prototypes=two_layers(64, 24, 12, norm=True), **heads(True))
    parts = {"encoder": plain.encoder, "fc": plain.classifier, "head": plain.head, "head_fc": plain.prototypes}
    return plain, {"state_dict": {f"module.{name}": tensor for name, tensor in state(**parts).items()}}


def encoder_fc_head(classifier):
    plain = small(classifier=classifier, **heads(True))
    return plain, {"state_dict": state(encoder=plain.encoder, fc=plain.classifier, head=plain.head)}


def supcontrast():
    plain = small(**heads(False))
    return plain, {"opt": None, "model": state(**{"encoder.module": plain.encoder, "head": plain.head}), "epoch": 9}


def ldam(classifier):
    plain = small(classifier=classifier)
    return plain, {"arch": "resnet32", "state_dict": state(**{"module": plain.encoder, "module.linear": classifier})}


def paco():
    """A slower copy and a queue beside the encoder, whose `fc` is the projection head."""
    plain = small(classifier=linear(), **heads(True))
    parts = {"encoder_q": plain.encoder, "encoder_q.fc": plain.head, "encoder_k": plain.encoder, "linear_k": linear()}
    queue = {"queue": torch.zeros(8, 12), "queue_l": torch.zeros(8).long(), "queue_ptr": torch.zeros(1).long()}
    found = state(**parts, **{"encoder_k.fc": plain.head, "linear": plain.classifier}) | queue
    return plain, {"state_dict": {f"module.{name}": tensor for name, tensor in found.items()}}


def simclr():
    plain = small(**heads(False))
    return plain, {"arch": "resnet18", "state_dict": state(**{"backbone": plain.encoder, "backbone.fc": plain.head})}


def glmc():
    """Four times as wide; it predicts with the classifier that is trained on balanced batches."""
    plain = Plain(CifarResNet(5, narrowest=64), nn.Linear(256, CLASSES), nn.Sequential(nn.Linear(256, 128)))
    parts = {"here": plain.encoder, "fc_cb": plain.classifier, "projection_head": plain.head}
    found = state(**parts, fc=nn.Linear(256, CLASSES), contrast_head=nn.Sequential(nn.Linear(128, 128)))
    return plain, {"state_dict": found}


def large(**names):
    plain = Plain(torchvision_encoder("resnet34"), nn.Linear(512, CLASSES))
    return plain, {"state_dict": state(**{names["encoder"]: plain.encoder, names["classifier"]: plain.classifier})}


LAYOUTS = {
    "BCL": (bcl, "BCL reference code", {}),
    "ProCo": (lambda: encoder_fc_head(linear()), "ProCo or BCCL", {}),
    "BCCL": (
        lambda: encoder_fc_head(CosineClassifier(64, CLASSES, 1 / 0.03)),
        "ProCo or BCCL",
        {"model.scale": "33.33333"},
    ),
    "SupContrast": (supcontrast, "SupContrast or SimCLR", {}),
    "SimCLR": (simclr, "SupContrast or SimCLR", {}),
    "LDAM-DRW": (lambda: ldam(CosineClassifier(64, CLASSES)), "torchvision, timm or CIFAR ResNet", {}),
    "CMO": (lambda: ldam(linear()), "torchvision, timm or CIFAR ResNet", {}),
    "PaCo": (paco, "PaCo", {}),
    "GLMC": (glmc, "GLMC", {}),
    "torchvision": (lambda: large(encoder="here", classifier="fc"), "torchvision, timm or CIFAR ResNet", {}),
    "MMPretrain": (lambda: large(encoder="backbone", classifier="head.fc"), "MMPretrain", {}),
}


def imported(file, num_classes=CLASSES, settings=None):
    base, _ = apply_settings(preset("cifar10-paper-bcl"), Execution(), settings or {})
    return load_checkpoint(file, arch=None, base=base, num_classes=num_classes, given=settings or {})


@pytest.mark.parametrize("name", LAYOUTS)
def test_each_layout_comes_to_the_logits_and_projections_of_its_plain_network(tmp_path, name):
    make, layout, settings = LAYOUTS[name]
    plain, checkpoint = make()
    torch.save(checkpoint, tmp_path / "model.pth")
    found = imported(tmp_path / "model.pth", settings=settings)
    assert found.layout == layout
    assert_same_outputs(found, plain)


WAYS = {
    "Lightning": lambda plain: {"state_dict": state(model=plain), "hyper_parameters": {"lr": 0.1}, "loops": {}},
    "Lightning's around an encoder": lambda plain: {"state_dict": state(**{"model.encoder": plain})},
    "AveragedModel": lambda plain: AveragedModel(plain).state_dict(),
    "torch.compile": lambda plain: state(_orig_mod=plain),
    "model_state_dict": lambda plain: {"model_state_dict": plain.state_dict(), "optimizer_state_dict": {"state": {}}},
    "ema_state_dict": lambda plain: {"ema_state_dict": plain.state_dict(), "epoch": 3},
    "containers in containers": lambda plain: {"model": {"state_dict": plain.state_dict()}, "epoch": 3},
}
WAYS["a container of another name"] = lambda plain: {
    "student": plain.state_dict(),
    "optimizer": {"state": {0: {"momentum": torch.zeros(3)}}},
}


@pytest.mark.parametrize("way", WAYS)
def test_however_it_is_wrapped_a_network_is_found(tmp_path, way):
    plain = with_lived_in_weights(CifarResNet(1, classes=CLASSES))
    torch.save(WAYS[way](plain), tmp_path / "model.pth")
    assert_same_outputs(imported(tmp_path / "model.pth"), plain)


def test_timms_safetensors_are_torchvisions_names(tmp_path):
    plain = with_lived_in_weights(torchvision.models.resnet18(num_classes=6))
    save_file(plain.state_dict(), tmp_path / "model.safetensors")
    assert_same_outputs(imported(tmp_path / "model.safetensors", num_classes=6), plain, size=64)


def test_several_experts_are_refused_with_what_to_do(tmp_path):
    """RIDE's: layers and classifiers of each expert."""
    layers, linears = (nn.ModuleList([module, module]) for module in (CifarResNet(1).layer3, linear()))
    torch.save({"state_dict": state(layer3s=layers, linears=linears)}, tmp_path / "ride.pth")
    with pytest.raises(
        CheckpointError, match=r"several experts, as RIDE's: its keys begin with layer3s\., linears\."
    ) as e:
        imported(tmp_path / "ride.pth")
    assert "import a network with one branch" in str(e.value)


def test_a_head_that_cannot_be_rebuilt_is_left_out_where_the_loss_is_cross_entropy(tmp_path):
    """GPaCo's has three layers."""
    plain = small(classifier=linear())
    deep = nn.Sequential(nn.Linear(64, 8), nn.ReLU(), nn.Linear(8, 8), nn.ReLU(), nn.Linear(8, 4))
    torch.save(state(encoder_q=plain.encoder, linear=plain.classifier, **{"encoder_q.fc": deep}), tmp_path / "x.pth")
    with pytest.raises(CheckpointError, match=r"encoder_q\.fc\.4\.weight.*--set loss\.name=ce"):
        imported(tmp_path / "x.pth")
    found = imported(tmp_path / "x.pth", settings={"loss.name": "ce"})
    assert "encoder_q.fc.4.weight" in found.ignored
    assert_same_outputs(found, plain)


def test_moco_v3s_encoder_is_read_without_its_head_whose_layers_have_no_biases(tmp_path):
    """Beside a slower copy and a predictor, all in DataParallel."""
    plain = small(classifier=linear())
    norm = nn.BatchNorm1d(8, affine=False)
    head = nn.Sequential(nn.Linear(64, 8, bias=False), nn.BatchNorm1d(8), nn.ReLU(), nn.Linear(8, 8, bias=False), norm)
    parts = {"base_encoder": plain.encoder, "base_encoder.fc": head, "momentum_encoder": plain.encoder}
    found = state(**parts, predictor=head, classifier=plain.classifier)
    torch.save({"state_dict": {f"module.{name}": tensor for name, tensor in found.items()}}, tmp_path / "x.pth")
    with pytest.raises(CheckpointError, match=r"base_encoder\.fc\.4\.running_mean.*--set loss\.name=ce"):
        imported(tmp_path / "x.pth")
    assert_same_outputs(imported(tmp_path / "x.pth", settings={"loss.name": "ce"}), plain)


@pytest.mark.parametrize("kind", [torch.bool, torch.uint16, torch.float8_e4m3fn])
def test_a_head_of_one_layer_is_read_in_whatever_type_its_numbers_are_and_refused_where_they_are_none(tmp_path, kind):
    plain, head = small(classifier=linear()), nn.Linear(64, 8)
    checkpoint = state(encoder=plain.encoder, fc=plain.classifier, head=head)
    checkpoint["head.weight"] = checkpoint["head.weight"].to(kind)
    torch.save(checkpoint, tmp_path / "x.pth")
    if kind.is_floating_point:
        assert (
            imported(tmp_path / "x.pth").weights["projection.2.weight"][:, :64] == checkpoint["head.weight"].float()
        ).all()
    else:
        with pytest.raises(CheckpointError, match=r"head\.weight is torch\.\w+; weights should be floating-point"):
            imported(tmp_path / "x.pth")


def test_a_convolution_that_claims_more_channels_than_memory_has_is_refused_in_words(tmp_path):
    checkpoint = CifarResNet(1, classes=CLASSES).state_dict() | {"conv1.weight": torch.zeros(0, 10**17, 3, 3)}
    torch.save(checkpoint, tmp_path / "x.pth")
    with pytest.raises(CheckpointError, match=r"conv1\.weight is \(0, 100000000000000000, 3, 3\), not"):
        imported(tmp_path / "x.pth")


# What is set, and what is assumed


def test_what_is_assumed_is_said(tmp_path):
    _, checkpoint = encoder_fc_head(CosineClassifier(64, CLASSES))
    torch.save(checkpoint, tmp_path / "x.pth")
    assert imported(tmp_path / "x.pth").assumed == (
        "cosine classifier, scale 30 (BCCL's has 33.333)",
        "images normalised as cifar10 in published code",
    )
    everything = {"model.scale": "20", "model.classifier": "cosine", "data.normalisation": "drawn"}
    found = imported(tmp_path / "x.pth", settings=everything)
    assert found.assumed == ()
    assert (found.recipe.model.scale, found.recipe.data.normalisation) == (20, "drawn")


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"model.classifier": "cosine"}, "model.classifier is set to cosine, and by what the file holds it is linear"),
        ({"model.head_norm": "false"}, "model.head_norm is set to false, and by what the file holds it is true"),
        ({"model.projection_dim": "99"}, "model.projection_dim is set to 99, and by what the file holds it is 12"),
        ({"model.backbone": "resnet32"}, "not those of resnet32, they look like resnet8"),
    ],
)
def test_a_setting_that_the_file_contradicts_is_refused(tmp_path, settings, words):
    _, checkpoint = encoder_fc_head(linear())
    torch.save(checkpoint, tmp_path / "x.pth")
    with pytest.raises(CheckpointError, match=words):
        imported(tmp_path / "x.pth", settings=settings)


def test_without_a_head_a_contrastive_loss_that_is_set_is_refused(tmp_path):
    torch.save(CifarResNet(1, classes=CLASSES).state_dict(), tmp_path / "x.pth")
    with pytest.raises(CheckpointError, match=r"loss\.name is set to bcl, and by what the file holds it is ce"):
        imported(tmp_path / "x.pth", settings={"loss.name": "bcl"})


@pytest.mark.parametrize("kind", ["cosine", "linear"])
def test_as_many_classes_as_features_ask_which_kind_it_is(tmp_path, kind):
    """(64, 64) may be a cosine classifier, (d, K), or a linear one, (K, d)."""
    classifier = CosineClassifier(64, 64) if kind == "cosine" else nn.Linear(64, 64, bias=False)
    plain = small(classifier=classifier)
    torch.save(state(encoder=plain.encoder, fc=plain.classifier), tmp_path / "square.pth")
    with pytest.raises(CheckpointError, match=r"fc\.weight is \(64, 64\).*--set model\.classifier=cosine, or linear"):
        imported(tmp_path / "square.pth", num_classes=64)
    assert_same_outputs(imported(tmp_path / "square.pth", 64, {"model.classifier": kind}), plain)


def test_a_cosine_classifier_with_a_row_a_class_is_cosine_where_that_is_set(tmp_path):
    plain = small(classifier=nn.Linear(64, CLASSES, bias=False))
    torch.save(state(encoder=plain.encoder, fc=plain.classifier), tmp_path / "rows.pth")
    assert imported(tmp_path / "rows.pth").assumed[0] == "linear classifier without biases"
    assert_same_outputs(imported(tmp_path / "rows.pth"), plain)
    weight = plain.classifier.weight
    plain.classifier = lambda h: 16 * F.normalize(h, dim=1) @ F.normalize(weight, dim=1).T
    assert_same_outputs(
        imported(tmp_path / "rows.pth", settings={"model.classifier": "cosine", "model.scale": "16"}), plain
    )


def test_the_guide_names_the_layouts_that_are_tested_here():
    guide = (Path(__file__).parents[2] / "docs/how-to/bring-in.md").read_text("utf-8")
    table = guide.partition("|---|---|---|---|\n")[2].partition("\n\n")[0]
    assert {row.split(" | ")[0].removeprefix("| ") for row in table.splitlines()} == LAYOUTS.keys()
