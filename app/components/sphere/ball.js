// A sphere on a 2D context: points by class, prototypes as diamonds, what moves a chosen point. In CSS pixels.

import { circle, stroke } from "../stage/plots/pen.js";
import { dot } from "./loss.js";
import { nameOf } from "./settings.js";

const MARGIN = 22; // pixels around the sphere, for names
const [FEW, MANY] = [5, 3]; // radius in pixels of points of classes with few images, and with many
const FAR = 0.4; // opacity of what is farthest behind
const DIAMOND = 8;
const LONGEST = 0.55; // of the radius, an arrow
const LEAST = 0.02; // of the longest, an arrow that is drawn
const HEAP = 25; // degrees within which all classes are one heap, where names would lie on each other
const NEAR = 14; // pixels from a point that take hold of it
const HEAD = 7; // pixels of an arrow's head
const DASHES = [5, 3];

/** How many pixels a sphere's radius takes, and where its centre is. */
export function placeOf(width, height) {
  return { x: width / 2, y: height / 2, radius: Math.max(1, Math.min(width, height) / 2 - MARGIN) };
}

/** On the screen: pixels, and how near, −1 to 1. @param {number[][]} rows of the camera */
export function projected(rows, place, vectors, i) {
  const [right, up, near] = rows.map((row) => dot(row, 0, vectors, i));
  return { x: place.x + place.radius * right, y: place.y - place.radius * up, near };
}

/** The point of the sphere under a pixel, of its front or its back. @returns {number[]} (3,) unit */
export function unprojected(rows, place, x, y, isBehind) {
  const [right, up] = [(x - place.x) / place.radius, (place.y - y) / place.radius];
  const length = Math.max(1, Math.hypot(right, up));
  const flat = [right / length, up / length];
  const near = Math.sqrt(Math.max(0, 1 - flat[0] ** 2 - flat[1] ** 2)) * (isBehind ? -1 : 1);
  return [0, 1, 2].map((axis) => rows[0][axis] * flat[0] + rows[1][axis] * flat[1] + rows[2][axis] * near);
}

/** The point nearest to a pixel, of those in front if any is near; null where none is. */
export function pointAt(simulation, rows, place, x, y) {
  let [found, least] = [null, Infinity];
  for (let i = 0; i < simulation.n; i++) {
    const at = projected(rows, place, simulation.points, 3 * i);
    const distance = Math.hypot(at.x - x, at.y - y);
    // Behind counts as farther, and so do the many: the few that lie among them are what is wanted.
    const far = distance + (at.near < 0 ? NEAR / 2 : 0) + (isFew(simulation, i) ? 0 : 2);
    if (distance <= NEAR && far < least) [found, least] = [i, far];
  }
  return found;
}

function isFew({ counts, classes, n }, i) {
  return counts[classes[i]] * counts.length <= n / 2;
}

/**
 * @param {Object} shown `simulation`, `rows` of the camera, `pair` of classes whose angle is drawn, `chosen` image or
 *   null, its `forces`, and `scale`, what the longest arrow stands for
 * @param {{classes: string[], tail: string}} colours
 */
export function drawBall(context, width, height, theme, shown, colours) {
  const { simulation, rows, pair, chosen } = shown;
  const { points, prototypes, classes, n, K, switches } = simulation;
  const place = placeOf(width, height);
  circle(context, place.x, place.y, place.radius);
  context.fillStyle = shade(context, place, theme);
  context.fill();
  stroke(context, theme.line, 1);
  const means = directions(simulation.means());
  for (let k = 0; k < K; k++) drawRay(context, place, projected(rows, place, means, 3 * k), theme.line, 1);
  for (const k of pair) drawRay(context, place, projected(rows, place, means, 3 * k), colours.tail, 2);
  const order = Array.from({ length: n }, (_, i) => ({ i, ...projected(rows, place, points, 3 * i) }));
  for (const { i, x, y, near } of order.sort((a, b) => a.near - b.near)) {
    context.globalAlpha = opacity(near);
    context.fillStyle = colours.classes[classes[i]];
    circle(context, x, y, (isFew(simulation, i) ? FEW : MANY) * (1 + 0.15 * near));
    context.fill();
    stroke(context, theme.paper, 0.75);
  }
  context.globalAlpha = 1;
  if (switches.complement) {
    for (let k = 0; k < K; k++) {
      const at = projected(rows, place, prototypes, 3 * k);
      context.globalAlpha = opacity(at.near);
      drawDiamond(context, at, colours.classes[k], theme);
    }
  }
  context.globalAlpha = 1;
  if (!isHeap(simulation)) drawNames(context, place, rows, means, K, theme);
  if (chosen !== null) drawForces(context, place, shown, theme, colours);
}

