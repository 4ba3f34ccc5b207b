"""The stage's pictures show the numbers they are given, and every hand, mouse or keyboard, can read them."""

import threading
from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import numpy as np
import pytest
from playwright.sync_api import Browser, BrowserContext, Page

from harness.serving import ROOT, new_page

pytestmark = pytest.mark.browser

PARTS = "tests/browser/pages/stage_plots.html"
WITHOUT_WEBGL = """
const real = HTMLCanvasElement.prototype.getContext;
HTMLCanvasElement.prototype.getContext = function (kind, ...rest) {
  return kind.startsWith("webgl") ? null : real.call(this, kind, ...rest);
};"""
# The picture as one canvas on the theme's background. It is drawn anew, since WebGL forgets what has been shown.
SHEET = """
window.sheetOf = (picture) => {
  picture.draw();
  const { canvases, theme } = picture;
  const { width, height } = canvases[0];
  const sheet = Object.assign(document.createElement("canvas"), { width, height });
  const context = sheet.getContext("2d");
  context.fillStyle = theme.paper;
  context.fillRect(0, 0, width, height);
  for (const canvas of canvases) context.drawImage(canvas, 0, 0);
  return sheet;
};"""
PIXEL = """([picture, x, y]) => {
  const sheet = sheetOf(window[picture]);
  const ratio = devicePixelRatio;
  return [...sheet.getContext("2d").getImageData(x * ratio, y * ratio, 1, 1).data.slice(0, 3)];
}"""
DEVIATION = [(0.0, 0x8F3B00), (0.25, 0xE08A3C), (0.5, 0xEDECE8), (0.75, 0x5C97DE), (1.0, 0x123E86)]


class _Quiet(SimpleHTTPRequestHandler):
    def log_message(self, format: str, *args: Any) -> None:
        pass


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    server = ThreadingHTTPServer(("localhost", 0), partial(_Quiet, directory=str(ROOT)))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://localhost:{server.server_port}/{PARTS}"
    server.shutdown()
    server.server_close()


class Opener:
    """Opens the page of parts, and fails where it threw an error."""

    def __init__(self, visitor: BrowserContext, url: str) -> None:
        self.visitor, self.url, self.pages, self.errors = visitor, url, list[Page](), list[str]()

    def __call__(self, query: str = "", webgl: bool = True, **media: Any) -> Page:
        page = new_page(self.visitor, width=1020, height=520, **media)
        self.pages.append(page)
        page.on("pageerror", lambda error: self.errors.append(str(error)))
        page.add_init_script(SHEET)
        if not webgl:
            page.add_init_script(WITHOUT_WEBGL)
        page.goto(self.url + query)
        page.wait_for_function("window.ready")
        page.evaluate("points.draw(); heatmap.draw()")
        return page


@pytest.fixture
def opened(visitor: BrowserContext, url: str) -> Iterator[Opener]:
    opener = Opener(visitor, url)
    yield opener
    for page in opener.pages:
        page.close()
    assert opener.errors == []


def screen(page: Page) -> np.ndarray:
    """Where the drawn samples are, (n, 2) pixels from the picture's top left."""
    return np.array(page.evaluate("points.draw(), Array.from(points.screen())")).reshape(-1, 2)


def reference_screen(page: Page, fraction: float) -> np.ndarray:
    """The same, from the numbers handed over."""
    a, b = (np.array(page.evaluate(f"Array.from(snapshots[{e}].coordinates)")) / 32767 for e in (3, 4))
    dims, basis = page.evaluate("dims"), np.array(page.evaluate("Array.from(basis())")).reshape(3, -1)
    points = ((1 - fraction) * a + fraction * b).reshape(-1, dims)
    return 240 + points @ basis[:2].T * [1, -1] * page.evaluate("points.view.radius")


def hover(page: Page, picture: str, x: float, y: float) -> None:
    box = page.locator(f"#{picture}").bounding_box()
    assert box is not None
    page.mouse.move(box["x"] + x, box["y"] + y)


def last(page: Page, callback: str) -> Any:
    return page.evaluate(f"seen.{callback}.at(-1)")


