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

const DTYPES = [[Float32Array, "F32"], [Int32Array, "I32"], [Int16Array, "I16"], [Uint8Array, "U8"]];

/** A safetensors file. @param {Object<string, {data: TypedArray, shape: number[]}>} arrays */
export function safetensors(arrays, metadata = {}) {
  let end = 0;
  const described = Object.entries(arrays).map(([name, { data, shape }]) => {
    const [, dtype] = DTYPES.find(([Kind]) => data instanceof Kind);
    return [name, { dtype, shape, data_offsets: [end, (end += data.byteLength)] }];
  });
  const header = JSON.stringify({ __metadata__: metadata, ...Object.fromEntries(described) });
  const text = new TextEncoder().encode(header.padEnd(Math.ceil(header.length / 8) * 8));
  const file = new Uint8Array(8 + text.length + end);
  new DataView(file.buffer).setUint32(0, text.length, true);
  file.set(text, 8);
  for (const [name, { data_offsets: [from] }] of described) {
    const { data } = arrays[name];
    file.set(new Uint8Array(data.buffer, data.byteOffset, data.byteLength), 8 + text.length + from);
  }
  return file.buffer;
}
