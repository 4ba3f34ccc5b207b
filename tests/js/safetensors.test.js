import assert from "node:assert/strict";
import test from "node:test";

import { FormatError, parse } from "../../app/components/stage/core/safetensors.js";
import { bytesOf, jsonOf, random } from "./fixtures.js";

function file(header, data = 0) {
  const text = new TextEncoder().encode(typeof header === "string" ? header : JSON.stringify(header));
  const bytes = new Uint8Array(8 + text.length + data);
  new DataView(bytes.buffer).setBigUint64(0, BigInt(text.length), true);
  bytes.set(text, 8);
  return bytes.buffer;
}

function floats(from, to, shape = [(to - from) / 4]) {
  return { dtype: "F32", shape, data_offsets: [from, to] };
}

function refuses(buffer, message) {
  assert.throws(() => parse(buffer), (error) => error instanceof FormatError && message.test(error.message));
}

test("every dtype is read as numpy wrote it", () => {
  const { arrays } = parse(bytesOf("arrays.safetensors"));
  const expected = jsonOf("arrays.json");
  assert.deepEqual(Object.keys(arrays).sort(), Object.keys(expected).sort());
  for (const [name, [shape, values]] of Object.entries(expected)) {
    assert.deepEqual(arrays[name].shape, shape, name);
    assert.deepEqual(Array.from(arrays[name].data), values.map(Number), name);
  }
});

test("arrays have the types that the pictures draw from", () => {
  const { arrays } = parse(bytesOf("arrays.safetensors"));
  const types = Object.entries(arrays).map(([name, { data }]) => `${name} ${data.constructor.name}`);
  assert.deepEqual(types.sort(), [
    "double Float64Array",
    "empty Float32Array",
    "flags Uint8Array",
    "half Float32Array",
    "int16 Int16Array",
    "int32 Int32Array",
    "int64 Int32Array",
    "int8 Int8Array",
    "scalar Float32Array",
    "single Float32Array",
    "uint8 Uint8Array",
  ]);
});

test("metadata is text, accents and all", () => {
  const { metadata } = parse(bytesOf("arrays.safetensors"));
  assert.equal(metadata.name, "Größe “9”");
  assert.deepEqual(JSON.parse(metadata.metrics), { accuracy: 0.5 });
});

test("a file may hold no array and no metadata", () => {
  assert.deepEqual(parse(file("{}")), { arrays: {}, metadata: {} });
});

test("aligned arrays are views of the file, others are copied and right all the same", () => {
  const header = { a: floats(0, 8) };
  const padding = (size) => JSON.stringify(header) + " ".repeat(size);
  const seen = [0, 1, 2, 3].map((size) => {
    const buffer = file(padding(size), 8);
    new DataView(buffer).setFloat32(buffer.byteLength - 4, 1.5, true);
    const { data } = parse(buffer).arrays.a;
    assert.deepEqual([...data], [0, 1.5]);
    return data.buffer === buffer;
  });
  assert.deepEqual(seen.sort(), [false, false, false, true]);
});

test("an empty array may lie where another begins", () => {
  for (const header of [{ a: floats(0, 0), b: floats(0, 4) }, { b: floats(0, 4), a: floats(0, 0) }]) {
    assert.deepEqual(parse(file(header, 4)).arrays.a, { data: new Float32Array(0), shape: [0] });
  }
});

test("a name of JavaScript's own is a name like any other", () => {
  const { arrays } = parse(file('{"__proto__": {"dtype": "U8", "shape": [1], "data_offsets": [0, 1]}}', 1));
  assert.deepEqual(Object.keys(arrays), ["__proto__"]);
  refuses(file('{"a": {"dtype": "constructor", "shape": [1], "data_offsets": [0, 1]}}', 1), /dtype constructor/);
});

test("a file that is cut short anywhere is refused", () => {
  const whole = bytesOf("arrays.safetensors");
  for (let length = 0; length < whole.byteLength; length++) {
    assert.throws(() => parse(whole.slice(0, length)), FormatError, `${length} bytes`);
  }
});

test("garbage is refused, and by nothing but FormatError", () => {
  const draw = random(1);
  const whole = new Uint8Array(bytesOf("arrays.safetensors"));
  for (let round = 0; round < 500; round++) {
    const noise = Uint8Array.from({ length: 64 }, () => 256 * draw());
    assert.throws(() => parse(noise.buffer), FormatError);
    const damaged = whole.slice();
    damaged[Math.floor(600 * draw())] = 256 * draw();
    try {
      parse(damaged.buffer);
    } catch (error) {
      assert.ok(error instanceof FormatError, error.stack);
    }
  }
});

test("what is wrong is said in a sentence", () => {
  const brokenText = file({ __metadata__: { name: "é" } });
  new Uint8Array(brokenText)[8 + '{"__metadata__":{"name":"'.length] = 0x80;
  refuses(new ArrayBuffer(3), /ends after 3 bytes/);
  refuses(Uint8Array.of(255, 255, 255, 255, 255, 255, 255, 127).buffer, /would take 9223372036854775807 bytes/);
  refuses(file("not json"), /not JSON/);
  refuses(brokenText, /not JSON/);
  refuses(file("[1]"), /not a table/);
  refuses(file("null"), /not a table/);
  refuses(file({ __metadata__: { a: 1 } }), /metadata/);
  refuses(file({ __metadata__: "a" }), /metadata/);
  refuses(file({ a: 3 }), /nothing about the array a/);
  refuses(file({ a: { dtype: "BF16", shape: [1], data_offsets: [0, 2] } }, 2), /dtype BF16/);
  refuses(file({ a: { dtype: "F32", shape: "4", data_offsets: [0, 4] } }, 4), /shape of the array a/);
  refuses(file({ a: floats(0, 4, [-1]) }, 4), /shape of the array a/);
  refuses(file({ a: floats(0, 4, [1.5]) }, 4), /shape of the array a/);
  refuses(file({ a: { dtype: "F32", shape: [1] } }, 4), /no first and last byte/);
  refuses(file({ a: floats(8, 4, [1]) }, 8), /needs 4 bytes for its shape 1 and has -4/);
  refuses(file({ a: floats(0, 8, [1]) }, 8), /needs 4 bytes for its shape 1 and has 8/);
  refuses(file({ a: floats(0, 4, [2, 3]) }, 4), /needs 24 bytes for its shape 2 × 3 and has 4/);
  refuses(file({ a: floats(0, 4, [2 ** 53 - 1, 2 ** 53 - 1]) }, 4), /needs/);
  refuses(file({ a: floats(0, 8), b: floats(4, 12) }, 12), /array b overlaps/);
  refuses(file({ a: floats(0, 4), b: floats(8, 12) }, 12), /array b leaves a gap/);
  refuses(file({ a: floats(0, 4) }, 2), /truncated: its arrays take 4 bytes, 2 are there/);
  refuses(file({ a: floats(0, 4) }, 9), /goes on for 5 bytes/);
});

test("an integer that does not fit 32 bits is refused, and so is a dtype that no picture draws from", () => {
  refuses(bytesOf("too_large.safetensors"), /array labels holds 2147483648/);
  refuses(bytesOf("unknown_dtype.safetensors"), /array word has dtype U16/);
});
