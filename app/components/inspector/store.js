// Runs as they arrive: what is said of them, their curves, and the views of the epochs around the scrubber.

import { EVERY_PAIR_UP_TO } from "./classes.js";
import { pairAngles } from "./geometry.js";
import { parse } from "./safetensors.js";
import { Table, band, epochsOf, placeAfter, sentence, spanAfter } from "./table.js";

const AT_ONCE = 6; // views that are on their way
const [AHEAD, BEHIND] = [8, 2]; // epochs whose views are fetched before they are shown, once the scrubber moves
const TRAIL = 30; // epochs that a trail goes through
const BUDGET = 48e6; // bytes of views and embeddings that are kept
const FAR = 1e6; // epochs; farther than any of a run that is looked at
const POLL = 1000; // milliseconds
const MOST_ASKED = 64; // runs in one pulse
const NOTHING = new Table(0);
const NO_ANSWER = "The server does not answer.";
const UNREACHED = [502, 503, 504]; // what proxies answer in a server's place
const ACTIVE = ["queued", "running", "paused"];

/** The server did not answer at all; it is asked again. */
export class Away extends Error {}

/** One recorded epoch of one run. */
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
    this.size = copies.reduce((sum, { data }) => sum + data.byteLength, buffer.byteLength);
  }

  get bytes() {
    return Object.values(this.remembered).reduce((sum, angles) => sum + angles.byteLength, this.size);
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
    this.predicted = null; // angles of the predicted optimum, (K, K)
    this.sprite = null;
    this.parts = new Set(); // about, history, samples, predicted: here, on their way, or failed
    this.failed = {}; // part -> a sentence
    this.error = null; // a sentence: nothing of this run is known
  }

  get active() {
    return ACTIVE.includes(this.state);
  }

  /** The table; an empty one while there is none. */
  get curves() {
    return this.table ?? NOTHING;
  }

  get classes() {
    return this.about?.classes ?? null;
  }

  /** Whether something of it did not come that may come when it is asked for again. */
  get hasFailed() {
    return Boolean(this.error || this.failures.size || this.curves.faults.size || Object.keys(this.failed).length);
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

/** Fetches what the runs have, and goes on looking while one of them is trained. */
export class Store {
  known = new Map(); // runs by their ids
  runs = []; // those that are looked at
  away = null; // a sentence, while the server does not answer
  busy = 0; // views on their way
  open = 0; // requests that are not answered yet, other than pulses
  pulsing = 0;
  aimed = { epoch: null, next: null, views: false, trails: false, direction: 0 };
  remembered = new Map(); // address -> {found, bytes} of embeddings, the least recently used first

  /**
   * @param {(path: string) => Promise<ArrayBuffer>} fetchBytes what lies at "runs/<id>/…" or "pulse?…"; rejects with a
   *   sentence, and with Away where nobody answers
   * @param {(run: ?Run, what: string) => void} onChange something has arrived: epochs, state, view, a part of a run, or
   *   "rest" when all has that was asked for
   * @param {number} budget bytes
   */
  constructor(fetchBytes, onChange, budget = BUDGET) {
    this.budget = budget;
    this.fetchBytes = fetchBytes;
    this.onChange = onChange;
    this.polling = setInterval(() => this.poll(), POLL);
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

  poll() {
    const runs = this.runs.filter((run) => run.active || this.away);
    if (!document.hidden && !this.pulsing) this.ask(runs);
  }

  /** Ask again for what failed. */
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

  /** Ask how far some runs are. */
  async ask(runs) {
    if (!runs.length) return;
    const known = runs.flatMap(({ table }) => table?.until ?? []);
    const since = known.length ? `&since=${Math.min(...known)}` : "";
    this.pulsing++;
    try {
      const { runs: pulses } = json(await this.fetchBytes(`pulse?runs=${runs.map(({ told }) => told.id)}${since}`));
      const { away } = this;
      this.away = null;
      for (const run of runs) this.hear(run, pulses[run.told.id]);
      if (away) this.onChange(null, "state");
    } catch (error) {
      if (error instanceof Away) this.lose(error);
      else for (const run of runs) this.say(run, error.message);
    }
    this.pulsing--;
    this.pump();
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
    if (news) this.onChange(run, "epochs");
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
    const until = run.table?.until ?? -1;
    const span = spanAfter(run.epochs, until);
    if (!span) return;
    const { from, to, step } = span;
    const take = (bytes) => {
      run.table ??= new Table(run.told.label ? EVERY_PAIR_UP_TO : 0);
      run.table.read(bytes, to);
      run.parts.delete("history");
    };
    this.get(run, "history", `history/${run.rev}?from=${from}&to=${to}&step=${step}`, take);
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
    this.pump();
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
    return !this.open && !this.away && !this.next();
  }

  /** Which sample is which; resolves when that is known, or failed. */
  samples(run) {
    const take = (bytes) => (run.samples = samplesOf(parse(bytes).arrays));
    return this.get(run, "samples", `samples/${run.rev}`, take);
  }

  /** Angles of the predicted optimum. */
  predicted(run) {
    const take = (bytes) => {
      const { data, shape } = parse(bytes).arrays.class_means;
      run.predicted = pairAngles(data, ...shape);
    };
    return this.get(run, "predicted", `predicted/${run.rev}`, take);
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

  /** The lowest and the highest of a metric over a run and its sisters; see `band`. */
  band(run, metric) {
    const tables = this.tablesOf(run);
    return tables && band(tables, metric);
  }

  /** The full embeddings of an epoch, {data, shape (N, d)}. @returns {Promise} rejects with a sentence */
  embeddings(run, epoch) {
    const path = `runs/${run.told.id}/embeddings/${run.rev}/${epoch}`;
    const fetched = async () => {
      const bytes = await this.fetch(path);
      item.bytes = bytes.byteLength;
      this.spare();
      return Object.values(parse(bytes).arrays)[0];
    };
    const item = this.remembered.get(path) ?? { bytes: 0 };
    item.found ??= fetched();
    item.found.catch(() => this.remembered.delete(path));
    this.remembered.delete(path);
    this.remembered.set(path, item);
    return item.found;
  }

  /** Address of the thumbnails, or null where the run has none. @returns {Promise<?string>} */
  sprite(run) {
    const address = (bytes) => URL.createObjectURL(new Blob([bytes], { type: "image/png" }));
    const lost = (error) => (error instanceof Away ? (run.sprite = null) : null);
    run.sprite ??= this.fetch(`runs/${run.told.id}/sprite.png/${run.rev}`).then(address, lost);
    return run.sprite;
  }

  /**
   * Say where the scrubber stands; views around it are fetched.
   *
   * @param {{epoch: ?number, next: ?number, views: boolean, trails: boolean}} at `next` is tweened to; `views` whether
   *   something is open that draws from them, `trails` whether it draws earlier ones too
   */
  aim(at) {
    const { epoch, direction } = this.aimed;
    const moved = epoch === null ? 0 : Math.sign(at.next - epoch);
    this.aimed = { ...at, direction: moved || direction };
    this.pump();
  }

  /** Views in the order in which they are wanted. @returns {{run: Run, epoch: number, shown: boolean}[]} */
  wants() {
    const { epoch, next, views, trails, direction } = this.aimed;
    const wants = new Map();
    const want = (run, wanted, shown = false) => {
      const key = `${run.told.id}/${wanted}`;
      if (wanted !== undefined && !wants.has(key)) wants.set(key, { run, epoch: wanted, shown });
    };
    // Curves go first. Where they are thinned, what they lack is in the view.
    const isReady = (run) => run.epochs.length && (run.table || run.failed.history);
    const runs = epoch === null ? [] : this.runs.filter(isReady);
    const lacking = runs.filter((run) => !run.table?.has(run.shown(epoch)));
    for (const run of views ? runs : lacking) want(run, run.shown(epoch), true);
    if (!views) return [...wants.values()];
    for (const run of runs) want(run, run.shown(next), true);
    for (let step = 1; direction && step <= AHEAD; step++) {
      for (const run of runs) want(run, run.epochs[run.placeOf(next) + step * direction]);
      for (const run of step > BEHIND ? [] : runs) want(run, run.epochs[run.placeOf(epoch) - step * direction]);
    }
    for (const run of trails ? runs : []) for (const past of run.trail(epoch)) want(run, past);
    return [...wants.values()];
  }

  /** The first view that is wanted, that there is room for, and that nobody has asked for. */
  next() {
    let bytes = this.embeddingBytes;
    for (const { run, epoch, shown } of this.wants()) {
      bytes += run.snapshots.get(epoch)?.bytes ?? run.largest;
      if (!shown && bytes > this.budget) return null;
      if (!run.asked.has(epoch)) return { run, epoch };
    }
    return null;
  }

  pump() {
    while (this.busy < AT_ONCE && !this.away) {
      const next = this.next();
      if (!next) return;
      this.busy++;
      this.view(next.run, next.epoch).finally(() => (this.busy--, this.pump()));
    }
  }

  /** The view of an epoch, fetched where it is not here. @returns {Promise<?Snapshot>} null for one that failed */
  async view(run, epoch) {
    const { age } = run;
    if (run.snapshots.has(epoch)) return run.snapshots.get(epoch);
    run.asked.add(epoch);
    try {
      const bytes = await this.fetch(`runs/${run.told.id}/view/${run.rev}/${epoch}`);
      const snapshot = new Snapshot(epoch, bytes);
      if (run.age !== age) return null;
      run.snapshots.set(epoch, snapshot);
      run.largest = Math.max(run.largest, snapshot.bytes);
      this.spare();
    } catch (error) {
      if (run.age !== age) return null;
      if (error instanceof Away) run.asked.delete(epoch);
      else run.failures.set(epoch, error.message);
    }
    this.onChange(run, "view");
    return run.snapshots.get(epoch) ?? null;
  }

  get embeddingBytes() {
    return [...this.remembered.values()].reduce((sum, { bytes }) => sum + bytes, 0);
  }

  /** Forget what there is no room for: views that nobody wants, the farthest first; embeddings; then what is near. */
  spare() {
    const wants = this.wants();
    const places = new Map(wants.map(({ run, epoch }, i) => [run.snapshots.get(epoch), i]));
    const distance = (run, { epoch }) => (this.runs.includes(run) ? Math.abs(epoch - this.aimed.epoch) : FAR);
    const viewOf = (run, view) => ({
      rank: places.get(view) ?? FAR + distance(run, view),
      bytes: view.bytes,
      forget: () => (run.snapshots.delete(view.epoch), run.asked.delete(view.epoch)),
    });
    const runs = [...this.known.values()];
    const views = runs.flatMap((run) => Array.from(run.snapshots.values(), (view) => viewOf(run, view)));
    const embeddings = Array.from(this.remembered, ([path, { bytes }], i) => {
      return { rank: FAR - i, bytes, forget: () => this.remembered.delete(path) };
    });
    const held = [...views, ...embeddings].sort((a, b) => b.rank - a.rank);
    const shown = wants.filter((want) => want.shown).length; // the first of them
    let bytes = held.reduce((sum, item) => sum + item.bytes, 0);
    for (const item of held) {
      if (bytes <= this.budget || item.rank < shown) return;
      item.forget();
      bytes -= item.bytes;
    }
  }
}

/** Fetch from the server that the page came from. @param {string} prefix such as "bcl/v1" */
export function fetchFrom(prefix) {
  return async (path) => {
    const answer = await fetch(new URL(`${prefix}/${path}`, document.baseURI)).catch(() => null);
    if (!answer || UNREACHED.includes(answer.status)) throw new Away(NO_ANSWER);
    const lost = () => Promise.reject(new Away(NO_ANSWER)); // in the middle of its answer
    if (answer.ok) return answer.arrayBuffer().catch(lost);
    const { error } = await answer.json().catch(() => ({ error: `the server answered ${answer.status}` }));
    throw new Error(sentence(error));
  };
}

function json(bytes) {
  return JSON.parse(new TextDecoder().decode(bytes));
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
