// How lenses write their numbers: headers that say units, and as many digits as were measured.

import { number } from "../core/dom.js";

export const ANGLE = "angle (degrees)";

const DEGREES_DIGITS = 4; // the classes' means are 32-bit numbers
const SIGNIFICANT = 6;

/** Every two of K classes once, the smaller number first. @returns {[number, number][]} ordered by the second */
export function pairsOf(K) {
  return Array.from({ length: K }, (_, i) => Array.from({ length: i }, (_, j) => [j, i])).flat();
}

export function degrees(value) {
  return Number.isFinite(value) ? number(value, DEGREES_DIGITS).replace("−", "-") : "";
}

export function significant(value) {
  return Number.isFinite(value) ? Number(value.toPrecision(SIGNIFICANT)) : "";
}
