// Runs as they arrive: what is said of them, and their curves; `Views` has what is around the scrubber.

import { EVERY_PAIR_UP_TO } from "./classes.js";
import { pairAngles } from "./geometry.js";
import { Run } from "./run.js";
import { parse } from "./safetensors.js";
import { Away, json, sentence } from "./server.js";
import { Table, band, epochsOf, historyAt, spanAfter } from "./table.js";
import { Views } from "./views.js";

const BUDGET = 48e6; // bytes
const TICK = 125; // milliseconds
const USUAL = 8; // ticks from one poll to the next
const MOST_ASKED = 64; // runs in one pulse

/** Fetches what the runs have, and goes on looking while one of them is trained. */
export class Store {
  known = new Map(); // runs by their ids
  runs = []; // those that are looked at
  away = null; // a sentence, while the server does not answer
  worker = null; // of the lab: {alive, failure}
  open = 0; // requests that are not answered yet, other than pulses
  pulsing = 0;
  ticks = 0;

  /**
   * @param {(path: string) => Promise<ArrayBuffer>} fetchBytes what lies at "runs/<id>/…" or "pulse?…"; rejects with a
   *   sentence, and with Away where nobody answers
   * @param {(run: ?Run, what: string) => void} onChange something has arrived: epochs, state, view, a part of a run, or
   *   "rest" when all has that was asked for
   */
  constructor(fetchBytes, onChange, budget = BUDGET) {
    Object.assign(this, { fetchBytes, onChange, views: new Views(this, budget) });
    this.polling = setInterval(() => this.tick(), TICK);
  }

  /** Know these runs from now on; what has arrived of those that stay is kept. */
  know(toldRuns) {
    const runs = toldRuns.map((told) => this.run(told));
    const sisters = runs.flatMap(({ about }) => about?.siblings ?? []).flatMap((id) => this.known.get(id) ?? []);
    this.known = new Map([...sisters, ...runs].map((run) => [run.told.id, run]));
  }

  run(told) {
    const run = this.known.get(told.id) ?? new Run(told);
    if (told.label && !run.told.label) run.table = null; // it had no class means
    if (told.label) run.told = told;
    this.known.set(told.id, run);
    return run;
  }

  /** Look at these runs; resolves when it is known what they are. */
  async show(toldRuns) {
    const runs = toldRuns.map((told) => this.run(told));
    const unsure = runs.filter((run) => run.active || run.rev === null);
    await Promise.all([this.ask(unsure), ...runs.map((run) => this.describe(run))]);
    this.runs = runs;
    for (const run of runs) this.fill(run);
  }

  stop() {
    clearInterval(this.polling);
    this.runs = [];
  }

  /** Poll now and then, and often while the first epoch of a run is waited for. */
  tick() {
    this.ticks = (this.ticks + 1) % USUAL;
    const isFirst = !this.away && this.runs.some((run) => run.active && !run.epochs.length && !run.pulse?.queue?.races);
    if (isFirst || !this.ticks) this.poll();
  }

  poll() {
    if (!document.hidden && !this.pulsing) this.ask(this.runs.filter((run) => run.mayMove || this.away));
  }

  retry() {
    for (const run of this.runs) {
      for (const epoch of run.failures.keys()) run.asked.delete(epoch);
      for (const part of Object.keys(run.failed)) run.parts.delete(part);
      run.failures.clear();
      if (run.table?.faults.size) run.table = null;
      Object.assign(run, { failed: {}, error: null });
    }
    this.ask(this.runs);
  }

  async ask(runs) {
    if (!runs.length) return;
    const known = runs.flatMap(({ table }) => table?.until ?? []);
    const since = known.length ? `&since=${Math.min(...known)}` : "";
    this.pulsing++;
    try {
      const path = `pulse?runs=${runs.map(({ told }) => told.id)}${since}`;
      const { runs: pulses, worker = null } = json(await this.fetchBytes(path));
      const { away } = this;
      Object.assign(this, { away: null, worker });
      for (const run of runs) this.hear(run, pulses[run.told.id]);
      if (away) this.onChange(null, "state");
    } catch (error) {
      if (error instanceof Away) this.lose(error);
      else for (const run of runs) this.say(run, error.message);
    }
    this.pulsing--;
    this.views.pump();
  }

  hear(run, pulse) {
    if (!pulse || pulse.error) return this.say(run, sentence(pulse?.error ?? "nothing is known of this run"), null);
    const { state, rev, epochs: ranges, rows = [] } = pulse;
    if (run.rev !== null && rev !== run.rev) run.forget();
    const epochs = epochsOf(ranges);
    const isLonger = epochs.length !== run.epochs.length;
    const news = state !== run.state || isLonger || run.error;
    if (isLonger && run.failed.history) run.parts.delete("history"); // there is something else to ask for
    if (isLonger) delete run.failed.history;
    Object.assign(run, { state, rev, epochs, pulse, error: null });
    run.table?.extend(rows, epochs);
    this.onChange(run, news ? "epochs" : "pulse");
    this.fill(run);
  }

