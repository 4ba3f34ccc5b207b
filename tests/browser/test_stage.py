"""The stage says what geometry says, hangs on one scrubber without telling the server, and names what is broken."""

import csv
import io
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlparse

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image
from playwright.sync_api import Browser, BrowserContext, Locator, Page, Route, expect

from bcl_core import geometry
from bcl_core.geometry.alignment import QUANTISATION_SCALE
from bcl_core.lab import GroupPlan, Lab
from bcl_core.lab.files import read_arrays, read_metadata
from bcl_core.metrics import METRICS
from bcl_core.recipe import Execution
from harness.made_runs import TRAINING, MadeRun, make_runs, recipe_of
from harness.push_laws import count_effect, count_slope
from harness.serving import ROOT
from tests.browser.conftest import PATIENCE, Opener
from tests.conftest import small

pytestmark = [pytest.mark.browser, pytest.mark.usefixtures("patience")]

LAST = 8
# How much of the picture's smaller side the unit ball leaves for labels.
REACH = float(
    re.findall(r"REACH = ([\d.]+)", (ROOT / "app/components/stage/plots/view.js").read_text(encoding="utf-8"))[0]
)


@pytest.fixture(scope="module")
def runs(lab: Lab) -> list[MadeRun]:
    return make_runs(lab, ["scl", "bcl"], LAST)


@pytest.fixture(scope="module")
def everything(visitor: BrowserContext, app: str, runs: list[MadeRun]) -> Iterator[Page]:
    """All lenses at once, for those who only read them."""
    opener = Opener(visitor, f"{app}lab")
    yield opener(runs, "lens=all")
    opener.close()


def epoch(page: Page) -> Locator:
    return page.locator(".bar .epoch")


def view(run: MadeRun, number: int = LAST) -> dict[str, NDArray[Any]]:
    return read_arrays(run.folder.view(number))


def address(page: Page) -> dict[str, str]:
    return {name: values[0] for name, values in parse_qs(urlparse(page.url).query).items()}


def written(page: Page) -> dict[str, str]:
    """The address, now that it is up to date."""
    page.get_by_role("button", name="Copy link").click()
    return address(page)


def cloud(page: Page, place: int = 0) -> dict[str, float]:
    host = page.locator(".cloud").nth(place)
    host.evaluate("element => element.scrollIntoView({ block: 'center' })")
    host.hover(trial=True)  # it stands still
    box = host.bounding_box()
    assert box is not None
    return box  # type: ignore[return-value]


def on_screen(box: dict[str, float], coordinates: NDArray[Any]) -> NDArray[np.float64]:
    """Pixels of coordinates (N, D) in the picture as fitted: (N, 2)."""
    border = 1
    width, height = box["width"] - 2 * border, box["height"] - 2 * border
    radius = min(width, height) / (2 * REACH)
    middle = np.array([box["x"] + border + width / 2, box["y"] + border + height / 2])
    return middle + radius * np.stack([coordinates[:, 0], -coordinates[:, 1]], axis=1)


def drawn(run: MadeRun) -> NDArray[np.intp]:
    return np.flatnonzero((run.samples.split == 0) & ~run.samples.fits_frame)


def alone(run: MadeRun, places: NDArray[np.float64], marks: NDArray[np.float64]) -> int:
    """A drawn sample that no other sample and no class mean is near."""
    rows = drawn(run)
    gaps = np.linalg.norm(places[rows][:, None] - np.concatenate([places[rows], marks])[None], axis=2)
    gaps[np.arange(len(rows)), np.arange(len(rows))] = np.inf
    return int(rows[gaps.min(axis=1).argmax()])


def test_the_sentence_states_the_degrees_that_geometry_computes(show: Opener, runs: list[MadeRun]) -> None:
    page = show(runs, "lens=formation")
    for number in (LAST, 3):
        if number != LAST:
            page.keyboard.press("Home")
            for _ in range(number):
                page.keyboard.press("ArrowRight")
        degrees = [
            geometry.simplex_metrics(view(run, number)["class_means"], run.samples.class_counts)["angle_tail_tail"]
            for run in runs
        ]
        sentence = page.locator(".sentence")
        expect(sentence).to_contain_text(
            f"At epoch {number} the three rarest classes stand {degrees[0]:.0f}° apart with"
        )
        expect(sentence).to_contain_text(
            f"{degrees[1]:.0f}° with BCL; all classes equally far apart, as in a regular simplex, would be 96.4°."
        )


