"""A loop of one's own, recorded: the app shows it live beside any other run.

    python examples/record_own_loop.py
    bcl-lab app        # in the same folder, meanwhile or later; in a checkout `make run`

The loop is that of `plain_loop.py`; what is recorded are embeddings of the same test images after each epoch.
"""

import torch
from microbcl import COUNTS, K
from plain_loop import DIM, TwoBranches, data, embed, train

from bcl_core.lab import Recorder
from bcl_core.losses import BalancedContrastiveLoss


def main(epochs=20):
    """Train and record; print what the run is called."""
    torch.manual_seed(0)
    training, test = data()
    model = TwoBranches()
    contrast = BalancedContrastiveLoss(K, temperature=0.3, normalize=True, embedding_dim=DIM)
    images = test.images.clip(0, 1)  # for thumbnails
    with Recorder("my loop", test.labels, class_counts=COUNTS, images=images, epochs=epochs) as recorder:
        for loss in train(model, training, contrast, epochs=epochs):
            embeddings, logits = embed(model, test.images)
            recorder.epoch(
                embeddings,
                prototypes=contrast.prototypes.detach(),
                predictions=logits.argmax(1),
                metrics={"loss": loss},
            )
    print(f"recorded: {recorder.run_id}")


if __name__ == "__main__":
    main()