def loneliest(points: np.ndarray) -> int:
    distances = np.linalg.norm(points[:, None] - points[None], axis=-1) + np.diag(np.full(len(points), np.inf))
    return int(distances.min(axis=1).argmax())


def hex_rgb(colour: int) -> list[int]:
    return [colour >> 16, colour >> 8 & 255, colour & 255]


def deviation_colour(value: float) -> np.ndarray:
    at = np.clip((value + 45) / 90, 0, 1)
    stops, colours = zip(*((stop, hex_rgb(colour)) for stop, colour in DEVIATION), strict=True)
    return np.array([np.interp(at, stops, channel) for channel in zip(*colours, strict=True)])


# Points


@pytest.mark.parametrize("dims", [3, 4, 5, 10])
@pytest.mark.parametrize("webgl", [True, False])
def test_a_sample_is_drawn_where_the_numbers_say_halfway_between_two_epochs(
    opened: Opener, dims: int, webgl: bool
) -> None:
    page = opened(f"?dims={dims}&classes=3&samples=60", webgl)
    page.evaluate("points.setLayers([]), points.setEpochs({ a: snapshots[3], b: snapshots[4], fraction: 0.4 })")
    page.evaluate("points.setFlat(true)")
    expected = reference_screen(page, 0.4)
    assert page.evaluate("points.accelerated") == webgl
    np.testing.assert_allclose(screen(page), expected, atol=1e-3)
    alone = loneliest(expected)
    colour = page.evaluate(f"Array.from(points.style.slice({4 * alone}, {4 * alone + 3}))")
    if alone % 13:  # every thirteenth is a ring
        assert page.evaluate(PIXEL, ["points", *expected[alone]]) == pytest.approx(colour, abs=2)
    beside = expected[alone] + [0, page.evaluate("points.view.dotRadius(60)") + 2]
    assert page.evaluate(PIXEL, ["points", *beside]) == [255, 255, 255]


def test_a_plain_canvas_draws_the_picture_that_the_graphics_card_draws(opened: Opener) -> None:
    page = opened(color_scheme="dark")
    page.evaluate("points.setLayers(['simplex', 'means', 'trails', 'prototypes', 'classifier', 'predicted'])")
    page.evaluate("points.setSelection(Uint32Array.of(1, 5, 13, 300))")
    difference = page.evaluate("""() => {
      const sheet = sheetOf(points);
      const other = new OffscreenCanvas(sheet.width, sheet.height).getContext("2d");
      other.fillStyle = points.theme.paper;
      other.fillRect(0, 0, sheet.width, sheet.height);
      points.drawOn(other);
      const [a, b] = [sheet.getContext("2d"), other].map((c) => c.getImageData(0, 0, sheet.width, sheet.height).data);
      return a.reduce((sum, value, i) => sum + Math.abs(value - b[i]), 0) / a.length;
    }""")
    assert difference < 1.0  # of 255; the two smooth edges in different ways


def test_an_epoch_is_sent_to_the_graphics_card_once(opened: Opener) -> None:
    page = opened()
    uploads = page.evaluate("""() => {
      const { gl } = points.renderer;
      let uploads = 0;
      const send = gl.bufferData.bind(gl);
      gl.bufferData = (...data) => (uploads++, send(...data));
      for (let frame = 0; frame < 60; frame++) {
        const at = 3 + 1.5 * Math.abs(Math.sin(frame));
        const epoch = Math.floor(at);
        points.setEpochs({ a: snapshots[epoch], b: snapshots[epoch + 1], fraction: at - epoch });
        points.draw();
      }
      return uploads;
    }""")
    assert uploads == 3  # epochs 3, 4 and 5


def test_a_lost_graphics_context_comes_back_with_its_picture(opened: Opener) -> None:
    page = opened()
    picture = "sheetOf(points).toDataURL()"
    before = page.evaluate(picture)
    page.evaluate("window.lost = points.renderer.gl.getExtension('WEBGL_lose_context'), lost.loseContext()")
    page.wait_for_function(f"{picture} !== {before!r}")
    page.evaluate("lost.restoreContext()")
    page.wait_for_function(f"{picture} === {before!r}", timeout=5000)


