"""Every page says something true in every state of the lab, and never a traceback."""

import json

import numpy as np
import pytest

from app.words import verbatim
from bcl_core import geometry
from bcl_core.data import long_tail_counts
from bcl_core.lab.shelf import shelf_home

DIGITS_LT = [130, 84, 54, 35, 22, 14, 9, 6, 4, 2]
PAGES = ["start", "learn", "lab", "library", "predict", "theory", "report"]


def words(app):
    """All text of a page."""
    kinds = (app.markdown, app.caption, app.info, app.warning, app.error, app.title, app.subheader)
    return " ".join(element.value for kind in kinds for element in kind)


def click(app, label):
    [button] = [button for button in app.button if button.label == label]
    return button.click().run()


@pytest.mark.parametrize("page", PAGES)
def test_an_empty_lab_leads_to_training(lab, open_page, page):
    app = open_page(page)
    assert not app.exception and not app.error


@pytest.mark.smoke
@pytest.mark.parametrize("page", PAGES)
def test_a_trained_lab_is_shown_without_complaint(trained, open_page, page):
    app = open_page(page)
    assert not app.exception and not app.error and not app.warning


def test_what_could_not_be_registered_is_said_on_every_page(lab, open_page, monkeypatch):
    fault = "BCL_LAB_LOSSES has 'mine': should be name=module:target"
    monkeypatch.setattr("bcl_core.registry.FAULTS", (fault,))
    app = open_page("library")
    assert verbatim(f"{fault}.") in words(app)


def test_a_lab_that_cannot_be_kept_is_explained_on_the_page(tmp_path, monkeypatch, open_page):
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("BCL_LAB_HOME", str(tmp_path / "file" / "lab"))
    app = open_page("start")
    assert verbatim("BCL_LAB_HOME") in app.error[0].value
    assert not app.exception


def test_predict_shows_the_optimum_of_pasted_counts(lab, open_page):
    app = open_page("predict")
    app.segmented_control(key="counts_from").set_value("Paste them").run()
    app.text_area(key="counts").set_value("100, 30, 10, 3").run()
    [table] = app.table
    off = table.value.set_index("Loss")["predicted off the simplex °"].astype(float)
    assert off["BCL, class anchors"] < 5 < off.max()
    assert (table.value["certificate"].str.fullmatch(r"\[optimum\]\(theory#[a-z-]+\) to 1e-[0-9]+; unique")).all()
    assert "109.47°" in words(app)


def test_predict_sets_what_was_measured_beside_its_prediction_and_says_of_which_batch_that_is(lab, open_page):
    app = open_page("predict")
    table = app.table[0].value.set_index("Loss")
    rows = [run for run in json.loads((shelf_home() / "ablations.json").read_text())["runs"] if run["cell"] == "bcl"]
    tails = [run["last"]["tail_tail"] for run in rows]
    wanted = f"{np.mean(tails):.1f} ± {np.std(tails, ddof=1):.1f}"
    assert table.loc["BCL", "measured tail–tail °"] == wanted
    assert list(table.columns[:2]) == ["predicted tail–tail °", "measured tail–tail °"]  # what a phone shows first
    found = geometry.optimal_configuration(
        DIGITS_LT, class_averaging=True, class_complement=True, temperature=0.3, batch_size=64, compositions=4_000
    )
    for column, vectors in (
        ("predicted tail–tail °", found.means),
        ("predicted prototypes tail–tail °", found.prototypes),
    ):
        angle = geometry.simplex_metrics(vectors, DIGITS_LT)["angle_tail_tail"]
        assert float(table.loc["BCL", column]) == pytest.approx(angle, abs=0.06)
    assert "Predicted for batches of 64, on average over 4,000 drawn ones" in words(app)
    app.slider(key="temperature").set_value(0.5).run()
    assert "measured tail–tail °" not in app.table[0].value.columns


@pytest.mark.parametrize("choice", ["everything", "batch"])
def test_predict_shows_the_optimum_of_other_batches_and_nothing_measured_in_them(lab, open_page, choice):
    app = open_page("predict")
    if choice == "everything":
        app.toggle(key="everything").set_value(True).run()
    else:
        app.number_input(key="batch").set_value(16).run()
    table = app.table[0].value.set_index("Loss")
    assert "measured tail–tail °" not in table.columns
    assert float(table.loc["BCL", "predicted tail–tail °"]) == pytest.approx(
        74.2 if choice == "everything" else 90.3, abs=0.5
    )
    assert ("one batch of everything" if choice == "everything" else "batches of 16") in words(app)


def test_where_the_tail_is_one_class_predict_shows_the_two_rarest(lab, open_page):
    app = open_page("predict")
    app.slider(key="classes").set_value(4).run()
    table = app.table[0].value
    assert not table.isna().any().any() and not (table == "None").any().any()
    found = geometry.optimal_configuration(
        long_tail_counts(4, 130, imbalance_factor=50),
        class_averaging=True,
        class_complement=True,
        temperature=0.3,
        batch_size=64,
    )
    cosine = float(found.means[2] @ found.means[3])
    assert float(table.set_index("Loss").loc["BCL", "predicted two rarest °"]) == pytest.approx(
        np.degrees(np.arccos(cosine)), abs=0.1
    )


@pytest.mark.parametrize(
    "text", ["130 84 many", "130 -4", "0 5", "7", "1 " * 500, "", "1.5 2", "9" * 30 + " 3", "9" * 5000 + " 3"]
)
def test_predict_says_what_is_wrong_with_pasted_counts(lab, open_page, text):
    app = open_page("predict")
    app.segmented_control(key="counts_from").set_value("Paste them").run()
    app.text_area(key="counts").set_value(text).run()
    assert app.error and not app.exception


def test_predict_says_when_a_simplex_does_not_fit(lab, open_page):
    app = open_page("predict")
    app.slider(key="classes").set_value(4).run()
    app.number_input(key="dim4").set_value(2).run()
    assert "needs 3 dimensions" in app.warning[0].value