def test_the_first_picture_stands_before_the_chart_library_has_come(show: Opener, runs: list[MadeRun]) -> None:
    held: list[Route] = []
    hold = lambda page: page.route("**/plotly-*.min.js", lambda route: held.append(route))  # noqa: E731
    page = show(runs, "lens=formation", wait=False, before=hold)
    expect(page.locator(".sentence strong")).to_have_count(len(runs))
    for place in range(len(runs)):
        picture = np.asarray(Image.open(io.BytesIO(page.locator("canvas.strip").nth(place).screenshot())))
        dots = picture[:, -56:-16]  # within the frame at the right end, without the degrees beside it
        assert (np.ptp(dots.reshape(-1, dots.shape[-1]), axis=0)[:3] > 100).any()
    assert held
    expect(page.locator(".formation .main-svg")).to_have_count(0)
    for route in held:
        route.continue_()
    expect(page.locator(".formation .main-svg").first).to_be_visible()


def test_scrubbing_and_playing_send_no_message_and_fetch_no_epoch_twice(
    browser: Browser, show: Opener, runs: list[MadeRun]
) -> None:
    page = show(query="lens=embedding")  # the runs of the newest group
    sent: list[object] = []
    fetched: list[str] = []
    page.on("websocket", lambda socket: socket.on("framesent", lambda frame: sent.append(frame)))
    page.on("request", lambda request: fetched.append(request.url))
    page.reload()
    show.wait(page)
    page.wait_for_load_state("networkidle")
    before = len(sent)
    assert before > 0
    asked = [path for path in fetched if "/bcl/v1/" in path and "/component/" not in path and "plotly" not in path]
    parts = {"pulse?": 1, "/about": len(runs), "/history/": len(runs), "/view/": len(runs), "/samples/": len(runs)}
    assert {part: sum(part in path for path in asked) for part in parts} == parts
    assert len(asked) == sum(parts.values())
    box = page.get_by_role("slider", name="Epoch").bounding_box()
    assert box is not None
    page.mouse.move(box["x"] + 4, box["y"] + box["height"] / 2)
    page.mouse.down()
    page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2, steps=8)
    page.mouse.up()
    expect(epoch(page)).to_have_text(f"epoch 4 / {LAST}")
    page.keyboard.press("Home")
    page.keyboard.press(" ")
    expect(epoch(page)).to_have_text(f"epoch {LAST} / {LAST}", timeout=PATIENCE)
    page.wait_for_timeout(800)  # in which something might be sent
    assert len(sent) == before
    assert sum("pulse?" in path for path in fetched) == 1  # nobody trains
    views = [path for path in fetched if "/view/" in path]
    assert len(views) == len(set(views)) == len(runs) * (LAST + 1)


def test_the_keyboard_alone_scrubs_plays_and_selects(show: Opener, runs: list[MadeRun]) -> None:
    page = show(runs, "lens=embedding")
    for key, wanted in (("Home", 0), ("ArrowRight", 1), ("End", LAST), ("ArrowLeft", LAST - 1)):
        page.keyboard.press(key)
        expect(epoch(page)).to_have_text(f"epoch {wanted} / {LAST}")
    page.keyboard.press("Home")
    page.keyboard.press(" ")
    expect(page.get_by_role("button", name="Pause")).to_be_visible()
    page.keyboard.press(" ")
    expect(page.get_by_role("button", name="Play")).to_be_visible()
    page.keyboard.press("End")
    page.get_by_role("combobox", name="Class", exact=True).focus()
    page.keyboard.press("End")
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    rare = np.flatnonzero(runs[0].samples.labels[drawn(runs[0])] == 9)
    expect(page.locator(".selection")).to_contain_text(f"{len(rare)} selected")
    page.locator(".cloud").first.focus()
    for _ in range(2):
        page.keyboard.press("c")
        page.keyboard.press("Enter")
    true = geometry.pairwise_angles(view(runs[0])["class_means"])[0, 1]
    expect(page.locator(".pair")).to_contain_text(f"True angle between 0 and 1: SCL {true:.1f}°")


