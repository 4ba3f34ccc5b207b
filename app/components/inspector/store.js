// Runs and their epochs as they arrive: each file is asked for once, the epochs near the scrubber first.

import { pairAngles } from "./geometry.js";
import { parse } from "./safetensors.js";

const AT_ONCE = 6; // requests
const REMEMBERED = 8; // epochs' embeddings
const POLL = 1000; // milliseconds
const ACTIVE = ["queued", "running", "paused"];

/** One recorded epoch of one run. */
export class Snapshot {
  remembered = {};

  constructor(epoch, buffer) {
    const { arrays, metadata } = parse(buffer);
    this.epoch = epoch;
    this.arrays = arrays;
    this.metrics = JSON.parse(metadata.metrics ?? "{}");
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

/** A run that is looked at. */
export class Run {
  state = null; // as the lab says: queued, running, paused, finished, stopped, failed
  epochs = [];
  snapshots = new Map();
  failures = new Map(); // epoch -> a sentence
  samples = null; // {labels, indices, split: (N,); fits: rows that the picture is fitted on; test, train: rows shown}
  predicted = null; // angles of the predicted optimum, (K, K)
  error = null; // a sentence: nothing of this run can be shown
  samplesError = null; // a sentence: its samples cannot be shown
  asked = new Set(); // epochs whose snapshots have been asked for

  /** @param {Object} told what Python says of the run */
  constructor(told) {
    this.told = told;
  }

  get active() {
    return ACTIVE.includes(this.state);
  }

  /** Epochs whose snapshots have arrived. */
  get here() {
    return this.epochs.filter((epoch) => this.snapshots.has(epoch));
  }

  /** The kept epoch that is shown where the scrubber stands at `epoch`: the last one up to it, else the first. */
  shown(epoch) {
    return this.epochs.findLast((kept) => kept <= epoch) ?? this.epochs[0] ?? null;
  }

  /** Whether an epoch needs no waiting for: it is here, or will never be. */
  settled(epoch) {
    return epoch === null || this.snapshots.has(epoch) || this.failures.has(epoch);
  }
}

/** Fetches what the runs have, and goes on looking while one of them is trained. */
export class Store {
  known = new Map(); // runs by their ids
  runs = []; // those that are looked at
  busy = 0;
  focus = null; // epochs near this one are fetched first
  remembered = new Map(); // embeddings, the least recently used first

  /**
   * @param {(path: string) => Promise<ArrayBuffer>} fetchBytes what lies at "runs/<id>/…"; rejects with a sentence
   * @param {(run: Run, what: "samples" | "epochs" | "snapshot" | "state") => void} onChange something has arrived
   */
  constructor(fetchBytes, onChange) {
    this.fetchBytes = fetchBytes;
    this.onChange = onChange;
    this.polling = setInterval(() => this.poll(), POLL);
  }

  /** Know these runs from now on, by what Python tells of them; what has arrived of those that stay is kept. */
  know(toldRuns) {
    const runs = toldRuns.map((told) => Object.assign(this.known.get(told.id) ?? new Run(told), { told }));
    this.known = new Map(runs.map((run) => [run.told.id, run]));
  }

  /** Look at some of them. */
  async show(ids) {
    const runs = ids.map((id) => this.known.get(id));
    await Promise.all(runs.filter(({ state }) => state !== "finished").map((run) => this.look(run)));
    this.runs = runs;
    this.pump();
  }

  /** Ask again for what failed. */
  retry() {
    for (const run of this.runs) {
      for (const epoch of run.failures.keys()) run.asked.delete(epoch);
      run.failures.clear();
      if (run.samplesError) run.described = false;
      run.error = run.samplesError = null;
      this.look(run);
    }
  }

  stop() {
    clearInterval(this.polling);
    this.runs = [];
  }

  poll() {
    if (document.hidden) return;
    for (const run of this.runs) if (run.active) this.look(run);
  }

  /** Ask how far a run is. */
  async look(run) {
    try {
      const bytes = await this.fetchBytes(`runs/${run.told.id}/state`);
      const { state, epochs } = JSON.parse(new TextDecoder().decode(bytes));
      const news = state !== run.state || epochs.length !== run.epochs.length;
      Object.assign(run, { state, epochs, error: null });
      if (epochs.length) this.describe(run);
      if (news) this.onChange(run, "epochs");
    } catch (error) {
      if (error.message === run.error) return;
      run.error = error.message;
      this.onChange(run, "state");
    }
    this.pump();
  }

  /** Fetch, once, what no epoch changes. */
  async describe(run) {
    const { id, classes } = run.told;
    if (run.described || !classes) return;
    run.described = true;
    try {
      run.samples = samplesOf(parse(await this.fetchBytes(`runs/${id}/samples`)).arrays);
      if (classes.predicted) {
        const { data, shape } = parse(await this.fetchBytes(`runs/${id}/predicted`)).arrays.class_means;
        run.predicted = pairAngles(data, ...shape);
      }
    } catch (error) {
      run.samplesError = error.message;
    }
    this.onChange(run, "samples");
  }

  /** The full embeddings of an epoch, {data, shape (N, d)}. @returns {Promise} rejects with a sentence */
  embeddings(run, epoch) {
    const path = `runs/${run.told.id}/embeddings/${epoch}`;
    const fetched = async () => Object.values(parse(await this.fetchBytes(path)).arrays)[0];
    const found = this.remembered.get(path) ?? fetched();
    this.remembered.delete(path);
    this.remembered.set(path, found);
    if (this.remembered.size > REMEMBERED) this.remembered.delete(this.remembered.keys().next().value);
    return found;
  }

  /** Address of the thumbnails, or null where the run has none. @returns {Promise<?string>} */
  sprite(run) {
    const path = `runs/${run.told.id}/sprite.png`;
    const address = (bytes) => URL.createObjectURL(new Blob([bytes], { type: "image/png" }));
    run.sprite ??= this.fetchBytes(path).then(address, () => null);
    return run.sprite;
  }

  pump() {
    while (this.busy < AT_ONCE) {
      const next = this.next();
      if (!next) return;
      next.run.asked.add(next.epoch);
      this.busy++;
      this.fetchSnapshot(next).finally(() => (this.busy--, this.pump()));
    }
  }

  /** The epoch nearest to the scrubber that nobody has asked for; a second one of a run when each has its first. */
  next() {
    let [best, least] = [null, Infinity];
    const isFirst = this.runs.some((run) => run.epochs.length && !run.snapshots.size && !run.failures.size);
    for (const run of this.runs) {
      if (isFirst && run.asked.size) continue;
      for (const epoch of run.epochs) {
        const distance = Math.abs(epoch - (this.focus ?? run.epochs.at(-1)));
        if (distance < least && !run.asked.has(epoch)) [best, least] = [{ run, epoch }, distance];
      }
    }
    return best;
  }

  async fetchSnapshot({ run, epoch }) {
    try {
      run.snapshots.set(epoch, new Snapshot(epoch, await this.fetchBytes(`runs/${run.told.id}/view/${epoch}`)));
    } catch (error) {
      run.failures.set(epoch, error.message);
    }
    this.onChange(run, "snapshot");
  }
}

/** Fetch from the server that the page came from. @param {string} prefix such as "bcl/v1" */
export function fetchFrom(prefix) {
  return async (path) => {
    const answer = await fetch(new URL(`${prefix}/${path}`, document.baseURI)).catch(() => {
      throw new Error("The server does not answer.");
    });
    if (answer.ok) return answer.arrayBuffer();
    const { error } = await answer.json().catch(() => ({ error: `the server answered ${answer.status}` }));
    throw new Error(`${error[0].toUpperCase()}${error.slice(1)}.`);
  };
}

function samplesOf({ labels, indices, split, fits_frame: fits }) {
  const rows = (wanted) => Uint32Array.from(labels.data.keys()).filter(wanted);
  return {
    labels: labels.data,
    indices: indices.data,
    split: split.data,
    fits: rows((i) => split.data[i] === 0 && fits.data[i]),
    test: rows((i) => split.data[i] === 0 && !fits.data[i]),
    train: rows((i) => split.data[i] === 1),
  };
}
