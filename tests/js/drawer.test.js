// What the drawer says of data: numbers as words, classes by their group.

import assert from "node:assert/strict";
import test from "node:test";

import { groupOf } from "../../app/components/drawer/facts.js";
import { duration, factor, listed, memory, optimumOf, plural, whole } from "../../app/components/stage/core/words.js";
import { jsonOf } from "./fixtures.js";

const { durations, memories, groups, bounds } = jsonOf("drawer.json");

test("lengths of time and amounts of memory are said as Python says them", () => {
  for (const [seconds, words] of durations) assert.equal(duration(seconds), words);
  for (const [bytes, words] of memories) assert.equal(memory(bytes), words);
});

test("classes are in the groups of the literature", () => {
  for (const [count, group] of groups) assert.equal(groupOf(count, bounds), group);
});

test("of many names the first ones are listed", () => {
  assert.equal(listed(["a", "b"]), "a, b");
  assert.equal(listed(["a", "b", "c"], 2), "a, b and 1 more");
});

test("counts are words", () => {
  assert.equal(plural(1, "class", "classes"), "1 class");
  assert.equal(plural(8142, "class", "classes"), "8,142 classes");
  assert.equal(whole(1280), "1,280");
  assert.equal(factor(1280 / 5), "256");
  assert.equal(factor(130 / 3), "43.3");
});

test("a prediction of runs together claims no batches that are not all theirs", () => {
  const of = (batch) => ({ classes: { predicted: { batch, tied: false } } });
  assert.equal(optimumOf([of(64), of(64), { classes: null }]), "optimum predicted for batches of 64");
  assert.equal(optimumOf([of(64), of(null)]), "optimum predicted for batches that differ from run to run");
});
