// A run that is looked at: what is said of it, its curves, and the epochs whose views are here.

import { pairAngles, sum } from "./geometry.js";
import { parse } from "./safetensors.js";
import { sentence } from "./server.js";
import { Table, placeAfter } from "./table.js";

const TRAIL = 30; // epochs that a trail goes through
export const NO_PROTOTYPES = "This loss trains no prototypes.";
export const NO_OPTIMUM = "No optimum is predicted for this run, whatever the batch.";

const NOTHING = new Table(0);
const OF_VECTORS = { prototypes: "prototype_angle", classifier: "classifier_angle" };
const ACTIVE = ["queued", "running", "paused"];
const RESUMED = ["stopped", "failed"]; // until somebody has it go on

export class Snapshot {
  remembered = {};

  constructor(epoch, buffer) {
    const { arrays, metadata } = parse(buffer);
    this.epoch = epoch;
    this.arrays = arrays;
    this.metrics = JSON.parse(metadata.metrics ?? "{}");
    // The graphics card's side remembers these for longer than the rest is kept.
    if (arrays.coordinates) arrays.coordinates.data = arrays.coordinates.data.slice();
    const copies = Object.values(arrays).filter(({ data }) => data.buffer !== buffer);
    this.size = buffer.byteLength + sum(copies.map(({ data }) => data.byteLength));
  }

  get bytes() {
    return Object.values(this.remembered).reduce((total, { byteLength }) => total + byteLength, this.size);
  }

  /** An array's numbers, or null where the run does not have it. */
  get(name) {
    return this.arrays[name]?.data ?? null;
  }

  /** Angles between the rows of `of`, (K, K) degrees, or null; computed when first asked for. */
  angles(of) {
    const array = this.arrays[of];
    return array ? (this.remembered[of] ??= pairAngles(array.data, ...array.shape)) : null;
  }
}

/** A run that is looked at, or whose curves are those of another seed. */
export class Run {
  about = null; // what the lab says of it; see the route of that name
  controls = null; // by kind: which run is this one's control, and how to make one
  age = 0; // how often it has been another run under the same id

  /** @param {{id: string, label?, colour?, dash?}} told by Python; of a run without a label only curves are known */
  constructor(told) {
    this.told = told;
    this.forget();
  }

  /** Know nothing that was recorded. What is said of it stays until something else is said. */
  forget() {
    this.age++;
    this.state = null; // as the lab says: queued, running, paused, finished, stopped, failed, unreadable
    this.rev = null; // part of every address that lasts
    this.pulse = null; // the last one
    this.epochs = []; // kept ones, rising
    this.table = null;
    this.snapshots = new Map(); // views by epoch: those around the scrubber
    this.asked = new Set(); // epochs whose views are here, on their way, or will not come
    this.failures = new Map(); // epoch -> a sentence
    this.largest = 0; // bytes of a view
    this.samples = null; // {labels, indices, split: (N,); fits: rows that the picture is fitted on; test, train: shown}
    this.predicted = null; // angles of the optimum predicted for its batches, (K, K)
    this.sprite = null;
    this.parts = new Set(); // about, history, samples, predicted: here, on their way, or failed
    this.failed = {}; // part -> a sentence
    this.error = null; // a sentence: nothing of this run is known
  }

  get active() {
    return ACTIVE.includes(this.state);
  }

  /** Whether it was imported, is measured, and held before any training. */
  get isMeasured() {
    const { state, pulse, about } = this;
    return state === "paused" && pulse?.holds_at === 0 && this.epochs.at(-1) === 0 && "imported" in (about?.provenance ?? {});
  }

  /** Whether another look at it may find something new. */
  get mayMove() {
    return this.active || RESUMED.includes(this.state);
  }

  get curves() {
    return this.table ?? NOTHING;
  }

  get classes() {
    return this.about?.classes ?? null;
  }

  /** Whether the loss contrasts with prototypes: else nothing trains them. Of other code, it may. */
  get trainsPrototypes() {
    return this.about?.switches?.prototypes ?? true;
  }

  /** Whether an array or metric of this name says something of the run, where it is recorded. */
  measures(name) {
    return this.trainsPrototypes || !name.startsWith("prototype");
  }

  /** Whether it has vectors of classes of this name, as far as is known: of other code, its figures tell. */
  mayHave(what) {
    const { about, table } = this;
    if (about?.switches) return this.measures(what);
    return !table || !OF_VECTORS[what] || table.column(OF_VECTORS[what]).some(Number.isFinite);
  }

  /** Why there is no prediction, in a sentence; null where there is one, or where that is not known yet. */
  get unpredicted() {
    if (!this.classes || this.classes.predicted) return null;
    return this.fault("predicted") ?? NO_OPTIMUM;
  }

  /** Why something of it did not come that may come when it is asked for again, in a sentence; null for nothing. */
  get lack() {
    const whys = [this.error, ...Object.values(this.failed), ...this.failures.values(), ...this.curves.faults.values()];
    return whys.find(Boolean) ?? null;
  }

  /** What is wrong with a part of it, in a sentence; null for nothing. @param {string} part also folder and recipe */
  fault(part) {
    const fault = this.failed[part] ?? this.about?.faults?.[part];
    return fault ? sentence(fault) : null;
  }

  /** The kept epoch that is shown where the scrubber stands at `epoch`: the last one up to it, else the first. */
  shown(epoch) {
    return this.epochs[this.placeOf(epoch)] ?? null;
  }

  placeOf(epoch) {
    return Math.max(0, placeAfter(this.epochs, epoch) - 1);
  }

  /** What was measured at an epoch: from the curves or, where these are thinned, from the view; null for nothing. */
  metric(name, epoch) {
    return this.table?.at(name, epoch) ?? this.snapshots.get(epoch)?.metrics[name] ?? null;
  }

  /** Angles between the class means of an epoch, (K, K) degrees; null where nothing has them. */
  angles(epoch) {
    return this.table?.angles(epoch) ?? this.snapshots.get(epoch)?.angles("class_means") ?? null;
  }

  /** Epochs that a trail goes through: some of those before one, the same whichever one that is. */
  trail(until) {
    const every = Math.ceil(this.epochs.length / TRAIL);
    return this.epochs.slice(0, this.placeOf(until)).filter((_, i) => i % every === 0);
  }
}
