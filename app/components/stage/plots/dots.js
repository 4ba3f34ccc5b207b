// Pairs of classes as dots on an axis of degrees, on any 2D context, in CSS pixels.

import { circle, stroke } from "./pen.js";

const GOLDEN = 0.618034; // its multiples, modulo 1, fill a line evenly: neighbours stand apart
const OPACITY = { head: 1, medium: 0.6, tail: 1 };
const [RADIUS, TAIL_RADIUS] = [2.8, 4];
const CLEAR = { true: 14, false: 40 }; // pixels that the regular simplex's label keeps free, upright or not
const USUAL_TOP = 150; // degrees

export const TICK = 30; // degrees
export const DASH = 4; // pixels, of the regular simplex's line
export const SPACE = 3;

/**
 * @typedef {{zero: number, end: number, highest: number, sides: [number, number], upright: boolean}} Axis pixels at 0
 *   and at `highest` degrees, and between which the dots spread; degrees go along y where it is upright, else along x
 * @typedef {{row: number, column: number, angle: number, kind: "head" | "medium" | "tail"}} Dot classes, and degrees
 */

/** The group that both classes are in; otherwise a pair counts as medium. @param {string[]} kinds (K,) of each class */
export function kindOfPair(kinds, i, j) {
  return kinds[i] === kinds[j] ? kinds[i] : "medium";
}

/** A dot for each pair of classes that has an angle. @param angles (K, K) degrees @returns {Dot[]} */
export function dotsOf(angles, kinds) {
  const [K, dots] = [kinds.length, []];
  for (let row = 0; row < K; row++) {
    for (let column = 0; column < row; column++) {
      const angle = angles[row * K + column];
      if (Number.isFinite(angle)) dots.push({ row, column, angle, kind: kindOfPair(kinds, row, column) });
    }
  }
  return dots;
}

/** Every n-th dot, so that there are about `most`; of each kind by itself, lest the few of the tail are left out. */
export function thinned(dots, most) {
  const every = Math.ceil(dots.length / most);
  const seen = { head: 0, medium: 0, tail: 0 };
  return dots.filter(({ kind }) => seen[kind]++ % every === 0);
}

/** Degrees that an axis goes up to: the same for nearly all pictures, so that they can be compared. */
export function topOf(dots) {
  return dots.some(({ angle }) => angle > USUAL_TOP) ? 180 : USUAL_TOP;
}

export function along({ zero, end, highest }, degrees) {
  return zero + (degrees / highest) * (end - zero);
}

export function placeOf(axis, { angle }, i) {
  const [low, high] = axis.sides;
  const across = low + (((i + 1) * GOLDEN) % 1) * (high - low);
  return turned(axis, along(axis, angle), across);
}

/**
 * @param {Dot[]} dots the tail's are drawn larger, and over the others
 * @param {{colours: Object<string, string>, size: number, paper: ?string}} look colours by kind; times the usual size;
 *   the colour of a rim around the tail's
 */
export function drawDots(context, axis, dots, { colours, size = 1, paper = null }) {
  for (const isTail of [false, true]) {
    dots.forEach((dot, i) => {
      if ((dot.kind === "tail") !== isTail) return;
      context.fillStyle = colours[dot.kind];
      context.globalAlpha = OPACITY[dot.kind];
      circle(context, ...placeOf(axis, dot, i), size * (isTail ? TAIL_RADIUS : RADIUS));
      context.fill();
      if (isTail && paper) stroke(context, paper, 1);
    });
  }
  context.globalAlpha = 1;
}

/** A ring for each angle, all in the middle of the axis. @param {number[]} angles degrees */
export function drawRings(context, axis, angles, colour) {
  const middle = (axis.sides[0] + axis.sides[1]) / 2;
  for (const angle of angles) {
    circle(context, ...turned(axis, along(axis, angle), middle), TAIL_RADIUS);
    stroke(context, colour, 2);
  }
}

/**
 * Labels of the degrees, and the regular simplex's own where it is given, which takes the place of those nearby.
 *
 * @param {number} look.beside where the labels stand, in pixels across the axis
 * @param {string} look.strong colour of the regular simplex's
 */
export function drawDegrees(context, axis, { beside, font, colour, regular = null, strong = colour }) {
  Object.assign(context, { font, textAlign: axis.upright ? "right" : "center", textBaseline: "middle" });
  const write = (text, degrees) => context.fillText(text, ...turned(axis, along(axis, degrees), beside));
  context.fillStyle = colour;
  const distance = (degrees) => Math.abs(along(axis, degrees) - along(axis, regular));
  const isFree = (degrees) => regular === null || distance(degrees) >= CLEAR[axis.upright];
  for (const degrees of ticksOf(axis).filter(isFree)) write(`${degrees}°`, degrees);
  if (regular === null) return;
  Object.assign(context, { fillStyle: strong, font: `600 ${font}` });
  write(`${regular.toFixed(1)}°`, regular);
}

export function drawGrid(context, axis, [from, to], colour) {
  context.beginPath();
  for (const degrees of ticksOf(axis)) line(context, axis, degrees, from, to);
  stroke(context, colour, 1);
}

/** A dashed line across the axis, where all pairs of classes would be equally far apart. */
export function drawRegular(context, axis, degrees, [from, to], colour) {
  context.beginPath();
  for (let at = from; at < to; at += DASH + SPACE) line(context, axis, degrees, at, Math.min(at + DASH, to));
  stroke(context, colour, 1);
}

function ticksOf({ highest }) {
  return Array.from({ length: Math.floor(highest / TICK) + 1 }, (_, i) => i * TICK);
}

function line(context, axis, degrees, from, to) {
  context.moveTo(...turned(axis, along(axis, degrees), from));
  context.lineTo(...turned(axis, along(axis, degrees), to));
}

function turned({ upright }, degrees, across) {
  return upright ? [across, degrees] : [degrees, across];
}
