"""The losses in a loop of one's own: plain PyTorch, and nothing of ours but `bcl_core.losses` and `bcl_core.geometry`.

    python examples/plain_loop.py

The images are those of `microbcl.py`. A real loop differs in its data and its network; the marked lines stay.
"""

from typing import NamedTuple

import numpy as np
import torch
from microbcl import COUNTS, K, drawn, view
from torch import Tensor, nn
from torch.nn import functional

from bcl_core.geometry import class_means, simplex_metrics
from bcl_core.losses import BalancedContrastiveLoss, LogitAdjustedCrossEntropy

DIM, BATCH = 16, 64


class TwoBranches(nn.Module):
    """A backbone with a head that is contrasted and one that classifies, as Zhu et al. 2022 have it."""

    def __init__(self) -> None:
        super().__init__()
        self.backbone = nn.Sequential(nn.Flatten(), nn.Linear(80, 96), nn.ReLU())
        self.project = nn.Linear(96, DIM)
        self.classify = nn.Linear(96, K)

    def forward(self, images: Tensor) -> tuple[Tensor, Tensor]:
        """Embeddings (n, d) and logits (n, K)."""
        features = self.backbone(images)
        return self.project(features), self.classify(features)


class Data(NamedTuple):
    """Images (n, 10, 8) and their classes (n,)."""

    images: np.ndarray
    labels: np.ndarray


def data(seed=0):
    """Training images with a long tail, and as many test images of each class."""
    rng = np.random.default_rng(seed)
    return Data(*drawn(COUNTS, rng)), Data(*drawn([20] * K, rng))


def train(model, training, contrast, *, epochs, seed=0):
    """Train, and yield the mean loss of each epoch."""
    rng = np.random.default_rng(seed)
    balance = LogitAdjustedCrossEntropy(torch.tensor(COUNTS))  # ←
    parameters = [*model.parameters(), *contrast.parameters()]  # ← prototypes are trained too
    optimiser = torch.optim.SGD(parameters, lr=0.1, momentum=0.9)
    for _ in range(epochs):
        losses = []
        for batch in np.array_split(rng.permutation(len(training.labels)), len(training.labels) // BATCH):
            views = np.concatenate([view(training.images[batch], rng), view(training.images[batch], rng)])
            labels = torch.from_numpy(training.labels[batch]).repeat(2)
            embeddings, logits = model(torch.from_numpy(views).float())
            loss = contrast(embeddings, labels) + balance(logits, labels)  # ← a flat batch of both views
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()
            losses.append(loss.item())
        yield float(np.mean(losses))


@torch.no_grad()
def embed(model, images):
    """Embeddings (n, d) of unit length and logits (n, K), as arrays."""
    embeddings, logits = model(torch.from_numpy(images).float())
    return functional.normalize(embeddings, dim=1).numpy(), logits.numpy()


def main(epochs=20):
    """Train, and print the loss, the accuracy and how the classes stand."""
    torch.manual_seed(0)
    training, test = data()
    model = TwoBranches()
    contrast = BalancedContrastiveLoss(K, temperature=0.3, normalize=True, embedding_dim=DIM)  # ←
    for epoch, loss in enumerate(train(model, training, contrast, epochs=epochs), start=1):
        if epoch % 5 and epoch < epochs:
            continue
        embeddings, logits = embed(model, test.images)
        stand = simplex_metrics(class_means(embeddings, test.labels, K), COUNTS)
        print(
            f"epoch {epoch:3d}  loss {loss:.3f}  accuracy {100 * (logits.argmax(1) == test.labels).mean():.1f} %  "
            f"tail–tail {stand['angle_tail_tail']:.1f}°  off the simplex {stand['angle_rms_deviation']:.1f}°"
        )


if __name__ == "__main__":
    main()
