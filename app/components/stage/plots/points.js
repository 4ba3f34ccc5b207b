// The embedding's picture: samples and class marks in D dimensions, between two epochs, turned by hand.

import { Gestures } from "./gestures.js";
import { Overlay, drawHover, drawOutline } from "./overlay.js";
import { classBeside, hitAt } from "./picking.js";
import { Points2D, drawSamples } from "./points_2d.js";
import { PointsGL } from "./points_gl.js";
import { inLasso } from "../core/select.js";
import { Surface } from "./surface.js";
import { Cloud, DIMMED, LARGE, RING, SELECTED, View } from "./view.js";

export { LARGE, RING } from "./view.js";

const INT16_STEP = 1 / 32767;
const [LEAST_ZOOM, MOST_ZOOM] = [0.5, 20];
const NONE = new Uint32Array(0);
const HELP =
  "Arrow keys or dragging turn the picture, plus and minus zoom, 0 shows all, C and Shift C go through the classes, " +
  "Enter chooses the class, Escape clears. Dragging with Shift selects samples.";

/**
 * Pictures N samples, of which n are drawn, of K classes, with D ≤ 12 coordinates in the unit ball. Every setter asks
 * for a frame; `draw` draws at once. Arrays that are handed over are kept, not copied, and must not change afterwards.
 *
 * Pointing finds the class mean within 9 pixels, else the sample within 12, and only at a whole epoch: what lies
 * between two epochs is not data.
 *
 * @typedef {import("./picking.js").Hit} Hit
 */
export class Points {
  view = new View();
  samples = new Cloud(INT16_STEP);
  ring = new Cloud();
  overlay = new Overlay(this.view);
  dims = 0;
  rows = NONE;
  style = new Uint8Array(0); // (N, 4) red, green, blue, flags
  selection = null;
  epochs = { a: {}, b: {}, fraction: 0 };
  fixed = {};
  hit = null; // what the pointer is at
  highlighted = null; // what has the ring: the hit, or that of another picture
  outline = NONE;
  placed = false; // whether `samples` knows where its points are on the screen

  /**
   * @param {HTMLElement} host sized by the page; filled with canvases, focusable
   * @param {object} options all but `label` may be missing
   * @param {string} options.label what the picture shows, for those who listen
   * @param {(hit: ?Hit) => void} options.onHover what is pointed at has changed
   * @param {(hit: ?Hit, how: "replace" | "add" | "remove") => void} options.onClick clicked on, or beside everything
   * @param {(rows: Uint32Array, how: string) => void} options.onSelect enclosed by lasso or box, in rising order; none
   *   to clear
   * @param {(right: number, up: number) => void} options.onDrag radians; the caller turns the basis and sets it
   * @param {(zoom: number) => void} options.onZoom the reader has zoomed
   */
  constructor(host, { label, ...callbacks }) {
    this.callbacks = callbacks;
    this.surface = new Surface(host, { label, help: HELP, layers: 3, draw: () => this.paint() });
    this.renderer = this.rendererOn(this.surface.canvases[1]);
    this.gestures = new Gestures(this.surface, this);
    this.surface.resize();
  }

  /** Whether the graphics card draws; otherwise a plain canvas does, more slowly. */
  get accelerated() {
    return this.renderer instanceof PointsGL;
  }

  /**
   * @param {number} dims D
   * @param {Uint32Array} rows (n,) samples that are drawn
   * @param {Uint8Array} colours (N, 3) red, green, blue
   * @param {Uint8Array} flags (N,) RING for a ring instead of a disc, LARGE for a larger one; may be missing
   */
  setSamples({ dims, rows, colours, flags }) {
    this.style = new Uint8Array((4 * colours.length) / 3);
    for (let i = 0; i < colours.length / 3; i++) {
      for (let k = 0; k < 3; k++) this.style[4 * i + k] = colours[3 * i + k];
      this.style[4 * i + 3] = flags?.[i] ?? 0;
    }
    Object.assign(this, { dims, rows });
    this.renderer.setRows(rows);
    this.setSelection(this.selection);
    this.setFixed(this.fixed);
    this.setEpochs(this.epochs);
  }

  /** @param {?Uint32Array} selection samples that stand out while the others step back; null for no selection */
  setSelection(selection) {
    this.selection = selection;
    for (let at = 3; at < this.style.length; at += 4) {
      this.style[at] = (this.style[at] & (RING | LARGE)) | (selection ? DIMMED : 0);
    }
    for (const row of selection ?? NONE) this.style[4 * row + 3] ^= DIMMED | SELECTED;
    this.renderer.setStyle(this.style);
    this.surface.invalidate();
  }

  /**
   * Show what lies between two epochs. Each is {coordinates: (N, D) Int16Array in steps of 1/32767; means, prototypes,
   * classifier: (K, D) Float32Array, rows of NaN for classes without one; trail: list of the means at past epochs, the
   * oldest first}. All may be missing, and the trail is that of `a`.
   *
   * @param {number} fraction how far from `a` to `b`, from 0 up to but not including 1
   */
  setEpochs({ a, b = a, fraction = 0 }) {
    Object.assign(this.epochs, { a, b, fraction });
    this.samples.set(a.coordinates, b.coordinates, this.dims, this.rows);
    this.overlay.setEpochs(a, b, this.dims);
    if (fraction > 0) this.pointAt(null);
    this.highlight(this.highlighted);
  }

  /** @param {{simplex: ?Float32Array, predicted: ?Float32Array}} fixed (K, D) places that no epoch moves */
  setFixed(fixed) {
    this.fixed = fixed;
    this.overlay.setFixed(fixed, this.dims);
    this.surface.invalidate();
  }

