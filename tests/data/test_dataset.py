"""From a source to a run's images: digits and Parquet, and what can be wrong with them."""

import io
import json

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from PIL import Image

from bcl_core.data.dataset import prepare
from bcl_core.data.source import DataError
from bcl_core.recipe import Execution, apply_settings, preset
from tests.conftest import small

NAMES = ["cat", "dog", "emu"]


def image_bytes(seed, size=(32, 32), mode="RGB"):
    pixels = np.random.default_rng(seed).integers(0, 256, (size[1], size[0], 3), dtype=np.uint8)
    buffer = io.BytesIO()
    Image.fromarray(pixels).convert(mode).save(buffer, "PNG")
    return buffer.getvalue()


def write_parquet(folder, split, labels, *, image_column="img", label_column="label", images=None):
    images = images or [{"bytes": image_bytes(i), "path": None} for i in range(len(labels))]
    table = pa.table(
        {
            image_column: pa.array(images, pa.struct({"bytes": pa.binary(), "path": pa.string()})),
            label_column: pa.array(labels, pa.int64()),
        }
    )
    meta = {"huggingface": json.dumps({"info": {"features": {label_column: {"names": NAMES}}}})}
    pq.write_table(table.replace_schema_metadata(meta), folder / f"{split}.parquet")


@pytest.fixture
def photos(tmp_path):
    write_parquet(tmp_path, "train", np.repeat(np.arange(3), 20))
    write_parquet(tmp_path, "test", np.repeat(np.arange(3), 5))
    return tmp_path


def recipe(**settings):
    base = {"data.image_size": "none", "data.max_per_class": 20, "data.imbalance_factor": 4, "data.test_per_class": 5}
    return apply_settings(preset("cifar10-small-bcl"), Execution(), base | settings)[0]


def test_digits_hold_out_test_images_and_draw_the_tail_from_the_rest():
    data = prepare(preset("digits-scl"))
    assert data.class_counts.tolist() == [130, 84, 54, 35, 22, 14, 9, 6, 4, 2]
    assert np.bincount(data.test.labels).tolist() == [40] * 10
    assert not set(data.train.indices) & set(data.test.indices)


def test_digits_are_redrawn_with_the_seed_and_the_same_for_every_loss():
    scl, bcl = prepare(preset("digits-scl")), prepare(preset("digits-bcl-class"))
    other = prepare(small("digits-scl", seed=1, data__test_per_class=40))
    assert scl.fingerprint == bcl.fingerprint != other.fingerprint


def test_parquet_gives_names_counts_and_standardised_channels(photos):
    data = prepare(recipe(), photos)
    assert data.class_names == tuple(NAMES)
    assert data.class_counts.tolist() == [20, 10, 5]
    assert data.train.images.shape == (35, 3, 32, 32)
    scaled = data.train.images / 255
    np.testing.assert_allclose(data.mean, scaled.mean(axis=(0, 2, 3)), rtol=1e-5)
    np.testing.assert_allclose(data.std, scaled.std(axis=(0, 2, 3)), rtol=1e-5)


def test_parquet_images_are_the_ones_that_the_indices_name(photos):
    data = prepare(recipe(), photos)
    for image, index in list(zip(data.train.images, data.train.indices, strict=True))[:5]:
        original = np.asarray(Image.open(io.BytesIO(image_bytes(int(index)))))
        np.testing.assert_array_equal(image.transpose(1, 2, 0), original)


def test_no_folder_is_an_error_that_says_what_to_set():
    with pytest.raises(DataError, match=r"data\.path"):
        prepare(recipe())


def test_a_missing_folder_and_a_missing_file_are_named(tmp_path):
    with pytest.raises(DataError, match="is not a folder"):
        prepare(recipe(), tmp_path / "nowhere")
    with pytest.raises(DataError, match=r"no train\*\.parquet"):
        prepare(recipe(), tmp_path)


def test_a_truncated_file_is_said_to_be_cut_short(photos):
    file = photos / "train.parquet"
    file.write_bytes(file.read_bytes()[:-200])
    with pytest.raises(DataError, match="cut short"):
        prepare(recipe(), photos)


def test_other_columns_are_listed(photos):
    write_parquet(photos, "train", [0, 1, 2], image_column="picture")
    with pytest.raises(DataError, match="picture, label; expected one named img or image"):
        prepare(recipe(), photos)


def test_an_undecodable_image_is_named_by_its_row(photos):
    images = [{"bytes": image_bytes(i), "path": None} for i in range(60)]
    images[3] = {"bytes": b"not an image", "path": None}
    write_parquet(photos, "train", np.repeat(np.arange(3), 20), images=images)
    with pytest.raises(DataError, match="image 3 of train cannot be decoded"):
        prepare(recipe(), photos)


def test_images_of_several_sizes_are_refused_with_both_sizes(photos):
    images = [{"bytes": image_bytes(i, (32, 32) if i else (16, 24)), "path": None} for i in range(60)]
    write_parquet(photos, "train", np.repeat(np.arange(3), 20), images=images)
    with pytest.raises(DataError, match="16×24"):
        prepare(recipe(), photos)


def test_a_label_column_of_text_is_refused(photos):
    table = pq.read_table(photos / "train.parquet")
    words = pa.array(["a"] * table.num_rows)
    pq.write_table(table.set_column(1, "label", words), photos / "train.parquet")
    with pytest.raises(DataError, match="expected integers"):
        prepare(recipe(), photos)


def test_too_few_images_for_the_tail_asked_for_are_explained(photos):
    with pytest.raises(DataError, match="long tail cannot be drawn"):
        prepare(recipe(**{"data.max_per_class": 500}), photos)


def test_an_image_size_averages_the_pixels_of_each_block(photos):
    full, half = prepare(recipe(), photos), prepare(recipe(**{"data.image_size": 16}), photos)
    blocks = full.train.images.astype(float).reshape(-1, 3, 16, 2, 16, 2).mean(axis=(3, 5))
    np.testing.assert_allclose(half.train.images, blocks, atol=0.51)
