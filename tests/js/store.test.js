import assert from "node:assert/strict";
import { afterEach, test } from "node:test";

import { Away } from "../../app/components/stage/core/server.js";
import { Store } from "../../app/components/stage/core/store.js";
import { epochsOf } from "../../app/components/stage/core/table.js";
import { safetensors } from "./fixtures.js";

globalThis.document = { hidden: false };

const CLASSES = { names: ["a", "b"], counts: [2, 1], colours: ["#000000", "#FFFFFF"], simplex: [[1], [-1]] };
const VIEW = 1000; // numbers, of four bytes

/** A lab of runs, each {state, rev, ranges, classes, siblings, rows}, which says what it was asked for. */
class FakeLab {
  asked = [];
  away = false;
  stores = [];

  constructor(runs) {
    this.runs = runs;
    this.answer = this.answer.bind(this);
  }

  async answer(path) {
    if (this.away) throw new Away("The server does not answer.");
    this.asked.push(path);
    const [, query] = path.split("?");
    const given = new URLSearchParams(query);
    if (path.startsWith("pulse")) return bytes({ runs: this.pulses(given) });
    const [, id, part, rev, epoch] = path.split("?")[0].split("/");
    const run = this.runs[id];
    if (!run) throw new Error(`There is no run ${id}.`);
    if (part === "about") return bytes({ id, classes: CLASSES, siblings: [], ...run.about });
    assert.equal(rev, run.rev, path);
    if (part === "history") return historyOf(run, given);
    const numbers = { data: new Float32Array(VIEW), shape: [VIEW] };
    return safetensors({ numbers }, { metrics: `{"epoch": ${epoch ?? 0}}` });
  }

  pulses(given) {
    const since = given.get("since");
    const pulseOf = ({ state, rev, ranges, rows }) => {
      const late = since === null ? [] : (rows ?? []).filter(({ epoch }) => epoch > Number(since));
      return { state, rev, epochs: ranges, planned: 9, rows: late.length > 32 ? [] : late };
    };
    const ids = given.get("runs").split(",");
    const unknown = (id) => ({ error: `There is no run ${id}.` });
    return Object.fromEntries(ids.map((id) => [id, this.runs[id] ? pulseOf(this.runs[id]) : unknown(id)]));
  }

  store(budget) {
    const heard = [];
    const store = new Store(this.answer, (run, what) => heard.push(what), budget);
    this.stores.push(store);
    return Object.assign(store, { heard });
  }

  of(part) {
    return this.asked.filter((path) => path.includes(part));
  }
}

function bytes(value) {
  return new TextEncoder().encode(JSON.stringify(value)).buffer;
}

function historyOf({ ranges }, given) {
  const [from, to, step] = ["from", "to", "step"].map((name) => Number(given.get(name)));
  const kept = epochsOf(ranges).filter((epoch) => epoch >= from && epoch <= to);
  const epochs = Int32Array.from(kept.filter((_, i) => i % step === 0 || i === kept.length - 1));
  const arrays = {
    epochs: { data: epochs, shape: [epochs.length] },
    scalars: { data: Float32Array.from(epochs), shape: [1, epochs.length] },
    mean_epochs: { data: new Int32Array(0), shape: [0] },
  };
  return safetensors(arrays, { scalars: '["loss"]' });
}

function finished(last, others = {}) {
  return { state: "finished", rev: "r1", ranges: [[0, last, 1]], ...others };
}

function row(epoch) {
  return { epoch, scalars: { loss: epoch }, class_means: null };
}

const told = (...ids) => ids.map((id) => ({ id, label: id, colour: "#000000", dash: "solid" }));

/** Let everything come that can come. */
async function rest(turns = 20) {
  for (let turn = 0; turn < turns; turn++) await new Promise(setImmediate);
}

/** The epochs of the views that were asked for, from the n-th on. */
const viewsFrom = (n) => lab.of("view").slice(n).map((path) => Number(path.split("/").at(-1)));
const at = (epoch, others) => ({ epoch, next: epoch, views: true, trails: false, ...others });