def test_hovering_shows_the_right_sample_and_its_neighbours_in_the_full_space(
    show: Opener, runs: list[MadeRun]
) -> None:
    page = show(runs, "lens=embedding")
    [run, other], arrays = runs, view(runs[0])
    box = cloud(page)
    places = on_screen(box, arrays["coordinates"] / QUANTISATION_SCALE)
    row = alone(run, places, on_screen(box, arrays["class_mean_coordinates"]))
    page.mouse.move(*places[row])
    card = page.locator(".card")
    features = read_arrays(run.folder.embeddings(LAST))["projection"].astype(float)
    label = run.samples.labels[row]
    mean = arrays["class_means"][label]
    angles = np.rad2deg(np.arccos(np.clip(features @ features[row] / np.linalg.norm(features, axis=1), -1, 1)))
    near = np.argsort(np.where(np.arange(len(features)) == row, np.inf, angles))[:5]
    to_mean = np.rad2deg(np.arccos(features[row] @ mean / np.linalg.norm(features[row]) / np.linalg.norm(mean)))
    expect(card).to_contain_text(f"{to_mean:.1f}° from its class mean")
    predicted = arrays["predictions"][row]
    said = "predicted right" if predicted == label else f"predicted {predicted}"
    expect(card).to_contain_text(re.compile(rf"^{label}, {said}, confidence {100 * arrays['confidences'][row]:.0f} %"))
    expect(card).to_contain_text(f"{other.recipe.title}: predicted")
    shown = [text.split("\n") for text in card.locator("figcaption").all_inner_texts()]
    assert [(int(name), int(away[:-1])) for name, away in shown] == [
        (run.samples.labels[i], round(angles[i])) for i in near
    ]
    thumb = card.locator(".thumb").first
    expect(thumb).to_have_attribute("aria-label", f"image {row}")
    page.mouse.move(box["x"] + 3, box["y"] + 3)
    expect(card).to_be_hidden()


def test_a_lasso_selects_the_same_samples_in_both_runs_and_in_the_csv(show: Opener, runs: list[MadeRun]) -> None:
    page = show(runs, "lens=embedding")
    page.get_by_role("button", name="Box").click()
    box, arrays = cloud(page), view(runs[0])
    places = on_screen(box, arrays["coordinates"] / QUANTISATION_SCALE)
    middle = places[drawn(runs[0])].mean(axis=0)
    away = abs(places[drawn(runs[0])] - middle)
    half = max(np.arange(40, 90, 0.5), key=lambda half: abs(away - half).min())  # no sample on the outline
    page.mouse.move(*(middle - half))
    page.mouse.down()
    page.mouse.move(*(middle + half), steps=6)
    page.mouse.up()
    inside = drawn(runs[0])[(away < half).all(axis=1)].tolist()
    assert 0 < len(inside) < len(drawn(runs[0]))
    expect(page.locator(".selection")).to_contain_text(f"{len(inside)} selected")
    with page.expect_download() as download:
        page.get_by_role("button", name="Download CSV").click()
    rows = list(csv.DictReader(io.StringIO(Path(download.value.path()).read_text(encoding="utf-8"))))
    assert [int(row["sample"]) for row in rows] == inside
    for run in runs:
        expected = [run.samples.class_names[k] for k in view(run)["predictions"][inside]]
        assert [row[f"{run.recipe.title}: predicted at epoch {LAST}"] for row in rows] == expected
    # In the other run the same samples keep their colour and the others fade.
    page.mouse.move(2, 2)
    other = cloud(page, 1)
    arrays = view(runs[1])
    places = on_screen(other, arrays["coordinates"] / QUANTISATION_SCALE)
    marks = on_screen(other, arrays["class_mean_coordinates"])
    picture = np.array(Image.open(io.BytesIO(page.screenshot())).convert("RGB")).astype(int)
    lightness = {True: [], False: []}
    for row in drawn(runs[1]):
        gaps = np.linalg.norm(np.concatenate([places[drawn(runs[1])], marks]) - places[row], axis=1)
        if np.sort(gaps)[1] > 14:  # no neighbour covers it
            x, y = places[row].round().astype(int)
            lightness[row in inside].append(picture[y, x].max())
    assert lightness[True] and lightness[False]
    assert np.mean(lightness[False]) > np.mean(lightness[True]) + 20