@pytest.mark.parametrize("webgl", [True, False])
def test_pointing_finds_the_nearest_sample_and_only_within_12_pixels(opened: Opener, webgl: bool) -> None:
    page = opened("?samples=80", webgl)
    page.evaluate("points.setLayers([])")
    at = screen(page)
    alone = loneliest(at)
    hover(page, "points", *(at[alone] + [7, 0]))
    hit = last(page, "hover")
    assert (hit["kind"], hit["index"]) == ("sample", alone)
    assert [hit["x"], hit["y"]] == pytest.approx(list(at[alone]), abs=1e-3)
    hover(page, "points", 3, 3)
    assert last(page, "hover") is None


def test_pointing_names_rows_of_all_samples_where_only_some_are_drawn(opened: Opener) -> None:
    page = opened()
    page.evaluate("""points.setSamples({ dims, rows: Uint32Array.of(400, 401, 402, 403),
                     colours: new Uint8Array(3 * 1000) }), points.setLayers([])""")
    at = screen(page)
    assert len(at) == 4
    hover(page, "points", *at[loneliest(at)])
    assert last(page, "hover")["index"] == 400 + loneliest(at)


def test_nothing_is_read_out_between_two_epochs(opened: Opener) -> None:
    page = opened()
    page.evaluate("points.setEpochs({ a: snapshots[3], b: snapshots[4], fraction: 0.5 })")
    hover(page, "points", *screen(page)[0])
    page.evaluate("points.setEpochs({ a: snapshots[3], b: snapshots[4], fraction: 0 }), points.draw()")
    assert page.evaluate("seen.hover") == []
    hover(page, "points", *(screen(page)[0] + 1))
    assert last(page, "hover") is not None
    page.evaluate("points.setEpochs({ a: snapshots[3], b: snapshots[4], fraction: 0.1 })")
    assert last(page, "hover") is None


def test_a_class_mean_is_pointed_at_before_the_samples_around_it(opened: Opener) -> None:
    page = opened()
    x, y = page.evaluate("Array.from(points.overlay.clouds.means.screen.slice(18, 20))")
    hover(page, "points", x, y)
    assert (last(page, "hover")["kind"], last(page, "hover")["index"]) == ("class", 9)
    page.keyboard.down("Control")
    page.mouse.down()
    page.mouse.up()
    hit, how = last(page, "click")
    assert (hit["kind"], hit["index"], how) == ("class", 9, "add")


def drag(page: Page, *corners: tuple[float, float]) -> None:
    hover(page, "points", *corners[0])
    page.mouse.down()
    for corner in corners[1:]:
        hover(page, "points", *corner)
    page.mouse.up()


def test_dragging_turns_by_an_angle_that_follows_the_pointer(opened: Opener) -> None:
    page = opened()
    radius = page.evaluate("points.view.radius")
    drag(page, (100, 300), (150, 300), (100 + radius, 300 - radius / 2))
    turned = np.array(page.evaluate("seen.drag"))
    assert turned.sum(axis=0) == pytest.approx([1, 0.5], abs=0.01)
    assert page.evaluate("seen.select") == [] and page.evaluate("seen.click") == []


def test_dragging_with_shift_selects_the_samples_inside_the_lasso(opened: Opener) -> None:
    page = opened()
    at = screen(page)
    page.keyboard.down("Shift")
    drag(page, (120, 120), (400, 140), (140, 400))
    page.keyboard.up("Shift")
    rows, how = last(page, "select")
    # Inside a triangle: on the same side of its three edges.
    corners = np.array([[120, 120], [400, 140], [140, 400]])
    edges, spokes = np.roll(corners, -1, axis=0) - corners, at[:, None] - corners
    inside = (edges[:, 0] * spokes[..., 1] - edges[:, 1] * spokes[..., 0] > 0).all(axis=1)
    assert 10 < len(rows) < 990 and how == "replace"
    assert rows == np.flatnonzero(inside).tolist()


