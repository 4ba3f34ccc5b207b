// Degrees over epochs, temperatures, batches or classes: a line for each loss, with the range of its seeds.

import { h, swatch } from "../../stage/core/dom.js";
import { simplexAngle } from "../../stage/core/geometry.js";
import { filled } from "../../stage/core/templates.js";
import { circle, stroke } from "../../stage/plots/pen.js";
import { along, drawDegrees, drawGrid, drawRegular } from "../../stage/plots/dots.js";
import { Sheet } from "../../stage/plots/sheet.js";
import { amount } from "../words.js";

const [LEFT, RIGHT, ABOVE, BELOW] = [52, 14, 12, 44]; // pixels
const DASHES = { solid: [], dash: [7, 4], longdash: [11, 4], dot: [2, 4], dashdot: [7, 3, 2, 3], longdashdot: [11, 3, 2, 3] };
const MOST_TICKS = 10;
const STEPS = [1, 2, 5, 10, 20, 50, 100]; // from a tick to the next
const FEW = 12; // points of a line that are drawn as dots, too, each over its own tick

export class Lines {
  constructor(host, figure, { document: { sphere, neutral }, numbers, words, isRevealed }) {
    Object.assign(this, { figure, isRevealed, axis: words.axes[figure.x], words });
    const titles = { ...words.losses, "": words.simplex };
    const styles = { ...sphere.losses, "": { colour: neutral, dash: "solid" } };
    this.series = seriesOf(figure, numbers).map((one) => ({ ...one, ...styles[one.loss], title: titles[one.loss] }));
    this.canvas = h("canvas", { class: "lines", role: "img", "aria-label": words.lines_of });
    this.legend = h("div", { class: "legend" });
    host.append(this.canvas, this.legend);
    this.pictures = [new Sheet(this.canvas, (...sheet) => this.paint(...sheet))];
    this.tellLegend();
  }

  get shown() {
    const { series, isRevealed, figure: { known = series.length, known_points: points = Infinity } } = this;
    if (isRevealed) return series;
    return series.slice(0, known).map((one) => ({ ...one, points: one.points.slice(0, points) }));
  }

  reveal() {
    this.isRevealed = true;
    this.tellLegend();
    for (const picture of this.pictures) picture.draw();
  }

  tellLegend() {
    const { regular = null } = this.figure;
    const entries = this.shown.map((one) => h("span", {}, swatch(one), one.title));
    if (regular !== null) {
      const title = filled(this.words.sphere.regular, { angle: `${simplexAngle(regular).toFixed(1)}°` });
      entries.push(h("span", {}, swatch({ colour: "currentColor", dash: "dash" }), title));
    }
    this.legend.replaceChildren(...entries);
  }

  paint(context, width, height, theme) {
    const { figure: { x: quantity, highest = 150, regular = null }, series, shown } = this;
    const sides = [LEFT, width - RIGHT];
    const axis = { zero: height - BELOW, end: ABOVE, highest, sides, upright: true };
    const xs = [...new Set(series.flatMap(({ points }) => points.map(([x]) => x)))].sort((a, b) => a - b);
    const isFew = xs.length <= FEW;
    const places = quantity === "batch" ? xs.map(Math.log) : xs;
    const [first, last] = [places[0], places.at(-1)];
    const room = isFew ? 30 : 0;
    const at = (x) => LEFT + room + ((places[xs.indexOf(x)] - first) / (last - first)) * (sides[1] - LEFT - 2 * room);
    const degrees = regular === null ? null : simplexAngle(regular);
    const font = `12px ${theme.font}`;
    drawGrid(context, axis, sides, theme.faint);
    drawDegrees(context, axis, { beside: LEFT - 6, font, colour: theme.quiet, regular: degrees, strong: theme.text });
    if (degrees !== null) drawRegular(context, axis, degrees, sides, theme.text);
    for (const one of shown) drawSeries(context, axis, at, one, theme);
    Object.assign(context, { font, fillStyle: theme.quiet, textAlign: "center", textBaseline: "top" });
    const every = isFew ? 0 : STEPS.find((step) => (xs.at(-1) - xs[0]) / step <= MOST_TICKS);
    for (const x of xs) if (!every || x % every === 0) context.fillText(String(x), at(x), height - BELOW + 6);
    context.fillText(this.axis, (sides[0] + sides[1]) / 2, height - 18);
  }
}

/** @returns {{loss: string, points: number[][]}[]} points are [x, degrees, least, greatest], the last two where known */
function seriesOf({ series, classes }, numbers) {
  if (classes) {
    const [from, to] = classes;
    return [{ loss: "", points: Array.from({ length: to - from + 1 }, (_, i) => [from + i, simplexAngle(from + i)]) }];
  }
  const resolved = ([x, y, ...range]) => [x, typeof y === "string" ? amount(numbers[y]) : y, ...range];
  return series.map((one) => ({ ...one, points: one.points.map(resolved) }));
}

function drawSeries(context, axis, at, { points, colour, dash }, theme) {
  const spread = points.filter((point) => point.length === 4);
  if (spread.length) {
    context.beginPath();
    for (const [x, , low] of spread) context.lineTo(at(x), along(axis, low));
    for (const [x, , , high] of [...spread].reverse()) context.lineTo(at(x), along(axis, high));
    context.closePath();
    Object.assign(context, { fillStyle: colour, globalAlpha: 0.14 });
    context.fill();
    context.globalAlpha = 1;
  }
  context.beginPath();
  for (const [x, y] of points) context.lineTo(at(x), along(axis, y));
  context.setLineDash(DASHES[dash] ?? []);
  stroke(context, colour, 3);
  context.setLineDash([]);
  if (points.length > FEW && spread.length) return;
  for (const [x, y] of points) {
    circle(context, at(x), along(axis, y), 4.5);
    context.fillStyle = colour;
    context.fill();
    stroke(context, theme.paper, 1.5);
  }
}
