// The control of the embedding's picture: the same samples, the same fitting, but labels dealt out at random. Clusters
// that still appear are made by the picture.

import { sum } from "../core/geometry.js";
import { INT16_MAX } from "../plots/view.js";

const ROUNDS = 60;

/** The labels of some rows, dealt out anew among them; the same seed deals the same. @returns {Int32Array} (N,) */
export function shuffled(labels, rows, seed = 1) {
  const dealt = Int32Array.from(labels);
  let bits = seed;
  for (let i = rows.length - 1; i > 0; i--) {
    bits = (Math.imul(bits, 1664525) + 1013904223) >>> 0; // Numerical Recipes' congruential generator
    const j = Math.floor((bits / 2 ** 32) * (i + 1));
    [dealt[rows[i]], dealt[rows[j]]] = [dealt[rows[j]], dealt[rows[i]]];
  }
  return dealt;
}

/**
 * Coordinates that a picture of these labels would have: as bcl_core.geometry.aligned_coordinates, without the residual
 * direction.
 *
 * @param {{data: Float32Array, shape: number[]}} embeddings (N, d) @param {Int32Array} labels (N,)
 * @param {Uint32Array} fit rows that the frame is fitted on
 * @param {number[][]} simplex (K, D) the fixed simplex, its last column zero
 * @returns {{coordinates: Int16Array, means: Float32Array}} (N, D) in steps of 1/32767, and (K, D) means of the drawn
 */
export function controlPicture({ data, shape: [N, d] }, labels, fit, drawn, simplex) {
  const [K, D] = [simplex.length, simplex[0].length];
  const means = meansOf(data, d, labels, fit, K);
  const centre = Array.from({ length: d }, (_, k) => mean(simplex.map((_, c) => means[c * d + k])));
  const crossed = (k, p) => sum(simplex.map((vertex, c) => (means[c * d + k] - centre[k]) * vertex[p]));
  const cross = centre.map((_, k) => simplex[0].map((_, p) => crossed(k, p)));
  const frame = polarFactor(cross.map((row) => row.slice(0, D - 1)));
  const placed = new Float32Array(N * D);
  for (let i = 0; i < N; i++) {
    for (let k = 0; k < d; k++) {
      const value = data[i * d + k];
      for (let p = 0; p < D - 1; p++) placed[i * D + p] += value * frame[k][p];
    }
  }
  const coordinates = Int16Array.from(placed, (value) => Math.round(Math.max(-1, Math.min(1, value)) * INT16_MAX));
  return { coordinates, means: meansOf(placed, D, labels, drawn, K) };
}

/** The partial isometry nearest to a matrix (d, p), by Newton and Schulz's iteration. */
function polarFactor(matrix) {
  const norm = Math.sqrt(sum(matrix.flat().map((value) => value * value)));
  let factor = matrix.map((row) => row.map((value) => value / (norm || 1)));
  for (let round = 0; round < ROUNDS; round++) {
    const gram = factor[0].map((_, p) => factor[0].map((_, q) => sum(factor.map((row) => row[p] * row[q]))));
    const corrected = (row, p) => sum(row.map((value, q) => value * gram[q][p]));
    factor = factor.map((row) => row.map((value, p) => 1.5 * value - 0.5 * corrected(row, p)));
  }
  return factor;
}

/** Means of the classes over some rows of `data`, (K, d), NaN for a class without one. @param data (N, d) */
export function meansOf(data, d, labels, rows, K) {
  const [sums, counts] = [new Float64Array(K * d), new Float64Array(K)];
  for (const row of rows) {
    counts[labels[row]]++;
    for (let k = 0; k < d; k++) sums[labels[row] * d + k] += data[row * d + k];
  }
  return Float32Array.from(sums, (total, i) => total / counts[Math.floor(i / d)]);
}

function mean(values) {
  const known = values.filter(Number.isFinite);
  return sum(known) / known.length;
}