@pytest.mark.parametrize(("key", "how"), [("Control", "add"), ("Alt", "remove")])
def test_a_box_adds_to_the_selection_or_takes_away(opened: Opener, key: str, how: str) -> None:
    page = opened()
    at = screen(page)
    page.evaluate("points.setMode('box')")
    page.keyboard.down(key)
    drag(page, (200, 200), (300, 330), (330, 300))
    rows, told = last(page, "select")
    assert told == how
    assert rows == np.flatnonzero(((at > 200) & (at < [330, 300])).all(axis=1)).tolist()
    assert page.evaluate("seen.drag") == []


def test_a_selection_stands_out_while_the_others_step_back(opened: Opener) -> None:
    page = opened("?samples=80")
    page.evaluate("points.setLayers([])")
    alone = loneliest(screen(page))
    at = ["points", *screen(page)[alone]]
    plain = np.array(page.evaluate(PIXEL, at))
    page.evaluate(f"points.setSelection(Uint32Array.of({alone}))")
    assert page.evaluate(PIXEL, at) == pytest.approx(plain, abs=1)
    page.evaluate(f"points.setSelection(Uint32Array.of({(alone + 1) % 80}))")
    assert np.array(page.evaluate(PIXEL, at)).sum() > plain.sum() + 100  # nearly the page's white
    page.evaluate("points.setSelection(null)")
    assert page.evaluate(PIXEL, at) == pytest.approx(plain, abs=1)


def test_the_wheel_zooms_only_who_has_stepped_into_the_picture(opened: Opener) -> None:
    page = opened()
    page.evaluate("document.body.style.height = '3000px'")
    hover(page, "points", 240, 240)
    page.mouse.wheel(0, 100)
    page.wait_for_function("scrollY === 100")
    assert page.evaluate("seen.zoom") == []
    page.mouse.wheel(0, -100)
    page.wait_for_function("scrollY === 0")
    page.focus("#points")
    page.mouse.wheel(0, -200)
    page.wait_for_function("seen.zoom.length > 0")
    assert last(page, "zoom") == pytest.approx(np.exp(0.3))
    assert page.evaluate("scrollY") == 0


def test_arrow_keys_turn_and_the_scrubbers_own_keys_pass_by(opened: Opener) -> None:
    page = opened()
    page.keyboard.press("Tab")
    page.evaluate("window.passed = [], document.body.addEventListener('keydown', (e) => passed.push(e.key))")
    for key in ("ArrowRight", "ArrowUp", "+", "0", "Home", "Space"):
        page.keyboard.press(key)
    assert page.evaluate("document.activeElement.id") == "points"
    assert np.array(page.evaluate("seen.drag")) == pytest.approx(np.radians([[5, 0], [0, 5]]))
    assert page.evaluate("seen.zoom") == pytest.approx([1.2, 1])
    assert page.evaluate("passed") == ["Home", " "]


def test_classes_are_walked_chosen_and_heard_with_the_keyboard(opened: Opener) -> None:
    page = opened()
    page.evaluate("""() => {
      const means = snapshots[12].means.slice();
      means.fill(NaN, dims, 2 * dims); // the second class has no samples
      points.setEpochs({ a: { ...snapshots[12], means } });
      points.draw();
    }""")
    page.keyboard.press("Tab")
    spoken = []
    for key in ("c", "c", "c", "C"):
        page.keyboard.press(key)
        spoken.append(page.text_content("#points [aria-live]"))
    assert spoken == ["0, n = 130", "2, n = 51", "3, n = 32", "2, n = 51"]
    page.keyboard.press("Enter")
    assert last(page, "click")[0]["index"] == 2
    page.keyboard.press("Escape")
    assert last(page, "hover") is None and last(page, "select") == [[], "replace"]


