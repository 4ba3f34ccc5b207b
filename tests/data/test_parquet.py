"""Parquet in the Hugging Face convention: layouts, shards, images in and beside the file, and what can be wrong."""

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from bcl_core.data.images import decode
from bcl_core.data.parquet import ParquetSource
from bcl_core.data.source import DataError
from tests.data.small_images import encoded, opening, picture, save, write_parquet

LABELS = [0, 0, 1, 1, 2, 2]


def opened(path, **more):
    return ParquetSource(opening("parquet", path, **more))


def cells(*images):
    """Six cells: these, and pictures of the usual size."""
    usual = [{"bytes": encoded(picture(i, (32, 32))), "path": None} for i in range(6)]
    return [*images, *usual[len(images) :]]


@pytest.fixture
def photos(tmp_path):
    write_parquet(tmp_path, "train", LABELS)
    write_parquet(tmp_path, "test", [2, 1, 0])
    return tmp_path


def test_labels_names_and_pixels_are_those_of_the_rows(photos):
    source = opened(photos)
    assert source.class_names == ("cat", "dog", "emu")
    assert source.train_labels.tolist() == LABELS
    assert source.test_labels.tolist() == [2, 1, 0]
    pixels = source.images("train", np.array([4, 1]))
    for image, row in zip(pixels, (4, 1), strict=True):
        np.testing.assert_array_equal(image.transpose(1, 2, 0), np.asarray(picture(row, (32, 32))))


def test_without_test_files_there_is_no_test_set(photos):
    (photos / "test.parquet").unlink()
    assert opened(photos).test_labels is None


def test_a_validation_file_serves_where_there_is_no_test_file(photos):
    write_parquet(photos, "validation-00000-of-00001", [0, 1, 2])
    assert opened(photos).test_labels.tolist() == [2, 1, 0]
    (photos / "test.parquet").unlink()
    assert opened(photos).test_labels.tolist() == [0, 1, 2]


def test_shards_are_joined_in_order_in_data_too(tmp_path):
    for shard, labels in ((1, [1, 1]), (0, [0, 0]), (2, [2, 2])):
        write_parquet(tmp_path / "data", f"train-0000{shard}-of-00003", labels)
    assert opened(tmp_path).train_labels.tolist() == LABELS


def test_a_missing_shard_is_named(tmp_path):
    for shard in (0, 2):
        write_parquet(tmp_path, f"train-0000{shard}-of-00003", LABELS)
    with pytest.raises(DataError, match=r"1 of 3 .* train-00001-of-00003\.parquet is the first"):
        opened(tmp_path)


def test_images_of_one_size_stay_as_they_are_whatever_the_image_size(photos):
    assert opened(photos, image_size=16).images("train", np.arange(6)).shape == (6, 3, 32, 32)


def test_images_of_several_sizes_are_brought_to_the_image_size(photos):
    odd = encoded(picture(9, (48, 20)))
    write_parquet(photos, "train", LABELS, images=cells({"bytes": odd, "path": None}))
    pixels = opened(photos, image_size=16).images("train", np.arange(6))
    assert pixels.shape == (6, 3, 16, 16)
    np.testing.assert_array_equal(pixels[0], decode(odd, 16))


def test_images_of_several_sizes_are_refused_with_both_sizes_where_there_is_no_image_size(photos):
    write_parquet(photos, "train", LABELS, images=cells({"bytes": encoded(picture(0, (16, 24))), "path": None}))
    with pytest.raises(DataError, match=r"image 1 of train is 32×32 .* 16×24: set data\.image_size"):
        opened(photos).images("train", np.arange(6))


def test_grey_images_have_three_equal_channels(photos):
    grey = {"bytes": encoded(picture(0, (32, 32)).convert("L")), "path": None}
    write_parquet(photos, "train", LABELS, images=cells(grey))
    image = opened(photos).images("train", np.array([0]))[0]
    assert (image == image[:1]).all()


def test_an_image_beside_the_file_is_read_from_its_path(photos):
    file = save(photos / "pictures" / "a.png", 7, (32, 32))
    write_parquet(photos, "train", LABELS, images=cells({"bytes": None, "path": "pictures/a.png"}))
    np.testing.assert_array_equal(opened(photos).images("train", np.array([0]))[0], decode(file, None))


@pytest.mark.parametrize("kind", ["up", "absolute", "link"])
def test_a_path_that_leads_out_of_the_folder_is_refused(photos, tmp_path_factory, kind):
    outside = save(tmp_path_factory.mktemp("outside") / "secret.png", 0, (32, 32))
    (photos / "link.png").symlink_to(outside)
    path = {"up": f"../{outside.parent.name}/secret.png", "absolute": str(outside), "link": "link.png"}[kind]
    write_parquet(photos, "train", LABELS, images=cells({"bytes": None, "path": path}))
    with pytest.raises(DataError, match=r"image 0 of train is to be read from .* outside of .*: refused"):
        opened(photos).images("train", np.array([0]))


def test_a_path_to_nothing_and_an_empty_cell_are_named_by_their_row(photos):
    write_parquet(photos, "train", LABELS, images=cells({"bytes": None, "path": "gone.png"}, None))
    source = opened(photos)
    with pytest.raises(DataError, match=r"image 0 of train has no bytes, and .*gone\.png cannot be read"):
        source.images("train", np.array([0]))
    with pytest.raises(DataError, match="image 1 of train is empty"):
        source.images("train", np.array([1]))


def test_an_undecodable_image_is_named_by_its_row(photos):
    broken = {"bytes": b"not an image", "path": None}
    write_parquet(photos, "train", LABELS, images=cells(*cells()[:3], broken))
    for size in (None, 16):
        with pytest.raises(DataError, match="image 3 of train is not an image"):
            opened(photos, image_size=size).images("train", np.array([5, 3]))


def test_a_missing_folder_and_a_missing_file_are_named(tmp_path):
    with pytest.raises(DataError, match=r"set data\.path; expected train\*\.parquet"):
        opened(None)
    with pytest.raises(DataError, match="there is no folder"):
        opened(tmp_path / "nowhere")
    with pytest.raises(DataError, match=r"holds no train\*\.parquet; expected"):
        opened(tmp_path)


def test_a_truncated_file_is_said_to_be_cut_short(photos):
    file = photos / "train.parquet"
    file.write_bytes(file.read_bytes()[:-200])
    with pytest.raises(DataError, match="cut short"):
        opened(photos)


def test_other_columns_are_listed(photos):
    write_parquet(photos, "train", LABELS, image_column="picture")
    with pytest.raises(DataError, match="picture, label; expected one named img or image"):
        opened(photos)


def test_a_label_column_of_text_is_refused(photos):
    table = pq.read_table(photos / "train.parquet")
    words = pa.array(["a"] * table.num_rows)
    pq.write_table(table.set_column(1, "label", words), photos / "train.parquet")
    with pytest.raises(DataError, match="expected integers"):
        opened(photos)


@pytest.mark.parametrize("labels", [[0, 1, -1], [0, 1, 3]])
def test_labels_out_of_range_are_refused(photos, labels):
    write_parquet(photos, "test", labels)
    with pytest.raises(DataError, match=r"test labels reach from .*; expected 0 to K − 1"):
        opened(photos)
