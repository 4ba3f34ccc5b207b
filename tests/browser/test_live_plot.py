"""What the reader set with the mouse outlives updates and themes; what is missing is said in words."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import BrowserContext, Page

from harness.serving import new_page

pytestmark = pytest.mark.browser

APP = Path(__file__).parent / "apps" / "live_plot_app.py"
SCATTER = ".st-key-scatter .bcl-live-plot"
CURVE = ".st-key-curve .bcl-live-plot"
DRAWN = f"{SCATTER} .gl-container canvas"
CAMERA = f"document.querySelector('{SCATTER}')._fullLayout.scene._scene.getCamera().eye"
TWO_FRAMES = "new Promise((resolve) => requestAnimationFrame(() => requestAnimationFrame(resolve)))"
STEP = f"Number(document.querySelector('{SCATTER}').layout.title.text.split(' ')[1])"


@pytest.fixture(scope="module")
def url(serve) -> str:
    return serve(APP).url


@pytest.fixture
def page(visitor: BrowserContext, url: str) -> Iterator[Page]:
    page = new_page(visitor, color_scheme="light")
    page.goto(url)
    page.wait_for_selector(DRAWN, timeout=60_000)
    page.wait_for_selector(f"{CURVE} .main-svg")
    yield page
    page.close()


def wait_for_updates(page: Page, count: int = 3) -> None:
    page.wait_for_function(f"{STEP} >= {page.evaluate(STEP) + count}", timeout=30_000)


def drag(page: Page, selector: str, right: int, release: bool = True) -> None:
    box = page.locator(selector).bounding_box()
    assert box is not None
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    page.mouse.move(x, y)
    page.mouse.down()
    for step in range(1, 6):
        page.mouse.move(x + right * step / 5, y)
        page.evaluate(TWO_FRAMES)  # a scene turns once a frame
    if release:
        page.mouse.up()


def turn(page: Page) -> dict[str, float]:
    """Turn the scene with the mouse and return where its camera is then."""
    before = page.evaluate(CAMERA)
    drag(page, SCATTER, 120)
    page.wait_for_function(f"Math.abs({CAMERA}.x - {before['x']}) > 0.1", timeout=10_000)
    return page.evaluate(CAMERA)


def test_an_update_keeps_the_element_and_the_camera_that_the_mouse_set(page: Page) -> None:
    page.evaluate(f"document.querySelector('{DRAWN}').marked = true")
    turned = turn(page)
    wait_for_updates(page)
    assert page.evaluate(CAMERA) == pytest.approx(turned)
    assert page.evaluate(f"document.querySelector('{DRAWN}').marked")


def test_no_update_takes_the_scene_out_of_the_hand_that_turns_it(page: Page) -> None:
    drag(page, SCATTER, 120, release=False)
    held_at = page.evaluate(STEP)
    page.wait_for_timeout(2000)
    assert page.evaluate(STEP) == held_at
    page.mouse.up()
    wait_for_updates(page)


def test_the_wheel_zooms_a_scene_that_is_updated_and_the_zoom_stays(page: Page) -> None:
    before = page.evaluate(CAMERA)
    drag(page, SCATTER, 0)
    page.mouse.wheel(0, -100)
    page.wait_for_function(f"{CAMERA}.z < {0.95 * before['z']}", timeout=10_000)
    wait_for_updates(page, 1)
    zoomed = page.evaluate(CAMERA)
    wait_for_updates(page)
    assert page.evaluate(CAMERA) == pytest.approx(zoomed)


def test_a_zoom_outlives_updates(page: Page) -> None:
    wait_for_updates(page)
    drag(page, f"{CURVE} .nsewdrag", 100)
    zoomed = page.evaluate(f"document.querySelector('{CURVE}')._fullLayout.xaxis.range")
    wait_for_updates(page)
    assert zoomed[0] > 0
    assert page.evaluate(f"document.querySelector('{CURVE}')._fullLayout.xaxis.range") == pytest.approx(zoomed)


def test_a_change_of_theme_changes_the_text_and_keeps_the_camera(page: Page) -> None:
    colour = f"document.querySelector('{SCATTER}')._fullLayout.font.color"
    turned, light = turn(page), page.evaluate(colour)
    page.emulate_media(color_scheme="dark")
    page.wait_for_function(f"{colour} !== {light!r}", timeout=10_000)
    assert page.evaluate(CAMERA) == pytest.approx(turned)


def test_a_figure_is_as_wide_as_its_container_and_as_high_as_asked(page: Page) -> None:
    size = f"[document.querySelector('{CURVE}')._fullLayout].map(l => [l.width, l.height])[0]"
    width, height = page.evaluate(size)
    assert height == 240
    page.set_viewport_size({"width": 900, "height": 900})
    page.wait_for_function(f"{size}[0] < {width - 100}", timeout=10_000)


def test_a_figure_is_described_to_those_who_listen(page: Page) -> None:
    assert page.get_by_role("figure", name="a turning spiral").count() == 1


def test_no_button_sends_the_figure_away(page: Page) -> None:
    titles = page.eval_on_selector_all(f"{CURVE} .modebar-btn", "buttons => buttons.map((b) => b.dataset.title)")
    assert any(title.startswith("Download") for title in titles)
    assert not any("Share" in title for title in titles)


def test_nothing_moves_by_itself_for_those_who_asked_for_that(page: Page) -> None:
    page.emulate_media(reduced_motion="reduce")
    moving = f"getComputedStyle(document.querySelector('{CURVE} .modebar')).transitionDuration"
    assert page.evaluate(moving) in ("0s", "auto")


def test_a_figure_that_leaves_the_page_and_comes_back_is_drawn_again(page: Page) -> None:
    page.get_by_text("curve", exact=True).click()
    page.wait_for_selector(CURVE, state="detached")
    page.get_by_text("curve", exact=True).click()
    page.wait_for_selector(f"{CURVE} .main-svg")


def test_a_missing_chart_library_is_said_in_words(visitor: BrowserContext, url: str) -> None:
    page = new_page(visitor)
    page.route("**/plotly-*.min.js", lambda route: route.abort())
    page.goto(url)
    page.wait_for_selector(f"{SCATTER} >> text=chart library did not arrive", timeout=30_000)
    page.close()


def test_a_browser_without_webgl_is_told_so_and_still_draws_flat_figures(visitor: BrowserContext, url: str) -> None:
    page = new_page(visitor)
    page.add_init_script(
        "const real = HTMLCanvasElement.prototype.getContext;"
        "HTMLCanvasElement.prototype.getContext = function (kind, ...rest) {"
        "  return kind.startsWith('webgl') ? null : real.call(this, kind, ...rest); };"
    )
    page.goto(url)
    page.wait_for_selector(f"{SCATTER} >> text=needs WebGL", timeout=30_000)
    page.wait_for_selector(f"{CURVE} .main-svg")
    page.close()


def test_the_app_works_under_a_path_prefix(visitor: BrowserContext, serve) -> None:
    page = new_page(visitor)
    page.goto(serve(APP, {"STREAMLIT_SERVER_BASE_URL_PATH": "behind/a/proxy"}).url)
    page.wait_for_selector(DRAWN, timeout=60_000)
    page.close()
