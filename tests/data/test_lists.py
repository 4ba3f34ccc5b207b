"""List files: ImageNet-LT's and iNaturalist's lines, and everything that can be wrong with them."""

import json
import os

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bcl_core.data.images import decode
from bcl_core.data.lists import ListSource, path_and_label, read_list
from bcl_core.data.source import DataError
from tests.data.small_images import opening, save

TRAIN = {"train/n01/a.jpg": 0, "train/n01/b c.jpg": 0, "train/n02/a.jpg": 1, "train/n03/a.jpg": 2}
TEST = {"val/x.jpg": 0, "val/y.jpg": 1, "val/z.jpg": 2}


def write(root, name, lines):
    text = lines if isinstance(lines, str) else "".join(f"{path} {label}\n" for path, label in lines.items())
    (root / name).write_text(text)


@pytest.fixture
def root(tmp_path):
    """Four training images in three classes, a test image of each."""
    for seed, path in enumerate([*TRAIN, *TEST]):
        save(tmp_path / path, seed, (12 + seed, 12))
    write(tmp_path, "Set_LT_train.txt", TRAIN)
    write(tmp_path, "Set_LT_test.txt", TEST)
    return tmp_path


def opened(path, source="list-files", **more):
    return ListSource(opening(source, path, **({"image_size": 8} | more)))


def test_lines_become_labels_files_and_pixels(root):
    source = opened(root)
    assert source.train_labels.tolist() == [0, 0, 1, 2]
    assert source.test_labels.tolist() == [0, 1, 2]
    assert source.files("train", np.array([1, 3])) == [root / "train/n01/b c.jpg", root / "train/n03/a.jpg"]
    pixels = source.images("test", np.array([2, 0]))
    np.testing.assert_array_equal(pixels[0], decode(root / "val/z.jpg", 8))
    np.testing.assert_array_equal(pixels[1], decode(root / "val/x.jpg", 8))


def test_lists_may_lie_apart_from_the_images(root, tmp_path_factory):
    lists = tmp_path_factory.mktemp("lists")
    for file in root.glob("*.txt"):
        file.rename(lists / file.name)
    assert opened(root, lists=lists).train_labels.tolist() == [0, 0, 1, 2]


def test_a_val_list_stands_in_for_a_missing_test_list(root):
    write(root, "Set_LT_val.txt", {"val/x.jpg": 2, "val/y.jpg": 1, "val/z.jpg": 0})
    assert opened(root).test_labels.tolist() == [0, 1, 2]
    (root / "Set_LT_test.txt").unlink()
    assert opened(root).test_labels.tolist() == [2, 1, 0]


@pytest.mark.parametrize(
    "text",
    [
        "train/n01/a.jpg\t0\ntrain/n01/b c.jpg\t0\ntrain/n02/a.jpg\t1\ntrain/n03/a.jpg\t2\n",
        "train/n01/a.jpg 0\ntrain/n01/b c.jpg \t 0\ntrain/n02/a.jpg\t1\ntrain/n03/a.jpg  2",
        "\ufefftrain/n01/a.jpg 0\r\ntrain/n01/b c.jpg 0\r\n\r\ntrain/n02/a.jpg 1\r\n  \r\ntrain/n03/a.jpg 2\r\n",
        "./train/n01/a.jpg 0\ntrain//n01/b c.jpg 0\ntrain/n02/a.jpg 1 \n\ttrain/n03/a.jpg 02\n",
        "/train/n01/a.jpg 0\n/train/n01/b c.jpg 0\n//train/n02/a.jpg 1\ntrain/n03/a.jpg 2\n",
        "train\\n01\\a.jpg 0\n.\\train\\n01\\b c.jpg 0\n\\train\\n02\\a.jpg 1\ntrain/n03/a.jpg 2\n",
    ],
    ids=["tabs", "mixed", "windows", "untidy", "below the root", "backslashes"],
)
def test_every_way_to_write_a_line_that_has_one_meaning_is_read(root, text):
    (root / "Set_LT_train.txt").write_bytes(text.encode())
    source = opened(root)
    assert source.train_labels.tolist() == [0, 0, 1, 2]
    assert source.files("train", np.arange(4)) == [root / path for path in TRAIN]


@pytest.mark.parametrize(
    ("line", "fault"),
    [
        ("train/n01/a.jpg,0", "separated by commas"),
        ("train/n01/a.jpg, 0", "separated by commas"),
        ("train/n01/b c.jpg,0", "separated by commas"),
        ("train/n01/a.jpg", "has one field"),
        ("0", "has one field"),
        ("train/n01/a.jpg\t0 1", "more than two fields"),
        ("train/n01/a.jpg -1", "the label '-1'"),
        ("train/n01/a.jpg 0.0", "the label '0.0'"),
        ("path label", "the label 'label'"),
        ("train/n01/a.jpg ٣", "the label '٣'"),
        ("train/n01/a.jpg 12345678901234567890", "the label '12345678901234567890'"),
        ("/../a.jpg 0", "leads out of the image folder"),
        ("/ 0", "leads out of the image folder"),
        ("train/../../a.jpg 0", "leads out of the image folder"),
        (r"train\..\..\a.jpg 0", "leads out of the image folder"),
    ],
)
def test_any_other_line_is_an_error_that_gives_its_number(root, line, fault):
    write(root, "Set_LT_train.txt", f"train/n02/a.jpg 1\n\n{line}\n")
    with pytest.raises(DataError, match=rf"line 3 of Set_LT_train\.txt.*{fault}; expected `relative/path\.jpg 3`"):
        opened(root)


