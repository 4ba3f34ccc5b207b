// What a pointer or a key means in the picture of the samples. Between two epochs it means nothing: that is not data.

import { nearest } from "../core/select.js";

const SAMPLE_REACH = 12; // pixels
const CLASS_REACH = 9;

/**
 * @typedef {{kind: "sample" | "class", index: number, x: number, y: number}} Hit `index` is a row of the N samples or a
 *   class; x and y are pixels from the picture's top left
 */

/** The class mean at a place, else the nearest sample, else null. @returns {?Hit} */
export function hitAt(points, x, y) {
  if (points.fraction > 0) return null;
  const { layers, clouds } = points.overlay;
  const index = layers.has("means") ? nearest(clouds.means.screen, x, y, CLASS_REACH) : -1;
  if (index >= 0) return classHit(points, index);
  const screen = points.screen();
  const i = nearest(screen, x, y, SAMPLE_REACH);
  return i < 0 ? null : { kind: "sample", index: points.rows[i], x: screen[2 * i], y: screen[2 * i + 1] };
}

/** The next class with a mean, `by` 1 or −1 from the one that is pointed at; null beyond the last. @returns {?Hit} */
export function classBeside(points, by) {
  const { count, screen } = points.overlay.clouds.means;
  if (points.fraction > 0) return null;
  let index = points.hit?.kind === "class" ? points.hit.index : by > 0 ? -1 : count;
  do index += by;
  while (Number.isNaN(screen[2 * index])); // a class without samples has no mean
  return index < 0 || index >= count ? null : classHit(points, index);
}

function classHit({ overlay }, index) {
  const { screen } = overlay.clouds.means;
  return { kind: "class", index, x: screen[2 * index], y: screen[2 * index + 1] };
}