let lab;
afterEach(() => lab.stores.forEach((store) => store.stop()));

async function opened(runs, { budget, shown = Object.keys(runs) } = {}) {
  lab = new FakeLab(runs);
  const store = lab.store(budget);
  await store.show(told(...shown));
  await rest();
  return store;
}

test("three runs open with one pulse, and of each what it is and its curves", async () => {
  const store = await opened({ a: finished(60), b: finished(60), c: finished(60) });
  assert.equal(lab.asked.length, 7);
  assert.deepEqual([lab.of("pulse").length, lab.of("about").length, lab.of("history").length], [1, 3, 3]);
  assert.ok(store.runs.every(({ table, classes }) => table.epochs.length === 61 && classes));
  assert.ok(store.resting);
});

test("the view that is shown is fetched alone until the scrubber moves; then a few ahead, nearest first", async () => {
  const store = await opened({ a: finished(60) });
  store.views.aim(at(30));
  await rest();
  assert.deepEqual(lab.of("view"), ["runs/a/view/r1/30"]);
  store.views.aim(at(31));
  await rest();
  assert.deepEqual(viewsFrom(0), [30, 31, 32, 33, 29, 34, 35, 36, 37, 38, 39]);
  store.views.aim(at(30));
  await rest();
  assert.deepEqual(viewsFrom(11), [28, 27, 26, 25, 24, 23, 22]);
});

test("curves are enough where nothing draws views, but for epochs that they were thinned out of", async () => {
  const store = await opened({ a: finished(60), long: finished(10_000) });
  store.views.aim(at(17, { views: false }));
  await rest();
  assert.ok(!store.known.get("long").table.has(16));
  assert.deepEqual(lab.of("view"), store.known.get("long").table.has(17) ? [] : ["runs/long/view/r1/17"]);
  store.views.aim(at(16, { views: false }));
  await rest();
  assert.ok(lab.of("view").includes("runs/long/view/r1/16"));
  assert.deepEqual(lab.of("runs/a/view"), []);
});

test("views beyond the budget are forgotten, the farthest first, and what is shown stays", async () => {
  const room = 5;
  const store = await opened({ a: finished(60) }, { budget: room * 4.3 * VIEW });
  const [run] = store.runs;
  for (let epoch = 0; epoch <= 60; epoch++) {
    store.views.aim(at(epoch));
    await rest();
    assert.ok(run.snapshots.has(epoch));
    assert.ok(run.snapshots.size <= room, `${run.snapshots.size} views`);
  }
  assert.ok(Math.min(...run.snapshots.keys()) >= 60 - room);
  const { length } = lab.of("view");
  assert.equal(length, new Set(lab.of("view")).size, "a view was fetched, forgotten and fetched again");
  store.views.aim(at(0));
  await rest();
  assert.equal(lab.of("view/r1/0").length, 2);
});

test("embeddings count, and give way before the views that are wanted", async () => {
  const store = await opened({ a: finished(60) }, { budget: 3 * 4.3 * VIEW });
  store.views.aim(at(10));
  for (const epoch of [1, 2, 3, 4, 5]) await store.views.embeddings(store.runs[0], epoch);
  assert.ok(store.views.remembered.size <= 3);
  await rest();
  assert.ok(store.runs[0].snapshots.has(10));
});

test("trails fetch some earlier epochs, the same from wherever they are looked at", async () => {
  const store = await opened({ a: finished(299) });
  store.views.aim(at(200, { trails: true }));
  await rest(60);
  const { length } = lab.of("view");
  assert.equal(length, 1 + 20); // every tenth
  store.views.aim(at(205, { trails: true, views: true }));
  await rest(60);
  assert.equal(viewsFrom(0).filter((epoch) => epoch < 190).length, 19);
});