def test_a_last_line_that_was_cut_off_inside_its_label_is_refused(root):
    """The other images of its folder have the label 12, so that 1 is what is left of it; a list may end without a line
    break."""
    whole = {f"train/k{k:02}/{i}.jpg": k for k in range(13) for i in range(2)}
    text = "\n".join(f"{path} {label}" for path, label in whole.items())
    (root / "cut.txt").write_text(text)
    assert read_list(root / "cut.txt").labels[-1] == 12
    (root / "cut.txt").write_text(text[:-1])
    with pytest.raises(
        DataError, match=r"cut\.txt ends inside its last line: train/k12/1\.jpg has the label 1, .* 12;"
    ):
        read_list(root / "cut.txt")


def as_json(lines):
    return json.dumps(
        {"annotations": [{"fpath": path, "category_id": k} for path, k in lines.items()], "num_classes": 3}
    )


def by_number(lines):
    images = [{"id": 7 + i, "file_name": path} for i, path in enumerate(lines)]
    found = [{"id": i, "image_id": 7 + i, "category_id": k} for i, k in enumerate(lines.values())]
    return json.dumps({"images": images, "annotations": found, "categories": []})


@pytest.mark.parametrize("write_json", [as_json, by_number], ids=["NCL", "iNaturalist"])
def test_json_lists_are_read_where_there_are_no_others(root, write_json):
    for name, lines in (("train", TRAIN), ("test", TEST)):
        (root / f"Set_LT_{name}.txt").unlink()
        (root / f"Set_{name}.json").write_text(write_json(lines))
    source = opened(root)
    assert source.train_labels.tolist() == [0, 0, 1, 2]
    assert source.files("test", np.array([2])) == [root / "val/z.jpg"]


@pytest.mark.parametrize(
    "text",
    [
        *("[]", "{", '{"annotations": [{"fpath": "a.jpg"}]}'),
        *(f'{{"annotations": [{{"fpath": "a", "category_id": {label}}}]}}' for label in ("-1", "1.7", "true")),
        '{"images": [{"id": 1, "file_name": "a"}, {"id": 1, "file_name": "b"}], "annotations": '
        '[{"image_id": 1, "category_id": 0}]}',
    ],
)
def test_json_that_is_no_list_is_refused_with_what_would_be(root, text):
    (root / "train.json").write_text(text)
    with pytest.raises(DataError, match=r'train\.json cannot be read as JSON: .*; expected {"annotations"'):
        read_list(root / "train.json")


def test_classes_in_folders_of_one_name_are_told_apart_by_those_around_them(root):
    """Places-LT has twenty `outdoor`, of an apartment building, a church …"""
    lines = {"d/apartment/outdoor/1.jpg": 0, "d/church/outdoor/1.jpg": 1, "d/airfield/1.jpg": 2}
    for seed, path in enumerate(lines):
        save(root / path, seed, (12, 12))
    write(root, "Set_LT_train.txt", lines)
    assert opened(root).class_names == ("apartment/outdoor", "church/outdoor", "airfield")


def test_a_pipe_is_no_list(root):
    (root / "Set_LT_train.txt").unlink()
    os.mkfifo(root / "Set_LT_train.txt")
    with pytest.raises(DataError, match=r"the training lists in .* are none"):
        opened(root)


@given(
    path=st.text("ab ,é.", min_size=1).map(str.strip).filter(lambda path: path and path[-1] not in ", "),
    separator=st.sampled_from([" ", "\t", "  ", " \t "]),
    label=st.integers(0, 9_999_999),
)
def test_the_last_field_is_the_label_and_all_before_it_the_path(path, separator, label):
    assert path_and_label(f"folder/x{path}{separator}{label}") == (f"folder/x{path}", label)


@pytest.mark.parametrize(
    ("labels", "words"),
    [
        ((0, 0, 2, 3), "classes without an image in .*: 1, first class 1"),
        ((1, 1, 2, 2), "classes without an image in .*: 1, first class 0"),
        ((0, 1, 1, 9_000_000), "classes without an image in .*: 8999998, first class 2"),
        ((0, 0, 0, 0), "has one class"),
        ((0, 0, 1, 1), r"too large in Set_LT_test\.txt: 1, first 2 for val/z\.jpg; .* end at 1"),
        ((0, 1, 2, 3), r"without an image in Set_LT_test\.txt: 1, first class 3"),
    ],
)
def test_labels_run_from_0_without_gaps_on_both_sides(root, labels, words):
    write(root, "Set_LT_train.txt", dict(zip(TRAIN, labels, strict=True)))
    with pytest.raises(DataError, match=words):
        opened(root)


