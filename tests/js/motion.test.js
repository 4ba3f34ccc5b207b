import assert from "node:assert/strict";
import { test } from "node:test";
import { LENGTH, between, placeAt } from "../../app/components/start/motion.js";

const FRAMES = [[0, 90], [10, 80], [40, 70]];

test("the play starts at the first epoch, ends at the last, and never goes back", () => {
  assert.equal(placeAt(-1, 60), 0);
  assert.equal(placeAt(LENGTH, 60), 60);
  assert.equal(placeAt(2 * LENGTH, 60), 60);
  const places = Array.from({ length: 100 }, (_, i) => placeAt((i * LENGTH) / 99, 60));
  assert.ok(places.every((place, i) => i === 0 || place >= places[i - 1]));
});

test("at a whole epoch the angles are that epoch's, between two they lie between", () => {
  assert.deepEqual(between(FRAMES, 0), [0, 90]);
  assert.deepEqual(between(FRAMES, 2), [40, 70]);
  assert.deepEqual(between(FRAMES, 1.5), [25, 75]);
});
