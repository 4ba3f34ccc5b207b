// One loss: a vertical axis of degrees with a dot for each pair of classes, and a strip with a ring for each seed.

import { h, s } from "./elements.js";
import { anglesAt, mean, spread } from "./motion.js";

const HEIGHT = 320; // pixels
const [ABOVE, BELOW] = [14, 8];
const STEP = 30; // degrees between two marks of the axis
const CLEAR = 10; // degrees that the ideal's own mark needs

export class Column {
  constructor(run, classes, { pairs, ideal, top, tail_colour: orange }) {
    Object.assign(this, { run, pairs, top });
    this.tail = pairs.map(([a, b]) => classes[a].tail && classes[b].tail);
    this.dots = pairs.map((pair, index) => this.dot(index));
    this.marker = s("line", { class: "mean", x1: "77%", x2: "85%", stroke: orange });
    this.number = s("text", { class: "number", x: "87%", fill: orange });
    const others = this.dots.filter((_, pair) => !this.tail[pair]);
    const tails = this.dots.filter((_, pair) => this.tail[pair]);
    const picture = s(
      "svg",
      { height: HEIGHT, role: "img", "aria-label": run.sentence },
      ...this.axis(ideal),
      ...others,
      ...tails,
      this.marker,
      this.number,
    );
    this.element = h(
      "section",
      { style: `--loss: ${run.colour}; --tail: ${orange}` },
      h("h3", {}, run.title),
      picture,
      ...this.seeds(ideal),
    );
  }

  y(degrees) {
    return ABOVE + (HEIGHT - ABOVE - BELOW) * (1 - degrees / this.top);
  }

  axis(ideal) {
    const marks = [];
    for (let degrees = 0; degrees <= this.top; degrees += STEP) {
      const y = this.y(degrees);
      marks.push(s("line", { class: "grid", x1: "13%", x2: "100%", y1: y, y2: y }));
      const hidden = Math.abs(degrees - ideal) < CLEAR;
      if (!hidden) marks.push(s("text", { class: "tick", x: "11%", y: y + 4 }, `${degrees}°`));
    }
    const y = this.y(ideal);
    marks.push(s("line", { class: "ideal", x1: "13%", x2: "100%", y1: y, y2: y }));
    marks.push(s("text", { class: "tick ideal-tick", x: "12%", y: y + 4 }, `${ideal.toFixed(1)}°`));
    return marks;
  }

  dot(pair) {
    const [a, b] = this.pairs[pair];
    const last = this.run.frames.at(-1)[pair];
    const tail = this.tail[pair];
    return s(
      "circle",
      { class: tail ? "tail" : "pair", r: tail ? 6 : 3.5, cx: `${18 + 56 * spread(pair)}%` },
      s("title", {}, `digits ${a} and ${b}: ${last.toFixed(1)}° at the last epoch`),
    );
  }

  seeds(ideal) {
    if (!this.run.seeds.length) return [];
    const across = (degrees) => `${(100 * degrees) / this.top}%`;
    return [
      s(
        "svg",
        { class: "seeds", height: 22, "aria-hidden": "true" },
        s("line", { class: "grid", x1: 0, x2: "100%", y1: 11, y2: 11 }),
        s("line", { class: "ideal", x1: across(ideal), x2: across(ideal), y1: 2, y2: 20 }),
        ...this.run.seeds.map((degrees) => s("circle", { class: "seed", r: 5, cx: across(degrees), cy: 11 })),
      ),
      ...this.run.summary.map((line) => h("p", { class: "summary" }, line)),
    ];
  }

  draw(epoch) {
    const angles = anglesAt(this.run.frames, epoch);
    this.dots.forEach((dot, pair) => dot.setAttribute("cy", this.y(angles[pair])));
    const degrees = mean(angles.filter((_, pair) => this.tail[pair]));
    const y = this.y(degrees);
    for (const end of ["y1", "y2"]) this.marker.setAttribute(end, y);
    this.number.setAttribute("y", y + 5);
    this.number.textContent = `${Math.round(degrees)}°`;
  }
}
