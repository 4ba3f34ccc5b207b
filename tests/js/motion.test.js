import assert from "node:assert/strict";
import { test } from "node:test";
import { LENGTH, anglesAt, epochAt, mean, spread } from "../../app/components/angle_columns/motion.js";

const FRAMES = [[0, 90], [10, 80], [40, 70]];

test("the play starts at the first epoch, ends at the last, and never goes back", () => {
  assert.equal(epochAt(-1, 60), 0);
  assert.equal(epochAt(LENGTH, 60), 60);
  assert.equal(epochAt(2 * LENGTH, 60), 60);
  const epochs = Array.from({ length: 100 }, (_, i) => epochAt((i * LENGTH) / 99, 60));
  assert.ok(epochs.every((epoch, i) => i === 0 || epoch >= epochs[i - 1]));
});

test("at a whole epoch the angles are that epoch's, between two they lie between", () => {
  assert.deepEqual(anglesAt(FRAMES, 0), [0, 90]);
  assert.deepEqual(anglesAt(FRAMES, 2), [40, 70]);
  assert.deepEqual(anglesAt(FRAMES, 1.5), [25, 75]);
});

test("dots spread over the whole width, no two in one place", () => {
  const places = Array.from({ length: 45 }, (_, i) => spread(i)).sort((a, b) => a - b);
  const gaps = places.slice(1).map((place, i) => place - places[i]);
  assert.ok(Math.min(...gaps) > 0.005 && Math.max(...gaps) < 0.05);
});

test("the mean is the sum over the number", () => assert.equal(mean([1, 2, 6]), 3));
