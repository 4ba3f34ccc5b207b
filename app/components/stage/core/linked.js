// Samples over all runs: which row of one run is which of another, and which are selected.

import { correspondence, translate } from "./samples.js";
import { difference, union } from "./select.js";

const NONE = new Uint32Array(0);

/** The state's selection is of rows of the first run that has samples. */
export class Linked {
  matches = new Map();

  constructor(stage) {
    this.stage = stage;
  }

  get first() {
    return this.stage.store.runs.find((run) => run.samples);
  }

  /** The row in run `to` of a sample of run `from`; −1 where it has none. */
  rowIn(from, to, row) {
    if (from === to) return row;
    return isRelated(from, to) ? this.match(from, to)[row] : -1;
  }

  /** The selected rows of a run; null where nothing is selected at all. */
  selectionIn(run) {
    const { first } = this;
    const { selection } = this.stage.state;
    if (!selection.length || !first) return null;
    return this.between(first, run, selection.filter((row) => row < first.samples.labels.length));
  }

  /** Select rows of a run. @param {"replace" | "add" | "remove"} how */
  select(run, rows, how) {
    const { selection } = this.stage.state;
    const chosen = this.between(run, this.first, rows);
    if (how === "replace") this.stage.set({ selection: chosen });
    else this.stage.set({ selection: (how === "add" ? union : difference)(selection, chosen) });
  }

  between(from, to, rows) {
    if (from === to) return rows;
    return isRelated(from, to) ? translate(rows, this.match(from, to)) : NONE;
  }

  match(from, to) {
    const key = `${from.told.id}/${to.told.id}`;
    if (!this.matches.has(key)) this.matches.set(key, correspondence(from.samples, to.samples));
    return this.matches.get(key);
  }
}

/** What a run predicts for a sample at an epoch, in words. */
export function predictionInWords(run, snapshot, row) {
  const predictions = snapshot.get("predictions");
  if (!predictions) return "no prediction recorded";
  const { names } = run.classes;
  const right = predictions[row] === run.samples.labels[row];
  const verdict = right ? "predicted right" : `predicted ${names[predictions[row]]}`;
  const confidences = snapshot.get("confidences");
  return confidences ? `${verdict}, confidence ${(100 * confidences[row]).toFixed(0)} %` : verdict;
}

function isRelated(a, b) {
  return a.samples && b.samples && a.about.source === b.about.source;
}
