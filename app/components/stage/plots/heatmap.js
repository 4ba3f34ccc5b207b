// A K × K picture of numbers between classes: every class up to twenty, above that blocks of groups that open.

import { Blocks } from "./blocks.js";
import { Shades, drawCells } from "./cells.js";
import { scale } from "../core/colour.js";
import { drawAxes, drawBlock, drawLegend, drawOutline, drawRules, layOut } from "./heatmap_frame.js";
import { Surface } from "./surface.js";

const HELP = "Arrow keys go through the cells, Enter opens or closes a block of classes, Escape leaves the cells.";
const MOVES = { ArrowUp: [-1, 0], ArrowDown: [1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1] };

/**
 * Pictures numbers between K classes, and one number a class on the diagonal. Every setter asks for a frame; `draw`
 * draws at once. Arrays that are handed over are kept, not copied, and must not change afterwards.
 *
 * @typedef {{kind: "cell" | "block", row: number, column: number, value: number, text: string}} Hit `row` and `column`
 *   are classes in a cell, groups in a block; a block's value is the mean over its pairs of two classes, or NaN
 * @typedef {{stops: [number, string][], low: number, high: number, ticks: [number, string][], title: string,
 *   format: (value: number) => string}} Scale `low` and `high` are the values at the stops 0 and 1, beyond which cells
 *   are marked; the title stands over the colour bar and, after the formatted number, in a Hit's text
 */
export class HeatMap extends Surface {
  order = new Uint32Array(0);
  blocks = new Blocks([]);
  values = null;
  scales = null;
  frame = null; // null: everything has to be laid out anew
  cursor = null; // what is outlined, [i, j] in the order of the rows
  hit = null;

  /**
   * @param {HTMLElement} host sized by the page; filled with canvases, focusable
   * @param {string} options.label what the picture shows, for those who listen
   * @param {(hit: ?Hit) => void} options.onHover what is pointed at, by pointer or keys, is another or has a new value
   * @param {(open: Set<number>) => void} options.onOpen the reader has opened or closed a block
   */
  constructor(host, { label, onHover, onOpen }) {
    super(host, label, HELP);
    Object.assign(this, { onHover, onOpen });
    this.listen("pointermove", (event) => this.pointAt(this.placeOf(event)));
    this.listen("pointerleave", () => this.pointAt(null));
    this.listen("click", (event) => (this.pointAt(this.placeOf(event)), this.press()));
    this.listen("keydown", (event) => this.key(event));
    this.resize();
  }

  /**
   * @param {Uint32Array} order (K,) the class of each row and column
   * @param {string[]} rowLabels (K,) by class, as columnLabels; drawn where there are no groups
   * @param {{name: string, count: number}[]} groups runs of `order` that make blocks: for more than 20 classes
   */
  setClasses({ order, rowLabels, columnLabels = rowLabels, groups = [] }) {
    const named = (labels) => (groups.length ? groups.map(({ name }) => name) : Array.from(order, (k) => labels[k]));
    this.names = { rows: named(rowLabels), columns: named(columnLabels) };
    Object.assign(this, { order, rowLabels, blocks: new Blocks(groups), values: null });
    this.pointAt(null);
    this.rebuild();
  }

  /** @param {?Scale} diagonal without stops, since the diagonal is drawn in the theme's greys; null for no diagonal */
  setScales(pairs, diagonal = null) {
    this.scales = { pairs, diagonal };
    this.colourOf = scale(pairs.stops);
    this.rebuild();
  }

  /** @param {Float32Array} pairs (K, K) by class, NaN for none @param {?Float32Array} diagonal (K,), null for none */
  setValues(pairs, diagonal = null) {
    this.blocks.setMeans(this.order, pairs);
    this.fill(pairs, diagonal);
  }

  /** Show groups alone, as long as no block is open, by the means of blocks. @param {?Float32Array} diagonal (K,) */
  setMeans(means, diagonal = null) {
    this.blocks.means = means;
    this.fill(null, diagonal);
  }

  setOpen(open) {
    this.blocks.open = new Set(open);
    this.repaint();
  }

  /** Outline the cell of two classes, or its closed block. @param {?{row: number, column: number}} pair classes */
  highlight(pair) {
    this.cursor = pair && [this.order.indexOf(pair.row), this.order.indexOf(pair.column)];
    this.invalidate();
  }

  retheme() {
    super.retheme();
    this.rebuild();
  }

  /** Draw the picture with a 2D context of the caller's, in pixels from the top left: for vector formats. */
  drawOn(context) {
    if (!this.values || !this.frame?.pixels) return;
    this.drawAround(context);
    this.drawInside(context);
  }

  // From here on: how it is done.

