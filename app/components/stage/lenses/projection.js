// One epoch of one run alone, made flat by PCA or UMAP: a side job of the lab fits it, once.

import { parse } from "../core/safetensors.js";
import { sentence } from "../core/server.js";

const POLL = 500; // milliseconds
const INT16_MAX = 32767;
const REACH = 0.98; // of the unit disc, that the outermost sample lies at

export const METHODS = { pca: "PCA", umap: "UMAP" };

/** What such a picture is, in words. */
export const ALONE =
  "Fitted to one epoch of one run, test and training images together. Places, directions and distances cannot be " +
  "compared with another epoch or run, and gaps between clusters say little. Angles here are not the true ones.";

/**
 * Have an epoch fitted, where nobody has yet, and fetch what was found.
 *
 * @param {Object} stage @param {Object} run @param {"pca" | "umap"} method
 * @param {{goesOn: () => boolean, say: (text: string) => void}} asker whether somebody still waits, and how far it is
 * @returns {Promise<?{coordinates: Float32Array, kept: ?number}>} (N, 2), and the share of the variance that PCA keeps;
 *   null where nobody waits any more; rejects with a sentence
 */
export async function projected(stage, run, epoch, method, { goesOn, say }) {
  const { told: { id }, rev } = run;
  const name = `The ${METHODS[method]} of epoch ${epoch}`;
  let [job, state] = [null, "unknown"];
  while (goesOn()) {
    if (state === "unknown") ({ job } = await stage.ask("project", { run: id, epoch, method })); // too many run: again
    const told = JSON.parse(new TextDecoder().decode(await stage.store.fetchBytes(`jobs/${job}`)));
    state = told.state;
    if (state === "failed") throw new Error(sentence(told.error));
    if (state === "done") return read(await stage.store.fetch(`runs/${id}/projection/${rev}/${method}/${epoch}`));
    say(state === "running" ? `${name} is being fitted. ${told.progress}`.trim() : `${name} waits for others to end.`);
    await new Promise((resolve) => setTimeout(resolve, POLL));
  }
  return null;
}

function read(bytes) {
  const { arrays, metadata } = parse(bytes);
  const kept = Number(metadata.variance_kept ?? NaN);
  return { coordinates: arrays.coordinates.data, kept: Number.isFinite(kept) ? kept : null };
}

/**
 * Places in the unit disc, one scale for both axes, as `Points` takes them.
 *
 * @param {ArrayLike<number>} places (N, 2) @param {number} dims D, of which the first two are used
 * @returns {Int16Array} (N, D) in steps of 1/32767
 */
export function inUnitDisc(places, dims) {
  const N = places.length / 2;
  const middle = [0, 1].map((axis) => {
    let [low, high] = [Infinity, -Infinity];
    for (let i = axis; i < places.length; i += 2) [low, high] = [Math.min(low, places[i]), Math.max(high, places[i])];
    return (low + high) / 2;
  });
  let farthest = 0;
  for (let i = 0; i < places.length; i += 2) {
    farthest = Math.max(farthest, Math.hypot(places[i] - middle[0], places[i + 1] - middle[1]));
  }
  const scale = farthest > 0 ? (REACH * INT16_MAX) / farthest : 0;
  const placed = new Int16Array(N * dims);
  for (let i = 0; i < N; i++) {
    for (let axis = 0; axis < 2; axis++) placed[i * dims + axis] = Math.round(scale * (places[2 * i + axis] - middle[axis]));
  }
  return placed;
}

/** Middles of the classes' drawn samples, (K, D), NaN for a class without one. @param {Int16Array} placed (N, D) */
export function middlesOf(placed, dims, labels, rows, K) {
  const [sums, counts] = [new Float32Array(K * dims), new Float32Array(K)];
  for (const row of rows) {
    counts[labels[row]]++;
    for (let k = 0; k < dims; k++) sums[labels[row] * dims + k] += placed[row * dims + k] / INT16_MAX;
  }
  return sums.map((sum, i) => sum / counts[Math.floor(i / dims)]);
}
