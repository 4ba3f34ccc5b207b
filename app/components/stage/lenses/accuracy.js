// How right each run is, class by class, for the chart beside the curves.

import { classLabels, keyOf } from "../core/classes.js";
import { orderOf } from "../core/geometry.js";

export const ALIKE = "These runs have different classes or counts: their accuracies by class are not drawn together.";
const NOT_RECORDED = "Accuracy by class was not recorded.";
const MOST = 20; // classes that find room

/**
 * The test accuracies of each class, the most frequent first; of many classes, some evenly over that order.
 *
 * @param {{run: Object, snapshot: Object}[]} shown runs with their epoch's snapshots
 * @returns {{runs: ?{run: Object, values: number[]}[], labels: string[], note: string, lack: ?string}} `runs` is null
 *   where nothing can be drawn, and `lack` says why; `note` says what of it is not drawn
 */
export function byClass(shown) {
  const known = shown.filter(({ snapshot }) => snapshot.get("accuracy_per_class"));
  if (!known.length) return { runs: null, labels: [], note: "", lack: shown.length ? NOT_RECORDED : null };
  const [{ classes }] = known.map(({ run }) => run);
  const isOther = ({ run }) => keyOf(run.classes) !== keyOf(classes);
  if (known.some(isOther)) return { runs: null, labels: [], note: "", lack: ALIKE };
  const order = thinned(orderOf(classes.groups));
  const labels = classLabels(classes.names, classes.counts);
  const lacking = shown.filter((one) => !known.includes(one)).map(({ run }) => run.told.label);
  const { length: K } = labels;
  return {
    runs: known.map(({ run, snapshot }) => ({ run, values: order.map((k) => snapshot.get("accuracy_per_class")[k]) })),
    labels: order.map((k) => labels[k]),
    note: [
      order.length < K && `By class: ${order.length} of ${K} classes, evenly from the most to the least frequent.`,
      lacking.length && `${lacking.join(", ")}: accuracy by class was not recorded.`,
    ].filter(Boolean).join(" "),
    lack: null,
  };
}

/** At most so many of a list, its ends included. */
function thinned(list) {
  if (list.length <= MOST) return list;
  return Array.from({ length: MOST }, (_, i) => list[Math.round((i * (list.length - 1)) / (MOST - 1))]);
}