test("a run that is trained grows by the rows of a pulse, and no history is asked for again", async () => {
  const store = await opened({ a: finished(3, { state: "running" }), b: finished(9) });
  for (const last of [4, 5, 6]) {
    Object.assign(lab.runs.a, { ranges: [[0, last, 1]], rows: [row(4), row(5), row(6)].slice(0, last - 3) });
    store.poll();
    await rest();
  }
  const [run] = store.runs;
  assert.deepEqual(run.table.epochs, [0, 1, 2, 3, 4, 5, 6]);
  assert.deepEqual(run.table.column("loss"), [0, 1, 2, 3, 4, 5, 6]);
  assert.equal(lab.of("history/r1").length, 2);
  const pulses = lab.of("pulse").slice(1);
  assert.deepEqual(pulses, ["pulse?runs=a&since=3", "pulse?runs=a&since=4", "pulse?runs=a&since=5"]);
});

test("what a pulse leaves out is asked for, and no more than that", async () => {
  const store = await opened({ a: finished(3, { state: "running" }) });
  Object.assign(lab.runs.a, { ranges: [[0, 50, 1]], rows: Array.from({ length: 51 }, (_, i) => row(i)) });
  store.poll();
  await rest();
  assert.deepEqual(lab.of("history").slice(1), ["runs/a/history/r1?from=4&to=50&step=1"]);
  assert.equal(store.runs[0].table.epochs.length, 51);
});

test("nobody is asked when nothing is trained, nor while the page is hidden", async () => {
  const store = await opened({ a: finished(3, { state: "running" }), b: finished(3) });
  document.hidden = true;
  store.poll();
  document.hidden = false;
  lab.runs.a.state = "finished";
  store.poll();
  await rest();
  for (let second = 0; second < 3; second++) store.poll();
  await rest();
  assert.equal(lab.of("pulse").length, 2);
});

test("a run that is another one under its id is fetched anew, and answers about the old one are dropped", async () => {
  const store = await opened({ a: finished(3, { state: "running" }) });
  store.views.aim(at(3));
  await rest();
  const [run] = store.runs;
  lab.runs.a = { state: "running", rev: "r2", ranges: [[0, 1, 1]], about: { title: "again" } };
  const late = lab.answer;
  let release;
  store.fetchBytes = (path) => (path.includes("view/r1") ? new Promise((resolve) => (release = resolve)) : late(path));
  store.views.aim(at(2));
  store.poll();
  await rest();
  release(safetensors({ numbers: { data: new Float32Array(1), shape: [1] } }));
  await rest();
  assert.deepEqual(run.table.epochs, [0, 1]);
  assert.equal(run.about.title, "again");
  assert.ok(run.snapshots.has(1) && !run.snapshots.has(2));
  assert.ok(lab.asked.includes("runs/a/view/r2/1"));
});

test("a server that is away is said to be, and is asked until it is back", async () => {
  const store = await opened({ a: finished(9) });
  lab.away = true;
  store.views.aim(at(5));
  await rest();
  assert.equal(store.away, "The server does not answer.");
  assert.equal(store.runs[0].failures.size, 0);
  store.poll();
  await rest();
  assert.ok(store.away);
  lab.away = false;
  store.poll();
  await rest();
  assert.equal(store.away, null);
  assert.ok(store.runs[0].snapshots.has(5));
  const { length } = lab.asked;
  store.poll();
  await rest();
  assert.equal(lab.asked.length, length);
});

test("runs that are opened while the server is away are there when it is back", async () => {
  lab = new FakeLab({ a: finished(9) });
  lab.away = true;
  const store = lab.store();
  await store.show(told("a"));
  assert.ok(store.away && !store.runs[0].classes);
  lab.away = false;
  store.poll();
  await rest();
  assert.ok(store.runs[0].classes && store.runs[0].table);
});

