"""Thumbnails of a run whose images did not come with it, made from data that the reader has. Imports torch."""

from collections.abc import Callable

import numpy as np
import torch

from bcl_core.data.dataset import prepare
from bcl_core.evaluation import Evaluator
from bcl_core.hardware import Hardware
from bcl_core.lab.files import read_arrays
from bcl_core.lab.run import LabError
from bcl_core.lab.samples import write_sprite
from bcl_core.lab.store import Lab
from bcl_core.recipe import Execution


def fetch_thumbnails(
    lab: Lab, run_id: str, execution: Execution, report: Callable[[str], None] = lambda _: None
) -> None:
    """Write the run's `sprite.png` from data that lie where `execution` says, unless it stands.

    `report` is told in words how a long wait for the data goes on.

    Raises:
        LabError: there is no such run, or the data are not those that it was trained on.
        DataError: the data cannot be read.
    """
    run, folder = lab.run(run_id), lab.folder(run_id)
    dataset = prepare(run.training_recipe, execution.data, report)
    hardware = Hardware(torch.device("cpu"), "fp32", threads=1)
    samples = Evaluator(run.training_recipe, dataset, hardware, execution.data.workers).samples
    same = dataset.fingerprint == run.provenance.get("data")
    if not same or not np.array_equal(samples.indices, read_arrays(folder.samples)["indices"]):
        raise LabError(f"these are not the images that {run.name!r} was trained on, but other ones or another copy")
    write_sprite(folder, samples)
