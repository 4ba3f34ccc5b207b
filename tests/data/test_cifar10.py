"""CIFAR-10 is found in a folder that is given, else in BCL_LAB_PARQUET, else where downloads go; Parquet or packed."""

import json

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from bcl_core.data.cifar10 import CLASSES, at_hand, check_places, source
from bcl_core.data.source import DataError
from bcl_core.lab.launch import environment
from bcl_core.recipe import DataPaths
from tests.data.small_images import encoded, opening, picture, write_parquet


@pytest.fixture(autouse=True)
def nowhere(tmp_path, monkeypatch):
    """No data set of this machine is found."""
    monkeypatch.delenv("BCL_LAB_PARQUET", raising=False)
    monkeypatch.setenv("BCL_LAB_DATA", str(tmp_path / "data"))


def cifar10(folder, classes=CLASSES):
    """Two training images and one test image a class; the first pixel says which folder they are of."""
    folder.mkdir(parents=True)
    for name, each in (("train", 2), ("test", 1)):
        labels = np.repeat(np.arange(10), each)
        images = [{"bytes": encoded(picture(i, (32, 32))), "path": None} for i in labels]
        kind = pa.struct({"bytes": pa.binary(), "path": pa.string()})
        table = pa.table({"img": pa.array(images, kind), "label": pa.array(labels, pa.int64())})
        meta = {"huggingface": json.dumps({"info": {"features": {"label": {"names": classes}}}})} if classes else {}
        pq.write_table(table.replace_schema_metadata(meta), folder / f"{name}.parquet")
    return folder


def test_a_folder_given_comes_before_the_variables_and_parquet_s_own_before_that_of_downloads(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert at_hand() is None
    at_home = cifar10(tmp_path / "data")
    assert at_hand() == at_home
    named = cifar10(tmp_path / "named", classes=())
    monkeypatch.setenv("BCL_LAB_PARQUET", "named")
    assert at_hand().resolve() == named
    assert environment()["BCL_LAB_PARQUET"] == str(named)  # a worker stands in another folder
    given = cifar10(tmp_path / "given")
    assert at_hand(given) == given
    found = source(opening("cifar10", given))
    assert found.class_names == CLASSES and found.images("train", np.arange(20)).shape == (20, 3, 32, 32)


def test_another_data_set_is_passed_over_where_nobody_asked_for_it_and_refused_where_somebody_did(
    tmp_path, monkeypatch
):
    write_parquet(tmp_path / "pets", "train", np.repeat(np.arange(3), 4))
    monkeypatch.setenv("BCL_LAB_PARQUET", str(tmp_path / "pets"))
    assert at_hand() is None
    asked = tmp_path / "pets"
    for ask in (lambda: check_places(DataPaths(path=asked)), lambda: source(opening("cifar10", asked))):
        with pytest.raises(
            DataError, match=r"3 other classes than CIFAR-10's: set data.path .* or data.source=parquet"
        ):
            ask()


def test_a_packed_copy_is_at_hand(tmp_path):
    (tmp_path / "data" / "cifar-10-batches-py").mkdir(parents=True)
    assert at_hand() == tmp_path / "data"
