// The Library: which runs are listed, how many there would be, and what is said of them.

import assert from "node:assert/strict";
import { test } from "node:test";

import {
  anglesInWords, apart, byGroup, chosenOf, dataInWords, groupInWords, isSorted, labOf, matches, percent, read, sorted,
  stateInWords, turned, write,
} from "../../app/components/library/catalogue.js";
import { reader } from "../../app/components/library/reader.js";

const NONE = { accuracy: null, nearest_mean: null, many: null, medium: null, few: null, angle: null, tail: null };
const run = (told) => ({
  ...{ id: "261111-0000000000", kind: "own", name: "SCL, seed 0", group: "g1", group_name: "Race one", title: "SCL" },
  ...{ data: "Handwritten digits", imbalance: 50, space: "projection", state: "finished", error: null, epoch: 60 },
  ...{ planned: 60, created: 0, deleted: null, figures: NONE },
  ...told,
});
const RUNS = [
  run({ id: "a-000001", group: "g2", group_name: "Later race", state: "running", epoch: 3 }),
  run({ id: "b-000002", name: "BCL, seed 1", title: "BCL" }),
  run({ id: "c-000003", name: "Größe ☃", title: "other code", kind: "recorded", data: "", imbalance: null }),
  run({ id: "digits-scl", kind: "shelf", group: "digits", group_name: "Digits, long tail" }),
  run({ id: "d-000004", state: "stopped", deleted: 5 }),
];
const ALL = { look: "", find: "", kind: "", state: "", sort: "" };
const ids = (asked) => chosenOf(RUNS, { ...ALL, ...asked }).listed.map(({ id }) => id);

test("every word is looked for in name, group, loss, data and id, whatever the case", () => {
  assert.ok(matches(RUNS[1], "bcl RACE digits 000002"));
  assert.ok(matches(RUNS[1], "  "));
  assert.ok(matches(RUNS[2], "größe"));
  assert.ok(!matches(RUNS[1], "bcl scl"));
});

test("what is deleted is listed where it is asked for alone", () => {
  assert.deepEqual(ids({}), ["a-000001", "b-000002", "c-000003", "digits-scl"]);
  assert.deepEqual(ids({ state: "deleted" }), ["d-000004"]);
  assert.deepEqual(ids({ state: "stopped" }), []);
});

test("filters narrow each other, and count what they would list", () => {
  assert.deepEqual(ids({ state: "active" }), ["a-000001"]);
  assert.deepEqual(ids({ kind: "own", state: "finished" }), ["b-000002"]);
  const { kinds, states } = chosenOf(RUNS, { ...ALL, find: "scl" });
  assert.deepEqual(kinds, { own: 1, shelf: 1 });
  assert.deepEqual(states, { active: 1, finished: 1, deleted: 1 });
});

test("runs of one name and data say what tells them apart", () => {
  const [long, longer] = ["60 epochs", "240 epochs"].map((epochs) => `BCL, seed 0 · τ 0.3 · ${epochs}, batch 64`);
  const made = (id, recipe, created) => run({ id, recipe, created, name: "BCL, seed 0" });
  const found = apart([made("a", long, 1e9), made("b", longer, 1e9), run({ id: "c", recipe: long })]);
  assert.deepEqual([...found], [["a", "60 epochs"], ["b", "240 epochs"], ["c", ""]]);
  const [first, later, same] = apart([made("a", long, 1e9), made("b", long, 2e9), made("c", long, 2e9)]).values();
  assert.match(first, /^made .* 2001/);
  assert.match(later, /2033.* · b$/);
  assert.match(same, /2033.* · c$/);
});

test("groups stand in the order of their first runs", () => {
  const found = byGroup([RUNS[1], RUNS[0], RUNS[2]]).map((runs) => runs.map(({ id }) => id));
  assert.deepEqual(found, [["b-000002", "c-000003"], ["a-000001"]]);
});

test("an address holds what is asked for and keeps what it does not know", () => {
  const asked = { look: "rows", find: "a b", kind: "shelf", state: "failed", sort: "-few" };
  assert.deepEqual(read(write("?import=x", asked)), asked);
  assert.equal(write("?import=x&look=rows&find=a", ALL), "?import=x");
  assert.equal(write("?look=rows", ALL), "");
  assert.deepEqual(read("?look=piles&kind=mine&state=odd"), ALL);
  assert.deepEqual(read("?kind=constructor&state=toString"), ALL);
});