def test_no_label_lies_on_another_or_on_a_class_mean_however_the_picture_is_turned(opened: Opener) -> None:
    page = opened()
    for view in range(12):
        boxes, marks = page.evaluate(f"""() => {{
          points.setBasis(tour.randomTarget(dims, {view}));
          points.draw();
          const {{ labels, clouds }} = points.overlay;
          const boxes = Array.from(labels.sides.keys()).filter((k) => labels.sides[k] >= 0);
          return [boxes.map((k) => Array.from(labels.boxes.slice(4 * k, 4 * k + 4))), Array.from(clouds.means.screen)];
        }}""")
        marks = np.reshape(marks, (-1, 2))
        assert len(boxes) >= 7
        for i, (left, top, right, bottom) in enumerate(boxes):
            assert left >= 0 and top >= 0 and right <= 480 and bottom <= 480
            assert not ((marks > [left, top]) & (marks < [right, bottom])).all(axis=1).any()
            for other in boxes[:i]:
                assert left >= other[2] or right <= other[0] or top >= other[3] or bottom <= other[1]


def test_a_label_stays_on_its_side_while_the_picture_turns_a_little(opened: Opener) -> None:
    page = opened("?classes=3&dims=4")
    sides = "points.draw(), Array.from(points.overlay.labels.sides)"
    before = page.evaluate(sides)
    page.keyboard.press("Tab")
    page.keyboard.press("ArrowRight")
    assert page.evaluate(sides) == before


def test_a_picture_is_as_sharp_as_the_screen_and_follows_its_place(browser: Browser, url: str) -> None:
    context = browser.new_context(device_scale_factor=2)
    page = Opener(context, url)()
    size = "(() => { const c = document.querySelector('#points canvas'); return [c.width, c.height]; })()"
    assert page.evaluate(size) == [960, 960]
    page.evaluate("document.querySelector('#points').style.width = '300px'")
    page.wait_for_function(f"{size}[0] === 600")
    context.close()


def test_a_picture_that_is_hidden_and_shown_again_is_drawn(opened: Opener) -> None:
    page = opened()
    before = page.evaluate("sheetOf(points).toDataURL()")
    page.evaluate("document.querySelector('#points').style.display = 'none'")
    page.evaluate("new Promise(requestAnimationFrame).then(() => points.draw())")
    page.evaluate("document.querySelector('#points').style.display = ''")
    page.wait_for_function(f"points.width && sheetOf(points).toDataURL() === {before!r}")


def test_a_destroyed_picture_leaves_nothing_behind(opened: Opener) -> None:
    page = opened()
    page.evaluate("points.setZoom(2), points.destroy(), heatmap.setOpen([]), heatmap.destroy()")
    page.wait_for_function("points.renderer.gl.isContextLost()")
    assert page.evaluate("[...document.querySelectorAll('main > div')].map((host) => host.childElementCount)") == [0, 0]


# Both


@pytest.mark.parametrize(
    ("picture", "name"), [("points", "Embeddings of ten classes"), ("heatmap", "Deviation from the ideal angle")]
)
def test_a_picture_has_a_name_and_shows_who_comes_with_the_keyboard_where_they_are(
    opened: Opener, picture: str, name: str
) -> None:
    page = opened()
    host = page.get_by_role("application", name=name)
    assert host.get_attribute("id") == picture
    assert "Arrow keys" in str(host.get_attribute("aria-description"))
    outline = f"document.querySelector('#{picture}').style.outlineStyle"
    page.keyboard.press("Tab")
    if picture == "heatmap":
        page.keyboard.press("Tab")
    assert page.evaluate(outline) == "solid"
    page.evaluate("document.activeElement.blur()")
    host.click(position={"x": 5, "y": 5})
    assert page.evaluate(outline) == "none"


@pytest.mark.parametrize("picture", ["points", "heatmap"])
def test_a_picture_takes_on_the_colours_of_another_theme(opened: Opener, picture: str) -> None:
    page = opened()
    assert page.evaluate(PIXEL, [picture, 2, 2]) == [255, 255, 255]
    page.emulate_media(color_scheme="dark")
    page.evaluate(f"{picture}.retheme()")
    assert page.evaluate(PIXEL, [picture, 2, 2]) == hex_rgb(0x11141B)


# Heat map


