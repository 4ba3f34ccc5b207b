"""An epoch on its way to disk, in the order that a reader may rely on: files first, then the database."""

import json
from collections.abc import Mapping
from typing import Any

from bcl_core.lab.faults import in_words
from bcl_core.lab.files import Arrays, write_arrays
from bcl_core.lab.history import distance_to_prediction, predicted_means
from bcl_core.lab.store import Lab


def write_epoch(
    lab: Lab, run_id: str, epoch: int, *, metrics: Mapping[str, Any], view: Arrays, embeddings: Arrays
) -> list[str]:
    """Write an epoch as `bcl_core.measuring` found it, its metrics with what only the run's folder knows.

    Returns the names of the metrics that stand otherwise already, as `Lab.record_epoch`. Raises DiskError where it
    cannot be written, and Held as `Lab.record_epoch`.
    """
    folder = lab.folder(run_id)
    figures = {**metrics, **distance_to_prediction(view.get("class_means"), predicted_means(folder))}
    with in_words(lab.home):
        write_arrays(folder.embeddings(epoch), embeddings)
        write_arrays(folder.view(epoch), view, metrics=json.dumps(figures))
    return lab.record_epoch(run_id, epoch, figures)
