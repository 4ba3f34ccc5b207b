import assert from "node:assert/strict";
import test from "node:test";

import { pairAngles } from "../../app/components/stage/core/geometry.js";
import { sentence } from "../../app/components/stage/core/server.js";
import { Table, band, epochsOf, placeAfter, spanAfter } from "../../app/components/stage/core/table.js";
import { safetensors } from "./fixtures.js";

const MEANS = Float32Array.of(1, 0, 0, 1, -1, 0);

/** An answer of the history route: `columns` by name; class means of every epoch of `meanEpochs`. */
function history(epochs, columns, { meanEpochs = [], faults } = {}) {
  const data = Float32Array.from(Object.values(columns).flat());
  const means = Float32Array.from(meanEpochs.flatMap(() => [...MEANS]));
  return safetensors(
    {
      epochs: { data: Int32Array.from(epochs), shape: [epochs.length] },
      scalars: { data, shape: [Object.keys(columns).length, epochs.length] },
      mean_epochs: { data: Int32Array.from(meanEpochs), shape: [meanEpochs.length] },
      class_means: { data: means, shape: [meanEpochs.length, 3, 2] },
    },
    { scalars: JSON.stringify(Object.keys(columns)), ...(faults && { faults: JSON.stringify(faults) }) },
  );
}

function row(epoch, scalars, means = null) {
  const data = means && btoa(String.fromCharCode(...new Uint8Array(means.buffer)));
  return { epoch, scalars, class_means: means && { shape: [3, 2], data } };
}

function tableOf(epochs, columns, options) {
  const table = new Table(20);
  table.read(history(epochs, columns, options), epochs.at(-1));
  return table;
}

test("ranges are epochs, and a range of one has any step", () => {
  assert.deepEqual(epochsOf([[0, 3, 1], [10, 30, 10], [7, 7, 0]]), [0, 1, 2, 3, 10, 20, 30, 7]);
  assert.deepEqual(epochsOf([]), []);
});

test("the place after an epoch is found whether it is kept or not", () => {
  const epochs = [0, 5, 10];
  assert.deepEqual([-1, 0, 4, 5, 9, 10, 11].map((epoch) => placeAfter(epochs, epoch)), [0, 1, 1, 2, 2, 3, 3]);
});

test("a question holds 600 epochs at most, both ends among them, and nothing is asked twice", () => {
  for (const count of [1, 2, 599, 600, 601, 1199, 1200, 10_001]) {
    const kept = Array.from({ length: count }, (_, i) => 3 * i);
    const { from, to, step } = spanAfter(kept, -1);
    assert.deepEqual([from, to], [0, kept.at(-1)]);
    const answered = new Set([...kept.filter((_, i) => i % step === 0), kept.at(-1)]);
    assert.ok(answered.size <= 600, `${count} epochs, step ${step}`);
    assert.equal(spanAfter(kept, kept.at(-1)), null);
  }
  assert.deepEqual(spanAfter([0, 1, 2, 3], 1), { from: 2, to: 3, step: 1 });
  assert.equal(spanAfter([], -1), null);
});

test("numbers are found by name and epoch, and what was not recorded is null", () => {
  const table = tableOf([0, 2, 4], { loss: [3, 2, NaN], accuracy: [0.5, 0.75, 1] });
  assert.equal(table.at("loss", 2), 2);
  assert.equal(table.at("loss", 4), null);
  assert.equal(table.at("loss", 3), null);
  assert.equal(table.at("nc1", 2), null);
  assert.deepEqual(table.column("nc1"), [NaN, NaN, NaN]);
  assert.deepEqual(table.finite("loss"), [3, 2]);
});

test("angles are those of the class means, and only of epochs that have them", () => {
  const table = tableOf([0, 1, 2], { loss: [1, 1, 1] }, { meanEpochs: [0, 2] });
  assert.deepEqual(table.angles(2), pairAngles(MEANS, 3, 2));
  assert.equal(table.angles(1), null);
});

test("class means of more classes than are drawn one by one are not kept", () => {
  const table = new Table(2);
  table.read(history([0], { loss: [1] }, { meanEpochs: [0] }), 0);
  table.extend([row(1, { loss: 1 }, MEANS)], [0, 1]);
  assert.equal(table.means.size, 0);
  assert.deepEqual(table.epochs, [0, 1]);
});

test("rows extend the table, each epoch once, and bring columns that were not there", () => {
  const table = tableOf([0, 1], { loss: [3, 2] });
  table.extend([row(1, { loss: 9 }), row(2, { loss: null, nc1: 5 }, MEANS), row(3, { loss: 1 })], [0, 1, 2, 3]);
  assert.deepEqual(table.epochs, [0, 1, 2, 3]);
  assert.deepEqual(table.column("loss"), [3, 2, NaN, 1]);
  assert.deepEqual(table.column("nc1"), [NaN, NaN, 5, NaN]);
  assert.deepEqual(table.angles(2), pairAngles(MEANS, 3, 2));
});

test("rows after a hole wait until the hole is filled", () => {
  const kept = [0, 1, 2, 3, 4];
  const table = tableOf([0, 1], { loss: [3, 2] });
  table.extend([row(3, { loss: 1 }), row(4, { loss: 0 })], kept);
  assert.deepEqual(table.epochs, [0, 1]);
  assert.deepEqual(spanAfter(kept, table.until), { from: 2, to: 4, step: 1 });
  table.read(history([2, 3, 4], { loss: [2, 1, 0] }), 4);
  assert.deepEqual(table.column("loss"), [3, 2, 2, 1, 0]);
});

test("epochs that were thinned out are not asked for again", () => {
  const kept = Array.from({ length: 1000 }, (_, i) => i);
  const { to, step } = spanAfter(kept, -1);
  const epochs = [...kept.filter((epoch) => epoch % step === 0), to];
  const table = new Table(20);
  table.read(history(epochs, { loss: epochs }), to);
  assert.equal(spanAfter(kept, table.until), null);
  table.extend([row(1000, { loss: 1 })], [...kept, 1000]);
  assert.equal(table.until, 1000);
});

test("an epoch that could not be read is named and has no numbers", () => {
  const table = tableOf([0, 1], { loss: [1, NaN] }, { faults: { 1: "the file is truncated" } });
  assert.equal(table.faults.get(1), "The file is truncated.");
  assert.equal(table.at("loss", 1), null);
});

test("a band goes over the epochs that all have, and there is none where one lacks the number", () => {
  const tables = [tableOf([0, 1, 2], { loss: [3, 2, 1] }), tableOf([0, 2, 3], { loss: [4, 0, 9] })];
  assert.deepEqual(band(tables, "loss"), { epochs: [0, 2], low: [3, 0], high: [4, 1] });
  assert.equal(band([...tables, tableOf([0], { nc1: [1] })], "loss"), null);
});

test("what the lab says is wrong is a sentence, and a file keeps its name", () => {
  assert.equal(sentence("there is no run a"), "There is no run a.");
  assert.equal(sentence("The file is truncated."), "The file is truncated.");
  assert.equal(sentence("samples.safetensors is damaged"), "samples.safetensors is damaged.");
});
