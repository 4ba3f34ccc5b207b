// Samples over all runs: which row of one run is which of another, and which are selected.

import { difference, union } from "./select.js";

/** The state's selection is of rows of the first run that has samples. */
export class Linked {
  places = new WeakMap(); // samples -> image -> row

  constructor(stage) {
    this.stage = stage;
  }

  get first() {
    return this.stage.store.runs.find((run) => run.samples);
  }

  /** The row in run `to` of a sample of run `from`; −1 where it has none. */
  rowIn(from, to, row) {
    if (from === to) return row;
    const isRelated = from.samples && to.samples && from.about.source === to.about.source;
    return isRelated ? (this.placesIn(to.samples).get(imageOf(from.samples, row)) ?? -1) : -1;
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

  /** The rows in run `to`, rising, of those samples of run `from` that it has. */
  between(from, to, rows) {
    if (from === to) return rows;
    return Uint32Array.from(Array.from(rows, (row) => this.rowIn(from, to, row)).filter((row) => row >= 0)).sort();
  }

  placesIn(samples) {
    const placesOf = () => new Map(Array.from(samples.indices, (_, row) => [imageOf(samples, row), row]));
    if (!this.places.has(samples)) this.places.set(samples, placesOf());
    return this.places.get(samples);
  }
}

export function predictionInWords(run, snapshot, row) {
  const predictions = snapshot.get("predictions");
  if (!predictions) return "no prediction recorded";
  const { names } = run.classes;
  const right = predictions[row] === run.samples.labels[row];
  const verdict = right ? "predicted right" : `predicted ${names[predictions[row]]}`;
  const confidences = snapshot.get("confidences");
  return confidences ? `${verdict}, confidence ${(100 * confidences[row]).toFixed(0)} %` : verdict;
}

/** The same number for the same image of a data set, on the same side. */
function imageOf({ indices, split }, row) {
  return 2 * indices[row] + split[row];
}
