"""A run's curves as TensorBoard's events, by the writer that comes with torch; needs the package tensorboard."""

from pathlib import Path

from bcl_core.lab.reading import Reading


def write_events(run: Reading, folder: Path) -> None:
    """Write a scalar for each metric of each epoch, and the recipe as text, into a folder of this run's own.

    Degrees and accuracies from 0 to 1 stay what they are; what was not measured is absent.

    Raises:
        ModuleNotFoundError: tensorboard is not installed.
        OSError: the folder cannot be written.
    """
    from torch.utils.tensorboard import SummaryWriter

    with SummaryWriter(str(folder)) as writer:
        writer.add_text("recipe", run.recipe.in_words)
        for row in run.metrics:
            for name, value in row.items():
                if isinstance(value, int | float) and name != "epoch":
                    writer.add_scalar(name, value, row["epoch"])