  fill(pairs, diagonal) {
    this.values = { pairs, diagonal: diagonal ?? new Float32Array(this.order.length).fill(NaN) };
    if (this.hit) this.pointAt(this.cursor);
    this.repaint();
  }

  rebuild() {
    this.frame = null;
    this.invalidate();
  }

  repaint() {
    this.painted = false;
    this.invalidate();
  }

  paint() {
    if (!this.values || !this.scales) return;
    const fits = ["width", "height", "ratio"].every((name) => this.frame?.[name] === this[name]);
    if (!fits) this.build();
    if (!this.frame.pixels) return;
    if (!this.painted) this.drawInside(this.clear(1));
    this.painted = true;
    const over = this.clear(2);
    if (this.cursor) drawOutline(over, this.extent(this.blocks.around(...this.cursor)), this.theme);
  }

  /** What changes only with the classes, the scales, the size and the theme. */
  build() {
    const context = this.clear(0);
    this.frame = layOut(context, this, this.names, this.blocks.grouped, this.order.length);
    if (!this.frame.pixels) return;
    this.shades = new Shades(this.scales.pairs.stops, this.theme);
    this.painted = false;
    this.drawAround(context);
  }

  drawAround(context) {
    const { names, scales, order, blocks, theme } = this;
    const ends = blocks.grouped ? blocks.starts : Array.from({ length: order.length + 1 }, (_, i) => i);
    drawAxes(context, this.frame, names, ends.map((end) => end / order.length), blocks.grouped, theme);
    drawLegend(context, this.frame, scales, theme);
  }

  drawInside(context) {
    drawCells(context, this);
    const { frame, blocks, scales, theme } = this;
    const { low, high, format } = scales.pairs;
    for (const block of blocks.closed()) {
      const mean = blocks.means[block];
      const colour = this.colourOf((mean - low) / (high - low));
      const text = Number.isNaN(mean) ? "–" : format(mean);
      drawBlock(context, this.extent(blocks.extent(block)), colour, text, `${blocks.pairs(block)} pairs`, theme);
    }
    drawRules(context, frame, blocks.starts.map((start) => start / this.order.length), theme);
  }

  /** Pixels of the cells from row and column `i`, `j` up to but not including `k`, `l`. */
  extent([i, j, k, l]) {
    const { x, y, edges } = this.frame;
    return { x: x + edges[j], y: y + edges[i], width: edges[l] - edges[j], height: edges[k] - edges[i] };
  }

  placeOf({ offsetX, offsetY }) {
    const { frame, order } = this;
    if (!frame) return null;
    const j = Math.floor(((offsetX - frame.x) / frame.side) * order.length);
    const i = Math.floor(((offsetY - frame.y) / frame.side) * order.length);
    return Math.min(i, j) < 0 || Math.max(i, j) >= order.length ? null : [i, j];
  }

  pointAt(place) {
    const hit = place && this.hitAt(...place);
    this.cursor = place;
    this.invalidate();
    if (hit?.text === this.hit?.text) return;
    this.hit = hit;
    this.onHover(hit);
  }

  hitAt(i, j) {
    const { blocks, order, values, rowLabels, scales } = this;
    const hit = (kind, row, column, value, who, range) => {
      const said = Number.isNaN(value) || !range ? "no value" : `${range.format(value)} ${range.title}`;
      return { kind, row, column, value, text: `${who}: ${said}` };
    };
    const block = blocks.closedAt(i, j);
    if (block !== null) {
      const who = `${blocks.name(block)}, mean of ${blocks.pairs(block)} pairs`;
      return hit("block", ...blocks.groupsOf(block), blocks.means[block], who, scales.pairs);
    }
    const [row, column] = [order[i], order[j]];
    if (i === j) return hit("cell", row, row, values.diagonal[row], rowLabels[row], scales.diagonal);
    const value = values.pairs?.[row * order.length + column] ?? NaN;
    return hit("cell", row, column, value, `${rowLabels[row]} and ${rowLabels[column]}`, scales.pairs);
  }

  beside(move) {
    return this.cursor ? this.blocks.step(this.cursor, move, this.order.length) : [0, 0];
  }

  press() {
    const block = this.cursor && this.blocks.at(...this.cursor);
    if (block === null) return;
    this.blocks.toggle(block);
    this.pointAt(this.cursor);
    this.repaint();
    this.onOpen(new Set(this.blocks.open));
  }

  key(event) {
    if (event.ctrlKey || event.metaKey || event.altKey || !this.values) return;
    if (event.key === "Escape") this.pointAt(null);
    else if (event.key === "Enter") this.press();
    else if (event.key in MOVES) this.pointAt(this.beside(MOVES[event.key]));
    else return;
    event.preventDefault();
    event.stopPropagation(); // the page's arrow keys move the epoch
    if (this.hit) this.say(this.hit.text);
  }
}
