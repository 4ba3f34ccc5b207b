"""An epoch's embeddings for the Embedding Projector and TensorBoard's tab of that name: tables and thumbnails.

    tensors.tsv            a row a sample, its coordinates
    metadata.tsv           label, class_name, split, what was predicted and how surely; with a heading
    sprite.png             thumbnails in the order of the rows, where the run has some
    projector_config.pbtxt tells TensorBoard of the others: `tensorboard --logdir FOLDER`

On projector.tensorflow.org, *Load* takes the first two, and so does `python -m bcl_core record`. Imports no torch.
"""

import shutil
from pathlib import Path

import numpy as np
from PIL import Image

from bcl_core.lab.files import write_aside
from bcl_core.lab.reading import Reading

TENSORS, METADATA, SPRITE, CONFIG = "tensors.tsv", "metadata.tsv", "sprite.png", "projector_config.pbtxt"
_BETWEEN = str.maketrans("\t\r\n", "   ")  # what a table has between its cells and rows


def write_projector(run: Reading, folder: Path, epoch: int | None = None) -> None:
    """Write a run's embeddings of an epoch, the last one of which they are kept where None, into a folder.

    What lies there by these names is replaced.

    Raises:
        LabError: the embeddings of this epoch are not kept.
        OSError: the folder cannot be written.
    """
    embeddings = run.embeddings(epoch)
    folder.mkdir(parents=True, exist_ok=True)
    write_aside(folder / TENSORS, lambda aside: np.savetxt(aside, embeddings, fmt="%.6g", delimiter="\t"))
    _write(folder / METADATA, "\n".join("\t".join(row) for row in _rows(run, epoch)))
    config = f'embeddings {{\n  tensor_path: "{TENSORS}"\n  metadata_path: "{METADATA}"\n'
    if run.folder.sprite.exists():
        write_aside(folder / SPRITE, lambda aside: shutil.copyfile(run.folder.sprite, aside))
        config += f'  sprite {{\n    image_path: "{SPRITE}"\n{_size_of_one(run)}  }}\n'
    _write(folder / CONFIG, config + "}")


def _rows(run: Reading, epoch: int | None) -> list[list[str]]:
    kept = run.folder.epochs("embeddings")[-1] if epoch is None else epoch
    view = run.view(kept) if kept in run.epochs else {}
    shown = {
        "label": run.labels,
        "class_name": [run.class_names[label].translate(_BETWEEN) for label in run.labels],
        "split": np.where(run.is_test, "test", "training"),
    }
    if "predictions" in view:
        shown["predicted"] = [run.class_names[label].translate(_BETWEEN) for label in view["predictions"]]
    if "confidences" in view:
        shown["confidence"] = [f"{value:.3f}" for value in view["confidences"]]
    return [list(shown), *([str(cell) for cell in row] for row in zip(*shown.values(), strict=True))]


def _size_of_one(run: Reading) -> str:
    """Return the lines that say how large a thumbnail is: the sheet has ⌈√n⌉ columns."""
    with Image.open(run.folder.sprite) as sheet:
        columns = int(np.ceil(np.sqrt(len(run.labels))))
        rows = -(-len(run.labels) // columns)
        return "".join(f"    single_image_dim: {size}\n" for size in (sheet.width // columns, sheet.height // rows))


def _write(path: Path, text: str) -> None:
    write_aside(path, lambda aside: aside.write_text(text + "\n", encoding="utf-8"))
