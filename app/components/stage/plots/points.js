// The embedding's picture: samples and class marks in D dimensions, between two epochs, turned by hand.

import { Gestures } from "./gestures.js";
import { Overlay, drawHover, drawOutline } from "./overlay.js";
import { drawSamples, points2D } from "./points_2d.js";
import { PointsGL } from "./points_gl.js";
import { inLasso, nearest } from "../core/select.js";
import { Surface } from "./surface.js";
import { Cloud, DIMMED, INT16_MAX, LARGE, RING, SELECTED, View } from "./view.js";

const [LEAST_ZOOM, MOST_ZOOM] = [0.5, 20];
const [CLASS_REACH, SAMPLE_REACH] = [9, 12]; // pixels
const NONE = new Uint32Array(0);
const HELP =
  "Arrow keys or dragging turn the picture, plus and minus zoom, 0 shows all, C and Shift C go through the classes, " +
  "Enter chooses the class, Escape clears. Dragging with Shift selects samples.";

/**
 * Pictures N samples, of which n are drawn, of K classes, with D ≤ 12 coordinates in the unit ball. Every setter asks
 * for a frame; `draw` draws at once. Arrays that are handed over are kept, not copied, and must not change afterwards.
 *
 * Pointing finds the class mean near the pointer, else the sample, and only at a whole epoch: what lies between two
 * epochs is not data.
 *
 * @typedef {{kind: "sample" | "class", index: number, x: number, y: number}} Hit `index` is a row of the N samples or a
 *   class; x and y are pixels from the picture's top left
 */
export class Points extends Surface {
  view = new View();
  samples = new Cloud(1 / INT16_MAX);
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
   * @param {string} options.label what the picture shows, for those who listen
   * @param {(hit: ?Hit) => void} options.onHover what is pointed at has changed
   * @param {(hit: ?Hit, how: "replace" | "add" | "remove") => void} options.onClick clicked on, or beside everything
   * @param {(rows: Uint32Array, how: string) => void} options.onSelect enclosed, in rising order; none to clear
   * @param {(right: number, up: number) => void} options.onDrag radians; the caller turns the basis and sets it
   * @param {(zoom: number) => void} options.onZoom the reader has zoomed
   */
  constructor(host, { label, ...callbacks }) {
    super(host, label, HELP);
    this.callbacks = callbacks;
    this.renderer = this.rendererOn(this.canvases[1]);
    this.gestures = new Gestures(this);
    this.resize();
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
    this.invalidate();
  }

  /**
   * Show what lies between two epochs, `fraction` of the way. Each is {coordinates: (N, D) Int16Array in steps of
   * 1/32767; means, prototypes, classifier: (K, D) Float32Array, rows of NaN for classes without one; trail: list of
   * the means at past epochs, the oldest first}. All may be missing, and the trail is that of `a`.
   */
  setEpochs({ a, b = a, fraction = 0 }) {
    Object.assign(this.epochs, { a, b, fraction });
    this.samples.set(a.coordinates, b.coordinates, this.dims, this.rows);
    this.overlay.setEpochs(a, b, this.dims);
    if (fraction > 0) this.pointAt(null);
    this.highlight(this.highlighted);
  }

  /** @param {{simplex: ?Float32Array, predicted: ?Float32Array}} fixed (K, D) */
  setFixed(fixed) {
    this.fixed = fixed;
    this.overlay.setFixed(fixed, this.dims);
    this.invalidate();
  }

  /** @param {(?string)[]} labels (K,) written beside the class means where there is room */
  setClasses({ labels, colours }) {
    this.overlay.labels.set(labels);
    this.overlay.colours = colours;
    this.invalidate();
  }

  /** @param {Iterable<string>} layers what is drawn of simplex, predicted, means, trails, prototypes and classifier */
  setLayers(layers) {
    this.overlay.layers = new Set(layers);
    this.invalidate();
  }

  /** @param {Float64Array} basis (3, D or more) as in tour.js; what it has beyond the samples' D is not read */
  setBasis(basis) {
    this.view.setBasis(basis, this.dims);
    this.invalidate();
  }

  setFlat(flat) {
    this.view.flat = flat;
    this.invalidate();
  }