def cell(page: Page, i: float, j: float) -> tuple[float, float]:
    """The middle of a cell in row i and column j."""
    frame, count = page.evaluate("heatmap.frame"), page.evaluate("heatmap.order.length")
    step = frame["side"] / count
    return frame["x"] + (j + 0.5) * step, frame["y"] + (i + 0.5) * step


def values(page: Page, epoch: int = 0) -> np.ndarray:
    count = page.evaluate("classes")
    return np.array(page.evaluate(f"Array.from(deviations[{epoch}])")).reshape(count, count)


def test_a_cells_colour_says_its_value_and_grey_the_diagonal(opened: Opener) -> None:
    page = opened()
    page.evaluate("heatmap.setValues(deviations[6], within)")
    expected = values(page, 6)
    for i, j in ((0, 1), (1, 0), (2, 7), (9, 8), (5, 4)):
        assert page.evaluate(PIXEL, ["heatmap", *cell(page, i, j)]) == pytest.approx(
            deviation_colour(expected[i, j]), abs=1.5
        )
    darkness = [page.evaluate(PIXEL, ["heatmap", *cell(page, k, k)]) for k in range(10)]
    assert all(red == green == blue for red, green, blue in darkness)
    assert darkness == sorted(darkness, reverse=True)  # the page has the within-class angle rise


def cell_colours(page: Page, i: int, j: int) -> set[tuple[int, ...]]:
    """Every colour within a cell, hairlines left out."""
    x, y = cell(page, i, j)
    data = page.evaluate(
        "([x, y]) => [...sheetOf(heatmap).getContext('2d').getImageData(x - 15, y - 15, 30, 30).data]", [x, y]
    )
    return {tuple(pixel) for pixel in np.reshape(data, (-1, 4))[:, :3]}


def test_a_cell_beyond_the_scale_is_marked_and_one_without_a_number_is_hatched(opened: Opener) -> None:
    page = opened()
    page.evaluate("""() => {
      const values = new Float32Array(100);
      values.set([45, 45.1, -45.1, NaN], 1);
      heatmap.setValues(values, within);
    }""")
    end, low = (tuple(hex_rgb(colour)) for colour in (0x123E86, 0x8F3B00))
    assert cell_colours(page, 0, 1) == {end}
    assert cell_colours(page, 0, 2) > {end, (255, 255, 255)}  # and what lies between them, at the corner's edge
    assert cell_colours(page, 0, 3) > {low, (255, 255, 255)}
    hatched = cell_colours(page, 0, 4)
    assert len(hatched) >= 2 and all(max(colour) - min(colour) < 12 for colour in hatched)


def test_pointing_names_classes_in_whatever_order_they_stand(opened: Opener) -> None:
    page = opened()
    page.evaluate("""() => {
      const order = Uint32Array.from({ length: 10 }, (_, k) => 9 - k);
      heatmap.setClasses({ order, rowLabels: [...order].map((k) => `class ${9 - k}`) });
      heatmap.setValues(deviations[0], within);
      heatmap.draw();
    }""")
    hover(page, "heatmap", *cell(page, 2, 5))
    hit = last(page, "heatmap")
    assert (hit["kind"], hit["row"], hit["column"]) == ("cell", 7, 4)
    assert hit["value"] == pytest.approx(values(page)[7, 4])
    assert hit["text"] == f"class 7 and class 4: {hit['value']:+.1f}° from the ideal angle".replace("-", "−")
    hover(page, "heatmap", *cell(page, 2, 2))
    assert last(page, "heatmap")["text"] == "class 7: 57.0° within the class"


def test_what_is_pointed_at_is_read_anew_when_the_epoch_changes(opened: Opener) -> None:
    page = opened()
    hover(page, "heatmap", *cell(page, 0, 1))
    page.evaluate("heatmap.setValues(deviations[9], within)")
    assert last(page, "heatmap")["value"] == pytest.approx(values(page, 9)[0, 1])