def test_an_address_brings_everything_back_in_another_browser(
    browser: Browser, show: Opener, runs: list[MadeRun]
) -> None:
    page = show(runs, "lens=all")
    page.keyboard.press("End")
    page.keyboard.press("ArrowLeft")
    page.get_by_role("radio", name="confidence").check()
    page.get_by_role("checkbox", name="trails").check()
    page.get_by_role("radio", name="predicted for").check()
    page.get_by_role("radio", name="3D").check()
    page.get_by_role("checkbox", name="log epochs").first.check()
    page.get_by_role("combobox", name="Class", exact=True).select_option(index=4)
    page.get_by_role("button", name="Select its images").click()
    page.get_by_role("button", name="Face").click()
    show.wait(page)
    found = written(page)
    assert found["epoch"] == str(LAST - 1)
    assert {"colour", "layers", "target", "dims", "lens", "log", "selection", "basis", "runs"} <= set(found)
    elsewhere = Opener(browser.new_context(bypass_csp=True), show.url)
    again = elsewhere(query=urlparse(page.url).query)
    assert written(again) == found
    expect(epoch(again)).to_have_text(epoch(page).inner_text())
    expect(again.locator(".selection")).to_contain_text(page.locator(".selection b").first.inner_text())
    pictures = []
    for shown in (page, again):
        cloud(shown, 1)
        shown.mouse.move(2, 2)
        show.wait(shown)
        picture = Image.open(io.BytesIO(shown.locator(".cloud").nth(1).screenshot()))
        pictures.append(np.array(picture.convert("L"), float))
    assert np.abs(pictures[0] - pictures[1]).mean() < 2  # of 255
    elsewhere.close()


def test_garbage_in_the_address_is_the_default(show: Opener, runs: list[MadeRun]) -> None:
    page = show(
        runs,
        "epoch=ten&colour=%00&layers=x.y&basis=AAAA&selection=!!&lens=<b>&panels=<i>&metric=../x&pair=1.2.3&dims=9",
    )
    expect(epoch(page)).to_have_text(f"epoch {LAST} / {LAST}")
    assert set(written(page)) == {"runs"}


def test_a_live_run_appends_without_a_jump_and_can_be_followed(show: Opener, lab: Lab) -> None:
    [run_id] = lab.enqueue(GroupPlan("live", [("BCL, class anchors", recipe_of("bcl-class", 20))]), Execution())
    run = MadeRun(lab, run_id)
    page = show([run], "lens=embedding", wait=False)
    expect(page.get_by_text("has no epoch yet").first).to_be_visible(timeout=PATIENCE)
    run.begin()
    for number in range(3):
        run.epoch(number, 20)
    expect(epoch(page)).to_have_text("epoch 2 / 20", timeout=PATIENCE)  # who says nothing else follows it
    page.keyboard.press("End")
    page.keyboard.press("ArrowLeft")
    expect(epoch(page)).to_have_text("epoch 1 / 20")
    expect(page.locator(".cloud").first).to_be_visible(timeout=PATIENCE)  # the run's classes are known
    page.locator(".cloud").first.evaluate("element => { element.marked = true }")
    run.epoch(3, 20)
    expect(epoch(page)).to_have_text("epoch 1 / 20", timeout=PATIENCE)
    page.get_by_role("button", name="live").click()
    expect(epoch(page)).to_have_text("epoch 3 / 20", timeout=PATIENCE)
    run.epoch(4, 20)
    expect(epoch(page)).to_have_text("epoch 4 / 20", timeout=PATIENCE)
    assert page.locator(".cloud").first.evaluate("element => element.marked")
    run.finish()


def test_a_damaged_epoch_is_named_where_it_would_stand_and_the_rest_goes_on(show: Opener, lab: Lab) -> None:
    broken, whole = make_runs(lab, ["scl", "bcl"], 3, name="broken")
    file = broken.folder.view(2)
    file.write_bytes(file.read_bytes()[:-700])
    broken.folder.view(1).unlink()
    page = show([broken, whole], "lens=all")
    expect(page.locator(".sentence")).to_contain_text("with SCL")
    page.keyboard.press("ArrowLeft")
    first, second = (page.locator(".formation .column").nth(place) for place in (0, 1))
    expect(first.get_by_role("status")).to_contain_text("Epoch 2 cannot be shown. view/0002.safetensors")
    expect(second.get_by_role("status")).to_be_hidden()
    expect(page.locator(".sentence")).to_contain_text("At epoch 2 the three rarest classes stand")
    expect(page.locator(".sentence")).not_to_contain_text("SCL")
    page.keyboard.press("ArrowLeft")
    missing = "Epoch 1 cannot be shown. view/0001.safetensors of this run is missing."
    expect(first.get_by_role("status")).to_have_text(missing)
    expect(page.locator(".push .column").first.get_by_role("status")).to_have_text(missing)
    expect(page.locator(".push .column").nth(1).get_by_role("status")).to_be_hidden()


