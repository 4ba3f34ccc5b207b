// Which sample of one run is which of another, how a sample looks, and who its neighbours are.

import { hexToRgb, mix } from "./colour.js";

const DEGREES = 180 / Math.PI;

/**
 * The row in run `b` of each sample of run `a`: the same image of the same data set, on the same side.
 *
 * @param {{indices: Int32Array, split: Uint8Array}} a @param b samples of two runs on the same data
 * @returns {Int32Array} (N,) −1 where `b` does not have it
 */
export function correspondence(a, b) {
  const key = (samples, row) => samples.indices[row] * 2 + samples.split[row];
  const rows = new Map(Array.from(b.indices.keys(), (row) => [key(b, row), row]));
  return Int32Array.from(a.indices.keys(), (row) => rows.get(key(a, row)) ?? -1);
}

/** Rising rows of the other run, by a correspondence. */
export function translate(selection, rows) {
  return selection.map((row) => rows[row]).filter((row) => row !== 0xffffffff).sort();
}

/**
 * A colour a sample; that of its class where the run did not record what the mode needs.
 *
 * @param {string} mode class, group, correct or confidence
 * @param {{labels: Int32Array, predictions: ?Int32Array, confidences: ?Float32Array}} samples
 * @param {{classes: string[], groups: string[], right: string, wrong: string, sure: string, unsure: string}} colours
 *   `classes` and `groups` by class, all "#RRGGBB"
 * @returns {Uint8Array} (N, 3)
 */
export function coloursOf(mode, { labels, predictions, confidences }, colours) {
  const [classes, groups] = [colours.classes.map(hexToRgb), colours.groups.map(hexToRgb)];
  const [right, wrong, sure, unsure] = [colours.right, colours.wrong, colours.sure, colours.unsure].map(hexToRgb);
  const modes = {
    class: (i) => classes[labels[i]],
    group: (i) => groups[labels[i]],
    correct: predictions && ((i) => (predictions[i] === labels[i] ? right : wrong)),
    confidence: confidences && ((i) => mix(unsure, sure, confidences[i])),
  };
  const colourOf = modes[mode] ?? modes.class;
  const result = new Uint8Array(3 * labels.length);
  for (let i = 0; i < labels.length; i++) result.set(colourOf(i), 3 * i);
  return result;
}

/** Angle of two rows of a matrix (n, d), or of row `i` and a vector, in degrees. */
export function angleTo(matrix, d, i, other, j = 0) {
  let [shared, a, b] = [0, 0, 0];
  for (let k = 0; k < d; k++) {
    const [x, y] = [matrix[i * d + k], other[j * d + k]];
    shared += x * y;
    a += x * x;
    b += y * y;
  }
  return DEGREES * Math.acos(Math.min(1, Math.max(-1, shared / Math.sqrt(a * b))));
}

/** The samples at the smallest angles to one of them, the nearest first. @returns {{row: number, angle: number}[]} */
export function neighboursOf(row, embeddings, d, count) {
  const others = Array.from({ length: embeddings.length / d }, (_, other) => other).filter((other) => other !== row);
  const near = others.map((other) => ({ row: other, angle: angleTo(embeddings, d, other, embeddings, row) }));
  return near.sort((a, b) => a.angle - b.angle).slice(0, count);
}
