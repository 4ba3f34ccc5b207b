// What tests/test_javascript.py wrote for these tests, and random numbers that are the same in every run.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";

/** A fixture's bytes, as an ArrayBuffer of their own. */
export function bytesOf(name) {
  assert.ok(process.env.BCL_FIXTURES, "run these tests by tests/test_javascript.py, which makes their fixtures");
  return new Uint8Array(readFileSync(join(process.env.BCL_FIXTURES, name))).buffer;
}

/** A fixture's JSON. Numbers that JSON does not have are texts: Number reads them. */
export function jsonOf(name) {
  return JSON.parse(new TextDecoder().decode(bytesOf(name)));
}

/** A function that draws numbers from 0 to 1 (the minimal standard generator of Park and Miller). */
export function random(seed) {
  let state = seed + 1;
  const draw = () => (state = (state * 48271) % 2147483647) / 2147483647;
  for (let i = 0; i < 10; i++) draw();
  return draw;
}
