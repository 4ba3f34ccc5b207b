"""An epoch's arrays come as a file that numpy opens, under the names that the stage's export has."""

import io
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from bcl_core.lab import Lab
from harness.made_runs import MadeRun, make_runs
from tests.routes.serving import Get, served


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Lab:
    return Lab(tmp_path_factory.mktemp("arrays") / "lab")


@pytest.fixture(scope="module")
def get(lab: Lab) -> Iterator[Get]:
    with served(lambda: lab) as ask:
        yield ask


@pytest.fixture
def made(lab: Lab) -> MadeRun:
    return make_runs(lab, ["bcl"], 2)[0]


def test_all_arrays_of_an_epoch_are_there_as_they_were_recorded(get: Get, lab: Lab, made: MadeRun) -> None:
    lab.rename(made.id, 'Über "BCL": 50 % / τ')
    answer = get(f"runs/{made.id}/arrays/{lab.rev(made.id)}/2.npz")
    assert answer.status == 200 and answer.headers["cache-control"].endswith("immutable")
    named = answer.headers["content-disposition"]
    assert named.startswith('attachment; filename="-ber -BCL-- 50 - - -, epoch 2.npz"; ')
    assert named.endswith("filename*=UTF-8''%C3%9Cber%20-BCL--%2050%20%25%20-%20%CF%84%2C%20epoch%202.npz")
    folder = made.folder
    expected = dict(folder.arrays(folder.view(2)))
    expected |= {name: folder.arrays(folder.samples)[name] for name in ("labels", "indices", "split")}
    expected["embeddings"] = folder.arrays(folder.embeddings(2))["projection"]
    with np.load(io.BytesIO(answer.content)) as found:
        assert set(found.files) == expected.keys()
        for name, array in expected.items():
            np.testing.assert_array_equal(found[name], array)
            assert found[name].dtype == array.dtype


def test_an_epoch_whose_embeddings_are_not_kept_comes_without_them(get: Get, lab: Lab, made: MadeRun) -> None:
    made.folder.embeddings(1).unlink()
    with np.load(io.BytesIO(get(f"runs/{made.id}/arrays/1/1.npz").content)) as found:
        assert "embeddings" not in found.files and "class_means" in found.files


@pytest.mark.parametrize("path", ["1/3.npz", "9/2.npz", "1/-1.npz", "1/2", "1/x.npz", "1/2.npz/more"])
def test_what_is_not_there_is_said(get: Get, made: MadeRun, path: str) -> None:
    answer = get(f"runs/{made.id}/arrays/{path}")
    assert answer.status in (404, 422) and len(answer.error) > 10
    assert get(f"runs/260101-0123456789/arrays/{path}").status in (404, 422)


@pytest.mark.parametrize("which", ["view", "embeddings", "samples"])
def test_a_damaged_part_is_named(get: Get, made: MadeRun, which: str) -> None:
    file: Path = made.folder.samples if which == "samples" else getattr(made.folder, which)(2)
    content = bytearray(file.read_bytes())
    content[-1] ^= 1
    file.write_bytes(content)
    answer = get(f"runs/{made.id}/arrays/1/2.npz")
    assert answer.status == 404 and "damaged" in answer.error
