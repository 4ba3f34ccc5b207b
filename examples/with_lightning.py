"""A Lightning callback that records a run, so that the app shows it live. Needs `pip install lightning`.

    python examples/with_lightning.py

The callback is short because the recorder does the work: it embeds fixed test images after each epoch.
"""

import lightning
import torch
from microbcl import COUNTS, K
from plain_loop import DIM, TwoBranches, data, embed
from torch.utils.data import DataLoader, TensorDataset

from bcl_core.lab import Recorder
from bcl_core.losses import BalancedContrastiveLoss, LogitAdjustedCrossEntropy


class Records(lightning.Callback):
    """Records embeddings of the same test images after each epoch of training."""

    def __init__(self, name, test, class_counts):
        self.name, self.test, self.class_counts = name, test, class_counts

    def on_fit_start(self, trainer, module):
        """Open the recording; of several processes the first one records."""
        if trainer.is_global_zero:
            epochs = max(trainer.max_epochs or 1, 1)
            self.recorder = Recorder(self.name, self.test.labels, class_counts=self.class_counts, epochs=epochs)

    def on_train_epoch_end(self, trainer, module):
        """Record an epoch, with what the module logged."""
        if not trainer.is_global_zero:
            return
        training = module.training
        embeddings, logits = embed(module.eval().net, self.test.images)
        module.train(training)
        figures = {name: value.item() for name, value in trainer.callback_metrics.items()}
        self.recorder.epoch(embeddings, predictions=logits.argmax(1), metrics=figures)

    def on_fit_end(self, trainer, module):
        """Close the recording."""
        if trainer.is_global_zero:
            self.recorder.close()


class Balanced(lightning.LightningModule):
    """Both branches with both losses."""

    def __init__(self):
        super().__init__()
        self.net = TwoBranches()
        self.contrast = BalancedContrastiveLoss(K, temperature=0.3, normalize=True, embedding_dim=DIM)
        self.balance = LogitAdjustedCrossEntropy(torch.tensor(COUNTS))

    def training_step(self, batch, _):
        """Loss of a flat batch of two views: here an image and the same with noise on it."""
        images, labels = batch
        views, labels = torch.cat([images, images + 0.1 * torch.randn_like(images)]), labels.repeat(2)
        embeddings, logits = self.net(views)
        loss = self.contrast(embeddings, labels) + self.balance(logits, labels)
        self.log("loss", loss, on_step=False, on_epoch=True)
        return loss

    def configure_optimizers(self):
        """Prototypes are among the parameters."""
        return torch.optim.SGD(self.parameters(), lr=0.1, momentum=0.9)


def main(epochs=10):
    """Train and record; print what the run is called."""
    lightning.seed_everything(0, verbose=False)
    training, test = data()
    images, labels = torch.from_numpy(training.images).float(), torch.from_numpy(training.labels)
    records = Records("with Lightning", test, COUNTS)
    trainer = lightning.Trainer(
        max_epochs=epochs, callbacks=[records], logger=False, enable_checkpointing=False, enable_progress_bar=False
    )
    trainer.fit(Balanced(), DataLoader(TensorDataset(images, labels), batch_size=64, shuffle=True))
    print(f"recorded: {records.recorder.run_id}")


if __name__ == "__main__":
    main()
