"""A folder of one's own: which images are taken, in which classes, and what is said of the rest."""

import os

import numpy as np
import pytest

from bcl_core.data import folder as folder_module
from bcl_core.data.folder import FolderSource
from bcl_core.data.images import decode
from bcl_core.data.source import DataError
from tests.data.small_images import encoded, opening, picture, save


def opened(path, **more):
    return FolderSource(opening("folder", path, **({"image_size": 8} | more)))


def everything(source, split="train"):
    labels = source.train_labels if split == "train" else source.test_labels
    return np.arange(len(labels))


@pytest.fixture
def cats_and_dogs(tmp_path):
    """Four cats and two dogs to train on, two of each to test on."""
    for side, name, count in (("train", "cat", 4), ("train", "dog", 2), ("test", "cat", 2), ("test", "dog", 2)):
        for i in range(count):
            save(tmp_path / side / name / f"{i}.png", i + 10 * len(side))
    return tmp_path


@pytest.mark.parametrize("decode_now", [True, False])
def test_pixels_labels_and_files_belong_together(cats_and_dogs, decode_now):
    source = opened(cats_and_dogs, decode=decode_now)
    assert source.class_names == ("cat", "dog")
    assert source.train_labels.tolist() == [0, 0, 0, 0, 1, 1]
    assert source.test_labels.tolist() == [0, 0, 1, 1]
    for split in ("train", "test"):
        files = source.files(split, everything(source, split))
        for pixels, file in zip(source.images(split, everything(source, split)), files, strict=True):
            np.testing.assert_array_equal(pixels, decode(file, 8))
    assert source.files("train", np.array([4]))[0] == cats_and_dogs / "train" / "dog" / "0.png"


@pytest.mark.parametrize("name", ["val", "valid", "validation", "Test"])
def test_a_validation_folder_serves_as_test_set(cats_and_dogs, name):
    (cats_and_dogs / "test").rename(cats_and_dogs / name)
    assert len(opened(cats_and_dogs).test_labels) == 4


def test_test_is_preferred_to_val(cats_and_dogs):
    for name in ("cat", "dog"):
        save(cats_and_dogs / "val" / name / "0.png")
    assert len(opened(cats_and_dogs).test_labels) == 4


def test_class_folders_alone_have_no_test_set(cats_and_dogs):
    source = opened(cats_and_dogs / "train")
    assert source.class_names == ("cat", "dog")
    assert source.test_labels is None


def test_train_beside_nothing_has_no_test_set(cats_and_dogs):
    for file in sorted((cats_and_dogs / "test").rglob("*"), reverse=True):
        file.unlink() if file.is_file() else file.rmdir()
    (cats_and_dogs / "test").rmdir()
    source = opened(cats_and_dogs)
    assert source.class_names == ("cat", "dog")
    assert source.test_labels is None


def test_trains_may_be_a_class(tmp_path):
    for name in ("car", "train"):
        save(tmp_path / name / "0.jpg")
    assert opened(tmp_path).class_names == ("car", "train")


def test_class2_comes_before_class10(tmp_path):
    for name in ("class10", "class2", "Class1", "other"):
        save(tmp_path / name / "a.png")
    assert opened(tmp_path).class_names == ("Class1", "class2", "class10", "other")


def test_images_lie_in_deeper_folders_too(cats_and_dogs):
    save(cats_and_dogs / "train" / "dog" / "puppies" / "small" / "x.png")
    assert opened(cats_and_dogs).train_labels.tolist() == [0, 0, 0, 0, 1, 1, 1]


def test_what_systems_leave_behind_is_passed_over(cats_and_dogs):
    for litter in (
        ".DS_Store",
        "__MACOSX/train/._0.png",
        "train/.hidden/0.png",
        "train/cat/._0.png",
        "train/cat/Thumbs.db",
        "train/cat/notes.txt",
        "train/dog/@eaDir/0.png",
    ):
        file = cats_and_dogs / litter
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(b"litter")
    source = opened(cats_and_dogs)
    assert source.train_labels.tolist() == [0, 0, 0, 0, 1, 1]
    assert source.left_out == ()


def test_links_that_lead_in_circles_end(cats_and_dogs):
    cat = cats_and_dogs / "train" / "cat"
    (cat / "again").symlink_to(cat, target_is_directory=True)
    (cat / "deep").mkdir()
    (cat / "deep" / "up").symlink_to(cats_and_dogs / "train" / "cat", target_is_directory=True)
    (cat / "self").symlink_to(cat / "self")
    assert opened(cats_and_dogs).train_labels.tolist() == [0, 0, 0, 0, 1, 1]


@pytest.mark.parametrize("decode_now", [True, False])
def test_broken_files_are_left_out_and_named(cats_and_dogs, decode_now):
    (cats_and_dogs / "train" / "cat" / "1.png").write_bytes(b"no image")
    (cats_and_dogs / "test" / "dog" / "0.png").write_bytes(b"")
    source = opened(cats_and_dogs, decode=decode_now)
    assert source.left_out == ("train/cat/1.png", "test/dog/0.png")
    assert source.train_labels.tolist() == [0, 0, 0, 1, 1]
    assert source.test_labels.tolist() == [0, 0, 1]
    assert [file.name for file in source.files("train", np.arange(3))] == ["0.png", "2.png", "3.png"]
    np.testing.assert_array_equal(source.images("train", np.array([1]))[0], decode(source.files("train", [1])[0], 8))