def test_a_repeated_image_is_counted_and_named(root):
    write(root, "Set_LT_train.txt", "train/n01/a.jpg 0\ntrain/n02/a.jpg 1\n./train/n02/a.jpg 1\ntrain/n01/a.jpg 2\n")
    with pytest.raises(DataError, match=r"repeats images: 2, first train/n01/a\.jpg"):
        opened(root)


def test_an_image_to_train_and_to_test_on_is_refused(root):
    write(root, "Set_LT_test.txt", {"val/x.jpg": 0, "train/n02/a.jpg": 1, "train/n03/a.jpg": 2})
    with pytest.raises(DataError, match=r"images in both .*: 2, first train/n02/a\.jpg"):
        opened(root)


def test_missing_images_are_counted_and_three_of_them_named(root):
    gone = {f"train/n0{k}/gone{i}.jpg": k for k in range(3) for i in range(2)}
    write(root, "Set_LT_train.txt", TRAIN | gone)
    with pytest.raises(DataError, match=r"6 of 10 images .*gone0\.jpg, .*gone1\.jpg, .*gone0\.jpg …; set data\.path"):
        opened(root)


@pytest.mark.parametrize(
    ("files", "words"),
    [
        ((), "training lists .* are none"),
        (("train.txt",), "test lists .* are none"),
        (("a_train.txt", "b_train.txt", "test.txt"), r"training lists .* are a_train\.txt, b_train\.txt"),
        (("train.txt", "test.txt", "Tiny_TEST.TXT"), r"test lists .* are Tiny_TEST\.TXT, test\.txt"),
    ],
)
def test_lists_that_are_missing_or_many_are_listed(tmp_path, files, words):
    for name in files:
        (tmp_path / name).write_text("a.jpg 0\n")
    with pytest.raises(DataError, match=words):
        opened(tmp_path)


def test_a_training_list_that_also_says_test_is_a_training_list(root):
    (root / "Set_LT_train.txt").rename(root / "latest_train.txt")
    assert len(opened(root).train_labels) == 4


def test_no_folder_is_an_error_that_says_what_to_set(root):
    with pytest.raises(DataError, match=r"set data\.path; expected the images"):
        opened(None)
    with pytest.raises(DataError, match=r"is a file, not a folder; expected one list \*train\*\.txt"):
        opened(root, lists=root / "Set_LT_train.txt")


def test_a_list_that_is_no_text_or_empty_is_an_error(root):
    (root / "Set_LT_train.txt").write_bytes(b"\xff\xfe\x00\x80")
    with pytest.raises(DataError, match="cannot be read as text"):
        opened(root)
    write(root, "Set_LT_train.txt", "\n\n")
    with pytest.raises(DataError, match="is empty"):
        opened(root)


@pytest.mark.parametrize(("source", "classes"), [("imagenet-lt", 1000), ("inat2018", 8142)])
def test_a_published_name_is_kept_for_lists_of_its_number_of_classes(root, source, classes):
    with pytest.raises(DataError, match=f'has {classes} classes .* end at 2; .* "list-files"'):
        opened(root, source)


def test_an_undecodable_image_is_named_when_it_is_read(root):
    (root / "val/y.jpg").write_bytes(b"broken")
    with pytest.raises(DataError, match=r"images of the test list that cannot be used: 1; .*y\.jpg is not an image"):
        opened(root).images("test", np.arange(3))


def test_without_an_image_size_all_images_must_be_equal_in_size(root):
    source = opened(root, image_size=None)
    assert source.images("train", np.array([2])).shape == (1, 3, 12, 14)
    with pytest.raises(DataError, match=r"set data\.image_size"):
        source.images("train", np.array([0, 1]))


def test_classes_are_named_after_their_folders_where_each_has_one_of_its_own(root):
    assert opened(root).class_names == ("n01", "n02", "n03")
    write(root, "Set_LT_train.txt", dict(zip(TRAIN, (0, 1, 1, 2), strict=True)))
    assert opened(root).class_names == ("0", "1", "2")


def test_names_are_read_from_a_file_where_there_is_one(root):
    categories = [{"id": 2, "name": "Puma concolor"}, {"id": 0, "name": "Felis catus"}, {"id": 1, "name": "Lynx"}]
    (root / "categories.json").write_text(json.dumps(categories))
    assert opened(root).class_names == ("Felis catus", "Lynx", "Puma concolor")
    (root / "classes.txt").write_text("cat\nlynx\n\npuma\n")
    assert opened(root).class_names == ("cat", "lynx", "puma")


@pytest.mark.parametrize(
    ("name", "text", "words"),
    [
        ("classes.txt", "cat\n", "has 1 names for 3 classes"),
        ("categories.json", "{}", "has 0 names for 3"),
        ("categories.json", '[{"id": 1, "name": "a"}, {"id": 2, "name": "b"}]', "do not run from 0 to 1, as labels do"),
        ("categories.json", "[1]", "cannot be read as class names"),
        ("categories.json", "{", "cannot be read as class names"),
    ],
)
def test_a_file_of_names_that_does_not_fit_is_an_error(root, name, text, words):
    (root / name).write_text(text)
    with pytest.raises(DataError, match=words):
        opened(root)
