// An angle as a dial: a half circle of degrees with the angle in it, its targets, and the prototypes' angle.

import { circle, stroke } from "../stage/plots/pen.js";
import { DASH, SPACE } from "../stage/plots/dots.js";

const DOTS = [1.5, 3];
const MARGIN = 20; // pixels, for the degrees outside
const TICK = 30; // degrees
const DIAMOND = 4.5;

/**
 * @param {{angle: number, regular: ?number, predicted: ?number, prototypes: ?number}} told degrees
 * @param {string} colour of the angle
 */
export function drawDial(context, width, height, theme, { angle, regular, predicted, prototypes }, colour) {
  const radius = Math.max(1, Math.min((width - 2 * MARGIN) / 2, height - MARGIN - 4));
  const [x, y] = [width / 2, height - 4];
  const at = (degrees, length) => {
    const turn = (degrees * Math.PI) / 180;
    return [x - length * Math.cos(turn), y - length * Math.sin(turn)];
  };
  const ray = (degrees, from, to, look, thick, dashes = []) => {
    context.beginPath();
    context.moveTo(...at(degrees, from));
    context.lineTo(...at(degrees, to));
    context.setLineDash(dashes);
    stroke(context, look, thick);
    context.setLineDash([]);
  };
  context.beginPath();
  context.moveTo(x, y);
  context.arc(x, y, radius, Math.PI, Math.PI + (angle * Math.PI) / 180);
  context.closePath();
  Object.assign(context, { fillStyle: colour, globalAlpha: 0.15 });
  context.fill();
  context.globalAlpha = 1;
  context.beginPath();
  context.arc(x, y, radius, Math.PI, 2 * Math.PI);
  context.closePath();
  stroke(context, theme.line, 1);
  Object.assign(context, { font: `11px ${theme.font}`, fillStyle: theme.quiet, textAlign: "center", textBaseline: "middle" });
  for (let degrees = 0; degrees <= 180; degrees += TICK) {
    ray(degrees, radius - 4, radius, theme.quiet, 1);
    if (degrees > 0 && degrees < 180) context.fillText(`${degrees}°`, ...at(degrees, radius + 11));
  }
  if (regular !== null) ray(regular, 0, radius + 5, theme.text, 1, [DASH, SPACE]);
  ray(0, 0, radius, colour, 2.5);
  ray(angle, 0, radius - 2, colour, 2.5);
  if (predicted !== null) ray(predicted, 0.5 * radius, radius + 6, theme.text, 2, DOTS); // over the angle that got there
  if (prototypes === null) return;
  const [right, down] = at(prototypes, radius - 10);
  context.beginPath();
  for (const [dx, dy] of [[0, -1], [1, 0], [0, 1], [-1, 0]]) context.lineTo(right + DIAMOND * dx, down + DIAMOND * dy);
  context.closePath();
  context.fillStyle = theme.paper;
  context.fill();
  stroke(context, theme.text, 1.25);
}
