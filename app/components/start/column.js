// One loss: an upright axis of degrees with a dot for each pair of classes, and beneath it a ring for each seed.

import { h, number } from "../stage/core/dom.js";
import { meanWithin } from "../stage/core/geometry.js";
import { nearest } from "../stage/core/select.js";
import { along, dotsOf, drawDegrees, drawDots, drawGrid } from "../stage/plots/dots.js";
import { drawRegular, drawRings, placeOf, topOf } from "../stage/plots/dots.js";
import { Sheet } from "../stage/plots/sheet.js";
import { between } from "./motion.js";

const [ABOVE, BELOW] = [10, 10]; // pixels
const LABELS = 40;
const [NUMBER, MARK, EDGE] = [42, 16, 8];
const NUMBER_HEIGHT = 9; // to either side of its middle
const NARROW = 200; // of columns that are no wider only the first has labels, and numbers are smaller
const NEAR = 10; // pixels from a dot that point at it
const LARGER = 1.4;

export class Column {
  /** @param {{title: string, colour: string, seeds: ?Object}} told @param {boolean} isFirst of those side by side */
  constructor(told, colours, isFirst) {
    Object.assign(this, { told, colours, isFirst });
    this.plot = h("canvas", { class: "plot", role: "img", onpointermove: (event) => this.point(event) });
    this.number = h("span", { class: "number", "aria-hidden": "true" });
    this.rings = h("canvas", { class: "rings", "aria-hidden": "true" });
    this.summary = h("div", { class: "summary lines" });
    this.element = h(
      "section",
      { style: `--loss: ${told.colour}; --line: ${told.dash === "solid" ? "solid" : "dashed"}; --tail: ${colours.tail}` },
      h("h3", {}, told.title),
      h("div", { class: "degrees" }, this.plot, this.number),
      told.seeds && h("div", { class: "result" }, this.rings, this.summary),
    );
    this.summarize("");
    this.sheets = [
      new Sheet(this.plot, (...sheet) => this.paint(...sheet)),
      new Sheet(this.rings, (...sheet) => this.paintRings(...sheet)),
    ];
  }

  /** @param {Run} run whose curves are here @param {number[]} tail the classes in orange */
  show({ classes: { names, regular }, curves }, tail) {
    const epochs = [...curves.means.keys()].sort((a, b) => a - b);
    const frames = epochs.map((epoch) => curves.angles(epoch));
    const kinds = names.map((_, k) => (tail.includes(k) ? "tail" : "medium"));
    const top = topOf(frames.flatMap((angles) => dotsOf(angles, kinds)));
    Object.assign(this, { epochs, frames, kinds, top, names, tail, regular });
    const rare = tail.map((k) => names[k]).join(", ");
    const mean = (classes) => number(meanWithin(classes, frames.at(-1), names.length));
    this.plot.ariaLabel =
      `${this.told.title}: at the last epoch digits ${rare} stand ${mean(tail)}° apart, ` +
      `all pairs of digits ${mean([...names.keys()])}° on average.`;
    this.summarize(rare);
  }

  /** Say what came of several seeds, in as many lines before the rare classes are known. */
  summarize(rare) {
    if (!this.told.seeds) return;
    const { angle, accuracy, accuracy_tail: ofTail } = this.told.seeds;
    const lines = [`${angle}° between ${rare}`, `${accuracy} % test accuracy`, `${ofTail} % on ${rare}`];
    this.summary.replaceChildren(...lines.map((line) => h("p", {}, line)));
  }

  /** @param {number} place among the epochs, a fraction between two */
  draw(place) {
    const angles = between(this.frames, place);
    this.dots = dotsOf(angles, this.kinds);
    this.mean = meanWithin(this.tail, angles, this.kinds.length);
    for (const sheet of this.sheets) sheet.draw();
  }

  paint(context, width, height, theme) {
    const { colours, dots, mean, regular, isFirst } = this;
    const isNarrow = width <= NARROW;
    const left = isFirst || !isNarrow ? LABELS : 0;
    const end = width - (isNarrow ? 0.75 : 1) * NUMBER; // where the number begins
    const sides = [left + EDGE, end - MARK - EDGE];
    const axis = { zero: height - BELOW, end: ABOVE, highest: this.top ?? topOf([]), sides, upright: true };
    this.axis = axis;
    drawGrid(context, axis, [left, width], theme.faint);
    const labels = { beside: left - 4, font: `12px ${theme.font}`, colour: theme.quiet, strong: theme.text };
    if (left) drawDegrees(context, axis, { ...labels, regular: regular ?? null });
    if (!dots) return;
    const y = along(axis, mean);
    const isFree = Math.abs(y - along(axis, regular)) > NUMBER_HEIGHT; // the number beside the line, which strikes none through
    drawRegular(context, axis, regular, [left, isFree ? width : end - MARK], theme.text);
    drawDots(context, axis, dots, { colours, size: LARGER, paper: theme.paper });
    context.fillStyle = colours.tail;
    context.fillRect(end - MARK, y - 1.5, MARK - 4, 3);
    this.number.textContent = `${number(mean)}°`;
    Object.assign(this.number.style, { left: `${end}px`, top: `${y}px`, fontSize: isNarrow ? "0.8rem" : "1rem" });
  }

  paintRings(context, width, height, theme) {
    if (!this.dots) return;
    const sides = [3, height - 3];
    const axis = { zero: EDGE, end: width - EDGE, highest: this.top, sides, upright: false };
    context.fillStyle = theme.line;
    context.fillRect(EDGE, height / 2 - 0.5, width - 2 * EDGE, 1);
    drawRegular(context, axis, this.regular, sides, theme.text);
    drawRings(context, axis, this.told.seeds.angles, this.colours.tail);
  }

  /** Say in a tip which pair is pointed at. */
  point({ offsetX: x, offsetY: y }) {
    const { dots = [], names } = this;
    const places = Float32Array.from(dots.flatMap((dot, i) => placeOf(this.axis, dot, i)));
    const dot = dots[nearest(places, x, y, NEAR)];
    this.plot.title = dot ? `digits ${names[dot.column]} and ${names[dot.row]}: ${number(dot.angle, 1)}°` : "";
  }
}