def test_a_damaged_file_of_a_run_is_named_in_the_pictures_that_need_it_and_its_siblings_go_on(
    show: Opener, lab: Lab
) -> None:
    samples, predicted, whole = make_runs(lab, ["scl", "bcl", "bcl-class"], 1, name="damaged files")
    for file in (samples.folder.samples, predicted.folder.predicted):
        file.write_bytes(file.read_bytes()[:-8])
    page = show([samples, predicted, whole], "lens=all&target=predicted")
    said = page.locator(".embedding .column .message"), page.locator(".angles .column .message")
    expect(said[0].nth(0)).to_contain_text("samples")
    expect(said[1].nth(1)).to_contain_text("predicted")
    for hidden in (said[0].nth(1), said[0].nth(2), said[1].nth(2)):
        expect(hidden).to_be_hidden()
    expect(page.locator(".sentence")).to_contain_text("with BCL")


def test_a_server_that_is_away_is_said_to_be_and_the_page_goes_on_when_it_answers(show: Opener, lab: Lab) -> None:
    page = show(make_runs(lab, ["bcl"], 3, name="away"), "lens=push")  # of which the browser has nothing in its cache
    page.context.set_offline(True)
    try:
        page.keyboard.press("Home")
        expect(page.locator(".bar")).to_contain_text("The server does not answer.")
        expect(page.locator(".sentence")).to_contain_text("At epoch 0")  # its numbers are here
        expect(page.locator(".push .message").first).to_have_text("The server does not answer.")
    finally:
        page.context.set_offline(False)
    show.wait(page)
    expect(page.locator(".bar")).not_to_contain_text("The server does not answer.")
    expect(page.locator(".push .message").first).to_be_hidden()


def test_runs_that_differ_in_the_seed_alone_make_a_band(show: Opener, lab: Lab) -> None:
    recipes = [recipe_of("bcl", 2).model_copy(update={"seed": seed}) for seed in (0, 1, 2)]
    plan = [(f"seed {recipe.seed}", recipe) for recipe in recipes]
    made = [MadeRun(lab, run_id) for run_id in lab.enqueue(GroupPlan("seeds", plan), Execution())]
    for run in made:
        run.begin()
        for number in range(3):
            run.epoch(number, 2)
        run.finish()
    page = show(made[:1], "lens=formation")
    expect(page.locator(".formation .legend")).to_contain_text("range over seeds")


def test_a_loss_without_weights_over_pairs_is_shown_and_says_what_is_not_defined_for_it(show: Opener, lab: Lab) -> None:
    recipes = [recipe_of("bcl", 1), small("digits-bcl", loss__name="proco", epochs=1)]
    runs = [
        MadeRun(lab, run_id)
        for run_id in lab.enqueue(GroupPlan("two", [(recipe.title, recipe) for recipe in recipes]), Execution())
    ]
    for run, gradients in zip(runs, (True, False), strict=True):
        run.begin()
        for number in (0, 1):
            run.epoch(number, 1, gradients=gradients)
        run.finish()
    page = show(runs, "lens=all&layers=means.prototypes")
    said = page.locator(".push").get_by_role("status")
    expect(said).to_have_text("Who pushes whom is not defined for this loss: it has no weights over pairs.")
    expect(page.locator(".push .summary").first).to_contain_text("Slope")
    expect(page.get_by_text("This loss trains no prototypes.").first).to_be_visible()


def test_what_a_run_did_not_record_is_said_in_its_place(show: Opener, lab: Lab) -> None:
    [run_id] = lab.enqueue(GroupPlan("bare", [("bare", recipe_of("ce", 1))]), Execution())
    run = MadeRun(lab, run_id, images=False)
    run.begin()
    run.folder.predicted.unlink()
    for number in (0, 1):
        run.epoch(number, 1, gradients=False, predictions=None, confidences=None, prototypes=None, classifier=None)
    run.finish()
    page = show([run], "lens=all&layers=means.predicted.classifier&target=predicted&of=prototypes&colour=correct")
    expect(page.locator(".push").get_by_role("status")).to_have_text("Cross-entropy alone has no contrastive push.")
    expect(page.locator(".angles").get_by_role("status")).to_have_text("This loss trains no prototypes.")
    tour = page.locator(".embedding .column")
    expect(tour).to_contain_text("No optimum is predicted for this run, whatever the batch.")
    expect(tour).to_contain_text("No predictions were recorded")


