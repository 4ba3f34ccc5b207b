"""Two checkpoints of one network, on the same test images: accuracy, and how their classes stand.

    python examples/compare_checkpoints.py [A.pt B.pt]

Without files it first trains two of its own from one start, one with SCL and one with BCL. For files of your own, put
your network and your images into `embed`'s place; what is compared below needs embeddings, labels and counts alone.
"""

import sys
import tempfile
from pathlib import Path

import torch
from microbcl import COUNTS, K
from plain_loop import DIM, TwoBranches, data, embed, train

from bcl_core.geometry import class_means, rms_angle_difference, simplex_metrics
from bcl_core.losses import BalancedContrastiveLoss, SupervisedContrastiveLoss

SHOWN = {
    "angle_rms_deviation": "off the simplex",
    "angle_mean": "mean angle",
    "angle_head_head": "head–head",
    "angle_tail_tail": "tail–tail",
}


def two_checkpoints(folder, epochs):
    """Train the same network with two losses, from the same weights, and save what became of it."""
    losses = {
        "scl": SupervisedContrastiveLoss(temperature=0.3, normalize=True),
        "bcl": BalancedContrastiveLoss(K, temperature=0.3, normalize=True, embedding_dim=DIM),
    }
    files = []
    for name, contrast in losses.items():
        torch.manual_seed(0)
        model = TwoBranches()
        for _ in train(model, data()[0], contrast, epochs=epochs):
            pass
        files.append(folder / f"{name}.pt")
        torch.save(model.state_dict(), files[-1])
    return files


def compare(files):
    """Print what differs between two checkpoints."""
    _, test = data()
    model, means = TwoBranches(), []
    for file in files:
        model.load_state_dict(torch.load(file, weights_only=True))
        embeddings, logits = embed(model, test.images)
        means.append(class_means(embeddings, test.labels, K))
        stand = simplex_metrics(means[-1], COUNTS)
        figures = "  ".join(f"{title} {stand[name]:.1f}°" for name, title in SHOWN.items())
        print(f"{Path(file).name}: accuracy {100 * (logits.argmax(1) == test.labels).mean():.1f} %  {figures}")
    print(f"their angles differ by {rms_angle_difference(*means):.1f}° (root mean square over pairs of classes)")


def main(files=(), epochs=20):
    """Compare two files, or two that are made here."""
    if files:
        compare(files)
        return
    with tempfile.TemporaryDirectory() as folder:
        compare(two_checkpoints(Path(folder), epochs))


if __name__ == "__main__":
    main(sys.argv[1:])
