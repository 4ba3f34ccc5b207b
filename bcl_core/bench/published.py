"""A step as published code for long-tailed contrastive learning does it: the yardstick, not a part of training.

Images are transformed one by one in loader processes, everything runs eagerly in fp32, and the loss weighs the members
of the contrast set by a list that Python makes anew for each batch. Written here, after the paper's formula.
"""

from collections.abc import Callable, Iterator

import numpy as np
import torch
from PIL import Image
from torch import Tensor
from torch.nn import functional
from torch.utils.data import DataLoader
from torch.utils.data import Dataset as Images
from torchvision import transforms

from bcl_core.data.dataset import Dataset
from bcl_core.distributed import ALONE
from bcl_core.models import build_model
from bcl_core.objective import branches
from bcl_core.recipe import Recipe

Picture = Callable[[Image.Image], Tensor]
AHEAD = 2  # batches that each loader process prepares


class _ThreeViews(Images[tuple[list[Tensor], int]]):
    def __init__(self, dataset: Dataset) -> None:
        images, self.labels = dataset.train.images, dataset.train.labels
        self.images = images[np.arange(len(self.labels))].transpose(0, 2, 3, 1)  # (n, H, W, C), as Pillow has it
        size = images.shape[-1]
        normalised = [transforms.ToTensor(), transforms.Normalize(dataset.mean.tolist(), dataset.std.tolist())]
        first = transforms.Compose(
            [
                transforms.RandomCrop(size, padding=4),
                transforms.RandomHorizontalFlip(),
                transforms.AutoAugment(transforms.AutoAugmentPolicy.CIFAR10),
                *normalised,
                _cutout,
            ]
        )
        other = transforms.Compose(
            [
                transforms.RandomResizedCrop(size),
                transforms.RandomHorizontalFlip(),
                transforms.RandomApply([transforms.ColorJitter(0.4, 0.4, 0.4, 0.1)], 0.8),
                transforms.RandomGrayscale(0.2),
                *normalised,
            ]
        )
        self.views: tuple[Picture, ...] = (first, other, other)

    def __len__(self) -> int:
        return len(self.labels)

    def __getitem__(self, index: int) -> tuple[list[Tensor], int]:
        image = Image.fromarray(self.images[index])
        return [view(image) for view in self.views], int(self.labels[index])


def _cutout(picture: Tensor) -> Tensor:
    """Black out a square half as wide as the picture, somewhere."""
    size = picture.shape[-1]
    low = (torch.randint(size, (2,)) - size // 4).tolist()
    top, left = (max(0, edge) for edge in low)
    picture[:, top : low[0] + size // 2, left : low[1] + size // 2] = 0
    return picture


def published_loss(features: Tensor, labels: Tensor, prototypes: Tensor, temperature: float) -> Tensor:
    """Balanced contrastive loss of (B, 2, d) features, with weights that are looked up one by one."""
    num_classes, anchors = len(prototypes), torch.cat([features[:, 0], features[:, 1]])
    members = torch.cat([anchors, prototypes])
    classes = torch.cat([labels, labels, torch.arange(num_classes, device=labels.device)])
    counts = functional.one_hot(classes, num_classes).sum(dim=0)
    itself = torch.eye(len(anchors), len(members), device=labels.device)
    positive = (classes[: len(anchors), None] == classes).float() - itself
    weights = torch.tensor([float(counts[label]) for label in classes], device=labels.device) - positive
    similarities = anchors @ members.T / temperature
    similarities = similarities - similarities.max(dim=1, keepdim=True).values.detach()
    balanced = (similarities.exp() * (1 - itself) / weights).sum(dim=1, keepdim=True)
    return -((similarities - balanced.log()) * positive).sum(dim=1).div(positive.sum(dim=1)).mean()


def published_steps(recipe: Recipe, dataset: Dataset, device: torch.device, workers: int) -> Iterator[None]:
    """Train a throw-away model, a step at each pull, by loader processes that go on between pulls."""
    model = build_model(recipe, dataset.train.images.shape[1], len(dataset.class_names)).to(device)
    model.train()
    options, loss = recipe.optimiser, recipe.loss
    optimiser = torch.optim.SGD(
        model.parameters(), options.lr, momentum=options.momentum, weight_decay=options.weight_decay
    )
    prior = torch.from_numpy(dataset.class_counts / dataset.class_counts.sum()).float().log().to(device)
    loader = DataLoader(
        _ThreeViews(dataset),
        min(recipe.batch_size, len(dataset.train.labels)),
        shuffle=True,
        num_workers=workers,
        drop_last=True,
        prefetch_factor=AHEAD if workers else None,
        persistent_workers=workers > 0,
    )
    while True:
        for views, labels in loader:
            labels = labels.to(device)
            logits, terms = branches(model, torch.cat(views).to(device), labels, ALONE)
            assert terms is not None
            contrastive = published_loss(terms.features, labels, terms.prototypes, loss.temperature)
            classifier = functional.cross_entropy(logits + prior, labels)
            total = loss.classifier_weight * classifier + loss.contrastive_weight * contrastive
            optimiser.zero_grad()
            total.backward()  # type: ignore[no-untyped-call]
            optimiser.step()
            total.item()  # as loops do that keep a running mean
            yield