@pytest.mark.parametrize("num_classes", [2, 3, 30])
def test_any_number_of_classes_is_shown(show: Opener, lab: Lab, num_classes: int) -> None:
    counts = np.arange(num_classes, 0, -1) * 3
    [run] = make_runs(lab, ["bcl"], 1, name=f"{num_classes} classes", counts=counts, per_class=6, dim=32)
    page = show([run], "lens=all&dims=3")
    expect(page.locator(".sentence")).to_contain_text(f"{geometry.simplex_angle(num_classes):.1f}°")
    for panel in ("formation", "push", "embedding", "angles"):
        expect(page.locator(f".{panel}").get_by_role("status").first).to_be_hidden()
    expect(page.locator(".formation .main-svg").first).to_be_visible(timeout=PATIENCE)


def test_printed_numbers_are_those_of_geometry(everything: Page, runs: list[MadeRun]) -> None:
    page = everything
    for place, run in enumerate(runs):
        arrays, counts = view(run), run.samples.class_counts
        rms = geometry.simplex_metrics(arrays["class_means"], counts)["angle_rms_deviation"]
        expect(page.locator(".angles .summary").nth(place)).to_have_text(
            f"{METRICS['angle_rms_deviation'].title} {rms:.1f}°"
        )
        loss = {"scl": (False, False), "bcl": (True, True)}[run.recipe.variant]
        effect = count_effect(counts, class_averaging=loss[0], class_complement=loss[1], anchors="instance")
        slopes = [count_slope(push, counts) for push in (arrays["pair_push"], effect)]
        share = geometry.tail_push_share(arrays["pair_push"], counts)
        summary = page.locator(".push .summary").nth(place)
        expect(summary).to_contain_text(
            f"Slope {slopes[0]:.2f}, counts alone {slopes[1]:.2f} in one batch of everything"
        )
        said = re.search(r"within the tail ([\d.]+) %", summary.inner_text())
        assert said is not None and float(said[1]) == pytest.approx(100 * share, rel=0.06)
        metrics = read_metadata(run.folder.view(LAST))["metrics"]
        kept = re.search(r'"picture_variance_kept": ([\d.]+)', metrics)
        assert kept is not None
        expect(page.locator(".embedding .summary").nth(place)).to_contain_text(
            f"keep {100 * float(kept[1]):.0f} % of the variance"
        )
    page.get_by_role("radio", name="predicted for").check()
    predicted = read_arrays(runs[0].folder.predicted)["class_means"]
    rms = geometry.rms_angle_difference(view(runs[0])["class_means"], predicted)
    expect(page.locator(".angles .summary").first).to_have_text(
        re.compile(rf"RMS difference to the optimum predicted for .* {rms:.1f}°")
    )


def test_runs_of_different_classes_are_said_to_be_and_are_not_compared(
    show: Opener, lab: Lab, runs: list[MadeRun]
) -> None:
    [other] = make_runs(lab, ["bcl-class"], 1, name="others", counts=np.array([50, 20, 9, 4]))
    page = show([runs[0], other], "difference=1&lens=angles")
    expect(page.locator(".bcl-stage > .warning")).to_contain_text("different classes or counts")
    expect(page.locator(".sentence")).to_contain_text("96.4°. At epoch 1 the two rarest classes stand")
    expect(page.locator(".sentence")).to_contain_text("109.5°")
    expect(page.get_by_role("checkbox", name="difference")).to_be_hidden()
    means = view(other, 1)["class_means"]
    rms = geometry.simplex_metrics(means, other.samples.class_counts)["angle_rms_deviation"]
    expect(page.locator(".angles .summary").nth(1)).to_contain_text(f"simplex {rms:.1f}°")


def test_nothing_moves_by_itself_for_those_who_asked_for_that(show: Opener, runs: list[MadeRun]) -> None:
    page = show(runs, "lens=embedding", reduced_motion="reduce")
    expect(page.get_by_role("button", name="Tour")).to_be_disabled()
    page.get_by_role("button", name="Tail against head").click()
    show.wait(page)
    turned = np.array(Image.open(io.BytesIO(page.locator(".cloud").first.screenshot())))
    page.wait_for_timeout(600)  # in which it might move
    assert (np.array(Image.open(io.BytesIO(page.locator(".cloud").first.screenshot()))) == turned).all()


