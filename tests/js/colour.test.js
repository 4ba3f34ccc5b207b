import assert from "node:assert/strict";
import test from "node:test";

import * as colour from "../../app/components/stage/core/colour.js";
import { jsonOf } from "./fixtures.js";

const palette = jsonOf("palette.json");

test("colours are read and written as they stand in the palette", () => {
  assert.deepEqual(colour.hexToRgb("#8F3B00"), [143, 59, 0]);
  for (const hex of palette.classes) assert.equal(colour.rgbToHex(colour.hexToRgb(hex)), hex.toLowerCase());
  assert.equal(colour.rgbToHex([0.4, 15.6, 254.5]), "#0010ff");
});

test("a scale passes through its stops and is linear between them", () => {
  const at = colour.scale(palette.stops);
  for (const [place, hex] of palette.stops) assert.deepEqual(at(place), colour.hexToRgb(hex));
  palette.stops.slice(1).forEach(([place, hex], i) => {
    const [before, hexBefore] = palette.stops[i];
    const [a, b] = [colour.hexToRgb(hexBefore), colour.hexToRgb(hex)];
    const middle = at(before + (place - before) / 4);
    middle.forEach((channel, c) => assert.ok(Math.abs(channel - (0.75 * a[c] + 0.25 * b[c])) < 1e-9));
  });
});

test("beyond its ends a scale keeps the end's colour, and what is no number has none", () => {
  const at = colour.scale(palette.stops);
  assert.deepEqual(at(-3), at(0));
  assert.deepEqual(at(Infinity), at(1));
  assert.equal(at(NaN), null);
});

test("the scale of deviations ends where the palette says", () => {
  assert.equal(colour.DEVIATION_LIMIT, palette.limit);
});

test("mixing goes from the one colour to the other in equal steps", () => {
  assert.deepEqual(colour.mix([0, 100, 200], [100, 0, 200], 0), [0, 100, 200]);
  assert.deepEqual(colour.mix([0, 100, 200], [100, 0, 200], 0.25), [25, 75, 200]);
  assert.deepEqual(colour.mix([0, 100, 200], [100, 0, 200], 1), [100, 0, 200]);
});
