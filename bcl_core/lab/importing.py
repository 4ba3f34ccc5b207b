"""A model that other code trained, as a run of the lab. Imports torch."""

from collections.abc import Collection
from pathlib import Path

from safetensors.torch import save

from bcl_core.data.dataset import prepare
from bcl_core.lab.foreign import CheckpointError, Imported, load_checkpoint
from bcl_core.lab.store import Lab
from bcl_core.recipe import FORMAT_VERSION, Execution, Recipe


def import_model(
    lab: Lab,
    file: Path,
    *,
    arch: str | None,
    base: Recipe,
    execution: Execution,
    name: str,
    given: Collection[str] = (),
) -> tuple[str, Imported]:
    """Queue a run that is measured with the file's weights, and then held; return its id, and what the file held.

    Resumed, it trains on from them. Both are in fp32 where `execution` leaves the precision open: what is said of a
    model is to be what its own code says, whatever is quickest here. The data are read first, so that a model that does
    not fit them is refused before anything is registered. `arch`, `base` and `given` are as in `load_checkpoint`. What
    the file has nothing for is drawn when the run starts, and not measured before it has been trained.

    Raises:
        DataError: the data cannot be read.
        CheckpointError: the file cannot be read, or does not fit the data.
    """
    dataset = prepare(base, execution.data)
    found = load_checkpoint(file, arch=arch, base=base, num_classes=len(dataset.class_names), given=given)
    channels = dataset.train.images.shape[1]
    if found.in_channels != channels:
        raise CheckpointError(f"the model takes images of {found.in_channels} channels and the data have {channels}")
    about = {
        "format_version": str(FORMAT_VERSION),
        "imported": file.name,
        "layout": found.layout,
        "drawn anew": ", ".join(found.drawn_anew) or "nothing",
        "assumed": "; ".join(found.assumed) or "nothing",
    }
    if execution.precision == "auto":
        execution = execution.model_copy(update={"precision": "fp32"})
    weights = save({key: tensor.contiguous() for key, tensor in found.weights.items()}, about)
    return lab.enqueue_model(name, found.recipe, execution, weights), found