def test_presenting_shows_the_sentence_and_the_formation_and_reveals_runs_one_by_one(
    show: Opener, runs: list[MadeRun]
) -> None:
    page = show(runs, "lens=formation", height=720)
    page.get_by_role("button", name="Present").click()
    expect(page.locator(".formation .side")).to_be_hidden()
    expect(page.locator(".formation .column")).to_have_count(2)
    page.keyboard.press("Shift+Digit2")
    expect(page.locator(".formation .column")).to_have_count(1)
    expect(page.locator(".sentence")).not_to_contain_text("BCL")
    page.keyboard.press("Shift+Digit2")
    expect(page.locator(".sentence")).to_contain_text("BCL")
    page.keyboard.press("Escape")
    expect(page.locator(".formation .side")).to_be_visible()


def test_the_presenters_keys_put_the_controls_in_the_runs_places_and_take_them_away_again(
    show: Opener, lab: Lab
) -> None:
    [usual] = make_runs(lab, ["bcl"], 2, name="usual")
    even = np.full_like(TRAINING, round(TRAINING.mean()))
    settings = {"data.imbalance_factor": 1, "data.max_per_class": int(even[0])}
    [balanced] = make_runs(lab, ["bcl"], 2, name="even", settings=settings, counts=even)
    page = show([usual], "lens=formation", height=720)
    page.keyboard.press("b")  # means nothing outside the presenter view
    page.get_by_role("button", name="Present").click()
    sentence, help_line = page.locator(".sentence"), page.get_by_role("group", name="Presenter view")
    expect(sentence).to_contain_text("three rarest classes stand")
    page.keyboard.press("b")
    degrees = geometry.simplex_metrics(view(balanced, 2)["class_means"], even)["angle_tail_tail"]
    expect(sentence).to_contain_text(
        f"At epoch 2 the classes 7, 8 and 9, as frequent here as all others, stand {degrees:.0f}° apart with"
    )
    expect(sentence).to_contain_text("BCL, balanced")
    button = help_line.get_by_role("button", name="Balanced control")
    expect(button).to_have_attribute("aria-pressed", "true")
    button.focus()
    page.keyboard.press("Enter")
    expect(sentence).to_contain_text("three rarest classes stand")
    expect(button).to_be_focused()
    page.keyboard.press("s")
    expect(help_line.get_by_role("status")).to_contain_text("Head and tail swapped: this lab has no such run for BCL.")
    page.wait_for_function("location.search.includes('control=swapped')")
    assert address(page)["control"] == "swapped" and address(page)["runs"] == usual.id
    page.keyboard.press("b")
    page.wait_for_function("location.search.includes('control=balanced')")
    page.reload()
    expect(sentence).to_contain_text("BCL, balanced")


def test_every_control_has_a_name(everything: Page) -> None:
    unnamed = everything.evaluate(
        """[...document.querySelectorAll('.bcl-stage :is(button, input, select, [tabindex="0"])')].filter(
        (control) => !(control.ariaLabel || (control.closest('label') ?? control).textContent.trim()))
        .map((control) => control.outerHTML)"""
    )
    assert unnamed == []


def test_a_phone_scrolls_in_one_direction_only(show: Opener, everything: Page) -> None:
    everything.set_viewport_size({"width": 390, "height": 844})
    show.wait(everything)
    overflow = everything.evaluate(
        """[...document.querySelectorAll('.bcl-stage *')].filter((element) =>
        element.getBoundingClientRect().right > innerWidth + 1 && !element.closest('.scroll, .members'))
        .map((element) => element.className || element.tagName)"""
    )
    assert overflow == []


def test_without_a_worker_pause_and_stop_do_what_they_say(show: Opener, lab: Lab) -> None:
    ids = lab.enqueue(GroupPlan("race", [(name, small(seed=seed)) for seed, name in enumerate(("one", "two"))]))
    page = show(query=f"runs={'.'.join(ids)}&lens=formation", wait=False)
    progress = page.locator(".training .progress")
    expect(progress).to_have_text("No worker is running, so nothing trains.")
    expect(page.get_by_role("button", name="Start the worker")).to_be_visible()
    for verb, state in (("pause", "paused"), ("stop", "stopped")):
        page.locator(f"button[name=train-{verb}]").click()
        expect(progress).to_have_text(f"{state} with no epoch yet")
        assert {lab.run(run_id).state for run_id in ids} == {state}
    lab.delete(ids)
