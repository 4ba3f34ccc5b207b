"""CIFAR-10 wherever it lies: as Parquet files, or as torchvision keeps it and downloads it. Imports no torch for that.

It is looked for in the folder that is given; else in BCL_LAB_PARQUET, then in `data_home()`, where a download goes.
"""

import os
from dataclasses import replace
from pathlib import Path

from bcl_core.data.parquet import ParquetSource, class_names
from bcl_core.data.places import check_download, data_home, holding
from bcl_core.data.source import DataError, Opening, Source
from bcl_core.recipe import DataPaths

CLASSES = ("airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck")
TRACES = ("cifar-10-batches-py", "cifar-10-python.tar.gz")


def at_hand(path: Path | None = None) -> Path | None:
    """Return the folder that CIFAR-10 would be read from, None where it would have to be downloaded."""
    packed = path or data_home()
    return parquet_folder(path) or holding(packed, TRACES)


def parquet_folder(path: Path | None) -> Path | None:
    """Return the first of the places that holds CIFAR-10 as Parquet files, None where none does.

    DataError where a folder is given that holds others.
    """
    if path is not None:
        found = class_names(path)
        if found not in (None, (), CLASSES):
            raise _other(path, len(found))
        return None if found is None else path
    usual = os.environ.get("BCL_LAB_PARQUET")
    places = [*([Path(usual).expanduser()] if usual else []), data_home()]
    return next((place for place in places if class_names(place) in ((), CLASSES)), None)


def _other(folder: Path, classes: int) -> DataError:
    return DataError(
        f"{folder} holds images of {classes} other classes than CIFAR-10's: set data.path to the folder of CIFAR-10, "
        "or data.source=parquet to train on what lies there"
    )


def source(opening: Opening) -> Source:
    """Open CIFAR-10; it is downloaded where it is nowhere. DataError where that fails, or what is there is not it."""
    folder = parquet_folder(opening.paths.path)
    if folder is None:
        from bcl_core.data.torchvision_sets import CIFAR10Source

        return CIFAR10Source(opening)
    found = ParquetSource(replace(opening, paths=opening.paths.model_copy(update={"path": folder})))
    if len(found.class_names) != len(CLASSES):
        raise _other(folder, len(found.class_names))
    found.class_names = CLASSES
    return found


def check_places(paths: DataPaths) -> None:
    """Raise DataError where CIFAR-10 is not to be found and a download could not lie."""
    if parquet_folder(paths.path) is None:
        check_download(paths)
