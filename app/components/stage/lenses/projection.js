// One epoch of one run alone, made flat by PCA or UMAP: a side job of the lab fits it, once.

import { follow } from "../core/jobs.js";
import { parse } from "../core/safetensors.js";
import { sentence } from "../core/server.js";
import { INT16_MAX } from "../plots/view.js";

const REACH = 0.98; // of the unit disc, that the outermost sample lies at

export const METHODS = { pca: "PCA", umap: "UMAP" };

export const ALONE =
  "Fitted to one epoch of one run, test and training images together. Places, directions and distances cannot be " +
  "compared with another epoch or run, and gaps between clusters say little. Angles here are not the true ones.";

/**
 * Have an epoch fitted, where nobody has yet, and fetch what was found.
 *
 * @param {{goesOn: () => boolean, say: (text: string) => void}} asker whether somebody still waits, and how far it is
 * @returns {Promise<?{coordinates: Float32Array, kept: ?number}>} (N, 2), and the share of the variance that PCA keeps;
 *   null where nobody waits any more; rejects with a sentence
 */
export async function projected(stage, run, epoch, method, { goesOn, say }) {
  const { told: { id }, rev } = run;
  const name = `The ${METHODS[method]} of epoch ${epoch}`;
  let found = null;
  const tell = async ({ state, progress, error }) => {
    if (state === "failed") throw new Error(sentence(error));
    if (state === "running") say(`${name} is being fitted. ${progress}`.trim());
    if (state === "unknown") say(`${name} waits for others to end.`);
    if (state !== "done") return;
    const { arrays, metadata } = parse(await stage.store.fetch(`runs/${id}/projection/${rev}/${method}/${epoch}`));
    const kept = Number(metadata.variance_kept ?? NaN);
    found = { coordinates: arrays.coordinates.data, kept: Number.isFinite(kept) ? kept : null };
  };
  const ask = () => stage.ask("project", { run: id, epoch, method });
  if (!stage.told.may.includes("project")) await tell({ state: "done" }); // others may have had it fitted
  else await follow(ask, stage.store.fetchBytes, tell, { get aborted() { return !goesOn(); } });
  return found;
}

/** Places, (N, 2), in the unit disc, one scale for both axes. @returns {Int16Array} (N, dims) in steps of 1/32767 */
export function inUnitDisc(places, dims) {
  const [xs, ys] = [0, 1].map((axis) => {
    const along = Float64Array.from({ length: places.length / 2 }, (_, i) => places[2 * i + axis]);
    const sorted = along.toSorted();
    return along.map((place) => place - (sorted[0] + sorted.at(-1)) / 2);
  });
  const farthest = xs.reduce((most, x, i) => Math.max(most, Math.hypot(x, ys[i])), 0);
  const scale = farthest > 0 ? (REACH * INT16_MAX) / farthest : 0;
  const placed = new Int16Array(xs.length * dims);
  xs.forEach((x, i) => placed.set([Math.round(scale * x), Math.round(scale * ys[i])], i * dims));
  return placed;
}