test("rows are sorted either way, those without a value last, and a third press ends it", () => {
  const of = (id, accuracy) => run({ id, name: id, figures: { ...NONE, accuracy } });
  const runs = [of("run 10", 0.5), of("run 9", null), of("run 2", 0.9)];
  const ids = (sort) => sorted(runs, sort).map(({ id }) => id);
  assert.deepEqual(ids("-accuracy"), ["run 2", "run 10", "run 9"]);
  assert.deepEqual(ids("accuracy"), ["run 10", "run 2", "run 9"]);
  assert.deepEqual(ids("name"), ["run 2", "run 9", "run 10"]);
  assert.deepEqual(["-accuracy", "accuracy", ""].map((sort) => turned(sort, "accuracy")), ["accuracy", "", "-accuracy"]);
  assert.deepEqual(["name", "-name", "few"].map((sort) => turned(sort, "name")), ["-name", "", "name"]);
  assert.equal(read("?sort=-accuracy").sort, "-accuracy");
  assert.equal(read("?sort=toString").sort, "");
  assert.equal(isSorted(read("?sort=few")), false); // cards are not
  assert.equal(isSorted(read("?look=rows&sort=few")), true);
});

test("a run says where it stands", () => {
  assert.equal(stateInWords(RUNS[0]), "in training, epoch 3 of 60");
  assert.equal(stateInWords(run({ state: "queued", epoch: null })), "waits in the queue");
  assert.equal(stateInWords(run({ state: "paused", epoch: 2 })), "paused, epoch 2 of 60");
  assert.equal(stateInWords(run({ state: "paused", kind: "imported", epoch: 0 })), "imported and measured, not trained here");
  assert.equal(stateInWords(run({ state: "paused", kind: "imported", epoch: 1 })), "paused, epoch 1 of 60");
  assert.equal(stateInWords(run({ state: "stopped", epoch: null })), "stopped, no epoch yet");
  assert.equal(stateInWords(run({ state: "failed", error: "no room" })), "failed after epoch 60 of 60: no room");
  assert.equal(stateInWords(run({ state: "paused", epoch: 2, missing: "no loss" })), "paused, epoch 2 of 60; no loss");
  assert.equal(stateInWords(run({ state: "failed", epoch: null })), "failed before its first epoch");
  assert.equal(stateInWords(run({ state: "unreadable", error: "epochs is 0" })), "cannot be read: epochs is 0");
  assert.equal(stateInWords(run({ planned: 1 })), "finished, 1 epoch");
});

test("figures are said with their unit, and what was not measured is not", () => {
  assert.equal(percent(0.9812), "98.1\u00a0%");
  assert.equal(percent(0.9625), "96.3\u00a0%"); // as the model cards have it
  assert.equal(percent(0.2875), "28.8\u00a0%");
  assert.equal(percent(null), "–");
  const angles = (figures) => anglesInWords(run({ figures: { ...NONE, ...figures } }));
  assert.equal(angles({ angle: 92.4, tail: 53.1 }), "92° on average, 53° within the tail, in projection space");
  assert.equal(angles({ angle: 92.4 }), "92° on average, in projection space");
  assert.equal(angles({}), "");
  assert.equal(dataInWords(RUNS[0]), "Handwritten digits, imbalance factor 50 asked for");
  assert.equal(dataInWords({ ...RUNS[0], imbalance: 1 }), "Handwritten digits, imbalance factor 1");
  assert.equal(dataInWords(RUNS[0], [130, 2]), "Handwritten digits, imbalance factor 50 asked for, 65 drawn");
  assert.equal(dataInWords(RUNS[0], [100, 2]), "Handwritten digits, imbalance factor 50");
  assert.equal(dataInWords(run({ imbalance: null })), "Handwritten digits");
  assert.equal(dataInWords(RUNS[2]), "");
});

test("of features that are not negative it is said that no angle can be wider", () => {
  const figures = { ...NONE, angle: 44.5, tail: 33 };
  const words = anglesInWords(run({ figures, space: "backbone", widest: 90 }));
  assert.equal(words, "45° on average, 33° within the tail, in backbone space, where none exceeds 90°");
});

test("a group says what is the same in it", () => {
  assert.equal(groupInWords([RUNS[0], RUNS[1]]), "Handwritten digits, imbalance factor 50 asked for · 2 runs");
  assert.equal(groupInWords([RUNS[0], run({ imbalance: 10 })]), "2 runs");
});

test("the Lab is asked for all of them", () => {
  assert.equal(labOf(["a", "b"]), "lab?runs=a.b");
});

test("an answer that a later question has overtaken is not taken for what is listed", async (context) => {
  globalThis.document = { baseURI: "http://lab/" };
  const asked = []; // If-None-Match of each question, and what answers it
  context.mock.method(globalThis, "fetch", (_, { headers }) => new Promise((answer) => asked.push([headers["If-None-Match"], answer])));
  const answer = (which, etag) => asked[which][1](new Response(JSON.stringify({ of: etag }), { headers: { ETag: etag } }));
  const ask = reader("bcl/v1");
  const [slow, afterDeleting] = [ask(false), ask(true)];
  answer(1, "deleted");
  assert.deepEqual(await afterDeleting, { of: "deleted" });
  answer(0, "before");
  assert.equal(await slow, null);
  ask(true); // after Undo all is as before, and would be "not modified"
  assert.equal(asked[2][0], "deleted");
});
