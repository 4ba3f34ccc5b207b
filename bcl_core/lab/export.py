"""A run as one zip that this app, or anything that reads JSON and safetensors, can open. It holds no images."""

import json
import zipfile
from collections.abc import Mapping
from pathlib import Path

from safetensors.torch import save

from bcl_core.lab.checkpoints import read_state
from bcl_core.lab.files import write_aside
from bcl_core.lab.run import LabError
from bcl_core.lab.store import Lab
from bcl_core.recipe import FORMAT_VERSION

RECIPE, WEIGHTS = "recipe.json", "weights.safetensors"
METRICS, PROVENANCE, README = "metrics.json", "provenance.json", "README.txt"
SAMPLES, VIEW = "samples.safetensors", "view.safetensors"
EXPORTED = frozenset({RECIPE, WEIGHTS, METRICS, PROVENANCE, README, SAMPLES, VIEW})

_README = f"""\
{{name}}, epoch {{epoch}} of {{epochs}}: a run of BCL Lab.

{RECIPE:20} every setting; `python -m bcl_core train --recipe {RECIPE}` trains it again
{WEIGHTS:20} the model after epoch {{epoch}}
{METRICS:20} every recorded epoch: accuracies from 0 to 1, angles in degrees
{PROVENANCE:20} versions, device, and a hash of the data
{SAMPLES:20} labels and indices of the embedded images; the images themselves are not here
{VIEW:20} class means, prototypes, predictions and gradient statistics of epoch {{epoch}}

`python -m bcl_core import` reads this file again. Elsewhere, safetensors opens the weights: those under "backbone."
make the features, "classifier" and "bias" the classes, "projection." and "prototype_mlp." the contrastive space.
"""


def export_run(lab: Lab, run_id: str, target: Path, epoch: int | None = None) -> None:
    """Write a run as one zip: recipe, weights, metrics, provenance, and what its pictures need but for the images.

    The weights are those of `epoch`, or of the newest checkpoint. The same run gives the same bytes; `target` appears
    whole or not at all.

    Raises:
        LabError: there is no such run or checkpoint, or the file stands already or cannot be written.
    """
    run, folder = lab.run(run_id), lab.folder(run_id)
    recipe = run.training_recipe
    state = read_state(lab, run_id, epoch)
    if target.exists():
        raise LabError(f"{target} stands already; choose another name")
    about = {"format_version": FORMAT_VERSION, "run": run.id, "name": run.name, "epoch": state.epoch, **run.provenance}
    contents = {
        README: _README.format(name=run.name, epoch=state.epoch, epochs=recipe.epochs).encode(),
        RECIPE: recipe.model_dump_json(indent=2).encode(),
        PROVENANCE: _json(about),
        METRICS: _json(lab.metrics(run_id)),
        WEIGHTS: save({name: tensor.contiguous() for name, tensor in state.model.items()}),
    }
    contents[SAMPLES] = folder.content(folder.samples)
    contents[VIEW] = folder.content(folder.view(state.epoch))
    try:
        write_aside(target, lambda aside: _write_zip(aside, contents))
    except OSError as error:
        raise LabError(f"{target} cannot be written: {error.strerror}") from error


def _json(value: object) -> bytes:
    return json.dumps(value, indent=1, ensure_ascii=False, allow_nan=False).encode()


def _write_zip(target: Path, contents: Mapping[str, bytes]) -> None:
    """Store without compression: weights do not shrink, and a reader can tell a file's size from the zip's."""
    with zipfile.ZipFile(target, "w", zipfile.ZIP_STORED) as archive:
        for name, content in contents.items():
            entry = zipfile.ZipInfo(name)  # of 1980, so that equal contents give equal bytes
            entry.create_system, entry.external_attr = 3, 0o644 << 16  # Unix, wherever this runs
            archive.writestr(entry, content)
