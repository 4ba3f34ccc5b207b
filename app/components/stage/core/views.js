// The views around the scrubber, and embeddings: fetched as they are wanted, forgotten by a budget of bytes.

import { sum } from "./geometry.js";
import { Snapshot } from "./run.js";
import { parse } from "./safetensors.js";
import { Away } from "./server.js";

const AT_ONCE = 6; // views that are on their way
const [AHEAD, BEHIND] = [8, 2]; // epochs whose views are fetched before they are shown, once the scrubber moves
const FAR = 1e6; // epochs; farther than any of a run that is looked at

export class Views {
  busy = 0; // views on their way
  aimed = { epoch: null, next: null, views: false, trails: false, direction: 0 };
  remembered = new Map(); // address -> {found, bytes} of embeddings, the least recently used first

  /** @param {Object} store which knows the runs, and fetches @param {number} budget bytes that are kept */
  constructor(store, budget) {
    Object.assign(this, { store, budget });
  }

  /** The full embeddings of an epoch, {data, shape (N, d)}. @returns {Promise} rejects with a sentence */
  embeddings(run, epoch) {
    const path = `runs/${run.told.id}/embeddings/${run.rev}/${epoch}`;
    const item = this.remembered.get(path) ?? { bytes: 0 };
    item.found ??= this.store.fetch(path).then((bytes) => {
      item.bytes = bytes.byteLength;
      this.spare();
      return Object.values(parse(bytes).arrays)[0];
    });
    item.found.catch(() => this.remembered.delete(path));
    this.remembered.delete(path);
    this.remembered.set(path, item);
    return item.found;
  }

  /** Say where the scrubber stands, and whether views, and past ones, are drawn; those around it are fetched. */
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
    const runs = epoch === null ? [] : this.store.runs.filter(isReady);
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
    let bytes = 0;
    for (const item of this.remembered.values()) bytes += item.bytes;
    for (const { run, epoch, shown } of this.wants()) {
      bytes += run.snapshots.get(epoch)?.bytes ?? run.largest;
      if (!shown && bytes > this.budget) return null;
      if (!run.asked.has(epoch)) return { run, epoch };
    }
    return null;
  }

  pump() {
    while (this.busy < AT_ONCE && !this.store.away) {
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
      const bytes = await this.store.fetch(`runs/${run.told.id}/view/${run.rev}/${epoch}`);
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
    this.store.onChange(run, "view", epoch);
    return run.snapshots.get(epoch) ?? null;
  }

  /** Forget what there is no room for: views that nobody wants, the farthest first; embeddings; then what is near. */
  spare() {
    const wants = this.wants();
    const places = new Map(wants.map(({ run, epoch }, i) => [run.snapshots.get(epoch), i]));
    const distance = (run, { epoch }) => (this.store.runs.includes(run) ? Math.abs(epoch - this.aimed.epoch) : FAR);
    const viewOf = (run, view) => ({
      rank: places.get(view) ?? FAR + distance(run, view),
      bytes: view.bytes,
      forget: () => (run.snapshots.delete(view.epoch), run.asked.delete(view.epoch)),
    });
    const runs = [...this.store.known.values()];
    const views = runs.flatMap((run) => Array.from(run.snapshots.values(), (view) => viewOf(run, view)));
    const embeddings = Array.from(this.remembered, ([path, { bytes }], i) => {
      return { rank: FAR - i, bytes, forget: () => this.remembered.delete(path) };
    });
    const held = [...views, ...embeddings].sort((a, b) => b.rank - a.rank);
    const shown = wants.filter((want) => want.shown).length; // the first of them
    let bytes = sum(held.map((item) => item.bytes));
    for (const item of held) {
      if (bytes <= this.budget || item.rank < shown) return;
      item.forget();
      bytes -= item.bytes;
    }
  }
}
