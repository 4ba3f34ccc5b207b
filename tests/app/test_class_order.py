"""Classes stand from the most frequent to the rarest, in whatever order the data set names them."""

import numpy as np
import pytest

from app import palette, panels, reading
from tests.app.conftest import train_here
from tests.data.small_images import save

COUNTS = {"ants": 3, "bees": 9, "cats": 5, "dogs": 14, "elks": 7, "foxes": 2}


@pytest.fixture
def run(lab):
    photos = lab.home.parent / "photos"
    for seed, (name, count) in enumerate(COUNTS.items()):
        for place in range(count + 2):
            save(photos / name / f"{place}.png", 100 * seed + place)
    train_here(lab, epochs=1, presets=["own-images-bcl"], data__test_per_class=1, path=photos, batch_size=8)
    return panels.shown(reading.the_lab().runs())[0]


def names(axis):
    return [label.partition(" ·")[0] for label in axis]


def test_heat_maps_and_bars_are_sorted_by_training_count(run):
    about = reading.samples(run.run_id)
    order = np.argsort(-about.class_counts, kind="stable")
    expected = [about.class_names[k] for k in order]
    assert expected != list(about.class_names)
    assert names(panels.angle_map(run).data[0].y) == expected
    assert names(panels.accuracy_bars((run,)).data[0].x) == expected


def test_values_stay_with_their_classes(run):
    about, arrays = reading.samples(run.run_id), reading.view(run.run_id, run.epoch)
    bars = panels.accuracy_bars((run,)).data[0]
    by_name = dict(zip(names(bars.x), bars.y, strict=True))
    for name, accuracy in zip(about.class_names, arrays["accuracy_per_class"], strict=True):
        assert by_name[name] == accuracy
    cells = panels.angle_map(run).data[0]
    first, second = (about.class_names.index(name) for name in names(cells.y)[:2])
    unit = arrays["class_means"] / np.linalg.norm(arrays["class_means"], axis=1, keepdims=True)
    assert np.cos(np.radians(cells.customdata[0, 1])) == pytest.approx(unit[first] @ unit[second], abs=1e-4)


def test_few_classes_keep_the_colours_of_their_places(run):
    traces = {trace.name.partition(" ·")[0]: trace for trace in panels.embedding(run, dims=2).data if trace.name}
    for name, colour in zip(reading.samples(run.run_id).class_names, palette.class_colours(6), strict=True):
        assert traces[name].marker.color == colour