def test_a_file_cut_short_is_found_when_all_are_decoded_at_once(cats_and_dogs):
    file = cats_and_dogs / "train" / "cat" / "1.png"
    file.write_bytes(encoded(picture(0, (60, 60)))[:-500])
    assert opened(cats_and_dogs).left_out == ("train/cat/1.png",)


def test_mixed_formats_make_one_array(tmp_path):
    for name in ("a", "b"):
        save(tmp_path / name / "rgb.JPG", 1, (40, 30))
        picture(2, (9, 20)).convert("L").save(tmp_path / name / "grey.png")
        picture(3, (16, 16)).convert("RGBA").save(tmp_path / name / "clear.webp")
        picture(4, (16, 8)).convert("CMYK").save(tmp_path / name / "print.tif")
    source = opened(tmp_path)
    assert source.images("train", everything(source)).shape == (8, 3, 8, 8)


def test_without_an_image_size_all_images_must_be_equal_in_size(cats_and_dogs):
    assert opened(cats_and_dogs, image_size=None).images("train", np.array([0])).shape == (1, 3, 12, 12)
    save(cats_and_dogs / "train" / "dog" / "wide.png", 0, (30, 12))
    with pytest.raises(DataError, match=r"wide\.png is 30×12 pixels .* 12×12: set data\.image_size"):
        opened(cats_and_dogs, image_size=None)


def test_a_class_on_one_side_only_is_named(cats_and_dogs):
    save(cats_and_dogs / "train" / "emu" / "0.png")
    with pytest.raises(DataError, match=r"train has classes that .*test has not: emu"):
        opened(cats_and_dogs)
    save(cats_and_dogs / "test" / "emu" / "0.png")
    save(cats_and_dogs / "test" / "fox" / "0.png")
    with pytest.raises(DataError, match=r"test has classes that .*train has not: fox"):
        opened(cats_and_dogs)


def test_a_class_without_a_readable_image_is_named(cats_and_dogs):
    for file in (cats_and_dogs / "test" / "dog").iterdir():
        file.write_bytes(b"broken")
    with pytest.raises(DataError, match=r"class folders in .*test that hold only images that cannot be read: dog;"):
        opened(cats_and_dogs)
    for file in (cats_and_dogs / "test" / "dog").iterdir():
        file.unlink()
    with pytest.raises(DataError, match=r"class folders in .*test that hold no image: dog;"):
        opened(cats_and_dogs)


def test_one_class_is_too_few(tmp_path):
    save(tmp_path / "cat" / "0.png")
    with pytest.raises(DataError, match="needs at least two class folders and has 1"):
        opened(tmp_path)


def test_no_folder_a_missing_one_an_empty_one_and_a_file_are_told_apart(tmp_path):
    archive = tmp_path / "photos.zip"
    archive.write_bytes(b"PK")
    with pytest.raises(DataError, match=r"set data\.path; expected train/<class>"):
        opened(None)
    with pytest.raises(DataError, match=r"there is no folder .*nowhere; expected train/<class>"):
        opened(tmp_path / "nowhere")
    with pytest.raises(DataError, match="has no subfolders; expected train/<class>"):
        opened(tmp_path)
    with pytest.raises(DataError, match=r"photos\.zip is an archive: unpack it"):
        opened(archive)
    with pytest.raises(DataError, match=r"a\.png is a file, not a folder"):
        opened(save(tmp_path / "a.png"))
    with pytest.raises(DataError, match="cannot be opened: Not a directory"):
        opened(tmp_path / "a.png" / "b")


def test_test_without_train_is_an_error(cats_and_dogs):
    (cats_and_dogs / "train").rename(cats_and_dogs / "training")
    with pytest.raises(DataError, match="has test and no train"):
        opened(cats_and_dogs)


def test_an_unreadable_folder_is_named(cats_and_dogs, monkeypatch):
    listing = folder_module.Path.iterdir

    def iterdir(folder):
        if folder.name == "dog":
            raise PermissionError(13, os.strerror(13), str(folder))
        return listing(folder)

    monkeypatch.setattr(folder_module.Path, "iterdir", iterdir)
    with pytest.raises(DataError, match="dog cannot be read: Permission denied; allow this user"):
        opened(cats_and_dogs)


def test_a_folder_that_may_not_be_looked_into_is_named(cats_and_dogs, monkeypatch):
    def is_dir(folder):
        raise PermissionError(13, os.strerror(13), str(folder))

    monkeypatch.setattr(folder_module.Path, "is_dir", is_dir)
    with pytest.raises(DataError, match="cannot be opened: Permission denied; allow this user"):
        opened(cats_and_dogs)


def test_the_whole_disk_is_no_folder_of_images():
    with pytest.raises(DataError, match=r"/ is the whole disk: set data\.path to the folder"):
        opened("/")


@pytest.mark.parametrize("decode_now", [True, False])
def test_a_pipe_named_as_an_image_is_not_waited_for(cats_and_dogs, decode_now):
    os.mkfifo(cats_and_dogs / "train" / "cat" / "pipe.png")
    assert opened(cats_and_dogs, decode=decode_now).left_out == ("train/cat/pipe.png",)


def test_images_without_class_folders_ask_to_be_sorted_or_listed(cats_and_dogs):
    """ImageNet's val as it comes."""
    for name in ("cat", "dog"):
        for image in (cats_and_dogs / "test" / name).iterdir():
            image.rename(cats_and_dogs / "test" / f"{name}{image.name}")
        (cats_and_dogs / "test" / name).rmdir()
    with pytest.raises(DataError, match=r"test holds images without class folders.*list-files"):
        opened(cats_and_dogs)