test("a pulse that fails for once is said to, and the next one is asked for", async () => {
  const store = await opened({ a: finished(3, { state: "running" }) });
  const whole = store.fetchBytes;
  store.fetchBytes = () => Promise.reject(new Error("The server answered 500."));
  store.poll();
  await rest();
  assert.equal(store.runs[0].error, "The server answered 500.");
  store.fetchBytes = whole;
  store.poll();
  await rest();
  assert.equal(store.runs[0].error, null);
});

test("curves that could not be had are asked for again when the run is longer", async () => {
  const store = await opened({ a: finished(3, { state: "running" }) });
  const whole = store.fetchBytes;
  store.fetchBytes = async (path) => (path.includes("history") ? Promise.reject(new Error("Gone.")) : whole(path));
  lab.runs.a.ranges = [[0, 50, 1]];
  store.poll();
  await rest();
  assert.equal(store.runs[0].fault("history"), "Gone.");
  store.fetchBytes = whole;
  store.poll();
  await rest();
  assert.equal(store.runs[0].fault("history"), "Gone.");
  lab.runs.a.ranges = [[0, 51, 1]];
  store.poll();
  await rest();
  assert.equal(store.runs[0].fault("history"), null);
  assert.equal(store.runs[0].table.until, 51);
});

test("a run that nobody knows is said to be unknown, and the others go on", async () => {
  const store = await opened({ a: finished(9) }, { shown: ["a", "gone"] });
  assert.deepEqual(store.runs.map(({ error }) => error), [null, "There is no run gone."]);
  assert.equal(store.runs[0].table.epochs.length, 10);
});

test("a view that is damaged is said to be, once, and is asked for again when that is wanted", async () => {
  const store = await opened({ a: finished(9) });
  const whole = store.fetchBytes;
  store.fetchBytes = async (path) => (path.includes("view") ? (await whole(path)).slice(0, -8) : whole(path));
  store.views.aim(at(5));
  await rest();
  assert.match(store.runs[0].failures.get(5), /truncated/);
  assert.ok(store.resting);
  store.fetchBytes = whole;
  store.retry();
  await rest();
  assert.ok(store.runs[0].snapshots.has(5) && !store.runs[0].failures.size);
});

test("what a run is, is asked again when it has begun", async () => {
  const store = await opened({ a: { state: "queued", rev: "r1", ranges: [], about: { classes: null } } });
  assert.equal(store.runs[0].classes, null);
  Object.assign(lab.runs.a, { state: "running", ranges: [[0, 0, 1]], about: {} });
  store.poll();
  await rest();
  store.poll();
  await rest();
  assert.ok(store.runs[0].classes && store.runs[0].table.has(0));
  assert.equal(lab.of("about").length, 2);
});

test("the curves of other seeds are fetched once, and make a band", async () => {
  const sisters = (...siblings) => finished(9, { about: { siblings } });
  const store = await opened({ a: sisters("b", "c"), b: sisters("a", "c"), c: sisters() }, { shown: ["a", "b"] });
  assert.equal(store.band(store.runs[0], "loss"), null);
  await store.sisters();
  await rest();
  await store.sisters();
  assert.deepEqual(lab.of("pulse"), ["pulse?runs=a,b", "pulse?runs=c"]);
  assert.equal(lab.of("history").length, 3);
  assert.equal(lab.of("about").length, 2);
  assert.equal(store.tablesOf(store.runs[0]).length, 3);
  assert.equal(store.band(store.runs[0], "loss").epochs.length, 10);
});

test("another seed that is then looked at itself is asked for what it is, and for class means", async () => {
  const siblings = { about: { siblings: ["b"] } };
  const store = await opened({ a: finished(9, siblings), b: finished(9) }, { shown: ["a"] });
  await store.sisters();
  await rest();
  store.know(told("a", "b"));
  await store.show(told("a", "b"));
  await rest();
  assert.deepEqual(lab.of("runs/b/").map((path) => path.split("/")[2]), ["history", "about", "history"]);
  assert.equal(store.runs[1].table.withMeans, 20);
});
