"""What a look at data says before anything is trained."""

import io
import json
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from bcl_core.data.dataset import prepare
from bcl_core.data.source import DataError
from bcl_core.lab import cost, preview
from bcl_core.lab.tiles import GAP, sheet
from bcl_core.recipe import DataPaths, Execution, Recipe, RecipeError, apply_settings, preset
from tests.conftest import small
from tests.data.small_images import save

ONE_THREAD = Execution(threads=1)


def asked(folder: Path, recipe: Recipe, image: int | None = None, execution: Execution = ONE_THREAD) -> Path:
    folder.mkdir()
    request = {"recipe": recipe.model_dump(mode="json"), "execution": execution.model_dump(mode="json"), "image": image}
    (folder / "request.json").write_text(json.dumps(request))
    return folder


@pytest.fixture(scope="module")
def digits(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = asked(tmp_path_factory.mktemp("preview") / "digits", preset("digits-bcl"))
    preview.make(folder)
    return folder


@pytest.fixture
def photos(tmp_path: Path) -> tuple[Recipe, Execution]:
    """Two classes of image files, to be streamed, one file of them broken."""
    for place in range(12):
        save(tmp_path / "photos" / ("cats" if place < 8 else "dogs") / f"{place}.png", place, (40, 30))
    (tmp_path / "photos" / "dogs" / "broken.png").write_text("no picture")
    settings = {"data.loading": "stream", "data.image_size": 16, "data.test_per_class": 2, "batch_size": 4}
    settings |= {"data.path": tmp_path / "photos", "data.workers": 0, "views": "randaugment-sim-sim"}
    return apply_settings(preset("own-images-bcl"), ONE_THREAD, settings)


def picture(path: Path) -> Image.Image:
    return Image.open(io.BytesIO(path.read_bytes()))


def test_it_counts_what_training_will_see(digits):
    facts = json.loads((digits / "preview.json").read_text())
    dataset = prepare(preset("digits-bcl"))
    assert facts["train_counts"] == dataset.class_counts.tolist()
    assert facts["test_counts"] == [40] * 10
    assert facts["class_names"] == list(dataset.class_names)
    assert facts["steps_per_epoch"] == sum(facts["train_counts"]) // 64
    assert (facts["channels"], facts["height"], facts["width"]) == (1, 8, 8)
    assert facts["images_bytes"] == 8 * 8 * (sum(facts["train_counts"]) + 400)


def test_the_time_of_a_run_is_that_of_all_its_steps(digits):
    measured = json.loads((digits / "cost.json").read_text())
    assert measured["step_seconds"] > 0
    assert measured["total_seconds"] == pytest.approx(measured["step_seconds"] * 5 * 60)
    assert (measured["images"], measured["batch_size"], measured["threads"]) == (64, 64, 1)
    assert measured["memory_bytes"] > 50e6


def test_sample_images_are_the_training_images_of_their_class_row_by_row(digits):
    tiles = picture(digits / "samples.png")
    dataset, pitch = prepare(preset("digits-bcl")), preview.SAMPLE_PIXELS + GAP
    assert tiles.size == (preview.IMAGES_A_CLASS * pitch, 10 * pitch)
    first_of_3 = dataset.train.images[dataset.train.labels == 3][0, 0]
    tile = np.asarray(tiles.crop((0, 3 * pitch, 64, 3 * pitch + 64)))[::8, ::8, 0]
    assert np.array_equal(tile, first_of_3.astype(int) * 255 // 16)
    assert tiles.getpixel((7 * pitch, 9 * pitch))[3] == 0, "the rarest class has two images; the rest is empty"


def test_views_show_the_image_above_different_draws_of_each(digits):
    tiles, pitch = np.asarray(picture(digits / "views.png")), preview.VIEW_PIXELS + GAP
    size = preview.VIEW_PIXELS
    draws = {
        tiles[row * pitch : row * pitch + size, column * pitch : column * pitch + size, 0].tobytes()
        for row in (1, 2, 3)
        for column in range(preview.DRAWS)
    }
    assert len(draws) == 3 * preview.DRAWS
    image = prepare(preset("digits-bcl")).train.images[0, 0]
    assert np.array_equal(tiles[:size:12, :size:12, 0], image.astype(int) * 255 // 16)


def test_one_image_s_views_alone_can_be_asked_for(tmp_path):
    folder = asked(tmp_path / "one", small(), image=3)
    preview.make(folder)
    assert {file.name for file in folder.glob("*.*")} == {"request.json", "views.png"}


def test_an_image_that_is_not_there_is_named_with_those_that_are(tmp_path):
    with pytest.raises(DataError, match="360 training images; choose one from 0 to 359"):
        preview.make(asked(tmp_path / "far", preset("digits-bcl"), image=360))


def test_streamed_images_are_looked_at_without_holding_them(photos, tmp_path):
    recipe, execution = photos
    folder = asked(tmp_path / "streamed", recipe, execution=execution)
    preview.make(folder)
    facts = json.loads((folder / "preview.json").read_text())
    assert (facts["train_counts"], facts["streamed"], facts["images_bytes"]) == ([6, 2], True, 0)
    assert [Path(name).name for name in facts["left_out"]] == ["broken.png"]
    assert json.loads((folder / "cost.json").read_text())["decode_seconds"] > 0
    assert picture(folder / "views.png").size[1] == 4 * (preview.VIEW_PIXELS + GAP)


def test_the_data_are_shown_even_where_the_step_cannot_be_measured(tmp_path):
    if torch.cuda.is_available():
        pytest.skip("this machine has a GPU")
    folder = asked(tmp_path / "gpu", small(), execution=Execution(device="cuda"))
    with pytest.raises(RecipeError, match="no GPU"):
        preview.make(folder)
    assert {"preview.json", "samples.png", "views.png"} <= {file.name for file in folder.iterdir()}
    assert not (folder / "cost.json").exists()


def test_missing_data_leave_nothing_behind_and_say_what_is_needed(tmp_path):
    folder = asked(tmp_path / "none", preset("own-images-bcl"), execution=Execution(data=DataPaths(path="/nowhere")))
    with pytest.raises(DataError, match="/nowhere"):
        preview.make(folder)
    assert {file.name for file in folder.glob("*.*")} == {"request.json"}


@pytest.mark.parametrize("text", ["", "{}", '{"recipe": {"epochs": 0}}', '{"recipe": {}, "image": -1}'])
def test_a_request_that_is_none_is_refused(tmp_path, text):
    (tmp_path / "request.json").write_text(text)
    with pytest.raises(RecipeError):
        preview.make(tmp_path)


def test_a_batch_that_is_too_much_for_this_machine_is_scaled_up_from_a_few_images(monkeypatch):
    recipe = small(batch_size=64)
    dataset = prepare(recipe)
    monkeypatch.setattr(cost, "PATIENCE_SECONDS", 0)
    scaled = cost.measure(recipe, dataset, ONE_THREAD)
    assert (scaled.images, scaled.batch_size) == (cost.PROBE_IMAGES, 64)
    steps = len(dataset.train.labels) // 64 * recipe.epochs
    assert scaled.total_seconds == pytest.approx(scaled.step_seconds * steps)


@pytest.mark.parametrize("num_classes", [3, 20, 21, 1000])
def test_the_classes_shown_are_distinct_and_reach_from_the_most_frequent_to_the_rarest(num_classes):
    counts = np.random.default_rng(0).permutation(np.arange(1, num_classes + 1))
    shown = preview.sampled_classes(counts)
    assert len(set(shown)) == len(shown) == min(num_classes, 20)
    assert list(counts[shown]) == sorted(counts[shown], reverse=True)
    assert (counts[shown[0]], counts[shown[-1]]) == (num_classes, 1)


def test_large_images_are_scaled_down_and_small_ones_keep_their_pixels():
    large, little = np.full((1, 3, 100, 50), 255, np.uint8), np.eye(8, dtype=np.uint8)[None, None]
    tiles = np.asarray(Image.open(io.BytesIO(sheet([large, little], columns=2, pixel_max=1, pixels=32))))
    assert tiles.shape == (2 * (32 + GAP), 2 * (32 + GAP), 4)
    assert np.array_equal(tiles[34:66:4, :32:4, 0], np.eye(8) * 255)
    assert tiles[16, 16, 3] == 255
    assert tiles[16, 2, 3] == 0
