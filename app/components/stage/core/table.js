// A run's curves: the numbers of its epochs, which all panels read without any epoch's view.

import { pairAngles } from "./geometry.js";
import { parse } from "./safetensors.js";
import { sentence } from "./server.js";

const MOST_EPOCHS = 600; // that one answer holds; of more, a span has every second one, or third …

/** Epochs of ranges [first, last, step], as a pulse has them. @returns {number[]} rising */
export function epochsOf(ranges) {
  return ranges.flatMap(([first, last, step]) => {
    const every = Math.max(1, step);
    return Array.from({ length: Math.floor((last - first) / every) + 1 }, (_, i) => first + i * every);
  });
}

/** Place in a rising list of the first epoch after one. */
export function placeAfter(epochs, epoch) {
  let [low, high] = [0, epochs.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (epochs[middle] <= epoch) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** The span {from, to, step} that a table that goes to `until`, or −1, lacks of the kept epochs; null for none. */
export function spanAfter(kept, until) {
  const place = placeAfter(kept, until);
  const count = kept.length - place;
  if (!count) return null;
  return { from: kept[place], to: kept.at(-1), step: Math.max(1, Math.ceil((count - 1) / (MOST_EPOCHS - 1))) };
}

/** Where a run has the curves of a span, below its own address. */
export function historyAt(rev, { from, to, step }) {
  return `history/${rev}?from=${from}&to=${to}&step=${step}`;
}

/** Numbers by epoch and name, and the class means of some epochs. It grows at its end. */
export class Table {
  epochs = []; // rising
  until = -1; // up to here nothing is missing that it should have
  columns = {}; // by name, a number an epoch; NaN where it was not recorded
  means = new Map(); // epoch -> {data, shape (K, d)}
  faults = new Map(); // epoch -> a sentence: it could not be read
  angled = new Map(); // epoch -> angles between its class means

  /** @param {number} withMeans classes up to which class means are kept */
  constructor(withMeans) {
    this.withMeans = withMeans;
  }

  /** Take in an answer of the history route. @param {number} to the last epoch that was asked for */
  read(buffer, to) {
    const { arrays, metadata } = parse(buffer);
    const { epochs, scalars, mean_epochs: meanEpochs, class_means: means } = arrays;
    const names = JSON.parse(metadata.scalars);
    epochs.data.forEach((epoch, i) => {
      const at = (m) => scalars.data[m * epochs.data.length + i];
      this.append(epoch, Object.fromEntries(names.map((name, m) => [name, at(m)])));
    });
    for (const [epoch, fault] of Object.entries(JSON.parse(metadata.faults ?? "{}"))) {
      this.faults.set(Number(epoch), sentence(fault));
    }
    if (means && means.shape[1] <= this.withMeans) {
      const [K, d] = means.shape.slice(1);
      meanEpochs.data.forEach((epoch, i) => {
        this.means.set(epoch, { data: means.data.slice(i * K * d, (i + 1) * K * d), shape: [K, d] });
      });
    }
    this.until = Math.max(this.until, to);
  }

  /** Take in rows of a pulse, as far as no kept epoch is missing between them. @param {number[]} kept epochs, rising */
  extend(rows, kept) {
    const byEpoch = new Map(rows.map((row) => [row.epoch, row]));
    for (const epoch of kept.slice(placeAfter(kept, this.until))) {
      const row = byEpoch.get(epoch);
      if (!row) return;
      this.append(epoch, row.scalars);
      const { class_means: means } = row;
      if (!means || means.shape[0] > this.withMeans) continue;
      this.means.set(epoch, { ...means, data: new Float32Array(bytesOf(means.data).buffer) });
    }
  }

  append(epoch, scalars) {
    if (epoch <= this.until) return;
    const { epochs, columns } = this;
    for (const [name, value] of Object.entries(scalars)) {
      columns[name] ??= new Array(epochs.length).fill(NaN);
      columns[name].push(value ?? NaN);
    }
    epochs.push(epoch);
    for (const column of Object.values(columns)) if (column.length < epochs.length) column.push(NaN);
    this.until = epoch;
  }

  has(epoch) {
    return this.epochs[this.placeOf(epoch)] === epoch;
  }

  placeOf(epoch) {
    return placeAfter(this.epochs, epoch) - 1;
  }

  /** A number of an epoch; null where it was not recorded, or the epoch is not here. */
  at(name, epoch) {
    const value = this.has(epoch) ? this.columns[name]?.[this.placeOf(epoch)] : NaN;
    return Number.isFinite(value) ? value : null;
  }

  /** A number over all epochs, NaN where it was not recorded. @returns {number[]} as long as `epochs` */
  column(name) {
    return this.columns[name] ?? this.epochs.map(() => NaN);
  }

  finite(name) {
    return this.column(name).filter(Number.isFinite);
  }

  /** Angles between the class means of an epoch, (K, K) degrees, or null where they are not here. */
  angles(epoch) {
    const means = this.means.get(epoch);
    if (means && !this.angled.has(epoch)) this.angled.set(epoch, pairAngles(means.data, ...means.shape));
    return this.angled.get(epoch) ?? null;
  }
}

/** The lowest and the highest of some tables, over the epochs that all have; null where one has no such column. */
export function band(tables, name) {
  if (!tables.length || !tables.every(({ columns }) => columns[name])) return null;
  const [first, ...others] = tables;
  const epochs = first.epochs.filter((epoch) => others.every((table) => table.has(epoch)));
  const values = epochs.map((epoch) => tables.map((table) => table.columns[name][table.placeOf(epoch)]));
  return { epochs, low: values.map((all) => Math.min(...all)), high: values.map((all) => Math.max(...all)) };
}

/** Bytes written in base64. @returns {Uint8Array} */
export function bytesOf(base64) {
  return Uint8Array.from(atob(base64), (sign) => sign.charCodeAt(0));
}
