"""A file of a run is whole or absent, and what is wrong with one is said with its name."""

import numpy as np
import pytest

from bcl_core.lab.files import SnapshotError, read_arrays, read_metadata, write_arrays, write_once


def test_what_is_written_once_is_not_rewritten(tmp_path):
    write_once(tmp_path / "a", b"first")
    write_once(tmp_path / "a", b"second")
    assert (tmp_path / "a").read_bytes() == b"first"


def test_nothing_is_left_beside_the_file(tmp_path):
    write_once(tmp_path / "sub" / "a", b"x")
    assert [p.name for p in (tmp_path / "sub").iterdir()] == ["a"]


def test_arrays_and_text_come_back_equal(tmp_path):
    path = tmp_path / "x.safetensors"
    arrays = {"means": np.arange(6.0).reshape(2, 3).T, "labels": np.array([1, 2], np.int16)}
    write_arrays(path, arrays, note="ζ")
    for name, array in read_arrays(path).items():
        np.testing.assert_array_equal(array, arrays[name])
    assert read_metadata(path)["note"] == "ζ"


def test_arrays_are_shared_and_so_read_only(tmp_path):
    path = tmp_path / "x.safetensors"
    write_arrays(path, {"a": np.zeros(3)})
    with pytest.raises(ValueError):
        read_arrays(path)["a"][0] = 1


@pytest.mark.parametrize("damage", ["missing", "empty", "truncated", "newer"])
def test_a_damaged_file_is_named(tmp_path, damage):
    path = tmp_path / "view" / "0003.safetensors"
    if damage == "newer":
        write_arrays(path, {"a": np.zeros(3)}, format_version="99")
    elif damage != "missing":
        write_arrays(path, {"a": np.zeros(300)})
        path.write_bytes(path.read_bytes()[: 0 if damage == "empty" else -100])
    with pytest.raises(SnapshotError, match=r"0003\.safetensors"):
        read_arrays(path)