  setMode(mode) {
    this.gestures.setMode(mode);
  }

  /** @param {number} zoom 1 shows the whole unit ball */
  setZoom(zoom) {
    this.view.zoom = Math.min(MOST_ZOOM, Math.max(LEAST_ZOOM, zoom));
    this.invalidate();
  }

  /** Put a ring around a sample or class, as pointing does; null for none. @param {?{kind, index}} hit */
  highlight(hit) {
    this.highlighted = hit;
    const { a, b } = this.epochs;
    const sample = hit?.kind === "sample";
    const [from, to] = sample ? [a.coordinates, b.coordinates] : [a.means, b.means];
    this.ring.quantum = sample ? 1 / INT16_MAX : 1;
    this.ring.set(hit && from, to, this.dims, hit && Uint32Array.of(hit.index));
    this.invalidate();
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

  wake() {
    if (!this.asleep) return;
    this.asleep = false;
    this.renderer = this.rendererOn(this.renew(1));
    this.restore();
  }

  destroy() {
    if (!this.asleep) this.renderer.destroy();
    super.destroy();
  }

  // From here on: what the surface, the renderers and Gestures ask for.

  get fraction() {
    return this.epochs.fraction;
  }

  rendererOn(canvas) {
    return PointsGL.on(canvas, () => this.restore()) ?? points2D(canvas);
  }

  paint() {
    const { view, overlay, theme, fraction, ring } = this;
    if (this.asleep) return;
    view.width = this.width;
    view.height = this.height;
    this.placed = false;
    overlay.drawUnder(this.clear(0), theme);
    this.renderer.draw(this);
    const context = this.clear(2);
    overlay.drawOver(context, theme, fraction);
    ring.place(view, fraction);
    if (ring.count) drawHover(context, theme, this.highlighted.kind, ring.screen, view.dotRadius(this.rows.length));
    if (this.outline.length) drawOutline(context, theme, this.outline);
  }

  restore() {
    this.renderer.setRows(this.rows);
    this.renderer.setStyle(this.style);
    this.draw();
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
    this.callbacks.onHover(hit);
  }

  hover(x, y) {
    this.pointAt(this.fraction > 0 ? null : this.hitAt(x, y));
  }

  hitAt(x, y) {
    const { layers, clouds } = this.overlay;
    const k = layers.has("means") ? nearest(clouds.means.screen, x, y, CLASS_REACH) : -1;
    if (k >= 0) return this.classHit(k);
    const i = nearest(this.screen(), x, y, SAMPLE_REACH);
    return i < 0 ? null : { kind: "sample", index: this.rows[i], ...this.samples.at(i) };
  }

  classHit(index) {
    return { kind: "class", index, ...this.overlay.clouds.means.at(index) };
  }

  click(x, y, how) {
    this.hover(x, y); // a finger clicks without having hovered
    this.callbacks.onClick(this.hit, how);
  }

  turn(right, up) {
    this.callbacks.onDrag(right, up);
  }

  zoomTo(zoom) {
    this.setZoom(zoom);
    this.callbacks.onZoom(this.view.zoom);
  }

  draft(outline) {
    this.outline = outline;
    this.invalidate();
  }

  enclose(outline, how) {
    this.draft(NONE);
    const rows = inLasso(this.screen(), outline).map((i) => this.rows[i]);
    this.callbacks.onSelect(rows.sort(), how);
  }

  /** Point at the next class with a mean, `by` 1 or −1 from the one that is pointed at; at none beyond the last. */
  stepClass(by) {
    const { count, screen } = this.overlay.clouds.means;
    let index = this.hit?.kind === "class" ? this.hit.index : by > 0 ? -1 : count;
    do index += by;
    while (Number.isNaN(screen[2 * index])); // a class without samples has no mean
    const hasOne = this.fraction === 0 && index >= 0 && index < count;
    this.pointAt(hasOne ? this.classHit(index) : null);
    if (hasOne) this.say(this.overlay.labels.texts[index] ?? `class ${index + 1}`);
  }

  pressClass() {
    if (this.hit) this.callbacks.onClick(this.hit, "replace");
  }

  cancel() {
    this.pointAt(null);
    this.callbacks.onSelect(NONE, "replace");
  }
}