function opacity(near) {
  return near < 0 ? 1 + (1 - FAR) * near : 1;
}

/** Whether no two classes stand apart yet, as at the start. @param {Float64Array} angles (K, K) degrees */
export function isHeap({ angles }) {
  return angles.every((degrees) => !(degrees > HEAP));
}

/** Rows of unit length. @param {Float64Array} vectors (K, 3) */
function directions(vectors) {
  const length = (i) => Math.hypot(vectors[i], vectors[i + 1], vectors[i + 2]) || 1;
  return vectors.map((x, i) => x / length(i - (i % 3)));
}

/** Light from the upper left, so that the disc is seen as a ball. */
function shade(context, { x, y, radius }, theme) {
  const [left, above] = [x - 0.35 * radius, y - 0.35 * radius];
  const shade = context.createRadialGradient(left, above, 0.2 * radius, x, y, 1.05 * radius);
  const isDark = theme.paperRgb[0] < 128;
  const tones = isDark ? [theme.line, theme.raised, theme.paper] : [theme.paper, theme.raised, theme.faint];
  tones.forEach((tone, i) => shade.addColorStop([0, 0.6, 1][i], tone));
  return shade;
}

function drawRay(context, place, end, colour, width) {
  context.beginPath();
  context.moveTo(place.x, place.y);
  context.lineTo(end.x, end.y);
  stroke(context, colour, width);
}

function drawDiamond(context, { x, y }, colour, theme) {
  context.beginPath();
  for (const [right, down] of [[0, -1], [1, 0], [0, 1], [-1, 0]]) context.lineTo(x + DIAMOND * right, y + DIAMOND * down);
  context.closePath();
  context.fillStyle = colour;
  context.fill();
  stroke(context, theme.text, 1.5);
}

function drawNames(context, place, rows, means, K, theme) {
  Object.assign(context, { font: `700 14px ${theme.font}`, textAlign: "center", textBaseline: "middle" });
  for (let k = 0; k < K; k++) {
    const { x, y, near } = projected(rows, place, means, 3 * k);
    // Outwards of its points, and never out of the picture.
    const [right, down] = [x - place.x, y - place.y];
    const far = Math.hypot(right, down) || 1;
    const away = Math.min(far + 17, place.radius + 12) / far;
    context.globalAlpha = Math.max(opacity(near), 0.7);
    context.lineWidth = 3;
    context.strokeStyle = theme.raised;
    context.strokeText(nameOf(k), place.x + right * away, place.y + down * away);
    context.fillStyle = theme.text;
    context.fillText(nameOf(k), place.x + right * away, place.y + down * away);
  }
  context.globalAlpha = 1;
}

/** Pulls solid, pushes dashed, each in the colour of the class that it comes from. */
function drawForces(context, place, { simulation, rows, chosen, forces, scale }, theme, colours) {
  const at = projected(rows, place, simulation.points, 3 * chosen);
  circle(context, at.x, at.y, FEW + 4);
  stroke(context, theme.text, 2);
  if (!forces || !(scale > 0)) return;
  const parts = [
    ...forces.pushes.map((vector, k) => ({ vector, k, dashes: DASHES })),
    { vector: forces.pull, k: simulation.classes[chosen], dashes: [] },
  ];
  for (const { vector, k, dashes } of parts) {
    if (Math.hypot(...vector) < LEAST * scale) continue;
    const end = [0, 1, 2].map((axis) => simulation.points[3 * chosen + axis] + (vector[axis] * LONGEST) / scale);
    drawArrow(context, at, projected(rows, place, end, 0), colours.classes[k], dashes, theme.paper);
  }
}

function drawArrow(context, from, to, colour, dashes, paper) {
  const angle = Math.atan2(to.y - from.y, to.x - from.x);
  const shaft = () => {
    context.beginPath();
    context.moveTo(from.x, from.y);
    context.lineTo(to.x, to.y);
  };
  shaft();
  stroke(context, paper, 5);
  context.setLineDash(dashes);
  shaft();
  stroke(context, colour, 3);
  context.setLineDash([]);
  context.beginPath();
  context.moveTo(to.x + HEAD * Math.cos(angle), to.y + HEAD * Math.sin(angle));
  for (const side of [2.3, -2.3]) context.lineTo(to.x + HEAD * Math.cos(angle + side), to.y + HEAD * Math.sin(angle + side));
  context.closePath();
  context.fillStyle = colour;
  context.fill();
}
