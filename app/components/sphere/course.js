// All angles over the steps, and what is kept of them.

import { filled } from "../stage/core/templates.js";
import { stroke } from "../stage/plots/pen.js";
import { along, drawDegrees, drawGrid, drawRegular } from "../stage/plots/dots.js";

const MOST = 600; // moments that are kept; from there on every other one goes
const [LEFT, RIGHT, ABOVE, BELOW] = [46, 6, 8, 20]; // pixels
const ROOM = 180; // pixels that three steps' numbers need
const DOTS = [1.5, 3];

/** Angles of a simulation at moments, evenly spread over its steps. */
export class Course {
  moments = []; // {time, angles (K, K)}
  every = 1; // steps

  add(time, angles) {
    if (time % this.every) return;
    this.moments.push({ time, angles: angles.slice() });
    if (this.moments.length <= MOST) return;
    this.every *= 2;
    this.moments = this.moments.filter(({ time: of }) => of % this.every === 0);
  }
}

/**
 * @param {Course} course @param {{regular: ?number, predicted: ?number[], pair: [number, number], K: number,
 *   end: number, words: Object}} told `predicted` (K, K) degrees, `end` the last step on the axis
 * @param {{tail: string, other: string}} colours of the pair, and of the others
 */
export function drawCourse(context, width, height, theme, course, { regular, predicted, pair, K, end, words }, colours) {
  const sides = [LEFT, width - RIGHT];
  const axis = { zero: height - BELOW, end: ABOVE, highest: 180, sides, upright: true };
  const at = (time) => LEFT + (time / end) * (sides[1] - LEFT);
  drawGrid(context, axis, sides, theme.faint);
  const font = `11px ${theme.font}`;
  drawDegrees(context, axis, { beside: LEFT - 5, font, colour: theme.quiet, regular, strong: theme.text });
  if (regular !== null) drawRegular(context, axis, regular, sides, theme.text);
  const [low, high] = [...pair].sort((a, b) => a - b);
  const pairs = [];
  for (let b = 1; b < K; b++) for (let a = 0; a < b; a++) if (a !== low || b !== high) pairs.push([a, b, false]);
  pairs.push([low, high, true]); // over the others
  for (const [a, b, isPair] of pairs) {
    const colour = isPair ? colours.tail : colours.other;
    if (predicted) {
      const y = along(axis, predicted[a * K + b]);
      context.beginPath();
      context.moveTo(sides[0], y);
      context.lineTo(sides[1], y);
      context.setLineDash(DOTS);
      stroke(context, colour, isPair ? 2 : 1);
      context.setLineDash([]);
    }
    context.beginPath();
    for (const { time, angles } of course.moments) context.lineTo(at(time), along(axis, angles[a * K + b]));
    context.globalAlpha = isPair ? 1 : 0.7;
    stroke(context, colour, isPair ? 3 : 1.25);
    context.globalAlpha = 1;
  }
  Object.assign(context, { font, fillStyle: theme.quiet, textBaseline: "alphabetic" });
  const middle = sides[1] - sides[0] < ROOM ? [] : [[end / 2, "center"]];
  for (const [time, textAlign] of [[0, "left"], ...middle, [end, "right"]]) {
    context.textAlign = textAlign;
    context.fillText(textAlign === "right" ? filled(words.sphere.at_step, { step: end }) : String(Math.round(time)), at(time), height - 6);
  }
}