def test_a_hundred_classes_are_nine_blocks_of_group_means_that_open(opened: Opener) -> None:
    page = opened("?classes=100")
    table = values(page)
    groups = (slice(0, 30), slice(30, 70), slice(70, 100))
    hover(page, "heatmap", *cell(page, 80, 10))
    hit = last(page, "heatmap")
    assert (hit["kind"], hit["row"], hit["column"]) == ("block", 2, 0)
    assert hit["value"] == pytest.approx(table[groups[2], groups[0]].mean())
    hover(page, "heatmap", *cell(page, 50, 40))
    pairs = table[groups[1], groups[1]][~np.eye(40, dtype=bool)]
    assert last(page, "heatmap")["value"] == pytest.approx(pairs.mean())
    assert last(page, "heatmap")["text"].startswith("among medium, mean of 780 pairs: ")
    page.mouse.down()
    page.mouse.up()
    assert page.evaluate("seen.open") == [[4]]
    hit = last(page, "heatmap")
    assert (hit["kind"], hit["row"], hit["column"]) == ("cell", 50, 40)
    page.mouse.down()
    page.mouse.up()
    assert page.evaluate("seen.open") == [[4], []]


def test_blocks_are_shown_from_their_means_alone_until_one_is_opened(opened: Opener) -> None:
    page = opened("?classes=100")
    page.evaluate("heatmap.setMeans([-40, -30, -20, -30, 0, 10, -20, 10, 40], within), heatmap.draw()")
    hover(page, "heatmap", *cell(page, 80, 10))
    assert last(page, "heatmap")["text"] == "tail against head, mean of 900 pairs: −20.0° from the ideal angle"
    assert page.evaluate(PIXEL, ["heatmap", *cell(page, 72, 2)]) == pytest.approx(deviation_colour(-20), abs=1.5)
    page.mouse.down()
    page.mouse.up()
    assert "no value" in last(page, "heatmap")["text"]  # until the pairs are handed over
    page.evaluate("heatmap.setValues(deviations[0], within)")
    assert last(page, "heatmap")["value"] == pytest.approx(values(page)[80, 10])


def test_the_keyboard_walks_cells_and_crosses_a_closed_block_in_one_step(opened: Opener) -> None:
    page = opened("?classes=100")
    page.focus("#heatmap")

    def press(key: str) -> str:
        page.keyboard.press(key)
        return str(page.text_content("#heatmap [aria-live]")).split(":")[0].split(",")[0]

    heard = [press(key) for key in ("ArrowDown", "ArrowRight", "ArrowRight", "ArrowRight", "ArrowDown")]
    assert heard == [
        "among head",
        "head against medium",
        "head against tail",
        "head against tail",
        "medium against tail",
    ]
    assert press("Enter") == "30"
    page.keyboard.press("ArrowDown")
    hit = last(page, "heatmap")
    assert (hit["kind"], hit["row"], hit["column"]) == ("cell", 31, 70)
    page.keyboard.press("Escape")
    assert last(page, "heatmap") is None


def test_a_thousand_classes_still_have_a_picture_and_a_read_out(opened: Opener) -> None:
    page = opened("?classes=1000&samples=1000&epochs=1&dims=3")
    page.evaluate("heatmap.setOpen([0, 1, 2, 3, 4, 5, 6, 7, 8]), heatmap.draw()")
    x, y = cell(page, 900, 100)
    hover(page, "heatmap", round(x), round(y))
    hit = last(page, "heatmap")
    assert hit["row"] == pytest.approx(900, abs=3) and hit["column"] == pytest.approx(100, abs=3)


def test_one_picture_outlines_the_pair_that_another_points_at(opened: Opener) -> None:
    page = opened()
    plain = page.evaluate("sheetOf(heatmap).toDataURL()")
    page.evaluate("heatmap.highlight({ row: 3, column: 4 }), points.highlight({ kind: 'class', index: 3 })")
    assert page.evaluate("sheetOf(heatmap).toDataURL()") != plain
    page.evaluate("heatmap.highlight(null)")
    assert page.evaluate("sheetOf(heatmap).toDataURL()") == plain
    assert page.evaluate("[seen.heatmap, seen.hover]") == [[], []]  # or two pictures would call each other for ever
