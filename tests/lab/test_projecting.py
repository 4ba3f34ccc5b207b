"""Flat pictures of one epoch: what they keep, that they come out the same twice, and what is refused."""

import numpy as np
import pytest
from safetensors.numpy import load_file

from bcl_core.lab import LabError, SnapshotError
from bcl_core.lab.files import read_arrays, read_metadata
from bcl_core.lab.projecting import project
from tests.lab.test_export import trained


@pytest.fixture
def run_id(lab):
    return trained(lab, epochs=1)


def test_pca_is_the_plane_of_most_variance(lab, run_id):
    project(lab, run_id, 1, "pca")
    folder = lab.folder(run_id)
    features = folder.arrays(folder.embeddings(1))["projection"].astype(np.float64)
    drawn = read_arrays(folder.projection("pca", 1))["coordinates"].astype(np.float64)
    values = np.linalg.eigvalsh(np.cov(features.T))
    np.testing.assert_allclose(drawn.var(axis=0, ddof=1), values[::-1][:2], rtol=1e-3)
    kept = float(read_metadata(folder.projection("pca", 1))["variance_kept"])
    assert kept == pytest.approx(values[-2:].sum() / values.sum(), abs=1e-3)


@pytest.mark.slow
def test_umap_draws_every_kept_image_and_comes_out_the_same_twice(lab, run_id):
    target = lab.folder(run_id).projection("umap", 1)
    project(lab, run_id, 1, "umap")
    first = load_file(target)["coordinates"]
    target.unlink()
    project(lab, run_id, 1, "umap")
    np.testing.assert_array_equal(load_file(target)["coordinates"], first)
    assert len(first) == len(read_arrays(lab.folder(run_id).samples)["labels"])


def test_an_unknown_method_and_a_missing_epoch_are_named(lab, run_id):
    with pytest.raises(LabError, match="choose one of pca, umap"):
        project(lab, run_id, 1, "tsne")
    with pytest.raises(SnapshotError, match=r"embeddings/0007\.safetensors"):
        project(lab, run_id, 7, "pca")
