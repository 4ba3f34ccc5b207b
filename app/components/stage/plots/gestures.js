// Pointer, wheel and keys over a picture, told in its own words: turn, zoom, enclose, hover, click.

const CLICK = 4; // pixels that a hand may tremble
const WHEEL = 0.0015; // natural logarithm of the zoom per pixel
const LINE = 16; // pixels, for wheels that count lines
const KEY_TURN = Math.PI / 36;
const KEY_ZOOM = 1.2;

/**
 * Listens on a picture, a surface, and tells it: turn(right, up) in radians, zoomTo(zoom), hover(x, y), pointAt(null),
 * click(x, y, how), draft(outline), enclose(outline, how), stepClass(by), pressClass(), cancel().
 * Outlines are (m, 2) pixels row-major; `how` is "add" (Ctrl or Cmd), "remove" (Alt) or "replace".
 */
export class Gestures {
  drag = null;

  constructor(picture) {
    Object.assign(this, { picture, host: picture.host });
    this.setMode("turn");
    picture.listen("pointerdown", (event) => this.press(event));
    picture.listen("pointermove", (event) => this.move(event));
    picture.listen("pointerup", (event) => this.release(event));
    picture.listen("pointercancel", () => this.cancel());
    picture.listen("pointerleave", () => this.drag || picture.pointAt(null));
    picture.listen("wheel", (event) => this.wheel(event), { passive: false });
    picture.listen("keydown", (event) => this.key(event));
  }

  /** @param {"turn" | "lasso" | "box"} mode what a drag does; with Shift it selects in any mode */
  setMode(mode) {
    this.mode = mode;
    this.host.style.cursor = mode === "turn" ? "grab" : "crosshair";
    // A finger that moves up or down scrolls the page, unless it draws.
    this.host.style.touchAction = mode === "turn" ? "pan-y" : "none";
  }

  press({ button, offsetX: x, offsetY: y, pointerId, shiftKey }) {
    if (button !== 0) return;
    this.host.setPointerCapture(pointerId);
    const kind = shiftKey && this.mode === "turn" ? "lasso" : this.mode;
    this.drag = { kind, start: [x, y], last: [x, y], path: [x, y], moved: false };
  }

  move({ offsetX: x, offsetY: y }) {
    const { drag, picture } = this;
    if (!drag) return picture.hover(x, y);
    const [[x0, y0], [x1, y1]] = [drag.start, drag.last];
    drag.moved ||= Math.hypot(x - x0, y - y0) > CLICK;
    if (!drag.moved) return;
    drag.last = [x, y];
    const { radius } = picture.view; // a radian takes the pointer as far
    if (drag.kind === "turn") return picture.turn((x - x1) / radius, (y1 - y) / radius);
    if (drag.kind === "lasso") drag.path.push(x, y);
    else drag.path = [x0, y0, x, y0, x, y, x0, y];
    picture.draft(drag.path);
  }

  release(event) {
    const { drag, picture } = this;
    if (!drag) return;
    this.drag = null;
    const how = event.ctrlKey || event.metaKey ? "add" : event.altKey ? "remove" : "replace";
    if (!drag.moved) picture.click(event.offsetX, event.offsetY, how);
    else if (drag.kind !== "turn") picture.enclose(drag.path, how);
  }

  cancel() {
    this.drag = null;
    this.picture.draft([]);
  }

  // The page scrolls past a picture that nobody has stepped into.
  wheel(event) {
    if (!event.ctrlKey && document.activeElement !== this.host) return;
    event.preventDefault();
    const pixels = event.deltaY * (event.deltaMode === WheelEvent.DOM_DELTA_LINE ? LINE : 1);
    this.picture.zoomTo(this.picture.view.zoom * Math.exp(-WHEEL * pixels));
  }

  key(event) {
    const { picture } = this;
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const { zoom } = picture.view;
    const act = {
      ArrowRight: () => picture.turn(KEY_TURN, 0),
      ArrowLeft: () => picture.turn(-KEY_TURN, 0),
      ArrowUp: () => picture.turn(0, KEY_TURN),
      ArrowDown: () => picture.turn(0, -KEY_TURN),
      "+": () => picture.zoomTo(zoom * KEY_ZOOM),
      "=": () => picture.zoomTo(zoom * KEY_ZOOM),
      "-": () => picture.zoomTo(zoom / KEY_ZOOM),
      0: () => picture.zoomTo(1),
      c: () => picture.stepClass(1),
      C: () => picture.stepClass(-1),
      Enter: () => picture.pressClass(),
      Escape: () => (this.drag ? this.cancel() : picture.cancel()),
    }[event.key];
    if (!act) return;
    act();
    event.preventDefault();
    event.stopPropagation(); // the page's arrow keys move the epoch
  }
}