  /**
   * @param {(?string)[]} labels (K,) written beside the class means where there is room; null for none
   * @param {string[]} colours (K,) CSS colours
   */
  setClasses({ labels, colours }) {
    this.overlay.labels.set(labels);
    this.overlay.colours = colours;
    this.surface.invalidate();
  }

  /** @param {Iterable<string>} layers what is drawn of: simplex, predicted, means, trails, prototypes, classifier */
  setLayers(layers) {
    this.overlay.layers = new Set(layers);
    this.surface.invalidate();
  }

  /**
   * @param {Float64Array} basis (3, D or more) row-major, as in tour.js: the screen's right, up, and towards the
   *   viewer; what it has beyond the D of the samples, which are set before, is not read
   */
  setBasis(basis) {
    this.view.setBasis(basis, this.dims);
    this.surface.invalidate();
  }

  /** @param {boolean} flat whether depth is left out: no sample smaller or fainter than another */
  setFlat(flat) {
    this.view.flat = flat;
    this.surface.invalidate();
  }

  /** @param {"turn" | "lasso" | "box"} mode what a drag does; with Shift it selects in any mode */
  setMode(mode) {
    this.gestures.setMode(mode);
  }

  /** @param {number} zoom 1 shows the whole unit ball; kept within 0.5 and 20 */
  setZoom(zoom) {
    this.view.zoom = Math.min(MOST_ZOOM, Math.max(LEAST_ZOOM, zoom));
    this.surface.invalidate();
  }

  /** Put a ring around a sample or class, as pointing does; null for none. @param {?{kind, index}} hit */
  highlight(hit) {
    this.highlighted = hit;
    const { a, b } = this.epochs;
    const sample = hit?.kind === "sample";
    const [from, to] = sample ? [a.coordinates, b.coordinates] : [a.means, b.means];
    this.ring.quantum = sample ? INT16_STEP : 1;
    this.ring.set(hit && from, to, this.dims, hit && Uint32Array.of(hit.index));
    this.surface.invalidate();
  }

  /** Read the theme's colours anew. */
  retheme() {
    this.surface.retheme();
  }

  draw() {
    this.surface.draw();
  }

  /** Draw the picture with a 2D context of the caller's, in pixels from the top left: for vector formats. */
  drawOn(context) {
    this.overlay.drawUnder(context, this.theme);
    drawSamples(context, this);
    this.overlay.drawOver(context, this.theme, this.fraction);
  }

  /** Nobody looks: give back what the graphics card has of it, of which browsers lend few. */
  sleep() {
    if (this.asleep || !this.accelerated) return;
    this.asleep = true;
    this.renderer.destroy();
  }

  /** Somebody looks again. */
  wake() {
    if (!this.asleep) return;
    this.asleep = false;
    this.renderer = this.rendererOn(this.surface.renew(1));
    this.restore();
  }

  destroy() {
    if (!this.asleep) this.renderer.destroy();
    this.surface.destroy();
  }

  // From here on: what Surface, the renderers and Gestures ask for.

  get theme() {
    return this.surface.theme;
  }

  get fraction() {
    return this.epochs.fraction;
  }

  rendererOn(canvas) {
    return PointsGL.on(canvas, () => this.restore()) ?? new Points2D(canvas);
  }

  paint() {
    const { surface, view, overlay, theme, fraction, ring } = this;
    if (this.asleep) return;
    view.width = surface.width;
    view.height = surface.height;
    this.placed = false;
    overlay.drawUnder(surface.clear(0), theme);
    this.renderer.draw(this);
    const context = surface.clear(2);
    overlay.drawOver(context, theme, fraction);
    ring.place(view, fraction);
    if (ring.count) drawHover(context, theme, this.highlighted.kind, ring.screen, view.dotRadius(this.rows.length));
    if (this.outline.length) drawOutline(context, theme, this.outline);
  }

  restore() {
    this.renderer.setRows(this.rows);
    this.renderer.setStyle(this.style);
    this.surface.draw();
  }

  /** Where the drawn samples are, (n, 2) pixels; worked out when asked for, since the graphics card has its own. */
  screen() {
    if (!this.placed) this.samples.place(this.view, this.fraction);
    this.placed = true;
    return this.samples.screen;
  }

  pointAt(hit) {
    if (hit?.kind === this.hit?.kind && hit?.index === this.hit?.index) return;
    this.hit = hit;
    this.highlight(hit);
    this.callbacks.onHover?.(hit);
  }

  hover(x, y) {
    this.pointAt(hitAt(this, x, y));
  }

  click(x, y, how) {
    this.hover(x, y); // a finger clicks without having hovered
    this.callbacks.onClick?.(this.hit, how);
  }

  turn(right, up) {
    this.callbacks.onDrag?.(right, up);
  }

  zoomBy(factor) {
    this.zoomTo(this.view.zoom * factor);
  }

  zoomTo(zoom) {
    this.setZoom(zoom);
    this.callbacks.onZoom?.(this.view.zoom);
  }

  draft(outline) {
    this.outline = outline;
    this.surface.invalidate();
  }

  enclose(outline, how) {
    this.draft(NONE);
    const rows = inLasso(this.screen(), outline).map((i) => this.rows[i]);
    this.callbacks.onSelect?.(rows.sort(), how);
  }

  stepClass(by) {
    const hit = classBeside(this, by);
    this.pointAt(hit);
    if (hit) this.surface.say(this.overlay.labels.texts[hit.index] ?? `class ${hit.index + 1}`);
  }

  pressClass() {
    if (this.hit) this.callbacks.onClick?.(this.hit, "replace");
  }

  cancel() {
    this.pointAt(null);
    this.callbacks.onSelect?.(NONE, "replace");
  }
}