  say(run, error, state = run.state) {
    if (error === run.error) return;
    Object.assign(run, { error, state });
    this.onChange(run, "state");
  }

  lose({ message }) {
    if (this.away) return;
    this.away = message;
    this.onChange(null, "state");
  }

  /** Fetch what is still to be had of a run: what the lab says of it, and its curves. */
  fill(run) {
    const hasBegun = run.about && !run.classes && run.epochs.length && !run.wasBegun;
    if (hasBegun) run.parts.delete("about");
    if (run.told.label) this.describe(run);
    const span = spanAfter(run.epochs, run.table?.until ?? -1);
    if (!span) return;
    this.get(run, "history", historyAt(run.rev, span), (bytes) => {
      run.table ??= new Table(run.told.label ? EVERY_PAIR_UP_TO : 0);
      run.table.read(bytes, span.to);
      run.parts.delete("history");
    });
  }

  describe(run) {
    const begun = run.epochs.length > 0;
    return this.get(run, "about", "about", (bytes) => Object.assign(run, { about: json(bytes), wasBegun: begun }));
  }

  /** Fetch a part of a run, once. What comes of a run that is another one by then is dropped. */
  async get(run, part, path, take) {
    if (run.parts.has(part)) return;
    run.parts.add(part);
    const { age } = run;
    try {
      const bytes = await this.fetch(`runs/${run.told.id}/${path}`);
      if (run.age === age) take(bytes);
    } catch (error) {
      if (run.age !== age) return;
      if (error instanceof Away) run.parts.delete(part);
      else run.failed[part] = error.message;
    }
    this.onChange(run, part);
    this.views.pump();
  }

  async fetch(path) {
    this.open++;
    try {
      return await this.fetchBytes(path);
    } catch (error) {
      if (error instanceof Away) this.lose(error);
      throw error;
    } finally {
      this.open--;
      setTimeout(() => this.resting && this.onChange(null, "rest")); // when what came has been taken in
    }
  }

  /** Whether nothing is on its way, nor still to be asked for. */
  get resting() {
    return !this.open && !this.away && !this.views.next();
  }

  /** Which sample is which; resolves when that is known, or failed. */
  samples(run) {
    const take = (bytes) => (run.samples = samplesOf(parse(bytes).arrays));
    return this.get(run, "samples", `samples/${run.rev}`, take);
  }

  predicted(run) {
    return this.get(run, "predicted", `predicted/${run.rev}`, (bytes) => {
      const { data, shape } = parse(bytes).arrays.class_means;
      run.predicted = pairAngles(data, ...shape);
    });
  }

  /** Which runs are a run's controls, by kind, some aside. @returns {Promise} resolves also where that cannot be known */
  async controls(run, without) {
    try {
      run.controls = json(await this.fetch(`runs/${run.told.id}/controls?without=${without}`));
    } catch ({ message }) {
      const unknown = { id: null, how: message };
      run.controls = { balanced: unknown, swapped: unknown };
    }
  }

  /** Fetch the curves of the runs that differ from those that are looked at in the seed alone. */
  async sisters() {
    const ids = new Set(this.runs.flatMap(({ about }) => about?.siblings ?? []));
    const runs = Array.from(ids, (id) => this.run({ id }));
    const unknown = runs.filter(({ rev, error }) => rev === null && !error);
    this.open++;
    while (unknown.length) await this.ask(unknown.splice(0, MOST_ASKED));
    this.open--;
    for (const run of runs) this.fill(run);
    if (this.resting) this.onChange(null, "rest");
  }

  /** A run and its sisters, once all their curves are here; null for a run without sisters. @returns {?Table[]} */
  tablesOf(run) {
    const all = [run, ...(run.about?.siblings ?? []).map((id) => this.known.get(id))];
    const tables = all.filter((one) => !one?.error && !one?.failed.history).map((one) => one?.table);
    return tables.length > 1 && tables.every(Boolean) ? tables : null;
  }

  /** What `runInWords` and `versionsOf` say of a run. */
  words(run) {
    const { label } = run.told;
    return { space: "unknown", recipe: label, ...run.about, label, seeds: this.tablesOf(run)?.length ?? null };
  }

  /** The lowest and the highest of a metric over a run and its sisters, or null; see `band`. */
  band(run, metric) {
    return band(this.tablesOf(run) ?? [], metric);
  }

  /** Address of the thumbnails, or null where the run has none. @returns {Promise<?string>} */
  sprite(run) {
    const address = (bytes) => URL.createObjectURL(new Blob([bytes], { type: "image/png" }));
    const lost = (error) => (error instanceof Away ? (run.sprite = null) : null);
    run.sprite ??= this.fetch(`runs/${run.told.id}/sprite.png/${run.rev}`).then(address, lost);
    return run.sprite;
  }
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
