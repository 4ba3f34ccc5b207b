"""From a source to a run's images: digits and photographs, and what can be wrong with them."""

import numpy as np
import pytest

from bcl_core.data.dataset import prepare
from bcl_core.data.source import DataError, Opening
from bcl_core.recipe import DataPaths, Execution, apply_settings, preset
from bcl_core.registry import DATASETS
from tests.conftest import small
from tests.data.small_images import picture, write_parquet


@pytest.fixture
def photos(tmp_path):
    write_parquet(tmp_path, "train", np.repeat(np.arange(3), 20))
    write_parquet(tmp_path, "test", np.repeat(np.arange(3), 5))
    return tmp_path


def recipe(**settings):
    base = {
        "data.source": "parquet",
        "data.imbalance_kind": "exp",
        "data.image_size": "none",
        "data.max_per_class": 20,
        "data.imbalance_factor": 4,
        "data.test_per_class": 5,
    }
    return apply_settings(preset("own-images-bcl"), Execution(), base | settings)[0]


def test_digits_are_those_that_scikit_learn_loads():
    from sklearn.datasets import load_digits

    digits, source = load_digits(), DATASETS["digits"].load()(Opening(DATASETS["digits"]))
    labels = source.train_labels
    np.testing.assert_array_equal(labels, digits.target)
    np.testing.assert_array_equal(source.images("train", np.arange(len(labels)))[:, 0], digits.images)
    assert source.class_names == tuple(map(str, digits.target_names))


def test_digits_hold_out_test_images_and_draw_the_tail_from_the_rest():
    data = prepare(preset("digits-scl"))
    assert data.class_counts.tolist() == [130, 84, 54, 35, 22, 14, 9, 6, 4, 2]
    assert np.bincount(data.test.labels).tolist() == [40] * 10
    assert not set(data.train.indices) & set(data.test.indices)


def test_swapped_ends_reverse_the_counts_and_nothing_that_is_tested_on():
    usual = prepare(small("digits-scl", data__test_per_class=40))
    swapped = prepare(small("digits-scl", data__test_per_class=40, data__rare_classes="first"))
    assert swapped.class_counts.tolist() == usual.class_counts.tolist()[::-1]
    np.testing.assert_array_equal(swapped.test.indices, usual.test.indices)
    assert not set(swapped.train.indices) & set(swapped.test.indices)


def test_digits_are_redrawn_with_the_seed_and_the_same_for_every_loss():
    scl, bcl = prepare(preset("digits-scl")), prepare(preset("digits-bcl-class"))
    other = prepare(small("digits-scl", seed=1, data__test_per_class=40))
    assert scl.fingerprint == bcl.fingerprint != other.fingerprint


def test_parquet_gives_names_counts_and_standardised_channels(photos):
    data = prepare(recipe(), DataPaths(path=photos))
    assert data.class_names == ("cat", "dog", "emu")
    assert data.class_counts.tolist() == [20, 10, 5]
    assert data.train.images.shape == (35, 3, 32, 32)
    scaled = data.train.images / 255
    np.testing.assert_allclose(data.mean, scaled.mean(axis=(0, 2, 3)), rtol=1e-5)
    np.testing.assert_allclose(data.std, scaled.std(axis=(0, 2, 3)), rtol=1e-5)


def test_published_values_normalise_instead_where_they_are_chosen_and_the_channels_fit(photos):
    data = prepare(recipe(**{"data.normalisation": "inat18"}), DataPaths(path=photos))
    assert (data.mean.tolist(), data.std.tolist()) == (
        pytest.approx([0.466, 0.471, 0.380]),
        pytest.approx([0.195, 0.194, 0.192]),
    )
    with pytest.raises(
        DataError, match=r"normalisation is cifar10, of 3 channels, and the images have 1; set data\.norm"
    ):
        prepare(small("digits-scl", data__normalisation="cifar10"))


def test_parquet_images_are_the_ones_that_the_indices_name(photos):
    data = prepare(recipe(), DataPaths(path=photos))
    for image, index in list(zip(data.train.images, data.train.indices, strict=True))[:5]:
        original = np.asarray(picture(int(index), (32, 32)))
        np.testing.assert_array_equal(image.transpose(1, 2, 0), original)


def test_too_few_images_for_the_tail_asked_for_are_explained(photos):
    with pytest.raises(DataError, match="long tail cannot be drawn"):
        prepare(recipe(**{"data.max_per_class": 500}), DataPaths(path=photos))


def test_an_image_size_averages_the_pixels_of_each_block(photos):
    full, half = (
        prepare(recipe(), DataPaths(path=photos)),
        prepare(recipe(**{"data.image_size": 16}), DataPaths(path=photos)),
    )
    blocks = full.train.images.astype(float).reshape(-1, 3, 16, 2, 16, 2).mean(axis=(3, 5))
    np.testing.assert_allclose(half.train.images, blocks, atol=0.51)
