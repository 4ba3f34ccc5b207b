"""The sphere lab's page, and its predictions: the solver's, or a reason in words."""

import re
from collections.abc import Iterator

import numpy as np
import pytest

from app.routes import sphere
from bcl_core.geometry import optimal_configuration, pairwise_angles
from bcl_core.lab import Lab
from tests.routes.serving import Get, served

ASKED = "sphere/predicted?counts=100.30.10.3&loss=bcl-class&temperature=0.5&batch=64"


@pytest.fixture(scope="module")
def get(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Get]:
    lab = Lab(tmp_path_factory.mktemp("lab"))
    with served(lambda: lab) as ask:
        yield ask


def test_what_the_lab_opens_with_is_the_solver_s() -> None:
    told, found = sphere.PREDICTED.read_text(encoding="utf-8"), sphere.javascript()
    number = r"\d+\.\d+"
    assert re.sub(number, "", told) == re.sub(number, "", found), "run `python -m app.routes.sphere`"
    angles = [[float(angle) for angle in re.findall(number, text)] for text in (told, found)]
    assert angles[0] == pytest.approx(angles[1], abs=0.05)


def test_a_prediction_is_the_solver_s(get: Get) -> None:
    found = optimal_configuration(
        [100, 30, 10, 3],
        class_averaging=True,
        class_complement=True,
        anchors="class",
        temperature=0.5,
        batch_size=64,
        dim=3,
        compositions=4_000,
    )
    assert get(ASKED).document["angles"] == pytest.approx(pairwise_angles(found.means).ravel(), abs=0.01)


def test_a_batch_larger_than_the_data_is_one_of_everything(get: Get) -> None:
    large, whole = (get(ASKED.replace("batch=64", f"batch={size}")).document["angles"] for size in (1000, 143))
    assert large == whole
    assert np.allclose(np.array(large).reshape(4, 4)[~np.eye(4, dtype=bool)], 109.47, atol=0.1)


@pytest.mark.parametrize(
    "wrong",
    [
        *("counts=5", "counts=9.9.9.9.9", "counts=0.3", "counts=300.300", "counts=x", "counts="),
        *("temperature=0", "temperature=nan", "temperature=x", "batch=1", "batch=x", "batch=1.5", "loss=ce"),
    ],
)
def test_what_cannot_be_predicted_is_refused_in_words(get: Get, wrong: str) -> None:
    name, instead = wrong.split("=")[0], [wrong, ""]
    for asked in (re.sub(rf"\b{name}=[^&]*", other, ASKED) for other in instead):
        answer = get(asked)
        assert answer.status == 422
        assert re.match(f"no prediction for that: .*{name} (is|are|a)", answer.error)


@pytest.mark.parametrize("page_name", ["sphere", "lessons"])
def test_a_page_of_its_own_names_only_files_that_are_there(get: Get, page_name: str) -> None:
    page = get(page_name, accept="identity")
    assert page.headers["content-type"].startswith("text/html")
    names = re.findall(r'(?:src|href)="([^"]+)"', page.content.decode())
    assert len(names) == 2
    assert get("lessons/told").document["lessons"][0]["key"] == "A"
    assert [get(name).status for name in names] == [200, 200]
