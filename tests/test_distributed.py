"""Several processes train as one: the same gradient, the same run, resumed by any number of them."""

from pathlib import Path

import pytest
import torch
import torch.distributed as dist
import torch.multiprocessing as mp
from torch import nn

from bcl_core.data.dataset import prepare
from bcl_core.distributed import ALONE, World
from bcl_core.losses import LogitAdjustedCrossEntropy
from bcl_core.losses.contract import build_loss
from bcl_core.models import Heads, TwoBranchModel
from bcl_core.models.prototypes import RunningMeans
from bcl_core.objective import branches, total_loss
from bcl_core.recipe import Execution, LossRecipe, RecipeError
from bcl_core.training import train
from tests.conftest import small

BATCH, CLASSES, PIXELS = 12, 4, 10
LABELS = torch.tensor([0, 0, 0, 1, 0, 2, 1, 0, 1, 0, 2, 3])  # another mix on each half; class 3 on one of them only
CASES = {
    "bcl": LossRecipe(name="bcl"),
    "bcl-class": LossRecipe(name="bcl", anchors="class"),
    "scl-class": LossRecipe(name="scl", anchors="class"),
    "bcl-means": LossRecipe(name="bcl", prototypes="means"),
    "proco": LossRecipe(name="proco"),
    "nonl-class": LossRecipe(name="nonl", anchors="class"),
    "ce": LossRecipe(name="ce"),
}


class Doubles(nn.Module):
    """An encoder without BatchNorm, in float64, so that nothing but the gathering can differ."""

    def __init__(self):
        super().__init__()
        self.layer = nn.Linear(PIXELS, 8)

    def forward(self, images):
        return torch.tanh(self.layer(images.flatten(1)))


def gradients(case, world):
    """Gradients of every parameter from this process's part of one batch, averaged over the processes; and the states.

    Those of the loss and of prototypes that follow the features, after that step.
    """
    loss = CASES[case]
    torch.manual_seed(0)
    prototypes = RunningMeans(CLASSES, (8, 8, 6), norm=False) if loss.prototypes == "means" else nn.Linear(8, 6)
    heads = Heads(nn.Linear(8, 6), prototypes) if loss.contrastive else None
    model = TwoBranchModel(Doubles(), heads, torch.randn(CLASSES, 8), 10.0).double()
    views = torch.randn(3 if loss.contrastive else 1, BATCH, 1, 1, PIXELS, dtype=torch.float64)
    rows = world.rows(BATCH)
    labels = LABELS[rows]
    logits, terms = branches(model, views[:, rows].flatten(0, 1), labels, world)
    cross_entropy = LogitAdjustedCrossEntropy([6, 3, 2, 1])
    criterion = build_loss(loss, [6, 3, 2, 1], 6).double() if loss.contrastive else None
    total, _, _ = total_loss(logits, labels, terms, loss, cross_entropy, criterion, validate=True)
    total.backward()
    world.average(p.grad for p in model.parameters() if p.grad is not None)
    if terms is not None:
        model.remember(terms.features.detach(), terms.labels)
    states = [*model.named_buffers(), *(criterion.state_dict().items() if criterion else ())]
    return {name: p.grad for name, p in model.named_parameters() if p.grad is not None} | dict(states)


def one_of_two(rank, folder):
    torch.set_num_threads(1)
    dist.init_process_group("gloo", init_method=f"file://{folder}/meet", rank=rank, world_size=2)
    found = {case: gradients(case, World(rank, 2)) for case in CASES}
    torch.save(found, Path(folder) / f"{rank}.pt")
    dist.destroy_process_group()


@pytest.fixture(scope="module")
def by_two(tmp_path_factory):
    folder = tmp_path_factory.mktemp("two")
    mp.spawn(one_of_two, (str(folder),), nprocs=2)
    return [torch.load(folder / f"{rank}.pt") for rank in range(2)]


@pytest.mark.slow
@pytest.mark.parametrize("case", CASES)
def test_two_processes_have_the_gradient_of_one(by_two, case):
    alone = gradients(case, ALONE)
    for rank in range(2):
        assert by_two[rank][case].keys() == alone.keys()
        for name, gradient in alone.items():
            torch.testing.assert_close(by_two[rank][case][name], gradient, rtol=0, atol=1e-12, msg=f"{case}, {name}")


def test_the_comparison_covers_encoder_projection_prototypes_and_classifier():
    names = gradients("bcl", ALONE)
    assert {"backbone.layer.weight", "projection.weight", "prototype_mlp.weight", "classifier"} <= names.keys()
    assert all(gradient.abs().max() > 1e-4 for gradient in names.values())


def test_half_a_batch_alone_would_give_another_gradient():
    alone, half = gradients("bcl", ALONE), gradients("bcl", HalfAlone(0, 2))
    assert (alone["projection.weight"] - half["projection.weight"]).abs().max() > 1e-3


class HalfAlone(World):
    """A process that does not gather."""

    def gather(self, rows):
        return rows

    def average(self, tensors):
        pass


def test_a_batch_that_cannot_be_shared_evenly_is_refused():
    dataset = prepare(small())
    with pytest.raises(RecipeError, match="64 cannot be shared evenly by 3"):
        next(train(small(), Execution(threads=1), dataset=dataset, world=World(0, 3)))
