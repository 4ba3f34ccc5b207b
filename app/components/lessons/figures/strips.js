// What came of several seeds: a ring for each, by loss, for angles and accuracies; those asked for come with the answer.

import { h, swatch } from "../../stage/core/dom.js";
import { circle, stroke } from "../../stage/plots/pen.js";
import { along, drawRings } from "../../stage/plots/dots.js";
import { Sheet } from "../../stage/plots/sheet.js";

const EDGE = 24; // pixels, half a label
const ROW = 30;
const LABEL = 40; // from a tick to the next, for each to have its label
const SCALES = {
  tail_tail: { from: 30, to: 120, ticks: [30, 60, 90, 120], unit: "°" },
  accuracy: { from: 50, to: 100, ticks: [50, 60, 70, 80, 90, 100], unit: " %" },
  accuracy_tail: { from: 50, to: 100, ticks: [50, 60, 70, 80, 90, 100], unit: " %" },
};

export class Strips {
  constructor(host, { fields, cells, known = fields.length }, { document: { sphere }, text, words, isRevealed }) {
    const titles = cells.map(({ loss }, i) => text.labels?.[i] ?? words.losses[loss]);
    this.parts = fields.map((field, place) => {
      const canvas = h("canvas", { class: "strip", role: "img", style: `height: ${ROW * cells.length + 22}px` });
      const rows = cells.map(({ loss, said }, i) => {
        const name = h("span", {}, swatch(sphere.losses[loss]), titles[i]);
        return h("p", { style: `height: ${ROW}px` }, name, h("b", {}, said[field]));
      });
      canvas.ariaLabel = `${words.fields[field]}: ${cells.map(({ said }, i) => `${titles[i]} ${said[field]}`).join("; ")}`;
      const element = h("section", {}, h("h3", {}, words.fields[field]), h("div", { class: "strips" }, h("div", {}, rows), canvas));
      const sheet = new Sheet(canvas, (...given) => paint(...given, SCALES[field], cells, field, sphere.losses));
      element.hidden = !isRevealed && place >= known;
      return { element, sheet };
    });
    host.append(...this.parts.map(({ element }) => element));
  }

  reveal() {
    for (const { element } of this.parts) element.hidden = false;
  }

  get pictures() {
    return this.parts.map(({ sheet }) => sheet);
  }
}

function paint(context, width, height, theme, { from, to, ticks, unit }, cells, field, losses) {
  const length = width - 2 * EDGE;
  const zero = EDGE - (from / (to - from)) * length; // where 0 would be, so that `along` has `from` at the edge
  const base = ROW * cells.length;
  Object.assign(context, { font: `12px ${theme.font}`, fillStyle: theme.quiet, textAlign: "center", textBaseline: "top" });
  const axisOf = (sides) => ({ zero, end: EDGE + length, highest: to, sides, upright: false });
  const every = length / (ticks.length - 1) < LABEL ? 2 : 1;
  for (const [i, tick] of ticks.entries()) {
    const x = along(axisOf([0, base]), tick);
    context.beginPath();
    context.moveTo(x, 0);
    context.lineTo(x, base);
    stroke(context, theme.faint, 1);
    if (i % every === 0) context.fillText(`${tick}${unit}`, x, base + 5);
  }
  cells.forEach(({ loss, values }, i) => {
    const axis = axisOf([i * ROW, (i + 1) * ROW]);
    const { colour } = losses[loss];
    drawRings(context, axis, values[field], colour);
    const mean = values[field].reduce((sum, value) => sum + value, 0) / values[field].length;
    circle(context, along(axis, mean), (i + 0.5) * ROW, 4);
    context.fillStyle = theme.text;
    context.fill();
  });
}
